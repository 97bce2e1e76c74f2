/* SPDX-License-Identifier: MIT */
/* What accept.c, detached.c, restore.c and serve.c share; everybody else goes through daemon/batches/batches.h. */
#pragma once

#include "daemon/batches/batch.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"

/* Of a result, in the order of finishing: what is not in its text, or deep in it. */
struct kept_result {
	uint32_t index;
	uint8_t outcome;
};

/*
 * struct detachment - what a detached batch has beside an attached one
 *
 * number        in the store, when it is accepted
 * uid, key, key_hash  who sent it, and as what; key may be NULL
 * kind … body   what it was made of, until it is on disk
 * is_decided    @verdict, an enum store_verdict, says what became of the acceptance, @namesake who had the key
 * max_stored    of the user's bytes in the store
 * is_stopping   no URL that needs a mark is started any more
 * is_suspended  some URL was cancelled by the end of the daemon
 * is_ending     the last results go with the end
 * kept          of batch->results
 * picked        URLs that are to be fetched, n_picked of them by restore.c, else all
 * marks         of URLs that are being fetched with a mark on disk; n_marked of them
 * held          such URLs wait here while the daemon stops
 * work          that brings results n_shown … n_written to the store, while is_writing
 */
struct detachment {
	int64_t number;
	uid_t uid;
	char *key;
	int64_t key_hash;
	enum batch_kind kind;
	char *query;
	struct buffer body;
	struct batch_defaults defaults;
	struct batch_limits limits;
	bool is_accepted;
	bool is_decided;
	bool is_stopping;
	bool is_suspended;
	bool is_ending;
	bool is_writing;
	bool is_store_filling;
	int verdict;
	struct store_namesake namesake;
	int64_t max_stored;
	struct kept_result *kept;
	uint32_t *picked;
	bool *marks;
	size_t n_marked;
	struct nur_parking_lot held;
	struct store_work work;
	size_t n_written;
};

/* detachment_create() - for a batch, accepted or not. -ENOMEM */
int detachment_create(const struct batch *batch, struct detachment **ret_detachment);

DEFINE_CLEANUP(struct detachment *, detachment_destroy);

/* detached_keep() - a final result, as one of the batch. -ENOMEM */
int detached_keep(struct batch *batch, const struct fetch_result *result);

/* detached_start() - its task, in the nursery of detached batches; as nur_start_soon() */
int detached_start(struct batch *batch);

/* detached_withdraw() - take one back that was not accepted; drops the registry's reference */
void detached_withdraw(struct batch *batch);
