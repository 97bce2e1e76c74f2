/* SPDX-License-Identifier: MIT */
/* Rows 11-14: tasks that live as long as the run, and whose failures are its own. */
#include <errno.h>
#include <string.h>

#include "tests/support/in_run.h"

static void
spawn(const char *name, nur_task_fn fn, void *arg)
{
	ck_assert_int_eq(nur_spawn_system_task(name, fn, arg), 0);
}

static int
note_and_yield(void *word)
{
	t_note("%s", (const char *)word);
	ck_assert_ptr_null(nur_task_parent_nursery(nur_current_task()));
	return nur_checkpoint();
}

IN_RUN_TEST(r011_a_system_task_needs_no_nursery_and_runs_before_all_is_idle)
{
	spawn("system", note_and_yield, (void *)"ran");
	t_settle();

	ck_assert_str_eq(t_notes(), "ran");
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);
}
END_TEST

IN_RUN_TEST(r011_a_system_task_needs_a_function)
{
	ck_assert_int_eq(nur_spawn_system_task("nothing", NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(r011_a_system_task_needs_a_run)
{
	ck_assert_int_eq(nur_spawn_system_task("system", t_return, T_CODE(0)), NUR_ENOTINTASK);
}
END_TEST

static int
spawn_one_more(void *unused)
{
	int r = nur_sleep_forever();
	const struct nur_cancel_reason *reason = nur_current_cancel_reason();

	ck_assert_int_eq(r, NUR_ECANCELED);
	t_note("%s", nur_cancel_source_name(reason->source));
	spawn("late", note_and_yield, (void *)"late");
	return r;
}

static int
end_beside_a_system_task(void *unused)
{
	spawn("system", spawn_one_more, NULL);
	t_settle();
	return 7;
}

START_TEST(r011_system_tasks_end_with_the_main_task)
{
	ck_assert_int_eq(t_run(end_beside_a_system_task, NULL, NULL), 7);
	ck_assert_str_eq(t_notes(), "shutdown late");
}
END_TEST

static int
spawn_too_late(void *ret_result)
{
	*(int *)ret_result = nur_spawn_system_task("late", t_return, T_CODE(0));
	return 0;
}

struct ending {
	struct nur_token *token;
	int result;
};

static int
end_before_a_call(void *arg)
{
	struct ending *ending = arg;

	ck_assert_int_eq(nur_token_open(&ending->token), 0);
	return nur_token_call_soon(ending->token, spawn_too_late, &ending->result);
}

START_TEST(r011_after_the_last_task_none_can_be_spawned)
{
	struct ending ending = { .result = 0 };

	ck_assert_int_eq(t_run(end_before_a_call, &ending, NULL), 0);
	ck_assert_int_eq(ending.result, NUR_ECLOSED);
	nur_token_close(ending.token);
}
END_TEST

static int
note_place(const struct nur_tree_entry *entry, void *unused)
{
	t_note("%zu:%s:%zu", entry->depth, entry->name ? entry->name : "-", entry->n_children);
	return 0;
}

static int
walk_when_cancelled(void *unused)
{
	int r = nur_sleep_forever();

	ck_assert_int_eq(nur_tree_walk(note_place, NULL), 0);
	return r;
}

static int
walk_beside_system_tasks(void *unused)
{
	struct nur_nursery nursery;

	spawn("one", t_sleep_forever, NULL);
	spawn("two", walk_when_cancelled, NULL);
	t_open(&nursery);
	ck_assert_int_eq(nur_tree_walk(note_place, NULL), 0);
	return nur_nursery_close(&nursery, 0, NULL);
}

START_TEST(r011_system_tasks_are_in_the_tree)
{
	ck_assert_int_eq(t_run(walk_beside_system_tasks, NULL, NULL), 0);
	ck_assert_ptr_nonnull(strstr(t_notes(), "0:-:3 1:main:1 2:-:0 1:one:0 1:two:0 0:-:"));
	ck_assert_ptr_nonnull(strstr(t_notes(), "1:two:0"));
	ck_assert_ptr_null(strstr(strstr(t_notes(), "1:two:0"), "main"));
}
END_TEST

static int
fail_with_text(void *text)
{
	return nur_fail(-EIO, "%s", (const char *)text);
}

static int
note_cancellation(void *unused)
{
	int r = nur_sleep_forever();

	t_note("%s", nur_strerror(r));
	return r;
}

static int
sleep_beside_a_crash(void *unused)
{
	spawn("bystander", note_cancellation, NULL);
	t_settle();
	spawn("crasher", fail_with_text, (void *)"oops");
	return note_cancellation(NULL);
}

START_TEST(r012_a_failing_system_task_cancels_all_and_is_an_internal_error)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(sleep_beside_a_crash, NULL, &errors), NUR_EINTERNAL);

	ck_assert_str_eq(t_notes(), "cancelled cancelled");
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EINTERNAL);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	ck_assert_uint_eq(errors.items[0].nested->n, 1);
	ck_assert_str_eq(errors.items[0].nested->items[0].task, "crasher");
	ck_assert_str_eq(errors.items[0].nested->items[0].text, "oops");
	nur_errors_fini(&errors);
}
END_TEST

