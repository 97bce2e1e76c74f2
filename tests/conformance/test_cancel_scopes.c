/* SPDX-License-Identifier: MIT */
/* Rows 65-92: what a cancelled scope reports, who absorbs it, what a shield hides. */
#include <errno.h>
#include <string.h>

#include "tests/support/in_run.h"

IN_RUN_TEST(r065_cancelling_twice_is_cancelling_once)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, "first");
	nur_cancel_scope_cancel(&scope, "second");
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);

	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->text, "first");
	ck_assert_int_eq(nur_checkpoint(), 0);
}
END_TEST

IN_RUN_TEST(r066_cancellation_is_level_triggered)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
}
END_TEST

IN_RUN_TEST(r067_the_scope_swallows_its_own_cancellation)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	ck_assert(!nur_cancel_scope_cancel_called(&scope));
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, nur_checkpoint()), 0);

	ck_assert(nur_cancel_scope_cancel_called(&scope));
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r068_every_cancel_point_reports_it)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	ck_assert_int_eq(nur_checkpoint_if_cancelled(), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_checkpoint_if_cancelled(), NUR_ECANCELED);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), NUR_ECANCELED);
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
	ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);

	ck_assert_int_eq(nur_now(), 0);
}
END_TEST

static void
nest_three_and_cancel_two(struct nur_cancel_scope scopes[static 3])
{
	int r;

	for (int i = 0; i < 3; i++) {
		nur_cancel_scope_init(&scopes[i]);
		t_enter(&scopes[i]);
	}
	nur_cancel_scope_cancel(&scopes[2], NULL);
	nur_cancel_scope_cancel(&scopes[1], NULL);
	r = nur_sleep_forever();
	for (int i = 2; i >= 0; i--) {
		r = nur_cancel_scope_leave(&scopes[i], r);
	}
	ck_assert_int_eq(r, 0);
}

IN_RUN_TEST(r069_the_outermost_cancelled_scope_absorbs)
{
	struct nur_cancel_scope scopes[3];

	nest_three_and_cancel_two(scopes);

	ck_assert(nur_cancel_scope_cancel_called(&scopes[2]));
	ck_assert(!nur_cancel_scope_cancelled_caught(&scopes[2]));
	ck_assert(nur_cancel_scope_cancel_called(&scopes[1]));
	ck_assert(nur_cancel_scope_cancelled_caught(&scopes[1]));
}
END_TEST

IN_RUN_TEST(r070_an_uncancelled_outer_scope_is_not_touched)
{
	struct nur_cancel_scope scopes[3];

	nest_three_and_cancel_two(scopes);

	ck_assert(!nur_cancel_scope_cancel_called(&scopes[0]));
	ck_assert(!nur_cancel_scope_cancelled_caught(&scopes[0]));
}
END_TEST

IN_RUN_TEST(r070_a_scope_nobody_cancelled_absorbs_nothing)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), NUR_ECANCELED);

	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r071_a_scope_left_before_a_cancel_point_delivers_nothing)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);

	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r072_a_shield_hides_outer_scopes_only)
{
	struct nur_cancel_scope outer, inner, innermost;

	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&inner);
	nur_cancel_scope_init(&innermost);
	t_enter(&outer);
	t_enter(&inner);
	nur_cancel_scope_cancel(&outer, NULL);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	nur_cancel_scope_set_shield(&inner, true);
	ck_assert_int_eq(nur_checkpoint(), 0);

	t_enter(&innermost);
	nur_cancel_scope_cancel(&innermost, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(&innermost, nur_checkpoint()), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&innermost));
	ck_assert_int_eq(nur_checkpoint(), 0);

	nur_cancel_scope_cancel(&inner, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, nur_checkpoint()), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&inner));
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
	ck_assert(!nur_cancel_scope_cancelled_caught(&outer));
}
END_TEST

/* Trio issue 1175: what counts is how things stand when the scope is left. */
IN_RUN_TEST(r072_a_shield_raised_on_the_way_out_gives_no_right_to_absorb)
{
	struct nur_cancel_scope outer, inner;
	int r;

	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&inner);
	t_enter(&outer);
	t_enter(&inner);
	nur_cancel_scope_cancel(&outer, NULL);
	r = nur_checkpoint();
	nur_cancel_scope_set_shield(&inner, true);
	r = nur_cancel_scope_leave(&inner, r);
	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, r), 0);

	ck_assert(nur_cancel_scope_cancelled_caught(&outer));
	ck_assert(!nur_cancel_scope_cancelled_caught(&inner));
}
END_TEST

