/* SPDX-License-Identifier: MIT */
/* X24: a run that nothing can ever wake ends with the task tree, if it was asked to; others go on. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static int
run_detecting(nur_task_fn fn, void *arg, struct nur_errors *errors)
{
	const struct nur_run_options options = { .detects_deadlock = true };

	return nur_run(fn, arg, &options, errors);
}

static void
assert_deadlock(nur_task_fn fn, void *arg)
{
	ck_assert_int_eq(run_detecting(fn, arg, NULL), NUR_EDEADLOCK);
}

static int
wait_for_event(void *event)
{
	return nur_event_wait(event);
}

/* Two tasks of which each waits for the other's event, so to speak. */
static int
wait_for_each_other(void *unused)
{
	struct nur_event events[2];
	int rc = 0;

	nur_event_init(&events[0]);
	nur_event_init(&events[1]);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "left", wait_for_event, &events[0]), 0);
		ck_assert_int_eq(nur_start_soon(nursery, "right", wait_for_event, &events[1]), 0);
	}
	return rc;
}

START_TEST(x24_the_error_has_the_tree)
{
	static const char *const lines[] = { "run\n", "\n  main: waiting (nursery) for ",
		"\n    nursery, 2 tasks\n", "\n      left: waiting (event) for ",
		"\n      right: waiting (event) for " };
	struct nur_errors errors;

	ck_assert_int_eq(run_detecting(wait_for_each_other, NULL, &errors), NUR_EDEADLOCK);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, NUR_EDEADLOCK);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_msg(strstr(errors.items[0].text, lines[i]), "no \"%s\" in:\n%s", lines[i],
			errors.items[0].text);
	}
	ck_assert_ptr_null(strstr(errors.items[0].text, "cancelled"));
	nur_errors_fini(&errors);
}
END_TEST

static int
learn_why(void *unused)
{
	int r = nur_sleep_forever();
	const struct nur_cancel_reason *why = nur_current_cancel_reason();

	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_int_eq(why->source, NUR_CANCEL_SHUTDOWN);
	ck_assert_str_eq(why->text, "deadlock: nothing can ever wake the run");
	return nur_fail(-EIO, "while cleaning up");
}

START_TEST(x24_tasks_learn_why_and_clean_up)
{
	struct nur_errors errors;

	ck_assert_int_eq(run_detecting(learn_why, NULL, &errors), NUR_EDEADLOCK);
	ck_assert_uint_eq(errors.n, 2);
	ck_assert_str_eq(errors.items[0].text, "while cleaning up");
	ck_assert_int_eq(errors.items[1].code, NUR_EDEADLOCK);
	nur_errors_fini(&errors);
}
END_TEST

static int
hide_behind_a_shield(void *unused)
{
	ck_assert_int_eq(nur_move_on_at(NUR_FOREVER, NUR_SHIELD, t_sleep_forever, NULL, NULL), 0);
	return nur_checkpoint();
}

static int
hide_in_a_nursery(void *unused)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "left", t_sleep_forever, NULL), 0);
		ck_assert_int_eq(nur_start_soon(nursery, "right", hide_behind_a_shield, NULL), 0);
	}
	return rc;
}

START_TEST(x24_shields_do_not_keep_the_run)
{
	assert_deadlock(hide_behind_a_shield, NULL);
	assert_deadlock(hide_in_a_nursery, NULL);
}
END_TEST

static int
leave_a_system_task(void *unused)
{
	ck_assert_int_eq(nur_spawn_system_task("server", hide_behind_a_shield, NULL), 0);
	return nur_checkpoint();
}

START_TEST(x24_it_is_looked_for_after_the_main_task_too)
{
	assert_deadlock(leave_a_system_task, NULL);
}
END_TEST

static enum nur_abort
refuse(struct nur_task *task, void *unused)
{
	return NUR_ABORT_FAILED;
}

static int
refuse_to_end(void *unused)
{
	return nur_wait_task_rescheduled("godot", refuse, NULL);
}

static void
run_what_refuses(void)
{
	(void)run_detecting(refuse_to_end, NULL, NULL);
}

START_TEST(x24_a_wait_that_cannot_be_aborted_ends_the_process)
{
	char text[1024];
	int status = t_in_child(run_what_refuses, text, sizeof(text));

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_msg(strstr(text, "libnursery: deadlock: nothing can ever wake the run, and what "
				   "its tasks wait for cannot be aborted\nrun\n  main: waiting "
				   "(godot) for "),
		"%s", text);
}
END_TEST

/* ---- what is none ---- */

