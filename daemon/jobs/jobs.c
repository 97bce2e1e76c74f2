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
 * Starts of an interval are points of the run's clock, those of a timetable points of the wall clock. Points
 * of a wall clock that was set back are not passed twice, unless by more than some hours.
 *
 * Whatever befalls a run, its task ends with success or with a cancellation: a failure would end its
 * siblings. What befell it is logged here: each failure, and the first success after failures.
 */
#include "daemon/jobs/jobs.h"

#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/jobs/job.h"
#include "daemon/ops/log.h"
#include "daemon/schedule/interval.h"
#include "daemon/schedule/timetable.h"

#define NEVER INT64_MAX

/* A start that was refused for want of room is tried again so often, when it must not be missed. */
static const nur_time room_look = NUR_SEC(1);

/* As cron has it: a clock that is set back by more than this begins another day. */
static const int64_t set_back_limit_ns = 3 * NUR_SEC(3600);

/* ---- one run ---- */

static int
admit(struct job *job, struct batch **ret_batch)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	int r = config_job_batch(job->generation, job->index, &description);

	if (r == 0) {
		r = batches_admit(job->jobs->options.batches, description, ret_batch);
	}
	if (r == 0) {
		(void)steal(&description); /* the batch has it */
	}
	return r;
}

/* Admits the next batch, waiting for room when the job's starts must not be missed. */
static int
admit_in_time(struct job *job, struct batch **ret_batch)
{
	bool is_patient = job->config->missed == JOB_MISSED_RUN_ONCE;
	int r;

	if (job->admitted) {
		*ret_batch = steal(&job->admitted);
		return 0;
	}
	r = admit(job, ret_batch);
	while (r == -EAGAIN && is_patient) {
		r = nur_sleep(room_look);
		if (r == 0) {
			r = admit(job, ret_batch);
		}
	}
	return r;
}

static int
run_batch(struct job *job)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = admit_in_time(job, &batch);

	if (r == NUR_ECANCELED || r == -ESHUTDOWN) {
		return r == NUR_ECANCELED ? r : 0;
	}
	if (r < 0) {
		job_note_failure(job, NULL, NULL,
			r == -EAGAIN ? "no run: limits.batches are running"
				     : "no run: it cannot be started");
		return 0;
	}
	job->running = batch;
	r = batch_run(batch);
	job->running = NULL;
	if (r == NUR_ECANCELED) {
		return r;
	}
	if (r < 0) {
		job_note_failure(job, batch_id(batch), NULL, nur_strerror(r));
	} else {
		job_run_ended(job, batch);
	}
	return 0;
}

static int
run(void *arg)
{
	struct job *job = arg;
	int r;

	do {
		job->is_waiting = false;
		r = run_batch(job);
	} while (r >= 0 && job->is_waiting);
	job->is_going = false;
	return r;
}

static void
start_run(struct job *job)
{
	int r = nur_start_soon(job->nursery, "run", run, job);

	job->is_skipping = false;
	job->is_going = r >= 0;
	if (r < 0) {
		job_note_failure(job, NULL, NULL, "no run: there is no room for a task");
	}
}

/* ---- when ---- */

static int64_t
machine_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail: the clock exists */
	return now.tv_sec * NUR_SEC(1) + now.tv_nsec;
}

static int64_t
wall_now(const struct job *job)
{
	return job->jobs->options.wall_now();
}

/* xorshift64*: how late a start is need not be secret, only different. */
static uint64_t
next_random(struct job *job)
{
	job->random ^= job->random >> 12;
	job->random ^= job->random << 25;
	job->random ^= job->random >> 27;
	return job->random * UINT64_C(0x2545f4914f6cdd1d) >> 1;
}

/* A job has a timetable or an interval. */
static struct interval
interval(const struct job *job)
{
	return interval_of(job->config->name, job->config->every_ns);
}

/* The first point of the timetable after @wall. */
static int64_t
point_after(const struct job *job, int64_t wall)
{
	int64_t seconds = timetable_next(job->config->timetable, wall / NUR_SEC(1));

	return seconds < NEVER / NUR_SEC(1) ? seconds * NUR_SEC(1) : NEVER;
}

