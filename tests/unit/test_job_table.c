/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "client/view/job_table.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"

static const struct style plain = { false, false };

static struct value_tree *
parse(const char *text)
{
	struct value_tree *tree = NULL;
	struct json_error error;

	ck_assert_int_eq(json_parse(text, strlen(text), &tree, &error), 0);
	return tree;
}

START_TEST(time_left_is_told_in_two_units)
{
	static const struct {
		int64_t seconds;
		const char *expected;
	} cases[] = { { -5, "0s" }, { 0, "0s" }, { 59, "59s" }, { 60, "1m00s" }, { 3599, "59m59s" },
		{ 3600, "1h00m" }, { 86399, "23h59m" }, { 86400, "1d00h" }, { 1000000, "11d13h" } };
	char text[TEXT_TIME_MAX];

	ck_assert_str_eq(text_left(cases[_i].seconds, text), cases[_i].expected);
}
END_TEST

START_TEST(a_moment_that_no_calendar_has_is_a_dash)
{
	char text[TEXT_MOMENT_MAX];

	ck_assert_str_eq(text_moment(INT64_MAX, text), "-");
}
END_TEST

START_TEST(what_has_no_name_or_state_is_no_job)
{
	static const char *const texts[] = { "3", "[]", "{}", "{\"name\":\"a\"}",
		"{\"name\":1,\"state\":\"waiting\"}" };
	_cleanup_(value_tree_destroyp) struct value_tree *tree = parse(texts[_i]);
	struct job_record job;

	ck_assert_int_eq(job_record_from_value(tree->root, &job), -EINVAL);
}
END_TEST

START_TEST(a_paused_job_has_no_next_run)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse("{\"name\":\"a\",\"state\":\"paused\",\"next\":null,\"every\":\"1h\"}");
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct job_record job;

	ck_assert_int_eq(job_record_from_value(tree->root, &job), 0);
	job_put(&out, &job, 0, &plain);

	ck_assert(!job.has_next);
	ck_assert_str_eq(out.data, "a: paused\nschedule: every 1h\nno runs yet\n");
}
END_TEST

START_TEST(names_are_never_cut_and_cannot_steer_the_terminal)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree =
		parse("[{\"name\":\"a-name-of-some-length\",\"state\":\"waiting\",\"cron\":\"* * * "
		      "* *\"},"
		      "{\"name\":\"e\\u001bvil\",\"state\":\"waiting\"}, 7]");
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	job_put_table(&out, tree->root, 0, &plain);

	ck_assert_ptr_nonnull(strstr(out.data, "\na-name-of-some-length  waiting  -"));
	ck_assert_ptr_nonnull(strstr(out.data, "cron * * * * *\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\ne?vil                  waiting  -"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("job_table");
	TCase *tc = tcase_create("jobs");

	tcase_add_loop_test(tc, time_left_is_told_in_two_units, 0, 9);
	tcase_add_test(tc, a_moment_that_no_calendar_has_is_a_dash);
	tcase_add_loop_test(tc, what_has_no_name_or_state_is_no_job, 0, 5);
	tcase_add_test(tc, a_paused_job_has_no_next_run);
	tcase_add_test(tc, names_are_never_cut_and_cannot_steer_the_terminal);
	suite_add_tcase(suite, tc);
	return suite;
}
