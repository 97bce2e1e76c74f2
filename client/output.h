/* SPDX-License-Identifier: MIT */
/*
 * The six shapes in which results leave for standard output. Lines, NDJSON and CSV go as they come;
 * a table, a waterfall and JSON are in the order of the URLs and wait in a spool until the batch is over. The
 * caller writes out->text when it likes; only output_end() writes by itself what has grown large.
 */
#pragma once

#include <stdbool.h>

#include "client/spool.h"
#include "client/terminal.h"
#include "client/view/batch_report.h"
#include "lib/base/buffer.h"
#include "lib/protocol/result.h"
#include "lib/protocol/value.h"

struct output_format;

/*
 * spools    the results are kept until the end
 * text      what is to be written next; the caller clears it
 * terminal  what it is written for
 */
struct output {
	struct buffer text;
	struct terminal terminal;
	const struct output_format *format;
	struct spool spool;
	bool spools;
	size_t n_results;
	struct buffer scratch;
};

/* The names of the formats. */
#define OUTPUT_FORMATS "table", "waterfall", "lines", "json", "ndjson", "csv"

/**
 * output_open() - decide the format
 * @name: one of OUTPUT_FORMATS, or "none"; NULL = a table on a terminal, lines elsewhere
 * @spools: keep the results in any case, for output_report()
 *
 * Errors:  -errno of the temporary file
 *
 * Return: 0, or a negative error code from the list; output_fini() in either case.
 */
int output_open(struct output *output, const char *name, bool spools);

/**
 * output_report() - a page about the batch, when it is over
 * @out: the whole file
 * Return: 0, or a negative error code of the spool or of memory
 */
int output_report(struct output *output, const struct batch_summary *summary, enum report_kind kind,
	struct buffer *out);

/* output_is_for_people() - a summary on standard error belongs to it */
bool output_is_for_people(const struct output *output);

/* output_is() - whether it is the format @name */
bool output_is(const struct output *output, const char *name);

/*
 * output_raw() - a line of the stream as it came, without newline, before what it means is given to
 * the calls below; only NDJSON is interested
 */
void output_raw(struct output *output, const char *text, size_t len);

/* output_begin() - in front of the first result */
void output_begin(struct output *output);

/**
 * output_result() - one result
 * @value:  as it came
 * @record: what it says
 * Return: 0, or what spool_add() returns
 */
int output_result(
	struct output *output, const struct value *value, const struct result_record *record);

/**
 * output_end() - the batch is over
 * @end: its last line; NULL = it never came: then JSON gives nothing
 * Return: 0, a negative error code of the spool, or the exit code when writing failed, which was said
 */
int output_end(struct output *output, const struct value *end);

/* output_print_json() - a tree and a newline to standard output. Return: the exit code */
int output_print_json(const struct value *value);

/* output_fini() - free; accepts a zeroed object */
void output_fini(struct output *output);
