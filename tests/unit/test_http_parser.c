/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/http_parser.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

/* One parser, the bytes of a connection, and what came of them. */
struct run {
	struct http_parser parser;
	struct buffer body;
	size_t n_slices;
	size_t consumed;
};

static void
run_open(struct run *run)
{
	*run = (struct run){ .body = BUFFER_INIT };
	ck_assert_int_eq(http_parser_init(&run->parser), 0);
}

static void
run_fini(struct run *run)
{
	http_parser_fini(&run->parser);
	buffer_fini(&run->body);
}

/* Feeds @text from run->consumed on, at most @step bytes at a time, for one message. */
static int
feed(struct run *run, const char *text, size_t len, size_t step)
{
	bool in_body = false;
	int r = HTTP_NEED_MORE;

	while (run->consumed < len || in_body) {
		size_t n = len - run->consumed < step ? len - run->consumed : step;
		struct http_slice slice = { NULL, 0 };
		size_t consumed;

		r = in_body ? http_parser_feed_body(
				      &run->parser, text + run->consumed, n, &consumed, &slice)
			    : http_parser_feed_head(
				      &run->parser, text + run->consumed, n, &consumed);
		run->consumed += consumed;
		buffer_append(&run->body, slice.data, slice.len);
		run->n_slices += slice.len > 0;
		in_body = in_body || r == HTTP_HEAD_DONE;
		if (r < 0 || r == HTTP_BODY_DONE || (n == 0 && consumed == 0)) {
			break;
		}
	}
	return r;
}

static int
feed_text(struct run *run, const char *text)
{
	return feed(run, text, strlen(text), SIZE_MAX);
}

/* A head that must be refused: with the status, and a word of the reason. */
struct bad {
	const char *text;
	int status;
	const char *reason;
	size_t len; /* where the text contains NUL */
};

#define HOST "Host: x\r\n"

