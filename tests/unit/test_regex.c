/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/regex.h"

static int
match(const char *pattern, const char *text)
{
	_cleanup_(regex_destroyp) struct regex *regex = NULL;
	struct regex_error error;

	ck_assert_int_eq(regex_create(pattern, &regex, &error), 0);
	return regex_match(regex, text, strlen(text));
}

START_TEST(a_match_may_be_anywhere)
{
	ck_assert_int_eq(match("op.*al", "all systems operational"), 1);
	ck_assert_int_eq(match("^op", "all systems operational"), 0);
	ck_assert_int_eq(match("^$", ""), 1);
}
END_TEST

START_TEST(patterns_and_texts_are_utf_8)
{
	ck_assert_int_eq(match("^.$", "ü"), 1);
	ck_assert_int_eq(match("(?i)Ü", "ü"), 1);
}
END_TEST

START_TEST(bytes_that_are_no_utf_8_match_nothing_and_do_no_harm)
{
	ck_assert_int_eq(match("ok", "\xff\xfe ok"), 1);
	ck_assert_int_eq(match("^.$", "\xff"), 0);
}
END_TEST

START_TEST(a_fault_is_found_at_its_place)
{
	struct regex_error error;

	ck_assert_int_eq(regex_create("ab(c", NULL, &error), -EINVAL);
	ck_assert_uint_eq(error.offset, 4);
	ck_assert_ptr_nonnull(strstr(error.text, "parenthesis"));
}
END_TEST

START_TEST(deep_and_long_patterns_are_refused)
{
	struct regex_error error;
	char deep[2 * 33 + 1] = "";
	char *wide = calloc(1, REGEX_PATTERN_MAX + 2);

	memset(deep, '(', 33);
	memset(deep + 33, ')', 33);
	memset(wide, 'a', REGEX_PATTERN_MAX + 1);

	ck_assert_int_eq(regex_create(deep, NULL, &error), -EINVAL);
	ck_assert_int_eq(regex_create(wide, NULL, &error), -EINVAL);
	wide[REGEX_PATTERN_MAX] = '\0';
	ck_assert_int_eq(regex_create(wide, NULL, &error), 0);
	free(wide);
}
END_TEST

START_TEST(a_match_that_takes_too_long_is_given_up)
{
	ck_assert_int_eq(match("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), -E2BIG);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("regex");
	TCase *tc = tcase_create("regex");

	tcase_add_test(tc, a_match_may_be_anywhere);
	tcase_add_test(tc, patterns_and_texts_are_utf_8);
	tcase_add_test(tc, bytes_that_are_no_utf_8_match_nothing_and_do_no_harm);
	tcase_add_test(tc, a_fault_is_found_at_its_place);
	tcase_add_test(tc, deep_and_long_patterns_are_refused);
	tcase_add_test(tc, a_match_that_takes_too_long_is_given_up);
	suite_add_tcase(suite, tc);
	return suite;
}
