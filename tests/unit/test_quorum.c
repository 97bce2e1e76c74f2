/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

/* What a branch does: sleeps, and ends so. */
struct plan {
	nur_time sleep;
	int rc;
	int when_cancelled;
};

static int
follow(void *arg)
{
	const struct plan *plan = arg;
	int r = nur_sleep(plan->sleep);

	if (r < 0) {
		return plan->when_cancelled ? plan->when_cancelled : r;
	}
	return plan->rc < 0 ? nur_fail(plan->rc, "after %d s", (int)(plan->sleep / NUR_SEC(1)))
			    : plan->rc;
}

static struct plan plans[3];
static struct nur_branch branches[3];
static struct nur_errors errors;

static void
set_up(void)
{
	static const char *const names[] = { "one", "two", "three" };

	for (int i = 0; i < 3; i++) {
		plans[i] = (struct plan){ NUR_SEC(i + 1), 0, 0 };
		branches[i] = (struct nur_branch){ names[i], follow, &plans[i], 1, NULL };
	}
	errors = (struct nur_errors)NUR_ERRORS_INIT;
}

static void
tear_down(void)
{
	nur_errors_fini(&errors);
}

static void
assert_results(int one, int two, int three)
{
	ck_assert_int_eq(branches[0].result, one);
	ck_assert_int_eq(branches[1].result, two);
	ck_assert_int_eq(branches[2].result, three);
}

/* ---- the first success ---- */

T_TASK_TEST(the_first_success_cancels_the_others)
{
	plans[1].sleep = NUR_MSEC(500);
	plans[1].rc = 7;

	ck_assert_int_eq(nur_first_success(branches, 3, &errors), 1);
	ck_assert_int_eq(nur_now(), NUR_MSEC(500));
	assert_results(NUR_ECANCELED, 7, NUR_ECANCELED);
	ck_assert_uint_eq(errors.n, 0);
	ck_assert_uint_eq(errors.n_cancelled, 0);
	return 0;
}

T_TASK_TEST(a_failure_before_it_is_data)
{
	plans[0].rc = -EIO;

	ck_assert_int_eq(nur_first_success(branches, 3, &errors), 1);
	ck_assert_int_eq(nur_now(), NUR_SEC(2));
	assert_results(-EIO, 0, NUR_ECANCELED);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].task, "one");
	ck_assert_str_eq(errors.items[0].text, "after 1 s");
	return 0;
}

T_TASK_TEST(a_failure_behind_it_is_data_too)
{
	plans[2].when_cancelled = -ENOSPC;
	plans[1].when_cancelled = 5;

	ck_assert_int_eq(nur_first_success(branches, 3, &errors), 0);
	assert_results(0, 5, -ENOSPC);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -ENOSPC);
	return 0;
}

T_TASK_TEST(when_all_fail_the_first_failure_comes_out_with_all)
{
	plans[0].rc = -EIO;
	plans[1].rc = -ENOENT;
	plans[2].rc = -ENOSPC;

	ck_assert_int_eq(nur_first_success(branches, 3, &errors), -EIO);
	ck_assert_int_eq(nur_now(), NUR_SEC(3));
	assert_results(-EIO, -ENOENT, -ENOSPC);
	ck_assert_uint_eq(errors.n, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(errors.items[i].code, branches[i].result);
		ck_assert_str_eq(errors.items[i].task, branches[i].name);
	}
	return 0;
}

static int
ask_all(void *arg)
{
	return nur_first_success(branches, 3, NULL);
}

T_TASK_TEST(without_a_group_the_failures_are_the_details_of_the_callers)
{
	int rc = 0;

	for (int i = 0; i < 3; i++) {
		plans[i].rc = -EIO;
	}
	{
		NUR_NURSERY(nursery, &rc, &errors);
		t_start(nursery, ask_all, NULL);
	}
	ck_assert_int_eq(rc, -EIO);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 3);
	return 0;
}

