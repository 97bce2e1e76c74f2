/* SPDX-License-Identifier: MIT */
/* Timers and calls that nobody waits for any more. */
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

Suite *
test_suite(void)
{
	Suite *suite = suite_create("timer");
	TCase *tc = tcase_create("end of the run");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, what_the_end_of_the_run_left_may_be_stopped);
	tcase_add_test(tc, and_queued_in_another_run);
	suite_add_tcase(suite, tc);
	return suite;
}
