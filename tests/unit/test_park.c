/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_parking_lot lot, other_lot;
static struct nur_parking_lot_breaker breakers[3];
static struct nur_nursery nursery;
static int results[3];

static void
set_up(void)
{
	nur_parking_lot_init(&lot);
	nur_parking_lot_init(&other_lot);
	for (int i = 0; i < 3; i++) {
		breakers[i] = (struct nur_parking_lot_breaker){ .task = NULL };
		results[i] = -1;
	}
}

static int
park_and_keep(void *result)
{
	*(int *)result = nur_parking_lot_park(&lot, "lot");
	return 0;
}

/* Three tasks in the lot, in the order of results[]. */
static void
park_three(void)
{
	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	for (int i = 0; i < 3; i++) {
		t_start(&nursery, park_and_keep, &results[i]);
		t_wait_all_tasks_blocked();
	}
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 3);
}

T_TASK_TEST(breaking_a_lot_wakes_everybody_for_good)
{
	park_three();
	nur_parking_lot_break(&lot, NULL);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(results[i], NUR_EBROKEN);
	}
	ck_assert_int_eq(nur_parking_lot_park(&lot, NULL), NUR_EBROKEN);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, SIZE_MAX, 0), 0);
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, SIZE_MAX), 0);
	return 0;
}

T_TASK_TEST(the_first_to_break_it_is_to_blame)
{
	struct nur_task *child;

	ck_assert_ptr_null(nur_parking_lot_broken_by(&lot));
	nur_parking_lot_break(&lot, NULL);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "main");
	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	ck_assert_int_eq(nur_start_soon(&nursery, "child", park_and_keep, &results[0]), 0);
	nur_parking_lot_break(&lot, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "main");

	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	nur_parking_lot_init(&lot);
	ck_assert_int_eq(nur_start_soon(&nursery, "child", park_and_keep, &results[0]), 0);
	t_wait_all_tasks_blocked();
	child = nur_parking_lot_first(&lot);
	nur_parking_lot_break(&lot, child); /* who waits in it itself */
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(results[0], NUR_EBROKEN);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "child");
	return 0;
}

static int
fail_to_park(void *arg)
{
	return nur_parking_lot_park(&lot, "something");
}

T_TASK_TEST(the_text_of_the_failure_names_who_is_to_blame)
{
	struct nur_errors errors;
	int rc = 0;

	nur_parking_lot_break(&lot, NULL);
	{
		NUR_NURSERY(late, &rc, &errors);
		t_start(late, fail_to_park, NULL);
	}
	ck_assert_int_eq(rc, NUR_EBROKEN);
	ck_assert_str_eq(errors.items[0].text, "something: broken by task \"main\"");
	nur_errors_fini(&errors);
	return 0;
}

static void
break_from_loop(void *arg)
{
	nur_parking_lot_break(arg, NULL);
}

T_TASK_TEST(a_callback_of_the_loop_may_break_it)
{
	struct nur_call call;

	nur_call_init(&call, break_from_loop, &lot);
	nur_call_soon(&call);

	ck_assert_int_eq(nur_parking_lot_park(&lot, "lot"), NUR_EBROKEN);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "");
	return 0;
}

T_TASK_TEST(a_lot_may_be_gone_when_who_waited_in_it_runs)
{
	park_three();
	nur_parking_lot_break(&lot, NULL);
	nur_parking_lot_init(&lot);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(results[0], NUR_EBROKEN);
	return 0;
}

/* ---- moving ---- */

T_TASK_TEST(waiters_are_moved_in_order)
{
	park_three();
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, 0), 0);
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, 2), 2);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 1);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&other_lot), 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(nur_parking_lot_unpark(&other_lot, 1, i), 1);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(results[i], i);
	}
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, SIZE_MAX), 1);
	ck_assert_uint_eq(nur_parking_lot_unpark(&other_lot, SIZE_MAX, 2), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(results[2], 2);
	return 0;
}

T_TASK_TEST(moving_within_a_lot_changes_the_order)
{
	park_three();
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &lot, SIZE_MAX), 3);
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &lot, 1), 1);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 3);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 2, 7), 2);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 1, 8), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(results[0], 8);
	ck_assert_int_eq(results[1], 7);
	ck_assert_int_eq(results[2], 7);
	return 0;
}

T_TASK_TEST(who_was_moved_can_be_cancelled_there)
{
	park_three();
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, 2), 2);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 0);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&other_lot), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(results[0], NUR_ECANCELED);
	return 0;
}

T_TASK_TEST(who_is_moved_into_a_broken_lot_is_told)
{
	park_three();
	nur_parking_lot_break(&other_lot, NULL);
	ck_assert_uint_eq(nur_parking_lot_repark(&lot, &other_lot, 1), 1);
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&other_lot), 0);
	t_wait_all_tasks_blocked();
	ck_assert_int_eq(results[0], NUR_EBROKEN);
	nur_nursery_cancel(&nursery, NULL);
	return nur_nursery_close(&nursery, 0, NULL);
}

/* ---- breakers ---- */

