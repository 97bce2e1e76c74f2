/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

static struct nur_event event;
static int n_woken;

static int
wait_and_count(void *arg)
{
	int r = nur_event_wait(&event);

	n_woken += r == 0;
	return r;
}

static void
set_up(void)
{
	nur_event_init(&event);
	n_woken = 0;
}

T_TASK_TEST(setting_wakes_all_waiters)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, wait_and_count, NULL);
		}
		t_wait_all_tasks_blocked();
		ck_assert_uint_eq(nur_event_n_waiting(&event), 3);
		ck_assert(!nur_event_is_set(&event));

		nur_event_set(&event);
		nur_event_set(&event);
		ck_assert_uint_eq(nur_event_n_waiting(&event), 0);
		ck_assert_int_eq(n_woken, 0);
	}

	ck_assert_int_eq(n_woken, 3);
	return rc;
}

static int
count(void *arg)
{
	n_woken++;
	return 0;
}

T_TASK_TEST(waiting_for_a_set_event_lets_others_run)
{
	int rc = 0;

	nur_event_set(&event);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, count, NULL);
		ck_assert_int_eq(nur_event_wait(&event), 0); /* in one pass, in any order */
		ck_assert_int_eq(nur_event_wait(&event), 0);
		ck_assert_int_eq(n_woken, 1);
	}
	return rc;
}

T_TASK_TEST(waiting_for_a_set_event_reports_cancellation)
{
	struct nur_cancel_scope scope;
	int r;

	nur_event_set(&event);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	r = nur_event_wait(&event);

	ck_assert_int_eq(r, NUR_ECANCELED);
	return nur_cancel_scope_leave(&scope, r);
}

static int
wait_only(void *arg)
{
	return nur_event_wait(&event);
}

T_TASK_TEST(a_cancelled_waiter_is_forgotten)
{
	bool has_timed_out = false;

	ck_assert_int_eq(nur_move_on_after(NUR_SEC(3600), 0, wait_only, NULL, &has_timed_out), 0);

	ck_assert(has_timed_out);
	ck_assert_uint_eq(nur_event_n_waiting(&event), 0);
	return 0;
}

static void
set_from_loop(void *arg)
{
	nur_event_set(arg);
}

T_TASK_TEST(a_callback_of_the_loop_may_set_it)
{
	struct nur_call call;

	nur_call_init(&call, set_from_loop, &event);
	nur_call_soon(&call);

	ck_assert_int_eq(nur_event_wait(&event), 0);
	return 0;
}

START_TEST(outside_a_task_nobody_waits)
{
	ck_assert_int_eq(nur_event_wait(&event), NUR_ENOTINTASK);
	nur_event_set(&event);
	ck_assert_int_eq(nur_event_wait(&event), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("event");
	TCase *tcase = tcase_create("wait");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, setting_wakes_all_waiters);
	tcase_add_test(tcase, waiting_for_a_set_event_lets_others_run);
	tcase_add_test(tcase, waiting_for_a_set_event_reports_cancellation);
	tcase_add_test(tcase, a_cancelled_waiter_is_forgotten);
	tcase_add_test(tcase, a_callback_of_the_loop_may_set_it);
	tcase_add_test(tcase, outside_a_task_nobody_waits);
	suite_add_tcase(suite, tcase);
	return suite;
}
