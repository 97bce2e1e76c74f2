/* SPDX-License-Identifier: MIT */
/*
 * Rows 173-196: calls on threads, and back. Threads are held up by semaphores; the program is linked with
 * -Wl,--wrap, so that the start of a thread can fail, and a thread that waits for an answer is noticed.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static bool is_without_threads;
static sem_t asks;

int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __real_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore);

int
__wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
	return is_without_threads ? EAGAIN : __real_pthread_create(thread, attributes, fn, arg);
}

/* The library's: its request is in the run's queue. */
int
__wrap_sem_wait(sem_t *semaphore)
{
	(void)sem_post(&asks);
	return __real_sem_wait(semaphore);
}

static void
wait_for(sem_t *semaphore)
{
	while (__real_sem_wait(semaphore) < 0) {
		ck_assert_int_eq(errno, EINTR);
	}
}

/* A function on a thread that says that it has begun, and goes on when it is told to. */
struct held {
	sem_t has_begun;
	sem_t may_end;
	atomic_bool has_ended;
	pthread_t thread;
	int result;
};

static void
init_held(struct held *held, int result)
{
	(void)sem_init(&held->has_begun, 0, 0);
	(void)sem_init(&held->may_end, 0, 0);
	atomic_store(&held->has_ended, false);
	held->result = result;
}

static int
hold(void *arg)
{
	struct held *held = arg;

	held->thread = pthread_self();
	(void)sem_post(&held->has_begun);
	wait_for(&held->may_end);
	atomic_store(&held->has_ended, true);
	return held->result;
}

static void
release(struct held *held)
{
	(void)sem_post(&held->may_end);
}

static const struct nur_thread_options abandonable = { .is_abandonable = true };

static int
run_held(void *held)
{
	return nur_thread_run(hold, held, NULL);
}

static int
run_held_abandonably(void *held)
{
	return nur_thread_run(hold, held, &abandonable);
}

static void
start_held(struct nur_nursery *nursery, nur_task_fn fn, struct held *held)
{
	t_start(nursery, fn, held);
	t_settle();
	wait_for(&held->has_begun);
}

static int
store_thread(void *ret_thread)
{
	*(pthread_t *)ret_thread = pthread_self();
	return 7;
}

static int
fail_with_text(void *text)
{
	return nur_fail(-EIO, "%s", (char *)text);
}

static int
run_failing(void *text)
{
	return nur_thread_run(fail_with_text, text, NULL);
}

IN_RUN_TEST(r173_a_function_runs_on_a_thread_and_its_result_comes_back)
{
	pthread_t thread = pthread_self();

	ck_assert_int_eq(nur_thread_run(store_thread, &thread, NULL), 7);
	ck_assert(!pthread_equal(thread, pthread_self()));
	ck_assert_int_eq(nur_thread_run(t_return, T_CODE(-EIO), NULL), -EIO);
}
END_TEST

IN_RUN_TEST(r173_so_does_the_text_of_its_error)
{
	static char text[] = "no disk";
	struct nur_nursery nursery;
	struct nur_errors errors;

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "reader", run_failing, text), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, text);
	ck_assert_str_eq(errors.items[0].task, "reader");
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r174_a_call_that_cannot_be_abandoned_waits_for_the_thread)
{
	struct nur_nursery nursery;
	struct held held;

	init_held(&held, 0);
	t_open(&nursery);
	start_held(&nursery, run_held, &held);
	nur_nursery_cancel(&nursery, NULL);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(nur_cancel_shielded_checkpoint(), 0);
	}
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 1);

	release(&held);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert(atomic_load(&held.has_ended));
}
END_TEST

IN_RUN_TEST(r175_one_that_can_returns_at_once_and_leaves_the_thread)
{
	struct nur_nursery nursery;
	struct held held;

	init_held(&held, 0);
	t_open(&nursery);
	start_held(&nursery, run_held_abandonably, &held);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert(!atomic_load(&held.has_ended));

	release(&held);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert(atomic_load(&held.has_ended));
}
END_TEST

static atomic_int n_run;

