/* SPDX-License-Identifier: MIT */
/*
 * The run's deadlines: a pairing heap whose nodes live in the objects that have a deadline.
 * Inserting is a comparison, removing takes O(log n) amortised, and neither can fail: no memory is
 * taken.
 */
#pragma once

#include <nursery/cancel_scope.h>

/*
 * is_expiring  nuri_deadlines_expire() is at work
 */
struct nuri_deadlines {
	struct nur_deadline *root;
	bool is_expiring;
};

/*
 * nuri_deadline_init() - not queued; @expire is called on the loop's stack when the time has come
 */
void nuri_deadline_init(struct nur_deadline *deadline, void (*expire)(struct nur_deadline *));

bool nuri_deadline_is_queued(const struct nur_deadline *deadline);

/* nuri_deadlines_insert() - @deadline is not queued */
void nuri_deadlines_insert(
	struct nuri_deadlines *deadlines, struct nur_deadline *deadline, nur_time at);

/* nuri_deadlines_remove() - harmless when it is not queued */
void nuri_deadlines_remove(struct nuri_deadlines *deadlines, struct nur_deadline *deadline);

/* nuri_deadlines_next() - the earliest time, NUR_FOREVER when empty */
static inline nur_time
nuri_deadlines_next(const struct nuri_deadlines *deadlines)
{
	return deadlines->root ? deadlines->root->at : NUR_FOREVER;
}

/* nuri_deadlines_expire() - take out all that are due at @now and call their expire() */
void nuri_deadlines_expire(struct nuri_deadlines *deadlines, nur_time now);
