/* SPDX-License-Identifier: MIT */
/* What follows a run: it is judged, kept for a while, and told to whom the configuration names. */
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

/* Tells of what has ended last, until there is nothing more to tell. */
static int
tell(void *arg)
{
	struct job *job = arg;
	const struct jobs_options *options = &job->jobs->options;
	int r = 0;

	while (job->untold.batch && r >= 0) {
		_cleanup_(config_unrefp) struct config *generation = config_ref(job->generation);
		struct jobs_news news = job->untold;

		news.config = &generation->jobs[job->index];
		job->untold = (struct jobs_news){ NULL };
		r = options->tell(options->user, &news);
		batch_unref(news.batch);
		if (r < 0 && r != NUR_ECANCELED) {
			log_at(LOG_WARNING, LOG_FIELDS({ "FETCHD_JOB", news.config->name }),
				"job \"%s\": somebody could not be told of its run: %s",
				news.config->name, nur_strerror(r));
			r = 0;
		}
	}
	job->is_telling = false;
	return r;
}

static bool
is_wanted(enum job_when when, const struct job_run *run, bool has_changed)
{
	switch (when) {
	case JOB_ALWAYS:
		return true;
	case JOB_ON_FAILURE:
		return run->outcome == BATCH_FAILED || run->outcome == BATCH_DEADLINE;
	case JOB_ON_CHANGE:
		return has_changed;
	}
	return false;
}

/* News that nobody has been told of yet are replaced: what counts is how it is now. */
static void
tell_later(struct job *job, struct batch *batch, bool has_changed)
{
	const struct config_job *config = job->config;
	const struct job_run *run = &job->runs[0];
	struct jobs_news news = {
		.batch = batch,
		.is_report =
			config->report.file && is_wanted(config->report.when, run, has_changed),
		.is_notify = config->notify.url && is_wanted(config->notify.when, run, has_changed),
	};

	if (!job->jobs->options.tell || (!news.is_report && !news.is_notify)) {
		return;
	}
	batch_unref(job->untold.batch);
	job->untold = news;
	(void)batch_ref(batch);
	if (!job->is_telling) {
		job->is_telling = nur_start_soon(job->nursery, "tell", tell, job) >= 0;
	}
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
		tell_later(job, batch, has_changed);
	}
}
