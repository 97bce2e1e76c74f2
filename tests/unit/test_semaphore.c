/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_semaphore semaphore;
static int n_through;

static void
set_up(void)
{
	ck_assert_int_eq(nur_semaphore_init(&semaphore, 0, 3), 0);
	n_through = 0;
}

static int
acquire_and_count(void *arg)
{
	int r = nur_semaphore_acquire(&semaphore);

	n_through += r == 0;
	return r;
}

T_TASK_TEST(each_release_lets_one_through)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, acquire_and_count, NULL);
		}
		t_wait_all_tasks_blocked();
		ck_assert_uint_eq(nur_semaphore_n_waiting(&semaphore), 3);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(n_through, i);
			ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
			t_wait_all_tasks_blocked();
		}
	}
	ck_assert_int_eq(n_through, 3);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 0);
	return rc;
}

T_TASK_TEST(a_cancelled_waiter_takes_nothing)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, NUR_SEC(1));
	ck_assert_int_eq(NUR_WITHIN(&scope, acquire_and_count(NULL)), 0);
	ck_assert_int_eq(n_through, 0);
	ck_assert_uint_eq(nur_semaphore_n_waiting(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);

	nur_cancel_scope_init_at(&scope, NUR_LONG_AGO);
	ck_assert_int_eq(NUR_WITHIN(&scope, acquire_and_count(NULL)), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);
	return 0;
}

static void
release_from_loop(void *arg)
{
	ck_assert_int_eq(nur_semaphore_acquire_nowait(arg), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_semaphore_release(arg), 0);
}

T_TASK_TEST(a_callback_of_the_loop_may_release_it)
{
	struct nur_call call;

	nur_call_init(&call, release_from_loop, &semaphore);
	nur_call_soon(&call);
	return nur_semaphore_acquire(&semaphore);
}

START_TEST(a_value_above_the_maximum_is_refused)
{
	struct nur_semaphore refused;

	ck_assert_int_eq(nur_semaphore_init(&refused, 4, 3), -EINVAL);
	ck_assert_int_eq(nur_semaphore_init(&refused, 3, 3), 0);
	ck_assert_int_eq(nur_semaphore_release(&refused), -EOVERFLOW);
	ck_assert_uint_eq(nur_semaphore_value(&refused), 3);
	ck_assert_int_eq(
		nur_semaphore_init(&refused, NUR_SEMAPHORE_UNBOUNDED, NUR_SEMAPHORE_UNBOUNDED), 0);
	ck_assert_int_eq(nur_semaphore_release(&refused), -EOVERFLOW);
}
END_TEST

START_TEST(outside_a_task_nobody_waits)
{
	ck_assert_int_eq(nur_semaphore_acquire(&semaphore), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_acquire(&semaphore), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_semaphore_acquire_nowait(&semaphore), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("semaphore");
	TCase *tcase = tcase_create("counting");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, each_release_lets_one_through);
	tcase_add_test(tcase, a_cancelled_waiter_takes_nothing);
	tcase_add_test(tcase, a_callback_of_the_loop_may_release_it);
	tcase_add_test(tcase, a_value_above_the_maximum_is_refused);
	tcase_add_test(tcase, outside_a_task_nobody_waits);
	suite_add_tcase(suite, tcase);
	return suite;
}
