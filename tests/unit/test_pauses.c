/* SPDX-License-Identifier: MIT */
/* Which jobs are paused, and when that is on disk. Behind it stand fakes of the jobs and of the store's queue. */
#include "tests/support/in_run.h"

#include <string.h>

#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/pauses.h"
#include "daemon/store/queue.h"

/* ---- one job ---- */

struct job {
	bool is_paused;
};

struct jobs {
	struct job job;
};

static const struct config_job config = { .name = "a" };

struct job *
jobs_next(struct jobs *jobs, struct job *job)
{
	return job ? NULL : &jobs->job;
}

struct job *
jobs_find(struct jobs *jobs, const char *name)
{
	return strcmp(name, config.name) == 0 ? &jobs->job : NULL;
}

void
job_pause(struct job *job)
{
	job->is_paused = true;
}

void
job_describe(const struct job *job, struct job_view *ret_view)
{
	*ret_view = (struct job_view){ .config = &config, .is_paused = job->is_paused };
}

/* ---- a disk that is as slow as the test says ---- */

struct store_queue {
	struct nur_parking_lot disk;
	int error;
};

int
store_queue_call(struct store_queue *queue, store_work_fn run, void *arg)
{
	t_note("write");
	ck_assert_int_eq(run(NULL, arg), 0);
	ck_assert_int_eq(nur_parking_lot_park(&queue->disk, "disk"), 0);
	return queue->error;
}

int
store_queue_read(struct store_queue *queue, store_work_fn run, void *arg)
{
	return run(NULL, arg);
}

int
store_clear_paused(struct store *store)
{
	return 0;
}

int
store_add_paused(struct store *store, const char *job)
{
	t_note("%s", job);
	return 0;
}

int
store_each_paused(struct store *store, store_job_fn fn, void *user)
{
	return fn(user, "a");
}

/* ---- tests ---- */

static struct store_queue queue;
static struct jobs jobs;
static struct pauses pauses;

static void
setup(void)
{
	queue = (struct store_queue){ .error = 0 };
	nur_parking_lot_init(&queue.disk);
	jobs = (struct jobs){ .job = { .is_paused = true } };
	pauses = (struct pauses){ .store = &queue, .jobs = &jobs };
	t_forget_notes();
}

static void
teardown(void)
{
	pauses_fini(&pauses);
}

static int
keep(void *unused)
{
	pauses_keep(&pauses);
	t_note("kept");
	return 0;
}

static void
let_disk_go_on(void)
{
	(void)nur_parking_lot_unpark(&queue.disk, SIZE_MAX, 0);
}

IN_RUN_TEST(two_equal_pauses_wait_for_the_disk)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, keep, NULL);
		t_start(nursery, keep, NULL);
		t_settle();
		ck_assert_str_eq(t_notes(), "write a write a");
		let_disk_go_on();
	}
	ck_assert_int_eq(rc, 0);

	ck_assert_str_eq(t_notes(), "write a write a kept kept");
}
END_TEST

IN_RUN_TEST(what_is_on_disk_is_not_written_again)
{
	int rc = 0;

	ck_assert_int_eq(pauses_restore(&pauses), 0);
	ck_assert_int_eq(keep(NULL), 0);
	ck_assert_str_eq(t_notes(), "kept");

	jobs.job.is_paused = false;
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, keep, NULL);
		t_settle();
		let_disk_go_on();
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(keep(NULL), 0);
	ck_assert_str_eq(t_notes(), "kept write kept kept");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("pauses");
	TCase *tc = tcase_create("pauses");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, two_equal_pauses_wait_for_the_disk);
	tcase_add_test(tc, what_is_on_disk_is_not_written_again);
	suite_add_tcase(suite, tc);
	return suite;
}
