/* SPDX-License-Identifier: MIT */
/* The threads of an engine that has several: each is a run with an engine of its own. See workers.c. */
#pragma once

#include <fetch/fetch.h>

#include "lib/fetch/errand.h"

/*
 * struct fetch_worker - one of them, as the engine's run sees it
 *
 * site    tasks in it live in the worker's nursery
 * engine  only to be touched there
 * name    of the thread and its run
 */
struct fetch_worker {
	struct fetch_site site;
	struct fetch_engine *engine;
	unsigned number;
	char name[16];
};

struct fetch_workers;

/**
 * fetch_workers_create() - start threads, inside a run
 * @options: of the engine; each gets its share
 *
 * Blocks until all have an engine. Checkpoint: never.
 * Errors: as fetch_engine_create(), -EAGAIN no thread could be started, those of nur_run() for a thread's; nothing
 * is left
 */
int fetch_workers_create(
	const struct fetch_engine_options *options, struct fetch_workers **ret_workers);

/* fetch_workers_destroy() - end them, and wait for that; no errand is under way; accepts NULL (no checkpoint) */
void fetch_workers_destroy(struct fetch_workers *workers);

unsigned fetch_workers_count(const struct fetch_workers *workers);

const struct fetch_worker *fetch_workers_get(const struct fetch_workers *workers, unsigned number);

/* fetch_workers_owner() - which of @n has an origin to itself */
unsigned fetch_workers_owner(unsigned n, const char *origin);

/* fetch_workers_share() - what a worker has of @total: the shares add up to it, but none is 0 */
unsigned fetch_workers_share(const struct fetch_workers *workers, unsigned number, unsigned total);

/*
 * fetch_workers_each() - call @fn on the loop's stack of each, one after the other, and wait. Checkpoint: always;
 * cancellation does not shorten it
 */
void fetch_workers_each(const struct fetch_workers *workers,
	void (*fn)(const struct fetch_worker *worker, void *arg), void *arg);
