/* SPDX-License-Identifier: MIT */
/* Rows 47-64: a task is started, and who started it waits until it is ready. */
#include <errno.h>
#include <string.h>

#include "tests/support/in_run.h"

static int value;

static int
sleep_around_started(struct nur_task_status *status, void *seconds)
{
	nur_time duration = NUR_SEC((intptr_t)seconds);

	ck_assert_int_eq(nur_sleep(duration), 0);
	ck_assert_int_eq(nur_started(status, &value), 0);
	return nur_sleep(duration);
}

IN_RUN_TEST(r047_start_waits_until_the_child_is_ready_and_gives_its_value)
{
	for (int seconds = 1; seconds <= 2; seconds++) {
		nur_time t0 = nur_now();
		struct nur_nursery nursery;
		void *got = NULL;

		t_open(&nursery);
		ck_assert_int_eq(
			nur_start(&nursery, "child", sleep_around_started, T_CODE(seconds), &got),
			0);
		ck_assert_ptr_eq(got, &value);
		ck_assert_int_eq(nur_now() - t0, NUR_SEC(seconds));
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
		ck_assert_int_eq(nur_now() - t0, NUR_SEC(2 * seconds));
	}
}
END_TEST

IN_RUN_TEST(r047_the_value_may_be_ignored)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, NULL, sleep_around_started, T_CODE(1), NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

IN_RUN_TEST(r047_start_needs_a_function)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, "nothing", NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

struct late_start {
	struct nur_nursery nursery;
	int result;
};

static void
start_from_the_loop(void *arg)
{
	struct late_start *late = arg;

	late->result = nur_start(&late->nursery, "child", sleep_around_started, T_CODE(1), NULL);
}

IN_RUN_TEST(r047_start_needs_a_task)
{
	struct late_start late = { .result = 0 };
	struct nur_call call;

	t_open(&late.nursery);
	nur_call_init(&call, start_from_the_loop, &late);
	nur_call_soon(&call);
	t_settle();
	ck_assert_int_eq(late.result, NUR_ENOTINTASK);
	ck_assert_int_eq(nur_nursery_close(&late.nursery, 0, NULL), 0);
}
END_TEST

static int
note_children_around_started(struct nur_task_status *status, void *nursery)
{
	t_note("%zu", nur_nursery_n_children(nursery));
	ck_assert_int_eq(nur_started(status, NULL), 0);
	t_note("%zu", nur_nursery_n_children(nursery));
	return nur_sleep(NUR_SEC(3));
}

IN_RUN_TEST(r048_the_child_enters_the_nursery_when_it_is_ready)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(
		nur_start(&nursery, "child", note_children_around_started, &nursery, NULL), 0);
	ck_assert_str_eq(t_notes(), "0 1");
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 1);

	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(3));
}
END_TEST

static int
start_a_grandchild(struct nur_task_status *status, void *unused)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	ck_assert_int_eq(nur_started(status, NULL), 0);
	r = nur_nursery_close(&nursery, 0, NULL);
	t_note("%s", nur_strerror(r));
	return nur_cancel_scope_leave(&scope, r);
}

IN_RUN_TEST(r048_what_the_child_has_started_goes_with_it)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, "child", start_a_grandchild, NULL, NULL), 0);
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "cancelled");
}
END_TEST

