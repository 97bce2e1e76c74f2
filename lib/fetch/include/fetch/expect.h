/* SPDX-License-Identifier: MIT */
/*
 * Which statuses count as success: a few ranges, in the order written.
 *
 *	struct fetch_expect expect = FETCH_EXPECT_INIT;
 *
 *	r = fetch_expect_add(&expect, "2xx", &reason);
 *	options.expect = &expect;
 */
#pragma once

#include <fetch/reason.h>
#include <nursery/macros.h>

NUR_BEGIN_DECLS

#define FETCH_EXPECT_MAX 16 /* ranges */

/* A range of statuses, both ends included. */
struct fetch_status_range {
	uint16_t min;
	uint16_t max;
};

/* struct fetch_expect - plain memory: copied freely, nothing to free */
struct fetch_expect {
	size_t n_ranges;
	struct fetch_status_range ranges[FETCH_EXPECT_MAX];
};

/* Nothing counts; ranges are added. */
#define FETCH_EXPECT_INIT \
	{ \
		0, \
		{ \
			{ \
				0, 0 \
			} \
		} \
	}

/* 200-399, what counts without an expect. */
#define FETCH_EXPECT_DEFAULT \
	{ \
		1, \
		{ \
			{ \
				200, 399 \
			} \
		} \
	}

/**
 * fetch_expect_add() - one more range
 * @text:    "2xx", "200-399" or "204"
 * @reason:  NULL, or where a refusal is explained
 *
 * Checkpoint: never. Ownership: none. Source: RFC 9110, 15.
 * Errors:      -EINVAL  not of these forms, outside 100…999, upside down
 *              -E2BIG   more than FETCH_EXPECT_MAX ranges
 *
 * Return: 0, or an error and the set is unchanged.
 */
int fetch_expect_add(struct fetch_expect *expect, const char *text, struct fetch_reason *reason);

/* fetch_expect_add_status() - one status as a number; all else as fetch_expect_add() */
int fetch_expect_add_status(
	struct fetch_expect *expect, int64_t status, struct fetch_reason *reason);

/* fetch_expect_has() - whether @status counts (no checkpoint) */
bool fetch_expect_has(const struct fetch_expect *expect, int status);

/* fetch_expect_describe() - "503 is not in 200-399, 404" (no checkpoint) */
void fetch_expect_describe(
	const struct fetch_expect *expect, int status, struct fetch_reason *reason);

NUR_END_DECLS
