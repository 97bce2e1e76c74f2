/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/transfer/head.h"

static int
read_lines(struct fetch_head *head, const char *const *lines)
{
	int r = 0;

	for (; *lines && r == 0; lines++) {
		r = fetch_head_read(head, *lines, strlen(*lines));
	}
	return r;
}

#define READ(head, ...) read_lines((head), (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_head_says_where_the_body_ends)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 200 OK\r\n", "content-LENGTH: \t 42 \r\n"), 0);
	ck_assert(!head.is_whole);
	ck_assert_int_eq(READ(&head, "\r\n"), 0);

	ck_assert(head.is_whole);
	ck_assert_int_eq(head.status, 200);
	ck_assert_int_eq(head.announced, 42);
	ck_assert(fetch_head_misses_more(&head, 41));
	ck_assert(!fetch_head_misses_more(&head, 42));
	fetch_head_fini(&head);
}
END_TEST

static const char *const bad_lengths[] = { "Content-Length:\r\n", "Content-Length: x\r\n",
	"Content-Length: -1\r\n", "Content-Length: +1\r\n", "Content-Length: 1, 1\r\n",
	"Content-Length: 1 1\r\n", "Content-Length: 0x10\r\n" };

START_TEST(a_length_that_is_no_number_is_refused)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 200 OK\r\n", bad_lengths[_i]), -EBADMSG);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(another_protocol_was_not_asked_for)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 103 Early Hints\r\n", "\r\n"), 0);
	ck_assert_int_eq(READ(&head, "HTTP/1.1 101 Switching Protocols\r\n"), -EPROTO);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(two_lengths_must_be_one)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n",
				 "Content-Length: 05\r\n"),
		0);
	ck_assert_int_eq(READ(&head, "Content-Length: 6\r\n"), -EBADMSG);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(a_length_beyond_all_numbers_is_the_largest)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(
		READ(&head, "HTTP/1.1 200 OK\r\n", "Content-Length: 99999999999999999999999\r\n"),
		0);
	ck_assert_int_eq(head.announced, INT64_MAX);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(chunks_overrule_the_length)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n",
				 "Transfer-Encoding: chunked\r\n", "\r\n"),
		0);
	ck_assert(!fetch_head_misses_more(&head, 0));
	fetch_head_fini(&head);
}
END_TEST

START_TEST(informational_responses_are_forgotten)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 103 Early Hints\r\n", "Location: /early\r\n",
				 "Content-Length: 9\r\n", "\r\n"),
		0);
	ck_assert(!head.is_whole);
	ck_assert_int_eq(
		READ(&head, "HTTP/2 302 \r\n", "Location: /a b\r\n", "Location: /c\r\n", "\r\n"),
		0);

	ck_assert(head.is_whole);
	ck_assert_int_eq(head.announced, -1);
	ck_assert_str_eq(head.location, "/a b");
	fetch_head_fini(&head);
}
END_TEST

START_TEST(trailers_change_nothing)
{
	struct fetch_head head = FETCH_HEAD_INIT;

	ck_assert_int_eq(READ(&head, "HTTP/1.1 200 OK\r\n", "\r\n", "Content-Length: x\r\n",
				 "Location: /trailer\r\n", "\r\n"),
		0);
	ck_assert_int_eq(head.announced, -1);
	ck_assert_ptr_null(head.location);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(heads_are_bounded_over_all_responses)
{
	struct fetch_head head = FETCH_HEAD_INIT;
	static char line[FETCH_HEAD_MAX];
	int n = 0;

	while (READ(&head, "HTTP/1.1 100 Continue\r\n", "\r\n") == 0) {
		n++;
	}
	ck_assert_int_eq(n, FETCH_FIELDS_MAX / 2);
	fetch_head_fini(&head);

	memset(line, 'x', sizeof(line));
	ck_assert_int_eq(fetch_head_read(&head, line, sizeof(line)), 0);
	ck_assert_int_eq(fetch_head_read(&head, "\r\n", 2), -EMSGSIZE);
	fetch_head_fini(&head);
}
END_TEST

START_TEST(some_responses_have_no_body)
{
	ck_assert(fetch_head_has_body(200, "GET"));
	ck_assert(fetch_head_has_body(404, "POST"));
	ck_assert(!fetch_head_has_body(200, "HEAD"));
	ck_assert(!fetch_head_has_body(204, "GET"));
	ck_assert(!fetch_head_has_body(304, "GET"));
	ck_assert(!fetch_head_has_body(103, "GET"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("head");
	TCase *tc = tcase_create("lines");

	tcase_add_test(tc, a_head_says_where_the_body_ends);
	tcase_add_loop_test(tc, a_length_that_is_no_number_is_refused, 0, ARRAY_LEN(bad_lengths));
	tcase_add_test(tc, another_protocol_was_not_asked_for);
	tcase_add_test(tc, two_lengths_must_be_one);
	tcase_add_test(tc, a_length_beyond_all_numbers_is_the_largest);
	tcase_add_test(tc, chunks_overrule_the_length);
	tcase_add_test(tc, informational_responses_are_forgotten);
	tcase_add_test(tc, trailers_change_nothing);
	tcase_add_test(tc, heads_are_bounded_over_all_responses);
	tcase_add_test(tc, some_responses_have_no_body);
	suite_add_tcase(suite, tc);
	return suite;
}
