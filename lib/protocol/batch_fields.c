/* SPDX-License-Identifier: MIT */
/*
 * The table of batch fields. A row is a name, the shape of its value and a setter; everything that
 * is known about a field (range, words, what it needs the engine for) stands in its setter and
 * nowhere else.
 *
 * A URL without fields of its own points to the batch's options; one with fields gets a copy of
 * them, in which each of its fields replaces the batch's as a whole.
 */
#include "lib/protocol/batch_fields.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/buffer.h"
#include "lib/protocol/batch_builder.h"
#include "lib/protocol/fields.h"
#include "lib/protocol/regex.h"

#define DURATION    "a duration such as \"5s\" or \"250ms\""
#define COUNT       "an integer"
#define TRUTH       "true or false"
#define PEM_CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define PEM_KEY_END     "PRIVATE KEY-----"
#define STATUS_LIST "an array of statuses such as [\"2xx\", 404, \"300-399\"]"

static const struct field_range any_duration = { 1, BATCH_DURATION_MAX };

static const char *const policy_words[] = { "fail_fast", "collect", "first_success", NULL };
static const char *const capture_words[] = { "none", "sha256", "text", "base64", NULL };
static const char *const http_version_words[] = { "auto", "1.1", "2", NULL };
static const char *const tls_min_words[] = { "1.2", "1.3", NULL };
static const char *const method_words[] = { "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH",
	"DELETE", NULL };

/* RFC 9110 and libcurl own these; Host decides where a request goes, the others where it ends. */
static const char *const forbidden_headers[] = { "Host", "Content-Length", "Transfer-Encoding",
	"Connection", "Keep-Alive", "Expect", "TE", "Trailer", "Upgrade", "HTTP2-Settings", NULL };

static const struct batch_status_range success_range = { 200, 399 };
static const struct batch_status_range retry_ranges[] = { { 500, 599 }, { 429, 429 } };

const struct batch_statuses batch_default_expect = { &success_range, 1, "200-399" };

const struct batch_retries batch_default_retries = {
	.backoff_ns = 200 * UNITS_NS_PER_MS,
	.max_backoff_ns = 10 * UNITS_NS_PER_S,
	.on_connect = true,
	.on_timeout = true,
	.on_status = { retry_ranges, ARRAY_LEN(retry_ranges), "5xx, 429" },
};

static const struct batch_builder *
builder_of(const struct field_at *at)
{
	return at->fields->user;
}

/* Whether the engine can do @feature; a fault otherwise, since a field must never be ignored. */
static bool
has_feature(const struct field_at *at, const struct value *value, enum batch_feature feature)
{
	if (builder_of(at)->limits->features & feature) {
		return true;
	}
	field_fault(at, value, NULL, "not supported by this version");
	return false;
}

bool
batch_text_has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			return true;
		}
	}
	return false;
}

static bool
has_content(const struct field_at *at, const struct value *value, const char **ret_text)
{
	const char *text;

	if (!field_text(at, value, &text)) {
		return false;
	}
	if (!*text) {
		field_fault(at, value, NULL, "must not be empty");
		return false;
	}
	*ret_text = text;
	return true;
}

static void
set_kept_text(const struct field_at *at, const struct value *value, const char **out)
{
	const char *text;

	if (has_content(at, value, &text)) {
		*out = field_keep(at, text, value->text_len);
	}
}

/* ---- fields of the batch ---- */

static void
set_urls(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;

	if (value->type != VALUE_LIST) {
		field_wrong_type(at, value);
		return;
	}
	if (value->n == 0) {
		field_fault(at, value, NULL, "must have at least one URL");
	}
	builder->urls = value;
}

static void
set_name(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	const char *text;

	if (!has_content(at, value, &text)) {
		return;
	}
	if (value->text_len > BATCH_NAME_MAX) {
		field_fault(at, value, NULL, "must not be longer than %d bytes", BATCH_NAME_MAX);
	} else if (batch_text_has_control(text)) {
		field_fault(at, value, NULL, "must not contain control characters");
	} else {
		builder->batch->name = field_keep(at, text, value->text_len);
	}
}

