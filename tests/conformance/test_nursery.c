/* SPDX-License-Identifier: MIT */
/* Rows 21-46: a nursery joins its tasks, cancels them on failure, and gathers all failures. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

static int
crash(void *text)
{
	return nur_fail(-EIO, "%s", (const char *)text);
}

IN_RUN_TEST(r021_an_error_of_a_child_comes_out_at_the_exit)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, crash, (void *)"uh oh");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EIO);
	ck_assert_str_eq(errors.items[0].task, "crash");
	ck_assert_str_eq(errors.items[0].text, "uh oh");
	ck_assert(!errors.items[0].is_body);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r022_an_error_of_the_body_comes_out_the_same_way)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_checkpoint, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, crash((void *)"whoops"), &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EIO);
	ck_assert_str_eq(errors.items[0].text, "whoops");
	ck_assert_str_eq(errors.items[0].task, nur_task_name(nur_current_task()));
	ck_assert(errors.items[0].is_body);
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_in_the_body(struct nur_nursery *nursery, void *unused)
{
	return -EDOM;
}

IN_RUN_TEST(r023_a_body_without_children_fails_through_the_group)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(nur_nursery_run(fail_in_the_body, NULL, &errors), -EDOM);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EDOM);
	ck_assert(errors.items[0].is_body);
	nur_errors_fini(&errors);
}
END_TEST

struct steps {
	int step[6];
	int n;
};

static int
take_three_steps(void *arg)
{
	struct steps *steps = arg;

	for (int i = 0; i < 3; i++) {
		int r;

		steps->step[steps->n++] = i;
		r = nur_checkpoint();
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

IN_RUN_TEST(r024_two_children_advance_in_step)
{
	struct nur_nursery nursery;
	struct steps steps = { .n = 0 };

	t_open(&nursery);
	t_start(&nursery, take_three_steps, &steps);
	t_start(&nursery, take_three_steps, &steps);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(steps.n, 6);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_eq(steps.step[i], i / 2);
	}
}
END_TEST

static int
loop_until_cancelled(void *unused)
{
	int r;

	do {
		r = nur_checkpoint();
	} while (r == 0);
	t_note("%s", r == NUR_ECANCELED ? "cancelled" : nur_strerror(r));
	return r;
}

IN_RUN_TEST(r025_the_first_failure_cancels_the_siblings)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, loop_until_cancelled, NULL);
	t_start(&nursery, crash, (void *)"argh");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_str_eq(t_notes(), "cancelled");
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, "argh");
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r026_errors_of_body_and_child_are_both_in_the_group)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EIO));
	ck_assert_int_eq(nur_nursery_close(&nursery, -EDOM, &errors), -EDOM);

	ck_assert_uint_eq(errors.n, 2);
	ck_assert(errors.items[0].is_body && errors.items[0].code == -EDOM);
	ck_assert(!errors.items[1].is_body && errors.items[1].code == -EIO);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r027_errors_of_two_children_are_both_in_the_group)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;
	int r;

	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EIO));
	t_start(&nursery, t_return, T_CODE(-EDOM));
	r = nur_nursery_close(&nursery, 0, &errors);

	ck_assert_uint_eq(errors.n, 2);
	ck_assert(nur_errors_has(&errors, -EIO));
	ck_assert(nur_errors_has(&errors, -EDOM));
	ck_assert_int_eq(r, errors.items[0].code);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r028_a_failing_child_wakes_a_body_that_would_sleep_for_ever)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;
	int r;

	t_open(&nursery);
	t_start(&nursery, crash, (void *)"this is a crash");
	r = nur_sleep_forever();
	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_int_eq(nur_nursery_close(&nursery, r, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_uint_eq(errors.n_cancelled, 0);
	nur_errors_fini(&errors);
}
END_TEST

static int
note_ran(void *unused)
{
	t_note("ran");
	return 0;
}

static int
add_a_sibling(void *nursery)
{
	t_start(nursery, note_ran, NULL);
	return 0;
}

IN_RUN_TEST(r029_a_task_may_be_added_while_the_parent_waits_at_the_exit)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, add_a_sibling, &nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "ran");
}
END_TEST

IN_RUN_TEST(r030_a_closed_nursery_refuses_tasks)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(nur_start_soon(&nursery, "late", note_ran, NULL), NUR_ECLOSED);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_str_eq(t_notes(), "");
}
END_TEST

static void
assert_open_nurseries(struct nur_nursery *first, struct nur_nursery *second)
{
	struct nur_task *task = nur_current_task();

	ck_assert_ptr_eq(nur_task_nursery(task, 0), first);
	ck_assert_ptr_eq(nur_task_nursery(task, 1), second);
	ck_assert_ptr_null(nur_task_nursery(task, 2));
}

IN_RUN_TEST(r031_open_nurseries_are_listed_outermost_first)
{
	struct nur_nursery outer, inner;

	assert_open_nurseries(NULL, NULL);
	t_open(&outer);
	assert_open_nurseries(&outer, NULL);
	t_open(&inner);
	assert_open_nurseries(&outer, &inner);
	ck_assert_int_eq(nur_nursery_close(&inner, -EIO, NULL), -EIO);
	assert_open_nurseries(&outer, NULL);
	ck_assert_int_eq(nur_nursery_close(&outer, 0, NULL), 0);
	assert_open_nurseries(NULL, NULL);
}
END_TEST

static int
start_and_block(void *unused)
{
	int r;

	t_note("started");
	r = nur_sleep_forever();
	t_note("%s", r == NUR_ECANCELED ? "cancelled" : nur_strerror(r));
	return r;
}

IN_RUN_TEST(r032_a_task_of_a_cancelled_nursery_still_starts)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	nur_nursery_cancel(&nursery, NULL);
	t_start(&nursery, start_and_block, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "started cancelled");
}
END_TEST

static int
do_nothing(struct nur_nursery *nursery, void *unused)
{
	return 0;
}

IN_RUN_TEST(r033_an_empty_nursery_schedules_and_does_not_look_for_cancellation)
{
	struct nur_cancel_scope scope;

	ck_assert(T_SCHEDULES(nur_nursery_run(do_nothing, NULL, NULL)));

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_nursery_run(do_nothing, NULL, NULL), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

static int
start_one_that_never_blocks(struct nur_nursery *nursery, void *unused)
{
	t_start(nursery, note_ran, NULL);
	return 0;
}

IN_RUN_TEST(r034_nor_does_one_whose_child_never_blocks)
{
	struct nur_cancel_scope scope;

	ck_assert(T_SCHEDULES(nur_nursery_run(start_one_that_never_blocks, NULL, NULL)));

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_nursery_run(start_one_that_never_blocks, NULL, NULL), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_str_eq(t_notes(), "ran ran");
}
END_TEST

IN_RUN_TEST(r035_waiting_at_the_exit_injects_no_cancellation)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_nursery_run(fail_in_the_body, NULL, &errors), -EDOM);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EDOM);
	ck_assert_uint_eq(errors.n_cancelled, 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, -EDOM), -EDOM);

	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_in_a_nursery(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, crash, (void *)"alone");
	return nur_nursery_close(&nursery, 0, NULL);
}

IN_RUN_TEST(r036_a_single_error_is_a_group_of_one)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, fail_in_a_nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].task, "fail_in_a_nursery");
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 1);
	ck_assert_str_eq(errors.items[0].nested->items[0].task, "crash");
	ck_assert_str_eq(errors.items[0].nested->items[0].text, "alone");
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r038_a_group_is_not_part_of_its_own_members)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, crash, (void *)"child");
	ck_assert_int_eq(nur_nursery_close(&nursery, crash((void *)"body"), &errors), -EIO);

	ck_assert_uint_eq(errors.n, 2);
	ck_assert_ptr_null(errors.items[0].nested);
	ck_assert_ptr_null(errors.items[1].nested);
	nur_errors_fini(&errors);
}
END_TEST

/* A loop whose nurseries fail again and again must not nest each group in the next. */
IN_RUN_TEST(r038_a_group_that_was_handled_is_not_part_of_a_later_one)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(nur_nursery_run(fail_in_the_body, NULL, NULL), -EDOM);
	ck_assert_int_eq(nur_nursery_run(fail_in_the_body, NULL, &errors), -EDOM);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_null(errors.items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_and_clean_up(void *unused)
{
	int r = nur_fail(-EIO, "kept");

	ck_assert_int_eq(nur_nursery_run(do_nothing, NULL, NULL), 0);
	return r;
}

IN_RUN_TEST(r038_a_nursery_for_the_cleanup_keeps_the_text_of_the_failure)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, fail_and_clean_up, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, "kept");
	nur_errors_fini(&errors);
}
END_TEST

