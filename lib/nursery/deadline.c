/* SPDX-License-Identifier: MIT */
/*
 * A pairing heap. Each node has its first child, its next sibling, and prev: the previous sibling,
 * or the parent for a first child. The root has prev == itself, which also tells a queued node
 * (prev set) from one that is not (prev NULL).
 */
#include "lib/nursery/deadline.h"

#include <assert.h>

void
nuri_deadline_init(struct nur_deadline *deadline, void (*expire)(struct nur_deadline *))
{
	*deadline = (struct nur_deadline){ .at = NUR_FOREVER, .expire = expire };
}

bool
nuri_deadline_is_queued(const struct nur_deadline *deadline)
{
	return deadline->prev != NULL;
}

/* The earlier of two roots takes the other as its first child. Either may be NULL. */
static struct nur_deadline *
meld(struct nur_deadline *a, struct nur_deadline *b)
{
	if (!a || !b) {
		return a ? a : b;
	}
	if (b->at < a->at) {
		struct nur_deadline *swap = a;

		a = b;
		b = swap;
	}

	b->prev = a;
	b->next = a->child;
	if (b->next) {
		b->next->prev = b;
	}
	a->child = b;
	a->next = NULL;
	return a;
}

/*
 * Melds a list of siblings into one heap: pairs from left to right, then the pairs from right to
 * left.
 */
static struct nur_deadline *
meld_siblings(struct nur_deadline *first)
{
	struct nur_deadline *pairs = NULL;
	struct nur_deadline *root = NULL;

	while (first) {
		struct nur_deadline *a = first;
		struct nur_deadline *b = a->next;

		first = b ? b->next : NULL;
		a->next = NULL;
		if (b) {
			b->next = NULL;
		}
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct nur_deadline *next = pairs->next;

		pairs->next = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	return root;
}

static void
set_root(struct nuri_deadlines *deadlines, struct nur_deadline *root)
{
	deadlines->root = root;
	if (root) {
		root->prev = root;
	}
}

void
nuri_deadlines_insert(struct nuri_deadlines *deadlines, struct nur_deadline *deadline, nur_time at)
{
	assert(!nuri_deadline_is_queued(deadline));

	deadline->at = at;
	deadline->child = NULL;
	deadline->next = NULL;
	set_root(deadlines, meld(deadlines->root, deadline));
}

void
nuri_deadlines_remove(struct nuri_deadlines *deadlines, struct nur_deadline *deadline)
{
	struct nur_deadline *orphans;

	if (!nuri_deadline_is_queued(deadline)) {
		return;
	}

	orphans = meld_siblings(deadline->child);
	if (deadline == deadlines->root) {
		set_root(deadlines, orphans);
	} else {
		if (deadline->prev->child == deadline) {
			deadline->prev->child = deadline->next;
		} else {
			deadline->prev->next = deadline->next;
		}
		if (deadline->next) {
			deadline->next->prev = deadline->prev;
		}
		set_root(deadlines, meld(deadlines->root, orphans));
	}
	deadline->child = NULL;
	deadline->next = NULL;
	deadline->prev = NULL;
}

void
nuri_deadlines_expire(struct nuri_deadlines *deadlines, nur_time now)
{
	deadlines->is_expiring = true;
	while (deadlines->root && deadlines->root->at <= now) {
		struct nur_deadline *due = deadlines->root;

		nuri_deadlines_remove(deadlines, due);
		due->expire(due);
	}
	deadlines->is_expiring = false;
}