static const struct bad bads[] = {
	/* the request line */
	{ "GET /\r\n", 400, "request line" },
	{ "GET\r\n", 400, "request line" },
	{ "GET / HTTP/1.1\n", 400, "LF without CR" },
	{ "\r\n\r\nGET / HTTP/1.1\r\n", 400, "request line" },
	{ " GET / HTTP/1.1\r\n", 400, "token" },
	{ "GET  / HTTP/1.1\r\n", 400, "" },
	{ "GET /  HTTP/1.1\r\n", 400, "" },
	{ "GET / HTTP/1.1 \r\n", 400, "" },
	{ "GET / x HTTP/1.1\r\n", 400, "" },
	{ "GET\t/\tHTTP/1.1\r\n", 400, "" },
	{ "G(T / HTTP/1.1\r\n", 400, "token" },
	{ "GET / http/1.1\r\n", 400, "HTTP/1.1" },
	{ "GET / HTTP/1\r\n", 400, "HTTP/1.1" },
	{ "GET / HTTP/1.10\r\n", 400, "HTTP/1.1" },
	{ "GET / HTTP/11.1\r\n", 400, "HTTP/1.1" },
	{ "GET / HTTP/2.0\r\n", 505, "HTTP/1.1" },
	{ "PRI * HTTP/2.0\r\n", 505, "HTTP/1.1" },
	{ "GET / HTTP/0.9\r\n", 505, "HTTP/1.1" },
	{ "BREW / HTTP/1.1\r\n", 501, "method" },
	{ "get / HTTP/1.1\r\n", 501, "method" },
	{ "CONNECT a:1 HTTP/1.1\r\n", 501, "method" },
	{ "TRACE / HTTP/1.1\r\n", 501, "method" },
	/* the target */
	{ "GET * HTTP/1.1\r\n", 400, "target" },
	{ "GET x HTTP/1.1\r\n", 400, "target" },
	{ "GET ftp://x/ HTTP/1.1\r\n", 400, "target" },
	{ "GET http:///x HTTP/1.1\r\n", 400, "target" },
	{ "GET http://u@x/ HTTP/1.1\r\n", 400, "target" },
	{ "GET /# HTTP/1.1\r\n", 400, "percent-encoded" },
	{ "GET /\xc3\xa4 HTTP/1.1\r\n", 400, "percent-encoded" },
	{ "GET /\x01 HTTP/1.1\r\n", 400, "percent-encoded" },
	{ "GET /% HTTP/1.1\r\n", 400, "path" },
	{ "GET /%4 HTTP/1.1\r\n", 400, "path" },
	{ "GET /%4g HTTP/1.1\r\n", 400, "path" },
	{ "GET /a%00 HTTP/1.1\r\n", 400, "path" },
	{ "GET /a%0d%0a HTTP/1.1\r\n", 400, "path" },
	{ "GET /a%2fb HTTP/1.1\r\n", 400, "path" },
	{ "GET /%ff HTTP/1.1\r\n", 400, "path" },
	{ "GET /%c0%ae%c0%ae/ HTTP/1.1\r\n", 400, "path" },
	{ "GET /a/../b HTTP/1.1\r\n", 400, "\"..\"" },
	{ "GET /.. HTTP/1.1\r\n", 400, "\"..\"" },
	{ "GET /./b HTTP/1.1\r\n", 400, "\"..\"" },
	{ "GET /%2e%2E/b HTTP/1.1\r\n", 400, "\"..\"" },
	{ "GET http://x/a/.%2e HTTP/1.1\r\n", 400, "\"..\"" },
	{ "GET /?a=%0 HTTP/1.1\r\n", 400, "query" },
	{ "GET /?a=%00 HTTP/1.1\r\n", 400, "query" },
	{ "GET /?%ff HTTP/1.1\r\n", 400, "query" },
	/* fields */
	{ "GET / HTTP/1.1\r\nHost: x\n", 400, "LF without CR" },
	{ "GET / HTTP/1.1\r\nHost: x\rX: y\r\n", 400, "CR without LF" },
	{ "GET / HTTP/1.1\r\nHost: x\r\r\n", 400, "CR without LF" },
	{ "GET / HTTP/1.1\r\nHost: x\0y\r\n", 400, "NUL",
		sizeof("GET / HTTP/1.1\r\nHost: x\0y\r\n") - 1 },
	{ "GET /\0 HTTP/1.1\r\n", 400, "NUL", sizeof("GET /\0 HTTP/1.1\r\n") - 1 },
	{ "GET / HTTP/1.1\r\nHost: x\r\n y\r\n", 400, "folded" },
	{ "GET / HTTP/1.1\r\n\tHost: x\r\n", 400, "folded" },
	{ "GET / HTTP/1.1\r\nHost : x\r\n", 400, "token" },
	{ "GET / HTTP/1.1\r\n: x\r\n", 400, "token" },
	{ "GET / HTTP/1.1\r\nHo st: x\r\n", 400, "token" },
	{ "GET / HTTP/1.1\r\nH\xc3\xb6: x\r\n", 400, "token" },
	{ "GET / HTTP/1.1\r\nHost\r\n", 400, "colon" },
	{ "GET / HTTP/1.1\r\nA: \x01\r\n", 400, "control" },
	{ "GET / HTTP/1.1\r\nA: \x7f\r\n", 400, "control" },
	/* Host */
	{ "GET / HTTP/1.1\r\n\r\n", 400, "Host" },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, "Host" },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host" },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host" },
	{ "GET / HTTP/1.1\r\nHost: u@b\r\n\r\n", 400, "Host" },
	/* framing */
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400, "number" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400, "number" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400, "number" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\n", 400, "number" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400, "number" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400, "empty" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 413,
		"larger" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 413, "larger" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400,
		"twice" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n", 400,
		"twice" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
		"twice" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400,
		"twice" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
		400, "twice" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501,
		"chunked" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 501, "chunked" },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
	  "chunked\r\n\r\n",
		400, "control" },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0" },
	/* expectations */
	{ "POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", 417, "100-continue" },
	{ "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n", 417,
		"100-continue" },
};

static void
check_refused(const struct bad *bad, size_t step)
{
	struct run run;
	int r;

	run_open(&run);
	r = feed(&run, bad->text, bad->len ? bad->len : strlen(bad->text), step);

	ck_assert_msg(r == -EPROTO, "taken: %s", bad->text);
	ck_assert_msg(run.parser.status == bad->status, "%d %s: %s", run.parser.status,
		run.parser.reason, bad->text);
	ck_assert_msg(strstr(run.parser.reason, bad->reason) != NULL, "%s: %s", run.parser.reason,
		bad->text);
	run_fini(&run);
}

