/* SPDX-License-Identifier: MIT */
/* Hops at origins of other workers. See visit.c. */
#pragma once

#include "lib/fetch/fetching.h"

/* fetch_visit() - the present hop, place and all, by the worker that has its origin. Errors as fetch_hop_here() */
NUR_CHECKPOINT int fetch_visit(struct fetching *fetching);
