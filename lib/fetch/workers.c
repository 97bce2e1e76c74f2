/* SPDX-License-Identifier: MIT */
/*
 * Several workers:
 *
 *	engine (the caller's run)
 *	  workers ─┬─ thread: run ─ engine ─ nursery ─── a task for each errand
 *	           ├─ thread: run ─ engine ─ nursery
 *	           └─ …
 *
 * A thread is started with the engine and joined with it. Between that its run waits for errands, and nobody
 * else's task ever runs there: what a worker does is done for a task that waits (errand.c), so when all batches
 * are over the workers are idle. Nothing of an engine is shared; the threads meet in entry queues.
 *
 * An origin belongs to one worker, by hash: its connections, limits and rests are in one place. The hash is no
 * secret. Whoever may choose origins can give one worker all the work, and has what one worker can do.
 */
#include "lib/fetch/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/hash.h"

/*
 * options   its share of the engine's; borrowed until it has begun
 * begun     posted when the engine is there, or error says why not
 * stop      sets stopping, over there
 */
struct thread {
	struct fetch_worker worker;
	struct fetch_engine_options options;
	pthread_t id;
	sem_t begun;
	int error;
	struct nur_wakeup stop;
	struct nur_event stopping;
};

/* token: of the caller's run, which has one as long as there are workers */
struct fetch_workers {
	struct nur_token *token;
	unsigned n;
	struct thread threads[];
};

/* ---- the thread ---- */

static int
stop(void *arg)
{
	struct thread *thread = arg;

	nur_event_set(&thread->stopping);
	return 0;
}

static int
wait_for_errands(struct nur_nursery *nursery, void *arg)
{
	struct thread *thread = arg;

	thread->worker.site.nursery = nursery;
	(void)sem_post(&thread->begun); /* fails only above SEM_VALUE_MAX */
	return nur_event_wait(&thread->stopping);
}

static int
worker_main(void *arg)
{
	struct thread *thread = arg;
	int r;

	nur_event_init(&thread->stopping);
	r = nur_token_open(&thread->worker.site.token);
	if (r == 0) {
		r = fetch_engine_create(&thread->options, &thread->worker.engine);
	}
	if (r == 0) {
		r = nur_nursery_run(wait_for_errands, thread, NULL);
	}
	fetch_engine_destroy(thread->worker.engine);
	return r;
}

static void *
run_thread(void *arg)
{
	struct thread *thread = arg;

	(void)pthread_setname_np(
		pthread_self(), thread->worker.name); /* fails for long names only */
	thread->error = nur_run(worker_main, thread, NULL, NULL);
	(void)sem_post(&thread->begun); /* for those who could not begin */
	return NULL;
}

static int
start(struct thread *thread)
{
	int r;

	(void)sem_init(&thread->begun, 0, 0); /* 0 is a good value */
	r = pthread_create(&thread->id, NULL, run_thread, thread);
	if (r != 0) {
		(void)sem_destroy(&thread->begun); /* nobody waits */
		return -r;
	}
	while (sem_wait(&thread->begun) < 0 && errno == EINTR) {
	}
	nur_wakeup_init(&thread->stop, thread->worker.site.token, stop, thread);
	return 0;
}

static void
join(struct thread *thread)
{
	if (thread->worker.site.nursery) {
		(void)nur_wakeup_send(&thread->stop); /* it runs until it has got this */
	}
	(void)pthread_join(thread->id, NULL); /* cannot fail: it is ours and not this one */
	nur_token_close(thread->worker.site.token);
	(void)sem_destroy(&thread->begun); /* nobody waits */
}

/* ---- all of them ---- */

/* Return: 0, or why the thread has no engine: then it is not counted. */
static int
add_thread(struct fetch_workers *workers, const struct fetch_engine_options *options)
{
	struct thread *thread = &workers->threads[workers->n];
	int r;

	thread->worker.number = workers->n;
	(void)snprintf(
		thread->worker.name, sizeof(thread->worker.name), "worker %u", workers->n + 1);
	thread->options = *options;
	r = start(thread);
	if (r < 0) {
		return r;
	}
	if (!thread->worker.site.nursery) {
		join(thread);
		return thread->error;
	}
	workers->n++;
	return 0;
}

static unsigned
share(unsigned total, unsigned n, unsigned number)
{
	unsigned part = total / n + (number < total % n);

	return part > 0 ? part : 1;
}

int
fetch_workers_create(const struct fetch_engine_options *options, struct fetch_workers **ret_workers)
{
	unsigned n = options->workers;
	struct fetch_workers *workers = calloc(1, sizeof(*workers) + n * sizeof(struct thread));
	int r;

	if (!workers) {
		return -ENOMEM;
	}
	r = nur_token_open(&workers->token);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct fetch_engine_options of_one = *options;

		of_one.workers = 1;
		of_one.in_flight = share(options->in_flight, n, i);
		of_one.max_idle = share(options->max_idle, n, i);
		r = add_thread(workers, &of_one);
	}
	if (r < 0) {
		fetch_workers_destroy(workers);
		return r;
	}
	*ret_workers = workers;
	return 0;
}

void
fetch_workers_destroy(struct fetch_workers *workers)
{
	if (!workers) {
		return;
	}
	for (unsigned i = 0; i < workers->n; i++) {
		join(&workers->threads[i]);
	}
	nur_token_close(workers->token);
	free(workers);
}

unsigned
fetch_workers_count(const struct fetch_workers *workers)
{
	return workers->n;
}

const struct fetch_worker *
fetch_workers_get(const struct fetch_workers *workers, unsigned number)
{
	assert(number < workers->n);

	return &workers->threads[number].worker;
}

unsigned
fetch_workers_owner(unsigned n, const char *origin)
{
	uint64_t hash = hash_text(origin);

	return (unsigned)((hash ^ (hash >> 32)) % n); /* its high bits are the better ones */
}

unsigned
fetch_workers_share(const struct fetch_workers *workers, unsigned number, unsigned total)
{
	return share(total, workers->n, number);
}

struct each {
	void (*fn)(const struct fetch_worker *worker, void *arg);
	const struct fetch_worker *worker;
	void *arg;
};

static void
call_one(void *arg)
{
	const struct each *each = arg;

	each->fn(each->worker, each->arg);
}

void
fetch_workers_each(const struct fetch_workers *workers,
	void (*fn)(const struct fetch_worker *worker, void *arg), void *arg)
{
	for (unsigned i = 0; i < workers->n; i++) {
		struct each each = { fn, &workers->threads[i].worker, arg };

		fetch_errand_call(&each.worker->site, call_one, &each);
	}
}
