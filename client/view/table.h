/* SPDX-License-Identifier: MIT */
/*
 * The table of results, pure: a row per URL with a bar that shows where its time went, all bars on
 * one scale. The widths are decided once, from what is known of all rows, so that a row can be
 * written without the others at hand.
 *
 *	  #  OUTCOME   STATUS    TIME  TIMING                URL                      WHY
 *	  0  ok           200  25.0ms  ··ddccttwwwwwwww==    https://example.org/
 *	  1  failed       503  53.1ms  ··ccccttttwwwwwwwwww  https://example.net/up   503 is not in 200-399
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/view/text.h"
#include "lib/protocol/result.h"

/* What has to be known of all rows: start with zeroes. */
struct table_extent {
	size_t max_index;
	size_t url_width;
	size_t why_width;
	int64_t max_total_ns;
};

/* Columns of each part; bar and why may be 0: then they are left out. */
struct table {
	size_t index_width;
	size_t bar_width;
	size_t url_width;
	size_t why_width;
	int64_t scale_ns;
};

/* table_measure() - take a row into account */
void table_measure(
	struct table_extent *extent, const struct result_record *record, const struct style *style);

/* table_fit() - decide the widths for a line of @width columns */
void table_fit(struct table *table, const struct table_extent *extent, size_t width);

void table_put_head(struct buffer *out, const struct table *table, const struct style *style);
void table_put_row(struct buffer *out, const struct table *table,
	const struct result_record *record, const struct style *style);

/* table_put_legend() - what the marks of the bars mean, and how long a whole bar is */
void table_put_legend(struct buffer *out, const struct table *table, const struct style *style);

/* table_put_why() - "reset: by the peer", "503 is not in 200-399", "#1 failed", "the deadline passed"; may be empty */
void table_put_why(struct buffer *out, const struct result_record *record);

/* table_put_bar() - @width columns for @scale_ns */
void table_put_bar(struct buffer *out, const struct result_record *record, int64_t scale_ns,
	size_t width, const struct style *style);