static void
set_policy(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	size_t policy;

	if (field_word(at, value, policy_words, &policy)) {
		builder->batch->policy = (enum batch_policy)policy;
	}
}

static void
set_max_failures(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 0, INT64_MAX }, &n)) {
		builder->batch->max_failures = (uint64_t)n;
		builder->has_max_failures = true;
	}
}

static void
set_deadline(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;

	(void)field_duration(at, value, any_duration, &builder->batch->deadline_ns);
}

static void
set_concurrency(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 1, builder->limits->in_flight }, &n)) {
		builder->batch->concurrency = (uint32_t)n;
	}
}

static void
set_per_origin(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 1, builder->limits->per_origin }, &n)) {
		builder->batch->per_origin = (uint32_t)n;
	}
}

static void
set_dedupe(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	bool on;

	if (field_bool(at, value, &on) && (!on || has_feature(at, value, BATCH_FEATURE_DEDUPE))) {
		builder->batch->dedupe = on;
	}
}

static void
set_resume(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	bool on;

	if (field_bool(at, value, &on) && (!on || has_feature(at, value, BATCH_FEATURE_RESUME))) {
		builder->batch->resume = on;
	}
}

static void
set_rate(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	struct rate rate;
	const char *text;
	const char *why;

	if (!field_text(at, value, &text)) {
		return;
	}
	if (rate_parse(text, value->text_len, &rate, &why) < 0) {
		field_fault(at, value, NULL, "must be %s: %s", at->field->shape, why);
	} else if (has_feature(at, value, BATCH_FEATURE_RATE)) {
		builder->batch->rate = rate;
	}
}

static const struct field batch_rows[] = {
	{ "urls", "an array of URLs such as [\"https://example.org/\"]", false, set_urls },
	{ "name", "a string such as \"nightly check\"", true, set_name },
	{ "policy", "one of \"fail_fast\", \"collect\" and \"first_success\"", true, set_policy },
	{ "max_failures", COUNT, true, set_max_failures },
	{ "deadline", DURATION, true, set_deadline },
	{ "concurrency", COUNT, true, set_concurrency },
	{ "per_origin", COUNT, true, set_per_origin },
	{ "dedupe", TRUTH, true, set_dedupe },
	{ "rate", "a rate such as \"10/s\"", true, set_rate },
	{ "resume", TRUTH, true, set_resume },
};

const struct field_table batch_field_table = { batch_rows, ARRAY_LEN(batch_rows) };

/* ---- statuses ---- */

