/* SPDX-License-Identifier: MIT */
/*
 * The thread cache: a stack of idle workers. The last one to become idle is the first to get work, so
 * that its memory is warm, and those below it stay idle long enough to end.
 *
 * A worker is idle before it delivers, and may have been given new work when it comes back from that:
 * only the list says who is idle, and being in it and having work never hold together. A worker whose
 * time is up is still in the list, takes itself out and ends; nobody can give it work then.
 */
#include "lib/nursery/thread_cache.h"

#include <nursery/testing.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/list.h"

/*
 * in_idle  in the list of idle workers
 * wake     it has work, or should look at its time again
 * work     to do next, or NULL
 */
struct worker {
	struct list in_idle;
	pthread_cond_t wake;
	struct nuri_thread_work *work;
	char name[NURI_THREAD_NAME_CAP];
};

/* Guards all that follows, and each worker's in_idle and work. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list idle = LIST_INIT(idle);
static nur_time idle_time = NUR_SEC(10);
static unsigned n_started;

static struct worker *
worker_create(struct nuri_thread_work *work)
{
	struct worker *worker = malloc(sizeof(*worker));
	pthread_condattr_t attributes;

	if (!worker) {
		return NULL;
	}
	*worker = (struct worker){ .work = work };
	list_init(&worker->in_idle);
	/* cannot fail on Linux: nothing is allocated */
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&worker->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return worker;
}

static void
worker_destroy(struct worker *worker)
{
	if (worker) {
		(void)pthread_cond_destroy(&worker->wake); /* nobody waits */
		free(worker);
	}
}

DEFINE_CLEANUP(struct worker *, worker_destroy);

static void
become_idle(struct worker *worker)
{
	(void)pthread_mutex_lock(&mutex);
	assert(!worker->work);
	list_prepend(&idle, &worker->in_idle);
	(void)pthread_mutex_unlock(&mutex);
}

static void
do_work(struct worker *worker, struct nuri_thread_work *work)
{
	/* fails for long names only */
	(void)pthread_setname_np(pthread_self(), work->name);
	work->run(work);
	(void)pthread_setname_np(pthread_self(), worker->name);
	become_idle(worker);
	work->deliver(work);
}

static nur_time
monotonic(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists */
	return NUR_SEC(now.tv_sec) + now.tv_nsec;
}

/* Sleeps until @deadline at most; the mutex is held before and after. */
static void
sleep_until(struct worker *worker, nur_time deadline)
{
	struct timespec at = { .tv_sec = deadline / NUR_SEC(1), .tv_nsec = deadline % NUR_SEC(1) };

	if (deadline == NUR_FOREVER) {
		(void)pthread_cond_wait(&worker->wake, &mutex);
	} else {
		(void)pthread_cond_timedwait(&worker->wake, &mutex, &at);
	}
}

/* The next work, or NULL when there was none for long enough; then the worker is in no list. */
static struct nuri_thread_work *
wait_for_work(struct worker *worker)
{
	nur_time since = monotonic();
	struct nuri_thread_work *work;

	(void)pthread_mutex_lock(&mutex);
	while (!worker->work && monotonic() < nur_time_add(since, idle_time)) {
		sleep_until(worker, nur_time_add(since, idle_time));
	}
	list_unlink(&worker->in_idle); /* whoever gave it work has done so already */
	work = steal(&worker->work);
	(void)pthread_mutex_unlock(&mutex);
	return work;
}

static void *
serve(void *arg)
{
	_cleanup_(worker_destroyp) struct worker *worker = arg;
	struct nuri_thread_work *work;

	while ((work = wait_for_work(worker))) {
		do_work(worker, work);
	}
	return NULL;
}

static int
start_detached(void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r = pthread_attr_init(&attributes);

	if (r != 0) {
		return -r;
	}
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED); /* a good value */
	r = pthread_create(&thread, &attributes, fn, arg);
	(void)pthread_attr_destroy(&attributes);
	return -r;
}

static int
start_worker(struct nuri_thread_work *work)
{
	_cleanup_(worker_destroyp) struct worker *worker = worker_create(work);
	int r;

	if (!worker) {
		return -ENOMEM;
	}
	(void)pthread_mutex_lock(&mutex);
	(void)snprintf(worker->name, sizeof(worker->name), "nursery %u", n_started++);
	(void)pthread_mutex_unlock(&mutex);
	r = start_detached(serve, worker);
	if (r == 0) {
		(void)steal(&worker);
	}
	return r;
}

int
nuri_thread_cache_start(struct nuri_thread_work *work)
{
	struct list *last_idle;

	(void)pthread_mutex_lock(&mutex);
	last_idle = list_take_first(&idle);
	if (last_idle) {
		struct worker *worker = list_entry(last_idle, struct worker, in_idle);

		worker->work = work;
		(void)pthread_cond_signal(&worker->wake);
	}
	(void)pthread_mutex_unlock(&mutex);
	return last_idle ? 0 : start_worker(work);
}

void
nur_thread_set_idle_time(nur_time new_idle_time)
{
	struct list *node;

	(void)pthread_mutex_lock(&mutex);
	idle_time = new_idle_time;
	list_for_each(node, &idle) {
		(void)pthread_cond_signal(&list_entry(node, struct worker, in_idle)->wake);
	}
	(void)pthread_mutex_unlock(&mutex);
}

void
nuri_thread_cache_before_fork(void)
{
	(void)pthread_mutex_lock(&mutex);
}

void
nuri_thread_cache_after_fork(bool is_child)
{
	struct list *node;

	/* The child has their memory, and not the threads; a condition that is waited for stays as it is. */
	while (is_child && (node = list_take_first(&idle))) {
		free(list_entry(node, struct worker, in_idle));
	}
	(void)pthread_mutex_unlock(&mutex);
}
