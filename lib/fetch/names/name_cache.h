/* SPDX-License-Identifier: MIT */
/* Answers of the name service for as long as they may be believed. Pure: times are arguments. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/names/answer.h"

#define FETCH_NAME_CACHE_MAX      20000 /* names; the least recently used goes first */
#define FETCH_NAME_TTL_MIN_S      1
#define FETCH_NAME_TTL_MAX_S      300
#define FETCH_NAME_TTL_NEGATIVE_S 5

struct fetch_name_cache;

/**
 * fetch_name_cache_create() - an empty cache of at most @max_names
 * @seed: random, so that nobody can choose names that collide
 * Errors: -ENOMEM
 */
int fetch_name_cache_create(size_t max_names, uint64_t seed, struct fetch_name_cache **ret_cache);

/* fetch_name_cache_destroy() - accepts NULL; answers given away stay valid */
void fetch_name_cache_destroy(struct fetch_name_cache *cache);

DEFINE_CLEANUP(struct fetch_name_cache *, fetch_name_cache_destroy);

/**
 * fetch_name_cache_put() - remember @answer, in place of an older one
 * @name:    any case, NUL-terminated
 * @answer:  the cache takes a reference of its own
 * @ttl_s:   seconds as the name service said, clamped to 1…300; ignored for an answer with an
 *           error, which is kept 5 seconds
 * @now_ns:  nanoseconds of any one clock
 *
 * Errors: -ENOMEM; the older answer is gone then
 */
int fetch_name_cache_put(struct fetch_name_cache *cache, const char *name,
	struct fetch_answer *answer, uint32_t ttl_s, int64_t now_ns);

/**
 * fetch_name_cache_find() - the answer for @name, if it is still good at @now_ns
 * Return: a reference for the caller (fetch_answer_unref()), or NULL. Look at answer->error.
 */
struct fetch_answer *fetch_name_cache_find(
	struct fetch_name_cache *cache, const char *name, int64_t now_ns);

/* fetch_name_cache_clear() - forget everything (the resolver's configuration has changed) */
void fetch_name_cache_clear(struct fetch_name_cache *cache);

/* fetch_name_cache_count() - names held, expired ones included, for metrics */
size_t fetch_name_cache_count(const struct fetch_name_cache *cache);
