/* SPDX-License-Identifier: MIT */
/*
 * A page about a batch that is over, pure: its waterfall as a picture (SVG), alone or in a page (HTML) with a table.
 * It stands alone: no script, nothing from elsewhere. Light or dark is the reader's wish. URLs, names and reasons
 * come from outside and are escaped.
 *
 * Rows are drawn as they are added, in the order of the URLs; lines from who failed to whom that cancelled are drawn
 * at the end, when both places are known.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/view/table.h"
#include "lib/base/buffer.h"
#include "lib/protocol/result.h"

#define REPORT_MAX_ROWS 1000 /* more would be no picture any more; they are counted */

enum report_kind {
	REPORT_SVG,
	REPORT_HTML,
};

struct report_row;

/*
 * summary    borrowed
 * picture    rows of the SVG
 * table      rows of the HTML's table
 * rows       where each bar ends, and who cancelled it
 * n_left_out  rows over the limit
 */
struct report {
	const struct batch_summary *summary;
	int64_t scale_ns;
	struct buffer picture;
	struct buffer table;
	struct report_row *rows;
	size_t n_rows;
	size_t n_left_out;
	int error;
};

#define REPORT_INIT \
	{ \
		NULL, 0, BUFFER_INIT, BUFFER_INIT, NULL, 0, 0, 0 \
	}

/**
 * report_kind_of() - by the end of a file's name
 * Return: an enum report_kind, or -EINVAL when it is neither .svg nor .html
 */
int report_kind_of(const char *path);

/* report_begin() - what is known of the whole; @summary is borrowed until report_fini() */
void report_begin(struct report *report, const struct batch_summary *summary,
	const struct table_extent *extent);

/* report_add() - the next URL */
void report_add(struct report *report, const struct result_record *record);

/**
 * report_end() - the whole file
 * Return: 0, or -ENOMEM
 */
int report_end(struct report *report, enum report_kind kind, struct buffer *out);

/* report_fini() - free; accepts REPORT_INIT */
void report_fini(struct report *report);
