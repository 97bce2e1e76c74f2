/* SPDX-License-Identifier: MIT */
/*
 * A batch on one axis of time, pure: it begins with the acceptance; each URL's bar shows where its time went and ends
 * when the URL ended, with what ended it behind.
 *
 *	  #  URL                   0         10ms        20ms        30ms        40ms        50ms
 *	  0  https://example.org/  ··░▒▒▒━━━━━━━━━━█████████ 200
 *	  1  https://example.net/  ··▒▒▒━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 503 is not in 200-399
 *	  2  https://example.com/  ················································· #1 failed
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/view/table.h"
#include "client/view/text.h"
#include "lib/protocol/result.h"

/* Columns of each part. */
struct waterfall {
	size_t index_width;
	size_t url_width;
	size_t axis_width;
	size_t why_width;
	int64_t scale_ns;
};

/* waterfall_fit() - decide the widths for a line of @width columns, from what table_measure() found */
void waterfall_fit(struct waterfall *waterfall, const struct table_extent *extent, size_t width);

/* waterfall_step() - nanoseconds between two marks of an axis of @scale_ns, 1, 2 or 5 of a unit; at most @max_marks */
int64_t waterfall_step(int64_t scale_ns, size_t max_marks);

void waterfall_put_head(
	struct buffer *out, const struct waterfall *waterfall, const struct style *style);
void waterfall_put_row(struct buffer *out, const struct waterfall *waterfall,
	const struct result_record *record, const struct style *style);