IN_RUN_TEST(r073_a_shield_may_be_switched_while_inside)
{
	struct nur_cancel_scope outer, inner;

	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&inner);
	t_enter(&outer);
	t_enter(&inner);
	nur_cancel_scope_cancel(&outer, NULL);
	for (int i = 0; i < 3; i++) {
		nur_cancel_scope_set_shield(&inner, true);
		ck_assert_int_eq(nur_checkpoint(), 0);
		nur_cancel_scope_set_shield(&inner, false);
		ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	}
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, NUR_ECANCELED), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, NUR_ECANCELED), 0);
}
END_TEST

static int
note_the_sleep(void *unused)
{
	int r;

	t_note("sleeping");
	r = nur_sleep_forever();
	t_note("%s", r == NUR_ECANCELED ? "cancelled" : nur_strerror(r));
	return r;
}

IN_RUN_TEST(r074_removing_a_shield_wakes_who_sleeps_under_it)
{
	struct nur_cancel_scope outer, shield;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	t_open(&nursery);
	nur_cancel_scope_cancel(&outer, NULL);
	nur_cancel_scope_set_shield(nur_nursery_scope(&nursery), true);
	t_start(&nursery, note_the_sleep, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "sleeping");

	nur_cancel_scope_set_shield(nur_nursery_scope(&nursery), false);
	nur_cancel_scope_init(&shield);
	nur_cancel_scope_set_shield(&shield, true);
	t_enter(&shield);
	t_settle();
	ck_assert_str_eq(t_notes(), "sleeping cancelled");
	ck_assert_int_eq(nur_cancel_scope_leave(&shield, 0), 0);

	r = nur_nursery_close(&nursery, 0, NULL);
	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, r), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&outer));
}
END_TEST

static int
start_two_sleepers(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, note_the_sleep, NULL);
	t_start(&nursery, note_the_sleep, NULL);
	return nur_nursery_close(&nursery, 0, NULL);
}

IN_RUN_TEST(r076_cancelling_reaches_grandchildren_at_once)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, start_two_sleepers, NULL);
	t_start(&nursery, start_two_sleepers, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "sleeping sleeping sleeping sleeping");
	t_forget_notes();

	nur_nursery_cancel(&nursery, NULL);
	ck_assert_uint_eq(t_statistics().n_tasks_runnable, 4);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "cancelled cancelled cancelled cancelled");
}
END_TEST

/* Trio's test: two tasks cancelled by the nursery, one by the scope around it, one that fails. */
static int
fail_among_cancelled_tasks(void *ret_outer)
{
	struct nur_cancel_scope *outer = ret_outer, shield;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(outer);
	t_enter(outer);
	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	t_start(&nursery, t_sleep_forever, NULL);
	nur_nursery_cancel(&nursery, NULL);
	nur_cancel_scope_init(&shield);
	nur_cancel_scope_set_shield(&shield, true);
	t_enter(&shield);
	t_settle();
	ck_assert_int_eq(nur_cancel_scope_leave(&shield, 0), 0);
	t_start(&nursery, t_sleep_forever, NULL);
	nur_cancel_scope_cancel(outer, NULL);
	t_start(&nursery, t_return, T_CODE(-EIO));
	r = nur_nursery_close(&nursery, 0, NULL);
	ck_assert_int_eq(r, -EIO);
	return nur_cancel_scope_leave(outer, r);
}

START_TEST(r077_a_scope_takes_its_cancellations_out_of_a_group)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope outer;

	ck_assert_int_eq(t_run(fail_among_cancelled_tasks, &outer, &errors), -EIO);

	ck_assert(nur_cancel_scope_cancelled_caught(&outer));
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 1);
	ck_assert_int_eq(errors.items[0].nested->items[0].code, -EIO);
	ck_assert_uint_eq(errors.items[0].nested->n_cancelled, 0);
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_at_the_end(void *unused)
{
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	return -EIO;
}

static int
fail_beside_a_cancelled_task(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, fail_at_the_end, NULL);
	t_start(&nursery, t_sleep_forever, NULL);
	return nur_nursery_close(&nursery, 0, NULL);
}

