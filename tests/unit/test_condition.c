/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_lock lock;
static struct nur_condition condition;
static bool is_ready;
static int result;

static void
set_up(void)
{
	nur_lock_init(&lock);
	nur_condition_init(&condition, &lock);
	is_ready = false;
	result = -1;
}

static int
wait_until_ready(void *arg)
{
	int r = nur_lock_acquire(&lock);

	while (r == 0 && !is_ready) {
		r = nur_condition_wait(&condition);
	}
	result = r;
	return nur_lock_release(&lock) < 0 ? r : 0;
}

T_TASK_TEST(a_waiter_looks_again)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_until_ready, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_lock_acquire(&lock), 0);
		ck_assert_int_eq(nur_condition_notify(&condition, 0), 0);
		ck_assert_uint_eq(nur_condition_n_waiting(&condition), 1);
		ck_assert_int_eq(nur_condition_notify(&condition, 1), 0);
		ck_assert_int_eq(nur_lock_release(&lock), 0);
		t_wait_all_tasks_blocked();
		ck_assert_uint_eq(nur_condition_n_waiting(&condition), 1);

		ck_assert_int_eq(nur_lock_acquire(&lock), 0);
		is_ready = true;
		ck_assert_int_eq(nur_condition_notify(&condition, SIZE_MAX), 0);
		ck_assert_int_eq(nur_lock_release(&lock), 0);
	}
	ck_assert_int_eq(result, 0);
	return rc;
}

T_TASK_TEST(who_is_cancelled_waits_for_the_lock_first)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_until_ready, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_lock_acquire(&lock), 0);
		nur_nursery_cancel(nursery, NULL);
		for (int i = 0; i < 10; i++) {
			ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
			ck_assert_int_eq(result, -1);
		}
		ck_assert_int_eq(nur_lock_release(&lock), 0);
	}
	ck_assert_int_eq(result, NUR_ECANCELED);
	ck_assert(!nur_lock_is_locked(&lock));
	return rc;
}

T_TASK_TEST(who_is_cancelled_in_the_queue_of_the_lock_goes_to_its_end)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_until_ready, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_lock_acquire(&lock), 0);
		ck_assert_int_eq(nur_condition_notify(&condition, 1), 0);
		ck_assert_uint_eq(nur_lock_n_waiting(&lock), 1);
		nur_nursery_cancel(nursery, NULL);
		ck_assert_uint_eq(nur_lock_n_waiting(&lock), 0);
		ck_assert_int_eq(
			nur_cancel_shielded_checkpoint(), 0); /* in one pass, in any order */
		ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
		ck_assert_uint_eq(nur_lock_n_waiting(&lock), 1);
		ck_assert_int_eq(nur_lock_release(&lock), 0);
	}
	ck_assert_int_eq(result, NUR_ECANCELED);
	return rc;
}

static int
notify_and_end(void *arg)
{
	ck_assert_int_eq(nur_lock_acquire(&lock), 0);
	return nur_condition_notify(&condition, 1);
}

T_TASK_TEST(an_owner_that_ends_breaks_the_wait)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_until_ready, NULL);
		t_wait_all_tasks_blocked();
		t_start(nursery, notify_and_end, NULL);
	}
	ck_assert_int_eq(result, NUR_EBROKEN);
	ck_assert_int_eq(rc, NUR_EBROKEN);
	return 0;
}

T_TASK_TEST(without_the_lock_nothing_happens)
{
	ck_assert_int_eq(nur_condition_wait(&condition), -EPERM);
	ck_assert_int_eq(nur_condition_notify(&condition, 1), -EPERM);
	return 0;
}

START_TEST(nor_outside_a_task)
{
	ck_assert_int_eq(nur_condition_wait(&condition), -EPERM);
	ck_assert_int_eq(nur_condition_notify(&condition, 1), -EPERM);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("condition");
	TCase *tcase = tcase_create("waiting");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_waiter_looks_again);
	tcase_add_test(tcase, who_is_cancelled_waits_for_the_lock_first);
	tcase_add_test(tcase, who_is_cancelled_in_the_queue_of_the_lock_goes_to_its_end);
	tcase_add_test(tcase, an_owner_that_ends_breaks_the_wait);
	tcase_add_test(tcase, without_the_lock_nothing_happens);
	tcase_add_test(tcase, nor_outside_a_task);
	suite_add_tcase(suite, tcase);
	return suite;
}
