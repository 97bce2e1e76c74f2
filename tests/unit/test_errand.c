/* SPDX-License-Identifier: MIT */
#include "lib/fetch/errand.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "tests/support/test.h"

/* Another run, on a thread of its own, for the length of a test. */
static struct {
	struct fetch_site site;
	pthread_t thread;
	sem_t begun;
	struct nur_wakeup stop;
	struct nur_event stopping;
	struct nur_run_options options;
} other;

static int
stop(void *arg)
{
	nur_event_set(&other.stopping);
	return 0;
}

static int
serve(struct nur_nursery *nursery, void *arg)
{
	other.site.nursery = nursery;
	(void)sem_post(&other.begun);
	return nur_event_wait(&other.stopping);
}

static int
other_main(void *arg)
{
	nur_event_init(&other.stopping);
	ck_assert_int_eq(nur_token_open(&other.site.token), 0);
	nur_wakeup_init(&other.stop, other.site.token, stop, NULL);
	return nur_nursery_run(serve, NULL, NULL);
}

static void *
other_run(void *arg)
{
	ck_assert_int_eq(nur_run(other_main, NULL, &other.options, NULL), 0);
	return NULL;
}

struct scenario {
	nur_task_fn fn;
	struct nur_token *token;
};

static int
with_token(void *arg)
{
	struct scenario *scenario = arg;
	int r;

	ck_assert_int_eq(nur_token_open(&scenario->token), 0);
	r = scenario->fn(NULL);
	nur_token_close(scenario->token);
	return r;
}

static void
run_with(nur_task_fn fn, size_t max_tasks)
{
	struct scenario scenario = { fn, NULL };

	memset(&other, 0, sizeof(other));
	other.options.max_tasks = max_tasks;
	ck_assert_int_eq(sem_init(&other.begun, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&other.thread, NULL, other_run, NULL), 0);
	ck_assert_int_eq(sem_wait(&other.begun), 0);
	ck_assert_int_eq(nur_run(with_token, &scenario, NULL, NULL), 0);
	ck_assert_int_eq(nur_wakeup_send(&other.stop), 0);
	ck_assert_int_eq(pthread_join(other.thread, NULL), 0);
	nur_token_close(other.site.token);
	ck_assert_int_eq(sem_destroy(&other.begun), 0);
}

static void
run(nur_task_fn fn)
{
	run_with(fn, 0);
}

/* ---- calls ---- */

static void
note_thread(void *arg)
{
	ck_assert(!nur_in_task());
	*(pthread_t *)arg = pthread_self();
}

static int
call_in_a_cancelled_scope(void *arg)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	fetch_errand_call(&other.site, note_thread, arg);
	return nur_cancel_scope_leave(&scope, nur_checkpoint());
}

static int
call_it(void *arg)
{
	pthread_t thread = pthread_self();

	fetch_errand_call(&other.site, note_thread, &thread);
	ck_assert(pthread_equal(thread, other.thread));

	thread = pthread_self();
	ck_assert_int_eq(call_in_a_cancelled_scope(&thread), 0);
	ck_assert(pthread_equal(thread, other.thread));
	return 0;
}

START_TEST(a_call_is_made_over_there_also_for_the_cancelled)
{
	run(call_it);
}
END_TEST

/* ---- tasks ---- */

static int
answer(void *arg)
{
	ck_assert(pthread_equal(pthread_self(), other.thread));
	ck_assert_str_eq(nur_task_name(nur_current_task()), "errand");
	ck_assert_int_eq(nur_checkpoint(), 0);
	return *(int *)arg;
}

static int
run_it(void *arg)
{
	int code = 42;

	ck_assert_int_eq(fetch_errand_run(&other.site, "errand", answer, &code), 42);
	code = -ENOSPC;
	ck_assert_int_eq(fetch_errand_run(&other.site, "errand", answer, &code), -ENOSPC);
	return 0;
}

START_TEST(a_task_runs_over_there_and_its_result_comes_back)
{
	run(run_it);
}
END_TEST

struct waiting {
	struct nur_cancel_scope scope;
	int result;
};

static int
wait_there(void *arg)
{
	struct waiting *waiting = arg;

	waiting->result = nur_sleep_forever();
	return waiting->result;
}

static int
wait_here(void *arg)
{
	struct waiting *waiting = arg;

	return NUR_WITHIN(
		&waiting->scope, fetch_errand_run(&other.site, "errand", wait_there, waiting));
}

static int
cancel_it(void *arg)
{
	struct waiting waiting[3];
	int r = 0;

	for (int i = 0; i < 3; i++) {
		nur_cancel_scope_init(&waiting[i].scope);
	}
	nur_cancel_scope_cancel(&waiting[0].scope, NULL); /* already */
	nur_cancel_scope_init_at(&waiting[1].scope, nur_now() + NUR_MSEC(10));
	{
		NUR_NURSERY(nursery, &r, NULL);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(nur_start_soon(nursery, NULL, wait_here, &waiting[i]), 0);
		}
		ck_assert_int_eq(nur_sleep(NUR_MSEC(5)), 0);
		nur_cancel_scope_cancel(&waiting[2].scope, NULL);
	}
	ck_assert_int_eq(r, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(waiting[i].result, NUR_ECANCELED);
		ck_assert(nur_cancel_scope_cancelled_caught(&waiting[i].scope));
	}
	return 0;
}

START_TEST(the_cancelled_and_the_late_are_cancelled_over_there)
{
	run(cancel_it);
}
END_TEST

static int
end_soon(void *arg)
{
	return nur_checkpoint();
}

static int
end_here(void *arg)
{
	struct nur_cancel_scope *scope = arg;

	return NUR_WITHIN(scope, fetch_errand_run(&other.site, "errand", end_soon, NULL));
}

/* Some are cancelled before they have begun, some when they are over. */
static int
race(void *arg)
{
	static struct nur_cancel_scope scopes[100];

	for (int round = 0; round < 20; round++) {
		int r = 0;

		{
			NUR_NURSERY(nursery, &r, NULL);
			for (int i = 0; i < 100; i++) {
				nur_cancel_scope_init(&scopes[i]);
				ck_assert_int_eq(
					nur_start_soon(nursery, NULL, end_here, &scopes[i]), 0);
			}
			for (int i = 0; i < 100; i++) {
				nur_cancel_scope_cancel(&scopes[i], NULL);
				if (i % 10 == 0) {
					ck_assert_int_eq(nur_checkpoint(), 0);
				}
			}
		}
		ck_assert_int_eq(r, 0);
	}
	return 0;
}

START_TEST(a_cancel_may_cross_the_end)
{
	run(race);
}
END_TEST

static int
start_too_many(void *arg)
{
	ck_assert_int_eq(fetch_errand_run(&other.site, "errand", end_soon, NULL), -EAGAIN);
	return 0;
}

START_TEST(a_task_that_cannot_start_is_an_error)
{
	run_with(start_too_many, 1);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("errand");
	TCase *tc = tcase_create("errand");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_call_is_made_over_there_also_for_the_cancelled);
	tcase_add_test(tc, a_task_runs_over_there_and_its_result_comes_back);
	tcase_add_test(tc, the_cancelled_and_the_late_are_cancelled_over_there);
	tcase_add_test(tc, a_cancel_may_cross_the_end);
	tcase_add_test(tc, a_task_that_cannot_start_is_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}
