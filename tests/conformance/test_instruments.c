/* SPDX-License-Identifier: MIT */
/* Rows 226-231, X28: instruments, what they see, and that they change nothing. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/in_run.h"

/* A recorder notes what happens to tasks of one name, and the ends of the run. */
struct recorder {
	struct nur_instrument instrument;
	const char *task;
	char record[512];
};

static void
record(struct recorder *recorder, const char *what)
{
	size_t len = strlen(recorder->record);

	(void)snprintf(recorder->record + len, sizeof(recorder->record) - len, "%s%s",
		len ? " " : "", what);
}

static int
record_task(struct recorder *recorder, const struct nur_task *task, const char *what)
{
	if (!strcmp(nur_task_name(task), recorder->task)) {
		record(recorder, what);
	}
	return 0;
}

static int
on_before_run(void *arg)
{
	record(arg, "before_run");
	return 0;
}

static int
on_after_run(void *arg)
{
	record(arg, "after_run");
	return 0;
}

static int
on_spawned(struct nur_task *task, void *arg)
{
	return record_task(arg, task, "spawned");
}

static int
on_scheduled(struct nur_task *task, void *arg)
{
	return record_task(arg, task, "scheduled");
}

static int
on_before(struct nur_task *task, void *arg)
{
	ck_assert_ptr_eq(nur_current_task(), task);
	return record_task(arg, task, "before");
}

static int
on_after(struct nur_task *task, void *arg)
{
	ck_assert_ptr_eq(nur_current_task(), task);
	return record_task(arg, task, "after");
}

static int
on_exited(struct nur_task *task, void *arg)
{
	return record_task(arg, task, "exited");
}

static struct recorder
recorder_of_steps(const char *task)
{
	return (struct recorder){
		.task = task,
		.instrument = { .name = "recorder",
			.before_run = on_before_run,
			.after_run = on_after_run,
			.task_scheduled = on_scheduled,
			.before_task_step = on_before,
			.after_task_step = on_after },
	};
}

static int
run_with(nur_task_fn fn, struct nur_instrument *const *instruments, size_t n)
{
	struct nur_run_options options = { .instruments = instruments, .n_instruments = n };

	return nur_run(fn, NULL, &options, NULL);
}

static struct recorder stays, goes, comes;

static int
checkpoint_five_times(void *unused)
{
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	ck_assert_int_eq(nur_instrument_remove(&goes.instrument), 0);
	ck_assert_int_eq(nur_instrument_remove(&goes.instrument), -ENOENT);
	ck_assert_int_eq(nur_instrument_add(&comes.instrument), 0);
	ck_assert_int_eq(nur_instrument_add(&comes.instrument), 0);
	return nur_checkpoint();
}

static int
start_the_watched_task(void *unused)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(
			nur_start_soon(nursery, "watched", checkpoint_five_times, NULL), 0);
	}
	return rc;
}

static void
run_the_watched_task(void)
{
	struct nur_instrument *const instruments[] = { &stays.instrument, &goes.instrument };

	stays = recorder_of_steps("watched");
	goes = recorder_of_steps("watched");
	comes = recorder_of_steps("watched");
	stays.instrument.arg = &stays;
	goes.instrument.arg = &goes;
	comes.instrument.arg = &comes;
	ck_assert_int_eq(run_with(start_the_watched_task, instruments, 2), 0);
}

START_TEST(r226_five_checkpoints_give_exactly_these_events)
{
	run_the_watched_task();

	ck_assert_str_eq(stays.record, "before_run scheduled "
				       "before scheduled after before scheduled after "
				       "before scheduled after before scheduled after "
				       "before scheduled after "
				       "before after after_run");
}
END_TEST

START_TEST(r227_instruments_come_and_go_during_the_run)
{
	char both[sizeof(stays.record) * 2];

	run_the_watched_task();

	(void)snprintf(both, sizeof(both), "%s %s", goes.record, comes.record);
	ck_assert_str_eq(both, stays.record);
}
END_TEST

static int
add_the_other_runs(void *unused)
{
	struct nur_instrument *const instrument = &stays.instrument;
	int other;

	stays.instrument.run = &other; /* as if a run on another thread had it */
	ck_assert_int_eq(nur_instrument_add(instrument), NUR_EBUSY);
	ck_assert_int_eq(nur_instrument_remove(instrument), -ENOENT);
	return 0;
}

START_TEST(r227_an_instrument_is_in_one_run)
{
	struct nur_instrument *const instruments[] = { &goes.instrument, &stays.instrument };

	ck_assert_int_eq(nur_instrument_add(&stays.instrument), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_instrument_remove(&stays.instrument), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_run(add_the_other_runs, NULL, NULL, NULL), 0);

	goes = recorder_of_steps("main");
	goes.instrument.arg = &goes;
	ck_assert_int_eq(run_with(t_return, instruments, 2), NUR_EBUSY);
	ck_assert_str_eq(goes.record, "");
	ck_assert_int_eq(run_with(t_return, instruments, 1), 0); /* it was let go */
}
END_TEST

