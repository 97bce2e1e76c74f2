/* SPDX-License-Identifier: MIT */
/*
 * Who is told of a run, by a task of its job: one after another, in the order of the runs. A report has a line for
 * each run, so news wait for it while the disk is slow, up to a number. A notification says how things are now: when
 * there are newer news, an older one that has not been sent is not sent any more.
 *
 * At the end reports are still written; nobody is notified.
 */
#include <string.h>

#include "daemon/jobs/job.h"
#include "daemon/ops/log.h"

/* Takes news out of the list; the reference to the batch is the caller's. */
static struct jobs_news
take(struct job *job, size_t i)
{
	struct jobs_news news = job->untold[i];

	job->n_untold--;
	memmove(&job->untold[i], &job->untold[i + 1], (job->n_untold - i) * sizeof(job->untold[0]));
	return news;
}

void
job_forget_news(struct job *job)
{
	while (job->n_untold > 0) {
		batch_unref(take(job, job->n_untold - 1).batch);
	}
}

static void
forget_notifications(struct job *job)
{
	for (size_t i = job->n_untold; i-- > 0;) {
		job->untold[i].is_notify = false;
		if (!job->untold[i].is_report) {
			batch_unref(take(job, i).batch);
		}
	}
}

static void
log_untold(const struct job *job, const struct batch *batch, const char *why)
{
	log_at(LOG_WARNING,
		LOG_FIELDS({ "FETCHD_JOB", job->config->name },
			{ "FETCHD_BATCH_ID", batch_id(batch) }),
		"job \"%s\": somebody could not be told of its run: %s", job->config->name, why);
}

static void
keep(struct job *job, const struct jobs_news *news)
{
	if (news->is_notify) {
		forget_notifications(job);
	}
	if (job->n_untold == JOB_UNTOLD_MAX) {
		struct jobs_news oldest = take(job, 0);

		log_untold(job, oldest.batch, "too many reports wait for the disk");
		batch_unref(oldest.batch);
	}
	job->untold[job->n_untold++] = *news;
	(void)batch_ref(news->batch);
}

/* By the configuration of now, which stays while it is needed. */
static int
tell_one(struct job *job, struct jobs_news *news)
{
	_cleanup_(config_unrefp) struct config *generation = config_ref(job->generation);
	const struct jobs_options *options = &job->jobs->options;

	news->config = &generation->jobs[job->index];
	return options->tell(options->user, news);
}

static int
tell(void *arg)
{
	struct job *job = arg;
	int r = 0;

	while (job->n_untold > 0) {
		struct jobs_news news = take(job, 0);
		int told = 0;

		news.is_notify = news.is_notify && r != NUR_ECANCELED;
		if (news.is_report || news.is_notify) {
			told = tell_one(job, &news);
		}
		if (told == NUR_ECANCELED) {
			r = told;
		} else if (told < 0) {
			log_untold(job, news.batch, nur_strerror(told));
		}
		batch_unref(news.batch);
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

void
job_tell_later(struct job *job, struct batch *batch, bool has_changed)
{
	const struct config_job *config = job->config;
	const struct job_run *run = &job->runs[0];
	const struct jobs_news news = {
		.batch = batch,
		.is_report =
			config->report.file && is_wanted(config->report.when, run, has_changed),
		.is_notify = config->notify.url && is_wanted(config->notify.when, run, has_changed),
	};

	if (!job->jobs->options.tell || (!news.is_report && !news.is_notify)) {
		return;
	}
	keep(job, &news);
	if (!job->is_telling) {
		job->is_telling = nur_start_soon(job->nursery, "tell", tell, job) >= 0;
	}
}
