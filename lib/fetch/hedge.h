/* SPDX-License-Identifier: MIT */
/* A second attempt beside the first, when that is slow. See hedge.c. */
#pragma once

#include "lib/fetch/fetching.h"

/* fetch_hedge_is_wanted() - its options ask for one, and its method has no effect */
bool fetch_hedge_is_wanted(const struct fetching *fetching);

/*
 * fetch_hedged_attempt() - fetch_attempt(), and a second one if no response has begun in time. The
 * outcome is that of the one that is answered first, or of the first when none is. Errors: as
 * fetch_attempt().
 */
NUR_CHECKPOINT int fetch_hedged_attempt(struct fetching *fetching);
