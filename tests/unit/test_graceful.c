/* SPDX-License-Identifier: MIT */
/* Graceful cancels: who is asked to stop, who is stopped, and when. */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_cancel_scope scope;
static int n_done;

static void
set_up(void)
{
	nur_cancel_scope_init(&scope);
	n_done = 0;
}

static void
ask(nur_time grace)
{
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&scope, grace, "enough"), 0);
}

static int
leave(int rc)
{
	return nur_cancel_scope_leave(&scope, rc);
}

static void
assert_graceful(const struct nur_cancel_reason *reason, const char *text)
{
	ck_assert_ptr_nonnull(reason);
	ck_assert_int_eq(reason->source, NUR_CANCEL_GRACEFUL);
	ck_assert_str_eq(reason->text, text);
}

/* Waits for work in a soft scope; whether it was stopped there. */
static bool
is_stopped_when_idle(void)
{
	struct nur_cancel_scope idle;
	int r;

	nur_cancel_scope_init(&idle);
	nur_cancel_scope_set_soft(&idle, true);
	r = NUR_WITHIN(&idle, nur_sleep_forever());
	ck_assert(r == 0 || r == NUR_ECANCELED);
	return r == 0 && nur_cancel_scope_cancelled_caught(&idle);
}

/* ---- asking ---- */

T_TASK_TEST(who_does_not_ask_goes_on_until_the_grace_is_over)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_sleep(NUR_SEC(4)), 0);
	ck_assert_int_eq(nur_sleep(NUR_SEC(5)), 0);
	ck_assert(!nur_cancel_scope_cancel_called(&scope));
	ck_assert_int_eq(nur_sleep(NUR_SEC(5)), NUR_ECANCELED);

	ck_assert_int_eq(nur_now(), NUR_SEC(10));
	assert_graceful(nur_current_cancel_reason(), "enough");
	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->task, "main");
	ck_assert_int_eq(leave(NUR_ECANCELED), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
	return 0;
}

T_TASK_TEST(who_ends_in_time_was_never_cancelled)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(9))), 0);

	ck_assert(!nur_cancel_scope_cancel_called(&scope));
	ck_assert(!nur_cancel_scope_cancelled_caught(&scope));
	return nur_sleep(NUR_SEC(9));
}

T_TASK_TEST(a_task_can_ask_why)
{
	struct nur_cancel_scope inner;

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_ptr_null(nur_current_stop_reason());
	nur_cancel_scope_init(&inner);
	ck_assert_int_eq(nur_cancel_scope_enter(&inner), 0);
	ask(NUR_FOREVER);
	assert_graceful(nur_current_stop_reason(), "enough");
	ck_assert_ptr_null(nur_current_cancel_reason());
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&inner, NUR_SEC(1), "inner"), 0);
	assert_graceful(nur_current_stop_reason(), "enough");

	nur_cancel_scope_set_shield(&inner, true);
	assert_graceful(nur_current_stop_reason(), "inner");
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, 0), 0);
	ck_assert_int_eq(leave(0), 0);
	ck_assert_ptr_null(nur_current_stop_reason());
	return 0;
}

T_TASK_TEST(a_shield_hides_that_one_is_asked)
{
	struct nur_cancel_scope shield;

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(1));
	nur_cancel_scope_init_at(&shield, NUR_SEC(3));
	nur_cancel_scope_set_shield(&shield, true);
	ck_assert_int_eq(nur_cancel_scope_enter(&shield), 0);
	ck_assert_ptr_null(nur_current_stop_reason());
	ck_assert(!is_stopped_when_idle());
	ck_assert_int_eq(nur_now(), NUR_SEC(3));
	ck_assert_int_eq(nur_cancel_scope_leave(&shield, NUR_ECANCELED), 0);

	assert_graceful(nur_current_stop_reason(), "enough");
	return leave(nur_checkpoint());
}

/* ---- soft scopes ---- */

static int
be_idle(void *arg)
{
	n_done += is_stopped_when_idle();
	return 0;
}

T_TASK_TEST(who_waits_for_work_is_stopped_at_once)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	{
		NUR_NURSERY(nursery, NULL, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, be_idle, NULL);
		}
		t_wait_all_tasks_blocked();
		ask(NUR_SEC(10));
	}
	ck_assert_int_eq(n_done, 3);
	ck_assert_int_eq(nur_now(), 0);
	return leave(0);
}

