/* SPDX-License-Identifier: MIT */
/* Cancelling while a cancellation is on its way through the tree. */
#include "tests/support/run.h"

static struct nur_nursery nursery;
static struct nur_cancel_scope scopes[3];
static int results[3];

static void
set_up(void)
{
	for (int i = 0; i < 3; i++) {
		nur_cancel_scope_init(&scopes[i]);
		results[i] = -1;
	}
}

static enum nur_abort
cancel_the_middle_one(struct nur_task *task, void *unused)
{
	nur_cancel_scope_cancel(&scopes[1], "from an abort callback");
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_in_scope(void *arg)
{
	int i = (int)(intptr_t)arg;

	return NUR_WITHIN(&scopes[i],
		results[i] = nur_wait_task_rescheduled("nothing", cancel_the_middle_one, NULL));
}

static void
start_three(void)
{
	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	for (int i = 0; i < 3; i++) {
		t_start(&nursery, wait_in_scope, (void *)(intptr_t)i);
	}
	t_wait_all_tasks_blocked();
}

T_TASK_TEST(a_cancellation_inside_another_loses_nobody)
{
	start_three();
	nur_nursery_cancel(&nursery, "from outside");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(results[i], NUR_ECANCELED);
	}
	ck_assert(nur_cancel_scope_cancel_called(&scopes[1]));
	return 0;
}

T_TASK_TEST(it_reaches_no_further_than_its_own_scope)
{
	start_three();
	nur_cancel_scope_cancel(&scopes[0], NULL);
	t_wait_all_tasks_blocked();
	ck_assert_int_eq(results[0], NUR_ECANCELED);
	ck_assert_int_eq(results[1], NUR_ECANCELED);
	ck_assert_int_eq(results[2], -1);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(results[2], NUR_ECANCELED);
	return 0;
}

/* ---- branches that would move ---- */

static struct nur_cancel_scope caller;
static struct nur_task_status *status;

static enum nur_abort
be_ready(struct nur_task *task, void *unused)
{
	ck_assert_int_eq(nur_started(status, NULL), 0);
	return NUR_ABORT_SUCCEEDED;
}

/* Waits in a soft scope; is ready when that is cancelled. */
static int
be_ready_when_stopped(struct nur_task_status *given, void *unused)
{
	status = given;
	nur_cancel_scope_set_soft(&scopes[0], true);
	results[0] = NUR_WITHIN(&scopes[0], nur_wait_task_rescheduled("nothing", be_ready, NULL));
	return nur_sleep_forever();
}

static int
start_one(void *unused)
{
	results[1] =
		NUR_WITHIN(&caller, nur_start(&nursery, NULL, be_ready_when_stopped, NULL, NULL));
	return 0;
}

T_TASK_TEST(a_task_may_be_ready_when_a_graceful_cancel_reaches_it)
{
	struct nur_nursery callers;

	nur_cancel_scope_init(&caller);
	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	ck_assert_int_eq(nur_nursery_open(&callers), 0);
	t_start(&callers, start_one, NULL);
	t_wait_all_tasks_blocked();
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&caller, NUR_FOREVER, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&callers, 0, NULL), 0);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], 0);
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 1);

	nur_nursery_cancel(&nursery, NULL);
	return nur_nursery_close(&nursery, 0, NULL);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("scope tree");
	TCase *tc = tcase_create("nested");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, a_cancellation_inside_another_loses_nobody);
	tcase_add_test(tc, it_reaches_no_further_than_its_own_scope);
	tcase_add_test(tc, a_task_may_be_ready_when_a_graceful_cancel_reaches_it);
	suite_add_tcase(suite, tc);
	return suite;
}
