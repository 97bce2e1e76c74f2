/* SPDX-License-Identifier: MIT */
/* Timers and calls that nobody waits for any more, and timers that set themselves again. */
#include "tests/support/in_run.h"

static struct nur_timer timer, other;
static struct nur_call call;
static int n_calls;

static void
count(void *unused)
{
	n_calls++;
}

static void
set_up(void)
{
	nur_timer_init(&timer, count, NULL);
	nur_timer_init(&other, count, NULL);
	nur_call_init(&call, count, NULL);
	n_calls = 0;
}

/* ---- the end of the run ---- */

static int
queue_and_return(void *unused)
{
	nur_timer_set(&other, NUR_SEC(1));
	nur_timer_set(&timer, NUR_SEC(2));
	nur_call_soon(&call);
	return 0;
}

static int
queue_and_sleep(void *unused)
{
	(void)queue_and_return(NULL);
	return nur_sleep(NUR_SEC(3));
}

START_TEST(what_the_end_of_the_run_left_may_be_stopped)
{
	ck_assert_int_eq(t_run(queue_and_return, NULL, NULL), 0);
	nur_timer_stop(&timer);
	nur_timer_stop(&other);
	nur_call_cancel(&call);
	ck_assert_int_eq(n_calls, 0);
}
END_TEST

START_TEST(and_queued_in_another_run)
{
	ck_assert_int_eq(t_run(queue_and_return, NULL, NULL), 0);
	ck_assert_int_eq(n_calls, 0);
	ck_assert_int_eq(t_run(queue_and_sleep, NULL, NULL), 0);
	ck_assert_int_eq(n_calls, 3);
}
END_TEST

/* ---- a time that has come ---- */

static void
set_again(void *unused)
{
	n_calls++;
	nur_timer_set(&timer, nur_now());
}

IN_RUN_TEST(a_timer_that_sets_itself_lets_others_run)
{
	int n;

	nur_timer_init(&timer, set_again, NULL);
	nur_timer_set(&timer, nur_now());
	while (n_calls < 10) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	ck_assert_uint_ge(t_statistics().n_passes, 5);

	nur_timer_stop(&timer);
	n = n_calls;
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(n_calls, n);
}
END_TEST

static void
set_the_other(void *to)
{
	n_calls++;
	nur_timer_set(to, NUR_LONG_AGO);
}

IN_RUN_TEST(so_do_two_that_set_each_other)
{
	nur_timer_init(&timer, set_the_other, &other);
	nur_timer_init(&other, set_the_other, &timer);
	nur_timer_set(&timer, nur_now());
	nur_timer_set(&other, nur_now());
	while (n_calls < 20) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	ck_assert_uint_ge(t_statistics().n_passes, 5);
	nur_timer_stop(&timer);
	nur_timer_stop(&other);
}
END_TEST

static void
set_and_move(void *unused)
{
	n_calls++;
	nur_timer_set(&timer, nur_now());
	nur_timer_set(&timer, nur_now() + NUR_SEC(5));
}

IN_RUN_TEST(the_last_setting_counts)
{
	nur_timer_init(&timer, set_and_move, NULL);
	nur_timer_set(&timer, NUR_SEC(1));
	ck_assert_int_eq(nur_sleep_until(NUR_SEC(5)), 0);
	ck_assert_int_eq(n_calls, 1);
	ck_assert_int_eq(nur_sleep_until(NUR_SEC(7)), 0);
	ck_assert_int_eq(n_calls, 2);
	nur_timer_stop(&timer);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("timer");
	TCase *tc = tcase_create("end of the run");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, what_the_end_of_the_run_left_may_be_stopped);
	tcase_add_test(tc, and_queued_in_another_run);
	suite_add_tcase(suite, tc);

	tc = tcase_create("times that have come");
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, a_timer_that_sets_itself_lets_others_run);
	tcase_add_test(tc, so_do_two_that_set_each_other);
	tcase_add_test(tc, the_last_setting_counts);
	suite_add_tcase(suite, tc);
	return suite;
}
