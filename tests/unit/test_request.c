/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/request.h"

static const char *const bad_methods[] = { "", "get", "GET ", "G\r\nT", "CONNECT", "TRACE",
	"ABCDEFGHIJKLMNOPQRSTU", "G1" };

START_TEST(methods_that_are_no_methods_are_refused)
{
	ck_assert_int_eq(fetch_method_check(bad_methods[_i]), -EINVAL);
}
END_TEST

START_TEST(usual_and_unusual_methods_pass)
{
	ck_assert_int_eq(fetch_method_check("GET"), 0);
	ck_assert_int_eq(fetch_method_check("PROPFIND"), 0);
	ck_assert_int_eq(fetch_method_check("VERSION-CONTROL"), 0);
}
END_TEST

static const struct {
	const char *name;
	const char *value;
	int expected;
} fields[] = {
	{ "X-Token", "abc\tdef", 0 },
	{ "Accept", "", 0 },
	{ "!#$%&'*+-.^_`|~09az", "\xc3\xa4", 0 },
	{ "", "x", -EINVAL },
	{ "X Y", "x", -EINVAL },
	{ "X:Y", "x", -EINVAL },
	{ "X-\xc3\xa4", "x", -EINVAL },
	{ "X", "a\r\nEvil: b", -EINVAL },
	{ "X", "a\nb", -EINVAL },
	{ "X\r\nEvil", "b", -EINVAL },
	{ "X", "a\x7f", -EINVAL },
	{ "Host", "x", -EPERM },
	{ "host", "x", -EPERM },
	{ "Content-Length", "1", -EPERM },
	{ "transfer-encoding", "chunked", -EPERM },
	{ "Connection", "close", -EPERM },
	{ "Keep-Alive", "1", -EPERM },
	{ "Proxy-Authorization", "x", -EPERM },
	{ "Expect", "100-continue", -EPERM },
	{ "TE", "trailers", -EPERM },
	{ "Trailer", "x", -EPERM },
	{ "Upgrade", "h2c", -EPERM },
	{ "HTTP2-Settings", "x", -EPERM },
};

START_TEST(fields_are_checked)
{
	ck_assert_int_eq(
		fetch_header_check(fields[_i].name, fields[_i].value), fields[_i].expected);
}
END_TEST

START_TEST(secrets_are_not_safe_for_another_origin)
{
	ck_assert(!fetch_header_is_safe("Authorization"));
	ck_assert(!fetch_header_is_safe("Cookie"));
	ck_assert(!fetch_header_is_safe("X-Api-Key"));
	ck_assert(fetch_header_is_safe("accept"));
	ck_assert(fetch_header_is_safe("User-Agent"));
	ck_assert(fetch_header_is_safe("content-encoding"));
}
END_TEST

START_TEST(some_fields_describe_the_body)
{
	ck_assert(fetch_header_is_of_content("Content-Type"));
	ck_assert(fetch_header_is_of_content("content-digest"));
	ck_assert(fetch_header_is_of_content("Last-Modified"));
	ck_assert(!fetch_header_is_of_content("Accept"));
	ck_assert(!fetch_header_is_of_content("X-Content-Type"));
}
END_TEST

START_TEST(methods_without_effect_are_safe)
{
	ck_assert(fetch_method_is_safe("GET"));
	ck_assert(fetch_method_is_safe("HEAD"));
	ck_assert(fetch_method_is_safe("OPTIONS"));
	ck_assert(!fetch_method_is_safe("PUT"));
	ck_assert(!fetch_method_is_safe("POST"));
	ck_assert(!fetch_method_is_safe("DELETE"));
}
END_TEST

static const struct {
	int status;
	const char *method;
	const char *next;
	bool with_body;
} redirects[] = {
	{ 301, "GET", "GET", true },
	{ 301, "POST", "GET", false },
	{ 302, "POST", "GET", false },
	{ 302, "PUT", "PUT", true },
	{ 303, "POST", "GET", false },
	{ 303, "PUT", "GET", false },
	{ 303, "HEAD", "HEAD", true },
	{ 307, "POST", "POST", true },
	{ 308, "POST", "POST", true },
};

START_TEST(a_redirect_changes_the_method_as_the_standard_says)
{
	bool with_body;

	ck_assert_str_eq(
		fetch_redirect_method(redirects[_i].status, redirects[_i].method, &with_body),
		redirects[_i].next);
	ck_assert_int_eq(with_body, redirects[_i].with_body);
}
END_TEST

START_TEST(only_five_statuses_redirect)
{
	int n = 0;

	for (int status = 100; status < 1000; status++) {
		n += fetch_status_is_redirect(status);
	}

	ck_assert_int_eq(n, 5);
	ck_assert(!fetch_status_is_redirect(304));
	ck_assert(fetch_status_is_redirect(308));
}
END_TEST

START_TEST(what_changes_things_is_not_sent_twice)
{
	ck_assert(fetch_method_is_idempotent("GET"));
	ck_assert(fetch_method_is_idempotent("PUT"));
	ck_assert(!fetch_method_is_idempotent("POST"));
	ck_assert(!fetch_method_is_idempotent("PATCH"));
}
END_TEST

START_TEST(every_word_has_its_name)
{
	ck_assert_str_eq(fetch_outcome_name(FETCH_CANCELLED), "cancelled");
	ck_assert_str_eq(fetch_error_name(FETCH_ERROR_INTERNAL), "internal");
	ck_assert_str_eq(fetch_cancel_reason_name(FETCH_CANCEL_SHUTDOWN), "shutdown");
	for (unsigned i = 1; i < FETCH_N_ERRORS; i++) {
		ck_assert_uint_gt(strlen(fetch_error_name(i)), 0);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, methods_that_are_no_methods_are_refused, 0, ARRAY_LEN(bad_methods));
	tcase_add_test(tc, usual_and_unusual_methods_pass);
	tcase_add_loop_test(tc, fields_are_checked, 0, ARRAY_LEN(fields));
	tcase_add_test(tc, secrets_are_not_safe_for_another_origin);
	tcase_add_test(tc, some_fields_describe_the_body);
	tcase_add_test(tc, methods_without_effect_are_safe);
	tcase_add_loop_test(
		tc, a_redirect_changes_the_method_as_the_standard_says, 0, ARRAY_LEN(redirects));
	tcase_add_test(tc, only_five_statuses_redirect);
	tcase_add_test(tc, what_changes_things_is_not_sent_twice);
	tcase_add_test(tc, every_word_has_its_name);
	suite_add_tcase(suite, tc);
	return suite;
}
