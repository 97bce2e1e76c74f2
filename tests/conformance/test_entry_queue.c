/* SPDX-License-Identifier: MIT */
/* Rows 125-135: calls that come into a run from outside, through its token. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support/in_run.h"

static struct nur_token *
open_token(void)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), 0);
	return token;
}

static int
note_number(void *number)
{
	t_note("%d", (int)(intptr_t)number);
	return 0;
}

static void
call_soon(struct nur_token *token, nur_token_fn fn, void *arg)
{
	ck_assert_int_eq(nur_token_call_soon(token, fn, arg), 0);
}

static void
call_soon_once(struct nur_token *token, nur_token_fn fn, void *arg)
{
	ck_assert_int_eq(nur_token_call_soon_once(token, fn, arg), 0);
}

IN_RUN_TEST(r125_a_call_is_made_soon_and_not_inline)
{
	struct nur_token *token = open_token();

	call_soon(token, note_number, T_CODE(1));
	ck_assert_str_eq(t_notes(), "");
	t_settle();
	ck_assert_str_eq(t_notes(), "1");
	nur_token_close(token);
}
END_TEST

static int
set_event(void *event)
{
	nur_event_set(event);
	return 0;
}

struct outsider {
	struct nur_token *token;
	struct nur_event *event;
};

static void *
set_the_event(void *arg)
{
	struct outsider *outsider = arg;

	call_soon(outsider->token, set_event, outsider->event); /* or the run would wait for ever */
	return NULL;
}

IN_RUN_TEST(r125_a_thread_can_queue_one_while_the_run_waits)
{
	struct nur_event event;
	struct outsider outsider = { open_token(), &event };
	pthread_t thread;

	nur_event_init(&event);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_the_event, &outsider), 0);
	ck_assert_int_eq(nur_event_wait(&event), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	nur_token_close(outsider.token);
}
END_TEST

static int
keep_token(void *ret_token)
{
	return nur_token_open(ret_token);
}

START_TEST(r126_after_the_run_a_call_is_refused)
{
	struct nur_token *token;

	ck_assert_int_eq(t_run(keep_token, &token, NULL), 0);

	ck_assert_int_eq(nur_token_call_soon(token, note_number, NULL), NUR_ERUNFINISHED);
	ck_assert_int_eq(nur_token_call_soon_once(token, note_number, NULL), NUR_ERUNFINISHED);
	nur_token_close(token);
}
END_TEST

IN_RUN_TEST(r127_equal_idempotent_calls_are_merged)
{
	struct nur_token *token = open_token();

	call_soon(token, note_number, T_CODE(1));
	for (int i = 0; i < 3; i++) {
		call_soon_once(token, note_number, T_CODE(1));
	}
	for (int i = 0; i < 2; i++) {
		call_soon_once(token, note_number, T_CODE(2));
	}
	t_settle();
	ck_assert_str_eq(t_notes(), "1 1 2");
	nur_token_close(token);
}
END_TEST

enum {
	N_CALLS = 100
};

static int n_next;
static int numbers[1000];

/* Calls that come in the order of their numbers. */
static int
expect_number(void *number)
{
	ck_assert_ptr_eq(number, &numbers[n_next]);
	n_next++;
	return 0;
}

IN_RUN_TEST(r127_idempotent_calls_keep_the_order_of_their_first_queueing)
{
	struct nur_token *token = open_token();

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N_CALLS; i++) {
			call_soon_once(token, expect_number, &numbers[i]);
		}
	}
	t_settle();
	ck_assert_int_eq(n_next, N_CALLS);
	nur_token_close(token);
}
END_TEST

static int n_redone;

static int
redo(void *token)
{
	n_redone++;
	(void)nur_token_call_soon_once(token, redo, token); /* refused in the end */
	return 0;
}

static int
redo_for_some_passes(void *unused)
{
	struct nur_token *token = open_token();

	call_soon_once(token, redo, token);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	nur_token_close(token);
	return 0;
}

