/* SPDX-License-Identifier: MIT */
/* A job, as the files of this folder share it. */
#pragma once

#include <nursery.h>

#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "lib/base/list.h"

#define JOB_UNTOLD_MAX 16 /* runs that wait to be told of */
#define JOB_NEVER      INT64_MAX

/* config  has a reference; nursery  of the jobs' tasks, NULL: jobs_run() is not running */
struct jobs {
	struct jobs_options options;
	struct config *config;
	struct nur_nursery *nursery;
	struct list all;
};

/*
 * struct job
 *
 * name         a copy, for its task
 * config       one of generation->jobs, which has a reference; index is its place there
 * due          the next start without its jitter: ns of the run's clock or of the wall clock, or JOB_NEVER
 * last_due     the last one of a timetable
 * late_ns      the jitter of the next start
 * wake         the job's task sleeps here
 * nursery      of the job's task, for its runs; NULL: it has not begun, or has ended
 * running      the batch that runs; borrowed from the run's task; NULL: none
 * admitted     the batch of the run that is about to begin, or NULL
 * untold       what nobody has been told of yet, n_untold of them, the oldest first
 * last_ok_ns   when the last run that was ok ended: ns since 1970; 0: none has
 * n_missed     runs that were skipped
 * outcome      of the last run that was not cancelled, with its batch_fingerprint(); BATCH_OK before it
 * has_task     its task is alive
 * is_going     a run's task is alive
 * is_telling   so is the one that tells
 * is_waiting   one more run follows when this one ends
 * is_asked_for  by somebody, not by the schedule alone
 * is_failing   the last run failed
 * is_skipping  the last start was skipped, which has been said
 * is_gone      not in the configuration any more
 */
struct job {
	struct list node;
	struct jobs *jobs;
	char name[JOB_NAME_CAP];
	struct config *generation;
	const struct config_job *config;
	size_t index;
	int64_t due;
	int64_t last_due;
	int64_t late_ns;
	uint64_t random;
	struct nur_parking_lot wake;
	struct nur_nursery *nursery;
	struct batch *running;
	struct batch *admitted;
	struct jobs_news untold[JOB_UNTOLD_MAX];
	size_t n_untold;
	struct job_run runs[JOB_RUNS_KEPT];
	size_t n_runs;
	int64_t last_ok_ns;
	uint64_t n_missed;
	enum batch_outcome outcome;
	uint64_t fingerprint;
	bool has_task;
	bool is_paused;
	bool is_going;
	bool is_telling;
	bool is_waiting;
	bool is_asked_for;
	bool is_failing;
	bool is_skipping;
	bool is_gone;
};

/* ---- job_plan.c ---- */

/* job_plan_anew() - the next start there is, as if there had been none before */
void job_plan_anew(struct job *job);

/* job_plan_next() - the start after the one that was due; those that have passed as well are passed over */
void job_plan_next(struct job *job);

/*
 * job_plan_again() - the wall clock was set. A start that has become due is left to the job's task, which sees how
 * late it is
 */
void job_plan_again(struct job *job);

/* job_start_time() - when the next start is, on the run's clock, with its jitter; NUR_FOREVER: never */
nur_time job_start_time(const struct job *job);

/* job_next_on_wall() - the same in ns since 1970; JOB_NEVER */
int64_t job_next_on_wall(const struct job *job);

/* job_is_too_late() - whether a start that was meant for @start is missed */
bool job_is_too_late(const struct job *job, nur_time start);

/* ---- job_run.c ---- */

/* job_admit() - make its batch. Errors: as batches_admit() */
int job_admit(struct job *job, struct batch **ret_batch);

/*
 * job_begin_run() - by a task of its own, of the batch that was admitted or else of one that it admits; 0, or as
 * nur_start_soon(), which is noted
 */
int job_begin_run(struct job *job);

/* ---- job_end.c ---- */

/* job_note_failure() - a run that could not be, or went wrong; batch_id and outcome may be NULL */
void job_note_failure(struct job *job, const char *batch_id, const char *outcome, const char *text);

/*
 * job_run_ended() - a run of @job is over, whatever came of it: it is judged and kept, and whoever wants to
 * know is told by a task of @job's nursery
 */
void job_run_ended(struct job *job, struct batch *batch);

/* ---- news.c ---- */

/*
 * job_tell_later() - have those told of the last run who want to know, by a task of @job's nursery
 * @has_changed: its outcome, or what failed in it, is not as in the run before
 */
void job_tell_later(struct job *job, struct batch *batch, bool has_changed);

/* job_forget_news() - nobody is told any more */
void job_forget_news(struct job *job);
