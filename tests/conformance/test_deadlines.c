/* SPDX-License-Identifier: MIT */
/* Rows 93-110, X22: deadlines of scopes, sleeping, and the timeouts made of both. */
#include <errno.h>

#include "tests/support/in_run.h"

/* The clock moves by hand in these tests. */
static void
hold_the_clock(void)
{
	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), NUR_FOREVER), 0);
}

static void
jump(nur_time by)
{
	ck_assert_int_eq(nur_mock_clock_jump(t_clock(), by), 0);
}

IN_RUN_TEST(r093_a_deadline_that_passes_ends_a_sleep)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, NUR_SEC(1));
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_sleep_forever()), 0);

	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	ck_assert(nur_cancel_scope_cancel_called(&scope));
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r094_the_deadline_of_a_scope_that_was_left_has_no_effect)
{
	struct nur_cancel_scope scope;
	nur_time deadline = 0;

	hold_the_clock();
	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(1));
	ck_assert_int_eq(nur_cancel_scope_deadline(&scope, &deadline), 0);
	ck_assert_int_eq(deadline, NUR_SEC(1));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	jump(NUR_SEC(2));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}

	ck_assert(!nur_cancel_scope_cancel_called(&scope));
}
END_TEST

IN_RUN_TEST(r095_a_deadline_moved_into_the_past_cancels_from_then_on)
{
	struct nur_cancel_scope scope;

	hold_the_clock();
	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(10));
	ck_assert_int_eq(nur_checkpoint(), 0);
	jump(NUR_SEC(5));
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(1));
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);
}
END_TEST

/* A checkpoint yields first and looks afterwards, so it sees what passed meanwhile. */
IN_RUN_TEST(r095_a_checkpoint_sees_a_deadline_that_has_just_passed)
{
	struct nur_cancel_scope scope;

	hold_the_clock();
	nur_cancel_scope_init_at(&scope, NUR_SEC(5));
	t_enter(&scope);
	ck_assert_int_eq(nur_checkpoint(), 0);
	jump(NUR_SEC(10));
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);
}
END_TEST

IN_RUN_TEST(r097_the_effective_deadline_is_the_earliest_up_to_a_shield)
{
	struct nur_cancel_scope outer, inner;

	hold_the_clock();
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_FOREVER);
	nur_cancel_scope_init_at(&outer, 5);
	nur_cancel_scope_init_at(&inner, 10);
	t_enter(&outer);
	t_enter(&inner);
	ck_assert_int_eq(nur_current_effective_deadline(), 5);
	nur_cancel_scope_set_deadline(&inner, 3);
	ck_assert_int_eq(nur_current_effective_deadline(), 3);
	nur_cancel_scope_set_deadline(&inner, 10);
	ck_assert_int_eq(nur_current_effective_deadline(), 5);
	nur_cancel_scope_set_shield(&inner, true);
	ck_assert_int_eq(nur_current_effective_deadline(), 10);
	nur_cancel_scope_set_shield(&inner, false);
	ck_assert_int_eq(nur_current_effective_deadline(), 5);
	nur_cancel_scope_cancel(&outer, NULL);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_LONG_AGO);
	nur_cancel_scope_set_shield(&inner, true);
	ck_assert_int_eq(nur_current_effective_deadline(), 10);
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, 0), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_LONG_AGO);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_FOREVER);
}
END_TEST

IN_RUN_TEST(r099_sleep_takes_the_asked_time)
{
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	ck_assert_int_eq(nur_sleep_until(NUR_SEC(3)), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(3));

	t_assert_checkpoint(nur_sleep(0));
	t_assert_checkpoint(nur_sleep_until(NUR_SEC(2)));
	t_assert_checkpoint(nur_sleep_until(NUR_LONG_AGO));
	ck_assert_int_eq(nur_now(), NUR_SEC(3));
}
END_TEST

IN_RUN_TEST(r100_a_deadline_of_now_cancels_the_first_checkpoint)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, nur_now());
	t_enter(&scope);
	ck_assert_int_eq(nur_sleep(0), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);
}
END_TEST

static int
sleep_long(void *unused)
{
	return nur_sleep(NUR_SEC(100));
}

IN_RUN_TEST(r101_move_on_ends_a_longer_sleep_without_an_error)
{
	bool is_timed_out = false;

	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, sleep_long, NULL, &is_timed_out), 0);
	ck_assert(is_timed_out);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));

	ck_assert_int_eq(nur_move_on_at(NUR_SEC(2), 0, sleep_long, NULL, &is_timed_out), 0);
	ck_assert(is_timed_out);
	ck_assert_int_eq(nur_now(), NUR_SEC(2));

	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, t_return, T_CODE(7), &is_timed_out), 7);
	ck_assert(!is_timed_out);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, t_return, T_CODE(-EIO), NULL), -EIO);
}
END_TEST

