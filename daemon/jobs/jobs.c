/* SPDX-License-Identifier: MIT */
/*
 * One task per job keeps its time; each run is a child task of it:
 *
 *	jobs ── api-health ── run        batches_admit(), batch_run()
 *	     └─ feeds                    asleep until it is due
 *
 * So a run that takes long delays no start of the next one, and the end of the daemon ends them all. At most
 * one run of a job is going; what happens to a start that comes meanwhile is the job's overlap. A waiting
 * start is a flag and no task: the run's task makes it when it is done, and two waiting starts are one.
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

#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/schedule.h"
#include "daemon/ops/log.h"

/* A start that was refused for want of room is tried again so often, when it must not be missed. */
static const nur_time room_look = NUR_SEC(1);

/*
 * struct job
 *
 * running      the batch that runs; borrowed from the run's task; NULL: none
 * is_going     a run's task is alive
 * is_waiting   one more run follows when this one ends
 * is_failing   the last run failed
 * is_skipping  the last start was skipped, which has been said
 */
struct job {
	const struct jobs_context *context;
	const struct config_job *config;
	size_t index;
	struct schedule schedule;
	uint64_t random;
	struct batch *running;
	bool is_going;
	bool is_waiting;
	bool is_failing;
	bool is_skipping;
};

/* ---- one run ---- */

static void
note_failure(struct job *job, const char *batch_id, const char *outcome, const char *text)
{
	log_at(LOG_WARNING,
		LOG_FIELDS({ "FETCHD_JOB", job->config->name }, { "FETCHD_BATCH_ID", batch_id },
			{ "FETCHD_OUTCOME", outcome }),
		"job \"%s\": %s", job->config->name, text);
	job->is_failing = true;
}

static void
note_success(struct job *job, const char *batch_id)
{
	if (job->is_failing) {
		log_at(LOG_NOTICE,
			LOG_FIELDS({ "FETCHD_JOB", job->config->name },
				{ "FETCHD_BATCH_ID", batch_id }, { "FETCHD_OUTCOME", "ok" }),
			"job \"%s\": ok again", job->config->name);
	}
	job->is_failing = false;
}

/* A run that was cancelled says nothing about what the job looks after. */
static void
judge(struct job *job, const struct batch_summary *summary)
{
	const char *outcome = batch_outcome_name(summary->outcome);
	char text[160];

	switch (summary->outcome) {
	case BATCH_OK:
		note_success(job, summary->id);
		break;
	case BATCH_FAILED:
	case BATCH_DEADLINE:
		(void)snprintf(text, sizeof(text),
			"%s: %zu ok, %zu failed, %zu timed out, %zu cancelled", outcome,
			summary->counts.ok, summary->counts.failed, summary->counts.timeout,
			summary->counts.cancelled);
		note_failure(job, summary->id, outcome, text);
		break;
	case BATCH_CANCELLED:
		break;
	}
}

static int
admit(struct job *job, struct batch **ret_batch)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	int r = config_job_batch(job->context->config, job->index, &description);

	if (r == 0) {
		r = batches_admit(job->context->batches, description, ret_batch);
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
	int r = admit(job, ret_batch);

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
	struct batch_summary summary;
	int r = admit_in_time(job, &batch);

	if (r == NUR_ECANCELED || r == -ESHUTDOWN) {
		return r == NUR_ECANCELED ? r : 0;
	}
	if (r < 0) {
		note_failure(job, NULL, NULL,
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
	summary = batch_describe(batch);
	if (r < 0) {
		note_failure(job, summary.id, NULL, nur_strerror(r));
	} else {
		judge(job, &summary);
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

/* ---- one job ---- */

static void
start_run(struct job *job, struct nur_nursery *nursery)
{
	int r = nur_start_soon(nursery, "run", run, job);

	job->is_skipping = false;
	job->is_going = r >= 0;
	if (r < 0) {
		note_failure(job, NULL, NULL, "no run: there is no room for a task");
	}
}

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

/* xorshift64*: how late a start is need not be secret, only different. */
static uint64_t
next_random(struct job *job)
{
	job->random ^= job->random >> 12;
	job->random ^= job->random << 25;
	job->random ^= job->random >> 27;
	return job->random * UINT64_C(0x2545f4914f6cdd1d) >> 1;
}

static int
keep_time(struct nur_nursery *nursery, void *arg)
{
	struct job *job = arg;
	const struct config_job *config = job->config;
	int64_t due = schedule_first(&job->schedule, nur_now());

	for (;;) {
		nur_time start =
			nur_time_add(due, schedule_jitter(config->jitter_ns, next_random(job)));
		int r = nur_sleep_until(start);

		if (r < 0) {
			return r;
		}
		if (batches_is_draining(job->context->batches)) {
			return 0;
		}
		if (config->missed == JOB_MISSED_SKIP &&
			schedule_is_missed(&job->schedule, start, nur_now())) {
			due = schedule_next(&job->schedule, due, nur_now());
			continue;
		}
		if (job->is_going) {
			meet_run(job);
		} else {
			start_run(job, nursery);
		}
		due = schedule_next(&job->schedule, due, nur_now());
	}
}

static int
job_run(void *arg)
{
	return nur_nursery_run(keep_time, arg, NULL);
}

/* ---- all ---- */

/* context  of the jobs; jobs  context->config->n_jobs of them */
struct all_jobs {
	const struct jobs_context *context;
	struct job *jobs;
};

static void
job_init(struct job *job, const struct jobs_context *context, size_t index)
{
	const struct config_job *config = &context->config->jobs[index];

	*job = (struct job){
		.context = context,
		.config = config,
		.index = index,
		.schedule = schedule_of(config->name, config->every_ns),
	};
	/* Without randomness, the jitter of two daemons is the same; nothing else depends on it. */
	(void)!getrandom(&job->random, sizeof(job->random), GRND_NONBLOCK);
	job->random += job->random == 0;
}

static int
start_all(struct nur_nursery *nursery, void *arg)
{
	const struct all_jobs *all = arg;

	for (size_t i = 0; i < all->context->config->n_jobs; i++) {
		struct job *job = &all->jobs[i];
		int r;

		job_init(job, all->context, i);
		r = nur_start_soon(nursery, job->config->name, job_run, job);
		if (r < 0) {
			log_at(LOG_ERR, LOG_FIELDS({ "FETCHD_JOB", job->config->name }),
				"job \"%s\" cannot be scheduled: %s", job->config->name,
				nur_strerror(r));
		}
	}
	return 0;
}

int
jobs_run(void *arg)
{
	struct all_jobs all = { .context = arg };
	int r;

	if (all.context->config->n_jobs == 0) {
		return 0;
	}
	all.jobs = calloc(all.context->config->n_jobs, sizeof(*all.jobs));
	if (!all.jobs) {
		return -ENOMEM;
	}
	r = nur_nursery_run(start_all, &all, NULL);
	free(all.jobs);
	return r;
}
