/* SPDX-License-Identifier: MIT */
/*
 * When a job starts. Starts of an interval are points of the run's clock, those of a timetable points of the wall
 * clock. Points of a wall clock that was set back are not passed twice, unless by more than some hours.
 */
#include "daemon/jobs/job.h"
#include "daemon/schedule/interval.h"
#include "daemon/schedule/timetable.h"

/* As cron has it: a clock that is set back by more than this begins another day. */
static const int64_t set_back_limit_ns = 3 * NUR_SEC(3600);

static int64_t
now_on_wall(const struct job *job)
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

	return seconds < JOB_NEVER / NUR_SEC(1) ? seconds * NUR_SEC(1) : JOB_NEVER;
}

static void
set_due(struct job *job, int64_t due)
{
	job->due = due;
	job->late_ns = interval_jitter(job->config->jitter_ns, next_random(job));
}

void
job_plan_anew(struct job *job)
{
	job->last_due = 0;
	if (job->config->timetable) {
		set_due(job, point_after(job, now_on_wall(job)));
	} else {
		const struct interval every = interval(job);

		set_due(job, interval_first(&every, nur_now()));
	}
}

void
job_plan_next(struct job *job)
{
	if (job->config->timetable) {
		int64_t now = now_on_wall(job);

		job->last_due = job->due;
		set_due(job, point_after(job, job->due > now ? job->due : now));
	} else {
		const struct interval every = interval(job);

		set_due(job, interval_next(&every, job->due, nur_now()));
	}
}

void
job_plan_again(struct job *job)
{
	int64_t now = now_on_wall(job);
	int64_t from = job->last_due > now && job->last_due - now <= set_back_limit_ns
			       ? job->last_due
			       : now;

	if (now < job->due) {
		set_due(job, point_after(job, from));
	}
}

nur_time
job_start_time(const struct job *job)
{
	nur_time due = job->due;

	if (job->is_paused || due == JOB_NEVER) {
		return NUR_FOREVER;
	}
	if (job->config->timetable) {
		due = nur_time_add(nur_now(), due - now_on_wall(job));
	}
	return nur_time_add(due, job->late_ns);
}

/* Whether a start that was meant for @start is so late that the one after it has come, too. */
static bool
is_missed(const struct job *job, nur_time start)
{
	if (job->config->timetable) {
		return point_after(job, job->due) <= now_on_wall(job) - job->late_ns;
	} else {
		const struct interval every = interval(job);

		return interval_is_missed(&every, start, nur_now());
	}
}

bool
job_is_too_late(const struct job *job, nur_time start)
{
	const struct config_job *config = job->config;

	return (config->missed == JOB_MISSED_SKIP && is_missed(job, start)) ||
	       (config->start_deadline_ns > 0 && nur_now() - start > config->start_deadline_ns);
}

int64_t
job_next_on_wall(const struct job *job)
{
	if (job->is_paused || job->due == JOB_NEVER) {
		return JOB_NEVER;
	}
	return nur_time_add(
		job->config->timetable ? job->due : now_on_wall(job) + (job->due - nur_now()),
		job->late_ns);
}
