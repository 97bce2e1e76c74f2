/* SPDX-License-Identifier: MIT */
#include "client/view/waterfall.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/cleanup.h"

#define GAP        2
#define MIN_AXIS   20
#define MAX_WHY    30
#define MARK_WIDTH 10 /* columns for a mark's text */
#define MIN_URL    12

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

void
waterfall_fit(struct waterfall *waterfall, const struct table_extent *extent, size_t width)
{
	char digits[24];
	size_t left;

	*waterfall = (struct waterfall){ .scale_ns = extent->max_total_ns };
	waterfall->index_width = (size_t)snprintf(digits, sizeof(digits), "%zu", extent->max_index);
	waterfall->index_width = waterfall->index_width < 3 ? 3 : waterfall->index_width;
	left = width > waterfall->index_width + GAP ? width - waterfall->index_width - GAP : 0;
	/* A URL may have a third, a reason a quarter; time has the rest. */
	waterfall->url_width = min_size(extent->url_width, left / 3 > MIN_URL ? left / 3 : MIN_URL);
	left -= min_size(left, waterfall->url_width + GAP);
	waterfall->why_width = min_size(
		extent->why_width > 3 ? extent->why_width : 3, min_size(MAX_WHY, left / 3));
	left -= min_size(left, waterfall->why_width + 1);
	waterfall->axis_width = left > MIN_AXIS ? left : MIN_AXIS;
}

int64_t
waterfall_step(int64_t scale_ns, size_t max_marks)
{
	int64_t step = 1000;

	while (scale_ns / step > (int64_t)max_marks && step < INT64_MAX / 10) {
		if (scale_ns / (2 * step) <= (int64_t)max_marks) {
			return 2 * step;
		}
		if (scale_ns / (5 * step) <= (int64_t)max_marks) {
			return 5 * step;
		}
		step *= 10;
	}
	return step;
}

static void
pad_to(struct buffer *out, size_t start, size_t len)
{
	while (out->len < start + len && buffer_error(out) == 0) {
		buffer_putc(out, ' ');
	}
}

/* "20ms", without the decimals that text_time() has: marks are round. */
static void
put_mark(struct buffer *out, int64_t ns)
{
	if (ns == 0) {
		buffer_putc(out, '0');
	} else if (ns >= 1000000000 && ns % 1000000000 == 0) {
		buffer_printf(out, "%" PRId64 "s", ns / 1000000000);
	} else if (ns >= 1000000 && ns % 1000000 == 0) {
		buffer_printf(out, "%" PRId64 "ms", ns / 1000000);
	} else {
		buffer_printf(out, "%" PRId64 "us", ns / 1000);
	}
}

static void
put_axis(struct buffer *out, const struct waterfall *waterfall)
{
	size_t width = waterfall->axis_width;
	int64_t step = waterfall_step(waterfall->scale_ns, width / MARK_WIDTH);
	size_t start = out->len;
	int64_t at;

	for (at = 0; at <= waterfall->scale_ns; at += step) {
		double column =
			waterfall->scale_ns > 0
				? (double)at / (double)waterfall->scale_ns * (double)width + 0.5
				: 0;

		if ((size_t)column + MARK_WIDTH > width + MARK_WIDTH / 2) {
			break;
		}
		pad_to(out, start, (size_t)column);
		buffer_puts(out, "|");
		put_mark(out, at);
	}
}

void
waterfall_put_head(struct buffer *out, const struct waterfall *waterfall, const struct style *style)
{
	text_colour(out, COLOUR_BOLD, style);
	text_put_right(out, "#", waterfall->index_width, style);
	buffer_puts(out, "  ");
	text_put_cut(out, "URL", waterfall->url_width, style);
	text_colour(out, COLOUR_NONE, style);
	buffer_puts(out, "  ");
	put_axis(out, waterfall);
	buffer_putc(out, '\n');
}

static size_t
bar_columns(const struct waterfall *waterfall, const struct result_record *record)
{
	double part = waterfall->scale_ns > 0 && record->timing.total_ns > 0
			      ? (double)record->timing.total_ns / (double)waterfall->scale_ns
			      : 0;

	return min_size(
		(size_t)(part * (double)waterfall->axis_width + 0.5), waterfall->axis_width);
}

static void
put_why(struct buffer *out, const struct waterfall *waterfall, const struct result_record *record,
	const struct style *style)
{
	static const enum colour colours[RESULT_N_OUTCOMES] = {
		[RESULT_OK] = COLOUR_GREEN,
		[RESULT_FAILED] = COLOUR_RED,
		[RESULT_TIMEOUT] = COLOUR_RED,
		[RESULT_CANCELLED] = COLOUR_YELLOW,
	};
	_cleanup_(buffer_fini) struct buffer why = BUFFER_INIT;
	const char *text;
	size_t width;

	if (record->outcome == RESULT_OK) {
		buffer_printf(&why, "%d", record->status);
	} else {
		table_put_why(&why, record);
	}
	text = why.len > 0 ? why.data : result_outcome_name(record->outcome);
	width = text_width(text, style);
	text_colour(out, colours[record->outcome], style);
	text_put_cut(out, text, min_size(width, waterfall->why_width), style);
	text_colour(out, COLOUR_NONE, style);
}

void
waterfall_put_row(struct buffer *out, const struct waterfall *waterfall,
	const struct result_record *record, const struct style *style)
{
	size_t columns = bar_columns(waterfall, record);
	char number[24];

	(void)snprintf(number, sizeof(number), "%zu", record->index);
	text_put_right(out, number, waterfall->index_width, style);
	buffer_puts(out, "  ");
	text_put_cut(out, record->url, waterfall->url_width, style);
	buffer_puts(out, "  ");
	/* A bar of exactly its own columns: the reason follows at once. */
	table_put_bar(out, record, record->timing.total_ns, columns, style);
	buffer_putc(out, ' ');
	put_why(out, waterfall, record, style);
	buffer_putc(out, '\n');
}
