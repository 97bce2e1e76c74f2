/* SPDX-License-Identifier: MIT */
/*
 * One task per job keeps its time; each run is a child task of it:
 *
 *	jobs ── api-health ─┬ run      batches_admit(), batch_run()
 *	     │              └ tell     the report of the last run, somebody who is notified
 *	     └─ feeds                  asleep until it is due
 *
 * So a run that takes long delays no start of the next one, and the end of the daemon ends them all. At most
 * one run of a job is going; what happens to a start that comes meanwhile is the job's overlap. A waiting
 * start is a flag and no task: the run's task makes it when it is done, and two waiting starts are one.
 *
 * A job sleeps in its lot until its next start. Whatever changes that (a pause, another configuration, a wall
 * clock that was set) wakes it, and it looks again.
 *
 * When a start is, is job_plan.c's; what becomes of it, job_run.c's.
 */
#include "daemon/jobs/jobs.h"

#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/jobs/job.h"
#include "daemon/ops/log.h"
#include "daemon/ops/wall_now.h"

/* ---- one job ---- */

static void
meet_run(struct job *job)
{
	switch (job->config->overlap) {
	case JOB_OVERLAP_SKIP:
		if (!job->is_skipping) {
			log_at(LOG_NOTICE, LOG_FIELDS({ "FETCHD_JOB", job->config->name }),
				"job \"%s\": still running at its next start, which is skipped",
				job->config->name);
		}
		job->is_skipping = true;
		job->n_missed++;
		break;
	case JOB_OVERLAP_REPLACE:
		if (job->running) {
			batch_cancel(job->running, CANCEL_REPLACED);
		}
		job->is_waiting = true;
		break;
	case JOB_OVERLAP_QUEUE:
		job->is_waiting = true;
		break;
	}
}

static int
sleep_in_lot(void *arg)
{
	struct job *job = arg;

	return nur_parking_lot_park(&job->wake, "next start");
}

/* Until it is time, or something has changed: the job looks itself which of the two. */
static int
sleep_until(struct job *job, nur_time start)
{
	return nur_move_on_at(start, 0, sleep_in_lot, job, NULL);
}

static int
keep_time(struct nur_nursery *nursery, void *arg)
{
	struct job *job = arg;

	job->nursery = nursery;
	while (!job->is_gone) {
		nur_time start = job_start_time(job);

		if (start == NUR_FOREVER || start > nur_now()) {
			int r = sleep_until(job, start);

			if (r < 0) {
				return r;
			}
			continue;
		}
		if (batches_is_draining(job->jobs->options.batches)) {
			return 0;
		}
		if (job_is_too_late(job, start)) {
			job->n_missed++;
			job_plan_next(job);
			continue;
		}
		if (job->is_going) {
			meet_run(job);
		} else {
			(void)job_begin_run(job); /* has noted what was wrong */
		}
		job_plan_next(job);
	}
	return 0;
}

static void
job_destroy(struct job *job)
{
	if (!job) {
		return;
	}
	list_unlink(&job->node);
	batch_unref(job->admitted);
	job_forget_news(job);
	config_unref(job->generation);
	free(job);
}

static int
job_run(void *arg)
{
	struct job *job = arg;
	int r = nur_nursery_run(keep_time, job, NULL);

	job->nursery = NULL;
	job->has_task = false;
	if (job->is_gone) {
		nur_task_set_name(nur_current_task(), "job"); /* it was in the job */
		job_destroy(job);
	}
	return r;
}

static void
wake(struct job *job)
{
	(void)nur_parking_lot_unpark(&job->wake, SIZE_MAX, 0);
}

static void
start_job(struct job *job)
{
	int r = nur_start_soon(job->jobs->nursery, job->name, job_run, job);

	job->has_task = r >= 0;
	if (r < 0) {
		log_at(LOG_ERR, LOG_FIELDS({ "FETCHD_JOB", job->config->name }),
			"job \"%s\" cannot be scheduled: %s", job->config->name, nur_strerror(r));
	}
}

/* ---- all ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
is_same_schedule(const struct config_job *a, const struct config_job *b)
{
	return a->every_ns == b->every_ns && a->jitter_ns == b->jitter_ns &&
	       is_same_text(a->cron, b->cron) && is_same_text(a->calendar, b->calendar) &&
	       is_same_text(a->timezone, b->timezone);
}

static void
set_config(struct job *job, struct config *config, size_t index)
{
	config_unref(job->generation);
	job->generation = config_ref(config);
	job->config = &config->jobs[index];
	job->index = index;
}

static int
job_create(struct jobs *jobs, struct config *config, size_t index, struct job **ret_job)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		return -ENOMEM;
	}
	job->jobs = jobs;
	(void)snprintf(job->name, sizeof(job->name), "%s", config->jobs[index].name);
	job->outcome = BATCH_OK;
	list_init(&job->node);
	nur_parking_lot_init(&job->wake);
	set_config(job, config, index);
	/* Without randomness, the jitter of two daemons is the same; nothing else depends on it. */
	(void)!getrandom(&job->random, sizeof(job->random), GRND_NONBLOCK);
	job->random += job->random == 0;
	*ret_job = job;
	return 0;
}

/* The job of that name that is not gone; one of the same name may still be ending. */
struct job *
jobs_find(struct jobs *jobs, const char *name)
{
	struct job *job = NULL;

	while ((job = jobs_next(jobs, job))) {
		if (strcmp(job->name, name) == 0) {
			return job;
		}
	}
	return NULL;
}

