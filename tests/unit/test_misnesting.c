/* SPDX-License-Identifier: MIT */
/* Scopes and nurseries that are left in the wrong order, by the wrong task, or not at all. */
#include <stdlib.h>

#include "tests/support/in_run.h"

static struct nur_nursery nursery;

/* On the heap, so that tools notice who looks at it when it is gone. */
static struct nur_cancel_scope *
entered(nur_time timeout)
{
	struct nur_cancel_scope *scope = malloc(sizeof(*scope));

	ck_assert_ptr_nonnull(scope);
	ck_assert_int_eq(nur_cancel_scope_init_after(scope, timeout), 0);
	t_enter(scope);
	return scope;
}

static void
leave_and_free(struct nur_cancel_scope *scope, int rc)
{
	ck_assert_int_eq(nur_cancel_scope_leave(scope, 0), rc);
	free(scope);
}

static struct nur_nursery *
opened(void)
{
	struct nur_nursery *inner = malloc(sizeof(*inner));

	ck_assert_ptr_nonnull(inner);
	t_open(inner);
	return inner;
}

static void
assert_no_deadline(void)
{
	ck_assert_int_eq(t_statistics().next_deadline_ns, NUR_FOREVER);
}

IN_RUN_TEST(all_scopes_inside_the_one_left_too_early_are_abandoned)
{
	struct nur_cancel_scope *outer = entered(NUR_SEC(1));
	struct nur_cancel_scope *middle = entered(NUR_SEC(2));
	struct nur_cancel_scope *inner = entered(NUR_SEC(3));

	leave_and_free(outer, NUR_EMISNEST);
	leave_and_free(inner, 0);
	leave_and_free(middle, 0);

	assert_no_deadline();
	ck_assert_int_eq(nur_sleep(NUR_SEC(4)), 0);
}
END_TEST

IN_RUN_TEST(in_any_order)
{
	struct nur_cancel_scope *outer = entered(NUR_SEC(1));
	struct nur_cancel_scope *middle = entered(NUR_SEC(2));
	struct nur_cancel_scope *inner = entered(NUR_SEC(3));

	leave_and_free(outer, NUR_EMISNEST);
	leave_and_free(middle, 0);
	leave_and_free(inner, 0);

	assert_no_deadline();
}
END_TEST

IN_RUN_TEST(so_is_a_nursery_inside_which_still_closes)
{
	struct nur_cancel_scope *outer = entered(NUR_FOREVER);
	struct nur_cancel_scope *middle = entered(NUR_FOREVER);
	struct nur_nursery *inner = opened();

	t_start(inner, t_sleep_forever, NULL);
	t_settle();
	leave_and_free(outer, NUR_EMISNEST);
	ck_assert_int_eq(nur_nursery_close(inner, 0, NULL), NUR_EMISNEST);
	free(inner);
	leave_and_free(middle, 0);

	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);
	ck_assert_int_eq(nur_checkpoint(), 0);
}
END_TEST

static int
leave(void *scope)
{
	ck_assert_int_eq(nur_cancel_scope_leave(scope, 0), NUR_EMISNEST);
	return nur_sleep_forever();
}

IN_RUN_TEST(a_task_does_not_leave_what_its_parent_has_entered)
{
	struct nur_cancel_scope *scope = entered(NUR_FOREVER);

	t_open(&nursery);
	t_start(&nursery, leave, scope);
	t_settle();
	nur_cancel_scope_cancel(scope, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(scope, NUR_ECANCELED), 0);
	free(scope);
}
END_TEST

IN_RUN_TEST(the_scope_of_a_nursery_is_left_by_closing_it)
{
	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(nur_nursery_scope(&nursery), 0), NUR_EMISNEST);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

/* ---- tasks that return too early ---- */

static struct nur_cancel_scope *left_scopes[2];
static struct nur_nursery *left_nursery;

static int
return_inside_scopes(void *unused)
{
	left_scopes[0] = entered(NUR_SEC(1));
	left_scopes[1] = entered(NUR_SEC(2));
	return 0;
}

IN_RUN_TEST(the_end_of_a_task_leaves_its_scopes)
{
	t_open(&nursery);
	t_start(&nursery, return_inside_scopes, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);
	ck_assert_int_eq(nur_cancel_scope_leave(left_scopes[1], 0), NUR_EMISNEST);
	free(left_scopes[0]);
	free(left_scopes[1]);

	assert_no_deadline();
	ck_assert_int_eq(nur_sleep(NUR_SEC(3)), 0);
}
END_TEST

static int
return_inside_a_nursery(void *unused)
{
	left_scopes[0] = entered(NUR_SEC(1));
	left_nursery = opened();
	left_scopes[1] = entered(NUR_SEC(2));
	return 0;
}

