/* SPDX-License-Identifier: MIT */
/* X25: a task that keeps the loop busy is named, while it does; others are not. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/in_run.h"

static atomic_int n_reports;
static const char *suspect;
static double busy;

/* On the watchdog's thread. Others may be named rightly: a crowded machine stops anybody in a step. */
static void
count_report(const char *line, void *unused)
{
	char start[64];

	(void)snprintf(start, sizeof(start), "task \"%s\" has kept the loop busy for ", suspect);
	if (!strncmp(line, start, strlen(start)) &&
		sscanf(line + strlen(start), "%lf s", &busy) == 1) {
		atomic_fetch_add(&n_reports, 1);
	}
}

static int
run_watched(nur_task_fn fn, const char *name, nur_time after, const struct nur_clock *clock)
{
	struct nur_run_options options = {
		.clock = clock, .hog_after_ns = after, .report = count_report
	};

	suspect = name;
	atomic_store(&n_reports, 0);
	return nur_run(fn, NULL, &options, NULL);
}

/* Computes until it has been noticed; Check ends the program if that never happens. */
static void
compute_until_reported(int n)
{
	while (atomic_load(&n_reports) < n) {
	}
}

static int
be_a_hog(void *unused)
{
	compute_until_reported(1);
	return 0;
}

static int
start_a_hog(void *unused)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "hog", be_a_hog, NULL), 0);
	}
	return rc;
}

START_TEST(x25_a_hog_is_named_while_it_computes)
{
	ck_assert_int_eq(run_watched(start_a_hog, "hog", NUR_MSEC(1), NULL), 0);
	ck_assert_int_eq(atomic_load(&n_reports), 1);
	ck_assert_double_ge(busy, 0.001);
}
END_TEST

static int
be_a_renamed_hog(void *unused)
{
	char first[] = "first", second[] = "second";

	nur_task_set_name(nur_current_task(), first);
	compute_until_reported(1);
	nur_task_set_name(nur_current_task(), second);
	first[0] = '\0'; /* it is the task's own again */
	suspect = "second";
	ck_assert_int_eq(nur_checkpoint(), 0);
	compute_until_reported(2);
	nur_task_set_name(nur_current_task(), NULL);
	return 0;
}

START_TEST(x25_a_hog_is_named_by_its_present_name)
{
	ck_assert_int_eq(run_watched(be_a_renamed_hog, "first", NUR_MSEC(1), NULL), 0);
	ck_assert_int_eq(atomic_load(&n_reports), 2);
}
END_TEST

START_TEST(x25_the_time_is_real_on_a_mock_clock_too)
{
	struct nur_mock_clock *clock;

	ck_assert_int_eq(nur_mock_clock_create(0, NUR_FOREVER, &clock), 0);
	ck_assert_int_eq(
		run_watched(start_a_hog, "hog", NUR_MSEC(1), nur_mock_clock_clock(clock)), 0);
	nur_mock_clock_destroy(clock);
	ck_assert_double_ge(busy, 0.001);
}
END_TEST

static int
be_a_hog_twice(void *unused)
{
	compute_until_reported(1);
	ck_assert_int_eq(nur_checkpoint(), 0);
	compute_until_reported(2);
	return 0;
}

START_TEST(x25_each_step_is_named)
{
	ck_assert_int_eq(run_watched(be_a_hog_twice, "main", NUR_MSEC(1), NULL), 0);
	ck_assert_int_eq(atomic_load(&n_reports), 2);
}
END_TEST

static int
be_a_long_hog(void *unused)
{
	int64_t start = t_real_now();

	compute_until_reported(1);
	while (t_real_now() - start < NUR_MSEC(10)) {
	}
	return 0;
}

START_TEST(x25_a_step_is_named_once)
{
	ck_assert_int_eq(run_watched(be_a_long_hog, "main", NUR_MSEC(1), NULL), 0);
	ck_assert_int_eq(atomic_load(&n_reports), 1);
}
END_TEST

static int
take_turns(void *unused)
{
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	return nur_sleep(NUR_MSEC(1));
}

START_TEST(x25_who_lets_others_run_is_not_named)
{
	ck_assert_int_eq(run_watched(take_turns, "main", NUR_SEC(3600), NULL), 0);
	ck_assert_int_eq(atomic_load(&n_reports), 0);
}
END_TEST

START_TEST(x25_a_negative_time_is_refused)
{
	ck_assert_int_eq(run_watched(take_turns, "main", -1, NULL), -EINVAL);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("hogs");
	TCase *tc = tcase_create("hogs");

	tcase_add_test(tc, x25_a_hog_is_named_while_it_computes);
	tcase_add_test(tc, x25_a_hog_is_named_by_its_present_name);
	tcase_add_test(tc, x25_the_time_is_real_on_a_mock_clock_too);
	tcase_add_test(tc, x25_each_step_is_named);
	tcase_add_test(tc, x25_a_step_is_named_once);
	tcase_add_test(tc, x25_who_lets_others_run_is_not_named);
	tcase_add_test(tc, x25_a_negative_time_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
