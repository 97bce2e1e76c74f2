/* SPDX-License-Identifier: MIT */
/* Calls of nur_thread_run(), and what their threads ask meanwhile. See docs/threads.md. */
#pragma once

#include <nursery/thread.h>
#include <nursery/token.h>

#include <semaphore.h>
#include <stdatomic.h>

#include "lib/nursery/thread_cache.h"

struct nuri_failure;
struct nuri_request;
struct nuri_run;

/*
 * struct nuri_thread_job - a function on a thread
 *
 * The thread's, until it sends @done:
 * fn, arg, result, failure
 * has_sent      posted after @done, when the thread touches neither job nor token any more
 *
 * The run's:
 * token         the run's own; held, for the thread
 * limiter       where its token is, held by the job's address
 * task          who waits for it; NULL: abandoned, and the job frees itself
 * request       what the thread waits for, for @task to answer; or NULL
 * is_done       @done has arrived
 * release       NULL, or called with arg when the call has been cancelled
 *
 * Everybody's: is_cancelled, and is_abandonable, which does not change.
 */
struct nuri_thread_job {
	struct nuri_thread_work work;
	struct nur_wakeup done;
	struct nur_token *token;
	struct nur_limiter *limiter;
	struct nur_task *task;
	struct nuri_request *request;
	struct nuri_failure *failure;
	nur_thread_fn fn;
	void *arg;
	int result;
	sem_t has_sent;
	atomic_bool is_cancelled;
	bool is_abandonable;
	bool is_done;
	void (*release)(void *arg);
};

/* nuri_thread_current_job() - what the calling thread works on, or NULL */
struct nuri_thread_job *nuri_thread_current_job(void);

/* nuri_request_serve() - in the run: make the call, and let the thread that waits for it go on */
void nuri_request_serve(struct nuri_request *request);

/* nuri_requests_abandon() - no task of @run will answer: threads that wait are told that it is over */
void nuri_requests_abandon(struct nuri_run *run);