static int
sleep_a_moment(void *unused)
{
	ck_assert_int_eq(nur_sleep(NUR_USEC(1)), 0);
	return nur_wait_all_tasks_blocked(0);
}

START_TEST(x24_time_and_idleness_are_waited_for)
{
	ck_assert_int_eq(run_detecting(sleep_a_moment, NULL, NULL), 0);
}
END_TEST

static void
set_event(void *event)
{
	nur_event_set(event);
}

static int
wait_for_a_call(void *unused)
{
	struct nur_event event;
	struct nur_call call;

	nur_event_init(&event);
	nur_call_init(&call, set_event, &event);
	nur_call_soon(&call);
	return nur_event_wait(&event);
}

START_TEST(x24_a_queued_call_is_waited_for)
{
	ck_assert_int_eq(run_detecting(wait_for_a_call, NULL, NULL), 0);
}
END_TEST

static void *
write_a_byte(void *fd)
{
	return write(*(int *)fd, "x", 1) == 1 ? NULL : fd;
}

static int
wait_for_a_byte(void *unused)
{
	pthread_t thread;
	void *failed;
	int fds[2], r;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_a_byte, &fds[1]), 0);
	r = nur_wait_readable(fds[0]);
	ck_assert_int_eq(pthread_join(thread, &failed), 0);
	ck_assert_ptr_null(failed);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return r;
}

START_TEST(x24_a_watched_descriptor_is_waited_for)
{
	ck_assert_int_eq(run_detecting(wait_for_a_byte, NULL, NULL), 0);
}
END_TEST

static int
count_to_seven(void *unused)
{
	return 7;
}

static int
wait_for_a_thread(void *unused)
{
	return nur_thread_run(count_to_seven, NULL, NULL);
}

START_TEST(x24_a_thread_in_flight_is_waited_for)
{
	ck_assert_int_eq(run_detecting(wait_for_a_thread, NULL, NULL), 7);
}
END_TEST

static atomic_bool is_closed;

static void *
close_token(void *token)
{
	atomic_store(&is_closed, true);
	nur_token_close(token);
	return NULL;
}

static int
give_a_token_away(void *unused)
{
	struct nur_token *token;
	pthread_t thread;
	int r;

	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, close_token, token), 0);
	r = nur_sleep_forever();
	ck_assert(atomic_load(&is_closed));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return r;
}

START_TEST(x24_an_open_token_is_waited_for_until_it_is_closed)
{
	assert_deadlock(give_a_token_away, NULL);
}
END_TEST

static int
set_event_from_outside(void *event)
{
	nur_event_set(event);
	return 0;
}

struct outside {
	struct nur_token *token;
	struct nur_event event;
};

static void *
call_and_close(void *arg)
{
	struct outside *outside = arg;
	int r = nur_token_call_soon(outside->token, set_event_from_outside, &outside->event);

	nur_token_close(outside->token);
	return r == 0 ? NULL : arg;
}

static int
be_woken_from_outside(void *unused)
{
	struct outside outside;
	pthread_t thread;
	void *failed;
	int r;

	nur_event_init(&outside.event);
	ck_assert_int_eq(nur_token_open(&outside.token), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, call_and_close, &outside), 0);
	r = nur_event_wait(&outside.event);
	ck_assert_int_eq(pthread_join(thread, &failed), 0);
	ck_assert_ptr_null(failed);
	return r;
}

START_TEST(x24_a_call_from_outside_is_made_though_its_token_is_closed)
{
	ck_assert_int_eq(run_detecting(be_woken_from_outside, NULL, NULL), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("deadlocks");
	TCase *tc = tcase_create("deadlocks");

	tcase_add_test(tc, x24_the_error_has_the_tree);
	tcase_add_test(tc, x24_tasks_learn_why_and_clean_up);
	tcase_add_test(tc, x24_shields_do_not_keep_the_run);
	tcase_add_test(tc, x24_it_is_looked_for_after_the_main_task_too);
	tcase_add_test(tc, x24_a_wait_that_cannot_be_aborted_ends_the_process);
	tcase_add_test(tc, x24_time_and_idleness_are_waited_for);
	tcase_add_test(tc, x24_a_queued_call_is_waited_for);
	tcase_add_test(tc, x24_a_watched_descriptor_is_waited_for);
	tcase_add_test(tc, x24_a_thread_in_flight_is_waited_for);
	tcase_add_test(tc, x24_an_open_token_is_waited_for_until_it_is_closed);
	tcase_add_test(tc, x24_a_call_from_outside_is_made_though_its_token_is_closed);
	suite_add_tcase(suite, tc);
	return suite;
}