IN_RUN_TEST(r077_cancellations_are_taken_out_of_nested_groups_too)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, fail_beside_a_cancelled_task, NULL);
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);

	ck_assert(nur_cancel_scope_cancelled_caught(nur_nursery_scope(&nursery)));
	ck_assert_uint_eq(errors.n_cancelled, 0);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n_cancelled, 0);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r077_a_group_counts_the_cancellations_that_belong_further_out)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_cancel_scope outer;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(&outer);
	t_enter(&outer);
	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	t_start(&nursery, t_sleep_forever, NULL);
	nur_cancel_scope_cancel(&outer, NULL);
	r = nur_nursery_close(&nursery, 0, &errors);
	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_uint_eq(errors.n, 0);
	ck_assert_uint_eq(errors.n_cancelled, 2);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, r), 0);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r079_errors_without_a_cancellation_are_not_caught)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;
	int r;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EIO));
	t_start(&nursery, t_return, T_CODE(-EIO));
	r = nur_nursery_close(&nursery, 0, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, r), -EIO);

	ck_assert(nur_cancel_scope_cancel_called(&scope));
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

static int
sleep_in_scope(void *scope)
{
	return NUR_WITHIN((struct nur_cancel_scope *)scope, nur_sleep(NUR_SEC(1)));
}

IN_RUN_TEST(r080_a_cancel_before_entry_takes_effect_at_the_first_checkpoint)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(sleep_in_scope(&scope), 0);

	ck_assert_int_eq(nur_now(), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r080_a_scope_not_yet_entered_knows_when_its_deadline_has_passed)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, NUR_SEC(1));
	ck_assert(!nur_cancel_scope_cancel_called(&scope));
	nur_cancel_scope_set_deadline(&scope, 0);
	ck_assert(nur_cancel_scope_cancel_called(&scope));
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(1));
	ck_assert(nur_cancel_scope_cancel_called(&scope)); /* it never becomes uncancelled */
}
END_TEST

IN_RUN_TEST(r081_another_task_may_cancel_a_scope)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	nur_cancel_scope_init(&scope);
	t_open(&nursery);
	t_start(&nursery, sleep_in_scope, &scope);
	t_settle();
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(nur_now(), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r082_a_shield_set_before_entry_is_in_force_from_entry)
{
	struct nur_cancel_scope outer, scope;

	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_set_shield(&scope, true);
	t_enter(&outer);
	t_enter(&scope);
	nur_cancel_scope_cancel(&outer, NULL);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_cancel_scope_set_shield(&scope, false);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
}
END_TEST

IN_RUN_TEST(r083_a_used_scope_cannot_be_entered_again)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_checkpoint()), 0);

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), NUR_EUSED);
}
END_TEST

IN_RUN_TEST(r084_an_entered_scope_cannot_be_entered_again)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	nur_cancel_scope_init(&scope);
	t_open(&nursery);
	t_start(&nursery, sleep_in_scope, &scope);
	t_settle();
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), NUR_EUSED);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), NUR_EUSED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
}
END_TEST

IN_RUN_TEST(r085_cancelling_a_scope_that_was_left_only_sets_the_flag)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_checkpoint()), 0);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_checkpoint(), 0);

	ck_assert(nur_cancel_scope_cancel_called(&scope));
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

IN_RUN_TEST(r087_leaving_an_outer_scope_first_is_misnesting)
{
	struct nur_cancel_scope outer, inner;

	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&inner);
	t_enter(&outer);
	t_enter(&inner);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), NUR_EMISNEST);
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, 0), 0);

	ck_assert_int_eq(nur_checkpoint(), 0);
}
END_TEST

static int
sleep_in_scope_for_ever(void *scope)
{
	return NUR_WITHIN((struct nur_cancel_scope *)scope, nur_sleep_forever());
}

IN_RUN_TEST(r089_leaving_a_scope_of_another_task_changes_nothing)
{
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	nur_cancel_scope_init(&scope);
	t_open(&nursery);
	t_start(&nursery, sleep_in_scope_for_ever, &scope);
	t_settle();
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), NUR_EMISNEST);
	ck_assert_uint_eq(t_statistics().n_tasks_runnable, 0);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

static const char *
described(const struct nur_cancel_scope *scope)
{
	static char text[128];

	ck_assert_uint_lt(nur_cancel_scope_describe(scope, text, sizeof(text)), sizeof(text));
	return text;
}

