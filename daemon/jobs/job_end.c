/* SPDX-License-Identifier: MIT */
/* What follows a run: it is judged and kept for a while. Whom it is told is news.c's. */
#include "daemon/jobs/job.h"

#include <stdio.h>
#include <string.h>

#include "daemon/ops/events.h"
#include "daemon/ops/log.h"

void
job_note_failure(struct job *job, const char *batch_id, const char *outcome, const char *text)
{
	log_at(LOG_WARNING,
		LOG_FIELDS(EVENT(JOB_FAILED), { "FETCHD_JOB", job->config->name },
			{ "FETCHD_BATCH_ID", batch_id }, { "FETCHD_OUTCOME", outcome }),
		"job \"%s\": %s", job->config->name, text);
	job->is_failing = true;
}

static void
note_success(struct job *job, const char *batch_id)
{
	if (job->is_failing) {
		log_at(LOG_NOTICE,
			LOG_FIELDS(EVENT(JOB_OK), { "FETCHD_JOB", job->config->name },
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
		job_note_failure(job, summary->id, outcome, text);
		break;
	case BATCH_CANCELLED:
		break;
	}
}

static void
keep_run(struct job *job, const struct batch_summary *summary)
{
	struct job_run *run = &job->runs[0];

	memmove(&job->runs[1], &job->runs[0], (JOB_RUNS_KEPT - 1) * sizeof(job->runs[0]));
	job->n_runs += job->n_runs < JOB_RUNS_KEPT;
	*run = (struct job_run){
		.outcome = summary->outcome,
		.started_ns = summary->started_sec * NUR_SEC(1) + summary->started_nsec,
		.elapsed_ns = summary->elapsed_ns,
		.counts = summary->counts,
	};
	if (run->outcome == BATCH_OK) {
		job->last_ok_ns = run->started_ns + run->elapsed_ns;
	}
	(void)snprintf(run->batch_id, sizeof(run->batch_id), "%s", summary->id);
}

void
job_run_ended(struct job *job, struct batch *batch)
{
	struct batch_summary summary = batch_describe(batch);
	bool has_changed =
		summary.outcome != job->outcome || batch_fingerprint(batch) != job->fingerprint;

	judge(job, &summary);
	keep_run(job, &summary);
	if (summary.outcome != BATCH_CANCELLED) {
		job->outcome = summary.outcome;
		job->fingerprint = batch_fingerprint(batch);
		job_tell_later(job, batch, has_changed);
	}
}