IN_RUN_TEST(r102_fail_is_too_slow_when_the_deadline_strikes)
{
	ck_assert_int_eq(nur_fail_at(NUR_SEC(1), 0, sleep_long, NULL), NUR_ETOOSLOW);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	ck_assert_int_eq(nur_fail_after(NUR_SEC(1), 0, sleep_long, NULL), NUR_ETOOSLOW);
	ck_assert_int_eq(nur_now(), NUR_SEC(2));

	ck_assert_int_eq(nur_fail_at(NUR_SEC(100), 0, t_checkpoint, NULL), 0);
	ck_assert_int_eq(nur_fail_after(NUR_SEC(100), 0, t_return, T_CODE(7)), 7);
	ck_assert_int_eq(nur_fail_after(NUR_SEC(100), 0, t_return, T_CODE(-EIO)), -EIO);
}
END_TEST

/* @outer is cancelled by the body itself, and must not be seen there. */
static int
cancel_outer_and_check(void *outer)
{
	nur_cancel_scope_cancel(outer, NULL);
	ck_assert_int_eq(nur_checkpoint(), 0);
	return 0;
}

IN_RUN_TEST(r103_a_shielded_timeout_does_not_see_outer_cancellations)
{
	struct nur_cancel_scope outer, inner;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	ck_assert_int_eq(
		nur_move_on_after(NUR_SEC(1), NUR_SHIELD, cancel_outer_and_check, &outer, NULL), 0);
	ck_assert_int_eq(nur_fail_after(NUR_SEC(1), NUR_SHIELD, cancel_outer_and_check, &outer), 0);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);

	ck_assert_int_eq(nur_cancel_scope_init_after(&inner, NUR_SEC(1)), 0);
	nur_cancel_scope_set_shield(&inner, true);
	t_enter(&inner);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_cancel_scope_set_shield(&inner, false);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, 0), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
}
END_TEST

static int
cancel_outer_and_sleep(void *outer)
{
	nur_cancel_scope_cancel(outer, NULL);
	return nur_sleep_forever();
}

IN_RUN_TEST(r104_a_shielded_move_on_still_ends_at_its_own_deadline)
{
	struct nur_cancel_scope outer;
	bool is_timed_out = false;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), NUR_SHIELD, cancel_outer_and_sleep, &outer,
				 &is_timed_out),
		0);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);

	ck_assert(is_timed_out);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
}
END_TEST

IN_RUN_TEST(r105_a_shielded_fail_still_fails_at_its_own_deadline)
{
	struct nur_cancel_scope outer;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	ck_assert_int_eq(nur_fail_after(NUR_SEC(1), NUR_SHIELD, cancel_outer_and_sleep, &outer),
		NUR_ETOOSLOW);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, NUR_ETOOSLOW), NUR_ETOOSLOW);

	ck_assert_int_eq(nur_now(), NUR_SEC(1));
}
END_TEST

IN_RUN_TEST(r106_negative_timeouts_are_refused_negative_deadlines_are_not)
{
	bool is_timed_out = false;

	ck_assert_int_eq(nur_sleep(-1), -EINVAL);
	ck_assert_int_eq(nur_move_on_after(-1, 0, t_return, T_CODE(7), NULL), -EINVAL);
	ck_assert_int_eq(nur_fail_after(-1, 0, t_return, T_CODE(7)), -EINVAL);

	ck_assert_int_eq(nur_sleep_until(-1), 0);
	ck_assert_int_eq(nur_move_on_at(-1, 0, sleep_long, NULL, &is_timed_out), 0);
	ck_assert(is_timed_out);
	ck_assert_int_eq(nur_fail_at(-1, 0, sleep_long, NULL), NUR_ETOOSLOW);
	ck_assert_int_eq(nur_now(), 0);
}
END_TEST

static nur_time
deadline_of(const struct nur_cancel_scope *scope)
{
	nur_time deadline = NUR_LONG_AGO;

	ck_assert_int_eq(nur_cancel_scope_deadline(scope, &deadline), 0);
	return deadline;
}

static nur_time
timeout_of(const struct nur_cancel_scope *scope)
{
	nur_time timeout = NUR_LONG_AGO;

	ck_assert_int_eq(nur_cancel_scope_timeout(scope, &timeout), 0);
	return timeout;
}

IN_RUN_TEST(r107_a_timeout_counts_from_the_entry)
{
	struct nur_cancel_scope scope;

	hold_the_clock();
	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(5)), 0);
	ck_assert_int_eq(timeout_of(&scope), NUR_SEC(5));
	jump(NUR_SEC(3));
	t_enter(&scope);

	ck_assert_int_eq(deadline_of(&scope), NUR_SEC(8));
	ck_assert_int_eq(timeout_of(&scope), NUR_SEC(5));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
}
END_TEST

IN_RUN_TEST(r108_inside_deadline_and_timeout_are_two_views_of_one_value)
{
	struct nur_cancel_scope scope;

	hold_the_clock();
	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(5)), 0);
	jump(NUR_SEC(10));
	t_enter(&scope);
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(13));
	ck_assert_int_eq(deadline_of(&scope), NUR_SEC(13));
	ck_assert_int_eq(timeout_of(&scope), NUR_SEC(3));
	ck_assert_int_eq(nur_cancel_scope_set_timeout(&scope, NUR_SEC(4)), 0);
	ck_assert_int_eq(deadline_of(&scope), NUR_SEC(14));
	ck_assert_int_eq(timeout_of(&scope), NUR_SEC(4));
	jump(NUR_SEC(1));
	ck_assert_int_eq(timeout_of(&scope), NUR_SEC(3));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
}
END_TEST

