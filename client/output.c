/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/view/batch_report.h"
#include "client/view/csv.h"
#include "client/view/table.h"
#include "client/view/waterfall.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"

#define WRITE_SIZE 65536

/*
 * Every hook may be NULL.
 * spools  the results are kept until end()
 */
struct output_format {
	const char *name;
	bool is_for_people;
	bool spools;
	void (*raw)(struct output *output, const char *text, size_t len);
	void (*begin)(struct output *output);
	void (*result)(struct output *output, const struct result_record *record);
	int (*end)(struct output *output, const struct value *end);
};

/* ---- JSON ---- */

/* Writes what has come together, so that long batches need no memory. Return: 0 or an exit code */
static int
write_when_large(struct output *output)
{
	int code;

	if (output->text.len < WRITE_SIZE) {
		return 0;
	}
	code = call_write(&output->text);
	buffer_clear(&output->text);
	return code;
}

static bool
is_one_of(const char *key, const char *const *names)
{
	for (; names && *names; names++) {
		if (strcmp(key, *names) == 0) {
			return true;
		}
	}
	return false;
}

static void put_value(struct json_writer *w, const struct value *value, const char *const *skip);

static void
put_members(struct json_writer *w, const struct value *map, const char *const *skip)
{
	const struct value *member;

	value_for_each(member, map) {
		if (!is_one_of(member->key, skip)) {
			json_write_name_bytes(w, member->key, member->key_len);
			put_value(w, member, NULL);
		}
	}
}

/* A tree as JSON, without the members @skip of a map; NULL: none. */
static void
put_value(struct json_writer *w, const struct value *value, const char *const *skip)
{
	const struct value *child;

	switch (value->type) {
	case VALUE_NULL:
		json_write_null(w);
		break;
	case VALUE_BOOL:
		json_write_bool(w, value->boolean);
		break;
	case VALUE_INTEGER:
		json_write_int(w, value->integer);
		break;
	case VALUE_REAL:
		json_write_real(w, value->real);
		break;
	case VALUE_STRING:
		json_write_bytes(w, value->text, value->text_len);
		break;
	case VALUE_LIST:
		json_begin_array(w);
		value_for_each(child, value) {
			put_value(w, child, NULL);
		}
		json_end_array(w);
		break;
	case VALUE_MAP:
		json_begin_object(w);
		put_members(w, value, skip);
		json_end_object(w);
		break;
	}
}

/* What belongs to the stream and not to the collected answer. */
static const char *const stream_members[] = { "type", "seq", "urls", NULL };

static int
json_end(struct output *output, const struct value *end)
{
	struct json_writer w = JSON_WRITER_INIT(&output->text);
	const char *text;
	bool is_first = true;
	size_t i;
	int r;

	if (!end) {
		return 0;
	}
	json_begin_object(&w);
	put_members(&w, end, stream_members);
	json_write_key(&w, "results");
	json_begin_array(&w);
	for (i = 0; i < output->spool.n_places; i++) {
		ssize_t len = spool_get(&output->spool, i, &text);

		if (len == -ENOENT) {
			continue;
		}
		if (len < 0) {
			return (int)len;
		}
		buffer_puts(&output->text, is_first ? "\n " : ",\n ");
		buffer_append(&output->text, text, (size_t)len);
		is_first = false;
		r = write_when_large(output);
		if (r != 0) {
			return r;
		}
	}
	json_end_array(&w);
	json_end_object(&w);
	json_end_line(&w);
	return 0;
}

/* ---- NDJSON ---- */

static void
ndjson_raw(struct output *output, const char *text, size_t len)
{
	buffer_append(&output->text, text, len);
	buffer_putc(&output->text, '\n');
}

/* ---- CSV ---- */

static void
csv_begin(struct output *output)
{
	csv_put_head(&output->text);
}

static void
csv_result(struct output *output, const struct result_record *record)
{
	csv_put_row(&output->text, record);
}

/* ---- lines ---- */

static void
lines_result(struct output *output, const struct result_record *record)
{
	const struct style *style = &output->terminal.style;
	struct buffer *out = &output->text;
	char number[16] = "-";
	char time[TEXT_TIME_MAX];

	if (record->status > 0) {
		(void)snprintf(number, sizeof(number), "%d", record->status);
	}
	text_put_cut(out, result_outcome_name(record->outcome), 9, style);
	buffer_putc(out, ' ');
	text_put_right(out, number, 3, style);
	buffer_putc(out, ' ');
	text_put_right(out, text_time(record->timing.total_ns, time, style), 7, style);
	buffer_putc(out, ' ');
	text_put(out, record->url, style);
	buffer_clear(&output->scratch);
	table_put_why(&output->scratch, record);
	if (output->scratch.len > 0) {
		buffer_puts(out, "  (");
		text_put(out, output->scratch.data, style);
		buffer_putc(out, ')');
	}
	buffer_putc(out, '\n');
}

/* ---- the table ---- */