static int
count_run(void *unused)
{
	atomic_fetch_add(&n_run, 1);
	return 0;
}

IN_RUN_TEST(r176_a_cancelled_caller_starts_no_thread)
{
	ck_assert(T_REPORTS_CANCEL(nur_thread_run(count_run, NULL, NULL)));
	ck_assert(T_REPORTS_CANCEL(nur_thread_run(count_run, NULL, &abandonable)));
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&n_run), 0);

	t_assert_checkpoint(nur_thread_run(count_run, NULL, NULL));
	ck_assert_int_eq(atomic_load(&n_run), 1);
}
END_TEST

/* Tells when the thread that called leave_word_at_the_end() is no more. */
static pthread_key_t at_the_end;
static sem_t has_gone;

static void
say_gone(void *unused)
{
	(void)sem_post(&has_gone);
}

static int
leave_word_at_the_end(void *unused)
{
	static int something;

	return -pthread_setspecific(at_the_end, &something);
}

static void
prepare_word(void)
{
	(void)sem_init(&has_gone, 0, 0);
	ck_assert_int_eq(pthread_key_create(&at_the_end, say_gone), 0);
}

static int
hold_and_leave_word(void *held)
{
	(void)leave_word_at_the_end(NULL);
	return hold(held);
}

static int
abandon(void *arg)
{
	struct held *held = arg;
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, nur_now() + NUR_SEC(1)); /* the clock jumps */
	return NUR_WITHIN(&scope, nur_thread_run(hold_and_leave_word, held, &abandonable));
}

START_TEST(r177_a_thread_that_ends_after_the_run_disturbs_nothing)
{
	struct held held;

	prepare_word();
	init_held(&held, -EIO);
	nur_thread_set_idle_time(0);
	ck_assert_int_eq(t_run(abandon, &held, NULL), 0);
	wait_for(&held.has_begun);
	ck_assert(!atomic_load(&held.has_ended));

	release(&held);
	wait_for(&has_gone);
	ck_assert(atomic_load(&held.has_ended));
}
END_TEST

IN_RUN_TEST(r179_the_limiters_token_is_the_calls_and_not_the_tasks)
{
	struct nur_thread_options options = { 0 };
	struct nur_limiter *limiter;

	ck_assert_int_eq(nur_limiter_create(1, &limiter), 0);
	options.limiter = limiter;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(nur_thread_run(t_return, T_CODE(3), &options), 3);
		ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	}
	nur_limiter_set_total(limiter, 2);
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), 0);
	ck_assert_int_eq(nur_thread_run(t_return, T_CODE(4), &options), 4);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);
	nur_limiter_destroy(limiter);
}
END_TEST

enum {
	MAX_AT_ONCE = 3,
	N_CROWD = 2 * MAX_AT_ONCE,
};

struct crowd {
	struct nur_limiter *limiter;
	bool is_abandonable;
	struct held held;
	struct nur_cancel_scope scopes[N_CROWD];
	atomic_int n_inside;
	atomic_int n_inside_max;
};

static int
stay_inside(void *arg)
{
	struct crowd *crowd = arg;
	int n = atomic_fetch_add(&crowd->n_inside, 1) + 1;
	int max = atomic_load(&crowd->n_inside_max);

	while (n > max && !atomic_compare_exchange_weak(&crowd->n_inside_max, &max, n)) {
		;
	}
	(void)sem_post(&crowd->held.has_begun);
	wait_for(&crowd->held.may_end);
	atomic_fetch_sub(&crowd->n_inside, 1);
	return count_run(NULL);
}

static struct crowd the_crowd;

static int
join_the_crowd(void *scope)
{
	struct nur_thread_options options = {
		.limiter = the_crowd.limiter,
		.is_abandonable = the_crowd.is_abandonable,
	};

	return NUR_WITHIN(scope, nur_thread_run(stay_inside, &the_crowd, &options));
}

