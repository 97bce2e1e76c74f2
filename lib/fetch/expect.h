/* SPDX-License-Identifier: MIT */
/* Which statuses count as success: a few ranges, in the order written. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/fetch/reason.h"

#define FETCH_EXPECT_MAX 16 /* ranges */

struct fetch_status_range {
	uint16_t min;
	uint16_t max;
};

struct fetch_expect {
	size_t n_ranges;
	struct fetch_status_range ranges[FETCH_EXPECT_MAX];
};

#define FETCH_EXPECT_INIT \
	{ \
		.n_ranges = 0 \
	}
#define FETCH_EXPECT_DEFAULT \
	{ \
		.n_ranges = 1, .ranges = { { 200, 399 } } \
	}

/**
 * fetch_expect_add() - "2xx", "200-399" or "204"
 * Errors: -EINVAL  not of these forms, outside 100…999, upside down
 *         -E2BIG   more than FETCH_EXPECT_MAX ranges
 *         both with @reason, the set unchanged
 */
int fetch_expect_add(struct fetch_expect *expect, const char *text, struct fetch_reason *reason);

/* fetch_expect_add_status() - one status as a number; errors as fetch_expect_add() */
int fetch_expect_add_status(
	struct fetch_expect *expect, int64_t status, struct fetch_reason *reason);

bool fetch_expect_has(const struct fetch_expect *expect, int status);

/* fetch_expect_describe() - "503 is not in 200-399, 404" */
void fetch_expect_describe(
	const struct fetch_expect *expect, int status, struct fetch_reason *reason);
