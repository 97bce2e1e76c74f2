/* SPDX-License-Identifier: MIT */
/*
 * Request bodies of all three kinds. The first byte of an input chooses: J a JSON body, N NDJSON, T plain
 * text, whose first line is then the query; anything else a JSON text that is only parsed and written
 * again. What must hold: the pieces a body comes in make no difference, a batch has no faults and URLs,
 * and whatever is said about a body can be written as JSON.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/json.h"
#include "lib/protocol/json_writer.h"
#include "tests/fuzz/always.h"

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits limits = { 50, 1000, 1000, 1 << 20, 0x1ff, NULL, NULL };

static void
write_value(struct json_writer *w, const struct value *value)
{
	const struct value *child;

	switch (value->type) {
	case VALUE_NULL:
		json_write_null(w);
		return;
	case VALUE_BOOL:
		json_write_bool(w, value->boolean);
		return;
	case VALUE_INTEGER:
		json_write_int(w, value->integer);
		return;
	case VALUE_REAL:
		json_write_real(w, value->real);
		return;
	case VALUE_STRING:
		json_write_bytes(w, value->text, value->text_len);
		return;
	case VALUE_LIST:
		json_begin_array(w);
		break;
	case VALUE_MAP:
		json_begin_object(w);
		break;
	}
	value_for_each(child, value) {
		if (child->key) {
			json_write_name_bytes(w, child->key, child->key_len);
		}
		write_value(w, child);
	}
	if (value->type == VALUE_MAP) {
		json_end_object(w);
	} else {
		json_end_array(w);
	}
}

/* Whether a pointer leads to a place in the text. */
static bool
is_located(const char *text, size_t len, const char *pointer)
{
	struct fault fault = { .pointer = pointer };
	struct faults faults = { .items = &fault, .n = 1 };
	const struct json_locate_from from = { .line = 1 };

	ALWAYS(json_locate_faults(text, len, &from, &faults) == 0);
	return fault.line > 0;
}

/* A text that can be parsed is the same after it was written and parsed again. */
static void
parse_and_write(const char *text, size_t len)
{
	struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct value_tree *tree = NULL;
	struct value_tree *again = NULL;
	struct json_error error;

	(void)is_located(text, len, "/a/0/b");
	if (json_parse(text, len, &tree, &error) < 0) {
		ALWAYS(error.line > 0 && error.column > 0 && error.text[0]);
		return;
	}
	ALWAYS(is_located(text, len, ""));
	write_value(&w, tree->root);
	ALWAYS(json_parse(out.data, out.len, &again, &error) == 0);
	ALWAYS(value_equal(tree->root, again->root));
	value_tree_destroy(again);
	value_tree_destroy(tree);
	buffer_fini(&out);
}

static void
check_faults(const struct faults *faults)
{
	struct buffer out = BUFFER_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct value_tree *tree = NULL;
	struct json_error error;
	size_t i;

	ALWAYS(faults->n > 0 && faults->n <= FAULTS_MAX);
	json_begin_array(&w);
	for (i = 0; i < faults->n; i++) {
		json_write_text(&w, faults->items[i].pointer);
		json_write_text(&w, faults->items[i].detail);
		json_write_text(&w, faults->items[i].suggestion);
	}
	json_end_array(&w);
	ALWAYS(json_parse(out.data, out.len, &tree, &error) == 0);
	value_tree_destroy(tree);
	buffer_fini(&out);
}

static void
check_batch(const struct batch_description *batch)
{
	size_t i;

	ALWAYS(batch->n_urls > 0 && batch->n_urls <= limits.urls);
	ALWAYS(batch->deadline_ns > 0 && batch->concurrency > 0 && batch->per_origin > 0);
	for (i = 0; i < batch->n_urls; i++) {
		const struct batch_options *options = batch->urls[i].options;

		ALWAYS(batch->urls[i].url[0]);
		ALWAYS(options->method && options->timeout_ns > 0 &&
			options->connect_timeout_ns > 0);
		ALWAYS(options->expect.n > 0 && options->expect.text);
	}
}

/* What came of a body: the result, and how many URLs or faults. */
static size_t
read_body(const struct batch_input *input, const char *body, size_t len, size_t piece, int *ret_r)
{
	struct batch_reader *reader = NULL;
	struct batch_description *batch = NULL;
	struct faults faults = FAULTS_INIT;
	size_t n = 0;
	size_t at;
	int r;

	ALWAYS(batch_reader_open(input, &reader) == 0);
	for (r = 0, at = 0; at < len && r == 0; at += piece) {
		r = batch_reader_feed(reader, body + at, piece < len - at ? piece : len - at);
	}
	if (r == 0) {
		r = batch_reader_finish(reader, &batch, &faults);
	}
	ALWAYS(r == 0 || r == -EINVAL || r == -EBADMSG || r == -E2BIG);
	if (r == 0) {
		check_batch(batch);
		n = batch->n_urls;
	} else if (r != -E2BIG) {
		check_faults(&faults);
		n = faults_count(&faults);
	}
	batch_description_destroy(batch);
	faults_fini(&faults);
	batch_reader_destroy(reader);
	*ret_r = r;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *kinds = "JNT";
	const char *kind = size > 0 && data[0] ? strchr(kinds, data[0]) : NULL;
	struct batch_input input = { .defaults = &defaults, .limits = &limits };
	const char *body = (const char *)data;
	int whole, cut;

	if (!kind) {
		parse_and_write(body, size);
		return 0;
	}
	body++;
	size--;
	input.kind = (enum batch_kind)(kind - kinds);
	if (input.kind == BATCH_KIND_TEXT) {
		const char *newline = memchr(body, '\n', size);

		input.query = body;
		input.query_len = newline ? (size_t)(newline - body) : size;
		size -= input.query_len;
		body += input.query_len;
	}
	ALWAYS(read_body(&input, body, size, size + 1, &whole) ==
		read_body(&input, body, size, 1 + size % 7, &cut));
	ALWAYS(whole == cut);
	return 0;
}