/* Three digits at @text, 100 to 599. */
static bool
take_status(const char *text, uint16_t *ret_status)
{
	if (text[0] < '1' || text[0] > '5' || !isdigit((unsigned char)text[1]) ||
		!isdigit((unsigned char)text[2])) {
		return false;
	}
	*ret_status = (uint16_t)((text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0');
	return true;
}

/* "404", "2xx", "200-399" */
static bool
parse_statuses(const char *text, size_t len, struct batch_status_range *ret_range)
{
	struct batch_status_range range;

	if (len == 3 && text[0] >= '1' && text[0] <= '5' && memcmp(text + 1, "xx", 2) == 0) {
		range.first = (uint16_t)((text[0] - '0') * 100);
		range.last = (uint16_t)(range.first + 99);
	} else if (len == 3 && take_status(text, &range.first)) {
		range.last = range.first;
	} else if (len != 7 || text[3] != '-' || !take_status(text, &range.first) ||
		   !take_status(text + 4, &range.last) || range.first > range.last) {
		return false;
	}
	*ret_range = range;
	return true;
}

static bool
read_status(const struct value *value, struct batch_status_range *ret_range)
{
	if (value->type == VALUE_INTEGER && value->integer >= 100 && value->integer <= 599) {
		ret_range->first = ret_range->last = (uint16_t)value->integer;
		return true;
	}
	return value->type == VALUE_STRING &&
	       parse_statuses(value->text, value->text_len, ret_range);
}

static void
describe_status(const struct value *value, struct buffer *out)
{
	if (out->len > 0) {
		buffer_puts(out, ", ");
	}
	if (value->type == VALUE_INTEGER) {
		buffer_printf(out, "%" PRId64, value->integer);
	} else {
		buffer_append(out, value->text, value->text_len);
	}
}

/* Reports an element of a list that is no status. */
static void
refuse_status(const struct field_at *list, const struct value *value, size_t index)
{
	const struct value_path path = { .parent = list->path, .index = index };
	const struct field_at at = { list->fields, list->field, &path };
	char description[80];

	field_fault(&at, value, NULL,
		"must be a status from 100 to 599, \"2xx\" or \"200-399\"; found %s",
		value_describe(value, description, sizeof(description)));
}

/*
 * A list of statuses; with @retries the words "connect" and "timeout" may be among them. Written to
 * *@ret_statuses (or *@retries) only when every element is good.
 */
static void
set_statuses(const struct field_at *at, const struct value *list, struct batch_retries *retries,
	struct batch_statuses *ret_statuses)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct batch_status_range *ranges;
	bool on_connect = false, on_timeout = false, all_good = true;
	const struct value *value;
	size_t n = 0, index = 0;

	if (list->type != VALUE_LIST || list->n == 0) {
		field_wrong_type(at, list);
		return;
	}
	ranges = field_alloc(at, list->n * sizeof(*ranges));
	if (!ranges) {
		return;
	}
	value_for_each(value, list) {
		if (retries && value_is_text(value, "connect")) {
			on_connect = true;
		} else if (retries && value_is_text(value, "timeout")) {
			on_timeout = true;
		} else if (read_status(value, &ranges[n])) {
			describe_status(value, &text);
			n++;
		} else {
			refuse_status(at, value, index);
			all_good = false;
		}
		index++;
	}
	if (!all_good) {
		return;
	}
	if (retries) {
		retries->on_connect = on_connect;
		retries->on_timeout = on_timeout;
	}
	buffer_puts(&text, "");
	*ret_statuses = (struct batch_statuses){
		.ranges = ranges,
		.n = n,
		.text = buffer_error(&text) < 0 ? NULL
						: field_keep(at, n ? text.data : "", text.len),
	};
	if (!ret_statuses->text) {
		at->fields->error = -ENOMEM;
	}
}

/* A query parameter has no types: "2xx,404" stands for the list. */
static void
set_statuses_from_text(
	const struct field_at *at, const struct value *value, struct batch_statuses *ret_statuses)
{
	struct value list = { .type = VALUE_LIST };
	const char *piece = value->text;

	while (piece) {
		const char *comma = strchr(piece, ',');
		struct value *item = value_new(at->fields->arena, VALUE_STRING);

		if (!item) {
			at->fields->error = -ENOMEM;
			return;
		}
		item->text_len = comma ? (size_t)(comma - piece) : strlen(piece);
		item->text = field_keep(at, piece, item->text_len);
		if (!item->text) {
			return;
		}
		value_append(&list, item);
		piece = comma ? comma + 1 : NULL;
	}
	set_statuses(at, &list, NULL, ret_statuses);
}

/* ---- nested objects: retries, assert, tls ---- */

static void
set_retries_max(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 0, BATCH_RETRIES_MAX }, &n) &&
		(n == 0 || has_feature(at, value, BATCH_FEATURE_RETRIES))) {
		retries->max = (uint32_t)n;
	}
}

static void
set_retries_backoff(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;

	(void)field_duration(at, value, any_duration, &retries->backoff_ns);
}

static void
set_retries_max_backoff(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;

	(void)field_duration(at, value, any_duration, &retries->max_backoff_ns);
}

static void
set_retries_on(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;

	set_statuses(at, value, retries, &retries->on_status);
}

