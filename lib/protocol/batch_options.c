/* SPDX-License-Identifier: MIT */
/* The fields of a URL, or of all URLs. Those that are objects have files of their own. */
#include "lib/protocol/batch_setters.h"

#include "lib/base/cleanup.h"

static const char *const capture_words[] = { "none", "sha256", "text", "base64", NULL };
static const char *const http_version_words[] = { "auto", "1.1", "2", NULL };
static const char *const method_words[] = { "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH",
	"DELETE", NULL };

static const struct batch_status_range success_range = { 200, 399 };

const struct batch_statuses batch_default_expect = { &success_range, 1, "200-399" };

static void
set_method(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, at->field->words, &word)) {
		options->method = at->field->words[word];
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
		batch_set_statuses_from_text(at, value, &options->expect);
	} else {
		batch_set_statuses(at, value, NULL, &options->expect);
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
set_max_body(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;

	(void)field_size(at, value, (struct field_range){ 1, batch_builder_of(at)->limits->body },
		&options->max_body);
}

static void
set_capture(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, at->field->words, &word)) {
		options->capture = (enum batch_capture)word;
	}
}

static void
set_hedge(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	int64_t ns;

	if (field_duration(at, value, batch_any_duration, &ns) &&
		batch_has_feature(at, value, BATCH_FEATURE_HEDGE)) {
		options->hedge_ns = ns;
	}
}

static void
set_http_version(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	size_t word;

	if (field_word(at, value, at->field->words, &word) &&
		(word != BATCH_HTTP_2 || batch_has_feature(at, value, BATCH_FEATURE_HTTP_2))) {
		options->http_version = (enum batch_http_version)word;
	}
}

#define AT(member) .offset = offsetof(struct batch_options, member)

static const struct field option_rows[] = {
	{ "timeout", FIELD_DURATION_SHAPE, true, FIELD_DURATION, batch_set_duration,
		AT(timeout_ns) },
	{ "attempt_timeout", FIELD_DURATION_SHAPE, true, FIELD_DURATION, batch_set_duration,
		AT(attempt_timeout_ns) },
	{ "connect_timeout", FIELD_DURATION_SHAPE, true, FIELD_DURATION, batch_set_duration,
		AT(connect_timeout_ns) },
	{ "method", "one of GET, HEAD, OPTIONS, POST, PUT, PATCH and DELETE, in capitals", true,
		FIELD_WORD, set_method, .words = method_words },
	{ "headers", "an object of strings such as {\"Accept\": \"text/html\"}", false, FIELD_TEXTS,
		batch_set_headers },
	{ "body", "a string", true, FIELD_TEXT, set_body },
	{ "expect", "an array of statuses such as [\"2xx\", 404, \"300-399\"]", true,
		FIELD_STATUSES, set_expect },
	{ "redirects", FIELD_COUNT_SHAPE, true, FIELD_COUNT, set_redirects },
	{ "retries", "an object such as {\"max\": 2, \"backoff\": \"200ms\"}", false, FIELD_OBJECT,
		batch_set_retries, .table = &batch_retries_table },
	{ "max_body", "a size such as \"64KiB\" or \"10MiB\"", true, FIELD_SIZE, set_max_body },
	{ "capture", "one of \"none\", \"sha256\", \"text\" and \"base64\"", true, FIELD_WORD,
		set_capture, .words = capture_words },
	{ "assert", "an object such as {\"contains\": \"ok\"}", false, FIELD_OBJECT,
		batch_set_assert, .table = &batch_assert_table },
	{ "hedge", FIELD_DURATION_SHAPE, true, FIELD_DURATION, set_hedge },
	{ "http_version", "one of \"auto\", \"1.1\" and \"2\"", true, FIELD_WORD, set_http_version,
		.words = http_version_words },
	{ "tls", "an object such as {\"verify\": false}", false, FIELD_OBJECT, batch_set_tls,
		.table = &batch_tls_table },
};

#undef AT

const struct field_table batch_option_table = { option_rows, ARRAY_LEN(option_rows) };
