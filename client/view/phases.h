/* SPDX-License-Identifier: MIT */
/* Where the time of a URL went, in the order of its life, pure. */
#pragma once

#include <stdint.h>

#include "lib/protocol/result.h"

enum phase {
	PHASE_QUEUE,
	PHASE_EARLIER, /* hops and tries before the last */
	PHASE_DNS,
	PHASE_CONNECT,
	PHASE_TLS,
	PHASE_WAIT,
	PHASE_CONTENT,
};

#define N_PHASES 7

/* phase_name() - for legends */
const char *phase_name(enum phase phase);

/**
 * phases_split() - cut the total into phases
 * @parts: nanoseconds of each, 0 or more; together the total. What the phases say beyond it is cut off at the end.
 */
void phases_split(const struct result_record *record, int64_t parts[N_PHASES]);
