/* SPDX-License-Identifier: MIT */
/* A URL that is being fetched, as fetch.c and hedge.c see it. */
#pragma once

#include <nursery.h>

#include "lib/fetch/batch.h"
#include "lib/fetch/rules/url.h"
#include "lib/fetch/transfer/transfer.h"

/*
 * first     the URL asked for; url is that of the present hop, the same object in the first one
 * lane      where we have a place, or NULL
 * host      the part of another worker that does the present hop, and has a place for it; NULL: ours
 * error     with transfer.detail: the outcome of the present attempt, so far
 * attempts  tries made, hedges included; n_retries: of these, after a back-off
 */
struct fetching {
	struct fetch_run *run;
	const struct fetch_options *options;
	size_t index;
	struct fetch_url *first;
	struct fetch_url *url;
	struct fetch_lane *lane;
	struct fetch_part *host;
	struct fetch_waiter waiter;
	struct nur_task *waiting;
	const char *method;
	bool with_body;
	bool is_elsewhere;
	enum fetch_error error;
	unsigned attempts;
	unsigned n_retries;
	unsigned redirects;
	int64_t queue_ns;
	int64_t dns_ns;
	struct fetch_transfer transfer;
};

/*
 * fetch_attempt() - one try, within attempt_timeout; not counted. Outcomes are written down; errors:
 * NUR_ECANCELED, -ENOMEM and the like.
 */
NUR_CHECKPOINT int fetch_attempt(struct fetching *fetching);

/* fetch_is_being_answered() - the head of the last response is there, and that of no redirect */
bool fetch_is_being_answered(const struct fetching *fetching);

/* fetch_is_answered() - the attempt that has ended brought a whole response, wanted or not */
bool fetch_is_answered(const struct fetching *fetching);

/*
 * fetch_enter_lane() - wait for a place at an origin; if that is another worker's, the place comes with the hop.
 * Errors: NUR_ECANCELED, -ENOMEM
 */
NUR_CHECKPOINT int fetch_enter_lane(struct fetching *fetching, const char *origin);

/* fetch_enter_own_lane() - the same at an origin of the run's engine */
NUR_CHECKPOINT int fetch_enter_own_lane(struct fetching *fetching, const char *origin);

/* fetch_hop_here() - one request, by the run's engine; the place is there. Errors: as fetch_attempt() */
NUR_CHECKPOINT int fetch_hop_here(struct fetching *fetching);

/* fetch_leave_lane() - give the place back, if there is one */
void fetch_leave_lane(struct fetching *fetching);

/* fetch_set_url() - another hop's; the one before is destroyed, unless it was the first */
void fetch_set_url(struct fetching *fetching, struct fetch_url *url);
