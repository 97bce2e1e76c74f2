/* SPDX-License-Identifier: MIT */
/*
 * A bar is cut into phases at rounded positions of the running sum, not of the single durations: so
 * its parts always add up to its length, and a bar twice as long is a request twice as long.
 */
#include "client/view/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/view/phases.h"
#include "lib/base/cleanup.h"

#define OUTCOME_WIDTH 9
#define STATUS_WIDTH  6
#define TIME_WIDTH    7
#define GAP           2
#define MIN_BAR       10
#define MAX_BAR       32
#define MIN_URL       16
#define MIN_WHY       12

static const struct {
	const char *ascii;
	const char *utf8;
	enum colour colour;
} marks[N_PHASES] = {
	[PHASE_QUEUE] = { ".", "·", COLOUR_DIM },
	[PHASE_EARLIER] = { "-", "╌", COLOUR_DIM },
	[PHASE_DNS] = { "d", "░", COLOUR_MAGENTA },
	[PHASE_CONNECT] = { "c", "▒", COLOUR_YELLOW },
	[PHASE_TLS] = { "t", "▓", COLOUR_BLUE },
	[PHASE_WAIT] = { "w", "━", COLOUR_GREEN },
	[PHASE_CONTENT] = { "=", "█", COLOUR_CYAN },
};

void
table_put_bar(struct buffer *out, const struct result_record *record, int64_t scale_ns,
	size_t width, const struct style *style)
{
	int64_t parts[N_PHASES];
	int64_t sum = 0;
	size_t filled = 0;
	size_t i;

	phases_split(record, parts);
	for (i = 0; i < N_PHASES; i++) {
		double end;

		sum += parts[i];
		end = scale_ns > 0 ? (double)sum / (double)scale_ns * (double)width + 0.5 : 0;
		end = end < (double)width ? end : (double)width;
		if ((size_t)end <= filled) {
			continue;
		}
		text_colour(out, marks[i].colour, style);
		for (; filled < (size_t)end; filled++) {
			buffer_puts(out, style->has_utf8 ? marks[i].utf8 : marks[i].ascii);
		}
		text_colour(out, COLOUR_NONE, style);
	}
	for (; filled < width; filled++) {
		buffer_putc(out, ' ');
	}
}

static void
put_cancel_why(struct buffer *out, const struct result_record *record)
{
	static const char *const texts[CANCEL_N_REASONS] = {
		[CANCEL_NONE] = "",
		[CANCEL_SIBLING_FAILED] = "another URL failed",
		[CANCEL_FIRST_SUCCESS] = "another URL was first",
		[CANCEL_DEADLINE] = "the deadline passed",
		[CANCEL_CLIENT_GONE] = "the caller hung up",
		[CANCEL_REQUEST] = "on request",
		[CANCEL_REPLACED] = "replaced by a newer run",
		[CANCEL_SHUTDOWN] = "fetchd is stopping",
	};

	if (record->cancel_cause < 0) {
		buffer_puts(out, texts[record->cancel_reason]);
	} else {
		buffer_printf(out, "#%" PRId64 " %s", record->cancel_cause,
			record->cancel_reason == CANCEL_FIRST_SUCCESS ? "was first" : "failed");
	}
}

static void
put_expiry(struct buffer *out, int64_t expires)
{
	time_t seconds = expires;
	char day[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && strftime(day, sizeof(day), "%Y-%m-%d", &tm) > 0) {
		buffer_printf(out, "certificate until %s", day);
	}
}

void
table_put_why(struct buffer *out, const struct result_record *record)
{
	bool has_detail = record->error_detail && record->error_detail[0];

	if (record->outcome == RESULT_CANCELLED) {
		put_cancel_why(out, record);
		return;
	}
	/* For a status the detail says it all. */
	if (record->error != ERROR_NONE && !(record->error == ERROR_STATUS && has_detail)) {
		buffer_printf(out, "%s%s", error_code_name(record->error), has_detail ? ": " : "");
	}
	if (has_detail) {
		buffer_puts(out, record->error_detail);
	}
	if (record->error == ERROR_NONE && record->tls_expires > 0) {
		put_expiry(out, record->tls_expires);
	}
}

void
table_measure(
	struct table_extent *extent, const struct result_record *record, const struct style *style)
{
	struct buffer why = BUFFER_INIT;
	size_t width = text_width(record->url, style);

	table_put_why(&why, record);
	extent->max_index = record->index > extent->max_index ? record->index : extent->max_index;
	extent->url_width = width > extent->url_width ? width : extent->url_width;
	width = why.len > 0 ? text_width(why.data, style) : 0;
	extent->why_width = width > extent->why_width ? width : extent->why_width;
	if (record->timing.total_ns > extent->max_total_ns) {
		extent->max_total_ns = record->timing.total_ns;
	}
	buffer_fini(&why);
}

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* @n more columns and the gap in front of them; 0 when there is no room for @least. */
static size_t
take_columns(size_t *left, size_t n, size_t least)
{
	size_t taken;

	if (n == 0 || *left < least + GAP) {
		return 0;
	}
	taken = min_size(n, *left - GAP);
	*left -= taken + GAP;
	return taken;
}