static int
checkpoint_and_sleep(void *unused)
{
	int r = nur_checkpoint();

	return r < 0 ? r : nur_sleep(NUR_MSEC(20));
}

START_TEST(r228_hooks_that_are_not_there_are_skipped)
{
	struct nur_instrument null = { .name = "null" };
	struct recorder recorder = recorder_of_steps("main");
	struct nur_instrument *const instruments[] = { &null, &recorder.instrument };

	recorder.instrument =
		(struct nur_instrument){ .after_run = on_after_run, .arg = &recorder };
	ck_assert_int_eq(run_with(checkpoint_and_sleep, instruments, 2), 0);
	ck_assert_str_eq(recorder.record, "after_run");
}
END_TEST

START_TEST(r229_spawn_and_exit_are_seen_of_the_main_task)
{
	struct recorder recorder = { .task = "main",
		.instrument = { .task_spawned = on_spawned,
			.task_scheduled = on_scheduled,
			.after_task_step = on_after,
			.task_exited = on_exited } };
	struct nur_instrument *const instruments[] = { &recorder.instrument };

	recorder.instrument.arg = &recorder;
	ck_assert_int_eq(run_with(t_return, instruments, 1), 0);
	ck_assert_str_eq(recorder.record, "spawned scheduled exited after");
}
END_TEST

/* ---- where the hooks run ---- */

static unsigned n_of_run, n_of_io, n_of_tasks;

static int
outside_of_tasks(void *unused)
{
	ck_assert(nur_in_run() && !nur_in_task());
	n_of_run++;
	return 0;
}

static int
outside_in_io(nur_time timeout, void *unused)
{
	ck_assert(nur_in_run() && !nur_in_task());
	ck_assert_int_ge(timeout, 0);
	n_of_io++;
	return 0;
}

static int
inside_of(struct nur_task *task, void *unused)
{
	ck_assert(nur_in_run() && nur_in_task());
	ck_assert_ptr_eq(nur_current_task(), task);
	ck_assert_ptr_nonnull(nur_task_name(task));
	n_of_tasks++;
	return 0;
}

static int
anywhere(struct nur_task *task, void *unused)
{
	ck_assert(nur_in_run());
	ck_assert_ptr_nonnull(nur_task_name(task));
	return 0;
}

START_TEST(r231_hooks_of_the_loop_run_outside_tasks_and_the_others_inside)
{
	struct nur_instrument everything = {
		.before_run = outside_of_tasks,
		.after_run = outside_of_tasks,
		.task_spawned = anywhere,
		.task_scheduled = anywhere,
		.before_task_step = inside_of,
		.after_task_step = inside_of,
		.task_exited = inside_of,
		.before_io_wait = outside_in_io,
		.after_io_wait = outside_in_io,
	};
	struct nur_instrument *const instruments[] = { &everything };

	ck_assert_int_eq(run_with(checkpoint_and_sleep, instruments, 1), 0);
	ck_assert_uint_eq(n_of_run, 2);
	ck_assert_uint_eq(n_of_tasks, 3 * 2 + 1);
	ck_assert_uint_ge(n_of_io, 2);
	ck_assert_uint_eq(n_of_io % 2, 0);
}
END_TEST

static int
start_a_child(void *unused)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "child", t_checkpoint, NULL), 0);
	}
	return rc;
}

static int
look_for_the_new_task(struct nur_task *task, void *ret_n_children)
{
	const struct nur_nursery *nursery = nur_task_parent_nursery(task);

	if (nursery) {
		*(size_t *)ret_n_children = nur_nursery_n_children(nursery);
	}
	return 0;
}

START_TEST(r231_a_new_task_is_in_its_nursery)
{
	size_t n_children = 0;
	struct nur_instrument looker = { .task_spawned = look_for_the_new_task,
		.arg = &n_children };
	struct nur_instrument *const instruments[] = { &looker };

	ck_assert_int_eq(run_with(start_a_child, instruments, 1), 0);
	ck_assert_uint_eq(n_children, 1);
}
END_TEST

/* ---- coming and going inside a hook ---- */

static int
remove_both(struct nur_task *task, void *second)
{
	t_note("first");
	ck_assert_int_eq(nur_instrument_remove(second), 0);
	ck_assert_int_eq(nur_instrument_remove((struct nur_instrument *)second - 1), 0);
	ck_assert_int_eq(nur_instrument_add((struct nur_instrument *)second + 1), 0);
	return -EIO; /* after it has removed itself */
}