/* What a task leaves open lives outside its stack here, as it would in an object of a program. */
static struct nur_nursery left_open;

static int
sleep_a_second(void *unused)
{
	return nur_sleep(NUR_SEC(1));
}

static int
leave_a_nursery_open(void *unused)
{
	t_open(&left_open);
	t_start(&left_open, sleep_a_second, NULL);
	return 0;
}

IN_RUN_TEST(r039_a_task_that_leaves_a_nursery_open_fails_in_its_parent)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, leave_a_nursery_open, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EMISNEST);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EMISNEST);
	ck_assert_str_eq(errors.items[0].task, "leave_a_nursery_open");
	ck_assert_ptr_null(errors.items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

START_TEST(r040_in_the_main_task_the_run_reports_it)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(leave_a_nursery_open, NULL, &errors), NUR_EMISNEST);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EMISNEST);
	ck_assert_ptr_null(errors.items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

static int
close_the_outer_one_first(void *unused)
{
	struct nur_nursery outer;

	t_open(&outer);
	t_open(&left_open);
	return nur_nursery_close(&outer, 0, NULL);
}

START_TEST(r040_closing_the_outer_nursery_first_is_the_same_mistake)
{
	ck_assert_int_eq(t_run(close_the_outer_one_first, NULL, NULL), NUR_EMISNEST);
}
END_TEST

IN_RUN_TEST(r040_the_abandoned_inner_nursery_is_closed)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery outer, inner;

	t_open(&outer);
	t_open(&inner);
	t_start(&inner, crash, (void *)"lost");
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	t_start(&inner, t_sleep_forever, NULL);
	ck_assert_int_eq(nur_nursery_close(&outer, 0, &errors), NUR_EMISNEST);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EMISNEST);
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);

	ck_assert_int_eq(nur_start_soon(&inner, "late", note_ran, NULL), NUR_ECLOSED);
	ck_assert_int_eq(nur_nursery_close(&inner, 0, NULL), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r040_closing_a_nursery_inside_an_inner_scope_is_misnesting)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	t_open(&nursery);
	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EMISNEST);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EMISNEST);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	nur_errors_fini(&errors);
}
END_TEST