IN_RUN_TEST(r109_before_entry_only_the_given_view_exists)
{
	struct nur_cancel_scope relative, absolute;
	nur_time time = 42;

	ck_assert_int_eq(nur_cancel_scope_init_after(&relative, NUR_SEC(5)), 0);
	ck_assert_int_eq(nur_cancel_scope_deadline(&relative, &time), -EINVAL);
	ck_assert_int_eq(timeout_of(&relative), NUR_SEC(5));

	nur_cancel_scope_init_at(&absolute, NUR_SEC(5));
	ck_assert_int_eq(nur_cancel_scope_timeout(&absolute, &time), -EINVAL);
	ck_assert_int_eq(deadline_of(&absolute), NUR_SEC(5));
	ck_assert_int_eq(time, 42);
}
END_TEST

static int
wake(void *task)
{
	int r = nur_checkpoint();

	nur_reschedule(task, 0);
	return r;
}

IN_RUN_TEST(r110_waking_an_endless_sleep_by_hand_is_an_error_there)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, wake, nur_current_task());
	ck_assert_int_eq(nur_sleep_forever(), NUR_EINTERNAL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

START_TEST(x22_time_arithmetic_saturates)
{
	const nur_time large = NUR_FOREVER - 1;

	ck_assert_int_eq(nur_time_add(NUR_SEC(10), large), NUR_FOREVER);
	ck_assert_int_eq(nur_time_add(NUR_SEC(10), NUR_FOREVER), NUR_FOREVER);
	ck_assert_int_eq(nur_time_add(NUR_FOREVER, -1), NUR_FOREVER);
	ck_assert_int_eq(nur_time_add(NUR_LONG_AGO, large), NUR_LONG_AGO);
	ck_assert_int_eq(nur_time_add(-large, -large), NUR_LONG_AGO);
	ck_assert_int_eq(nur_time_sub(large, -large), NUR_FOREVER);
	ck_assert_int_eq(nur_time_sub(-large, large), NUR_LONG_AGO);
	ck_assert_int_eq(nur_time_sub(NUR_FOREVER, large), NUR_FOREVER);
}
END_TEST

static int
sleep_for_ages(void *unused)
{
	return nur_sleep(NUR_FOREVER - 1);
}

IN_RUN_TEST(x22_a_huge_timeout_is_never_not_in_the_past)
{
	struct nur_cancel_scope scope;
	bool is_timed_out = false;

	ck_assert_int_eq(nur_sleep(NUR_SEC(10)), 0);
	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_FOREVER - 1), 0);
	t_enter(&scope);
	ck_assert_int_eq(deadline_of(&scope), NUR_FOREVER);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, sleep_for_ages, NULL, &is_timed_out), 0);
	ck_assert(is_timed_out);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);

	ck_assert_int_eq(nur_now(), NUR_SEC(11));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("deadlines");
	TCase *tc = tcase_create("deadlines");

	tcase_add_test(tc, r093_a_deadline_that_passes_ends_a_sleep);
	tcase_add_test(tc, r094_the_deadline_of_a_scope_that_was_left_has_no_effect);
	tcase_add_test(tc, r095_a_deadline_moved_into_the_past_cancels_from_then_on);
	tcase_add_test(tc, r095_a_checkpoint_sees_a_deadline_that_has_just_passed);
	tcase_add_test(tc, r097_the_effective_deadline_is_the_earliest_up_to_a_shield);
	tcase_add_test(tc, r099_sleep_takes_the_asked_time);
	tcase_add_test(tc, r100_a_deadline_of_now_cancels_the_first_checkpoint);
	tcase_add_test(tc, r101_move_on_ends_a_longer_sleep_without_an_error);
	tcase_add_test(tc, r102_fail_is_too_slow_when_the_deadline_strikes);
	tcase_add_test(tc, r103_a_shielded_timeout_does_not_see_outer_cancellations);
	tcase_add_test(tc, r104_a_shielded_move_on_still_ends_at_its_own_deadline);
	tcase_add_test(tc, r105_a_shielded_fail_still_fails_at_its_own_deadline);
	tcase_add_test(tc, r106_negative_timeouts_are_refused_negative_deadlines_are_not);
	tcase_add_test(tc, r107_a_timeout_counts_from_the_entry);
	tcase_add_test(tc, r108_inside_deadline_and_timeout_are_two_views_of_one_value);
	tcase_add_test(tc, r109_before_entry_only_the_given_view_exists);
	tcase_add_test(tc, r110_waking_an_endless_sleep_by_hand_is_an_error_there);
	tcase_add_test(tc, x22_time_arithmetic_saturates);
	tcase_add_test(tc, x22_a_huge_timeout_is_never_not_in_the_past);
	suite_add_tcase(suite, tc);
	return suite;
}
