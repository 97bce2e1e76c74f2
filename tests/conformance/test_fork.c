/* SPDX-License-Identifier: MIT */
/* X21 and row 197: what a child made by fork() can do, and cannot. */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/in_run.h"

/* By default ThreadSanitizer ends a child of a process that had threads when it starts its own. */
const char *__tsan_default_options(void);

const char *
__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/* How @pid ended: its exit status, or minus the signal. */
static int
end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Runs @fn in a child forked by the calling task; how that ended. */
static int
end_of_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(fn(arg));
	}
	return end_of(pid);
}

static int
exec_true(void *unused)
{
	return execl("/bin/true", "true", (char *)NULL);
}

IN_RUN_TEST(x21_a_forked_child_can_exec_or_exit)
{
	ck_assert_int_eq(end_of_child(exec_true, NULL), 0);
	ck_assert_int_eq(end_of_child(t_return, T_CODE(7)), 7);

	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0); /* the parent goes on */
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
}
END_TEST

struct all {
	struct nur_nursery nursery;
	struct nur_token *token;
	struct nur_wakeup wakeup;
	struct nur_wakeup queued;
};

static void
ignore_result(int result, struct nur_errors *errors, void *unused)
{
}

/* The number of the first call that is not refused as it should be; 0: all are. */
static int
use_the_runtime(void *arg)
{
	struct all *all = arg;
	const struct nur_guest_options guest_options = {
		.base = event_base_new(), .fn = t_return, .done = ignore_result
	};
	struct nur_guest *guest;
	struct nur_nursery nursery;
	struct nur_token *token;
	const int answers[][2] = {
		{ nur_in_run(), false },
		{ nur_checkpoint(), NUR_ENOTINTASK },
		{ nur_sleep(NUR_SEC(1)), NUR_ENOTINTASK },
		{ nur_wait_readable(STDIN_FILENO), NUR_ENOTINTASK },
		{ nur_nursery_open(&nursery), NUR_ENOTINTASK },
		{ nur_start_soon(&all->nursery, NULL, t_return, NULL), NUR_ENOTINTASK },
		{ nur_thread_run(t_return, NULL, NULL), NUR_ENOTINTASK },
		{ nur_spawn_system_task(NULL, t_return, NULL), NUR_ENOTINTASK },
		{ nur_token_open(&token), NUR_ENOTINTASK },
		{ nur_token_call_soon(all->token, t_return, NULL), NUR_ERUNFINISHED },
		{ nur_token_call(all->token, t_return, NULL), NUR_ERUNFINISHED },
		{ nur_wakeup_send(&all->wakeup), NUR_ERUNFINISHED },
		{ nur_wakeup_send(&all->queued), NUR_ERUNFINISHED },
		{ nur_run(t_return, NULL, NULL, NULL), NUR_ENESTEDRUN },
		{ nur_guest_start(&guest_options, &guest), NUR_ENESTEDRUN },
		{ nur_nursery_close(&all->nursery, 0, NULL), NUR_ENOTINTASK },
	};

	for (int i = 0; i < (int)(sizeof(answers) / sizeof(answers[0])); i++) {
		if (answers[i][0] != answers[i][1]) {
			return i + 1;
		}
	}
	return 0;
}

IN_RUN_TEST(x21_it_cannot_use_the_runtime)
{
	struct all all;

	t_open(&all.nursery);
	ck_assert_int_eq(nur_token_open(&all.token), 0);
	nur_wakeup_init(&all.wakeup, all.token, t_return, NULL);
	nur_wakeup_init(&all.queued, all.token, t_return, NULL);
	ck_assert_int_eq(nur_wakeup_send(&all.queued), 0);

	ck_assert_int_eq(end_of_child(use_the_runtime, &all), 0);

	ck_assert_int_eq(nur_start_soon(&all.nursery, NULL, t_return, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&all.nursery, 0, NULL), 0);
	nur_token_close(all.token);
}
END_TEST

static int
wait_for_event(void *event)
{
	return nur_event_wait(event);
}

static int
set_event(void *event)
{
	nur_event_set(event);
	return 0;
}

static int
cancel_nursery(void *nursery)
{
	nur_nursery_cancel(nursery, NULL);
	return 0;
}

IN_RUN_TEST(x21_waking_a_task_there_has_no_effect)
{
	struct nur_nursery nursery;
	struct nur_event event;

	nur_event_init(&event);
	t_open(&nursery);
	t_start(&nursery, wait_for_event, &event);
	t_settle();
	ck_assert_int_eq(end_of_child(set_event, &event), 0);
	ck_assert_int_eq(end_of_child(cancel_nursery, &nursery), 0);
	t_settle();
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 1);

	nur_event_set(&event);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
raise_signal(void *unused)
{
	return raise(SIGUSR1);
}

static int
next_signal(void *receiver)
{
	int signo = 0;
	int r = nur_signal_receiver_next(receiver, &signo);

	return r < 0 ? r : signo;
}

static int
close_receiver(void *receiver)
{
	nur_signal_receiver_close(receiver);
	return 0;
}

