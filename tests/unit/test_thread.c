/* SPDX-License-Identifier: MIT */
/* What tests/conformance/test_threads.c leaves: the errors of each call, and what ends the process. */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/in_run.h"

static const struct nur_thread_options abandonable = { .is_abandonable = true };

START_TEST(outside_a_run_there_is_nobody_to_wait)
{
	struct nur_limiter *limiter;

	ck_assert_int_eq(nur_thread_run(t_return, NULL, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_thread_default_limiter(&limiter), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_wait_all_threads_completed(), NUR_ENOTINTASK);
	ck_assert_uint_eq(nur_active_thread_count(), 0);
}
END_TEST

static int
call_nothing(void *token)
{
	ck_assert_int_eq(nur_thread_call_back(NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_thread_run_back(NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_token_call(token, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_token_run(token, NULL, NULL), -EINVAL);
	return 0;
}

IN_RUN_TEST(a_missing_function_is_refused)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_thread_run(NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_thread_run(call_nothing, token, NULL), 0);
	nur_token_close(token);
}
END_TEST

static int
run_back(void *unused)
{
	return nur_thread_run_back(t_return, NULL);
}

static int
run_back_by_token(void *token)
{
	return nur_token_run(token, t_return, NULL);
}

static int
run_back_without_room(void *unused)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_thread_run(run_back_by_token, token, NULL), -EAGAIN);
	ck_assert_int_eq(nur_thread_run(run_back, NULL, &abandonable), -EAGAIN);
	ck_assert_int_eq(nur_thread_run(run_back, NULL, NULL), 0); /* needs no task of its own */
	nur_token_close(token);
	return 0;
}

START_TEST(a_call_back_that_needs_a_task_is_told_when_there_is_none)
{
	struct nur_run_options options = { .max_tasks = 1 };

	ck_assert_int_eq(nur_run(run_back_without_room, NULL, &options, NULL), 0);
}
END_TEST

struct late {
	sem_t is_over;
	sem_t has_asked;
	int called;
	int run;
};

static int
ask_when_it_is_over(void *arg)
{
	struct late *late = arg;

	while (sem_wait(&late->is_over) < 0) {
		; /* a signal */
	}
	late->called = nur_thread_call_back(t_return, NULL);
	late->run = nur_thread_run_back(t_return, NULL);
	(void)sem_post(&late->has_asked);
	return 0;
}

static int
abandon(void *late)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, nur_now() + NUR_SEC(1)); /* the clock jumps */
	return NUR_WITHIN(&scope, nur_thread_run(ask_when_it_is_over, late, &abandonable));
}

START_TEST(an_abandoned_thread_learns_that_the_run_is_over)
{
	struct late late;

	(void)sem_init(&late.is_over, 0, 0);
	(void)sem_init(&late.has_asked, 0, 0);
	ck_assert_int_eq(t_run(abandon, &late, NULL), 0);
	(void)sem_post(&late.is_over);
	ck_assert_int_eq(sem_wait(&late.has_asked), 0);
	ck_assert_int_eq(late.called, NUR_ERUNFINISHED);
	ck_assert_int_eq(late.run, NUR_ERUNFINISHED);
}
END_TEST

static int
wait_in_a_plain_call(void *unused)
{
	return nur_thread_call_back(t_checkpoint, NULL);
}

static void
wait_as_the_host(void)
{
	(void)!nur_thread_run(wait_in_a_plain_call, NULL, NULL);
}

static void
wait_on_the_loop(void)
{
	(void)!nur_thread_run(wait_in_a_plain_call, NULL, &abandonable);
}

static void
wait_as_the_host_in_a_run(void)
{
	t_in_run(wait_as_the_host);
}

static void
wait_on_the_loop_in_a_run(void)
{
	t_in_run(wait_on_the_loop);
}

START_TEST(a_plain_call_that_waits_ends_the_process)
{
	char text[512];
	int status = t_in_child(wait_as_the_host_in_a_run, text, sizeof(text));

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_ptr_nonnull(strstr(text, "a plain call from a thread tried to wait"));

	status = t_in_child(wait_on_the_loop_in_a_run, text, sizeof(text));
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_ptr_nonnull(strstr(text, "a plain call from a thread tried to wait"));
}
END_TEST

/* The thread ends when the run waits for nothing but it. */
static int
wait_for_post(void *semaphore)
{
	while (sem_wait(semaphore) < 0) {
		; /* a signal */
	}
	return 3;
}

static int
post_when_waiting(nur_time timeout, void *semaphore)
{
	if (timeout == NUR_FOREVER) {
		(void)sem_post(semaphore);
	}
	return 0;
}

static int
wait_for_a_thread_only(void *semaphore)
{
	struct nur_instrument instrument = {
		.name = "waits", .arg = semaphore, .before_io_wait = post_when_waiting
	};
	int r;

	ck_assert_int_eq(nur_instrument_add(&instrument), 0);
	r = nur_thread_run(wait_for_post, semaphore, NULL);
	ck_assert_int_eq(nur_instrument_remove(&instrument), 0);
	return r;
}

START_TEST(a_run_that_waits_for_a_thread_only_is_not_stuck)
{
	const struct nur_run_options options = { .detects_deadlock = true };
	sem_t semaphore;

	(void)sem_init(&semaphore, 0, 0);
	ck_assert_int_eq(nur_run(wait_for_a_thread_only, &semaphore, &options, NULL), 3);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("thread");
	TCase *tcase = tcase_create("thread");

	tcase_add_test(tcase, outside_a_run_there_is_nobody_to_wait);
	tcase_add_test(tcase, a_missing_function_is_refused);
	tcase_add_test(tcase, a_call_back_that_needs_a_task_is_told_when_there_is_none);
	tcase_add_test(tcase, an_abandoned_thread_learns_that_the_run_is_over);
	tcase_add_test(tcase, a_plain_call_that_waits_ends_the_process);
	tcase_add_test(tcase, a_run_that_waits_for_a_thread_only_is_not_stuck);
	suite_add_tcase(suite, tcase);
	return suite;
}
