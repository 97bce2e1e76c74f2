/* SPDX-License-Identifier: MIT */
/* A batch that is running, as its tasks see it. See batch.c. */
#pragma once

#include <nursery.h>

#include <fetch/fetch.h>

#include "lib/base/list.h"
#include "lib/fetch/admission.h"
#include "lib/fetch/engine.h"
#include "lib/fetch/twins.h"

/*
 * On the stack of fetch_batch_run()'s caller.
 *
 * node     in engine->runs
 * n_queued URLs that have not started
 * twins    NULL: each is fetched
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
	struct fetch_queue queue;
	struct fetch_twins *twins;
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
 * checkpoint.
 */
void fetch_run_deliver(struct fetch_run *run, struct fetch_result *result);
