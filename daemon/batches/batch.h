/* SPDX-License-Identifier: MIT */
/*
 * A batch and the registry from inside, for the files behind daemon/batches/batches.h:
 *
 *	batches.c   the registry: who comes in, who is found
 *	batch.c     one batch: it is run, and its results are kept
 *	accept.c    the door of detached ones
 *	detached.c  what they do beside that
 *	restore.c   those that an earlier start left unfinished
 *	serve.c     the nursery they run in, and their expiry
 *	past.c      those that are over and only in the store
 */
#pragma once

#include <nursery.h>
#include <time.h>

#include "daemon/batches/batch_request.h"
#include "daemon/batches/batches.h"
#include "daemon/batches/tally.h"
#include "lib/base/buffer.h"
#include "lib/base/list.h"
#include "lib/protocol/arena.h"

struct detachment;
struct store_queue;

/*
 * struct batch
 *
 * node         in batches->all, newest first; unlinked once the registry let go
 * uid          whose it is; is_asked_for: somebody's, and not a job's
 * level        of that somebody, when it was accepted; ACCESS_NONE of a job's
 * name, policy, deadline_ns, n_urls  of the description, for those who look at it later
 * description  what was asked for, until the batch is done: it holds headers and bodies
 * request      the engine's view of it, likewise
 * scope        around the fetching: batch_cancel()
 * texts        memory of the results' texts, which never move
 * results      in the order of finishing
 * by_index     place in @results plus one; 0: not finished
 * n_shown      of the results: all, but of a detached batch those that are on disk
 * fingerprint  of the failures among them
 * progress     those who wait for more results or for the end
 * line         where the next text is written first
 * shown_url    its URL without user info
 * detachment   NULL: it is attached
 * cancelled    by the first batch_cancel()
 * stored       number in the store of one whose results are only there; 0: they are here
 */
struct batch {
	struct list node;
	struct batches *owner;
	unsigned n_refs;
	char id[24];
	uid_t uid;
	bool is_asked_for;
	enum access_level level;
	const char *name;
	enum batch_policy policy;
	int64_t deadline_ns;
	size_t n_urls;
	struct batch_description *description;
	struct batch_request *request;
	struct nur_cancel_scope scope;
	enum batch_state state;
	enum batch_outcome outcome;
	struct result_counts counts;
	struct timespec started;
	nur_time accepted_at;
	nur_time elapsed;
	struct arena texts;
	size_t n_text_bytes;
	struct batch_text *results;
	uint32_t *by_index;
	size_t n_results;
	size_t n_shown;
	uint64_t fingerprint;
	struct nur_parking_lot progress;
	struct buffer line;
	struct buffer shown_url;
	struct detachment *detachment;
	enum cancel_reason cancelled;
	int64_t stored;
};

/*
 * struct batches
 *
 * all       running ones, and of those that are over the newest
 * n_kept    of @all, over; n_kept_bytes of their results
 * store     NULL: there is none
 * detached  the nursery of detached batches, while they are served
 * expiring  batches_serve_detached() waits here
 */
struct batches {
	struct fetch_engine *engine;
	struct batches_options options;
	struct list all;
	struct tally tally;
	size_t n_running;
	size_t n_kept;
	size_t n_kept_bytes;
	uint32_t next_number;
	uint64_t last_ms;
	bool is_draining;
	struct nur_parking_lot idle;
	struct store_queue *store;
	struct nur_nursery *detached;
	struct nur_parking_lot expiring;
};

/* ---- batch.c ---- */

/**
 * batch_create() - of a description, in no list yet
 * @description: taken on success
 * Errors: -ENOMEM, -E2BIG
 */
int batch_create(
	struct batches *owner, struct batch_description *description, struct batch **ret_batch);

/* batch_create_past() - one that is over, with its results in the store. -ENOMEM */
int batch_create_past(
	struct batches *owner, const char *name, int64_t stored, struct batch **ret_batch);

/* batch_keep() - add a URL's final result, as the last one. -ENOMEM: it is as if it had not been there */
int batch_keep(struct batch *batch, const struct fetch_result *result);

/* batch_keep_text() - the same of one that is text already */
int batch_keep_text(struct batch *batch, size_t index, enum result_outcome outcome,
	const char *text, size_t len);

/* batch_show() - let everybody see the first @n results */
void batch_show(struct batch *batch, size_t n);

/* batch_fetch() - run its request; what the results' sink is, is the caller's. Errors as fetch_batch_run() */
int batch_fetch(struct batch *batch, const struct fetch_sink *sink, int *ret_inner,
	struct fetch_batch_summary *ret_summary);

/* batch_leave() - it is no longer running: forget what was asked for, tell all, keep it for a while */
void batch_leave(struct batch *batch, enum batch_state state);

/* ---- batches.c ---- */

/* batches_enter() - give it an id and put it into the registry, as running; adds the registry's reference */
void batches_enter(struct batches *batches, struct batch *batch);

/* batches_ended() - it is not running any more; keep it for a while, when @is_kept */
void batches_ended(struct batches *batches, struct batch *batch, bool is_kept);

/* ---- detached.c ---- */

/* detachment_destroy() - accepts NULL */
void detachment_destroy(struct detachment *detachment);

/* detachment_suspend() - the daemon stops: go on with what cannot be done twice, and nothing else */
void detachment_suspend(struct batch *batch);

/* detachment_is_hidden() - it is not accepted yet */
bool detachment_is_hidden(const struct batch *batch);

/* ---- past.c ---- */

/* What a part of the store's list says; strings and summaries are in the arena. */
struct past {
	struct arena arena;
	struct batch_summary *summaries;
	size_t n;
};

#define PAST_INIT \
	{ \
		ARENA_INIT, NULL, 0 \
	}

/* past_read() - as many as @query may show of those that are over. Checkpoint: always. -ENOMEM, of the store */
int past_read(struct batches *batches, const struct batches_query *query, struct past *ret_past);

void past_fini(struct past *past);

/* past_find() - one that is over; given. Checkpoint: always. -ENOENT, -ENOMEM, of the store */
int past_find(struct batches *batches, const char *id, struct batch **ret_batch);
