/* SPDX-License-Identifier: MIT */
/* Durations counted by how long they were. Pure. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_N_BOUNDS 17

/* The upper bounds: ns, and the same in seconds as a metric has it. */
struct histogram_bound {
	int64_t ns;
	const char *text;
};

extern const struct histogram_bound histogram_bounds[HISTOGRAM_N_BOUNDS];

/*
 * struct histogram - zeroed is empty
 *
 * counts  of each bound, what is over all of them last; not cumulative
 * sum_ns  of all
 */
struct histogram {
	uint64_t counts[HISTOGRAM_N_BOUNDS + 1];
	int64_t sum_ns;
};

/* histogram_add() - one more; a negative duration is one that never was, and not counted */
void histogram_add(struct histogram *histogram, int64_t ns);