static const struct field retries_rows[] = {
	{ "max", COUNT, false, set_retries_max },
	{ "backoff", DURATION, false, set_retries_backoff },
	{ "max_backoff", DURATION, false, set_retries_max_backoff },
	{ "on", "an array such as [\"connect\", \"timeout\", \"5xx\", 429]", false,
		set_retries_on },
};

static const struct field_table retries_table = { retries_rows, ARRAY_LEN(retries_rows) };

static void
set_contains(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_assert *assertion = target;

	set_kept_text(at, value, &assertion->contains);
}

static void
set_regex(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_assert *assertion = target;
	struct regex_error error;
	const char *text;
	int r;

	if (!has_content(at, value, &text)) {
		return;
	}
	r = regex_create(text, NULL, &error);
	if (r == -EINVAL) {
		field_fault(at, value, NULL, "no regular expression: at character %zu: %s",
			error.offset + 1, error.text);
	} else if (r < 0) {
		at->fields->error = r;
	} else {
		assertion->regex = field_keep(at, text, value->text_len);
	}
}

/* RFC 6901: empty, or parts that begin with "/"; "~" only as "~0" and "~1". */
static bool
is_json_pointer(const char *text)
{
	if (*text && *text != '/') {
		return false;
	}
	for (; *text; text++) {
		if (*text == '~' && text[1] != '0' && text[1] != '1') {
			return false;
		}
	}
	return true;
}

static void
set_assert_json(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_assert *assertion = target;
	struct batch_json_check *checks;
	const struct value *member;
	size_t n = 0;

	if (value->type != VALUE_MAP || value->n == 0) {
		field_wrong_type(at, value);
		return;
	}
	checks = field_alloc(at, value->n * sizeof(*checks));
	if (!checks) {
		return;
	}
	value_for_each(member, value) {
		if (!is_json_pointer(member->key)) {
			field_fault(at, member, NULL,
				"\"%s\" is no JSON pointer, such as \"/status\"", member->key);
			return;
		}
		checks[n].pointer = field_keep(at, member->key, member->key_len);
		checks[n].value = value_copy(at->fields->arena, member);
		if (!checks[n].value) {
			at->fields->error = -ENOMEM;
			return;
		}
		n++;
	}
	assertion->json = checks;
	assertion->n_json = n;
}

static const struct field assert_rows[] = {
	{ "contains", "a string such as \"all systems operational\"", false, set_contains },
	{ "regex", "a regular expression such as \"^ok\"", false, set_regex },
	{ "json", "an object of JSON pointers and values such as {\"/status\": \"ok\"}", false,
		set_assert_json },
};

static const struct field_table assert_table = { assert_rows, ARRAY_LEN(assert_rows) };

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

	if (field_word(at, value, tls_min_words, &word)) {
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
	const struct batch_credential *credential = builder_of(at)->batch->credentials;

	while (credential && strcmp(credential->name, name) != 0) {
		credential = credential->next;
	}
	return credential;
}

