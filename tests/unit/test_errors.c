/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <nursery/errors.h>

#include <errno.h>
#include <string.h>

/* All of the library's own, first and last. */
enum {
	FIRST_CODE = NUR_ENESTEDRUN,
	LAST_CODE = NUR_ECANCELED
};

START_TEST(each_code_has_a_text_of_its_own)
{
	for (int code = FIRST_CODE; code <= LAST_CODE; code++) {
		ck_assert_str_ne(nur_strerror(code), "unknown error");
		for (int other = code + 1; other <= LAST_CODE; other++) {
			ck_assert_str_ne(nur_strerror(code), nur_strerror(other));
		}
	}
}
END_TEST

START_TEST(codes_of_the_system_have_the_systems_text)
{
	ck_assert_str_eq(nur_strerror(-ENOENT), strerrordesc_np(ENOENT));
}
END_TEST

START_TEST(other_numbers_have_a_text_too)
{
	ck_assert_str_eq(nur_strerror(FIRST_CODE - 1), "unknown error");
	ck_assert_str_eq(nur_strerror(-4000), "unknown error");
	ck_assert_str_eq(nur_strerror(0), "success");
	ck_assert_str_eq(nur_strerror(7), "success");
}
END_TEST

START_TEST(a_failure_outside_a_task_is_its_code)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(nur_fail(-EIO, "nobody keeps this"), -EIO);
	ck_assert_int_eq(nur_fail_with(-EIO, &errors), -EIO);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_cut_and_its_length_known)
{
	struct nur_errors errors = { .n_cancelled = 2, .n_lost = 3 };
	char whole[128], part[10];
	size_t len = nur_errors_format(&errors, whole, sizeof(whole));

	ck_assert_str_eq(whole, "2 cancelled\n3 more, lost for lack of memory\n");
	ck_assert_uint_eq(len, strlen(whole));
	ck_assert_uint_eq(nur_errors_format(&errors, part, sizeof(part)), len);
	ck_assert_str_eq(part, "2 cancell");
	ck_assert_uint_eq(nur_errors_format(&errors, NULL, 0), len);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("errors");
	TCase *tcase = tcase_create("errors");

	tcase_add_test(tcase, each_code_has_a_text_of_its_own);
	tcase_add_test(tcase, codes_of_the_system_have_the_systems_text);
	tcase_add_test(tcase, other_numbers_have_a_text_too);
	tcase_add_test(tcase, a_failure_outside_a_task_is_its_code);
	tcase_add_test(tcase, a_text_that_does_not_fit_is_cut_and_its_length_known);
	suite_add_tcase(suite, tcase);
	return suite;
}