/* Calls @row for every result that came, in the order of the URLs. */
static int
for_each_result(struct output *output,
	void (*row)(struct output *output, const struct result_record *record, void *arg),
	void *arg)
{
	size_t i;

	for (i = 0; i < output->spool.n_places; i++) {
		_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
		struct result_record record;
		struct json_error error;
		const char *text;
		ssize_t len = spool_get(&output->spool, i, &text);
		int r;

		if (len == -ENOENT) {
			continue;
		}
		r = len < 0 ? (int)len : json_parse(text, (size_t)len, &tree, &error);
		r = r < 0 ? r : result_from_value(tree->root, &record);
		if (r < 0) {
			return r;
		}
		row(output, &record, arg);
		r = write_when_large(output);
		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static void
measure_row(struct output *output, const struct result_record *record, void *arg)
{
	table_measure(arg, record, &output->terminal.style);
}

static void
put_row(struct output *output, const struct result_record *record, void *arg)
{
	table_put_row(&output->text, arg, record, &output->terminal.style);
}

static int
table_end(struct output *output, const struct value *end)
{
	struct table_extent extent = { 0 };
	struct table table;
	int r;

	if (output->n_results == 0) {
		return 0;
	}
	r = for_each_result(output, measure_row, &extent);
	if (r != 0) {
		return r;
	}
	table_fit(&table, &extent, output->terminal.width);
	table_put_head(&output->text, &table, &output->terminal.style);
	r = for_each_result(output, put_row, &table);
	table_put_legend(&output->text, &table, &output->terminal.style);
	return r;
}

static void
put_waterfall_row(struct output *output, const struct result_record *record, void *arg)
{
	waterfall_put_row(&output->text, arg, record, &output->terminal.style);
}

static int
waterfall_end(struct output *output, const struct value *end)
{
	const struct style *style = &output->terminal.style;
	struct table_extent extent = { 0 };
	struct waterfall waterfall;
	int r;

	if (output->n_results == 0) {
		return 0;
	}
	r = for_each_result(output, measure_row, &extent);
	if (r != 0) {
		return r;
	}
	waterfall_fit(&waterfall, &extent, output->terminal.width);
	waterfall_put_head(&output->text, &waterfall, style);
	r = for_each_result(output, put_waterfall_row, &waterfall);
	table_put_legend(&output->text,
		&(struct table){
			.bar_width = waterfall.axis_width, .scale_ns = waterfall.scale_ns },
		style);
	return r;
}

static const struct output_format formats[] = {
	{ .name = "table", .is_for_people = true, .spools = true, .end = table_end },
	{ .name = "waterfall", .is_for_people = true, .spools = true, .end = waterfall_end },
	{ .name = "none", .is_for_people = true },
	{ .name = "lines", .is_for_people = true, .result = lines_result },
	{ .name = "json", .spools = true, .end = json_end },
	{ .name = "ndjson", .raw = ndjson_raw },
	{ .name = "csv", .begin = csv_begin, .result = csv_result },
};

int
output_open(struct output *output, const char *name, bool spools)
{
	size_t i;

	*output = (struct output){ .spool = SPOOL_INIT };
	terminal_look(STDOUT_FILENO, &output->terminal);
	if (!name) {
		name = output->terminal.is_terminal ? "table" : "lines";
	}
	for (i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			output->format = &formats[i];
		}
	}
	assert(output->format);
	output->spools = spools || output->format->spools;
	return output->spools ? spool_open(&output->spool) : 0;
}

static void
put_report_row(struct output *output, const struct result_record *record, void *arg)
{
	report_add(arg, record);
}

int
output_report(struct output *output, const struct batch_summary *summary, enum report_kind kind,
	struct buffer *out)
{
	_cleanup_(report_fini) struct report report = REPORT_INIT;
	struct table_extent extent = { 0 };
	int r = for_each_result(output, measure_row, &extent);

	if (r != 0) {
		return r;
	}
	report_begin(&report, summary, &extent);
	r = for_each_result(output, put_report_row, &report);
	return r != 0 ? r : report_end(&report, kind, out);
}

bool
output_is_for_people(const struct output *output)
{
	return output->format->is_for_people;
}

bool
output_is(const struct output *output, const char *name)
{
	return strcmp(output->format->name, name) == 0;
}

void
output_raw(struct output *output, const char *text, size_t len)
{
	if (output->format->raw) {
		output->format->raw(output, text, len);
	}
}

void
output_begin(struct output *output)
{
	if (output->format->begin) {
		output->format->begin(output);
	}
}

int
output_result(struct output *output, const struct value *value, const struct result_record *record)
{
	struct json_writer w = JSON_WRITER_INIT(&output->scratch);

	output->n_results++;
	if (output->format->result) {
		output->format->result(output, record);
	}
	if (!output->spools) {
		return 0;
	}
	buffer_clear(&output->scratch);
	put_value(&w, value, stream_members);
	if (buffer_error(&output->scratch) < 0) {
		return buffer_error(&output->scratch);
	}
	return spool_add(&output->spool, record->index, output->scratch.data, output->scratch.len);
}

int
output_end(struct output *output, const struct value *end)
{
	return output->format->end ? output->format->end(output, end) : 0;
}

int
output_print_json(const struct value *value)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&text);

	put_value(&w, value, NULL);
	json_end_line(&w);
	return call_write(&text);
}

void
output_fini(struct output *output)
{
	spool_fini(&output->spool);
	buffer_fini(&output->text);
	buffer_fini(&output->scratch);
}
