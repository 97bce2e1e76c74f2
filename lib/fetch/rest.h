/* SPDX-License-Identifier: MIT */
/*
 * Who rests until when: a heap, the earliest first. Pure; times are nanoseconds of whatever clock
 * the caller has. A rest lives inside the object that rests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* place  in the heap, from 1; 0: not in it, which zeroed means */
struct fetch_rest {
	int64_t until;
	size_t place;
};

struct fetch_rests {
	struct fetch_rest **items;
	size_t n;
	size_t cap;
};

static inline bool
fetch_rest_is_set(const struct fetch_rest *rest)
{
	return rest->place > 0;
}

/**
 * fetch_rests_add() - @rest, which is not set, lasts until @until
 * Return: 0 or -ENOMEM.
 */
int fetch_rests_add(struct fetch_rests *rests, struct fetch_rest *rest, int64_t until);

/* fetch_rests_remove() - harmless when it is not set */
void fetch_rests_remove(struct fetch_rests *rests, struct fetch_rest *rest);

/* fetch_rests_first() - the one that ends first, or NULL */
struct fetch_rest *fetch_rests_first(const struct fetch_rests *rests);

/* fetch_rests_fini() - nobody rests; accepts zeroed */
void fetch_rests_fini(struct fetch_rests *rests);
