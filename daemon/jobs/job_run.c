/* SPDX-License-Identifier: MIT */
/*
 * One run of a job. Whatever befalls it, its task ends with success or with a cancellation: a failure would end its
 * siblings. What befell it is noted: each failure, and the first success after failures (job_end.c).
 */
#include <errno.h>

#include "daemon/jobs/job.h"

/* A start that was refused for want of room is tried again so often, when it must not be missed. */
static const nur_time room_look = NUR_SEC(1);

int
job_admit(struct job *job, struct batch **ret_batch)
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

/* A pause takes a start of the schedule with it, but not one that somebody has asked for. */
static bool
is_called_off(const struct job *job, bool is_asked_for)
{
	return job->is_gone || (job->is_paused && !is_asked_for);
}

/* Admits the next batch, waiting for room when the job's starts must not be missed. */
static int
admit_in_time(struct job *job, bool is_asked_for, struct batch **ret_batch)
{
	bool is_patient = job->config->missed == JOB_MISSED_RUN_ONCE;
	int r;

	if (job->admitted) {
		*ret_batch = steal(&job->admitted);
		return 0;
	}
	r = job_admit(job, ret_batch);
	while (r == -EAGAIN && is_patient) {
		r = nur_sleep(room_look);
		if (r == 0) {
			r = is_called_off(job, is_asked_for) ? -ESHUTDOWN
							     : job_admit(job, ret_batch);
		}
	}
	return r;
}

static int
run_batch(struct job *job, bool is_asked_for)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = admit_in_time(job, is_asked_for, &batch);

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
		bool is_asked_for = job->is_asked_for;

		job->is_waiting = false;
		job->is_asked_for = false;
		r = run_batch(job, is_asked_for);
	} while (r >= 0 && job->is_waiting);
	job->is_going = false;
	return r;
}

int
job_begin_run(struct job *job)
{
	int r = nur_start_soon(job->nursery, "run", run, job);

	job->is_skipping = false;
	job->is_going = r >= 0;
	if (r < 0) {
		job_note_failure(job, NULL, NULL, "no run: there is no room for a task");
	}
	return r;
}