START_TEST(broken_heads_are_refused_however_they_arrive)
{
	check_refused(&bads[_i], SIZE_MAX);
	check_refused(&bads[_i], 1);
	check_refused(&bads[_i], 7);
}
END_TEST

START_TEST(an_error_stays)
{
	struct run run;
	size_t consumed;
	struct http_slice slice;

	run_open(&run);
	ck_assert_int_eq(feed_text(&run, "BREW / HTTP/1.1\r\n"), -EPROTO);

	ck_assert_int_eq(http_parser_feed_head(&run.parser, "GET", 3, &consumed), -EPROTO);
	ck_assert_uint_eq(consumed, 0);
	ck_assert_int_eq(http_parser_feed_body(&run.parser, "x", 1, &consumed, &slice), -EPROTO);
	ck_assert_int_eq(run.parser.status, 501);
	run_fini(&run);
}
END_TEST

static void
check_request(size_t step)
{
	static const char text[] =
		"\r\nPOST /v1/jobs/caf%C3%A9/run?limit=5&state=a+b%26c&flag&&=x HTTP/1.1\r\n"
		"Host: fetchd\r\nACCEPT:\t*/* \t\r\nX-Empty:\r\nX-Latin: \xe4\r\n"
		"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\nhello";
	struct run run;
	const struct http_request *request = &run.parser.request;

	run_open(&run);

	ck_assert_int_eq(feed(&run, text, strlen(text), step), HTTP_BODY_DONE);
	ck_assert_uint_eq(run.consumed, strlen(text));
	ck_assert_int_eq(request->method, HTTP_POST);
	ck_assert_str_eq(request->method_name, "POST");
	ck_assert_str_eq(request->target, "/v1/jobs/caf%C3%A9/run?limit=5&state=a+b%26c&flag&&=x");
	ck_assert_str_eq(request->path, "/v1/jobs/caf\xc3\xa9/run");
	ck_assert_uint_eq(request->n_params, 4);
	ck_assert_str_eq(http_request_param(request, "limit"), "5");
	ck_assert_str_eq(http_request_param(request, "state"), "a b&c");
	ck_assert_str_eq(http_request_param(request, "flag"), "");
	ck_assert_str_eq(http_request_param(request, ""), "x");
	ck_assert_ptr_null(http_request_param(request, "Limit"));
	ck_assert_uint_eq(request->n_fields, 6);
	ck_assert_str_eq(http_request_field(request, "accept"), "*/*");
	ck_assert_str_eq(http_request_field(request, "x-empty"), "");
	ck_assert_str_eq(http_request_field(request, "x-latin"), "\xe4");
	ck_assert_ptr_null(http_request_field(request, "Hos"));
	ck_assert(request->keep_alive);
	ck_assert(request->has_body);
	ck_assert(request->expects_continue);
	ck_assert_uint_eq(request->content_length, 5);
	ck_assert_str_eq(run.body.data, "hello");
	run_fini(&run);
}

START_TEST(a_request_is_the_same_however_it_arrives)
{
	check_request(SIZE_MAX);
	check_request(1);
	check_request(2);
	check_request(13);
}
END_TEST

struct target {
	const char *target;
	const char *path;
};

static const struct target targets[] = {
	{ "/", "/" },
	{ "//", "//" },
	{ "/a//b/", "/a//b/" },
	{ "/...", "/..." },
	{ "/.a/..b", "/.a/..b" },
	{ "/a+b", "/a+b" },
	{ "/%7E%41", "/~A" },
	{ "/a?b=../..", "/a" },
	{ "http://fetchd/v1", "/v1" },
	{ "HTTP://fetchd:80/v1?x", "/v1" },
	{ "https://[::1]/v1", "/v1" },
	{ "http://fetchd", "/" },
	{ "http://fetchd?x=y", "/" },
};

START_TEST(targets_become_paths)
{
	struct run run;
	char text[128];

	run_open(&run);
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[_i].target);

	ck_assert_int_eq(feed_text(&run, text), HTTP_BODY_DONE);
	ck_assert_str_eq(run.parser.request.path, targets[_i].path);
	ck_assert_str_eq(run.parser.request.target, targets[_i].target);
	run_fini(&run);
}
END_TEST

