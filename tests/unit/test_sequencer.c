/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_sequencer sequencer;
static int results[3];

static void
set_up(void)
{
	nur_sequencer_init(&sequencer);
	for (int i = 0; i < 3; i++) {
		results[i] = -1;
	}
}

static int
enter_and_keep(void *result)
{
	size_t position = (size_t)((int *)result - results);

	*(int *)result = nur_sequencer_enter(&sequencer, position);
	return 0;
}

T_TASK_TEST(a_step_waits_for_the_one_before)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, enter_and_keep, &results[2]);
		t_start(nursery, enter_and_keep, &results[1]);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_sequencer_leave(&sequencer), -EPERM);
		ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), 0);
		ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(results[1], 0);
		ck_assert_int_eq(results[2], -1);
		ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(results[2], 0);
		ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
		ck_assert_int_eq(nur_sequencer_leave(&sequencer), -EPERM);
	}
	return rc;
}

T_TASK_TEST(a_number_that_waits_is_taken)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, enter_and_keep, &results[1]);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_sequencer_enter(&sequencer, 1), -EALREADY);
		nur_nursery_cancel(nursery, NULL);
	}
	ck_assert_int_eq(results[1], NUR_EBROKEN);
	return rc;
}

static int
enter_next(void *arg)
{
	results[1] = nur_sequencer_enter(&sequencer, 1);
	return 0;
}

T_TASK_TEST(cancelled_when_its_turn_has_come_breaks_it_too)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, NUR_LONG_AGO);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_sequencer_enter(&sequencer, 0)), 0);
	ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
	nur_cancel_scope_init_at(&scope, NUR_LONG_AGO);
	ck_assert_int_eq(NUR_WITHIN(&scope, enter_next(NULL)), 0);

	ck_assert_int_eq(results[1], NUR_EBROKEN);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 2), NUR_EBROKEN);
	return 0;
}

START_TEST(outside_a_task_there_are_no_steps)
{
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_sequencer_leave(&sequencer), -EPERM);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("sequencer");
	TCase *tcase = tcase_create("steps");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_step_waits_for_the_one_before);
	tcase_add_test(tcase, a_number_that_waits_is_taken);
	tcase_add_test(tcase, cancelled_when_its_turn_has_come_breaks_it_too);
	tcase_add_test(tcase, outside_a_task_there_are_no_steps);
	suite_add_tcase(suite, tcase);
	return suite;
}