IN_RUN_TEST(x21_signals_there_are_no_concern_of_the_parent)
{
	struct nur_signal_receiver *receiver;
	const int signo = SIGUSR1;
	bool is_timed_out = false;

	ck_assert_int_eq(nur_signal_receiver_open(&signo, 1, &receiver), 0);
	ck_assert_int_eq(end_of_child(raise_signal, NULL), -SIGUSR1);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, next_signal, receiver, &is_timed_out), 0);
	ck_assert(is_timed_out);

	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(end_of_child(close_receiver, receiver), 0);
	ck_assert_int_eq(next_signal(receiver), SIGUSR1);
	nur_signal_receiver_close(receiver);
}
END_TEST

static atomic_bool is_enough;

/* On a thread of its own, which is in the handler often. */
static void *
raise_all_the_time(void *unused)
{
	while (!atomic_load(&is_enough)) {
		(void)raise(SIGUSR1);
	}
	return NULL;
}

IN_RUN_TEST(x21_a_handler_on_a_thread_of_the_parent_is_not_waited_for)
{
	struct nur_signal_receiver *receiver;
	const int signo = SIGUSR1;
	pthread_t thread;

	ck_assert_int_eq(nur_signal_receiver_open(&signo, 1, &receiver), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, raise_all_the_time, NULL), 0);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(end_of_child(close_receiver, receiver), 0);
	}
	atomic_store(&is_enough, true);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(next_signal(receiver), SIGUSR1);
	nur_signal_receiver_close(receiver);
}
END_TEST

/* The child comes back, too: to the end of its task, or to the loop. */
static pid_t child;

static int
fork_and_return(void *unused)
{
	child = fork();
	return 0;
}

static void
fork_in_callback(void *unused)
{
	child = fork();
}

static void
return_from_a_task(void)
{
	ck_assert_int_eq(nur_run(fork_and_return, NULL, NULL, NULL), 0);
	_exit(end_of(child) == -SIGABRT ? 0 : 1);
}

static int
call_and_settle(void *unused)
{
	struct nur_call call;

	nur_call_init(&call, fork_in_callback, NULL);
	nur_call_soon(&call);
	return nur_checkpoint();
}

static void
return_from_a_callback(void)
{
	ck_assert_int_eq(nur_run(call_and_settle, NULL, NULL, NULL), 0);
	_exit(end_of(child) == -SIGABRT ? 0 : 1);
}

START_TEST(x21_coming_back_from_a_task_or_a_callback_ends_it_with_a_message)
{
	char text[512];

	ck_assert_int_eq(t_in_child(return_from_a_task, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "task \"main\" returned in a forked child"));
	ck_assert_int_eq(t_in_child(return_from_a_callback, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "a forked child went on in its parent's run"));
}
END_TEST

static int
store_thread(void *ret_thread)
{
	*(pthread_t *)ret_thread = pthread_self();
	return 7;
}

static int
run_on_a_thread(void *ret_thread)
{
	return nur_thread_run(store_thread, ret_thread, NULL);
}

/* Outside of a run a child may have its own, and threads of its own. */
START_TEST(r197_a_forked_child_has_no_broken_threads)
{
	pthread_t thread;
	pid_t pid;

	ck_assert_int_eq(nur_run(run_on_a_thread, &thread, NULL, NULL), 7);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		_exit(nur_run(run_on_a_thread, &thread, NULL, NULL));
	}
	ck_assert_int_eq(nur_run(run_on_a_thread, &thread, NULL, NULL), 7);
	ck_assert_int_eq(end_of(pid), 7);
}
END_TEST

static int
call_back(void *unused)
{
	return nur_thread_call_back(t_return, NULL);
}

static int
call_back_in_a_child(void *ret_refused)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		_exit(call_back(NULL) == NUR_ERUNFINISHED ? 7 : 1);
	}
	*(bool *)ret_refused = waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7;
	return call_back(NULL);
}

IN_RUN_TEST(r197_nor_can_one_forked_by_a_thread_call_back)
{
	bool is_refused = false;

	ck_assert_int_eq(nur_thread_run(call_back_in_a_child, &is_refused, NULL), 0);
	ck_assert(is_refused);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fork");
	TCase *tc = tcase_create("fork");

	tcase_set_timeout(tc, 60); /* of many forks */
	tcase_add_test(tc, x21_a_forked_child_can_exec_or_exit);
	tcase_add_test(tc, x21_it_cannot_use_the_runtime);
	tcase_add_test(tc, x21_waking_a_task_there_has_no_effect);
	tcase_add_test(tc, x21_signals_there_are_no_concern_of_the_parent);
	tcase_add_test(tc, x21_a_handler_on_a_thread_of_the_parent_is_not_waited_for);
	tcase_add_test(tc, x21_coming_back_from_a_task_or_a_callback_ends_it_with_a_message);
	tcase_add_test(tc, r197_a_forked_child_has_no_broken_threads);
	tcase_add_test(tc, r197_nor_can_one_forked_by_a_thread_call_back);
	suite_add_tcase(suite, tc);
	return suite;
}
