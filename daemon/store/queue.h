/* SPDX-License-Identifier: MIT */
/*
 * The store's owner: a task that takes all the work that waits, has a thread do it as one transaction, and
 * tells everybody when it is committed. So the loop never waits for a disk, and many small pieces of work
 * share a sync.
 *
 * The first transaction that fails is the last one (docs/store.md): that and all later work gets its code.
 * Reading goes on. Where memory is lacking, it is tried for five seconds first.
 */
#pragma once

#include <nursery.h>

#include "daemon/ops/histogram.h"
#include "daemon/store/store.h"
#include "lib/base/cleanup.h"
#include "lib/base/list.h"

struct store_queue;

/*
 * typedef store_work_fn - on the queue's thread; a negative return is a failure of the store
 *
 * What writes is run again after an -ENOMEM of anything in its transaction, which has been rolled back then.
 */
typedef int (*store_work_fn)(struct store *store, void *arg);

/*
 * struct store_work - one piece of work; in its owner's memory, zeroed but for what follows; must stay until
 * @done is called
 *
 * run      inside the transaction; of reading, after it
 * done     in the run, must not wait; @r is what @run returned, or why it is not on disk
 * arg      passed to both
 * is_read  writes nothing: it is done whatever became of other work
 */
struct store_work {
	store_work_fn run;
	void (*done)(void *arg, int r);
	void *arg;
	bool is_read;
	struct list node;
	int result;
};

/*
 * struct store_statistics - of the queue and of its store
 *
 * size       after the last work
 * n_commits, n_failures  transactions; after a failure there are no more
 * groups     works that shared a transaction; sizes
 * commits    how long they took
 */
struct store_statistics {
	struct store_size size;
	uint64_t n_commits;
	uint64_t n_failures;
	struct histogram groups;
	struct histogram commits;
};

/* store_queue_create() - @store is taken on success. -ENOMEM */
int store_queue_create(struct store *store, struct store_queue **ret_queue);

/* store_queue_destroy() - and close the store; store_queue_serve() has returned; accepts NULL */
void store_queue_destroy(struct store_queue *queue);

DEFINE_CLEANUP(struct store_queue *, store_queue_destroy);

/**
 * store_queue_serve() - have @body called with the queue working beside it
 *
 * All work is done before it returns, also when the caller is cancelled.
 *
 * Checkpoint: always
 * Errors: NUR_ENOSTACK, -ENOMEM, -EAGAIN: @body was not called; else what @body returned
 */
int store_queue_serve(struct store_queue *queue, nur_task_fn body, void *arg);

/* store_queue_post() - have it done soon; also from @done, after the queue's body has ended */
void store_queue_post(struct store_queue *queue, struct store_work *work);

/**
 * store_queue_call() - have it done, and wait for that
 *
 * Cancellation does not shorten the wait, which is one of a disk: it is told at the next checkpoint.
 *
 * Checkpoint: always
 * Return: what @run returned, or why it is not on disk.
 */
int store_queue_call(struct store_queue *queue, store_work_fn run, void *arg);

/* store_queue_read() - the same for reading. Checkpoint: always */
int store_queue_read(struct store_queue *queue, store_work_fn run, void *arg);

/* store_queue_statistics() - borrowed; they stay as they are until the next checkpoint */
const struct store_statistics *store_queue_statistics(const struct store_queue *queue);

/* store_queue_error() - 0, or why nothing is written any more; store_queue_why() - in words, "" without */
int store_queue_error(const struct store_queue *queue);
const char *store_queue_why(const struct store_queue *queue);
