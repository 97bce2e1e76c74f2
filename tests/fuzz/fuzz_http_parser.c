/* SPDX-License-Identifier: MIT */
/*
 * The first byte says how the rest is cut. The input is a connection: requests until the first error. Fed
 * at once and fed in pieces it must mean the same, and what is promised of a request must hold.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/http_parser.h"
#include "lib/base/buffer.h"
#include "lib/protocol/utf8.h"
#include "tests/fuzz/always.h"

static bool
is_clean(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

static void
check_request(const struct http_request *request)
{
	static const char *const offers[] = { "application/json", "text/plain" };
	int offer = http_request_accepts(request, offers, 2);

	ALWAYS(offer >= -1 && offer <= 1);
	(void)http_request_prefers(request, "respond-async");
	ALWAYS(request->path[0] == '/' || strcmp(request->path, "*") == 0);
	ALWAYS(is_clean(request->path) && is_clean(request->target));
	ALWAYS(utf8_is_valid(request->path, strlen(request->path)));
	ALWAYS(!strstr(request->path, "/../") && !strstr(request->path, "/./"));
	ALWAYS(!request->is_chunked || request->content_length == 0);
	for (size_t i = 0; i < request->n_params; i++) {
		ALWAYS(is_clean(request->params[i].name) && is_clean(request->params[i].value));
	}
	for (size_t i = 0; i < request->n_fields; i++) {
		ALWAYS(request->fields[i].name[0] && is_clean(request->fields[i].value));
		(void)http_media_type_is(request->fields[i].value, "application/json");
	}
}

static void
note_request(const struct http_request *request, struct buffer *log)
{
	check_request(request);
	buffer_printf(log, "%s %s %s %zu %zu %d %d\n", request->method_name, request->target,
		request->path, request->n_fields, request->n_params, request->keep_alive,
		request->expects_continue);
}

/* Feeds everything in pieces of at most @step bytes and writes down what it meant. */
static void
run(const char *data, size_t len, size_t step, struct buffer *log)
{
	struct http_parser parser;
	size_t at = 0;
	bool in_body = false;
	int r = 0;

	ALWAYS(http_parser_init(&parser) == 0);
	while (r >= 0 && (at < len || in_body)) {
		size_t n = len - at < step ? len - at : step;
		struct http_slice slice = { NULL, 0 };
		size_t consumed;

		if (in_body) {
			r = http_parser_feed_body(&parser, data + at, n, &consumed, &slice);
			ALWAYS(r < 0 || n == 0 || consumed > 0 || r == HTTP_BODY_DONE);
		} else {
			r = http_parser_feed_head(&parser, data + at, n, &consumed);
			ALWAYS(r != HTTP_NEED_MORE || consumed == n);
		}
		ALWAYS(consumed <= n);
		at += consumed;
		buffer_append(log, slice.data, slice.len);
		if (r == HTTP_HEAD_DONE) {
			note_request(&parser.request, log);
			parser.max_body = 100000;
			in_body = true;
		} else if (r == HTTP_BODY_DONE) {
			buffer_printf(log, "\nend %llu\n", (unsigned long long)parser.body_len);
			http_parser_next(&parser);
			in_body = false;
		} else if (in_body && n == 0) {
			break;
		}
	}
	if (r < 0) {
		ALWAYS(parser.status >= 400 && parser.status < 600 && parser.reason);
		buffer_printf(log, "error %d %s\n", parser.status, parser.reason);
	}
	http_parser_fini(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer whole = BUFFER_INIT;
	struct buffer pieces = BUFFER_INIT;

	if (len == 0) {
		return 0;
	}
	run((const char *)data + 1, len - 1, SIZE_MAX, &whole);
	run((const char *)data + 1, len - 1, 1 + data[0] % 64, &pieces);

	ALWAYS(buffer_error(&whole) == 0 && buffer_error(&pieces) == 0);
	ALWAYS(whole.len == pieces.len);
	ALWAYS(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
	buffer_fini(&whole);
	buffer_fini(&pieces);
	return 0;
}