T_TASK_TEST(so_is_who_begins_to_wait_later)
{
	struct nur_cancel_scope idle;

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert(is_stopped_when_idle());

	nur_cancel_scope_init_at(&idle, NUR_SEC(5));
	ck_assert_int_eq(nur_cancel_scope_enter(&idle), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
	nur_cancel_scope_set_soft(&idle, true);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	assert_graceful(nur_current_cancel_reason(), "enough");
	assert_graceful(nur_cancel_scope_reason(&idle), "enough");
	nur_cancel_scope_set_soft(&idle, false);
	ck_assert_int_eq(nur_cancel_scope_leave(&idle, nur_checkpoint()), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	return leave(0);
}

T_TASK_TEST(a_soft_scope_that_was_cancelled_keeps_its_reason)
{
	struct nur_cancel_scope idle;

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	nur_cancel_scope_init(&idle);
	nur_cancel_scope_set_soft(&idle, true);
	ck_assert_int_eq(nur_cancel_scope_enter(&idle), 0);
	nur_cancel_scope_cancel(&idle, "first");
	ask(NUR_SEC(10));
	ck_assert_str_eq(nur_cancel_scope_reason(&idle)->text, "first");
	ck_assert_int_eq(nur_cancel_scope_leave(&idle, nur_checkpoint()), 0);
	return leave(0);
}

T_TASK_TEST(a_soft_scope_that_is_asked_itself_is_cancelled)
{
	nur_cancel_scope_set_soft(&scope, true);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(leave(nur_sleep_forever()), 0);
	ck_assert_int_eq(nur_now(), 0);
	return 0;
}

static int
start_idle(struct nur_task_status *status, void *arg)
{
	ck_assert_int_eq(nur_started(status, NULL), 0);
	n_done += is_stopped_when_idle();
	return 0;
}

T_TASK_TEST(who_is_started_into_what_stops_is_stopped)
{
	struct nur_nursery nursery;

	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	ck_assert_int_eq(
		nur_cancel_scope_cancel_gracefully(nur_nursery_scope(&nursery), NUR_SEC(10), NULL),
		0);
	ck_assert_int_eq(nur_start(&nursery, "idle", start_idle, NULL, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(n_done, 1);
	ck_assert_int_eq(nur_now(), 0);
	return 0;
}

/* ---- the grace period ---- */

T_TASK_TEST(the_end_of_the_grace_is_the_deadline)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_SEC(10));
	nur_cancel_scope_set_deadline(&scope, NUR_SEC(20));
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(30))), 0);

	ck_assert_int_eq(nur_now(), NUR_SEC(20));
	assert_graceful(nur_cancel_scope_reason(&scope), "enough");
	return 0;
}

T_TASK_TEST(a_deadline_that_is_earlier_stays)
{
	nur_cancel_scope_init_at(&scope, NUR_SEC(5));
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(30))), 0);

	ck_assert_int_eq(nur_now(), NUR_SEC(5));
	return 0;
}

T_TASK_TEST(a_shorter_grace_counts_and_the_first_text)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&scope, NUR_SEC(20), "longer"), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_SEC(10));
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&scope, NUR_SEC(5), "shorter"), 0);
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(30))), 0);

	ck_assert_int_eq(nur_now(), NUR_SEC(5));
	assert_graceful(nur_cancel_scope_reason(&scope), "enough");
	return 0;
}

T_TASK_TEST(no_grace_cancels_at_once)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(0);
	ck_assert(nur_cancel_scope_cancel_called(&scope));
	assert_graceful(nur_current_stop_reason(), "enough");
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(30))), 0);
	ck_assert_int_eq(nur_now(), 0);
	assert_graceful(nur_cancel_scope_reason(&scope), "enough");
	return 0;
}

T_TASK_TEST(grace_for_ever_only_asks)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_FOREVER);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_FOREVER);
	ck_assert(is_stopped_when_idle());
	ck_assert_int_eq(nur_sleep(NUR_SEC(1000)), 0);
	return leave(0);
}

T_TASK_TEST(a_cancel_of_another_kind_is_the_reason_then)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	nur_cancel_scope_cancel(&scope, "now");
	ck_assert_int_eq(nur_cancel_scope_reason(&scope)->source, NUR_CANCEL_EXPLICIT);
	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->text, "now");
	ask(NUR_SEC(1));
	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->text, "now");
	return leave(nur_checkpoint());
}

/* ---- before and after ---- */

T_TASK_TEST(asked_before_it_is_entered)
{
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	assert_graceful(nur_current_stop_reason(), "enough");
	ck_assert(is_stopped_when_idle());
	ck_assert_int_eq(leave(nur_sleep(NUR_SEC(30))), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(10));
	return 0;
}

T_TASK_TEST(asked_before_with_a_timeout_the_earlier_end_counts)
{
	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(100)), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_SEC(10));
	ck_assert_int_eq(leave(0), 0);

	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(5)), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_SEC(5));
	ck_assert_int_eq(leave(0), 0);

	nur_cancel_scope_init_at(&scope, NUR_SEC(100));
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_cancel_scope_set_timeout(&scope, NUR_SEC(50)), 0);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_SEC(50));
	return leave(0);
}