/* ---- quorums ---- */

T_TASK_TEST(a_quorum_waits_for_so_many)
{
	plans[0].rc = 3;

	ck_assert_int_eq(nur_quorum(branches, 3, 2, NULL), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(2));
	assert_results(3, 0, NUR_ECANCELED);
	return 0;
}

T_TASK_TEST(a_quorum_can_be_all)
{
	ck_assert_int_eq(nur_quorum(branches, 3, 3, &errors), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(3));
	assert_results(0, 0, 0);
	return 0;
}

T_TASK_TEST(a_quorum_that_cannot_be_reached_ends_at_once)
{
	plans[0].rc = -EIO;
	plans[1].rc = -ENOENT;

	ck_assert_int_eq(nur_quorum(branches, 3, 2, &errors), -EIO);
	ck_assert_int_eq(nur_now(), NUR_SEC(2));
	assert_results(-EIO, -ENOENT, NUR_ECANCELED);
	ck_assert_uint_eq(errors.n, 2);
	ck_assert_uint_eq(errors.n_cancelled, 0);
	return 0;
}

/* ---- the first end ---- */

T_TASK_TEST(the_first_end_decides_also_a_failure)
{
	plans[0].rc = -EIO;

	ck_assert_int_eq(nur_first_done(branches, 3, &errors), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	assert_results(-EIO, NUR_ECANCELED, NUR_ECANCELED);
	ck_assert_uint_eq(errors.n, 1);
	return 0;
}

T_TASK_TEST(the_first_end_decides_also_a_success)
{
	plans[2] = (struct plan){ 0, 9, 0 };

	ck_assert_int_eq(nur_first_done(branches, 3, NULL), 2);
	assert_results(NUR_ECANCELED, NUR_ECANCELED, 9);
	return 0;
}

/* ---- cancelled from outside ---- */

static int
first_done(void *arg)
{
	return nur_first_done(branches, 3, &errors);
}

T_TASK_TEST(a_cancellation_from_outside_goes_through)
{
	bool has_timed_out = false;

	plans[0].rc = -EIO;
	plans[0].sleep = NUR_SEC(100);
	plans[1].sleep = NUR_SEC(200);
	plans[2].sleep = NUR_SEC(300);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(50), 0, first_done, NULL, &has_timed_out), 0);
	ck_assert(has_timed_out);
	assert_results(NUR_ECANCELED, NUR_ECANCELED, NUR_ECANCELED);
	return 0;
}

static int
two_of_three(void *arg)
{
	return nur_quorum(branches, 3, 2, &errors);
}

T_TASK_TEST(so_it_does_with_a_failure_that_was_data)
{
	bool has_timed_out = false;

	plans[0].rc = -EIO;
	plans[1].sleep = NUR_SEC(200);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(50), 0, two_of_three, NULL, &has_timed_out), 0);
	ck_assert(has_timed_out);
	assert_results(-EIO, NUR_ECANCELED, 0);
	ck_assert_uint_eq(errors.n, 1);
	return 0;
}

/* ---- what goes wrong ---- */

