/* SPDX-License-Identifier: MIT */
#include "daemon/batches/tally.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "daemon/ops/metrics.h"
#include "lib/base/cleanup.h"

static const char *const schemes[TALLY_N_SCHEMES] = { "http", "https" };
static const char *const versions[TALLY_N_VERSIONS] = { "", "1.0", "1.1", "2" };
static const char *const phases[TALLY_N_PHASES] = {
	[TALLY_QUEUE] = "queue",
	[TALLY_DNS] = "dns",
	[TALLY_CONNECT] = "connect",
	[TALLY_TLS] = "tls",
	[TALLY_FIRST_BYTE] = "first_byte",
	[TALLY_TOTAL] = "total",
};

static size_t
version_of(const struct fetch_result *result)
{
	for (size_t i = 1; result->http_version && i < ARRAY_LEN(versions); i++) {
		if (strcmp(versions[i], result->http_version) == 0) {
			return i;
		}
	}
	return 0;
}

void
tally_add(struct tally *tally, const char *url, const struct fetch_result *result)
{
	const struct fetch_timing *timing = &result->timing;
	bool is_https = strncasecmp(result->final_url ? result->final_url : url, "https:", 6) == 0;

	assert((size_t)result->outcome < TALLY_N_OUTCOMES);
	tally->results[result->outcome][is_https][version_of(result)]++;
	histogram_add(&tally->phases[TALLY_QUEUE], timing->queue);
	histogram_add(&tally->phases[TALLY_DNS], timing->dns);
	histogram_add(&tally->phases[TALLY_CONNECT], timing->connect);
	histogram_add(&tally->phases[TALLY_TLS], timing->tls);
	histogram_add(&tally->phases[TALLY_FIRST_BYTE], timing->first_byte);
	histogram_add(&tally->phases[TALLY_TOTAL], timing->total);
}

static void
write_results(const struct tally *tally, struct metrics *metrics, size_t outcome)
{
	const char *name = fetch_outcome_name((enum fetch_outcome)outcome);

	for (size_t scheme = 0; scheme < TALLY_N_SCHEMES; scheme++) {
		for (size_t version = 0; version < TALLY_N_VERSIONS; version++) {
			uint64_t n = tally->results[outcome][scheme][version];

			if (n > 0) {
				metrics_count(metrics, METRIC_REQUESTS,
					METRIC_LABELS(name, schemes[scheme], versions[version]), n);
			}
		}
	}
}

void
tally_write(const struct tally *tally, struct metrics *metrics)
{
	for (size_t outcome = 0; outcome < TALLY_N_OUTCOMES; outcome++) {
		write_results(tally, metrics, outcome);
	}
	for (size_t phase = 0; phase < TALLY_N_PHASES; phase++) {
		metrics_histogram(metrics, METRIC_REQUEST_DURATION, METRIC_LABELS(phases[phase]),
			&tally->phases[phase]);
	}
}
