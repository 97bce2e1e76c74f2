/* SPDX-License-Identifier: MIT */
/*
 * Work lies in one of two lists: that which waits, and the group under way, which belongs to the thread until
 * it has returned. The queue's task is shielded: it ends when it is told that no more work comes, and there
 * is none, so that what ended last is written, too.
 */
#include "daemon/store/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/store/store.h"

/* How often it is tried while memory is lacking, and the first pause, which doubles: five seconds in all. */
enum {
	max_tries = 10
};

static const nur_time first_pause = NUR_MSEC(10);

/*
 * waiting    work, in the order of its coming
 * group      what the thread works on
 * error      of the first transaction that failed
 * is_over    no more work comes, but from those who are told that theirs is done
 * is_closed  nor from them
 * was_run    there was a thread for the last call, and memory for what it did
 * is_dirty   the log has something that should not stay in it
 * statistics as of the last group; counted: of the thread, which goes on counting
 * more       the task waits here
 */
struct store_queue {
	struct store *store;
	struct nur_limiter *limiter;
	struct list waiting;
	struct list group;
	int error;
	char why[256];
	bool is_over;
	bool is_closed;
	bool was_run;
	bool is_dirty;
	struct store_statistics counted;
	struct store_statistics statistics;
	struct nur_parking_lot more;
};

int
store_queue_create(struct store *store, struct store_queue **ret_queue)
{
	_cleanup_(freep) struct store_queue *queue = calloc(1, sizeof(*queue));
	int r;

	if (!queue) {
		return -ENOMEM;
	}
	r = nur_limiter_create(1, &queue->limiter);
	if (r < 0) {
		return r;
	}
	queue->store = store;
	store_size(store, &queue->counted.size);
	queue->statistics = queue->counted;
	list_init(&queue->waiting);
	list_init(&queue->group);
	nur_parking_lot_init(&queue->more);
	*ret_queue = steal(&queue);
	return 0;
}

void
store_queue_destroy(struct store_queue *queue)
{
	if (!queue) {
		return;
	}
	assert(list_is_empty(&queue->waiting));
	nur_limiter_destroy(queue->limiter);
	store_close(queue->store);
	free(queue);
}

/* ---- on the thread ---- */

static int
run_writes(struct store_queue *queue)
{
	struct list *node;

	list_for_each(node, &queue->group) {
		struct store_work *work = list_entry(node, struct store_work, node);

		if (work->is_read) {
			continue;
		}
		work->result = work->run(queue->store, work->arg);
		if (work->result < 0) {
			return work->result;
		}
	}
	return 0;
}

static int64_t
monotonic_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists */
	return now.tv_sec * NUR_SEC(1) + now.tv_nsec;
}

static int
commit(struct store_queue *queue)
{
	int64_t began = monotonic_now();
	int r = store_commit(queue->store);

	if (r == 0) {
		histogram_add(&queue->counted.commits, monotonic_now() - began);
	}
	return r;
}

static int
run_transaction(struct store_queue *queue)
{
	int r = store_begin(queue->store);

	if (r < 0) {
		return r;
	}
	r = run_writes(queue);
	if (r == 0) {
		r = commit(queue);
	}
	if (r < 0) {
		store_rollback(queue->store);
	}
	return r;
}

static void
run_reads(struct store_queue *queue)
{
	struct list *node;

	list_for_each(node, &queue->group) {
		struct store_work *work = list_entry(node, struct store_work, node);

		if (work->is_read) {
			work->result = work->run(queue->store, work->arg);
		}
	}
}

static int64_t
count_writes(const struct store_queue *queue)
{
	const struct list *node;
	int64_t n = 0;

	list_for_each(node, &queue->group) {
		n += !list_entry(node, struct store_work, node)->is_read;
	}
	return n;
}

static void
count_group(struct store_queue *queue, int64_t n_writes, int r)
{
	struct store_statistics *counted = &queue->counted;

	if (r < 0) {
		counted->n_failures++;
	} else {
		counted->n_commits++;
		histogram_add_size(&counted->groups, n_writes);
	}
	store_size(queue->store, &counted->size);
}

/* Before the next call changes it. */
static void
keep_why(struct store_queue *queue, int r)
{
	if (r < 0) {
		(void)snprintf(queue->why, sizeof(queue->why), "%s", store_why(queue->store));
	}
}

static int
work_off(void *arg)
{
	struct store_queue *queue = arg;
	int64_t n_writes = count_writes(queue);
	int r = 0;

	if (queue->error == 0 && n_writes > 0) {
		r = run_transaction(queue);
		keep_why(queue, r);
		if (r == -ENOMEM) {
			return r; /* all of it is tried again */
		}
		count_group(queue, n_writes, r);
	}
	run_reads(queue);
	queue->is_dirty = store_needs_trim(queue->store);
	return r;
}

static int
trim_log(void *arg)
{
	struct store_queue *queue = arg;
	int r = store_trim_log(queue->store);

	keep_why(queue, r);
	return r;
}

/* ---- in the run ---- */

struct thread_call {
	struct store_queue *queue;
	nur_thread_fn fn;
};

static int
run_thread_call(void *arg)
{
	const struct thread_call *call = arg;
	int r = call->fn(call->queue);

	call->queue->was_run = r != -ENOMEM;
	return r;
}

static int
on_thread(struct store_queue *queue, nur_thread_fn fn)
{
	const struct nur_thread_options options = { .name = "store", .limiter = queue->limiter };
	struct thread_call call = { queue, fn };

	queue->was_run = false;
	return nur_thread_run(run_thread_call, &call, &options);
}

/*
 * Where memory was lacking, for the thread or in the transaction, nothing is in doubt: unlike after a sync that failed,
 * it is known what a second try means, and it is a pity to do without a store for a lack that may be over in a moment.
 */
