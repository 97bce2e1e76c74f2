/* SPDX-License-Identifier: MIT */
/* What becomes of the argument of a call on a thread that was cancelled. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "tests/support/in_run.h"

/* An argument: a thread that is held, and who released it. */
struct held {
	sem_t has_begun, may_end, is_released;
	atomic_int n_releases;
	bool was_in_run;
};

static struct held held;

static void
wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0) {
		ck_assert_int_eq(errno, EINTR);
	}
}

static void
init_held(void)
{
	(void)sem_init(&held.has_begun, 0, 0);
	(void)sem_init(&held.may_end, 0, 0);
	(void)sem_init(&held.is_released, 0, 0);
	atomic_store(&held.n_releases, 0);
}

static int
hold(void *arg)
{
	(void)sem_post(&held.has_begun);
	wait_for(&held.may_end);
	return 0;
}

static void
release(void *arg)
{
	ck_assert_ptr_eq(arg, &held);
	atomic_fetch_add(&held.n_releases, 1);
	held.was_in_run = nur_in_run();
	(void)sem_post(&held.is_released);
}

static const struct nur_thread_options released = { .is_abandonable = true, .release = release };

static int
return_code(void *arg)
{
	return atomic_load(&held.n_releases) == 0 ? -EIO : 0;
}

IN_RUN_TEST(an_end_that_is_no_cancellation_releases_nothing)
{
	init_held();
	ck_assert_int_eq(nur_thread_run(return_code, &held, &released), -EIO);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&held.n_releases), 0);
}

IN_RUN_TEST(without_a_thread_it_is_released_at_once)
{
	init_held();
	ck_assert(T_REPORTS_CANCEL(nur_thread_run(hold, &held, &released)));
	ck_assert_int_eq(atomic_load(&held.n_releases), 1);
}

static int
run_held(void *arg)
{
	return nur_thread_run(hold, &held, &released);
}

IN_RUN_TEST(an_abandoned_one_is_released_when_the_thread_is_done)
{
	bool is_late;

	init_held();
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, run_held, NULL, &is_late), 0);
	ck_assert(is_late);
	wait_for(&held.has_begun);
	ck_assert_int_eq(atomic_load(&held.n_releases), 0);

	(void)sem_post(&held.may_end);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&held.n_releases), 1);
	ck_assert(held.was_in_run);
}

static int
abandon(void *arg)
{
	return nur_move_on_after(NUR_SEC(1), 0, run_held, NULL, NULL);
}

START_TEST(it_is_released_when_the_run_is_over_too)
{
	init_held();
	ck_assert_int_eq(t_run(abandon, NULL, NULL), 0);
	wait_for(&held.has_begun);
	(void)sem_post(&held.may_end);
	wait_for(&held.is_released);
	ck_assert(!held.was_in_run);
}
END_TEST

static int
heed(void *arg)
{
	int r;

	(void)sem_post(&held.has_begun);
	wait_for(&held.may_end);
	r = nur_thread_check_cancelled();
	return r;
}

static int
run_heeding(void *arg)
{
	static const struct nur_thread_options options = { .release = release };

	return nur_thread_run(heed, &held, &options);
}

IN_RUN_TEST(one_that_heeds_is_released)
{
	struct nur_nursery nursery;

	init_held();
	t_open(&nursery);
	t_start(&nursery, run_heeding, NULL);
	t_settle();
	wait_for(&held.has_begun);
	nur_nursery_cancel(&nursery, "enough");
	ck_assert_int_eq(atomic_load(&held.n_releases), 0);
	(void)sem_post(&held.may_end);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(atomic_load(&held.n_releases), 1);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("thread_release");
	TCase *tcase = tcase_create("release");

	tcase_add_test(tcase, an_end_that_is_no_cancellation_releases_nothing);
	tcase_add_test(tcase, without_a_thread_it_is_released_at_once);
	tcase_add_test(tcase, an_abandoned_one_is_released_when_the_thread_is_done);
	tcase_add_test(tcase, it_is_released_when_the_run_is_over_too);
	tcase_add_test(tcase, one_that_heeds_is_released);
	suite_add_tcase(suite, tcase);
	return suite;
}