/* All come in, some are cancelled while their threads work; no more than allowed ever work. */
static void
check_the_limit(struct nur_limiter *limiter)
{
	struct nur_nursery nursery;

	init_held(&the_crowd.held, 0);
	t_open(&nursery);
	for (int i = 0; i < N_CROWD; i++) {
		nur_cancel_scope_init(&the_crowd.scopes[i]);
		t_start(&nursery, join_the_crowd, &the_crowd.scopes[i]);
		t_settle();
	}
	for (int i = 0; i < MAX_AT_ONCE; i++) {
		wait_for(&the_crowd.held.has_begun);
		nur_cancel_scope_cancel(&the_crowd.scopes[i], NULL);
	}
	t_settle();
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), MAX_AT_ONCE);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), MAX_AT_ONCE);
	ck_assert_int_ne(sem_trywait(&the_crowd.held.has_begun), 0);
	for (int i = 0; i < N_CROWD; i++) {
		release(&the_crowd.held);
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&n_run), N_CROWD);
	ck_assert_int_eq(atomic_load(&the_crowd.n_inside_max), MAX_AT_ONCE);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	atomic_store(&n_run, 0);
}

IN_RUN_TEST(r179_no_more_threads_work_than_the_limiter_allows)
{
	ck_assert_int_eq(nur_limiter_create(MAX_AT_ONCE, &the_crowd.limiter), 0);
	for (int i = 0; i < 2; i++) {
		the_crowd.is_abandonable = i == 1;
		check_the_limit(the_crowd.limiter);
	}
	nur_limiter_destroy(the_crowd.limiter);
}
END_TEST

IN_RUN_TEST(r179_by_default_that_is_the_runs_own)
{
	struct nur_limiter *limiter, *again;

	ck_assert_int_eq(nur_thread_default_limiter(&limiter), 0);
	ck_assert_int_eq(nur_thread_default_limiter(&again), 0);
	ck_assert_ptr_eq(limiter, again);
	ck_assert_uint_eq(nur_limiter_total(limiter), 40);
	nur_limiter_set_total(limiter, MAX_AT_ONCE);
	the_crowd.limiter = NULL;
	check_the_limit(limiter);
}
END_TEST

IN_RUN_TEST(r180_when_no_thread_can_be_started_the_token_is_back)
{
	struct nur_limiter *limiter;

	ck_assert_int_eq(nur_thread_default_limiter(&limiter), 0);
	is_without_threads = true;
	ck_assert_int_eq(nur_thread_run(count_run, NULL, NULL), -EAGAIN);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	is_without_threads = false;
	ck_assert_int_eq(nur_thread_run(count_run, NULL, NULL), 0);
	ck_assert_int_eq(atomic_load(&n_run), 1);
}
END_TEST

static pthread_t home;

static int
return_at_home(void *code)
{
	ck_assert(nur_in_run());
	ck_assert(pthread_equal(home, pthread_self()));
	return (int)(intptr_t)code;
}

static int
checkpoint_at_home(void *code)
{
	int r = nur_checkpoint();

	return r < 0 ? r : return_at_home(code);
}

static int
call_home(void *code)
{
	ck_assert(!nur_in_run());
	ck_assert_int_eq(nur_thread_run_back(checkpoint_at_home, code), (int)(intptr_t)code);
	return nur_thread_call_back(return_at_home, code);
}

IN_RUN_TEST(r181_a_thread_can_call_functions_in_the_run)
{
	home = pthread_self();
	for (int code = -2; code < 3; code++) {
		ck_assert_int_eq(nur_thread_run(call_home, T_CODE(code), NULL), code);
		ck_assert_int_eq(nur_thread_run(call_home, T_CODE(code), &abandonable), code);
	}
}
END_TEST

/* A thread that the library has not started, and the event that it sets in the end. */
struct foreigner {
	pthread_t thread;
	struct nur_token *token;
	struct nur_event event;
	int called;
	int run;
};

static int
set_event(void *event)
{
	nur_event_set(event);
	return 0;
}

static void *
call_home_by_token(void *arg)
{
	struct foreigner *foreigner = arg;

	foreigner->called = nur_token_call(foreigner->token, return_at_home, T_CODE(-EIO));
	foreigner->run = nur_token_run(foreigner->token, checkpoint_at_home, T_CODE(-EBUSY));
	ck_assert_int_eq(nur_token_call_soon(foreigner->token, set_event, &foreigner->event), 0);
	return NULL;
}