T_TASK_TEST(nonsense_is_refused)
{
	ck_assert_int_eq(nur_quorum(branches, 3, 0, &errors), -EINVAL);
	ck_assert_int_eq(nur_quorum(branches, 3, 4, &errors), -EINVAL);
	ck_assert_int_eq(nur_first_success(NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(nur_first_done(NULL, 0, NULL), -EINVAL);
	branches[2].fn = NULL;
	ck_assert_int_eq(nur_quorum(branches, 3, 1, &errors), -EINVAL);
	assert_results(1, 1, 1);
	return 0;
}

static int
return_cancelled(void *arg)
{
	return NUR_ECANCELED;
}

static int
return_in_a_scope(void *scope)
{
	nur_cancel_scope_init(scope);
	return nur_cancel_scope_enter(scope);
}

static int
cancel_the_others(void *arg)
{
	nur_nursery_cancel(nur_task_parent_nursery(nur_current_task()), NULL);
	return nur_checkpoint();
}

T_TASK_TEST(bugs_of_a_branch_are_errors)
{
	struct nur_cancel_scope scope;

	branches[0].fn = return_cancelled;
	ck_assert_int_eq(nur_first_success(branches, 3, &errors), NUR_ESTRAYCANCEL);
	ck_assert(nur_errors_has(&errors, NUR_ESTRAYCANCEL));
	nur_errors_fini(&errors);

	branches[0].fn = return_in_a_scope;
	branches[0].arg = &scope;
	ck_assert_int_eq(nur_quorum(branches, 3, 3, &errors), NUR_EMISNEST);

	branches[0].fn = cancel_the_others;
	ck_assert_int_eq(nur_first_success(branches, 3, NULL), NUR_ESTRAYCANCEL);
	return 0;
}

static int
run_with_two_tasks(void *arg)
{
	ck_assert_int_eq(nur_first_success(branches, 3, &errors), 0);
	assert_results(0, -EAGAIN, -EAGAIN);
	ck_assert_uint_eq(errors.n, 2);
	ck_assert_str_eq(errors.items[0].task, "two");
	nur_errors_fini(&errors);

	ck_assert_int_eq(nur_quorum(branches, 3, 2, &errors), -EAGAIN);
	ck_assert_int_eq(branches[0].result, NUR_ECANCELED);
	ck_assert_int_eq(branches[2].result, -EAGAIN);
	return 0;
}

START_TEST(a_branch_that_cannot_be_started_has_failed)
{
	struct nur_run_options options = { .max_tasks = 2 };

	plans[0].sleep = 0;
	ck_assert_int_eq(nur_run(run_with_two_tasks, NULL, &options, NULL), 0);
}
END_TEST

START_TEST(outside_a_task_nothing_is_run)
{
	ck_assert_int_eq(nur_quorum(branches, 3, 1, &errors), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_first_success(branches, 3, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_first_done(branches, 3, NULL), NUR_ENOTINTASK);
	assert_results(1, 1, 1);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("quorum");
	TCase *first = tcase_create("first success");
	TCase *many = tcase_create("quorums");
	TCase *outside = tcase_create("cancelled");
	TCase *wrong = tcase_create("wrong");

	tcase_add_checked_fixture(first, set_up, tear_down);
	tcase_add_test(first, the_first_success_cancels_the_others);
	tcase_add_test(first, a_failure_before_it_is_data);
	tcase_add_test(first, a_failure_behind_it_is_data_too);
	tcase_add_test(first, when_all_fail_the_first_failure_comes_out_with_all);
	tcase_add_test(first, without_a_group_the_failures_are_the_details_of_the_callers);
	suite_add_tcase(suite, first);
	tcase_add_checked_fixture(many, set_up, tear_down);
	tcase_add_test(many, a_quorum_waits_for_so_many);
	tcase_add_test(many, a_quorum_can_be_all);
	tcase_add_test(many, a_quorum_that_cannot_be_reached_ends_at_once);
	tcase_add_test(many, the_first_end_decides_also_a_failure);
	tcase_add_test(many, the_first_end_decides_also_a_success);
	suite_add_tcase(suite, many);
	tcase_add_checked_fixture(outside, set_up, tear_down);
	tcase_add_test(outside, a_cancellation_from_outside_goes_through);
	tcase_add_test(outside, so_it_does_with_a_failure_that_was_data);
	suite_add_tcase(suite, outside);
	tcase_add_checked_fixture(wrong, set_up, tear_down);
	tcase_add_test(wrong, nonsense_is_refused);
	tcase_add_test(wrong, bugs_of_a_branch_are_errors);
	tcase_add_test(wrong, a_branch_that_cannot_be_started_has_failed);
	tcase_add_test(wrong, outside_a_task_nothing_is_run);
	suite_add_tcase(suite, wrong);
	return suite;
}