static const struct batch_credential *
keep_credential(const struct field_at *at, const char *name, const struct buffer *text)
{
	struct batch_description *batch = builder_of(at)->batch;
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
	const struct batch_limits *limits = builder_of(at)->limits;
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

	if (!has_content(at, value, &text)) {
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

	if (!has_content(at, value, &text)) {
		return;
	}
	if (!is_credential_name(text)) {
		field_fault(at, value, NULL, "must be %s, never a path", at->field->shape);
	} else if (has_feature(at, value, BATCH_FEATURE_TLS_CLIENT)) {
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
		(!on || has_feature(at, value, BATCH_FEATURE_TLS_REPORT))) {
		tls->report = on;
	}
}

static const struct field tls_rows[] = {
	{ "verify", TRUTH, false, set_tls_verify },
	{ "ca", "PEM text or the name of a credential", false, set_tls_ca },
	{ "min", "\"1.2\" or \"1.3\"", false, set_tls_min },
	{ "client", "the name of a credential", false, set_tls_client },
	{ "report", TRUTH, false, set_tls_report },
};

static const struct field_table tls_table = { tls_rows, ARRAY_LEN(tls_rows) };

/* Applies the table of a nested object to @value. */
static void
set_nested(const struct field_at *at, const struct value *value, const struct field_table *table,
	void *target)
{
	const struct field_use use = { table, target };

	fields_apply(at->fields, &(struct fields_map){
					 .map = value,
					 .path = at->path,
					 .shape = at->field->shape,
					 .uses = &use,
					 .n_uses = 1,
				 });
}

/* ---- fields of a URL, or of all URLs ---- */

static void
set_timeout(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	(void)field_duration(at, value, any_duration, &options->timeout_ns);
}

static void
set_attempt_timeout(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	(void)field_duration(at, value, any_duration, &options->attempt_timeout_ns);
}

static void
set_connect_timeout(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	(void)field_duration(at, value, any_duration, &options->connect_timeout_ns);
}

static void
set_method(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, method_words, &word)) {
		options->method = method_words[word];
	}
}

/* RFC 9110, section 5.6.2 */
static bool
is_token(const char *text)
{
	return *text && text[strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
					  "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool
is_forbidden_header(const char *name)
{
	const char *const *forbidden;

	for (forbidden = forbidden_headers; *forbidden; forbidden++) {
		if (strcasecmp(name, *forbidden) == 0) {
			return true;
		}
	}
	return strncasecmp(name, "Proxy-", 6) == 0;
}

/*
 * A tab may stand in a value, a line's end never: it would begin a header of the caller's
 * invention.
 */
static bool
is_header_value(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

static bool
is_among(const struct batch_header *headers, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcasecmp(headers[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Checks one member of "headers" and reports what is wrong with it. */
static bool
check_header(const struct field_at *at, const struct value *value,
	const struct batch_header *before, size_t n_before)
{
	const struct value_path path = {
		.parent = at->path,
		.key = value->key,
		.key_len = value->key_len,
	};
	const struct field_at here = { at->fields, at->field, &path };
	const char *text;

	if (!is_token(value->key)) {
		field_fault(&here, value, NULL,
			"a header's name has only letters, digits and !#$%%&'*+-.^_`|~");
	} else if (is_forbidden_header(value->key)) {
		field_fault(&here, value, NULL, "this header is set by fetchd and cannot be given");
	} else if (is_among(before, n_before, value->key)) {
		field_fault(
			&here, value, NULL, "this header was there before; case does not count");
	} else if (value->type != VALUE_STRING) {
		char description[80];

		field_fault(&here, value, NULL, "must be a string; found %s",
			value_describe(value, description, sizeof(description)));
	} else if (field_text(&here, value, &text) && !is_header_value(text)) {
		field_fault(&here, value, NULL, "must not contain line ends or control characters");
	} else {
		return true;
	}
	return false;
}

static void
set_headers(const struct field_at *at, const struct value *map, void *target)
{
	struct batch_options *options = target;
	struct batch_header *headers;
	const struct value *value;
	size_t n = 0, bytes = 0;
	bool all_good = true;

	if (map->type != VALUE_MAP) {
		field_wrong_type(at, map);
		return;
	}
	if (map->n > BATCH_HEADERS_MAX) {
		field_fault(
			at, map, NULL, "at most %d headers, found %zu", BATCH_HEADERS_MAX, map->n);
		return;
	}
	headers = field_alloc(at, map->n * sizeof(*headers));
	if (!headers) {
		return;
	}
	value_for_each(value, map) {
		if (!check_header(at, value, headers, n)) {
			all_good = false;
			continue;
		}
		bytes += value->key_len + value->text_len;
		headers[n].name = field_keep(at, value->key, value->key_len);
		headers[n].value = field_keep(at, value->text, value->text_len);
		if (!headers[n].name || !headers[n].value) {
			return;
		}
		n++;
	}
	if (bytes > BATCH_HEADER_BYTES) {
		field_fault(at, map, NULL, "at most %d bytes of headers", BATCH_HEADER_BYTES);
	} else if (all_good) {
		options->headers = headers;
		options->n_headers = n;
	}
}

static void
set_body(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	const char *text;

	if (field_text(at, value, &text)) {
		options->body = field_keep(at, text, value->text_len);
		options->body_len = value->text_len;
	}
}

static void
set_expect(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	if (at->fields->text) {
		set_statuses_from_text(at, value, &options->expect);
	} else {
		set_statuses(at, value, NULL, &options->expect);
	}
}

static void
set_redirects(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 0, BATCH_REDIRECT_MAX }, &n)) {
		options->redirects = (uint32_t)n;
	}
}

static void
set_retries(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_retries retries = batch_default_retries;

	set_nested(at, value, &retries_table, &retries);
	if (retries.backoff_ns > retries.max_backoff_ns) {
		field_fault(
			at, value, NULL, "backoff is longer than max_backoff (10s if not given)");
	}
	options->retries = retries;
}

static void
set_max_body(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	(void)field_size(at, value, (struct field_range){ 0, builder_of(at)->limits->body },
		&options->max_body);
}

static void
set_capture(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, capture_words, &word)) {
		options->capture = (enum batch_capture)word;
	}
}

static void
set_assert(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_assert assertion = { NULL };

	if (has_feature(at, value, BATCH_FEATURE_ASSERT)) {
		set_nested(at, value, &assert_table, &assertion);
		options->assertion = assertion;
	}
}

static void
set_hedge(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	int64_t ns;

	if (field_duration(at, value, any_duration, &ns) &&
		has_feature(at, value, BATCH_FEATURE_HEDGE)) {
		options->hedge_ns = ns;
	}
}

static void
set_http_version(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, http_version_words, &word) &&
		(word != BATCH_HTTP_2 || has_feature(at, value, BATCH_FEATURE_HTTP_2))) {
		options->http_version = (enum batch_http_version)word;
	}
}

