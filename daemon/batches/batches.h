/* SPDX-License-Identifier: MIT */
/*
 * The one door through which every batch enters, whatever its source (a request, a job), and the registry in
 * which it can be found while it runs and for a while after.
 *
 * A batch is held by whoever runs it, by whoever shows it, and by the registry; the last one frees it. Its
 * results are kept as the JSON text they are shown in, in the order of finishing, so that the collected
 * answer, the stream and a later look are three readings of one list.
 */
#pragma once

#include <fetch/fetch.h>
#include <sys/types.h>

#include "daemon/ops/access.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/arena.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/result.h"

struct batch;
struct batches;
struct store_queue;
struct tally;

/*
 * max_running    batches at one time
 * max_kept       batches that are over and still in memory
 * max_kept_bytes of their results together; the oldest go first
 * store          of detached batches, borrowed; NULL: there are none
 * retain_ns      how long it keeps them when they are over
 * read_credential  as in struct batch_limits, for batches that are read again
 */
struct batches_options {
	size_t max_running;
	size_t max_kept;
	size_t max_kept_bytes;
	struct store_queue *store;
	int64_t retain_ns;
	int (*read_credential)(const char *name, struct buffer *out);
};

/* batches_create() - @engine is borrowed until batches_destroy(). -ENOMEM */
int batches_create(struct fetch_engine *engine, const struct batches_options *options,
	struct batches **ret_batches);

/* batches_destroy() - no batch is running; accepts NULL */
void batches_destroy(struct batches *batches);

/*
 * batches_drain() - from now on nothing is admitted, and detached batches are suspended as soon as that harms none
 * of their URLs
 */
void batches_drain(struct batches *batches);
bool batches_is_draining(const struct batches *batches);

size_t batches_n_running(const struct batches *batches);

/* What is going on for one user: batches that are not over, and their URLs without a result. */
struct batches_usage {
	size_t n_batches;
	size_t n_urls;
};

/* batches_usage_of() - of a user's batches, jobs' not counted; goes through all that are known */
struct batches_usage batches_usage_of(const struct batches *batches, uid_t uid);

/* batches_tally() - what all URLs came to that are over */
const struct tally *batches_tally(const struct batches *batches);

/* batches_set_max_running() - for what is admitted from now on */
void batches_set_max_running(struct batches *batches, size_t max_running);

/* batches_wait_idle() - until none is running. Checkpoint: always. NUR_ECANCELED */
int batches_wait_idle(struct batches *batches);

/* batches_cancel_all() - cancel what is running */
void batches_cancel_all(struct batches *batches, enum cancel_reason reason);

/**
 * batches_admit() - make a batch of a description
 * @description: taken on success
 * @ret_batch:   given, batch_unref(); the caller must batch_run() it
 *
 * Checkpoint: never
 * Errors: -ESHUTDOWN  draining
 *         -EAGAIN     max_running are running
 *         -ENOMEM, -E2BIG
 */
int batches_admit(
	struct batches *batches, struct batch_description *description, struct batch **ret_batch);

/*
 * A batch that is to go on by itself, with what it was made of.
 *
 * description       taken, also on an error
 * kind, query, body  as it came; query may be NULL; body is taken, also on an error
 * defaults, limits  that were in force
 * uid, level, key   who sends it, what he may do, and the Idempotency-Key, or NULL
 * max_stored        bytes that this user may have in the store, when it has some already
 */
struct batch_submission {
	struct batch_description *description;
	enum batch_kind kind;
	const char *query;
	struct buffer body;
	struct batch_defaults defaults;
	struct batch_limits limits;
	uid_t uid;
	enum access_level level;
	const char *key;
	int64_t max_stored;
};

/**
 * batches_accept() - make a detached batch, which runs by itself from now on
 * @ret_batch: given, batch_unref()
 *
 * A caller that is cancelled does not know whether the batch was accepted; the key is for that.
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED
 *         -ENOSYS     there is no store
 *         -ESHUTDOWN  draining
 *         -EAGAIN     max_running are running
 *         -EBUSY      a batch of this user and key is being accepted
 *         -EEXIST     there is one, made of another body
 *         -ENOSPC     the store is full
 *         -EDQUOT     the user has @submission->max_stored there
 *         -EIO        the store has failed, before or now: batches_store_why()
 *         -ENOMEM, -E2BIG, NUR_ENOSTACK
 *
 * Return: 0 when it is on disk, 1 when @ret_batch is an earlier one of the same key and body, or an error.
 */
int batches_accept(
	struct batches *batches, struct batch_submission *submission, struct batch **ret_batch);

/**
 * batches_restore() - take up what the store has unfinished, before anything is admitted
 *
 * What cannot be taken up is logged and left where it is.
 *
 * Checkpoint: always. Errors: of the store; NUR_ECANCELED
 */
int batches_restore(struct batches *batches);

/**
 * batches_serve_detached() - run detached batches until cancelled, and let old ones expire
 *
 * Until it has begun none is accepted; those that are cancelled by its end are suspended.
 *
 * Checkpoint: always. Errors: NUR_ECANCELED
 */