static enum nur_abort
note_abort(struct nur_task *task, void *unused)
{
	t_note("aborted");
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_abortably(void *unused)
{
	return nur_wait_task_rescheduled("test", note_abort, NULL);
}

/* Waits beside the starting task, in its temporary nursery and in a scope of its own. */
static int
wait_in_a_scope(void *unused)
{
	return nur_move_on_after(NUR_SEC(100), 0, wait_abortably, NULL, NULL);
}

static int
move_waiting_tasks(struct nur_task_status *status, void *unused)
{
	struct nur_nursery *temporary = nur_task_parent_nursery(nur_current_task());

	t_start(temporary, wait_abortably, NULL);
	t_start(temporary, wait_in_a_scope, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(nur_started(status, NULL), 0);
	ck_assert_str_eq(t_notes(), "aborted aborted");
	return nur_checkpoint();
}

IN_RUN_TEST(r048_in_a_cancelled_nursery_the_child_is_cancelled_when_it_enters)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	nur_nursery_cancel(&nursery, NULL);
	{
		struct nur_cancel_scope shield;

		nur_cancel_scope_init(&shield);
		nur_cancel_scope_set_shield(&shield, true);
		t_enter(&shield);
		ck_assert_int_eq(nur_start(&nursery, "child", move_waiting_tasks, NULL, NULL), 0);
		ck_assert_int_eq(nur_cancel_scope_leave(&shield, 0), 0);
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(nur_nursery_scope(&nursery)));
}
END_TEST

/* Waits for something to do, beside the starting task. */
static int
wait_softly(void *unused)
{
	struct nur_cancel_scope idle;

	nur_cancel_scope_init(&idle);
	nur_cancel_scope_set_soft(&idle, true);
	return NUR_WITHIN(&idle, wait_abortably(NULL));
}

static int
move_an_idle_task(struct nur_task_status *status, void *unused)
{
	struct nur_nursery *temporary = nur_task_parent_nursery(nur_current_task());

	t_start(temporary, wait_softly, NULL);
	t_settle();
	ck_assert_ptr_null(nur_current_stop_reason());
	ck_assert_int_eq(nur_started(status, NULL), 0);
	ck_assert_str_eq(t_notes(), "aborted");
	ck_assert_str_eq(nur_current_stop_reason()->text, "closing time");
	return nur_checkpoint();
}

IN_RUN_TEST(r048_in_a_nursery_that_is_asked_to_stop_the_child_is_asked_too)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(
				 nur_nursery_scope(&nursery), NUR_SEC(9), "closing time"),
		0);
	{
		struct nur_cancel_scope shield;

		nur_cancel_scope_init(&shield);
		nur_cancel_scope_set_shield(&shield, true);
		t_enter(&shield);
		ck_assert_int_eq(nur_start(&nursery, "child", move_an_idle_task, NULL, NULL), 0);
		ck_assert_int_eq(nur_cancel_scope_leave(&shield, 0), 0);
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_now(), 0);
}
END_TEST

IN_RUN_TEST(r049_a_function_for_start_can_be_called_directly)
{
	ck_assert_int_eq(sleep_around_started(NUR_TASK_STATUS_IGNORED, T_CODE(3)), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(6));
}
END_TEST

static int
be_ready_twice(struct nur_task_status *status, void *unused)
{
	ck_assert_int_eq(nur_started(status, NULL), 0);
	ck_assert_int_eq(nur_started(status, NULL), -EALREADY);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0); /* by now start has returned */
	ck_assert_int_eq(nur_started(status, NULL), -EALREADY);
	return 0;
}

IN_RUN_TEST(r050_being_ready_twice_is_an_error_in_the_child)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, "child", be_ready_twice, NULL, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
fail_at_once(struct nur_task_status *status, void *unused)
{
	return nur_fail(-EIO, "oops");
}

IN_RUN_TEST(r051_a_failure_before_ready_comes_out_of_start_alone)
{
	struct nur_nursery nursery;
	void *got = &nursery;

	t_open(&nursery);
	t_start(&nursery, t_checkpoint, NULL);
	ck_assert_int_eq(nur_start(&nursery, "child", fail_at_once, NULL, &got), -EIO);
	ck_assert_ptr_eq(got, &nursery);
	ck_assert(!nur_cancel_scope_cancel_called(nur_nursery_scope(&nursery)));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
return_at_once(struct nur_task_status *status, void *unused)
{
	return 1;
}

IN_RUN_TEST(r052_returning_before_ready_is_a_failure_of_start)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, "hasty", return_at_once, NULL, NULL), NUR_ENOTSTARTED);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
start_hasty(void *nursery)
{
	return nur_start(nursery, "hasty", return_at_once, NULL, NULL);
}

IN_RUN_TEST(r052_that_failure_names_the_child)
{
	struct nur_errors errors;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_hasty, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_ENOTSTARTED);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(strstr(errors.items[0].text, "hasty"));
	nur_errors_fini(&errors);
}
END_TEST

static int
be_ready_and_yield(struct nur_task_status *status, void *nursery)
{
	ck_assert_int_eq(nur_started(status, &value), 0);
	ck_assert_uint_eq(nur_nursery_n_children(nursery), 0);
	return nur_checkpoint();
}

static int
start_in_a_cancelled_scope(struct nur_nursery *nursery, nur_start_fn fn, void **ret_value,
	struct nur_cancel_scope *scope)
{
	int r;

	nur_cancel_scope_init(scope);
	t_enter(scope);
	nur_cancel_scope_cancel(scope, NULL);
	r = nur_start(nursery, "child", fn, nursery, ret_value);
	ck_assert_int_eq(nur_cancel_scope_leave(scope, r), r == NUR_ECANCELED ? 0 : r);
	return r;
}

IN_RUN_TEST(r053_once_start_is_cancelled_being_ready_has_no_effect)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	void *got = NULL;

	t_open(&nursery);
	ck_assert_int_eq(start_in_a_cancelled_scope(&nursery, be_ready_and_yield, &got, &scope),
		NUR_ECANCELED);
	ck_assert_ptr_null(got);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
be_ready_only(struct nur_task_status *status, void *unused)
{
	return nur_started(status, &value);
}

