/* SPDX-License-Identifier: MIT */
/* X1-X6: what the language adds: ways out of a block, codes that look like a cancellation. */
#include <errno.h>

#include "tests/support/in_run.h"

static int
sleep_and_note(void *unused)
{
	int r = nur_sleep(NUR_SEC(1));

	t_note("joined");
	return r;
}

static void
leave_by_return(void)
{
	NUR_NURSERY(nursery, NULL, NULL);
	t_start(nursery, sleep_and_note, NULL);
	return;
}

static void
leave_by_break(void)
{
	for (int i = 0; i < 10; i++) {
		NUR_NURSERY(nursery, NULL, NULL);
		t_start(nursery, sleep_and_note, NULL);
		break;
	}
}

static void
leave_by_continue(void)
{
	for (int i = 0; i < 1; i++) {
		NUR_NURSERY(nursery, NULL, NULL);
		t_start(nursery, sleep_and_note, NULL);
		continue;
	}
}

static void
leave_by_goto(void)
{
	{
		NUR_NURSERY(nursery, NULL, NULL);
		t_start(nursery, sleep_and_note, NULL);
		goto out;
	}
out:
	t_note("out");
}

static void
leave_at_the_end(void)
{
	NUR_NURSERY(nursery, NULL, NULL);
	t_start(nursery, sleep_and_note, NULL);
}

IN_RUN_TEST(x01_every_way_out_of_the_block_joins)
{
	leave_by_return();
	ck_assert_str_eq(t_notes(), "joined");
	leave_by_break();
	ck_assert_str_eq(t_notes(), "joined joined");
	leave_by_continue();
	ck_assert_str_eq(t_notes(), "joined joined joined");
	leave_by_goto();
	ck_assert_str_eq(t_notes(), "joined joined joined joined out");
	leave_at_the_end();
	ck_assert_str_eq(t_notes(), "joined joined joined joined out joined");
}
END_TEST

static void
fail_in_a_block(int *rc, struct nur_errors *errors)
{
	NUR_NURSERY(nursery, rc, errors);
	t_start(nursery, t_return, T_CODE(-EIO));
	return;
}

IN_RUN_TEST(x02_an_error_found_while_joining_reaches_the_result_pointer)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	int rc = 0;

	fail_in_a_block(&rc, &errors);

	ck_assert_int_eq(rc, -EIO);
	ck_assert_uint_eq(errors.n, 1);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(x02_the_result_pointer_carries_the_outcome_of_the_block)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, t_sleep_forever, NULL);
		rc = -EDOM;
	}
	ck_assert_int_eq(rc, -EDOM);

	rc = 7;
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, t_checkpoint, NULL);
	}
	ck_assert_int_eq(rc, 7);
}
END_TEST

static int
wait_and_note(void *event)
{
	int r = nur_event_wait(event);

	t_note("inner");
	return r;
}

static int
note_outer_when_inner_is_gone(void *task)
{
	while (nur_task_nursery(task, 1)) {
		int r = nur_checkpoint();

		if (r < 0) {
			return r;
		}
	}
	t_note("outer");
	return 0;
}

IN_RUN_TEST(x03_nested_guards_are_left_in_reverse_order)
{
	struct nur_event event;

	nur_event_init(&event);
	{
		NUR_NURSERY(outer, NULL, NULL);
		NUR_NURSERY(inner, NULL, NULL);
		t_start(outer, note_outer_when_inner_is_gone, nur_current_task());
		t_start(inner, wait_and_note, &event);
		nur_event_set(&event);
	}

	ck_assert_str_eq(t_notes(), "inner outer");
	ck_assert_ptr_null(nur_task_nursery(nur_current_task(), 0));
}
END_TEST

IN_RUN_TEST(x04_a_stray_cancel_is_reported_with_the_tasks_name)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "stray", t_return, T_CODE(NUR_ECANCELED)), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_ESTRAYCANCEL);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_ESTRAYCANCEL);
	ck_assert_str_eq(errors.items[0].task, "stray");
	nur_errors_fini(&errors);
}
END_TEST

START_TEST(x04_a_stray_cancel_of_the_main_task_is_reported)
{
	ck_assert_int_eq(t_run(t_return, T_CODE(NUR_ECANCELED), NULL), NUR_ESTRAYCANCEL);
}
END_TEST

static int
be_told_then_shielded(void *nursery)
{
	int r = nur_sleep_forever();

	nur_cancel_scope_set_shield(nur_nursery_scope(nursery), true);
	return r;
}

IN_RUN_TEST(x04_a_cancellation_that_was_delivered_before_a_shield_is_not_stray)
{
	struct nur_cancel_scope outer;
	struct nur_nursery nursery;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	t_open(&nursery);
	t_start(&nursery, be_told_then_shielded, &nursery);
	nur_cancel_scope_cancel(&outer, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
}
END_TEST

IN_RUN_TEST(x05_a_system_calls_ecanceled_is_an_ordinary_error)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-ECANCELED));
	nur_cancel_scope_cancel(&scope, NULL);
	r = nur_nursery_close(&nursery, 0, &errors);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, r), -ECANCELED);

	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -ECANCELED);
	nur_errors_fini(&errors);
}
END_TEST

static int
ignore_the_cancellation(void *unused)
{
	for (int i = 0; i < 20; i++) {
		(void)!nur_checkpoint();
	}
	t_note("stubborn");
	return 0;
}

static int
work_three_steps(void *unused)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
	}
	t_note("other");
	return 0;
}

IN_RUN_TEST(x06_who_ignores_a_cancellation_does_not_keep_others_from_running)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, ignore_the_cancellation, NULL);
	t_start(&nursery, work_three_steps, NULL);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_uint_eq(t_statistics().n_ignored_cancels, 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "other stubborn");
	ck_assert_uint_eq(t_statistics().n_ignored_cancels, 19);
}
END_TEST

IN_RUN_TEST(x06_one_cancellation_after_another_is_not_ignored)
{
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, t_sleep_forever, NULL, NULL), 0);
	}

	ck_assert_uint_eq(t_statistics().n_ignored_cancels, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("nursery in C");
	TCase *tc = tcase_create("nursery in C");

	tcase_add_test(tc, x01_every_way_out_of_the_block_joins);
	tcase_add_test(tc, x02_an_error_found_while_joining_reaches_the_result_pointer);
	tcase_add_test(tc, x02_the_result_pointer_carries_the_outcome_of_the_block);
	tcase_add_test(tc, x03_nested_guards_are_left_in_reverse_order);
	tcase_add_test(tc, x04_a_stray_cancel_is_reported_with_the_tasks_name);
	tcase_add_test(tc, x04_a_stray_cancel_of_the_main_task_is_reported);
	tcase_add_test(tc, x04_a_cancellation_that_was_delivered_before_a_shield_is_not_stray);
	tcase_add_test(tc, x05_a_system_calls_ecanceled_is_an_ordinary_error);
	tcase_add_test(tc, x06_who_ignores_a_cancellation_does_not_keep_others_from_running);
	tcase_add_test(tc, x06_one_cancellation_after_another_is_not_ignored);
	suite_add_tcase(suite, tc);
	return suite;
}