static int
note_second(struct nur_task *task, void *unused)
{
	t_note("second");
	return 0;
}

static int
note_third(struct nur_task *task, void *unused)
{
	t_note("third");
	return 0;
}

static void
note_line(const char *line, void *unused)
{
	t_note("[%s]", line);
}

START_TEST(r227_hooks_may_add_and_remove)
{
	struct nur_instrument list[] = {
		{ .name = "first", .after_task_step = remove_both, .arg = &list[1] },
		{ .name = "second", .after_task_step = note_second },
		{ .name = "third", .after_task_step = note_third },
	};
	struct nur_instrument *const instruments[] = { &list[0], &list[1] };
	struct nur_run_options options = {
		.instruments = instruments, .n_instruments = 2, .report = note_line
	};

	t_forget_notes();
	ck_assert_int_eq(nur_run(t_checkpoint, NULL, &options, NULL), 0);
	ck_assert_str_eq(t_notes(), "first [instrument \"first\" failed in after_task_step "
				    "(Input/output error) and was removed] third");
	t_forget_notes();
}
END_TEST

static int
start_another(struct nur_task *task, void *unused)
{
	static bool has_started;

	if (!has_started) {
		has_started = true;
		ck_assert_int_eq(nur_spawn_system_task("another", t_return, T_CODE(0)), 0);
	}
	return 0;
}

START_TEST(r227_a_hook_may_lead_to_a_hook)
{
	struct nur_instrument starter = { .before_task_step = start_another };
	struct recorder recorder = { .task = "another",
		.instrument = { .task_spawned = on_spawned,
			.task_scheduled = on_scheduled,
			.task_exited = on_exited } };
	struct nur_instrument *const instruments[] = { &starter, &recorder.instrument };

	recorder.instrument.arg = &recorder;
	ck_assert_int_eq(run_with(t_checkpoint, instruments, 2), 0);
	ck_assert_str_eq(recorder.record, "spawned scheduled exited");
}
END_TEST

/* ---- nothing changes the outcome ---- */

static int
fail_once(struct nur_task *task, void *n_calls)
{
	++*(int *)n_calls;
	errno = EILSEQ;
	return nur_fail(-EIO, "an instrument's own text");
}

static int
fail_with_text(void *unused)
{
	errno = ENOTDIR;
	(void)!nur_checkpoint();
	ck_assert_int_eq(errno, ENOTDIR);
	return nur_fail(-EDOM, "the task's text");
}

/* Runs a task that fails, with an instrument that fails in one hook, and one that does not. */
static void
assert_nothing_changes(struct nur_instrument *broken, const char *hook)
{
	struct recorder recorder = recorder_of_steps("main");
	struct nur_instrument *const instruments[] = { broken, &recorder.instrument };
	struct nur_run_options options = {
		.instruments = instruments, .n_instruments = 2, .report = note_line
	};
	struct nur_errors errors;
	int n_calls = 0;
	char line[128];

	broken->name = "broken";
	broken->arg = &n_calls;
	recorder.instrument.arg = &recorder;
	t_forget_notes();
	ck_assert_int_eq(nur_run(fail_with_text, NULL, &options, &errors), -EDOM);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, "the task's text");
	nur_errors_fini(&errors);
	ck_assert_int_eq(n_calls, 1);
	ck_assert_str_eq(recorder.record,
		"before_run scheduled before scheduled after before after after_run");
	(void)snprintf(line, sizeof(line),
		"[instrument \"broken\" failed in %s (Input/output error) and was removed]", hook);
	ck_assert_str_eq(t_notes(), line);
	t_forget_notes();
}

START_TEST(x28_a_failing_instrument_is_removed_and_changes_nothing)
{
	struct nur_instrument spawned = { .task_spawned = fail_once, .task_exited = fail_once };
	struct nur_instrument scheduled = { .task_scheduled = fail_once };
	struct nur_instrument before = { .before_task_step = fail_once };
	struct nur_instrument after = { .after_task_step = fail_once };
	struct nur_instrument exited = { .task_exited = fail_once };

	assert_nothing_changes(&spawned, "task_spawned");
	assert_nothing_changes(&scheduled, "task_scheduled");
	assert_nothing_changes(&before, "before_task_step");
	assert_nothing_changes(&after, "after_task_step");
	assert_nothing_changes(&exited, "task_exited");
}
END_TEST

static void
run_with_a_broken_one(void)
{
	int n_calls = 0;
	struct nur_instrument broken = { .task_spawned = fail_once, .arg = &n_calls };
	struct nur_instrument *const instruments[] = { &broken };

	_exit(run_with(t_return, instruments, 1) == 0 ? 0 : 1);
}

