/* SPDX-License-Identifier: MIT */
/* What all URLs together came to: how many ended how, and how long it took. Pure. */
#pragma once

#include <fetch/fetch.h>
#include <stdint.h>

#include "daemon/ops/histogram.h"

struct metrics;

/* The phases of a URL, as metrics call them. */
enum tally_phase {
	TALLY_QUEUE,
	TALLY_DNS,
	TALLY_CONNECT,
	TALLY_TLS,
	TALLY_FIRST_BYTE,
	TALLY_TOTAL,
};

#define TALLY_N_OUTCOMES 4
#define TALLY_N_SCHEMES  2
#define TALLY_N_VERSIONS 4
#define TALLY_N_PHASES   6

/*
 * struct tally - zeroed is empty
 *
 * results  by outcome, scheme and HTTP version
 * phases   their durations; a phase that there was not is not counted
 */
struct tally {
	uint64_t results[TALLY_N_OUTCOMES][TALLY_N_SCHEMES][TALLY_N_VERSIONS];
	struct histogram phases[TALLY_N_PHASES];
};

/* tally_add() - one more URL is over; @url: what was asked for, if it went nowhere else */
void tally_add(struct tally *tally, const char *url, const struct fetch_result *result);

/* tally_write() - METRIC_REQUESTS, of what there was, and METRIC_REQUEST_DURATION */
void tally_write(const struct tally *tally, struct metrics *metrics);