static int
leave_running_tasks_behind(void *unused)
{
	t_open(&left_open);
	t_start(&left_open, t_sleep_forever, NULL);
	t_settle();
	t_start(&left_open, t_checkpoint, NULL);
	t_start(&left_open, crash, (void *)"lost");
	return 0;
}

IN_RUN_TEST(r041_a_nursery_that_outlives_the_one_around_it_is_reported)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, leave_running_tasks_behind, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EMISNEST);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EMISNEST);
	nur_errors_fini(&errors);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(nur_start_soon(&left_open, "late", note_ran, NULL), NUR_ECLOSED);
}
END_TEST

static int
clean_up_and_fail(void *unused)
{
	int r = nur_checkpoint();

	t_note("cleaned");
	return r < 0 ? -EIO : -EDOM;
}

static int
abandon_a_task(void *unused)
{
	t_open(&left_open);
	t_start(&left_open, clean_up_and_fail, NULL);
	return 0;
}

static int
have_a_task_abandoned(void *ret_errors)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, abandon_a_task, NULL);
	return nur_nursery_close(&nursery, 0, ret_errors);
}

START_TEST(r042_abandoned_tasks_still_clean_up)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(have_a_task_abandoned, &errors, NULL), NUR_EMISNEST);

	ck_assert_str_eq(t_notes(), "cleaned");
	ck_assert_uint_eq(errors.n, 1);
	ck_assert(!nur_errors_has(&errors, -EIO));
	ck_assert(!nur_errors_has(&errors, -EDOM));
	nur_errors_fini(&errors);
	t_forget_notes();
}
END_TEST

static void
note_cleanup(const int *owned)
{
	t_note("cleanup%d", *owned);
}

static int
own_something(void *unused)
{
	_cleanup_(note_cleanup) int owned = 1;
	int r = nur_checkpoint();

	owned = 2;
	return r;
}