START_TEST(x28_without_a_report_the_line_is_on_standard_error)
{
	char text[256];
	int status = t_in_child(run_with_a_broken_one, text, sizeof(text));

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_str_eq(text, "libnursery: instrument \"unnamed\" failed in task_spawned "
			       "(Input/output error) and was removed\n");
}
END_TEST

/* ---- looking at the tree ---- */

static int
count_entry(const struct nur_tree_entry *entry, void *n_entries)
{
	++*(size_t *)n_entries;
	return 0;
}

static int
walk(void *ret_n_most)
{
	size_t n_entries = 0;

	ck_assert_int_eq(nur_tree_walk(count_entry, &n_entries), 0);
	if (n_entries > *(size_t *)ret_n_most) {
		*(size_t *)ret_n_most = n_entries;
	}
	return 0;
}

static int
walk_at_task(struct nur_task *task, void *ret_n_most)
{
	return walk(ret_n_most);
}

static int
walk_at_wait(nur_time timeout, void *ret_n_most)
{
	return walk(ret_n_most);
}

START_TEST(x28_the_tree_can_be_walked_in_every_hook)
{
	size_t n_most = 0;
	struct nur_instrument walker = {
		.arg = &n_most,
		.before_run = walk,
		.after_run = walk,
		.task_spawned = walk_at_task,
		.task_scheduled = walk_at_task,
		.before_task_step = walk_at_task,
		.after_task_step = walk_at_task,
		.task_exited = walk_at_task,
		.before_io_wait = walk_at_wait,
		.after_io_wait = walk_at_wait,
	};
	struct nur_instrument *const instruments[] = { &walker };

	ck_assert_int_eq(run_with(start_a_child, instruments, 1), 0);
	ck_assert_uint_eq(n_most, 4); /* the run, main, its nursery, the child */
}
END_TEST

/* ---- what a hook must not do ---- */

static int
wait_in_a_hook(struct nur_task *task, void *unused)
{
	return nur_checkpoint();
}

static void
run_with_one_that_waits(void)
{
	struct nur_instrument waiter = { .before_task_step = wait_in_a_hook };
	struct nur_instrument *const instruments[] = { &waiter };

	(void)run_with(t_return, instruments, 1);
}

static int
cancel_in_a_hook(struct nur_task *task, void *unused)
{
	struct nur_nursery *nursery = nur_task_parent_nursery(task);

	if (nursery) {
		nur_nursery_cancel(nursery, NULL);
	}
	return 0;
}

static void
assert_aborts(void (*fn)(void), const char *message)
{
	char text[4096];
	int status = t_in_child(fn, text, sizeof(text));

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_msg(strstr(text, message), "no \"%s\" in: %s", message, text);
}

START_TEST(r231_a_hook_that_waits_ends_the_process)
{
	assert_aborts(run_with_one_that_waits, "libnursery: an instrument tried to wait\n");
}
END_TEST

static int
start_an_endless_task(void *unused)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "endless", t_sleep_forever, NULL), 0);
	}
	return rc;
}

START_TEST(r231_hooks_may_cancel)
{
	struct nur_instrument at_a_step = { .before_task_step = cancel_in_a_hook };
	struct nur_instrument at_waking = { .task_scheduled = cancel_in_a_hook };
	struct nur_instrument *const each[] = { &at_a_step, &at_waking };

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(run_with(start_an_endless_task, &each[i], 1), 0);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("instruments");
	TCase *tc = tcase_create("instruments");

	tcase_add_test(tc, r226_five_checkpoints_give_exactly_these_events);
	tcase_add_test(tc, r227_instruments_come_and_go_during_the_run);
	tcase_add_test(tc, r227_an_instrument_is_in_one_run);
	tcase_add_test(tc, r228_hooks_that_are_not_there_are_skipped);
	tcase_add_test(tc, r229_spawn_and_exit_are_seen_of_the_main_task);
	tcase_add_test(tc, r231_hooks_of_the_loop_run_outside_tasks_and_the_others_inside);
	tcase_add_test(tc, r231_a_new_task_is_in_its_nursery);
	tcase_add_test(tc, r227_hooks_may_add_and_remove);
	tcase_add_test(tc, r227_a_hook_may_lead_to_a_hook);
	tcase_add_test(tc, x28_a_failing_instrument_is_removed_and_changes_nothing);
	tcase_add_test(tc, x28_without_a_report_the_line_is_on_standard_error);
	tcase_add_test(tc, x28_the_tree_can_be_walked_in_every_hook);
	tcase_add_test(tc, r231_a_hook_that_waits_ends_the_process);
	tcase_add_test(tc, r231_hooks_may_cancel);
	suite_add_tcase(suite, tc);
	return suite;
}