static void
set_tls(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_tls tls = { .verify = true };

	set_nested(at, value, &tls_table, &tls);
	options->tls = tls;
}

static const struct field option_rows[] = {
	{ "timeout", DURATION, true, set_timeout },
	{ "attempt_timeout", DURATION, true, set_attempt_timeout },
	{ "connect_timeout", DURATION, true, set_connect_timeout },
	{ "method", "one of GET, HEAD, OPTIONS, POST, PUT, PATCH and DELETE, in capitals", true,
		set_method },
	{ "headers", "an object of strings such as {\"Accept\": \"text/html\"}", false,
		set_headers },
	{ "body", "a string", true, set_body },
	{ "expect", STATUS_LIST, true, set_expect },
	{ "redirects", COUNT, true, set_redirects },
	{ "retries", "an object such as {\"max\": 2, \"backoff\": \"200ms\"}", false, set_retries },
	{ "max_body", "a size such as \"64KiB\" or \"10MiB\"", true, set_max_body },
	{ "capture", "one of \"none\", \"sha256\", \"text\" and \"base64\"", true, set_capture },
	{ "assert", "an object such as {\"contains\": \"ok\"}", false, set_assert },
	{ "hedge", DURATION, true, set_hedge },
	{ "http_version", "one of \"auto\", \"1.1\" and \"2\"", true, set_http_version },
	{ "tls", "an object such as {\"verify\": false}", false, set_tls },
};

const struct field_table batch_option_table = { option_rows, ARRAY_LEN(option_rows) };

const char *
batch_policy_name(enum batch_policy policy)
{
	return policy_words[policy];
}

int
batch_policy_find(const char *name)
{
	int i;

	for (i = 0; policy_words[i]; i++) {
		if (strcmp(policy_words[i], name) == 0) {
			return i;
		}
	}
	return -ENOENT;
}