IN_RUN_TEST(and_those_around_and_inside_its_nurseries)
{
	t_open(&nursery);
	t_start(&nursery, return_inside_a_nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);
	free(left_nursery);
	free(left_scopes[0]);
	free(left_scopes[1]);

	assert_no_deadline();
}
END_TEST

static struct nur_nursery *left_nurseries[2];

/* The scope between the two was left too early. */
static int
return_inside_two_nurseries(void *unused)
{
	left_nurseries[0] = opened();
	t_start(left_nurseries[0], t_sleep_forever, NULL);
	left_scopes[0] = entered(NUR_FOREVER);
	left_nurseries[1] = opened();
	leave_and_free(left_scopes[0], NUR_EMISNEST);
	return 0;
}

IN_RUN_TEST(and_nurseries_that_a_scope_between_them_has_left)
{
	t_open(&nursery);
	t_start(&nursery, return_inside_two_nurseries, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);
	free(left_nurseries[0]);
	free(left_nurseries[1]);
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);
}
END_TEST

static int
return_what_leaving_too_early_says(void *unused)
{
	struct nur_cancel_scope *outer = entered(NUR_FOREVER);
	int r;

	left_scopes[0] = entered(NUR_SEC(1));
	r = nur_cancel_scope_leave(outer, 0);
	free(outer);
	return r;
}

IN_RUN_TEST(an_abandoned_scope_that_nobody_leaves_has_no_deadline)
{
	t_open(&nursery);
	t_start(&nursery, return_what_leaving_too_early_says, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);
	free(left_scopes[0]);
	assert_no_deadline();
}
END_TEST

static int late_result;
static struct nur_call call;

static void
start_late(void *unused)
{
	late_result = nur_start_soon(left_nursery, "late", t_sleep_forever, NULL);
}

/* The last task of the nursery; its end wakes who abandons it, in the pass that makes the call. */
static int
have_one_started_late(void *unused)
{
	int r = nur_sleep_forever();

	nur_call_soon(&call);
	return r;
}

static int
leave_a_nursery_open(void *unused)
{
	left_nursery = opened();
	t_start(left_nursery, have_one_started_late, NULL);
	t_settle();
	return 0;
}

IN_RUN_TEST(nothing_is_started_any_more_in_a_nursery_that_was_abandoned)
{
	nur_call_init(&call, start_late, NULL);
	t_open(&nursery);
	t_start(&nursery, leave_a_nursery_open, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);

	ck_assert_int_eq(late_result, NUR_ECLOSED);
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);
	free(left_nursery);
}
END_TEST

static struct nur_task_status *status;

static enum nur_abort
make_it_ready(struct nur_task *task, void *unused)
{
	ck_assert_int_eq(nur_started(status, NULL), 0);
	return NUR_ABORT_SUCCEEDED;
}

static int
make_it_ready_after_a_second(void *unused)
{
	struct nur_cancel_scope scope;

	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(1)), 0);
	return NUR_WITHIN(&scope, nur_wait_task_rescheduled("nothing", make_it_ready, NULL));
}

static int
return_after_a_second(struct nur_task_status *given, void *unused)
{
	status = given;
	left_nursery = opened();
	t_start(left_nursery, t_sleep_forever, NULL);
	return nur_sleep(NUR_SEC(1));
}

/* It is ready in the pass in which it returns, moves in the next one, and waits for its tasks meanwhile. */
IN_RUN_TEST(a_task_may_move_while_it_is_ended)
{
	t_open(&nursery);
	t_start(&nursery, make_it_ready_after_a_second, NULL);
	ck_assert_int_eq(nur_start(&nursery, NULL, return_after_a_second, NULL, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_EMISNEST);
	free(left_nursery);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("misnesting");
	TCase *tc = tcase_create("order");

	tcase_add_test(tc, all_scopes_inside_the_one_left_too_early_are_abandoned);
	tcase_add_test(tc, in_any_order);
	tcase_add_test(tc, so_is_a_nursery_inside_which_still_closes);
	tcase_add_test(tc, a_task_does_not_leave_what_its_parent_has_entered);
	tcase_add_test(tc, the_scope_of_a_nursery_is_left_by_closing_it);
	suite_add_tcase(suite, tc);

	tc = tcase_create("tasks that return");
	tcase_add_test(tc, the_end_of_a_task_leaves_its_scopes);
	tcase_add_test(tc, and_those_around_and_inside_its_nurseries);
	tcase_add_test(tc, and_nurseries_that_a_scope_between_them_has_left);
	tcase_add_test(tc, an_abandoned_scope_that_nobody_leaves_has_no_deadline);
	tcase_add_test(tc, nothing_is_started_any_more_in_a_nursery_that_was_abandoned);
	tcase_add_test(tc, a_task_may_move_while_it_is_ended);
	suite_add_tcase(suite, tc);
	return suite;
}