IN_RUN_TEST(r053_a_child_that_meets_no_checkpoint_is_ready_all_the_same)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	void *got = NULL;

	t_open(&nursery);
	ck_assert_int_eq(start_in_a_cancelled_scope(&nursery, be_ready_only, &got, &scope), 0);
	ck_assert_ptr_eq(got, &value);
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
fail_when_ready(struct nur_task_status *status, void *unused)
{
	ck_assert_int_eq(nur_started(status, NULL), 0);
	return -EIO;
}

IN_RUN_TEST(r055_a_failure_after_that_still_comes_out_of_start)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(start_in_a_cancelled_scope(&nursery, fail_when_ready, NULL, &scope), -EIO);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

IN_RUN_TEST(r056_start_in_a_closed_nursery_fails_at_once)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(
		nur_start(&nursery, "child", sleep_around_started, T_CODE(7), NULL), NUR_ECLOSED);
	ck_assert_int_eq(nur_now(), 0);
}
END_TEST

static int
be_ready_after_two_seconds(struct nur_task_status *status, void *unused)
{
	ck_assert_int_eq(nur_sleep(NUR_SEC(2)), 0);
	ck_assert_int_eq(nur_started(status, NULL), 0);
	return nur_sleep(NUR_SEC(3));
}

static int
start_slowly(void *nursery)
{
	return nur_start(nursery, "slow", be_ready_after_two_seconds, NULL, NULL);
}

IN_RUN_TEST(r057_a_pending_start_keeps_the_nursery_open)
{
	struct nur_nursery outer, inner;

	t_open(&outer);
	t_open(&inner);
	t_start(&outer, start_slowly, &inner);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	t_start(&outer, start_slowly, &inner);
	ck_assert_uint_eq(nur_nursery_n_children(&inner), 0);
	ck_assert_int_eq(nur_nursery_close(&inner, 0, NULL), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(6));
	ck_assert_int_eq(nur_nursery_close(&outer, 0, NULL), 0);
}
END_TEST

static int
start_soon_in(void *nursery)
{
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	return nur_start_soon(nursery, "late", t_checkpoint, NULL);
}

IN_RUN_TEST(r057_meanwhile_others_may_enter_it_too)
{
	struct nur_nursery outer, inner;

	t_open(&outer);
	t_open(&inner);
	t_start(&outer, start_slowly, &inner);
	t_start(&outer, start_soon_in, &inner);
	t_settle();
	ck_assert_int_eq(nur_nursery_close(&inner, 0, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&outer, 0, NULL), 0);
}
END_TEST

static int
fail_after_seven_seconds(struct nur_task_status *status, void *unused)
{
	ck_assert_int_eq(nur_sleep(NUR_SEC(7)), 0);
	return -EIO;
}

static int
start_one_that_fails(void *nursery)
{
	ck_assert_int_eq(nur_start(nursery, "child", fail_after_seven_seconds, NULL, NULL), -EIO);
	return nur_sleep(NUR_SEC(1));
}

IN_RUN_TEST(r058_its_failure_releases_who_waits_for_the_nursery)
{
	struct nur_nursery outer, inner;

	t_open(&outer);
	t_open(&inner);
	t_start(&outer, start_one_that_fails, &inner);
	t_settle();
	ck_assert_int_eq(nur_nursery_close(&inner, 0, NULL), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(7));
	ck_assert_int_eq(nur_nursery_close(&outer, 0, NULL), 0);
}
END_TEST

static int
look_at_the_parents(struct nur_task_status *status, void *nursery)
{
	struct nur_task *me = nur_current_task();
	struct nur_nursery *temporary = nur_task_parent_nursery(me);

	ck_assert_ptr_ne(temporary, nursery);
	ck_assert_ptr_eq(nur_nursery_parent_task(temporary), nur_nursery_parent_task(nursery));
	ck_assert_ptr_eq(nur_task_nursery(nur_nursery_parent_task(nursery), 1), temporary);
	ck_assert_ptr_eq(nur_task_eventual_parent_nursery(me), nursery);

	ck_assert_int_eq(nur_started(status, NULL), 0);
	ck_assert_ptr_eq(nur_task_parent_nursery(me), nursery);
	ck_assert_ptr_null(nur_task_eventual_parent_nursery(me));
	return 0;
}