struct job *
jobs_next(struct jobs *jobs, struct job *job)
{
	struct list *node = job ? &job->node : &jobs->all;

	do {
		node = node->next;
	} while (node != &jobs->all && list_entry(node, struct job, node)->is_gone);
	return node == &jobs->all ? NULL : list_entry(node, struct job, node);
}

/* New jobs of @config, in @ret_new; nothing else is touched. */
static int
create_missing(struct jobs *jobs, struct config *config, struct list *ret_new)
{
	for (size_t i = 0; i < config->n_jobs; i++) {
		struct job *job;
		int r;

		if (jobs_find(jobs, config->jobs[i].name)) {
			continue;
		}
		r = job_create(jobs, config, i, &job);
		if (r < 0) {
			return r;
		}
		list_append(ret_new, &job->node);
	}
	return 0;
}

static void
destroy_all(struct list *all)
{
	while (!list_is_empty(all)) {
		job_destroy(list_entry(all->next, struct job, node));
	}
}

static void
let_go(struct job *job)
{
	job->is_gone = true;
	job->is_waiting = false;
	if (job->has_task) {
		wake(job);
	} else {
		job_destroy(job); /* its task has ended before, or never began */
	}
}

/* Jobs that are there: take over what is said of them now, or go. */
static void
update_present(struct jobs *jobs, struct config *config)
{
	struct list *node;
	struct list *after;

	list_for_each_safe(node, after, &jobs->all) {
		struct job *job = list_entry(node, struct job, node);
		size_t i = 0;

		while (i < config->n_jobs && strcmp(config->jobs[i].name, job->name) != 0) {
			i++;
		}
		if (job->is_gone) {
			continue;
		}
		if (i == config->n_jobs) {
			let_go(job);
			continue;
		}
		if (is_same_schedule(job->config, &config->jobs[i])) {
			set_config(job, config, i);
		} else {
			set_config(job, config, i);
			job_plan_anew(job);
			wake(job);
		}
	}
}

int
jobs_reload(struct jobs *jobs, struct config *config)
{
	struct list created;
	struct list *node;
	int r;

	list_init(&created);
	r = create_missing(jobs, config, &created);
	if (r < 0) {
		destroy_all(&created);
		return r;
	}
	update_present(jobs, config);
	while ((node = list_take_first(&created))) {
		struct job *job = list_entry(node, struct job, node);

		list_append(&jobs->all, &job->node);
		if (jobs->nursery) {
			job_plan_anew(job);
			start_job(job);
		}
	}
	config_unref(jobs->config);
	jobs->config = config_ref(config);
	return 0;
}

int
jobs_create(const struct jobs_options *options, struct config *config, struct jobs **ret_jobs)
{
	_cleanup_(jobs_destroyp) struct jobs *jobs = calloc(1, sizeof(*jobs));
	int r;

	if (!jobs) {
		return -ENOMEM;
	}
	jobs->options = *options;
	if (!jobs->options.wall_now) {
		jobs->options.wall_now = wall_now;
	}
	list_init(&jobs->all);
	r = jobs_reload(jobs, config);
	if (r < 0) {
		return r;
	}
	*ret_jobs = steal(&jobs);
	return 0;
}

void
jobs_destroy(struct jobs *jobs)
{
	if (!jobs) {
		return;
	}
	destroy_all(&jobs->all);
	config_unref(jobs->config);
	free(jobs);
}

/* Jobs come and go with the configuration: the nursery stays open for them. */
static int
start_all(struct nur_nursery *nursery, void *arg)
{
	struct jobs *jobs = arg;

	jobs->nursery = nursery;
	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		job_plan_anew(job);
		start_job(job);
	}
	return nur_sleep_forever();
}

int
jobs_run(struct jobs *jobs)
{
	int r = nur_nursery_run(start_all, jobs, NULL);

	jobs->nursery = NULL;
	return r;
}

void
jobs_clock_was_set(struct jobs *jobs)
{
	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		if (job->config->timetable) {
			job_plan_again(job);
			wake(job);
		}
	}
}

/* ---- by hand ---- */

int
job_start_run(struct job *job, struct batch **ret_batch)
{
	int r;

	*ret_batch = NULL;
	if (!job->nursery) {
		return -ESHUTDOWN;
	}
	if (job->is_going) {
		if (job->config->overlap == JOB_OVERLAP_SKIP) {
			return -EBUSY;
		}
		meet_run(job);
		job->is_asked_for = true;
		return 0;
	}
	r = job_admit(job, &job->admitted);
	if (r < 0) {
		return r;
	}
	r = job_begin_run(job);
	if (r < 0) {
		batch_unref(steal(&job->admitted));
		return r;
	}
	*ret_batch = batch_ref(job->admitted);
	return 0;
}

void
job_pause(struct job *job)
{
	job->is_paused = true;
	job->is_waiting = job->is_asked_for; /* a start of the schedule is made no more */
	wake(job);
}

void
job_resume(struct job *job)
{
	if (job->is_paused) {
		job->is_paused = false;
		job_plan_anew(job);
		wake(job);
	}
}

void
job_describe(const struct job *job, struct job_view *ret_view)
{
	/* one that was asked for is there before its task is */
	struct batch *running = job->is_going && job->admitted ? job->admitted : job->running;

	*ret_view = (struct job_view){
		.config = job->config,
		.is_paused = job->is_paused,
		.next_ns = job_next_on_wall(job),
		.running = running,
		.is_queued = job->is_waiting || (job->is_going && !running),
		.last_ok_ns = job->last_ok_ns,
		.n_missed = job->n_missed,
		.n_runs = job->n_runs,
	};
	memcpy(ret_view->runs, job->runs, sizeof(job->runs));
}