static void
start_foreigner(struct foreigner *foreigner, void *(*fn)(void *arg))
{
	ck_assert_int_eq(nur_token_open(&foreigner->token), 0);
	nur_event_init(&foreigner->event);
	ck_assert_int_eq(pthread_create(&foreigner->thread, NULL, fn, foreigner), 0);
}

static void
end_foreigner(struct foreigner *foreigner)
{
	ck_assert_int_eq(pthread_join(foreigner->thread, NULL), 0);
	nur_token_close(foreigner->token);
}

IN_RUN_TEST(r181_so_can_a_foreign_thread_with_a_token)
{
	struct foreigner foreigner;

	home = pthread_self();
	start_foreigner(&foreigner, call_home_by_token);
	ck_assert_int_eq(nur_event_wait(&foreigner.event), 0);
	end_foreigner(&foreigner);
	ck_assert_int_eq(foreigner.called, -EIO);
	ck_assert_int_eq(foreigner.run, -EBUSY);
}
END_TEST

static int
run_a_run(void *token)
{
	/* The thread is inside a run now, though not inside the token's. */
	ck_assert_int_eq(nur_token_call(token, t_return, NULL), -EDEADLK);
	ck_assert_int_eq(nur_thread_run_back(t_return, NULL), -EDEADLK);
	return 0;
}

static int
have_a_run(void *token)
{
	return nur_run(run_a_run, token, NULL, NULL);
}

IN_RUN_TEST(r182_the_runs_own_thread_cannot)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_thread_call_back(t_return, NULL), -EDEADLK);
	ck_assert_int_eq(nur_thread_run_back(t_return, NULL), -EDEADLK);
	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_token_call(token, t_return, NULL), -EDEADLK);
	ck_assert_int_eq(nur_token_run(token, t_return, NULL), -EDEADLK);
	ck_assert_int_eq(nur_thread_run(have_a_run, token, NULL), 0);
	nur_token_close(token);
}
END_TEST

static int
store_task(void *ret_task)
{
	*(struct nur_task **)ret_task = nur_current_task();
	return 0;
}

static int
store_tasks_from_thread(void *ret_tasks)
{
	struct nur_task **tasks = ret_tasks;
	int r = nur_thread_call_back(store_task, &tasks[0]);

	return r < 0 ? r : nur_thread_run_back(store_task, &tasks[1]);
}

IN_RUN_TEST(r183_such_a_call_runs_as_the_task_that_started_the_thread)
{
	struct nur_task *tasks[2] = { NULL, NULL };

	ck_assert_int_eq(nur_thread_run(store_tasks_from_thread, tasks, NULL), 0);
	ck_assert_ptr_eq(tasks[0], nur_current_task());
	ck_assert_ptr_eq(tasks[1], nur_current_task());
}
END_TEST

static void *
call_without_token(void *arg)
{
	struct foreigner *foreigner = arg;

	foreigner->called = nur_thread_call_back(t_return, NULL);
	foreigner->run = nur_thread_run_back(t_return, NULL);
	return NULL;
}

IN_RUN_TEST(r184_a_foreign_thread_needs_a_token)
{
	struct foreigner foreigner;

	start_foreigner(&foreigner, call_without_token);
	end_foreigner(&foreigner);
	ck_assert_int_eq(foreigner.called, NUR_ENOTINTASK);
	ck_assert_int_eq(foreigner.run, NUR_ENOTINTASK);
}
END_TEST

static int
set_event_and_sleep(void *event)
{
	nur_event_set(event);
	return nur_sleep_forever();
}

static void *
sleep_by_token(void *arg)
{
	struct foreigner *foreigner = arg;

	foreigner->run = nur_token_run(foreigner->token, set_event_and_sleep, &foreigner->event);
	ck_assert(foreigner->run == NUR_ECANCELED || foreigner->run == NUR_ERUNFINISHED);
	return NULL;
}

static int
end_while_somebody_sleeps(void *arg)
{
	struct foreigner *foreigner = arg;

	start_foreigner(foreigner, sleep_by_token);
	return nur_event_wait(&foreigner->event);
}