void
table_fit(struct table *table, const struct table_extent *extent, size_t width)
{
	char digits[24];
	size_t fixed;
	size_t left;
	size_t half;

	*table = (struct table){ .scale_ns = extent->max_total_ns };
	table->index_width = (size_t)snprintf(digits, sizeof(digits), "%zu", extent->max_index);
	table->index_width = table->index_width < 3 ? 3 : table->index_width;
	fixed = table->index_width + OUTCOME_WIDTH + STATUS_WIDTH + TIME_WIDTH + 3 * GAP;
	left = width > fixed ? width - fixed : 0;

	/* URLs may have half of what is left; then reasons, but for the least bar; bars the rest. */
	half = left / 2 > MIN_URL ? left / 2 : MIN_URL;
	table->url_width = take_columns(&left, min_size(extent->url_width, half), 1);
	half = left > MIN_BAR + GAP + MIN_WHY ? left - MIN_BAR - GAP : left;
	left -= half;
	table->why_width = take_columns(&half, extent->why_width, MIN_WHY);
	left += half;
	table->bar_width = take_columns(&left, MAX_BAR, MIN_BAR);
	/* What nobody took goes to URLs that would have been cut. */
	if (extent->url_width > table->url_width) {
		table->url_width += min_size(left, extent->url_width - table->url_width);
	}
}

static void
gap(struct buffer *out)
{
	buffer_append(out, "    ", GAP);
}

/* The last column is not padded: no line ends with spaces. */
static void
trim(struct buffer *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ') {
		out->data[--out->len] = '\0';
	}
}

void
table_put_head(struct buffer *out, const struct table *table, const struct style *style)
{
	text_colour(out, COLOUR_BOLD, style);
	text_put_right(out, "#", table->index_width, style);
	gap(out);
	text_put_cut(out, "OUTCOME", OUTCOME_WIDTH, style);
	gap(out);
	text_put_right(out, "STATUS", STATUS_WIDTH, style);
	gap(out);
	text_put_right(out, "TIME", TIME_WIDTH, style);
	gap(out);
	if (table->bar_width > 0) {
		text_put_cut(out, "TIMING", table->bar_width, style);
		gap(out);
	}
	text_put_cut(out, "URL", table->url_width, style);
	if (table->why_width > 0) {
		gap(out);
		buffer_puts(out, "WHY");
	}
	trim(out);
	text_colour(out, COLOUR_NONE, style);
	buffer_putc(out, '\n');
}

static enum colour
outcome_colour(enum result_outcome outcome)
{
	static const enum colour colours[RESULT_N_OUTCOMES] = {
		[RESULT_OK] = COLOUR_GREEN,
		[RESULT_FAILED] = COLOUR_RED,
		[RESULT_TIMEOUT] = COLOUR_RED,
		[RESULT_CANCELLED] = COLOUR_YELLOW,
	};

	return colours[outcome];
}

static void
put_why_column(struct buffer *out, const struct table *table, const struct result_record *record,
	const struct style *style)
{
	struct buffer why = BUFFER_INIT;

	table_put_why(&why, record);
	if (why.len > 0 && table->why_width > 0) {
		gap(out);
		text_put_cut(out, why.data, table->why_width, style);
	}
	buffer_fini(&why);
}

void
table_put_row(struct buffer *out, const struct table *table, const struct result_record *record,
	const struct style *style)
{
	char number[24];
	char time[TEXT_TIME_MAX];

	(void)snprintf(number, sizeof(number), "%zu", record->index);
	text_put_right(out, number, table->index_width, style);
	gap(out);
	text_colour(out, outcome_colour(record->outcome), style);
	text_put_cut(out, result_outcome_name(record->outcome), OUTCOME_WIDTH, style);
	text_colour(out, COLOUR_NONE, style);
	gap(out);
	(void)snprintf(number, sizeof(number), "%d", record->status);
	text_put_right(out, record->status > 0 ? number : "-", STATUS_WIDTH, style);
	gap(out);
	text_put_right(out, text_time(record->timing.total_ns, time, style), TIME_WIDTH, style);
	gap(out);
	if (table->bar_width > 0) {
		table_put_bar(out, record, table->scale_ns, table->bar_width, style);
		gap(out);
	}
	text_put_cut(out, record->url, table->url_width, style);
	put_why_column(out, table, record, style);
	trim(out);
	buffer_putc(out, '\n');
}

void
table_put_legend(struct buffer *out, const struct table *table, const struct style *style)
{
	char time[TEXT_TIME_MAX];
	size_t i;

	if (table->bar_width == 0 || table->scale_ns <= 0) {
		return;
	}
	text_colour(out, COLOUR_DIM, style);
	buffer_printf(out, "a whole bar is %s:", text_time(table->scale_ns, time, style));
	text_colour(out, COLOUR_NONE, style);
	for (i = 0; i < N_PHASES; i++) {
		buffer_putc(out, ' ');
		text_colour(out, marks[i].colour, style);
		buffer_puts(out, style->has_utf8 ? marks[i].utf8 : marks[i].ascii);
		text_colour(out, COLOUR_NONE, style);
		buffer_printf(out, " %s", phase_name((enum phase)i));
	}
	buffer_putc(out, '\n');
}