START_TEST(options_may_ask_about_everything)
{
	struct run run;

	run_open(&run);

	ck_assert_int_eq(feed_text(&run, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), HTTP_BODY_DONE);
	ck_assert_str_eq(run.parser.request.path, "*");
	run_fini(&run);
}
END_TEST

struct persistence {
	const char *text;
	bool keep_alive;
};

static const struct persistence persistences[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", true },
	{ "GET / HTTP/1.9\r\n" HOST "\r\n", true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\n", true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\n\r\n", true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: a ,CLOSE\r\n\r\n", false },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: a\r\nConnection: close\r\n\r\n", false },
	{ "GET / HTTP/1.0\r\n\r\n", false },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false },
};

START_TEST(the_connection_persists_when_both_want_it)
{
	struct run run;

	run_open(&run);

	ck_assert_int_eq(feed_text(&run, persistences[_i].text), HTTP_BODY_DONE);
	ck_assert_int_eq(run.parser.request.keep_alive, persistences[_i].keep_alive);
	run_fini(&run);
}
END_TEST

START_TEST(continue_is_expected_only_where_content_follows)
{
	struct run run;

	run_open(&run);
	ck_assert_int_eq(feed_text(&run, "GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"),
		HTTP_BODY_DONE);
	ck_assert(!run.parser.request.expects_continue);
	run_fini(&run);

	run_open(&run);
	ck_assert_int_eq(
		feed_text(&run,
			"PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx"),
		HTTP_BODY_DONE);
	ck_assert(!run.parser.request.expects_continue);
	run_fini(&run);
}
END_TEST

/* A head of exactly @len bytes, padded in one field or in the target. */
static char *
padded_head(size_t len, bool in_target)
{
	static const char before_target[] = "GET /";
	static const char after_target[] = " HTTP/1.1\r\n" HOST "X: ";
	size_t fixed = strlen(before_target) + strlen(after_target) + 4;
	char *text = malloc(len + 1);
	char *end = text;

	ck_assert_ptr_nonnull(text);
	end = mempcpy(end, before_target, strlen(before_target));
	if (in_target) {
		memset(end, 'a', len - fixed);
		end += len - fixed;
	}
	end = mempcpy(end, after_target, strlen(after_target));
	if (!in_target) {
		memset(end, 'a', len - fixed);
		end += len - fixed;
	}
	memcpy(end, "\r\n\r\n", 5);
	return text;
}

START_TEST(heads_of_16_kib_are_taken_and_no_more)
{
	static const size_t steps[] = { SIZE_MAX, 1, 1000 };
	_cleanup_(freep) char *most = padded_head(HTTP_MAX_HEAD, false);
	_cleanup_(freep) char *more = padded_head(HTTP_MAX_HEAD + 1, false);

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct run run;

		run_open(&run);
		ck_assert_int_eq(feed(&run, most, strlen(most), steps[i]), HTTP_BODY_DONE);
		run_fini(&run);

		run_open(&run);
		ck_assert_int_eq(feed(&run, more, strlen(more), steps[i]), -EPROTO);
		ck_assert_int_eq(run.parser.status, 431);
		run_fini(&run);
	}
}
END_TEST

START_TEST(request_lines_of_8_kib_are_taken_and_no_more)
{
	/* "GET /… HTTP/1.1\r\n" is what padded_head() makes, without Host and X */
	size_t rest = strlen(HOST "X: \r\n\r\n");
	_cleanup_(freep) char *most = padded_head(HTTP_MAX_REQUEST_LINE + rest, true);
	_cleanup_(freep) char *more = padded_head(HTTP_MAX_REQUEST_LINE + rest + 1, true);
	struct run run;

	run_open(&run);
	ck_assert_int_eq(feed_text(&run, most), HTTP_BODY_DONE);
	ck_assert_uint_eq(strlen(run.parser.request.path), HTTP_MAX_REQUEST_LINE - 15);
	run_fini(&run);

	run_open(&run);
	ck_assert_int_eq(feed(&run, more, strlen(more), 100), -EPROTO);
	ck_assert_int_eq(run.parser.status, 414);
	run_fini(&run);
}
END_TEST

