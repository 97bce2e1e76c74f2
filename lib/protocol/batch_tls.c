/* SPDX-License-Identifier: MIT */
/* The field "tls", and the credentials that it names. */
#include "lib/protocol/batch_setters.h"

#include <errno.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#define PEM_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define PEM_KEY_END     "PRIVATE KEY-----"

static const char *const min_words[] = { "1.2", "1.3", NULL };

static void
set_tls_verify(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_tls *tls = target;

	(void)field_bool(at, value, &tls->verify);
}

static void
set_tls_min(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_tls *tls = target;
	size_t word;

	if (field_word(at, value, at->field->words, &word)) {
		tls->min = word == 0 ? BATCH_TLS_1_2 : BATCH_TLS_1_3;
	}
}

/* A credential is a file in one directory, so its name must not lead out of it. */
static bool
is_credential_name(const char *text)
{
	return strlen(text) <= 255 && text[0] != '.' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_.-")] == '\0';
}

static const struct batch_credential *
find_credential(const struct field_at *at, const char *name)
{
	const struct batch_credential *credential = batch_builder_of(at)->batch->credentials;

	while (credential && strcmp(credential->name, name) != 0) {
		credential = credential->next;
	}
	return credential;
}

static const struct batch_credential *
keep_credential(const struct field_at *at, const char *name, const struct buffer *text)
{
	struct batch_description *batch = batch_builder_of(at)->batch;
	struct batch_credential *credential = field_alloc(at, sizeof(*credential));

	if (!credential) {
		return NULL;
	}
	*credential = (struct batch_credential){
		.next = batch->credentials,
		.name = field_keep(at, name, strlen(name)),
		.text = field_keep(at, text->len ? text->data : "", text->len),
	};
	if (!credential->name || !credential->text) {
		return NULL;
	}
	batch->credentials = credential;
	return credential;
}

/* The text of a credential, or NULL with a fault or an error. A hundred thousand URLs share it. */
static const char *
read_credential(const struct field_at *at, const struct value *value, const char *name)
{
	const struct batch_limits *limits = batch_builder_of(at)->limits;
	const struct batch_credential *credential = find_credential(at, name);
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	int r;

	if (!credential) {
		r = limits->read_credential ? limits->read_credential(name, &text) : -ENOENT;
		if (r == -ENOMEM) {
			at->fields->error = r;
			return NULL;
		}
		if (r < 0) {
			field_fault(at, value, NULL,
				r == -ENOENT ? "there is no credential \"%s\""
					     : "the credential \"%s\" cannot be read",
				name);
			return NULL;
		}
		credential = keep_credential(at, name, &text);
	}
	return credential ? credential->text : NULL;
}

static void
set_tls_ca(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_tls *tls = target;
	const char *text;

	if (!batch_take_content(at, value, &text)) {
		return;
	}
	if (strncmp(text, "-----BEGIN ", 11) == 0) {
		tls->ca = field_keep(at, text, value->text_len);
		return;
	}
	if (!is_credential_name(text)) {
		field_fault(at, value, NULL, "must be %s, never a path", at->field->shape);
		return;
	}
	tls->ca = read_credential(at, value, text);
	if (tls->ca && !strstr(tls->ca, PEM_CERTIFICATE)) {
		field_fault(
			at, value, NULL, "the credential \"%s\" has no certificate in PEM", text);
	}
}

static void
set_tls_client(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_tls *tls = target;
	const char *text;

	if (!batch_take_content(at, value, &text)) {
		return;
	}
	if (!is_credential_name(text)) {
		field_fault(at, value, NULL, "must be %s, never a path", at->field->shape);
	} else if (batch_has_feature(at, value, BATCH_FEATURE_TLS_CLIENT)) {
		tls->client = read_credential(at, value, text);
		if (tls->client && !(strstr(tls->client, PEM_CERTIFICATE) &&
					   strstr(tls->client, PEM_KEY_END))) {
			field_fault(at, value, NULL,
				"the credential \"%s\" has no certificate and key in PEM", text);
		}
	}
}

static void
set_tls_report(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_tls *tls = target;
	bool on;

	if (field_bool(at, value, &on) &&
		(!on || batch_has_feature(at, value, BATCH_FEATURE_TLS_REPORT))) {
		tls->report = on;
	}
}

static const struct field tls_rows[] = {
	{ "verify", FIELD_TRUTH_SHAPE, false, FIELD_BOOL, set_tls_verify },
	{ "ca", "PEM text or the name of a credential", false, FIELD_TEXT, set_tls_ca },
	{ "min", "\"1.2\" or \"1.3\"", false, FIELD_WORD, set_tls_min, .words = min_words },
	{ "client", "the name of a credential", false, FIELD_TEXT, set_tls_client },
	{ "report", FIELD_TRUTH_SHAPE, false, FIELD_BOOL, set_tls_report },
};

const struct field_table batch_tls_table = { tls_rows, ARRAY_LEN(tls_rows) };

void
batch_set_tls(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_tls tls = { .verify = true };

	batch_set_nested(at, value, &tls);
	options->tls = tls;
}
