/* SPDX-License-Identifier: MIT */
#include "lib/fetch/rest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MIN_CAP 64

static void
put(struct fetch_rests *rests, size_t place, struct fetch_rest *rest)
{
	rests->items[place - 1] = rest;
	rest->place = place;
}

static void
sift_up(struct fetch_rests *rests, struct fetch_rest *rest)
{
	size_t place = rest->place;

	while (place > 1 && rests->items[place / 2 - 1]->until > rest->until) {
		put(rests, place, rests->items[place / 2 - 1]);
		place /= 2;
	}
	put(rests, place, rest);
}

static void
sift_down(struct fetch_rests *rests, struct fetch_rest *rest)
{
	size_t place = rest->place;

	for (;;) {
		size_t child = place * 2;

		if (child > rests->n) {
			break;
		}
		if (child < rests->n &&
			rests->items[child]->until < rests->items[child - 1]->until) {
			child++;
		}
		if (rests->items[child - 1]->until >= rest->until) {
			break;
		}
		put(rests, place, rests->items[child - 1]);
		place = child;
	}
	put(rests, place, rest);
}

int
fetch_rests_add(struct fetch_rests *rests, struct fetch_rest *rest, int64_t until)
{
	assert(!fetch_rest_is_set(rest));
	if (rests->n == rests->cap) {
		size_t cap = rests->cap ? rests->cap * 2 : MIN_CAP;
		struct fetch_rest **items = reallocarray(rests->items, cap, sizeof(*items));

		if (!items) {
			return -ENOMEM;
		}
		rests->items = items;
		rests->cap = cap;
	}
	rest->until = until;
	rest->place = ++rests->n;
	sift_up(rests, rest);
	return 0;
}

void
fetch_rests_remove(struct fetch_rests *rests, struct fetch_rest *rest)
{
	struct fetch_rest *last;

	if (!fetch_rest_is_set(rest)) {
		return;
	}
	last = rests->items[--rests->n];
	if (last != rest) {
		last->place = rest->place;
		sift_up(rests, last);
		sift_down(rests, last);
	}
	rest->place = 0;
}

struct fetch_rest *
fetch_rests_first(const struct fetch_rests *rests)
{
	return rests->n > 0 ? rests->items[0] : NULL;
}

void
fetch_rests_fini(struct fetch_rests *rests)
{
	assert(rests->n == 0);
	free(rests->items);
	*rests = (struct fetch_rests){ 0 };
}
