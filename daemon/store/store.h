/* SPDX-License-Identifier: MIT */
/*
 * Detached batches on disk: one SQLite file. All calls block, and one is made at a time, by whatever thread;
 * daemon/store/queue.h sees to that. The mechanism is in docs/store.md.
 *
 * What is written is written between store_begin() and store_commit(). Texts are borrowed for the call,
 * those given to callbacks until they return. Times of day are ns since 1970.
 *
 * Errors of all calls but store_open() and store_close(), which say theirs, unless there are more:
 * -ENOSPC, -EIO, -EBADMSG (the file is damaged), -EROFS, -EFBIG, -ENOMEM. store_why() has the words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/cleanup.h"

struct store;

#define STORE_FILE   "batches.db"
#define STORE_ID_CAP 24 /* bytes of a batch's id, with its NUL */

/**
 * store_open() - open the store of a folder, or make one; bring it to this version
 * @folder:   made if it is not there, not its parents
 * @max_size: bytes; above, store_is_full()
 * @why:      on an error, what is wrong; @cap bytes
 *
 * Errors: -EBUSY            another process has it
 *         -EPROTONOSUPPORT  made by a later version
 *         -EBADMSG          no store, or damaged
 *         -ENOSPC, -EIO, -ENOMEM, as open(2) and mkdir(2)
 */
int store_open(
	const char *folder, int64_t max_size, struct store **ret_store, char *why, size_t cap);

/* store_close() - accepts NULL; what was committed is there, whatever happens */
void store_close(struct store *store);

DEFINE_CLEANUP(struct store *, store_close);

/* store_why() - words for the last error; until the next call */
const char *store_why(struct store *store);

int store_begin(struct store *store);

/* store_commit() - and sync; store_rollback() - as if nothing had been asked since store_begin() */
int store_commit(struct store *store);
void store_rollback(struct store *store);

/*
 * store_needs_trim() - the log still has what was erased; store_trim_log() - cut it to nothing, between
 * transactions
 */
bool store_needs_trim(const struct store *store);
int store_trim_log(struct store *store);

/* store_is_full() - over max_size; store_is_filling() - over nine tenths of it. Return: 1, 0, or an error. */
int store_is_full(struct store *store);
int store_is_filling(struct store *store);

/*
 * struct store_size - what there is in it
 *
 * n_bytes, max_bytes    used, and allowed
 * n_unfinished, n_done  batches; expired ones are not counted
 */
struct store_size {
	int64_t n_bytes;
	int64_t max_bytes;
	int64_t n_unfinished;
	int64_t n_done;
};

/* store_size() - between transactions */
void store_size(struct store *store, struct store_size *ret_size);

/*
 * What was asked for, as it came; kind is an enum batch_kind. Numbers as in lib/protocol/batch_fields.h.
 *
 * level       enum access_level of who sent it
 * max_stored  bytes that the batch's user may have in the store, when it has some already; not kept
 */
struct store_request {
	int kind;
	const char *query;
	const char *body;
	size_t body_len;
	int64_t deadline_ns;
	int64_t timeout_ns;
	int64_t connect_timeout_ns;
	int64_t concurrency;
	int64_t per_origin;
	int64_t redirects;
	int64_t max_urls;
	int64_t max_in_flight;
	int64_t max_per_origin;
	int64_t max_body;
	int64_t max_stored;
	int level;
};

/*
 * number      of the batch in the store; given by it
 * key         of idempotency, or NULL; key_hash of what came with it
 * name        or NULL
 * outcome     enum batch_outcome; -1: unfinished. The members behind it say nothing then.
 * n_outcomes  by enum result_outcome
 */
struct store_batch {
	int64_t number;
	const char *id;
	uid_t uid;
	const char *key;
	int64_t key_hash;
	const char *name;
	int policy;
	int64_t accepted_ns;
	int64_t deadline_ns;
	int64_t n_urls;
	int outcome;
	int64_t elapsed_ns;
	int64_t n_outcomes[4];
};

