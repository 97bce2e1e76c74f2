/* SPDX-License-Identifier: MIT */
/*
 * Capacity limiters.
 *
 * Every borrower, holding or waiting, has a place in a table of pointers (open addressing, at most half
 * full, no tombstones: removing moves the later ones of the run back). So a token can be handed over
 * without memory being asked for: whoever releases takes the first waiter out of the queue and counts
 * its token as borrowed before it runs. Nobody who comes in between can take it.
 */
#include <nursery/checkpoint.h>
#include <nursery/limiter.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/node.h"

#define TABLE_CAP_MIN 16

struct borrower {
	const void *key; /* NULL: the place is empty */
	bool is_waiting;
};

/*
 * table, cap, len  the borrowers; cap is a power of two, or 0
 * n_borrowed       those that hold a token; the others wait
 * waiters          struct waiter, the longest waiting first
 */
struct nur_limiter {
	struct borrower *table;
	size_t cap;
	size_t len;
	size_t total;
	size_t n_borrowed;
	struct list waiters;
};

/* Lives on the stack of the waiting task. */
struct waiter {
	struct list node;
	struct nur_limiter *limiter;
	struct nur_task *task;
	const void *borrower;
};

/* ---- the table ---- */

static size_t
home_of(const struct nur_limiter *limiter, const void *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (limiter->cap - 1);
}

/* The place of @key, or the empty one where it would go. */
static struct borrower *
place_of(const struct nur_limiter *limiter, const void *key)
{
	size_t i = home_of(limiter, key);

	while (limiter->table[i].key && limiter->table[i].key != key) {
		i = (i + 1) & (limiter->cap - 1);
	}
	return &limiter->table[i];
}

static struct borrower *
table_find(const struct nur_limiter *limiter, const void *key)
{
	struct borrower *place = limiter->cap > 0 ? place_of(limiter, key) : NULL;

	return place && place->key ? place : NULL;
}

static int
table_reserve(struct nur_limiter *limiter)
{
	struct nur_limiter larger = { .cap = limiter->cap ? limiter->cap * 2 : TABLE_CAP_MIN };

	if ((limiter->len + 1) * 2 <= limiter->cap) {
		return 0;
	}
	larger.table = calloc(larger.cap, sizeof(*larger.table));
	if (!larger.table) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < limiter->cap; i++) {
		if (limiter->table[i].key) {
			*place_of(&larger, limiter->table[i].key) = limiter->table[i];
		}
	}
	free(limiter->table);
	limiter->table = larger.table;
	limiter->cap = larger.cap;
	return 0;
}

/* There is room: table_reserve(). */
static void
table_add(struct nur_limiter *limiter, const void *key, bool is_waiting)
{
	*place_of(limiter, key) = (struct borrower){ key, is_waiting };
	limiter->len++;
}

static void
table_remove(struct nur_limiter *limiter, const void *key)
{
	size_t mask = limiter->cap - 1;
	size_t hole = (size_t)(table_find(limiter, key) - limiter->table);

	for (size_t i = (hole + 1) & mask; limiter->table[i].key; i = (i + 1) & mask) {
		size_t home = home_of(limiter, limiter->table[i].key);

		/* It may move back when the hole is not before its home. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			limiter->table[hole] = limiter->table[i];
			hole = i;
		}
	}
	limiter->table[hole] = (struct borrower){ NULL, false };
	limiter->len--;
}

/* ---- tokens ---- */

static void
hand_over(struct nur_limiter *limiter)
{
	while (limiter->n_borrowed < limiter->total && !list_is_empty(&limiter->waiters)) {
		struct waiter *first =
			list_entry(list_take_first(&limiter->waiters), struct waiter, node);

		table_find(limiter, first->borrower)->is_waiting = false;
		limiter->n_borrowed++;
		nur_reschedule(first->task, 0);
	}
}

static enum nur_abort
abort_acquire(struct nur_task *task, void *arg)
{
	struct waiter *waiter = arg;

	list_unlink(&waiter->node);
	table_remove(waiter->limiter, waiter->borrower);
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_for_token(struct nur_limiter *limiter, const void *borrower)
{
	struct waiter waiter = {
		.limiter = limiter,
		.task = nur_current_task(),
		.borrower = borrower,
	};

	table_add(limiter, borrower, true);
	list_append(&limiter->waiters, &waiter.node);
	return nur_wait_task_rescheduled("limiter", abort_acquire, &waiter);
}

/* 0, NUR_EWOULDBLOCK with room for the borrower to wait, or an error. */
static int
try_acquire(struct nur_limiter *limiter, const void *borrower)
{
	int r;

	if (table_find(limiter, borrower)) {
		return -EALREADY;
	}
	r = table_reserve(limiter);
	if (r < 0) {
		return r;
	}
	if (limiter->n_borrowed >= limiter->total || !list_is_empty(&limiter->waiters)) {
		return NUR_EWOULDBLOCK;
	}
	table_add(limiter, borrower, false);
	limiter->n_borrowed++;
	return 0;
}

int
nur_limiter_create(size_t total, struct nur_limiter **ret_limiter)
{
	struct nur_limiter *limiter = calloc(1, sizeof(*limiter));

	if (!limiter) {
		return -ENOMEM;
	}
	limiter->total = total;
	list_init(&limiter->waiters);
	*ret_limiter = limiter;
	return 0;
}

void
nur_limiter_destroy(struct nur_limiter *limiter)
{
	if (!limiter) {
		return;
	}
	assert(list_is_empty(&limiter->waiters));
	free(limiter->table);
	free(limiter);
}

int
nur_limiter_acquire(struct nur_limiter *limiter, const void *borrower)
{
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	if (!borrower) {
		borrower = nur_current_task();
	}
	r = try_acquire(limiter, borrower);
	if (r == NUR_EWOULDBLOCK) {
		return wait_for_token(limiter, borrower);
	}
	return r < 0 ? r : nur_cancel_shielded_checkpoint();
}

int
nur_limiter_acquire_nowait(struct nur_limiter *limiter, const void *borrower)
{
	if (!borrower) {
		borrower = nur_current_task();
		if (!borrower) {
			return NUR_ENOTINTASK;
		}
	}
	return try_acquire(limiter, borrower);
}

int
nur_limiter_release(struct nur_limiter *limiter, const void *borrower)
{
	struct borrower *place;

	if (!borrower) {
		borrower = nur_current_task();
	}
	place = borrower ? table_find(limiter, borrower) : NULL;
	if (!place || place->is_waiting) {
		return -EPERM;
	}
	table_remove(limiter, borrower);
	limiter->n_borrowed--;
	hand_over(limiter);
	return 0;
}

void
nur_limiter_set_total(struct nur_limiter *limiter, size_t total)
{
	limiter->total = total;
	hand_over(limiter);
}

size_t
nur_limiter_total(const struct nur_limiter *limiter)
{
	return limiter->total;
}

size_t
nur_limiter_n_borrowed(const struct nur_limiter *limiter)
{
	return limiter->n_borrowed;
}

size_t
nur_limiter_n_available(const struct nur_limiter *limiter)
{
	return limiter->total > limiter->n_borrowed ? limiter->total - limiter->n_borrowed : 0;
}

size_t
nur_limiter_n_waiting(const struct nur_limiter *limiter)
{
	return limiter->len - limiter->n_borrowed;
}

size_t
nur_limiter_borrowers(const struct nur_limiter *limiter, const void **borrowers, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < limiter->cap && n < cap; i++) {
		if (limiter->table[i].key && !limiter->table[i].is_waiting) {
			borrowers[n++] = limiter->table[i].key;
		}
	}
	return limiter->n_borrowed;
}