START_TEST(r127_a_call_that_has_begun_can_be_queued_again)
{
	ck_assert_int_eq(t_run(redo_for_some_passes, NULL, NULL), 0);
	ck_assert_int_ge(n_redone, 2);
}
END_TEST

static int
queue_and_fail(void *unused)
{
	struct nur_token *token = open_token();

	call_soon(token, note_number, T_CODE(1));
	nur_token_close(token);
	return -EIO;
}

START_TEST(r129_calls_queued_by_a_main_that_then_fails_are_made)
{
	ck_assert_int_eq(t_run(queue_and_fail, NULL, NULL), -EIO);
	ck_assert_str_eq(t_notes(), "1");
}
END_TEST

static int
queue_a_failing_call(void *unused)
{
	struct nur_token *token = open_token();
	int r;

	call_soon(token, t_return, T_CODE(-EIO));
	call_soon(token, note_number, T_CODE(2));
	nur_token_close(token);
	r = nur_sleep_forever();
	if (r == NUR_ECANCELED) {
		t_note("cancelled");
	}
	return r;
}

START_TEST(r130_a_failing_call_is_an_internal_error_and_later_ones_are_made)
{
	struct nur_errors errors;

	ck_assert_int_eq(t_run(queue_a_failing_call, NULL, &errors), NUR_EINTERNAL);
	ck_assert(nur_errors_has(&errors, NUR_EINTERNAL));
	nur_errors_fini(&errors);
	ck_assert_str_eq(t_notes(), "2 cancelled");
}
END_TEST

static int
queue_a_failing_call_at_the_end(void *unused)
{
	struct nur_token *token = open_token();

	call_soon(token, t_return, T_CODE(-EIO));
	call_soon(token, note_number, T_CODE(2));
	nur_token_close(token);
	return 0;
}

START_TEST(r130_so_is_one_that_is_made_when_main_has_ended)
{
	ck_assert_int_eq(t_run(queue_a_failing_call_at_the_end, NULL, NULL), NUR_EINTERNAL);
	ck_assert_str_eq(t_notes(), "2");
}
END_TEST

IN_RUN_TEST(r131_a_hundred_calls_are_made_in_order)
{
	struct nur_token *token = open_token();

	for (int i = 0; i < N_CALLS; i++) {
		call_soon(token, expect_number, &numbers[i]);
	}
	t_settle();
	ck_assert_int_eq(n_next, N_CALLS);
	nur_token_close(token);
}
END_TEST

static int
be_naughty(void *token)
{
	n_next++;
	if (nur_token_call_soon(token, be_naughty, token) < 0) {
		t_note("finished");
	}
	return 0;
}

static int
run_beside_the_naughty(void *unused)
{
	struct nur_token *token = open_token();

	call_soon(token, be_naughty, token);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	nur_token_close(token); /* the run keeps its own hold while it makes calls */
	return 0;
}

START_TEST(r131_calls_that_queue_calls_starve_nobody)
{
	ck_assert_int_eq(t_run(run_beside_the_naughty, NULL, NULL), 0);
	ck_assert_str_eq(t_notes(), "finished");
	ck_assert_int_ge(n_next, 19);
}
END_TEST

static atomic_int n_counted;

static int
count(void *unused)
{
	atomic_fetch_add(&n_counted, 1);
	return 0;
}

static void *
queue_without_pause(void *token)
{
	int r;

	do {
		r = nur_token_call_soon(token, count, NULL);
		(void)sched_yield();
	} while (r == 0);
	ck_assert_int_eq(r, NUR_ERUNFINISHED);
	nur_token_close(token);
	return NULL;
}

/* Between two looks the run has nothing to do but to wait, and a lost wake-up would be the end. */
static int
wait_for_ten_counts(void *ret_thread)
{
	ck_assert_int_eq(pthread_create(ret_thread, NULL, queue_without_pause, open_token()), 0);
	for (int i = 0; i < 10; i++) {
		int before = atomic_load(&n_counted);

		while (atomic_load(&n_counted) == before) {
			t_settle();
		}
	}
	return 0;
}