int batches_serve_detached(struct batches *batches);

bool batches_have_store(const struct batches *batches);

/* batches_store_statistics() - NULL: there is no store; borrowed, until the next checkpoint */
struct store_statistics;
const struct store_statistics *batches_store_statistics(const struct batches *batches);

/* batches_store_why() - NULL, or why the store has failed */
const char *batches_store_why(const struct batches *batches);

/**
 * batch_run() - fetch it in the calling task
 *
 * Whatever happens, the batch is done afterwards and every URL has its result.
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED  the caller was cancelled (a cancel of the batch alone is no error)
 *         -ENOMEM        results were lost for lack of memory
 */
int batch_run(struct batch *batch);

/* batch_cancel() - end it early; harmless when it is over */
void batch_cancel(struct batch *batch, enum cancel_reason reason);

/*
 * batch_set_owner() - the user who has asked for it; before that, the daemon's own: a job's
 * @level: of this user; the number of the engine's address policy that the batch is under, ACCESS_NONE of jobs
 */
void batch_set_owner(struct batch *batch, uid_t uid, enum access_level level);
uid_t batch_owner(const struct batch *batch);

/* batch_wait_done() - until nothing of it is alive. Checkpoint: always. NUR_ECANCELED */
int batch_wait_done(struct batch *batch);

/* batch_wait_results() - until it has more than @n_seen results or does not run. Checkpoint: always. NUR_ECANCELED */
int batch_wait_results(struct batch *batch, size_t n_seen);

const char *batch_id(const struct batch *batch);

/* A batch that is not running is done, or suspended. */
bool batch_is_running(const struct batch *batch);
bool batch_is_done(const struct batch *batch);

/* batch_n_results() - of a detached batch, those that are on disk */
size_t batch_n_results(const struct batch *batch);

/* One result as a JSON object; borrowed from the batch. */
struct batch_text {
	const char *data;
	size_t len;
};

/* batch_is_stored() - its results are not in memory: batch_read_page() has them, and the next two calls must not be made */
bool batch_is_stored(const struct batch *batch);

/* batch_result() - the @n-th to finish, from 0; n < batch_n_results() */
struct batch_text batch_result(const struct batch *batch, size_t n);

/* batch_result_of() - that of the URL with this index; data NULL: not finished yet */
struct batch_text batch_result_of(const struct batch *batch, size_t index);

size_t batch_n_urls(const struct batch *batch);

/* A result of a page; number: as the page's order has it. */
struct batch_page_result {
	size_t number;
	struct batch_text text;
};

#define BATCH_PAGE_MAX 256 /* results */

/* Some of a stored batch's results, one after another; zeroed is empty. */
struct batch_page {
	struct arena texts;
	struct batch_page_result *results;
	size_t n;
};

enum batch_order {
	BATCH_BY_SEQ,   /* in the order of finishing, from 1 */
	BATCH_BY_INDEX, /* in that of the URLs, from 0 */
};

/**
 * batch_read_page() - read the next results of a stored batch, as many as fit into some memory, at least one
 * @from:     the number that the first one has at least
 * @ret_page: batch_page_fini()
 *
 * Checkpoint: always
 * Errors:     -ENOENT  there are none: the batch has expired, or @from is behind its last
 *             -ENOMEM, and those of the store
 */
int batch_read_page(const struct batch *batch, enum batch_order order, size_t from,
	struct batch_page *ret_page);

/* batch_page_fini() - accepts zeroed */
void batch_page_fini(struct batch_page *page);

/* batch_fingerprint() - the same for two batches of the same URLs of which the same ones failed the same way */
uint64_t batch_fingerprint(const struct batch *batch);

/* batch_describe() - as it is now; strings are borrowed from the batch */
struct batch_summary batch_describe(const struct batch *batch);

struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch *batch);

DEFINE_CLEANUP(struct batch *, batch_unref);

/* batches_find() - a new reference to the batch of this id that is in memory, or NULL */
struct batch *batches_find(struct batches *batches, const char *id);

/* batches_look_up() - the same in memory and in the store; given. Checkpoint: always. -ENOENT, or of the store */
int batches_look_up(struct batches *batches, const char *id, struct batch **ret_batch);

/* batches_next() - from the newest to the oldest: NULL begins; NULL is the end; borrowed, no checkpoint between */
struct batch *batches_next(struct batches *batches, struct batch *batch);

/*
 * state   enum batch_state; -1: all
 * owner   only this user's; -1: all
 * before  only batches with smaller ids; NULL: all
 * limit   of them; > 0
 * show    called for each, without a checkpoint between
 */
struct batches_query {
	int state;
	int64_t owner;
	const char *before;
	size_t limit;
	void (*show)(void *user, const struct batch_summary *summary);
	void *user;
};

/**
 * batches_list() - what there is in memory and in the store, from the newest to the oldest
 * Checkpoint: always. Errors: of the store, nothing was shown
 * Return: how many were shown, or an error.
 */
int batches_list(struct batches *batches, const struct batches_query *query);
