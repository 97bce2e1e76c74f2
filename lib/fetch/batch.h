/* SPDX-License-Identifier: MIT */
/* A batch that is running, as its tasks see it. See batch.c. */
#pragma once

#include <nursery.h>

#include <fetch/fetch.h>

#include "lib/base/list.h"
#include "lib/fetch/admission.h"
#include "lib/fetch/engine.h"
#include "lib/fetch/transfer/handle.h"
#include "lib/fetch/twins.h"

struct fetch_part;

/*
 * On the stack of fetch_batch_run()'s caller. Where an engine has several workers there is one in the caller's
 * run, which has no queue, and one for each part in a worker's run (split.c).
 *
 * node     in engine->runs
 * queue    where its URLs wait
 * part     of which batch; NULL: it is whole
 * n_queued URLs that have not started
 * twins    NULL: each is fetched
 * fitted   handles for its requests
 * n_read   requests that were put into the queue, in order
 * reason   why what is cancelled now is cancelled; the first one stays
 * error    of the sink; the first one stays
 */
struct fetch_run {
	struct list node;
	struct fetch_engine *engine;
	const struct fetch_batch *batch;
	const struct fetch_sink *sink;
	struct nur_nursery *nursery;
	struct fetch_queue *queue;
	struct fetch_part *part;
	struct fetch_twins *twins;
	struct fetch_fitted fitted;
	struct nur_task *waiting;
	bool is_woken;
	size_t n_read;
	size_t n_queued;
	struct fetch_url
		*read_url;   /* of the request read last, until it starts or another is read */
	size_t n_results[4]; /* by outcome */
	enum fetch_cancel_reason reason;
	int64_t cause;
	int error;
};

/*
 * fetch_run_deliver() - a URL has its result: count it, hand it to the sink, apply the policy
 *
 * Its twins have it, too. Completes the result's total time; of a cancelled one also the reason and the cause. Never a
 * checkpoint, but where the sink is a part's.
 */
void fetch_run_deliver(struct fetch_run *run, struct fetch_result *result);

/* fetch_run_deliver_cancelled() - of a URL that never started */
void fetch_run_deliver_cancelled(struct fetch_run *run, size_t index);

/* fetch_run_deliver_refused() - of one that cannot start: it is bad (-EINVAL, with @detail), or the machine is */
void fetch_run_deliver_refused(struct fetch_run *run, size_t index, int error, const char *detail);

/* fetch_run_leave_queue() - @n URLs have started, or never will */
void fetch_run_leave_queue(struct fetch_run *run, size_t n);

/* fetch_run_find_twins() - before anything starts: nobody knows yet whose result others will want. NUR_ECANCELED */
NUR_CHECKPOINT int fetch_run_find_twins(struct fetch_run *run);

/* fetch_run_is_later_twin() - its result will be that of another one */
bool fetch_run_is_later_twin(const struct fetch_run *run, size_t index);

/* fetch_run_note_reason() - inside the scope that was cancelled: outside nobody knows any more why */
void fetch_run_note_reason(struct fetch_run *run);

/* fetch_run_init_queue() - for the batch's URLs. -ENOMEM */
int fetch_run_init_queue(struct fetch_queue *queue, struct fetch_engine *engine,
	const struct fetch_batch *batch, void (*wake)(void *user), void *user);

/* fetch_run_wake() - the queue's call: places came back. @user: the run */
void fetch_run_wake(void *user);

/* fetch_run_within_deadline() - a nursery in the scope of the batch's deadline. As nur_nursery_run() */
NUR_CHECKPOINT int fetch_run_within_deadline(struct fetch_run *run, nur_nursery_fn body, void *arg);

/* fetch_run_queue() - fetch all of them, with a queue. As fetch_run_within_deadline() */
NUR_CHECKPOINT int fetch_run_queue(struct fetch_run *run);

/* fetch_run_begin(), fetch_run_end() - the engine knows of it */
void fetch_run_begin(struct fetch_run *run);
void fetch_run_end(struct fetch_run *run);

#define FETCH_CONCURRENCY 64 /* of a batch that does not say */

/* A long list is gone through so far without letting others run. */
#define FETCH_READS_A_TURN 256
