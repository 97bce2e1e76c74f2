/* SPDX-License-Identifier: MIT */
/*
 * What the daemon is doing, in a few lines, pure: from its metrics in Prometheus' text format, twice for the rates.
 * A metric that the daemon does not have counts as 0.
 */
#pragma once

#include "client/view/text.h"

/*
 * metrics  of now, the whole text
 * before   of some time ago; NULL = none: totals alone
 * seconds  so long ago, greater than 0
 * now      seconds since 1970
 */
struct stats {
	const char *metrics;
	const char *before;
	double seconds;
	double now;
};

/* stats_sum() - the sum of all samples of a metric; 0 when there is none */
double stats_sum(const char *metrics, const char *name);

/* stats_put() - the lines, into an empty buffer */
void stats_put(struct buffer *out, const struct stats *stats, const struct style *style);