START_TEST(r185_a_call_blocked_when_the_run_ends_is_cancelled)
{
	struct foreigner foreigner;

	ck_assert_int_eq(t_run(end_while_somebody_sleeps, &foreigner, NULL), 0);
	end_foreigner(&foreigner);
	ck_assert_int_eq(foreigner.run, NUR_ECANCELED);
}
END_TEST

static int
end_while_somebody_asks(void *arg)
{
	(void)sem_init(&asks, 0, 0);
	start_foreigner(arg, sleep_by_token);
	wait_for(&asks); /* and no pass takes the request before the end */
	return 0;
}

START_TEST(r186_at_the_end_a_bare_token_is_refused)
{
	struct foreigner foreigner;

	ck_assert_int_eq(t_run(end_while_somebody_asks, &foreigner, NULL), 0);
	ck_assert_int_eq(pthread_join(foreigner.thread, NULL), 0);
	ck_assert_int_eq(foreigner.run, NUR_ERUNFINISHED);
	ck_assert_int_eq(nur_token_run(foreigner.token, t_return, NULL), NUR_ERUNFINISHED);
	ck_assert_int_eq(nur_token_call(foreigner.token, t_return, NULL), NUR_ERUNFINISHED);
	nur_token_close(foreigner.token);
}
END_TEST

static int
serve_after_the_end(void *unused)
{
	struct nur_cancel_scope shield;
	int r = nur_sleep_forever();

	ck_assert_int_eq(r, NUR_ECANCELED); /* main has ended */
	nur_cancel_scope_init(&shield);
	nur_cancel_scope_set_shield(&shield, true);
	home = pthread_self();
	ck_assert_int_eq(NUR_WITHIN(&shield, nur_thread_run(call_home, T_CODE(5), NULL)), 5);
	t_note("served");
	return r;
}

static int
leave_a_system_task(void *unused)
{
	return nur_spawn_system_task(NULL, serve_after_the_end, NULL);
}

START_TEST(r186_a_host_task_serves_to_the_end)
{
	ck_assert_int_eq(t_run(leave_a_system_task, NULL, NULL), 0);
	ck_assert_str_eq(t_notes(), "served");
}
END_TEST

static struct nur_cancel_scope host_scope;

static int
cancel_host(void *unused)
{
	nur_cancel_scope_cancel(&host_scope, "from a thread");
	return 0;
}

static atomic_int later_result;

static int
cancel_host_and_call_plain(void *unused)
{
	ck_assert_int_eq(nur_thread_call_back(cancel_host, NULL), 0);
	atomic_store(&later_result, nur_thread_call_back(t_return, T_CODE(5)));
	return 0;
}

static int
cancel_host_and_run_without_checkpoint(void *unused)
{
	ck_assert_int_eq(nur_thread_call_back(cancel_host, NULL), 0);
	atomic_store(&later_result, nur_thread_run_back(t_return, T_CODE(6)));
	return 0;
}

static int
cancel_host_and_sleep(void *unused)
{
	(void)cancel_host(NULL);
	return nur_sleep_forever();
}

static int
sleep_in_a_cancelled_host(void *unused)
{
	int r = nur_thread_run_back(cancel_host_and_sleep, NULL);

	atomic_store(&later_result, r);
	return r;
}

static bool
is_host_cancelled_by(nur_thread_fn fn, const struct nur_thread_options *options)
{
	nur_cancel_scope_init(&host_scope);
	ck_assert_int_eq(NUR_WITHIN(&host_scope, nur_thread_run(fn, NULL, options)), 0);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	return nur_cancel_scope_cancelled_caught(&host_scope);
}