static int
return_out_of_nothing(void *unused)
{
	spawn("stray", t_return, T_CODE(NUR_ECANCELED));
	return nur_sleep_forever();
}

START_TEST(r012_a_stray_cancellation_of_a_system_task_is_a_failure)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(return_out_of_nothing, NULL, &errors), NUR_EINTERNAL);
	ck_assert(nur_errors_has(&errors, NUR_ESTRAYCANCEL));
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_twice(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EDOM));
	t_start(&nursery, t_return, T_CODE(-ERANGE));
	return nur_nursery_close(&nursery, 0, NULL);
}

static int
sleep_beside_two_failures(void *unused)
{
	spawn("system", fail_twice, NULL);
	return nur_sleep_forever();
}

START_TEST(r013_all_failures_of_a_system_task_are_below_the_internal_error)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	const struct nur_errors *of_system;

	ck_assert_int_eq(t_run(sleep_beside_two_failures, NULL, &errors), NUR_EINTERNAL);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EINTERNAL);
	of_system = errors.items[0].nested;
	ck_assert_ptr_nonnull(of_system);
	ck_assert_uint_eq(of_system->n, 1);
	ck_assert_ptr_nonnull(of_system->items[0].nested);
	ck_assert_uint_eq(of_system->items[0].nested->n, 2);
	ck_assert(nur_errors_has(of_system->items[0].nested, -EDOM));
	ck_assert(nur_errors_has(of_system->items[0].nested, -ERANGE));
	nur_errors_fini(&errors);
}
END_TEST

static int
fail_at_the_end(void *unused)
{
	ck_assert_int_eq(nur_sleep_forever(), NUR_ECANCELED);
	return -EDOM;
}

static int
have_one_who_fails(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, fail_at_the_end, NULL);
	t_start(&nursery, t_sleep_forever, NULL);
	return nur_nursery_close(&nursery, 0, NULL);
}

static int
end_beside_one_who_fails(void *unused)
{
	spawn("system", have_one_who_fails, NULL);
	t_settle();
	return 0;
}

START_TEST(r014_a_failure_during_the_shutdown_counts_cancelled_siblings_do_not)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	char text[512];

	ck_assert_int_eq(t_run(end_beside_one_who_fails, NULL, &errors), NUR_EINTERNAL);

	ck_assert(nur_errors_has(&errors, -EDOM));
	ck_assert_uint_lt(nur_errors_format(&errors, text, sizeof(text)), sizeof(text));
	ck_assert_msg(!strstr(text, "cancelled"), "cancelled siblings in:\n%s", text);
	nur_errors_fini(&errors);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("system_tasks");
	TCase *tc = tcase_create("system_tasks");

	tcase_add_test(tc, r011_a_system_task_needs_no_nursery_and_runs_before_all_is_idle);
	tcase_add_test(tc, r011_a_system_task_needs_a_function);
	tcase_add_test(tc, r011_a_system_task_needs_a_run);
	tcase_add_test(tc, r011_system_tasks_end_with_the_main_task);
	tcase_add_test(tc, r011_after_the_last_task_none_can_be_spawned);
	tcase_add_test(tc, r011_system_tasks_are_in_the_tree);
	tcase_add_test(tc, r012_a_failing_system_task_cancels_all_and_is_an_internal_error);
	tcase_add_test(tc, r012_a_stray_cancellation_of_a_system_task_is_a_failure);
	tcase_add_test(tc, r013_all_failures_of_a_system_task_are_below_the_internal_error);
	tcase_add_test(tc, r014_a_failure_during_the_shutdown_counts_cancelled_siblings_do_not);
	suite_add_tcase(suite, tc);
	return suite;
}
