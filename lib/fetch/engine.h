/* SPDX-License-Identifier: MIT */
/* What the parts of an engine share. Nothing of it is static: several engines, each in its own run
 * and thread, do not meet. */
#pragma once

#include <fetch/fetch.h>

#include "lib/base/list.h"
#include "lib/fetch/admission.h"
#include "lib/fetch/names/resolver.h"
#include "lib/fetch/rules/address_policy.h"
#include "lib/fetch/transfer/transfer.h"

struct fetch_workers;

/*
 * workers  NULL: it fetches itself; else they do, and the engine has batches and their results, but no transfers,
 *          resolver and admission
 */
struct fetch_engine {
	struct fetch_workers *workers;
	struct fetch_transfers *transfers;
	struct fetch_resolver *resolver;
	struct fetch_admission admission;
	struct nur_timer rest_timer;
	nur_time max_rest;
	struct fetch_address_policy default_policy;
	const struct fetch_address_policy *policies[FETCH_N_ADDRESS_POLICIES]; /* NULL: the first */
	struct fetch_url *proxy; /* NULL: none */
	unsigned in_flight;      /* as at creation, of all workers */
	unsigned per_origin;
	uint64_t max_body;
	uint64_t random;
	struct list runs; /* of fetch_batch_run(), under way */
	size_t n_batches;
	size_t n_queued; /* URLs of running batches that have not started */
	uint64_t total_results[4];
	uint64_t total_retries[FETCH_N_RETRY_CAUSES];
};

/* fetch_engine_random() - for jitter; not for secrets */
uint64_t fetch_engine_random(struct fetch_engine *engine);