START_TEST(ten_megabytes_of_head_end_at_the_limit)
{
	_cleanup_(freep) char *junk = malloc(10 << 20);
	struct run run;

	memset(junk, 'x', 10 << 20);
	run_open(&run);

	ck_assert_int_eq(feed(&run, junk, 10 << 20, 4096), -EPROTO);
	ck_assert_int_eq(run.parser.status, 414);
	ck_assert_uint_le(run.consumed, 3 * 4096);
	run_fini(&run);
}
END_TEST

static int
feed_fields(struct run *run, size_t n_fields)
{
	struct buffer text = BUFFER_INIT;
	int r;

	buffer_puts(&text, "GET / HTTP/1.1\r\n" HOST);
	for (size_t i = 1; i < n_fields; i++) {
		buffer_puts(&text, "A: b\r\n");
	}
	buffer_puts(&text, "\r\n");
	r = feed_text(run, text.data);
	buffer_fini(&text);
	return r;
}

START_TEST(fields_are_64_at_most)
{
	struct run run;

	run_open(&run);
	ck_assert_int_eq(feed_fields(&run, HTTP_MAX_FIELDS), HTTP_BODY_DONE);
	ck_assert_uint_eq(run.parser.request.n_fields, HTTP_MAX_FIELDS);
	run_fini(&run);

	run_open(&run);
	ck_assert_int_eq(feed_fields(&run, HTTP_MAX_FIELDS + 1), -EPROTO);
	ck_assert_int_eq(run.parser.status, 431);
	run_fini(&run);
}
END_TEST

static int
feed_params(struct run *run, size_t n_params)
{
	struct buffer text = BUFFER_INIT;
	int r;

	buffer_puts(&text, "GET /?");
	for (size_t i = 0; i < n_params; i++) {
		buffer_puts(&text, "a&");
	}
	buffer_puts(&text, " HTTP/1.1\r\n" HOST "\r\n");
	r = feed_text(run, text.data);
	buffer_fini(&text);
	return r;
}

START_TEST(query_parameters_are_64_at_most)
{
	struct run run;

	run_open(&run);
	ck_assert_int_eq(feed_params(&run, HTTP_MAX_PARAMS), HTTP_BODY_DONE);
	run_fini(&run);

	run_open(&run);
	ck_assert_int_eq(feed_params(&run, HTTP_MAX_PARAMS + 1), -EPROTO);
	ck_assert_int_eq(run.parser.status, 400);
	run_fini(&run);
}
END_TEST

/* --- content --- */

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"

struct content {
	const char *text;
	const char *body;
};

static const struct content contents[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", "" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "" },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 0003\r\n\r\nabc", "abc" },
	{ CHUNKED "0\r\n\r\n", "" },
	{ CHUNKED "3\r\nabc\r\n0\r\n\r\n", "abc" },
	{ CHUNKED "1\r\na\r\nA\r\n0123456789\r\n00\r\n\r\n", "a0123456789" },
	{ CHUNKED "3;name=value;q=\"a;b\"\r\nabc\r\n0;last\r\n\r\n", "abc" },
	{ CHUNKED "2\r\n\r\n\r\n0\r\n\r\n", "\r\n" },
	{ CHUNKED "3\r\nabc\r\n0\r\nTrailer: x\r\nEmpty:\r\n\r\n", "abc" },
};

START_TEST(content_is_found_however_it_arrives_and_not_a_byte_more)
{
	static const char next[] = "GET /next HTTP/1.1\r\n" HOST "\r\n";
	static const size_t steps[] = { SIZE_MAX, 1, 2, 3, 5 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct buffer text = BUFFER_INIT;
		struct run run;

		buffer_puts(&text, contents[_i].text);
		buffer_puts(&text, next);
		run_open(&run);
		ck_assert_int_eq(feed(&run, text.data, text.len, steps[i]), HTTP_BODY_DONE);
		ck_assert_uint_eq(run.consumed, strlen(contents[_i].text));
		ck_assert_str_eq(run.body.data ? run.body.data : "", contents[_i].body);
		ck_assert_uint_eq(run.parser.body_len, strlen(contents[_i].body));

		http_parser_next(&run.parser);
		ck_assert(http_parser_is_idle(&run.parser));
		ck_assert_int_eq(feed(&run, text.data, text.len, steps[i]), HTTP_BODY_DONE);
		ck_assert_str_eq(run.parser.request.path, "/next");
		ck_assert_uint_eq(run.consumed, text.len);
		run_fini(&run);
		buffer_fini(&text);
	}
}
END_TEST

