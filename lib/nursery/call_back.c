/* SPDX-License-Identifier: MIT */
/*
 * Calls back from threads into a run, each waiting for its answer. A request goes through the entry
 * queue and is served by the task that started the thread; or, through a bare token and from a thread
 * that may have lost its task, on the loop's stack or by a system task.
 */
#include "lib/nursery/thread_job.h"

#include <nursery/run.h>

#include <errno.h>
#include <semaphore.h>

#include "lib/nursery/scheduler.h"

/*
 * struct nuri_request - lives on the stack of the thread that waits for it
 *
 * in_run    in the run's list of those that tasks are to answer
 * job       whose task is to serve it, or NULL
 * may_wait  fn may
 */
struct nuri_request {
	struct nur_wakeup entry;
	struct list in_run;
	struct nuri_thread_job *job;
	nur_task_fn fn;
	void *arg;
	bool may_wait;
	int result;
	sem_t is_answered;
};

/* ---- in the run ---- */

/* The thread goes on, and @request with it. */
static void
answer(struct nuri_request *request, int result)
{
	list_unlink(&request->in_run);
	request->result = result;
	(void)sem_post(&request->is_answered); /* cannot overflow: it is posted once */
}

static int
call_plain(const struct nuri_request *request)
{
	struct nuri_run *run = nuri_current_run();
	const char *outer = run->no_waiting_in;
	int r;

	run->no_waiting_in = "a plain call from a thread";
	r = request->fn(request->arg);
	run->no_waiting_in = outer;
	return r;
}

void
nuri_request_serve(struct nuri_request *request)
{
	answer(request, request->may_wait ? request->fn(request->arg) : call_plain(request));
}

static int
serve_by_task(void *arg)
{
	struct nuri_request *request = arg;

	list_append(&nuri_current_run()->requests, &request->in_run);
	request->job->request = request;
	nur_reschedule(request->job->task, 0);
	return 0;
}

static int
serve_on_loop(void *arg)
{
	nuri_request_serve(arg);
	return 0;
}

static int
serve_in_system_task(void *arg)
{
	struct nuri_request *request = arg;
	int r = nur_spawn_system_task("call from a thread", serve_on_loop, request);

	list_append(&nuri_current_run()->requests, &request->in_run);
	if (r < 0) {
		answer(request, r == NUR_ECLOSED ? NUR_ERUNFINISHED : r);
	}
	return 0;
}

void
nuri_requests_abandon(struct nuri_run *run)
{
	while (!list_is_empty(&run->requests)) {
		answer(list_entry(run->requests.next, struct nuri_request, in_run),
			NUR_ERUNFINISHED);
	}
}

/* ---- on the thread ---- */

static int
ask(struct nuri_request *request, struct nur_token *token)
{
	nur_token_fn serve = request->job        ? serve_by_task
			     : request->may_wait ? serve_in_system_task
						 : serve_on_loop;
	int r;

	if (nur_in_run()) {
		return -EDEADLK;
	}
	if (!request->fn) {
		return -EINVAL;
	}
	list_init(&request->in_run);
	(void)sem_init(&request->is_answered, 0, 0); /* a good value */
	nur_wakeup_init(&request->entry, token, serve, request);
	r = nur_wakeup_send(&request->entry);
	while (r == 0 && sem_wait(&request->is_answered) < 0) {
		; /* a signal */
	}
	(void)sem_destroy(&request->is_answered); /* nobody waits */
	return r < 0 ? r : request->result;
}

static int
ask_from_job(struct nuri_request *request)
{
	struct nuri_thread_job *job = nuri_thread_current_job();

	if (nur_in_run()) {
		return -EDEADLK;
	}
	if (!job) {
		return NUR_ENOTINTASK;
	}
	request->job = job->is_abandonable ? NULL : job;
	return ask(request, job->token);
}

int
nur_thread_call_back(nur_task_fn fn, void *arg)
{
	struct nuri_request request = { .fn = fn, .arg = arg };

	return ask_from_job(&request);
}

int
nur_thread_run_back(nur_task_fn fn, void *arg)
{
	struct nuri_request request = { .fn = fn, .arg = arg, .may_wait = true };

	return ask_from_job(&request);
}

int
nur_thread_check_cancelled(void)
{
	struct nuri_thread_job *job = nuri_thread_current_job();

	if (!job) {
		return NUR_ENOTINTASK;
	}
	return atomic_load(&job->is_cancelled) ? NUR_ECANCELED : 0;
}

int
nur_token_call(struct nur_token *token, nur_task_fn fn, void *arg)
{
	struct nuri_request request = { .fn = fn, .arg = arg };

	return ask(&request, token);
}

int
nur_token_run(struct nur_token *token, nur_task_fn fn, void *arg)
{
	struct nuri_request request = { .fn = fn, .arg = arg, .may_wait = true };

	return ask(&request, token);
}
