/* SPDX-License-Identifier: MIT */
#include "daemon/ops/histogram.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

/* From a late turn of the loop to a URL's usual timeout and beyond it. */
const struct histogram_bound histogram_bounds[HISTOGRAM_N_BOUNDS] = {
	{ 100 * US, "0.0001" },
	{ 500 * US, "0.0005" },
	{ 1 * MS, "0.001" },
	{ 2500 * US, "0.0025" },
	{ 5 * MS, "0.005" },
	{ 10 * MS, "0.01" },
	{ 25 * MS, "0.025" },
	{ 50 * MS, "0.05" },
	{ 100 * MS, "0.1" },
	{ 250 * MS, "0.25" },
	{ 500 * MS, "0.5" },
	{ 1 * S, "1.0" },
	{ 2500 * MS, "2.5" },
	{ 5 * S, "5.0" },
	{ 10 * S, "10.0" },
	{ 30 * S, "30.0" },
	{ 60 * S, "60.0" },
};

void
histogram_add(struct histogram *histogram, int64_t ns)
{
	unsigned i = 0;

	if (ns < 0) {
		return;
	}
	while (i < HISTOGRAM_N_BOUNDS && ns > histogram_bounds[i].ns) {
		i++;
	}
	histogram->counts[i]++;
	histogram->sum_ns += ns;
}