static void
set_due(struct job *job, int64_t due)
{
	job->due = due;
	job->late_ns = interval_jitter(job->config->jitter_ns, next_random(job));
}

/* The next start there is, as if there had been none before. */
static void
plan_anew(struct job *job)
{
	job->last_due = 0;
	if (job->config->timetable) {
		set_due(job, point_after(job, wall_now(job)));
	} else {
		const struct interval every = interval(job);

		set_due(job, interval_first(&every, nur_now()));
	}
}

/* The start after the one that was due; those that have passed as well are passed over. */
static void
plan_next(struct job *job)
{
	if (job->config->timetable) {
		int64_t now = wall_now(job);

		job->last_due = job->due;
		set_due(job, point_after(job, job->due > now ? job->due : now));
	} else {
		const struct interval every = interval(job);

		set_due(job, interval_next(&every, job->due, nur_now()));
	}
}

/* The wall clock was set. A start that has become due is left to the job's task, which sees how late it is. */
static void
plan_again(struct job *job)
{
	int64_t now = wall_now(job);
	int64_t from = job->last_due > now && job->last_due - now <= set_back_limit_ns
			       ? job->last_due
			       : now;

	if (now < job->due) {
		set_due(job, point_after(job, from));
	}
}

/* When the next start is, on the run's clock, with its jitter. */
static nur_time
start_time(const struct job *job)
{
	nur_time due = job->due;

	if (job->is_paused || due == NEVER) {
		return NUR_FOREVER;
	}
	if (job->config->timetable) {
		due = nur_time_add(nur_now(), due - wall_now(job));
	}
	return nur_time_add(due, job->late_ns);
}

/* Whether a start that was meant for @start is so late that the one after it has come, too. */
static bool
is_missed(const struct job *job, nur_time start)
{
	if (job->config->timetable) {
		return point_after(job, job->due) <= wall_now(job) - job->late_ns;
	} else {
		const struct interval every = interval(job);

		return interval_is_missed(&every, start, nur_now());
	}
}

static bool
is_too_late(const struct job *job, nur_time start)
{
	const struct config_job *config = job->config;

	return (config->missed == JOB_MISSED_SKIP && is_missed(job, start)) ||
	       (config->start_deadline_ns > 0 && nur_now() - start > config->start_deadline_ns);
}

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
		nur_time start = start_time(job);

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
		if (is_too_late(job, start)) {
			job->n_missed++;
			plan_next(job);
			continue;
		}
		if (job->is_going) {
			meet_run(job);
		} else {
			start_run(job);
		}
		plan_next(job);
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
			plan_anew(job);
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
			plan_anew(job);
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
		jobs->options.wall_now = machine_now;
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
		plan_anew(job);
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
			plan_again(job);
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
		return 0;
	}
	r = admit(job, &job->admitted);
	if (r < 0) {
		return r;
	}
	*ret_batch = batch_ref(job->admitted);
	start_run(job);
	return 0;
}

void
job_pause(struct job *job)
{
	job->is_paused = true;
	wake(job);
}

void
job_resume(struct job *job)
{
	if (job->is_paused) {
		job->is_paused = false;
		plan_anew(job);
		wake(job);
	}
}

static int64_t
next_on_wall(const struct job *job)
{
	if (job->is_paused || job->due == NEVER) {
		return NEVER;
	}
	return nur_time_add(
		job->config->timetable ? job->due : wall_now(job) + (job->due - nur_now()),
		job->late_ns);
}

void
job_describe(const struct job *job, struct job_view *ret_view)
{
	*ret_view = (struct job_view){
		.config = job->config,
		.is_paused = job->is_paused,
		.next_ns = next_on_wall(job),
		.running = job->running,
		.last_ok_ns = job->last_ok_ns,
		.n_missed = job->n_missed,
		.n_runs = job->n_runs,
	};
	memcpy(ret_view->runs, job->runs, sizeof(job->runs));
}