static int
on_thread_soon(struct store_queue *queue, nur_thread_fn fn)
{
	nur_time pause = first_pause;
	int r = on_thread(queue, fn);

	for (int n = 1; r < 0 && !queue->was_run && n < max_tries; n++) {
		(void)!nur_sleep(pause); /* shielded */
		pause *= 2;
		r = on_thread(queue, fn);
	}
	return r;
}

static void
note_failure(struct store_queue *queue, int r)
{
	queue->error = r;
	if (!queue->why[0]) {
		(void)snprintf(queue->why, sizeof(queue->why), "%s", nur_strerror(r));
	}
	log_at(LOG_ERR, LOG_FIELDS(EVENT(STORE_FAILED)),
		"the store has failed: %s; nothing is written to it, and no detached batch is "
		"accepted, until the next start",
		queue->why);
}

/* Writes of a failed transaction fail with it, reads only when there was no thread or memory for them. */
static int
result_of(const struct store_queue *queue, const struct store_work *work, int r)
{
	if (!work->is_read && queue->error < 0) {
		return queue->error;
	}
	return queue->was_run ? work->result : r;
}

static void
work_off_waiting(struct store_queue *queue)
{
	struct list *node;
	int r;

	list_move_all(&queue->group, &queue->waiting);
	r = on_thread_soon(queue, work_off);
	if (r < 0 && queue->error == 0) {
		queue->counted.n_failures += !queue->was_run;
		note_failure(queue, r);
	}
	queue->statistics = queue->counted;
	while ((node = list_take_first(&queue->group))) {
		struct store_work *work = list_entry(node, struct store_work, node);

		work->done(work->arg, result_of(queue, work, r));
	}
}

/* What was erased is still in the log. */
static void
clean_up(struct store_queue *queue)
{
	queue->is_dirty = false;
	if (queue->error == 0) {
		int r = on_thread_soon(queue, trim_log);

		if (r < 0) {
			note_failure(queue, r);
		}
	}
}

static int
work(struct store_queue *queue)
{
	int r = 0;

	while (r >= 0) {
		if (!list_is_empty(&queue->waiting)) {
			work_off_waiting(queue);
		} else if (queue->is_dirty) {
			clean_up(queue);
		} else if (queue->is_over) {
			return 0;
		} else {
			r = nur_parking_lot_park(&queue->more, "work for the store");
		}
	}
	return r;
}

static int
close_store(void *arg)
{
	struct store_queue *queue = arg;

	store_close(queue->store);
	queue->store = NULL;
	return 0;
}

static int
work_and_close(struct store_queue *queue)
{
	int r = work(queue);

	queue->is_closed = true;
	(void)on_thread(
		queue, close_store); /* without a thread, whoever destroys the queue closes it */
	return r;
}

static int
worker(void *arg)
{
	struct store_queue *queue = arg;
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_set_shield(&scope, true);
	return NUR_WITHIN(&scope, work_and_close(queue));
}

static void
wake(struct store_queue *queue)
{
	(void)nur_parking_lot_unpark(&queue->more, SIZE_MAX, 0);
}

struct serving {
	struct store_queue *queue;
	nur_task_fn body;
	void *arg;
};

static int
serve(struct nur_nursery *nursery, void *arg)
{
	struct serving *serving = arg;
	int r = nur_start_soon(nursery, "store", worker, serving->queue);

	if (r < 0) {
		return r;
	}
	r = serving->body(serving->arg);
	serving->queue->is_over = true;
	wake(serving->queue);
	return r;
}

int
store_queue_serve(struct store_queue *queue, nur_task_fn body, void *arg)
{
	struct serving serving = { queue, body, arg };

	return nur_nursery_run(serve, &serving, NULL);
}

void
store_queue_post(struct store_queue *queue, struct store_work *work)
{
	assert(!queue->is_closed);
	work->result = 0;
	list_append(&queue->waiting, &work->node);
	wake(queue);
}

/* Somebody who waits. */
struct call {
	store_work_fn run;
	void *arg;
	struct nur_parking_lot done;
	bool is_done;
	int result;
};

static int
run_call(struct store *store, void *arg)
{
	struct call *call = arg;

	return call->run(store, call->arg);
}

static void
call_done(void *arg, int r)
{
	struct call *call = arg;

	call->is_done = true;
	call->result = r;
	(void)nur_parking_lot_unpark(&call->done, SIZE_MAX, 0);
}

static int
wait_done(struct call *call)
{
	int r = 0;

	while (r >= 0 && !call->is_done) {
		r = nur_parking_lot_park(&call->done, "store");
	}
	return r;
}

static int
call_and_wait(struct store_queue *queue, store_work_fn run, void *arg, bool is_read)
{
	struct call call = { .run = run, .arg = arg };
	struct store_work work = {
		.run = run_call, .done = call_done, .arg = &call, .is_read = is_read
	};
	struct nur_cancel_scope scope;

	nur_parking_lot_init(&call.done);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_set_shield(&scope, true);
	store_queue_post(queue, &work);
	(void)NUR_WITHIN(&scope, wait_done(&call)); /* shielded, and nothing breaks the lot */
	return call.result;
}

int
store_queue_call(struct store_queue *queue, store_work_fn run, void *arg)
{
	return call_and_wait(queue, run, arg, false);
}

int
store_queue_read(struct store_queue *queue, store_work_fn run, void *arg)
{
	return call_and_wait(queue, run, arg, true);
}

const struct store_statistics *
store_queue_statistics(const struct store_queue *queue)
{
	return &queue->statistics;
}

int
store_queue_error(const struct store_queue *queue)
{
	return queue->error;
}

const char *
store_queue_why(const struct store_queue *queue)
{
	return queue->why;
}
