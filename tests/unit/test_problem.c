/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "daemon/api/problem.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/faults.h"
#include "tests/support/process.h"

static const struct fault_place nowhere = { .line = 0 };

START_TEST(a_problem_says_what_kind_and_what_in_this_case)
{
	struct buffer out = BUFFER_INIT;
	struct problem problem = {
		.code = PROBLEM_QUOTA,
		.detail = "user 1000 has 100 batches running, at most 100 are allowed",
		.request_id = "r-7",
	};

	problem_write(&problem, &out);

	ck_assert_int_eq(buffer_error(&out), 0);
	ck_assert_str_eq(out.data,
		"{\"type\":\"urn:fetchd:problem:quota\",\"title\":\"A quota is used "
		"up\",\"status\":429,"
		"\"detail\":\"user 1000 has 100 batches running, at most 100 are allowed\","
		"\"code\":\"quota\",\"request_id\":\"r-7\"}\n");
	buffer_fini(&out);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	struct buffer out = BUFFER_INIT;
	struct faults faults = FAULTS_INIT;
	struct problem problem = { .code = PROBLEM_NOT_FOUND, .faults = &faults };

	problem_write(&problem, &out);

	ck_assert_str_eq(out.data,
		"{\"type\":\"urn:fetchd:problem:not_found\",\"title\":\"There is no such "
		"thing\",\"status\":404,\"code\":\"not_found\"}\n");
	buffer_fini(&out);
}
END_TEST

START_TEST(faults_become_errors_with_their_places)
{
	struct buffer out = BUFFER_INIT;
	struct faults faults = FAULTS_INIT;
	struct problem problem = { .code = PROBLEM_INVALID_BATCH, .faults = &faults };
	struct fault_place known = { .line = 3, .column = 9, .suggestion = "urls" };

	faults_add(&faults, &known, "unknown field \"%s\"", "urs");
	faults_add(&faults, &nowhere, "no field \"urls\"");
	faults.source = "a.yaml";
	faults_add(&faults, &nowhere, "and a \"quoted\" \xff byte");
	problem_write(&problem, &out);

	ck_assert_ptr_nonnull(strstr(out.data,
		"\"errors\":[{\"pointer\":\"\",\"line\":3,\"column\":9,"
		"\"detail\":\"unknown field \\\"urs\\\"\",\"suggestion\":\"urls\"},"
		"{\"pointer\":\"\",\"detail\":\"no field \\\"urls\\\"\"},"
		"{\"source\":\"a.yaml\",\"pointer\":\"\",\"detail\":\"and a \\\"quoted\\\" "
		"\xef\xbf\xbd byte\"}]}"));
	faults_fini(&faults);
	buffer_fini(&out);
}
END_TEST

START_TEST(faults_that_were_too_many_are_counted)
{
	struct buffer out = BUFFER_INIT;
	struct faults faults = FAULTS_INIT;
	struct problem problem = { .code = PROBLEM_INVALID_BATCH, .faults = &faults };

	for (int i = 0; i < FAULTS_MAX + 7; i++) {
		faults_add(&faults, &nowhere, "fault %d", i);
	}
	problem_write(&problem, &out);

	ck_assert_ptr_nonnull(strstr(out.data, "\"fault 99\"}],\"errors_omitted\":7}"));
	faults_fini(&faults);
	buffer_fini(&out);
}
END_TEST

START_TEST(every_code_has_a_phrase_and_a_general_code)
{
	enum problem_code code = (enum problem_code)_i;
	int status = problem_status(code);

	ck_assert_int_ge(status, 400);
	ck_assert_int_eq(problem_status(problem_of_status(status)), status);
	ck_assert_uint_gt(strlen(problem_reason_phrase(status)), 0);
	ck_assert_uint_gt(strlen(problem_title(code)), 0);
	ck_assert_uint_gt(strlen(problem_name(code)), 0);
}
END_TEST

START_TEST(statuses_of_the_request_parser_have_codes_of_their_own)
{
	ck_assert_int_eq(problem_of_status(400), PROBLEM_BAD_REQUEST);
	ck_assert_int_eq(problem_of_status(413), PROBLEM_TOO_LARGE);
	ck_assert_int_eq(problem_of_status(414), PROBLEM_URI_TOO_LONG);
	ck_assert_int_eq(problem_of_status(417), PROBLEM_EXPECTATION_FAILED);
	ck_assert_int_eq(problem_of_status(431), PROBLEM_HEADER_TOO_LARGE);
	ck_assert_int_eq(problem_of_status(501), PROBLEM_NOT_IMPLEMENTED);
	ck_assert_int_eq(problem_of_status(505), PROBLEM_VERSION_NOT_SUPPORTED);
	ck_assert_int_eq(problem_of_status(499), PROBLEM_INTERNAL);
	ck_assert_str_eq(problem_reason_phrase(299), "");
}
END_TEST

START_TEST(the_manual_has_them_all)
{
	_cleanup_(fclosep) FILE *file = fopen(T_SOURCE_ROOT "/docs/man/fetchd.8.scd", "re");
	_cleanup_(buffer_fini) struct buffer manual = BUFFER_INIT;
	char line[64];

	ck_assert_ptr_nonnull(file);
	t_read_fd(fileno(file), &manual);
	for (int i = 0; i < PROBLEM_N_CODES; i++) {
		enum problem_code code = (enum problem_code)i;

		(void)snprintf(line, sizeof(line), "\n|  _%s_\n:  %d\n", problem_name(code),
			problem_status(code));
		ck_assert_msg(strstr(manual.data, line) != NULL, "no %s", line);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("problem");
	TCase *tc = tcase_create("writing");

	tcase_add_test(tc, a_problem_says_what_kind_and_what_in_this_case);
	tcase_add_test(tc, what_is_not_known_is_left_out);
	tcase_add_test(tc, faults_become_errors_with_their_places);
	tcase_add_test(tc, faults_that_were_too_many_are_counted);
	suite_add_tcase(suite, tc);

	tc = tcase_create("table");
	tcase_add_loop_test(tc, every_code_has_a_phrase_and_a_general_code, 0, PROBLEM_N_CODES);
	tcase_add_test(tc, statuses_of_the_request_parser_have_codes_of_their_own);
	tcase_add_test(tc, the_manual_has_them_all);
	suite_add_tcase(suite, tc);
	return suite;
}
