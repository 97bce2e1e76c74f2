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

const struct histogram_bound histogram_sizes[HISTOGRAM_N_BOUNDS] = {
	{ 1, "1.0" },
	{ 2, "2.0" },
	{ 3, "3.0" },
	{ 4, "4.0" },
	{ 6, "6.0" },
	{ 8, "8.0" },
	{ 12, "12.0" },
	{ 16, "16.0" },
	{ 24, "24.0" },
	{ 32, "32.0" },
	{ 64, "64.0" },
	{ 128, "128.0" },
	{ 256, "256.0" },
	{ 512, "512.0" },
	{ 1024, "1024.0" },
	{ 2048, "2048.0" },
	{ 4096, "4096.0" },
};

static void
add(struct histogram *histogram, const struct histogram_bound *bounds, int64_t value)
{
	unsigned i = 0;

	if (value < 0) {
		return;
	}
	while (i < HISTOGRAM_N_BOUNDS && value > bounds[i].ns) {
		i++;
	}
	histogram->counts[i]++;
	histogram->sum_ns += value;
}

void
histogram_add(struct histogram *histogram, int64_t ns)
{
	add(histogram, histogram_bounds, ns);
}

void
histogram_add_size(struct histogram *histogram, int64_t size)
{
	add(histogram, histogram_sizes, size);
}