IN_RUN_TEST(r043_a_cancelled_child_has_cleaned_up_when_the_nursery_is_left)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, own_something, NULL);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "cleanup2");
}
END_TEST

static void
cancel_a_full_nursery(void)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	for (int i = 0; i < 10; i++) {
		t_start(&nursery, t_sleep_forever, NULL);
	}
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, -EIO, NULL), -EIO);
	ck_assert_int_eq(nur_nursery_run(do_nothing, NULL, NULL), 0);
}

/* The allocator's own caches grow a little, whatever is given back. */
IN_RUN_TEST(r044_cancelling_and_leaving_leaves_no_memory_behind)
{
	size_t in_use;

	cancel_a_full_nursery(); /* pools fill */
	in_use = mallinfo2().uordblks;

	for (size_t i = 0; i < t_scaled(1000); i++) {
		cancel_a_full_nursery();
	}

	ck_assert_uint_lt(mallinfo2().uordblks, in_use + 4096);
}
END_TEST

IN_RUN_TEST(r046_a_nursery_is_opened_not_built)
{
	struct nur_nursery nursery;

	memset(&nursery, 0, sizeof(nursery));
	ck_assert_int_eq(nur_start_soon(&nursery, "child", note_ran, NULL), NUR_ECLOSED);
	ck_assert_int_eq(nur_checkpoint(), 0);

	ck_assert_str_eq(t_notes(), "");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("nursery");
	TCase *tc = tcase_create("nursery");

	tcase_add_test(tc, r021_an_error_of_a_child_comes_out_at_the_exit);
	tcase_add_test(tc, r022_an_error_of_the_body_comes_out_the_same_way);
	tcase_add_test(tc, r023_a_body_without_children_fails_through_the_group);
	tcase_add_test(tc, r024_two_children_advance_in_step);
	tcase_add_test(tc, r025_the_first_failure_cancels_the_siblings);
	tcase_add_test(tc, r026_errors_of_body_and_child_are_both_in_the_group);
	tcase_add_test(tc, r027_errors_of_two_children_are_both_in_the_group);
	tcase_add_test(tc, r028_a_failing_child_wakes_a_body_that_would_sleep_for_ever);
	tcase_add_test(tc, r029_a_task_may_be_added_while_the_parent_waits_at_the_exit);
	tcase_add_test(tc, r030_a_closed_nursery_refuses_tasks);
	tcase_add_test(tc, r031_open_nurseries_are_listed_outermost_first);
	tcase_add_test(tc, r032_a_task_of_a_cancelled_nursery_still_starts);
	tcase_add_test(tc, r033_an_empty_nursery_schedules_and_does_not_look_for_cancellation);
	tcase_add_test(tc, r034_nor_does_one_whose_child_never_blocks);
	tcase_add_test(tc, r035_waiting_at_the_exit_injects_no_cancellation);
	tcase_add_test(tc, r036_a_single_error_is_a_group_of_one);
	tcase_add_test(tc, r038_a_group_is_not_part_of_its_own_members);
	tcase_add_test(tc, r038_a_group_that_was_handled_is_not_part_of_a_later_one);
	tcase_add_test(tc, r038_a_nursery_for_the_cleanup_keeps_the_text_of_the_failure);
	tcase_add_test(tc, r039_a_task_that_leaves_a_nursery_open_fails_in_its_parent);
	tcase_add_test(tc, r040_in_the_main_task_the_run_reports_it);
	tcase_add_test(tc, r040_closing_the_outer_nursery_first_is_the_same_mistake);
	tcase_add_test(tc, r040_the_abandoned_inner_nursery_is_closed);
	tcase_add_test(tc, r040_closing_a_nursery_inside_an_inner_scope_is_misnesting);
	tcase_add_test(tc, r041_a_nursery_that_outlives_the_one_around_it_is_reported);
	tcase_add_test(tc, r042_abandoned_tasks_still_clean_up);
	tcase_add_test(tc, r043_a_cancelled_child_has_cleaned_up_when_the_nursery_is_left);
	tcase_add_test(tc, r044_cancelling_and_leaving_leaves_no_memory_behind);
	tcase_add_test(tc, r046_a_nursery_is_opened_not_built);
	suite_add_tcase(suite, tc);
	return suite;
}
