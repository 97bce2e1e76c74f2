/* SPDX-License-Identifier: MIT */
#include "daemon/api/api_counts.h"

#include <assert.h>
#include <stdio.h>

#include "daemon/ops/metrics.h"
#include "lib/base/cleanup.h"

/* All that are answered with; 0: one that is not among them. */
static const int statuses[] = { 0, 200, 202, 400, 403, 404, 405, 406, 408, 409, 413, 414, 415, 417,
	422, 429, 431, 500, 501, 503, 505 };

static_assert(ARRAY_LEN(statuses) <= API_N_STATUSES, "a column each");

static const char *const refusal_names[API_N_REFUSALS] = {
	[API_REFUSED_CONNECTIONS] = "connections",
	[API_REFUSED_CONNECTIONS_PER_USER] = "connections_per_user",
	[API_REFUSED_RESOURCES] = "resources",
};

void
api_counts_answer(struct api_counts *counts, unsigned route, int status)
{
	size_t column = ARRAY_LEN(statuses) - 1;

	assert(route < API_MAX_ROUTES);
	while (column > 0 && statuses[column] != status) {
		column--;
	}
	counts->answers[route][column]++;
}

void
api_counts_problem(struct api_counts *counts, enum problem_code code)
{
	assert((size_t)code < PROBLEM_N_CODES);
	counts->problems[code]++;
}

void
api_counts_refusal(struct api_counts *counts, enum api_refusal refusal)
{
	counts->refusals[refusal]++;
}

static void
write_rejected(struct metrics *metrics, const char *reason, uint64_t n)
{
	if (n > 0) {
		metrics_count(metrics, METRIC_API_REJECTED, METRIC_LABELS(reason), n);
	}
}

void
api_counts_write(const struct api_counts *counts, const char *(*route_name)(unsigned route),
	struct metrics *metrics)
{
	for (unsigned route = 0; route < API_MAX_ROUTES; route++) {
		for (size_t column = 0; column < ARRAY_LEN(statuses); column++) {
			char code[8];

			if (counts->answers[route][column] == 0) {
				continue;
			}
			(void)snprintf(code, sizeof(code), "%d", statuses[column]);
			metrics_count(metrics, METRIC_API_REQUESTS,
				METRIC_LABELS(route_name(route), code),
				counts->answers[route][column]);
		}
	}
	for (size_t i = 0; i < API_N_REFUSALS; i++) {
		write_rejected(metrics, refusal_names[i], counts->refusals[i]);
	}
	for (size_t i = 0; i < PROBLEM_N_CODES; i++) {
		write_rejected(metrics, problem_name((enum problem_code)i), counts->problems[i]);
	}
}
