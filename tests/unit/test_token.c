/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "lib/nursery/scheduler.h"

static int n_called;

static int
count(void *arg)
{
	n_called++;
	return 0;
}

static void
set_up(void)
{
	n_called = 0;
}

T_TASK_TEST(a_call_without_a_function_is_refused)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_token_call_soon(token, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nur_token_call_soon_once(token, NULL, NULL), -EINVAL);
	nur_token_close(token);
	return 0;
}

START_TEST(outside_a_run_there_is_no_token)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), NUR_ENOTINTASK);
	nur_token_close(NULL);
}
END_TEST

T_TASK_TEST(a_wakeup_is_queued_once_and_can_be_sent_again)
{
	struct nur_wakeup wakeup;
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), 0);
	nur_wakeup_init(&wakeup, token, count, NULL);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(nur_wakeup_send(&wakeup), 0);
		ck_assert_int_eq(nur_wakeup_send(&wakeup), 0);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(n_called, i);
	}
	nur_token_close(token);
	return 0;
}

static struct nur_wakeup sent_by_signal;
static volatile sig_atomic_t kept_errno;

static void
send_wakeup(int signo)
{
	int before = errno;

	(void)nur_wakeup_send(&sent_by_signal); /* the run is not over */
	kept_errno = errno == before;
}

static int
set_event(void *event)
{
	nur_event_set(event);
	return 0;
}

static void *
raise_elsewhere(void *arg)
{
	(void)pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

T_TASK_TEST(a_signal_handler_can_send_one)
{
	struct sigaction action = { .sa_handler = send_wakeup, .sa_flags = SA_ONSTACK };
	pthread_t self = pthread_self(), thread;
	struct nur_token *token;
	struct nur_event event;

	nur_event_init(&event);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert_int_eq(nur_token_open(&token), 0);
	nur_wakeup_init(&sent_by_signal, token, set_event, &event);
	ck_assert_int_eq(pthread_create(&thread, NULL, raise_elsewhere, &self), 0);
	ck_assert_int_eq(nur_event_wait(&event), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(kept_errno);
	nur_token_close(token);
	return 0;
}

struct kept {
	struct nur_token *token;
	struct nur_wakeup wakeup;
};

static int
keep(void *arg)
{
	struct kept *kept = arg;
	int r = nur_token_open(&kept->token);

	nur_wakeup_init(&kept->wakeup, kept->token, count, NULL);
	return r;
}

START_TEST(a_wakeup_is_refused_each_time_when_the_run_is_over)
{
	struct kept kept;

	ck_assert_int_eq(t_run(keep, &kept), 0);

	ck_assert_int_eq(nur_wakeup_send(&kept.wakeup), NUR_ERUNFINISHED);
	ck_assert_int_eq(nur_wakeup_send(&kept.wakeup), NUR_ERUNFINISHED);
	ck_assert_int_eq(n_called, 0);
	nur_token_close(kept.token);
}
END_TEST

static int
never_run(void *unused)
{
	ck_abort_msg("a task of a run that could not begin has run");
	return 0;
}

static int
begin_before_the_main_task(void *arg)
{
	ck_assert_int_eq(nur_spawn_system_task(NULL, never_run, NULL), 0);
	return keep(arg);
}

/* The one task that may be alive is a hook's. */
START_TEST(so_it_is_when_the_run_could_not_begin)
{
	struct kept kept;
	struct nur_instrument instrument = { .before_run = begin_before_the_main_task,
		.arg = &kept };
	struct nur_instrument *const instruments[] = { &instrument };
	const struct nur_run_options options = {
		.max_tasks = 1, .instruments = instruments, .n_instruments = 1
	};

	ck_assert_int_eq(nur_run(keep, &kept, &options, NULL), -EAGAIN);

	ck_assert_int_eq(nur_wakeup_send(&kept.wakeup), NUR_ERUNFINISHED);
	nur_token_close(kept.token);
}
END_TEST

static size_t
n_wakers(void)
{
	struct nur_statistics statistics;

	ck_assert_int_eq(nur_current_statistics(&statistics), 0);
	return statistics.n_wakers;
}

T_TASK_TEST(open_tokens_are_counted)
{
	struct nur_token *token, *again;

	ck_assert_uint_eq(n_wakers(), 0);
	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_token_open(&again), 0);
	ck_assert_ptr_eq(nur_token_share(token), token);
	ck_assert_uint_eq(n_wakers(), 3);
	for (size_t i = 3; i > 0; i--) {
		nur_token_close(token);
		ck_assert_uint_eq(n_wakers(), i - 1);
	}
	return 0;
}

static void *
close_token(void *token)
{
	nur_token_close(token);
	return NULL;
}

static int
wait_for_the_close(void *arg)
{
	struct nur_token *token;
	pthread_t thread;
	uint64_t n_polls;

	ck_assert_int_eq(nur_token_open(&token), 0);
	n_polls = nuri_current_run()->loop.n_polls;
	ck_assert_int_eq(pthread_create(&thread, NULL, close_token, token), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	/* with the eventfd written a poll that may wait for long comes back at once */
	ck_assert(nuri_loop_poll(&nuri_current_run()->loop, NUR_SEC(60)));
	ck_assert_uint_eq(nuri_current_run()->loop.n_polls, n_polls + 1);
	return 0;
}

START_TEST(the_last_close_elsewhere_wakes_the_run)
{
	ck_assert_int_eq(nur_run(wait_for_the_close, NULL, NULL, NULL), 0);
}
END_TEST

/* A busy run: it has always something to do, and is given no reason to ask the kernel. */
static uint64_t
polls_of_a_thousand_passes(void)
{
	uint64_t n_polls = nuri_current_run()->loop.n_polls;

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	return nuri_current_run()->loop.n_polls - n_polls;
}

T_TASK_TEST(a_token_makes_a_busy_run_ask_the_kernel_no_more_often)
{
	struct nur_token *token;

	ck_assert_uint_eq(polls_of_a_thousand_passes(), 0);
	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_int_eq(nur_token_call_soon(token, count, NULL), 0);
	ck_assert_uint_eq(polls_of_a_thousand_passes(), 0);
	ck_assert_int_eq(n_called, 1);
	nur_token_close(token);
	return 0;
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("token");
	TCase *tcase = tcase_create("token");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_call_without_a_function_is_refused);
	tcase_add_test(tcase, outside_a_run_there_is_no_token);
	tcase_add_test(tcase, a_wakeup_is_queued_once_and_can_be_sent_again);
	tcase_add_test(tcase, a_signal_handler_can_send_one);
	tcase_add_test(tcase, a_wakeup_is_refused_each_time_when_the_run_is_over);
	tcase_add_test(tcase, so_it_is_when_the_run_could_not_begin);
	tcase_add_test(tcase, open_tokens_are_counted);
	tcase_add_test(tcase, the_last_close_elsewhere_wakes_the_run);
	tcase_add_test(tcase, a_token_makes_a_busy_run_ask_the_kernel_no_more_often);
	suite_add_tcase(suite, tcase);
	return suite;
}