T_TASK_TEST(a_breaker_is_added_and_removed)
{
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[0]), -ENOENT);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[0], NULL, &lot), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[0], NULL, &lot), -EALREADY);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[1], nur_current_task(), &lot), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[2], NULL, &other_lot), 0);

	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[1]), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[2]), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[0]), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[0]), -ENOENT);
	return 0;
}

static int
guard(void *breaker)
{
	ck_assert_int_eq(nur_parking_lot_breaker_add(breaker, NULL, &lot), 0);
	return nur_sleep_forever();
}

T_TASK_TEST(the_end_of_one_breaker_is_enough)
{
	struct nur_nursery guards[3];

	park_three();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_nursery_open(&guards[i]), 0);
		ck_assert_int_eq(nur_start_soon(&guards[i], "guard", guard, &breakers[i]), 0);
	}
	t_wait_all_tasks_blocked();
	nur_nursery_cancel(&guards[2], NULL);
	ck_assert_int_eq(nur_nursery_close(&guards[2], 0, NULL), 0);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "guard");
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[2]), -ENOENT);

	for (int i = 1; i >= 0; i--) {
		nur_nursery_cancel(&guards[i], NULL);
		ck_assert_int_eq(nur_nursery_close(&guards[i], 0, NULL), 0);
	}
	ck_assert_int_eq(results[0], NUR_EBROKEN);
	return nur_nursery_close(&nursery, 0, NULL);
}

static int
guard_both(void *arg)
{
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[0], NULL, &lot), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[1], NULL, &other_lot), 0);
	return 0;
}

T_TASK_TEST(a_task_breaks_all_that_it_guards)
{
	int rc = 0;

	{
		NUR_NURSERY(guards, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(guards, "guard both", guard_both, NULL), 0);
	}
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "guard both");
	ck_assert_str_eq(nur_parking_lot_broken_by(&other_lot), "guard both");
	return rc;
}

T_TASK_TEST(another_task_may_add_and_remove_it)
{
	struct nur_nursery guards;

	ck_assert_int_eq(nur_nursery_open(&guards), 0);
	ck_assert_int_eq(nur_start_soon(&guards, "parker", park_and_keep, &results[0]), 0);
	t_wait_all_tasks_blocked();
	ck_assert_int_eq(
		nur_parking_lot_breaker_add(&breakers[0], nur_parking_lot_first(&lot), &other_lot),
		0);
	ck_assert_int_eq(
		nur_parking_lot_breaker_add(&breakers[1], nur_parking_lot_first(&lot), &lot), 0);
	ck_assert_int_eq(nur_parking_lot_breaker_remove(&breakers[1]), 0);
	nur_nursery_cancel(&guards, NULL);
	ck_assert_int_eq(nur_nursery_close(&guards, 0, NULL), 0);

	ck_assert_str_eq(nur_parking_lot_broken_by(&other_lot), "parker");
	ck_assert_ptr_null(nur_parking_lot_broken_by(&lot));
	return 0;
}

static int
guard_a_main_lot(void *arg)
{
	return nur_parking_lot_breaker_add(&breakers[0], NULL, &lot);
}

START_TEST(the_main_task_breaks_lots_too)
{
	ck_assert_int_eq(t_run(guard_a_main_lot, NULL), 0);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "main");
}
END_TEST

START_TEST(outside_a_task_nobody_parks_or_guards)
{
	ck_assert_int_eq(nur_parking_lot_park(&lot, "lot"), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_parking_lot_breaker_add(&breakers[0], NULL, &lot), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("park");
	TCase *breaking = tcase_create("breaking");
	TCase *moving = tcase_create("moving");
	TCase *guarding = tcase_create("breakers");

	tcase_add_checked_fixture(breaking, set_up, NULL);
	tcase_add_test(breaking, breaking_a_lot_wakes_everybody_for_good);
	tcase_add_test(breaking, the_first_to_break_it_is_to_blame);
	tcase_add_test(breaking, the_text_of_the_failure_names_who_is_to_blame);
	tcase_add_test(breaking, a_callback_of_the_loop_may_break_it);
	tcase_add_test(breaking, a_lot_may_be_gone_when_who_waited_in_it_runs);
	suite_add_tcase(suite, breaking);
	tcase_add_checked_fixture(moving, set_up, NULL);
	tcase_add_test(moving, waiters_are_moved_in_order);
	tcase_add_test(moving, moving_within_a_lot_changes_the_order);
	tcase_add_test(moving, who_was_moved_can_be_cancelled_there);
	tcase_add_test(moving, who_is_moved_into_a_broken_lot_is_told);
	suite_add_tcase(suite, moving);
	tcase_add_checked_fixture(guarding, set_up, NULL);
	tcase_add_test(guarding, a_breaker_is_added_and_removed);
	tcase_add_test(guarding, the_end_of_one_breaker_is_enough);
	tcase_add_test(guarding, a_task_breaks_all_that_it_guards);
	tcase_add_test(guarding, another_task_may_add_and_remove_it);
	tcase_add_test(guarding, the_main_task_breaks_lots_too);
	tcase_add_test(guarding, outside_a_task_nobody_parks_or_guards);
	suite_add_tcase(suite, guarding);
	return suite;
}
