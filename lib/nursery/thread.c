/* SPDX-License-Identifier: MIT */
/*
 * Calls on threads. docs/threads.md has the picture.
 *
 * A job belongs to the task that waits for it, and to itself once it is abandoned. The thread hands it
 * over by sending its wake-up; when the run is over, and refuses, the thread is the last who knows of it
 * and frees it.
 */
#include "lib/nursery/thread_job.h"

#include <nursery/checkpoint.h>
#include <nursery/testing.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/token.h"

#define DEFAULT_LIMIT 40 /* Trio's */

static __thread struct nuri_thread_job *current_job;

struct nuri_thread_job *
nuri_thread_current_job(void)
{
	return current_job;
}

static void
job_destroy(struct nuri_thread_job *job)
{
	if (job) {
		nuri_failure_destroy(job->failure);
		nuri_token_unref(job->token);
		(void)sem_destroy(&job->has_sent); /* nobody waits */
		free(job);
	}
}

DEFINE_CLEANUP(struct nuri_thread_job *, job_destroy);

static void
release_arg(const struct nuri_thread_job *job)
{
	if (job->release) {
		job->release(job->arg);
	}
}

/* ---- on the thread ---- */

static void
run_on_thread(struct nuri_thread_work *work)
{
	struct nuri_thread_job *job = container_of(work, struct nuri_thread_job, work);

	current_job = job;
	nuri_collect_failure(&job->failure);
	job->result = job->fn(job->arg);
	nuri_collect_failure(NULL);
	current_job = NULL;
}

static void
deliver(struct nuri_thread_work *work)
{
	struct nuri_thread_job *job = container_of(work, struct nuri_thread_job, work);

	if (nur_wakeup_send(&job->done) < 0) {
		release_arg(job); /* the run is over, so it was abandoned */
		job_destroy(job);
	} else {
		(void)sem_post(&job->has_sent); /* and now it may be gone */
	}
}

/* ---- in the run ---- */

static void
forget_thread(struct nuri_run *run)
{
	run->n_threads--;
	if (run->n_threads == 0) {
		(void)nur_parking_lot_unpark(&run->threads_completed, SIZE_MAX, 0);
	}
}

static int
on_done(void *arg)
{
	struct nuri_thread_job *job = arg;
	/* what nur_thread_check_cancelled() said to the thread is told to its task by its wait */
	int result =
		job->result == NUR_ECANCELED && atomic_load(&job->is_cancelled) ? NUR_ECANCELED : 0;

	while (sem_wait(&job->has_sent) < 0) {
		; /* a signal; the thread is about to end the poll, if it has not done so yet */
	}
	forget_thread(nuri_current_run());
	(void)nur_limiter_release(job->limiter, job); /* it holds one */
	if (!job->task) {
		release_arg(job);
		job_destroy(job);
		return 0;
	}
	job->is_done = true;
	nur_reschedule(job->task, result);
	return 0;
}

static int
job_create(struct nur_task *task, nur_thread_fn fn, void *arg,
	const struct nur_thread_options *options, struct nuri_thread_job **ret_job)
{
	_cleanup_(job_destroyp) struct nuri_thread_job *job = calloc(1, sizeof(*job));
	struct nur_token *token;
	int r;

	if (!job) {
		return -ENOMEM;
	}
	(void)sem_init(&job->has_sent, 0, 0); /* a good value */
	r = nuri_token_get(task->run, &token);
	if (r < 0) {
		return r;
	}
	job->token = nuri_token_ref(token);
	job->limiter = options->limiter;
	if (!job->limiter) {
		r = nur_thread_default_limiter(&job->limiter);
		if (r < 0) {
			return r;
		}
	}
	(void)snprintf(job->work.name, sizeof(job->work.name), "%s",
		options->name ? options->name : nur_task_name(task));
	job->work.run = run_on_thread;
	job->work.deliver = deliver;
	job->task = task;
	job->fn = fn;
	job->arg = arg;
	job->is_abandonable = options->is_abandonable;
	job->release = options->release;
	nur_wakeup_init(&job->done, job->token, on_done, job);
	*ret_job = steal(&job);
	return 0;
}

static int
job_start(struct nuri_thread_job *job)
{
	int r = nur_limiter_acquire(job->limiter, job);

	if (r < 0) {
		return r;
	}
	r = nuri_thread_cache_start(&job->work);
	if (r < 0) {
		(void)nur_limiter_release(job->limiter, job); /* it holds one */
		return r;
	}
	job->task->run->n_threads++;
	return 0;
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	struct nuri_thread_job *job = arg;

	atomic_store(&job->is_cancelled, true);
	if (!job->is_abandonable) {
		return NUR_ABORT_FAILED;
	}
	job->task = NULL;
	return NUR_ABORT_SUCCEEDED;
}

/* The job is done, and its task's. */
static int
take_result(struct nuri_thread_job *job)
{
	int result = job->result;

	if (job->failure) {
		nuri_failure_destroy(job->task->failure);
		job->task->failure = steal(&job->failure);
	}
	if (result == NUR_ECANCELED) {
		release_arg(job);
	}
	job_destroy(job);
	return result;
}

static int
wait_for_thread(struct nuri_thread_job *job)
{
	bool is_abandonable = job->is_abandonable;

	for (;;) {
		int r = nur_wait_task_rescheduled("thread", abort_wait, job);

		if (r == NUR_ECANCELED && is_abandonable) {
			return r; /* the job has been on its own since, and may be gone */
		}
		if (job->is_done) {
			return take_result(job);
		}
		nuri_request_serve(steal(&job->request));
	}
}

int
nur_thread_run(nur_thread_fn fn, void *arg, const struct nur_thread_options *options)
{
	static const struct nur_thread_options defaults;
	_cleanup_(job_destroyp) struct nuri_thread_job *job = NULL;
	struct nur_task *task = nuri_calling_task();
	int r;

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (!fn) {
		return -EINVAL;
	}
	r = job_create(task, fn, arg, options ? options : &defaults, &job);
	if (r < 0) {
		return r;
	}
	r = job_start(job);
	if (r == NUR_ECANCELED) {
		release_arg(job);
	}
	if (r < 0) {
		return r;
	}
	return wait_for_thread(steal(&job));
}

int
nur_thread_default_limiter(struct nur_limiter **ret_limiter)
{
	struct nuri_run *run = nuri_current_run();

	if (!run) {
		return NUR_ENOTINTASK;
	}
	if (!run->thread_limiter) {
		int r = nur_limiter_create(DEFAULT_LIMIT, &run->thread_limiter);

		if (r < 0) {
			return r;
		}
	}
	*ret_limiter = run->thread_limiter;
	return 0;
}

int
nur_wait_all_threads_completed(void)
{
	int r = nur_checkpoint();

	while (r == 0 && nur_active_thread_count() > 0) {
		r = nur_parking_lot_park(&nuri_current_run()->threads_completed, "threads");
	}
	return r;
}

size_t
nur_active_thread_count(void)
{
	const struct nuri_run *run = nuri_current_run();

	return run ? run->n_threads : 0;
}
