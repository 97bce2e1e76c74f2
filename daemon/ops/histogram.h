/* SPDX-License-Identifier: MIT */
/* Durations counted by how long they were, and sizes by how large. Pure. */
#pragma once

#include <stdint.h>

#define HISTOGRAM_N_BOUNDS 17

/* An upper bound: in ns, and the same in seconds as a metric has it; of sizes, both are numbers of things. */
struct histogram_bound {
	int64_t ns;
	const char *text;
};

extern const struct histogram_bound histogram_bounds[HISTOGRAM_N_BOUNDS];
extern const struct histogram_bound histogram_sizes[HISTOGRAM_N_BOUNDS];

/*
 * struct histogram - zeroed is empty
 *
 * counts  of each bound, what is over all of them last; not cumulative
 * sum_ns  of all; of sizes, their sum
 */
struct histogram {
	uint64_t counts[HISTOGRAM_N_BOUNDS + 1];
	int64_t sum_ns;
};

/* histogram_add() - one more; a negative duration is one that never was, and not counted */
void histogram_add(struct histogram *histogram, int64_t ns);

/* histogram_add_size() - the same of a histogram of sizes */
void histogram_add_size(struct histogram *histogram, int64_t size);
