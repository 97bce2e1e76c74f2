/* SPDX-License-Identifier: MIT */
/* Names to addresses, asked for once and remembered. See resolver.c. */
#pragma once

#include <nursery.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/fetch/names/answer.h"

struct fetch_resolver;

/*
 * Strings are copied; NULL and zero are not defaults here, except for servers. With is_system
 * getaddrinfo(3) is asked, and what is about name servers is not used.
 */
struct fetch_resolver_options {
	bool is_system;
	const char *servers; /* NULL: those of resolv_path */
	const char *hosts_path;
	const char *resolv_path;
	uint16_t port;    /* of its servers */
	nur_time timeout; /* of one query */
	unsigned tries;
	unsigned max_wanted; /* names asked for at a time */
	uint64_t seed;
};

struct fetch_resolver_statistics {
	size_t n_names_cached;
	size_t n_lookups;
	uint64_t total_lookups;
	uint64_t total_cached;
	uint64_t total_found;
	uint64_t total_absent;
	uint64_t total_failed;
};

/**
 * fetch_resolver_create() - inside a run
 * Errors: NUR_ENOTINTASK, -ENOMEM, -EINVAL (servers), NUR_EINTERNAL
 */
int fetch_resolver_create(
	const struct fetch_resolver_options *options, struct fetch_resolver **ret_resolver);

/* fetch_resolver_destroy() - nobody waits; what is under way is dropped; accepts NULL */
void fetch_resolver_destroy(struct fetch_resolver *resolver);

/**
 * fetch_resolver_find() - what is known without asking: the hosts file (which the system reads
 * itself), names that are always this machine, the cache
 *
 * Checkpoint: never. Ownership: gives a reference. Errors: -ENOENT not known: look it up; -ENOMEM.
 * A name that is known not to exist is an answer with an error.
 */
int fetch_resolver_find(
	struct fetch_resolver *resolver, const char *name, struct fetch_answer **ret_answer);

/**
 * fetch_resolver_lookup() - ask the name servers, or the system
 *
 * Callers who ask for a name that is being looked up wait for the same query. Cancelling one of
 * them, or all, does not end it: its answer goes into the cache. Only one that was not sent yet is
 * forgotten with the last who waits for it.
 *
 * Checkpoint: always. Ownership: gives a reference. Errors: NUR_ECANCELED, -ENOMEM. Look at
 * answer->error: -ENOENT no such name or no address, -EHOSTUNREACH no usable answer.
 */
NUR_CHECKPOINT int fetch_resolver_lookup(
	struct fetch_resolver *resolver, const char *name, struct fetch_answer **ret_answer);

void fetch_resolver_statistics(
	const struct fetch_resolver *resolver, struct fetch_resolver_statistics *ret_statistics);

/* fetch_resolver_version() - c-ares's, at run time; static */
const char *fetch_resolver_version(void);
