/* SPDX-License-Identifier: MIT */
/* A batch of an engine with several workers. See split.c. */
#pragma once

#include "lib/fetch/batch.h"
#include "lib/fetch/shares.h"
#include "lib/fetch/workers.h"

struct fetch_split;

/*
 * struct fetch_part - what a worker has of a batch: there is one for each worker, also if it has no URLs
 *
 * batch     its URLs, as a batch that nobody but the split judges
 * home      where the batch is judged
 * shares    of which share is its own
 * sink      hands results over to the split
 * indexes   of its URLs, in the whole batch
 * is_begun  the worker has been told of it
 * The rest belongs to the worker's run:
 * run       of its URLs, while it goes on
 * queue     their places, and those of visitors (visit.c)
 * n_users   the run and the visitors
 * is_open   there is a queue; where requests are spaced, until the whole batch is over
 */
struct fetch_part {
	struct fetch_split *split;
	const struct fetch_worker *worker;
	const struct fetch_site *home;
	struct fetch_shares *shares;
	struct fetch_share share;
	struct fetch_batch batch;
	struct fetch_sink sink;
	const uint32_t *indexes;
	bool is_begun;
	struct fetch_run *run;
	struct fetch_queue queue;
	size_t n_users;
	bool is_open;
};

/**
 * fetch_split_run() - run a batch by the engine's workers
 *
 * Checkpoint: always. Errors: -ENOMEM: no result was given; else as fetch_run_within_deadline()
 */
NUR_CHECKPOINT int fetch_split_run(struct fetch_run *run);

/* fetch_part_host() - the part whose worker has @origin, if it is another than @part's, or NULL; from any thread */
struct fetch_part *fetch_part_host(const struct fetch_part *part, const char *origin);

/* fetch_part_enter() - in its worker's run: use the queue, until fetch_part_leave(). -ENOMEM */
int fetch_part_enter(struct fetch_part *part);
void fetch_part_leave(struct fetch_part *part);
