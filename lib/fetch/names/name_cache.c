/* SPDX-License-Identifier: MIT */
/*
 * A chained hash table whose entries also hang in a list by last use. Chains are short because the
 * hash is seeded; the table doubles while it is filled more than once over. The cache holds one
 * reference of each answer, so throwing an entry out never takes an answer from somebody who still
 * reads it.
 *
 *	buckets[hash % n] ─► entry ─► entry        used: oldest ◄─► … ◄─► newest
 */
#include "lib/fetch/names/name_cache.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/hash.h"
#include "lib/base/list.h"

#define NS_PER_S 1000000000LL

struct entry {
	struct entry *next;
	struct list used;
	uint64_t hash;
	struct fetch_answer *answer;
	int64_t expires_ns;
	char name[];
};

struct fetch_name_cache {
	struct entry **buckets;
	size_t n_buckets;
	size_t n_entries;
	size_t max_names;
	uint64_t seed;
	struct list used;
};

/* A name is the same in capitals. */
static uint64_t
hash_name(uint64_t seed, const char *name)
{
	uint64_t hash = seed ^ HASH_START;

	for (; *name; name++) {
		hash = hash_byte(hash, (unsigned char)tolower((unsigned char)*name));
	}
	return hash_mix(hash);
}

static struct entry **
find_slot(struct fetch_name_cache *cache, const char *name, uint64_t hash)
{
	struct entry **slot = &cache->buckets[hash & (cache->n_buckets - 1)];

	while (*slot && ((*slot)->hash != hash || strcasecmp((*slot)->name, name) != 0)) {
		slot = &(*slot)->next;
	}
	return slot;
}

static void
remove_entry(struct fetch_name_cache *cache, struct entry **slot)
{
	struct entry *entry = *slot;

	*slot = entry->next;
	list_unlink(&entry->used);
	cache->n_entries--;
	fetch_answer_unref(entry->answer);
	free(entry);
}

static void
evict_oldest(struct fetch_name_cache *cache)
{
	struct entry *oldest = list_entry(cache->used.next, struct entry, used);

	assert(!list_is_empty(&cache->used));
	remove_entry(cache, find_slot(cache, oldest->name, oldest->hash));
}

/* Doubles the table. Without memory for it the old one serves on, with longer chains. */
static void
grow(struct fetch_name_cache *cache)
{
	size_t n_buckets = cache->n_buckets * 2;
	struct entry **buckets = calloc(n_buckets, sizeof(struct entry *));
	struct list *node;

	if (!buckets) {
		return;
	}
	list_for_each(node, &cache->used) {
		struct entry *entry = list_entry(node, struct entry, used);
		struct entry **slot = &buckets[entry->hash & (n_buckets - 1)];

		entry->next = *slot;
		*slot = entry;
	}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->n_buckets = n_buckets;
}

static int64_t
ttl_ns(const struct fetch_answer *answer, uint32_t ttl_s)
{
	if (answer->error < 0) {
		ttl_s = FETCH_NAME_TTL_NEGATIVE_S;
	} else if (ttl_s < FETCH_NAME_TTL_MIN_S) {
		ttl_s = FETCH_NAME_TTL_MIN_S;
	} else if (ttl_s > FETCH_NAME_TTL_MAX_S) {
		ttl_s = FETCH_NAME_TTL_MAX_S;
	}
	return ttl_s * NS_PER_S;
}

int
fetch_name_cache_create(size_t max_names, uint64_t seed, struct fetch_name_cache **ret_cache)
{
	_cleanup_(fetch_name_cache_destroyp) struct fetch_name_cache *cache = NULL;

	assert(max_names > 0);

	cache = calloc(1, sizeof(*cache));
	if (!cache) {
		return -ENOMEM;
	}
	list_init(&cache->used);
	cache->max_names = max_names;
	cache->seed = seed;
	cache->n_buckets = 64;
	cache->buckets = calloc(cache->n_buckets, sizeof(struct entry *));
	if (!cache->buckets) {
		return -ENOMEM;
	}
	*ret_cache = steal(&cache);
	return 0;
}

void
fetch_name_cache_destroy(struct fetch_name_cache *cache)
{
	if (!cache) {
		return;
	}
	fetch_name_cache_clear(cache);
	free(cache->buckets);
	free(cache);
}

int
fetch_name_cache_put(struct fetch_name_cache *cache, const char *name, struct fetch_answer *answer,
	uint32_t ttl_s, int64_t now_ns)
{
	uint64_t hash = hash_name(cache->seed, name);
	struct entry **slot = find_slot(cache, name, hash);
	size_t name_size = strlen(name) + 1;
	struct entry *entry;

	if (*slot) {
		remove_entry(cache, slot);
	} else if (cache->n_entries == cache->max_names) {
		evict_oldest(cache);
	}

	entry = malloc(sizeof(*entry) + name_size);
	if (!entry) {
		return -ENOMEM;
	}
	memcpy(entry->name, name, name_size);
	entry->hash = hash;
	entry->answer = fetch_answer_ref(answer);
	entry->expires_ns = now_ns + ttl_ns(answer, ttl_s);

	if (cache->n_entries >= cache->n_buckets) {
		grow(cache);
	}
	slot = &cache->buckets[hash & (cache->n_buckets - 1)];
	entry->next = *slot;
	*slot = entry;
	list_append(&cache->used, &entry->used);
	cache->n_entries++;
	return 0;
}

struct fetch_answer *
fetch_name_cache_find(struct fetch_name_cache *cache, const char *name, int64_t now_ns)
{
	struct entry **slot = find_slot(cache, name, hash_name(cache->seed, name));
	struct entry *entry = *slot;

	if (!entry) {
		return NULL;
	}
	if (entry->expires_ns <= now_ns) {
		remove_entry(cache, slot);
		return NULL;
	}
	list_unlink(&entry->used);
	list_append(&cache->used, &entry->used);
	return fetch_answer_ref(entry->answer);
}

void
fetch_name_cache_clear(struct fetch_name_cache *cache)
{
	while (!list_is_empty(&cache->used)) {
		evict_oldest(cache);
	}
}

size_t
fetch_name_cache_count(const struct fetch_name_cache *cache)
{
	return cache->n_entries;
}
