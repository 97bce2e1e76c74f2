/* SPDX-License-Identifier: MIT */
/*
 * What a name resolved to. Immutable and counted, so that a task can hold one across a wait while
 * the cache that gave it away forgets it. The count is not atomic: an answer stays with its
 * engine's thread.
 */
#pragma once

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/address.h"

#define FETCH_ANSWER_MAX 64 /* addresses kept of one name */

/*
 * error        0, or the negative code that the lookup ended with (then n_addresses is 0)
 * n_addresses  in the order in which they are to be tried
 */
struct fetch_answer {
	unsigned int n_refs;
	int error;
	size_t n_addresses;
	struct fetch_address addresses[];
};

/**
 * fetch_answer_create() - copy @n_addresses; those beyond FETCH_ANSWER_MAX are dropped
 * @error: 0, or a negative code with @n_addresses 0
 * Return: 0 with one reference given, or -ENOMEM.
 */
int fetch_answer_create(const struct fetch_address *addresses, size_t n_addresses, int error,
	struct fetch_answer **ret_answer);

/* fetch_answer_ref() - one more reference. Return: @answer */
struct fetch_answer *fetch_answer_ref(struct fetch_answer *answer);

/* fetch_answer_unref() - one reference less; the last frees; accepts NULL */
void fetch_answer_unref(struct fetch_answer *answer);

DEFINE_CLEANUP(struct fetch_answer *, fetch_answer_unref);
