/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>

#include "daemon/schedule/interval.h"
#include "lib/base/cleanup.h"

#define S INT64_C(1000000000)

static const struct interval by_tens = { 10 * S, 3 * S };

static const struct {
	int64_t now;
	int64_t expected;
} firsts[] = {
	{ 0, 3 * S },
	{ 3 * S, 3 * S },
	{ 3 * S + 1, 13 * S },
	{ 10 * S, 13 * S },
	{ 12 * S, 13 * S },
	{ 13 * S, 13 * S },
	{ INT64_MAX, INT64_MAX },
};

START_TEST(the_first_start_is_the_next_point_of_the_phase)
{
	ck_assert_int_eq(interval_first(&by_tens, firsts[_i].now), firsts[_i].expected);
}
END_TEST

static const struct {
	int64_t due;
	int64_t now;
	int64_t expected;
} nexts[] = {
	{ 13 * S, 13 * S, 23 * S },
	{ 13 * S, 22 * S, 23 * S },
	{ 13 * S, 23 * S, 23 * S },
	{ 13 * S, 23 * S + 1, 33 * S },
	{ 13 * S, 1000 * S, 1003 * S },
	{ INT64_MAX - 1, INT64_MAX - 1, INT64_MAX },
};

START_TEST(points_that_have_passed_are_passed_over)
{
	ck_assert_int_eq(interval_next(&by_tens, nexts[_i].due, nexts[_i].now), nexts[_i].expected);
}
END_TEST

START_TEST(a_start_is_missed_when_the_next_one_has_come)
{
	ck_assert(!interval_is_missed(&by_tens, 13 * S, 13 * S));
	ck_assert(!interval_is_missed(&by_tens, 13 * S, 23 * S - 1));
	ck_assert(interval_is_missed(&by_tens, 13 * S, 23 * S));
}
END_TEST

START_TEST(the_phase_depends_on_the_name_alone)
{
	struct interval a = interval_of("health-1", 60 * S);
	struct interval again = interval_of("health-1", 60 * S);
	struct interval b = interval_of("health-2", 60 * S);

	ck_assert_int_eq(a.every_ns, 60 * S);
	ck_assert_int_eq(a.phase_ns, again.phase_ns);
	ck_assert_int_ne(a.phase_ns, b.phase_ns);
}
END_TEST

START_TEST(phases_of_similar_names_are_spread_over_the_interval)
{
	int in_tenth[10] = { 0 };

	for (int i = 0; i < 1000; i++) {
		struct interval interval;
		char name[32];

		(void)snprintf(name, sizeof(name), "job-%d", i);
		interval = interval_of(name, 60 * S);
		ck_assert_int_ge(interval.phase_ns, 0);
		ck_assert_int_lt(interval.phase_ns, 60 * S);
		in_tenth[interval.phase_ns / (6 * S)]++;
	}

	for (size_t i = 0; i < ARRAY_LEN(in_tenth); i++) {
		ck_assert_int_gt(in_tenth[i], 60);
		ck_assert_int_lt(in_tenth[i], 140);
	}
}
END_TEST

START_TEST(jitter_is_less_than_its_bound)
{
	ck_assert_int_eq(interval_jitter(0, 17), 0);
	ck_assert_int_eq(interval_jitter(1, UINT64_MAX), 0);
	ck_assert_int_eq(interval_jitter(10, 17), 7);
	ck_assert_int_lt(interval_jitter(3 * S, UINT64_MAX), 3 * S);
	ck_assert_int_ge(interval_jitter(INT64_MAX, UINT64_MAX), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("interval");
	TCase *tc = tcase_create("times");

	tcase_add_loop_test(
		tc, the_first_start_is_the_next_point_of_the_phase, 0, ARRAY_LEN(firsts));
	tcase_add_loop_test(tc, points_that_have_passed_are_passed_over, 0, ARRAY_LEN(nexts));
	tcase_add_test(tc, a_start_is_missed_when_the_next_one_has_come);
	tcase_add_test(tc, the_phase_depends_on_the_name_alone);
	tcase_add_test(tc, phases_of_similar_names_are_spread_over_the_interval);
	tcase_add_test(tc, jitter_is_less_than_its_bound);
	suite_add_tcase(suite, tc);
	return suite;
}