static const struct bad bad_contents[] = {
	{ CHUNKED "\r\n", 400, "hexadecimal" },
	{ CHUNKED "x\r\n", 400, "hexadecimal" },
	{ CHUNKED "-1\r\n", 400, "hexadecimal" },
	{ CHUNKED "+1\r\n", 400, "hexadecimal" },
	{ CHUNKED "0x1\r\n", 400, "hexadecimal" },
	{ CHUNKED " 1\r\n", 400, "hexadecimal" },
	{ CHUNKED "1 \r\n", 400, "hexadecimal" },
	{ CHUNKED ";x\r\n", 400, "hexadecimal" },
	{ CHUNKED "1\n", 400, "hexadecimal" },
	{ CHUNKED "1\rx", 400, "missing" },
	{ CHUNKED "1;x\n", 400, "control" },
	{ CHUNKED "1;x\ry", 400, "missing" },
	{ CHUNKED "1\r\nab\r\n", 400, "missing" },
	{ CHUNKED "1\r\na\n", 400, "missing" },
	{ CHUNKED "1\r\na\rx", 400, "missing" },
	{ CHUNKED "FFFFFFFFFFFFFFFF\r\n", 413, "larger" },
	{ CHUNKED "8000000000000000\r\n", 413, "larger" },
	{ CHUNKED "00000000000000001\r\n", 400, "16 digits" },
	{ CHUNKED "0\r\n: x\r\n", 400, "token" },
	{ CHUNKED "0\r\n x: y\r\n", 400, "token" },
	{ CHUNKED "0\r\nx y: y\r\n", 400, "token" },
	{ CHUNKED "0\r\nx: y\n", 400, "control" },
	{ CHUNKED "0\r\nx: y\rz", 400, "missing" },
	{ CHUNKED "0\r\nx\r\n", 400, "token" },
	{ CHUNKED "0\r\n\rx", 400, "missing" },
	{ CHUNKED "0\r\n\n", 400, "token" },
};

START_TEST(broken_chunks_are_refused_however_they_arrive)
{
	check_refused(&bad_contents[_i], SIZE_MAX);
	check_refused(&bad_contents[_i], 1);
}
END_TEST

START_TEST(chunk_extensions_are_bounded_over_all_chunks)
{
	struct buffer text = BUFFER_INIT;
	struct run run;

	buffer_puts(&text, CHUNKED);
	for (int i = 0; i <= HTTP_MAX_CHUNK_EXTENSIONS / 8; i++) {
		buffer_puts(&text, "1;ext=1234\r\na\r\n");
	}
	run_open(&run);

	ck_assert_int_eq(feed(&run, text.data, text.len, 100), -EPROTO);
	ck_assert_int_eq(run.parser.status, 400);
	ck_assert_ptr_nonnull(strstr(run.parser.reason, "extensions"));
	run_fini(&run);
	buffer_fini(&text);
}
END_TEST

START_TEST(trailers_are_bounded)
{
	struct buffer text = BUFFER_INIT;
	struct run run;

	buffer_puts(&text, CHUNKED "0\r\n");
	while (text.len < HTTP_MAX_TRAILERS + 200) {
		buffer_puts(&text, "Trailer: value\r\n");
	}
	run_open(&run);

	ck_assert_int_eq(feed(&run, text.data, text.len, 100), -EPROTO);
	ck_assert_int_eq(run.parser.status, 431);
	run_fini(&run);
	buffer_fini(&text);
}
END_TEST

/* Feeds the head, sets the limit, feeds the rest. */
static int
feed_limited(struct run *run, const char *text, uint64_t max_body)
{
	size_t consumed;
	int r = http_parser_feed_head(&run->parser, text, strlen(text), &consumed);

	ck_assert_int_eq(r, HTTP_HEAD_DONE);
	run->parser.max_body = max_body;
	do {
		struct http_slice slice;

		text += consumed;
		r = http_parser_feed_body(&run->parser, text, strlen(text), &consumed, &slice);
	} while (r == HTTP_NEED_MORE && consumed > 0);
	return r;
}

