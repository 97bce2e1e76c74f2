/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "client/http_answer.h"
#include "lib/base/cleanup.h"

#define OK "HTTP/1.1 200 OK\r\n"

/* error  what feeding returns; done  whether the answer is whole when the connection ends */
static const struct {
	const char *text;
	int error;
	bool done;
	int status;
	const char *content;
} cases[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", 0, true, 200, "hello" },
	{ OK "content-length:5 \r\n\r\nhello, and more", 0, true, 200, "hello" },
	{ OK "Content-Length: 5\r\n\r\nhell", 0, false, 200, "hell" },
	{ OK "Content-Length: 0\r\n\r\n", 0, true, 200, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", 0, true,
		200, "hello!" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", 0, true, 200,
		"0123456789" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, false, 200, "hello" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 0, false, 200, "hello" },
	{ OK "\r\nto the end", 0, true, 200, "to the end" },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\n\r\nx", 0, true, 404, "x" },
	{ "HTTP/1.1 204 Nothing\r\n\r\n", 0, true, 204, "" },
	{ "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 0, true, 503, "" },
	{ "", 0, false, 0, "" },
	{ "HTTP/1.1 200", 0, false, 0, "" },
	{ OK "Content-Le", 0, false, 200, "" },
	{ "HTTP/2 200 OK\r\n", -EPROTO, false, 0, "" },
	{ "HTTP/1.1 20 OK\r\n", -EPROTO, false, 0, "" },
	{ "HTTP/1.1 2000 OK\r\n", -EPROTO, false, 0, "" },
	{ "SSH-2.0-OpenSSH\r\n", -EPROTO, false, 0, "" },
	{ OK "no colon\r\n", -EPROTO, false, 200, "" },
	{ OK "Content-Length: x\r\n", -EPROTO, false, 200, "" },
	{ OK "Content-Length: -1\r\n", -EPROTO, false, 200, "" },
	{ OK "Content-Length: 99999999999999999999\r\n", -EPROTO, false, 200, "" },
	{ OK "Content-Length: 1\r\nContent-Length: 1\r\n", -EPROTO, false, 200, "" },
	{ OK "Transfer-Encoding: gzip\r\n", -EPROTO, false, 200, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", -EPROTO, false, 200, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", -EPROTO, false, 200, "" },
	{ OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", -EPROTO, false, 200, "a" },
};

static int
feed(struct http_answer *answer, const char *text, size_t piece, struct buffer *content)
{
	size_t len = strlen(text);
	size_t at;
	int r = 0;

	for (at = 0; at < len && r == 0; at += piece) {
		r = http_answer_feed(
			answer, text + at, piece < len - at ? piece : len - at, content);
	}
	return r;
}

START_TEST(an_answer_is_the_same_however_it_is_cut)
{
	static const size_t pieces[] = { 1, 2, 7, 100000 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(pieces); i++) {
		struct http_answer answer = HTTP_ANSWER_INIT;
		struct buffer content = BUFFER_INIT;

		ck_assert_int_eq(
			feed(&answer, cases[_i].text, pieces[i], &content), cases[_i].error);
		if (!cases[_i].error) {
			ck_assert_int_eq(
				http_answer_close(&answer), cases[_i].done ? 0 : -ECONNRESET);
		}
		if (!cases[_i].error || cases[_i].status) {
			ck_assert_int_eq(answer.status, cases[_i].status);
		}
		ck_assert_str_eq(content.data ? content.data : "", cases[_i].content);

		buffer_fini(&content);
		http_answer_fini(&answer);
	}
}
END_TEST

START_TEST(fields_that_matter_are_kept)
{
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct buffer content = BUFFER_INIT;

	ck_assert_int_eq(feed(&answer,
				 OK "Content-Type: Application/Problem+JSON; charset=utf-8\r\n"
				    "retry-after: 12\r\nX-Other: 1\r\nContent-Length: 0\r\n\r\n",
				 1000, &content),
		0);

	ck_assert(http_answer_has_head(&answer));
	ck_assert_str_eq(answer.content_type, "application/problem+json");
	ck_assert_str_eq(answer.retry_after, "12");

	buffer_fini(&content);
	http_answer_fini(&answer);
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
	struct http_answer answer = HTTP_ANSWER_INIT;
	struct buffer content = BUFFER_INIT;
	char x[1024];
	int r = 0;
	int i;

	memset(x, 'x', sizeof(x));
	for (i = 0; i < 100 && r == 0; i++) {
		r = http_answer_feed(&answer, x, sizeof(x), &content);
	}

	ck_assert_int_eq(r, -EPROTO);
	ck_assert_int_le(i, HTTP_ANSWER_LINE_MAX / (int)sizeof(x) + 1);
	http_answer_fini(&answer);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("http_answer");
	TCase *tc = tcase_create("answers");

	tcase_add_loop_test(tc, an_answer_is_the_same_however_it_is_cut, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, fields_that_matter_are_kept);
	tcase_add_test(tc, a_line_without_end_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