/* Who has the key already. */
struct store_namesake {
	char id[STORE_ID_CAP];
	int64_t key_hash;
};

/* What becomes of a batch that is to be accepted. */
enum store_verdict {
	STORE_NAMESAKE, /* the user has a batch with this key */
	STORE_ACCEPTED,
	STORE_FULL,       /* store_is_full() */
	STORE_OVER_QUOTA, /* of the user */
};

/**
 * store_accept() - a new batch with its request
 * Return: STORE_ACCEPTED with @ret_number, STORE_NAMESAKE with @ret_namesake, another verdict, or an error.
 */
int store_accept(struct store *store, const struct store_batch *batch,
	const struct store_request *request, int64_t *ret_number,
	struct store_namesake *ret_namesake);

/* store_start_url() - the URL may have been sent from now on */
int store_start_url(struct store *store, int64_t number, size_t index);

/* One result; outcome is an enum result_outcome, text an object of JSON. */
struct store_result {
	size_t seq;
	size_t index;
	int outcome;
	const char *text;
	size_t len;
};

int store_add_result(struct store *store, int64_t number, const struct store_result *result);

/* store_charge() - the batch's results have become larger by @n_bytes, for which its user stands */
int store_charge(struct store *store, int64_t number, int64_t n_bytes);

/* store_end_batch() - @batch has its number, and how it ended; what was asked for is erased */
int store_end_batch(struct store *store, const struct store_batch *batch, int64_t ended_ns);

/**
 * store_expire() - let go of some of what is too old
 * @ended_before: time of day
 *
 * Return: 1 when there may be more, 0 when not, or an error.
 */
int store_expire(struct store *store, int64_t ended_before);

/* store_used_by() - bytes of requests and results that a user has in the store; what expires is gone when it is deleted */
int store_used_by(struct store *store, uid_t uid, int64_t *ret_bytes);

/* store_clear_paused() - no job is paused; store_add_paused() - this one, which was not, is */
int store_clear_paused(struct store *store);
int store_add_paused(struct store *store, const char *job);

/* ---- reading; a negative return of a callback ends the call with it ---- */

typedef int (*store_batch_fn)(void *user, const struct store_batch *batch);
typedef int (*store_result_fn)(void *user, const struct store_result *result);
typedef int (*store_index_fn)(void *user, size_t index);
typedef int (*store_job_fn)(void *user, const char *job);

/* store_each_unfinished() - from the oldest to the newest */
int store_each_unfinished(struct store *store, store_batch_fn fn, void *user);

/*
 * store_each_ended() - at most @limit of those with ids before @id (NULL: all) and of the user @uid (-1: all), from the
 * newest on
 */
int store_each_ended(struct store *store, const char *id, int64_t uid, size_t limit, store_batch_fn fn,
	void *user);

/* store_find_ended() - the one with this id: 1; 0: there is none */
int store_find_ended(struct store *store, const char *id, store_batch_fn fn, void *user);

/* store_each_result() - in the order of seq */
int store_each_result(struct store *store, int64_t number, store_result_fn fn, void *user);

/*
 * store_results_after() - those with a greater seq, in its order; store_results_from() - those of URLs from this index
 * on, in theirs. A positive return of @fn ends the call, too, which then returns 0.
 */
int store_results_after(
	struct store *store, int64_t number, size_t seq, store_result_fn fn, void *user);
int store_results_from(
	struct store *store, int64_t number, size_t index, store_result_fn fn, void *user);

/* store_each_started() - URLs with store_start_url() */
int store_each_started(struct store *store, int64_t number, store_index_fn fn, void *user);

/* store_read_request() - of an unfinished batch: 1; 0: there is none */
int store_read_request(struct store *store, int64_t number,
	int (*fn)(void *user, const struct store_request *request), void *user);

/* store_each_paused() - the names of the jobs, in the order of their bytes */
int store_each_paused(struct store *store, store_job_fn fn, void *user);

/* store_last_id() - the greatest id there ever was among those that are there; "" when there is none */
int store_last_id(struct store *store, char *id, size_t cap);