T_TASK_TEST(asked_after_it_was_left_nothing_happens)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(leave(0), 0);
	ask(NUR_SEC(1));
	ck_assert_int_eq(nur_cancel_scope_reason(&scope)->source, NUR_CANCEL_NONE);
	return nur_sleep(NUR_SEC(2));
}

T_TASK_TEST(a_negative_grace_is_refused)
{
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_cancel_scope_cancel_gracefully(&scope, -1, NULL), -EINVAL);
	ck_assert_ptr_null(nur_current_stop_reason());
	return leave(nur_checkpoint());
}

T_TASK_TEST(a_scope_says_that_it_is_asked)
{
	char text[128];

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_FOREVER);
	(void)nur_cancel_scope_describe(&scope, text, sizeof(text));
	ck_assert_str_eq(text, "cancel scope, active, asked to stop");
	ck_assert_str_eq(nur_cancel_source_name(NUR_CANCEL_GRACEFUL), "graceful");
	return leave(0);
}

static int
compare_main(const struct nur_tree_entry *entry, void *arg)
{
	char text[256];

	if (entry->kind == NUR_TREE_TASK) {
		(void)nur_tree_format(entry, text, sizeof(text));
		ck_assert_str_eq(text, arg);
	}
	return 0;
}

T_TASK_TEST(the_tree_shows_who_is_asked)
{
	static char line[] = "  main: running, 0.000 s old, deadline in 10.000 s, "
			     "asked to stop (graceful: \"enough\", by main)";

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ask(NUR_SEC(10));
	ck_assert_int_eq(nur_tree_walk(compare_main, line), 0);
	return leave(0);
}

static void
ask_from_loop(void *arg)
{
	ask(NUR_SEC(10));
}

T_TASK_TEST(a_callback_of_the_loop_may_ask)
{
	struct nur_call call;

	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	nur_call_init(&call, ask_from_loop, NULL);
	nur_call_soon(&call);
	ck_assert(is_stopped_when_idle());
	ck_assert_str_eq(nur_cancel_scope_reason(&scope)->task, "");
	return leave(0);
}

START_TEST(outside_a_run_there_is_no_time)
{
	ck_assert_int_eq(
		nur_cancel_scope_cancel_gracefully(&scope, NUR_SEC(1), NULL), NUR_ENOTINTASK);
	ck_assert_ptr_null(nur_current_stop_reason());
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("graceful");
	TCase *asking = tcase_create("asking");
	TCase *soft = tcase_create("soft scopes");
	TCase *grace = tcase_create("grace");
	TCase *moments = tcase_create("moments");

	tcase_add_checked_fixture(asking, set_up, NULL);
	tcase_add_test(asking, who_does_not_ask_goes_on_until_the_grace_is_over);
	tcase_add_test(asking, who_ends_in_time_was_never_cancelled);
	tcase_add_test(asking, a_task_can_ask_why);
	tcase_add_test(asking, a_shield_hides_that_one_is_asked);
	suite_add_tcase(suite, asking);
	tcase_add_checked_fixture(soft, set_up, NULL);
	tcase_add_test(soft, who_waits_for_work_is_stopped_at_once);
	tcase_add_test(soft, so_is_who_begins_to_wait_later);
	tcase_add_test(soft, a_soft_scope_that_was_cancelled_keeps_its_reason);
	tcase_add_test(soft, a_soft_scope_that_is_asked_itself_is_cancelled);
	tcase_add_test(soft, who_is_started_into_what_stops_is_stopped);
	suite_add_tcase(suite, soft);
	tcase_add_checked_fixture(grace, set_up, NULL);
	tcase_add_test(grace, the_end_of_the_grace_is_the_deadline);
	tcase_add_test(grace, a_deadline_that_is_earlier_stays);
	tcase_add_test(grace, a_shorter_grace_counts_and_the_first_text);
	tcase_add_test(grace, no_grace_cancels_at_once);
	tcase_add_test(grace, grace_for_ever_only_asks);
	tcase_add_test(grace, a_cancel_of_another_kind_is_the_reason_then);
	suite_add_tcase(suite, grace);
	tcase_add_checked_fixture(moments, set_up, NULL);
	tcase_add_test(moments, asked_before_it_is_entered);
	tcase_add_test(moments, asked_before_with_a_timeout_the_earlier_end_counts);
	tcase_add_test(moments, asked_after_it_was_left_nothing_happens);
	tcase_add_test(moments, a_negative_grace_is_refused);
	tcase_add_test(moments, a_scope_says_that_it_is_asked);
	tcase_add_test(moments, the_tree_shows_who_is_asked);
	tcase_add_test(moments, a_callback_of_the_loop_may_ask);
	tcase_add_test(moments, outside_a_run_there_is_no_time);
	suite_add_tcase(suite, moments);
	return suite;
}