START_TEST(r133_a_thread_that_queues_without_pause_loses_no_wakeup)
{
	pthread_t thread;

	ck_assert_int_eq(nur_run(wait_for_ten_counts, &thread, NULL, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* One call at a time, each queued when the run has seen the one before and goes to wait. */
struct ping {
	struct nur_token *token;
	struct nur_event event;
	atomic_int n_answered;
};

static int
answer(void *arg)
{
	struct ping *ping = arg;

	nur_event_set(&ping->event);
	return 0;
}

static void *
ask_each_time(void *arg)
{
	struct ping *ping = arg;

	for (int i = 0; i < 100; i++) {
		while (atomic_load(&ping->n_answered) < i) {
			(void)sched_yield();
		}
		ck_assert_int_eq(nur_token_call_soon(ping->token, answer, ping), 0);
	}
	return NULL;
}

IN_RUN_TEST(r133_each_of_a_hundred_calls_wakes_a_run_that_waits)
{
	struct ping ping = { .token = open_token() };
	pthread_t thread;

	nur_event_init(&ping.event);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_each_time, &ping), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(nur_event_wait(&ping.event), 0);
		nur_event_init(&ping.event);
		atomic_fetch_add(&ping.n_answered, 1);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	nur_token_close(ping.token);
}
END_TEST

IN_RUN_TEST(r134_a_thousand_calls_keep_their_order)
{
	struct nur_token *token = open_token();

	for (int i = 0; i < 1000; i++) {
		call_soon(token, expect_number, &numbers[i]);
	}
	t_settle();
	ck_assert_int_eq(n_next, 1000);
	nur_token_close(token);
}
END_TEST

static int
expect_one_token(void *ret_token)
{
	struct nur_token *again = open_token();

	ck_assert_int_eq(nur_token_open(ret_token), 0);
	ck_assert_ptr_eq(*(struct nur_token **)ret_token, again);
	nur_token_close(again);
	return 0;
}

START_TEST(r135_a_token_belongs_to_one_run)
{
	struct nur_token *first, *second;

	ck_assert_int_eq(t_run(expect_one_token, &first, NULL), 0);
	ck_assert_int_eq(t_run(expect_one_token, &second, NULL), 0);

	ck_assert_ptr_ne(first, second);
	nur_token_close(first);
	nur_token_close(second);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("entry_queue");
	TCase *tc = tcase_create("entry_queue");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, r125_a_call_is_made_soon_and_not_inline);
	tcase_add_test(tc, r125_a_thread_can_queue_one_while_the_run_waits);
	tcase_add_test(tc, r126_after_the_run_a_call_is_refused);
	tcase_add_test(tc, r127_equal_idempotent_calls_are_merged);
	tcase_add_test(tc, r127_idempotent_calls_keep_the_order_of_their_first_queueing);
	tcase_add_test(tc, r127_a_call_that_has_begun_can_be_queued_again);
	tcase_add_test(tc, r129_calls_queued_by_a_main_that_then_fails_are_made);
	tcase_add_test(tc, r130_a_failing_call_is_an_internal_error_and_later_ones_are_made);
	tcase_add_test(tc, r130_so_is_one_that_is_made_when_main_has_ended);
	tcase_add_test(tc, r131_a_hundred_calls_are_made_in_order);
	tcase_add_test(tc, r131_calls_that_queue_calls_starve_nobody);
	tcase_add_test(tc, r133_a_thread_that_queues_without_pause_loses_no_wakeup);
	tcase_add_test(tc, r133_each_of_a_hundred_calls_wakes_a_run_that_waits);
	tcase_add_test(tc, r134_a_thousand_calls_keep_their_order);
	tcase_add_test(tc, r135_a_token_belongs_to_one_run);
	suite_add_tcase(suite, tc);
	return suite;
}