IN_RUN_TEST(r187_cancelling_the_host_reaches_blocking_calls_only)
{
	ck_assert(!is_host_cancelled_by(cancel_host_and_call_plain, NULL));
	ck_assert_int_eq(atomic_load(&later_result), 5);
	ck_assert(is_host_cancelled_by(cancel_host_and_call_plain, &abandonable));
	ck_assert_int_eq(atomic_load(&later_result), 5);

	ck_assert(!is_host_cancelled_by(cancel_host_and_run_without_checkpoint, NULL));
	ck_assert_int_eq(atomic_load(&later_result), 6);
	ck_assert(is_host_cancelled_by(cancel_host_and_run_without_checkpoint, &abandonable));
	ck_assert_int_eq(atomic_load(&later_result), 6);

	ck_assert(is_host_cancelled_by(sleep_in_a_cancelled_host, NULL));
	ck_assert_int_eq(atomic_load(&later_result), NUR_ECANCELED);
}
END_TEST

/* Asks when it begins, and again when it is told to. */
static int
hold_and_ask(void *arg)
{
	atomic_store(&later_result, 1);
	ck_assert_int_eq(nur_thread_check_cancelled(), 0);
	(void)hold(arg);
	atomic_store(&later_result, nur_thread_check_cancelled());
	return atomic_load(&later_result);
}

static int
ask_whether_cancelled(void *held)
{
	return NUR_WITHIN(&host_scope, nur_thread_run(hold_and_ask, held, NULL));
}

static int
ask_whether_abandoned(void *held)
{
	return NUR_WITHIN(&host_scope, nur_thread_run(hold_and_ask, held, &abandonable));
}

IN_RUN_TEST(r188_a_thread_can_poll_for_cancellation)
{
	for (int cancels = 0; cancels < 2; cancels++) {
		struct nur_nursery nursery;
		struct held held;

		init_held(&held, 0);
		nur_cancel_scope_init(&host_scope);
		t_open(&nursery);
		start_held(&nursery, ask_whether_cancelled, &held);
		if (cancels) {
			nur_cancel_scope_cancel(&host_scope, NULL);
		}
		release(&held);
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
		ck_assert_int_eq(atomic_load(&later_result), cancels ? NUR_ECANCELED : 0);
		ck_assert(nur_cancel_scope_cancelled_caught(&host_scope) == (bool)cancels);
	}
}
END_TEST

/* What was said to the thread counts, also when a shield hides it before the task is asked. */
static int
ask_and_be_shielded(void *held)
{
	struct nur_cancel_scope shield;
	int r;

	nur_cancel_scope_init(&shield);
	t_enter(&shield);
	r = nur_thread_run(hold_and_ask, held, NULL);
	ck_assert_int_eq(nur_cancel_scope_leave(&shield, 0), 0);
	return r;
}

IN_RUN_TEST(r188_what_the_thread_was_told_its_task_may_return)
{
	struct nur_nursery nursery;
	struct held held;

	init_held(&held, 0);
	t_open(&nursery);
	start_held(&nursery, ask_and_be_shielded, &held);
	nur_nursery_cancel(&nursery, NULL);
	release(&held);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

IN_RUN_TEST(r189_so_can_an_abandoned_one)
{
	struct nur_nursery nursery;
	struct held held;

	init_held(&held, 0);
	nur_cancel_scope_init(&host_scope);
	t_open(&nursery);
	start_held(&nursery, ask_whether_abandoned, &held);
	nur_cancel_scope_cancel(&host_scope, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&host_scope));

	release(&held);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&later_result), NUR_ECANCELED);
}
END_TEST

static void *
check_cancelled(void *unused)
{
	return T_CODE(nur_thread_check_cancelled());
}

START_TEST(r190_a_foreign_thread_cannot)
{
	pthread_t thread;
	void *r;

	ck_assert_int_eq(nur_thread_check_cancelled(), NUR_ENOTINTASK);
	ck_assert_int_eq(pthread_create(&thread, NULL, check_cancelled, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &r), 0);
	ck_assert_ptr_eq(r, T_CODE(NUR_ENOTINTASK));
}
END_TEST

static int
offload_again(void *ret_thread)
{
	return nur_thread_run(store_thread, ret_thread, NULL);
}

static int
store_threads(void *ret_threads)
{
	pthread_t *threads = ret_threads;

	(void)store_thread(&threads[0]);
	return nur_thread_run_back(offload_again, &threads[1]);
}

