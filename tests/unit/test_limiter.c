/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_limiter *limiter;
static char order[32];
static size_t n_in_order;

static void
set_up(void)
{
	ck_assert_int_eq(nur_limiter_create(2, &limiter), 0);
	n_in_order = 0;
}

static void
tear_down(void)
{
	nur_limiter_destroy(limiter);
}

/* Takes a token on behalf of @arg, a letter, and notes it down. */
static int
acquire_for(void *arg)
{
	int r = nur_limiter_acquire(limiter, arg);

	if (r == 0) {
		order[n_in_order++] = *(char *)arg;
	}
	return r;
}

static int
acquire_and_release(void *arg)
{
	int r = acquire_for(arg);

	return r < 0 ? r : nur_limiter_release(limiter, arg);
}

static char letters[] = "abcdefgh";

T_TASK_TEST(a_borrower_holds_one_token)
{
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), -EALREADY);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), -EALREADY);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);

	ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), -EPERM);
	return 0;
}

T_TASK_TEST(anything_can_be_a_borrower)
{
	ck_assert_int_eq(nur_limiter_acquire(limiter, &letters[0]), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[1]), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[2]), NUR_EWOULDBLOCK);

	ck_assert_int_eq(nur_limiter_release(limiter, &letters[2]), -EPERM);
	ck_assert_int_eq(nur_limiter_release(limiter, &letters[0]), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[2]), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 2);
	return 0;
}

T_TASK_TEST(tokens_are_handed_over_in_the_order_of_arrival)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		nur_limiter_set_total(limiter, 0);
		for (int i = 0; i < 5; i++) {
			t_start(nursery, acquire_and_release, &letters[i]);
			t_wait_all_tasks_blocked();
		}
		ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 5);
		nur_limiter_set_total(limiter, 1);
	}

	ck_assert_uint_eq(n_in_order, 5);
	ck_assert_mem_eq(order, "abcde", 5);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	return rc;
}

T_TASK_TEST(nobody_slips_in_between_release_and_waiter)
{
	int rc = 0;

	nur_limiter_set_total(limiter, 1);
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), 0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, acquire_for, &letters[0]);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);

		ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
		ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[1]), NUR_EWOULDBLOCK);
	}
	return rc;
}

T_TASK_TEST(a_waiting_borrower_is_refused_and_may_not_release)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		nur_limiter_set_total(limiter, 0);
		t_start(nursery, acquire_for, &letters[0]);
		t_wait_all_tasks_blocked();

		ck_assert_int_eq(nur_limiter_acquire(limiter, &letters[0]), -EALREADY);
		ck_assert_int_eq(nur_limiter_release(limiter, &letters[0]), -EPERM);
		nur_limiter_set_total(limiter, 1);
	}
	return rc;
}

T_TASK_TEST(a_cancelled_waiter_leaves_nothing_behind)
{
	bool has_timed_out;

	nur_limiter_set_total(limiter, 0);
	ck_assert_int_eq(
		nur_move_on_after(NUR_SEC(60), 0, acquire_for, &letters[0], &has_timed_out), 0);
	ck_assert(has_timed_out);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 0);

	nur_limiter_set_total(limiter, 1);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	ck_assert_int_eq(nur_limiter_acquire(limiter, &letters[0]), 0);
	return 0;
}

static int
borrow_forever(void *borrower)
{
	return nur_limiter_acquire(limiter, borrower);
}

T_TASK_TEST(borrowers_are_listed_without_those_who_wait)
{
	const void *borrowers[3] = { NULL };
	int rc = 0;

	nur_limiter_set_total(limiter, 2);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, borrow_forever, &letters[i]);
			t_wait_all_tasks_blocked();
		}
		ck_assert_uint_eq(nur_limiter_borrowers(limiter, NULL, 0), 2);
		ck_assert_uint_eq(nur_limiter_borrowers(limiter, borrowers, 1), 2);
		ck_assert_ptr_null(borrowers[1]);
		ck_assert_uint_eq(nur_limiter_borrowers(limiter, borrowers, 3), 2);
		ck_assert(borrowers[0] == &letters[0] || borrowers[0] == &letters[1]);
		ck_assert(borrowers[1] == &letters[0] || borrowers[1] == &letters[1]);
		ck_assert_ptr_null(borrowers[2]);
		nur_nursery_cancel(nursery, NULL);
	}

	nur_limiter_set_total(limiter, 1);
	ck_assert_uint_eq(nur_limiter_n_available(limiter), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, &letters[0]), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, &letters[1]), 0);
	ck_assert_uint_eq(nur_limiter_n_available(limiter), 1);
	return rc;
}

T_TASK_TEST(a_cancelled_task_takes_no_token)
{
	struct nur_cancel_scope scope;
	int r;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	r = nur_limiter_acquire(limiter, NULL);

	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	return nur_cancel_scope_leave(&scope, r);
}

T_TASK_TEST(a_lower_total_waits_for_releases)
{
	ck_assert_int_eq(nur_limiter_acquire(limiter, &letters[0]), 0);
	ck_assert_int_eq(nur_limiter_acquire(limiter, &letters[1]), 0);
	nur_limiter_set_total(limiter, 1);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 2);

	ck_assert_int_eq(nur_limiter_release(limiter, &letters[0]), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[2]), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_limiter_release(limiter, &letters[1]), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &letters[2]), 0);
	return 0;
}

START_TEST(without_limit_borrowers_are_still_checked)
{
	static char keys[1000];

	nur_limiter_set_total(limiter, NUR_LIMITER_UNLIMITED);
	ck_assert_uint_eq(nur_limiter_total(limiter), NUR_LIMITER_UNLIMITED);
	for (size_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &keys[i]), 0);
	}
	for (size_t i = 0; i < 1000; i += 2) {
		ck_assert_int_eq(nur_limiter_release(limiter, &keys[i]), 0);
	}

	for (size_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(nur_limiter_release(limiter, &keys[i]), i % 2 == 0 ? -EPERM : 0);
	}
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
}
END_TEST

START_TEST(outside_a_task_nobody_waits)
{
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_limiter_acquire(limiter, letters), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), -EPERM);
	nur_limiter_destroy(NULL);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("limiter");
	TCase *tcase = tcase_create("tokens");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_borrower_holds_one_token);
	tcase_add_test(tcase, anything_can_be_a_borrower);
	tcase_add_test(tcase, tokens_are_handed_over_in_the_order_of_arrival);
	tcase_add_test(tcase, nobody_slips_in_between_release_and_waiter);
	tcase_add_test(tcase, a_waiting_borrower_is_refused_and_may_not_release);
	tcase_add_test(tcase, a_cancelled_waiter_leaves_nothing_behind);
	tcase_add_test(tcase, borrowers_are_listed_without_those_who_wait);
	tcase_add_test(tcase, a_cancelled_task_takes_no_token);
	tcase_add_test(tcase, a_lower_total_waits_for_releases);
	tcase_add_test(tcase, without_limit_borrowers_are_still_checked);
	tcase_add_test(tcase, outside_a_task_nobody_waits);
	suite_add_tcase(suite, tcase);
	return suite;
}