IN_RUN_TEST(r091_a_scope_describes_itself)
{
	struct nur_cancel_scope scope;
	char cut[4];

	nur_cancel_scope_init(&scope);
	ck_assert_ptr_nonnull(strstr(described(&scope), "unbound"));
	t_enter(&scope);
	ck_assert_ptr_nonnull(strstr(described(&scope), "active"));
	ck_assert_ptr_null(strstr(described(&scope), "10"));
	nur_cancel_scope_set_deadline(&scope, nur_time_add(nur_now(), NUR_SEC(10)));
	ck_assert_ptr_nonnull(strstr(described(&scope), "10"));
	ck_assert_ptr_null(strstr(described(&scope), "cancelled"));
	nur_cancel_scope_set_deadline(&scope, NUR_LONG_AGO);
	ck_assert_ptr_nonnull(strstr(described(&scope), "9223372036.85 seconds ago"));
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_ptr_nonnull(strstr(described(&scope), "cancelled"));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	ck_assert_ptr_nonnull(strstr(described(&scope), "exited"));

	ck_assert_uint_eq(
		nur_cancel_scope_describe(&scope, cut, sizeof(cut)), strlen(described(&scope)));
	ck_assert_uint_eq(strlen(cut), sizeof(cut) - 1);
}
END_TEST

/* C has one function for each kind of deadline, and whole numbers: what is left to refuse is the sign. */
IN_RUN_TEST(r092_a_negative_timeout_is_refused)
{
	struct nur_cancel_scope scope;
	nur_time timeout = -1;

	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, -NUR_SEC(3)), -EINVAL);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_sleep(NUR_SEC(100))), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(100));

	nur_cancel_scope_init(&scope);
	ck_assert_int_eq(nur_cancel_scope_set_timeout(&scope, NUR_SEC(5)), 0);
	ck_assert_int_eq(nur_cancel_scope_set_timeout(&scope, -NUR_SEC(3)), -EINVAL);
	ck_assert_int_eq(nur_cancel_scope_timeout(&scope, &timeout), 0);
	ck_assert_int_eq(timeout, NUR_SEC(5));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("cancel scopes");
	TCase *tc = tcase_create("cancel scopes");

	tcase_add_test(tc, r065_cancelling_twice_is_cancelling_once);
	tcase_add_test(tc, r066_cancellation_is_level_triggered);
	tcase_add_test(tc, r067_the_scope_swallows_its_own_cancellation);
	tcase_add_test(tc, r068_every_cancel_point_reports_it);
	tcase_add_test(tc, r069_the_outermost_cancelled_scope_absorbs);
	tcase_add_test(tc, r070_an_uncancelled_outer_scope_is_not_touched);
	tcase_add_test(tc, r070_a_scope_nobody_cancelled_absorbs_nothing);
	tcase_add_test(tc, r071_a_scope_left_before_a_cancel_point_delivers_nothing);
	tcase_add_test(tc, r072_a_shield_hides_outer_scopes_only);
	tcase_add_test(tc, r072_a_shield_raised_on_the_way_out_gives_no_right_to_absorb);
	tcase_add_test(tc, r073_a_shield_may_be_switched_while_inside);
	tcase_add_test(tc, r074_removing_a_shield_wakes_who_sleeps_under_it);
	tcase_add_test(tc, r076_cancelling_reaches_grandchildren_at_once);
	tcase_add_test(tc, r077_a_scope_takes_its_cancellations_out_of_a_group);
	tcase_add_test(tc, r077_cancellations_are_taken_out_of_nested_groups_too);
	tcase_add_test(tc, r077_a_group_counts_the_cancellations_that_belong_further_out);
	tcase_add_test(tc, r079_errors_without_a_cancellation_are_not_caught);
	tcase_add_test(tc, r080_a_cancel_before_entry_takes_effect_at_the_first_checkpoint);
	tcase_add_test(tc, r080_a_scope_not_yet_entered_knows_when_its_deadline_has_passed);
	tcase_add_test(tc, r081_another_task_may_cancel_a_scope);
	tcase_add_test(tc, r082_a_shield_set_before_entry_is_in_force_from_entry);
	tcase_add_test(tc, r083_a_used_scope_cannot_be_entered_again);
	tcase_add_test(tc, r084_an_entered_scope_cannot_be_entered_again);
	tcase_add_test(tc, r085_cancelling_a_scope_that_was_left_only_sets_the_flag);
	tcase_add_test(tc, r087_leaving_an_outer_scope_first_is_misnesting);
	tcase_add_test(tc, r089_leaving_a_scope_of_another_task_changes_nothing);
	tcase_add_test(tc, r091_a_scope_describes_itself);
	tcase_add_test(tc, r092_a_negative_timeout_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