IN_RUN_TEST(r191_a_thread_may_offload_again_from_its_call_back)
{
	pthread_t threads[2] = { pthread_self(), pthread_self() };

	ck_assert_int_eq(nur_thread_run(store_threads, threads, NULL), 7);
	ck_assert(!pthread_equal(threads[0], threads[1]));
	ck_assert(!pthread_equal(threads[1], pthread_self()));
}
END_TEST

static int
run_checkpoint_back(void *unused)
{
	return nur_thread_run_back(t_checkpoint, NULL);
}

static int n_rounds;

static int
go_back_and_forth(void *nursery)
{
	int r = 0;

	while (r == 0) {
		r = nur_thread_run(run_checkpoint_back, NULL, NULL);
		n_rounds++;
		if (n_rounds == (t_is_watched() ? 200 : 2000)) {
			nur_nursery_cancel(nursery, NULL);
		}
	}
	return r;
}

IN_RUN_TEST(r192_many_going_back_and_forth_under_cancellation_do_not_deadlock)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	for (int i = 0; i < 4; i++) {
		t_start(&nursery, go_back_and_forth, &nursery);
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
wait_event(void *event)
{
	return nur_event_wait(event);
}

static int
wait_event_on_thread(void *event)
{
	return nur_thread_run_back(wait_event, event);
}

struct waiter {
	struct nur_event may_end;
	struct nur_event has_ended;
};

static int
wait_by_thread(void *arg)
{
	struct waiter *waiter = arg;
	int r = nur_thread_run(wait_event_on_thread, &waiter->may_end, NULL);

	nur_event_set(&waiter->has_ended);
	return r;
}

static int
note_no_threads_left(void *ret_answer)
{
	int r = nur_wait_all_threads_completed();

	*(bool *)ret_answer = true;
	return r;
}

IN_RUN_TEST(r193_one_can_wait_until_all_threads_have_ended)
{
	struct waiter waiters[2];
	struct nur_nursery nursery;
	bool are_none_left = false;

	ck_assert_uint_eq(nur_active_thread_count(), 0);
	t_assert_checkpoint(nur_wait_all_threads_completed());
	t_open(&nursery);
	for (int i = 0; i < 2; i++) {
		nur_event_init(&waiters[i].may_end);
		nur_event_init(&waiters[i].has_ended);
		t_start(&nursery, wait_by_thread, &waiters[i]);
	}
	t_settle();
	t_start(&nursery, note_no_threads_left, &are_none_left);
	for (unsigned i = 0; i < 2; i++) {
		t_settle();
		ck_assert(!are_none_left);
		ck_assert_uint_eq(nur_active_thread_count(), 2 - i);
		ck_assert_uint_eq(t_statistics().n_wakers, 2 - i);
		nur_event_set(&waiters[i].may_end);
		ck_assert_int_eq(nur_event_wait(&waiters[i].has_ended), 0);
	}
	t_settle();
	ck_assert(are_none_left);
	ck_assert_uint_eq(nur_active_thread_count(), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

struct named {
	pthread_t thread;
	char name[16];
};

static int
note_thread_name(void *arg)
{
	struct named *named = arg;

	named->thread = pthread_self();
	return -pthread_getname_np(named->thread, named->name, sizeof(named->name));
}

static void
expect_thread_name(const char *given, const char *expected)
{
	struct nur_thread_options options = { .name = given };
	struct named named;
	unsigned number;
	char name[16];

	ck_assert_int_eq(nur_thread_run(note_thread_name, &named, &options), 0);
	ck_assert_str_eq(named.name, expected);
	ck_assert_int_eq(pthread_getname_np(named.thread, name, sizeof(name)), 0);
	ck_assert_int_eq(sscanf(name, "nursery %u", &number), 1);
}

IN_RUN_TEST(r194_threads_have_names_while_they_work)
{
	expect_thread_name(NULL, "main"); /* the task's */
	expect_thread_name("", "");
	expect_thread_name("fobiedoo", "fobiedoo");
	expect_thread_name("name_longer_than_15_characters", "name_longer_tha");
}
END_TEST

IN_RUN_TEST(r195_idle_threads_end_after_a_while)
{
	prepare_word();
	nur_thread_set_idle_time(NUR_MSEC(1));
	ck_assert_int_eq(nur_thread_run(leave_word_at_the_end, NULL, NULL), 0);
	wait_for(&has_gone);
}
END_TEST

IN_RUN_TEST(r195_those_that_wait_learn_of_a_shorter_while)
{
	prepare_word();
	nur_thread_set_idle_time(NUR_FOREVER);
	ck_assert_int_eq(nur_thread_run(leave_word_at_the_end, NULL, NULL), 0);
	ck_assert_int_ne(sem_trywait(&has_gone), 0);
	nur_thread_set_idle_time(0);
	wait_for(&has_gone);
}
END_TEST

IN_RUN_TEST(r196_the_last_idle_thread_is_used_first)
{
	struct nur_nursery nurseries[3];
	struct held held[3];
	pthread_t used;

	for (int i = 0; i < 3; i++) {
		init_held(&held[i], 0);
		t_open(&nurseries[i]);
		start_held(&nurseries[i], run_held, &held[i]);
	}
	for (int i = 2; i >= 0; i--) {
		release(&held[i]);
		ck_assert_int_eq(nur_nursery_close(&nurseries[i], 0, NULL), 0);
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(nur_thread_run(store_thread, &used, NULL), 7);
		ck_assert(pthread_equal(used, held[0].thread));
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("threads");
	TCase *tc = tcase_create("threads");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, r173_a_function_runs_on_a_thread_and_its_result_comes_back);
	tcase_add_test(tc, r173_so_does_the_text_of_its_error);
	tcase_add_test(tc, r174_a_call_that_cannot_be_abandoned_waits_for_the_thread);
	tcase_add_test(tc, r175_one_that_can_returns_at_once_and_leaves_the_thread);
	tcase_add_test(tc, r176_a_cancelled_caller_starts_no_thread);
	tcase_add_test(tc, r177_a_thread_that_ends_after_the_run_disturbs_nothing);
	tcase_add_test(tc, r179_the_limiters_token_is_the_calls_and_not_the_tasks);
	tcase_add_test(tc, r179_no_more_threads_work_than_the_limiter_allows);
	tcase_add_test(tc, r179_by_default_that_is_the_runs_own);
	tcase_add_test(tc, r180_when_no_thread_can_be_started_the_token_is_back);
	tcase_add_test(tc, r181_a_thread_can_call_functions_in_the_run);
	tcase_add_test(tc, r181_so_can_a_foreign_thread_with_a_token);
	tcase_add_test(tc, r182_the_runs_own_thread_cannot);
	tcase_add_test(tc, r183_such_a_call_runs_as_the_task_that_started_the_thread);
	tcase_add_test(tc, r184_a_foreign_thread_needs_a_token);
	tcase_add_test(tc, r185_a_call_blocked_when_the_run_ends_is_cancelled);
	tcase_add_test(tc, r186_at_the_end_a_bare_token_is_refused);
	tcase_add_test(tc, r186_a_host_task_serves_to_the_end);
	tcase_add_test(tc, r187_cancelling_the_host_reaches_blocking_calls_only);
	tcase_add_test(tc, r188_a_thread_can_poll_for_cancellation);
	tcase_add_test(tc, r188_what_the_thread_was_told_its_task_may_return);
	tcase_add_test(tc, r189_so_can_an_abandoned_one);
	tcase_add_test(tc, r190_a_foreign_thread_cannot);
	tcase_add_test(tc, r191_a_thread_may_offload_again_from_its_call_back);
	tcase_add_test(tc, r192_many_going_back_and_forth_under_cancellation_do_not_deadlock);
	tcase_add_test(tc, r193_one_can_wait_until_all_threads_have_ended);
	tcase_add_test(tc, r194_threads_have_names_while_they_work);
	tcase_add_test(tc, r195_idle_threads_end_after_a_while);
	tcase_add_test(tc, r195_those_that_wait_learn_of_a_shorter_while);
	tcase_add_test(tc, r196_the_last_idle_thread_is_used_first);
	suite_add_tcase(suite, tc);
	return suite;
}
