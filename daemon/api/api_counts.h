/* SPDX-License-Identifier: MIT */
/* What was asked of the API and what was refused, counted. Pure. */
#pragma once

#include <stdint.h>

#include "daemon/api/problem.h"

struct metrics;

/* Why callers are turned away before they have asked for anything. */
enum api_refusal {
	API_REFUSED_CONNECTIONS,
	API_REFUSED_CONNECTIONS_PER_USER,
	API_REFUSED_RESOURCES,
};

#define API_N_REFUSALS 3
#define API_MAX_ROUTES 32
#define API_N_STATUSES 24

/*
 * struct api_counts - zeroed is empty
 *
 * answers   by route and status
 * problems  answers that were one
 * refusals  callers turned away
 */
struct api_counts {
	uint64_t answers[API_MAX_ROUTES][API_N_STATUSES];
	uint64_t problems[PROBLEM_N_CODES];
	uint64_t refusals[API_N_REFUSALS];
};

/* api_counts_answer() - @route: its number, below API_MAX_ROUTES */
void api_counts_answer(struct api_counts *counts, unsigned route, int status);
void api_counts_problem(struct api_counts *counts, enum problem_code code);
void api_counts_refusal(struct api_counts *counts, enum api_refusal refusal);

/* api_counts_write() - METRIC_API_REQUESTS and METRIC_API_REJECTED, of what there was; @route_name: of a number */
void api_counts_write(const struct api_counts *counts, const char *(*route_name)(unsigned route),
	struct metrics *metrics);