START_TEST(content_over_the_limit_is_refused)
{
	static const char with_length[] =
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello";
	static const char with_chunks[] = CHUNKED "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
	struct run run;

	for (uint64_t limit = 4; limit <= 5; limit++) {
		int expected = limit < 5 ? -EPROTO : HTTP_BODY_DONE;

		run_open(&run);
		ck_assert_int_eq(feed_limited(&run, with_length, limit), expected);
		ck_assert_int_eq(run.parser.status, limit < 5 ? 413 : 0);
		run_fini(&run);

		run_open(&run);
		ck_assert_int_eq(feed_limited(&run, with_chunks, limit), expected);
		ck_assert_int_eq(run.parser.status, limit < 5 ? 413 : 0);
		run_fini(&run);
	}
}
END_TEST

START_TEST(slices_point_into_the_bytes_fed)
{
	static const char text[] = CHUNKED "3\r\nabc\r\n";
	struct run run;
	struct http_slice slice;
	size_t consumed;

	run_open(&run);
	ck_assert_int_eq(
		http_parser_feed_head(&run.parser, text, strlen(text), &consumed), HTTP_HEAD_DONE);
	ck_assert_int_eq(http_parser_feed_body(&run.parser, text + consumed,
				 strlen(text) - consumed, &consumed, &slice),
		HTTP_NEED_MORE);

	ck_assert_ptr_eq(slice.data, text + strlen(CHUNKED) + 3);
	ck_assert_uint_eq(slice.len, 3);
	run_fini(&run);
}
END_TEST

START_TEST(a_parser_is_idle_until_the_first_byte)
{
	struct run run;
	size_t consumed;

	run_open(&run);
	ck_assert(http_parser_is_idle(&run.parser));
	ck_assert_int_eq(http_parser_feed_head(&run.parser, "\r\n", 2, &consumed), HTTP_NEED_MORE);
	ck_assert(http_parser_is_idle(&run.parser));
	ck_assert_int_eq(http_parser_feed_head(&run.parser, "G", 1, &consumed), HTTP_NEED_MORE);
	ck_assert(!http_parser_is_idle(&run.parser));
	run_fini(&run);
	run_fini(&run); /* a zeroed one is fine */
	http_parser_fini(NULL);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("http_parser");
	TCase *tc = tcase_create("heads");

	tcase_add_test(tc, a_request_is_the_same_however_it_arrives);
	tcase_add_loop_test(tc, broken_heads_are_refused_however_they_arrive, 0, ARRAY_LEN(bads));
	tcase_add_loop_test(tc, targets_become_paths, 0, ARRAY_LEN(targets));
	tcase_add_loop_test(
		tc, the_connection_persists_when_both_want_it, 0, ARRAY_LEN(persistences));
	tcase_add_test(tc, options_may_ask_about_everything);
	tcase_add_test(tc, continue_is_expected_only_where_content_follows);
	tcase_add_test(tc, an_error_stays);
	tcase_add_test(tc, a_parser_is_idle_until_the_first_byte);
	suite_add_tcase(suite, tc);

	tc = tcase_create("limits");
	tcase_add_test(tc, heads_of_16_kib_are_taken_and_no_more);
	tcase_add_test(tc, request_lines_of_8_kib_are_taken_and_no_more);
	tcase_add_test(tc, ten_megabytes_of_head_end_at_the_limit);
	tcase_add_test(tc, fields_are_64_at_most);
	tcase_add_test(tc, query_parameters_are_64_at_most);
	tcase_add_test(tc, chunk_extensions_are_bounded_over_all_chunks);
	tcase_add_test(tc, trailers_are_bounded);
	tcase_add_test(tc, content_over_the_limit_is_refused);
	suite_add_tcase(suite, tc);

	tc = tcase_create("content");
	tcase_add_loop_test(tc, content_is_found_however_it_arrives_and_not_a_byte_more, 0,
		ARRAY_LEN(contents));
	tcase_add_loop_test(
		tc, broken_chunks_are_refused_however_they_arrive, 0, ARRAY_LEN(bad_contents));
	tcase_add_test(tc, slices_point_into_the_bytes_fed);
	suite_add_tcase(suite, tc);
	return suite;
}