IN_RUN_TEST(r061_a_starting_child_knows_its_eventual_parent)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_ptr_null(nur_task_eventual_parent_nursery(nur_current_task()));
	ck_assert_int_eq(nur_start(&nursery, "child", look_at_the_parents, &nursery, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
start_a_failing_child(void *nursery)
{
	return nur_start(nursery, "child", fail_at_once, NULL, NULL);
}

IN_RUN_TEST(r062_a_failure_before_ready_is_in_no_extra_group)
{
	struct nur_errors errors;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_a_failing_child, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EIO);
	ck_assert_ptr_null(errors.items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_as_a_group(struct nur_task_status *status, void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EDOM));
	t_start(&nursery, t_return, T_CODE(-EDOM));
	return nur_nursery_close(&nursery, 0, NULL);
}

static int
start_a_failing_group(void *nursery)
{
	return nur_start(nursery, "child", fail_as_a_group, NULL, NULL);
}

IN_RUN_TEST(r062_a_group_of_the_childs_own_stays_as_it_is)
{
	struct nur_errors errors;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_a_failing_group, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EDOM);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 2);
	ck_assert_ptr_null(errors.items[0].nested->items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r063_text_and_place_of_the_failure_survive_the_trip)
{
	struct nur_errors errors;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_a_failing_child, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_str_eq(errors.items[0].text, "oops");
	ck_assert_ptr_nonnull(strstr(errors.items[0].file, "test_start.c"));
	ck_assert_int_gt(errors.items[0].line, 0);
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_beside_a_cancelled_task(struct nur_task_status *status, void *scope)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	t_settle();
	nur_cancel_scope_cancel(scope, NULL);
	return nur_nursery_close(&nursery, -EIO, NULL);
}

IN_RUN_TEST(r063_cancellations_beside_it_reach_the_scope_they_belong_to)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	int r;

	t_open(&nursery);
	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	r = nur_start(&nursery, "child", fail_beside_a_cancelled_task, &scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, r), -EIO);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
start_two_failures_beside_me(struct nur_task_status *status, void *unused)
{
	struct nur_nursery *temporary = nur_task_parent_nursery(nur_current_task());

	t_start(temporary, t_return, T_CODE(-EDOM));
	t_start(temporary, t_return, T_CODE(-ERANGE));
	return 0;
}

static int
start_several(void *nursery)
{
	return nur_start(nursery, "child", start_two_failures_beside_me, NULL, NULL);
}

IN_RUN_TEST(r064_several_failures_in_the_temporary_nursery_are_an_internal_error)
{
	struct nur_errors errors;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_several, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EINTERNAL);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 2);
	ck_assert(nur_errors_has(&errors, -EDOM));
	ck_assert(nur_errors_has(&errors, -ERANGE));
	nur_errors_fini(&errors);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("start");
	TCase *tc = tcase_create("start");

	tcase_add_test(tc, r047_start_waits_until_the_child_is_ready_and_gives_its_value);
	tcase_add_test(tc, r047_the_value_may_be_ignored);
	tcase_add_test(tc, r047_start_needs_a_function);
	tcase_add_test(tc, r047_start_needs_a_task);
	tcase_add_test(tc, r048_the_child_enters_the_nursery_when_it_is_ready);
	tcase_add_test(tc, r048_what_the_child_has_started_goes_with_it);
	tcase_add_test(tc, r048_in_a_cancelled_nursery_the_child_is_cancelled_when_it_enters);
	tcase_add_test(tc, r048_in_a_nursery_that_is_asked_to_stop_the_child_is_asked_too);
	tcase_add_test(tc, r049_a_function_for_start_can_be_called_directly);
	tcase_add_test(tc, r050_being_ready_twice_is_an_error_in_the_child);
	tcase_add_test(tc, r051_a_failure_before_ready_comes_out_of_start_alone);
	tcase_add_test(tc, r052_returning_before_ready_is_a_failure_of_start);
	tcase_add_test(tc, r052_that_failure_names_the_child);
	tcase_add_test(tc, r053_once_start_is_cancelled_being_ready_has_no_effect);
	tcase_add_test(tc, r053_a_child_that_meets_no_checkpoint_is_ready_all_the_same);
	tcase_add_test(tc, r055_a_failure_after_that_still_comes_out_of_start);
	tcase_add_test(tc, r056_start_in_a_closed_nursery_fails_at_once);
	tcase_add_test(tc, r057_a_pending_start_keeps_the_nursery_open);
	tcase_add_test(tc, r057_meanwhile_others_may_enter_it_too);
	tcase_add_test(tc, r058_its_failure_releases_who_waits_for_the_nursery);
	tcase_add_test(tc, r061_a_starting_child_knows_its_eventual_parent);
	tcase_add_test(tc, r062_a_failure_before_ready_is_in_no_extra_group);
	tcase_add_test(tc, r062_a_group_of_the_childs_own_stays_as_it_is);
	tcase_add_test(tc, r063_text_and_place_of_the_failure_survive_the_trip);
	tcase_add_test(tc, r063_cancellations_beside_it_reach_the_scope_they_belong_to);
	tcase_add_test(tc, r064_several_failures_in_the_temporary_nursery_are_an_internal_error);
	suite_add_tcase(suite, tc);
	return suite;
}
