/* SPDX-License-Identifier: MIT */
/*
 * Jobs: batches with a schedule. One task per job; each run enters through daemon/batches/batches.h.
 *
 * A job outlives changes of the configuration: it is known by its name, and keeps its last runs, whether it
 * is paused, and, when the schedule is as it was, its next start.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/result.h"

struct batch;
struct batches;
struct config;
struct config_job;
struct job;
struct jobs;

#define JOB_RUNS_KEPT 10

/*
 * What somebody is told of: a run that is over.
 *
 * is_report  it goes into the job's report
 * is_notify  it goes to whom the job notifies
 */
struct jobs_news {
	const struct config_job *config;
	struct batch *batch;
	bool is_report;
	bool is_notify;
};

/*
 * batches   borrowed
 * wall_now  ns since 1970; NULL: the machine's clock
 * tell      called with what a job's report or notify ask for, in a task of which there is one a job, run by run;
 *           may wait. A negative return is logged. When the task is cancelled, it is called for the reports that
 *           are left, and has to shield them. NULL: nobody is told
 * user      passed to it
 */
struct jobs_options {
	struct batches *batches;
	int64_t (*wall_now)(void);
	int (*tell)(void *user, const struct jobs_news *news);
	void *user;
};

/* jobs_create() - of @config, which gets a reference. -ENOMEM */
int jobs_create(const struct jobs_options *options, struct config *config, struct jobs **ret_jobs);

/* jobs_destroy() - jobs_run() has returned; accepts NULL */
void jobs_destroy(struct jobs *jobs);

DEFINE_CLEANUP(struct jobs *, jobs_destroy);

/**
 * jobs_run() - run all jobs until cancelled
 *
 * A run that fails, or cannot be started, is logged, and nothing more. When the batches are draining, a job
 * starts no more runs.
 *
 * Checkpoint: always
 * Errors:     NUR_ECANCELED  the caller was cancelled; no run is alive
 */
int jobs_run(struct jobs *jobs);

/**
 * jobs_reload() - work with another configuration, which gets a reference
 *
 * Runs that are going stay what they were. A job that is gone starts no more runs.
 *
 * Checkpoint: never
 * Errors:     -ENOMEM  everything is as it was
 */
int jobs_reload(struct jobs *jobs, struct config *config);

/* jobs_clock_was_set() - the wall clock does not go on from where it was: look at it again */
void jobs_clock_was_set(struct jobs *jobs);

/* jobs_find() - by its name, or NULL; jobs_next() - in the order of the configuration, NULL begins and ends */
struct job *jobs_find(struct jobs *jobs, const char *name);
struct job *jobs_next(struct jobs *jobs, struct job *job);

/**
 * job_start_run() - start a run now, whatever the schedule says; paused or not
 * @ret_batch: given, batch_unref(); NULL when the run waits for the one that is going
 *
 * Checkpoint: never
 * Errors:     -EBUSY  a run is going, and the job's overlap is "skip"
 *             else as batches_admit()
 */
int job_start_run(struct job *job, struct batch **ret_batch);

/*
 * While it is paused, a job starts no runs by itself, nor the one that waits for the run that is going, unless somebody
 * has asked for it. Harmless when it is, or is not.
 */
void job_pause(struct job *job);
void job_resume(struct job *job);

/*
 * One run that is over.
 *
 * started_ns  ns since 1970
 */
struct job_run {
	char batch_id[40];
	enum batch_outcome outcome;
	int64_t started_ns;
	int64_t elapsed_ns;
	struct result_counts counts;
};

/*
 * A job as it is now; strings are borrowed until the next checkpoint.
 *
 * next_ns  ns since 1970 of the next start, INT64_MAX: none
 * running  the batch that runs, or NULL
 * is_queued  a run that is due has no batch yet: it follows the one that runs, or is about to begin
 * last_ok_ns  when the last run that was ok ended: ns since 1970; 0: none has
 * n_missed    runs that were not started in time, or skipped because the one before was still running
 * runs     the last ones, n_runs of them, the newest first
 */
struct job_view {
	const struct config_job *config;
	bool is_paused;
	int64_t next_ns;
	struct batch *running;
	bool is_queued;
	int64_t last_ok_ns;
	uint64_t n_missed;
	struct job_run runs[JOB_RUNS_KEPT];
	size_t n_runs;
};

void job_describe(const struct job *job, struct job_view *ret_view);
