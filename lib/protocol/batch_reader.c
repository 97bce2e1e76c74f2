/* SPDX-License-Identifier: MIT */
/*
 * Reads a request's body as it arrives. Lines are cut out of whatever pieces come: a line that is
 * whole in its piece is read in place, only one that is cut is put together in a buffer, and one
 * that is too long is passed over without being kept. So a body of a hundred thousand lines needs
 * one line's memory beside the description it becomes.
 *
 * Positions: a fault in a JSON text is located by a second look over that text, which is the body
 * for JSON and the line for NDJSON. A fault's pointer is the one it would have in the JSON body
 * that says the same, so URL 7 is "/urls/7" in each format.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/protocol/batch_builder.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/json.h"
#include "lib/protocol/utf8.h"

/*
 * pending     the JSON body so far, or the beginning of a line that is cut
 * too_long    the current line is over BATCH_LINE_MAX: pass over the rest of it
 * line        number of the current line, from 1
 * began       NDJSON: the line with the batch has been seen
 * unreadable  some of the body could not be read at all
 * error       sticky: -E2BIG or -ENOMEM
 */
struct batch_reader {
	enum batch_kind kind;
	struct batch_builder builder;
	struct faults faults;
	struct buffer pending;
	bool too_long;
	uint32_t line;
	bool began;
	bool unreadable;
	int error;
};

static void
complain(struct batch_reader *reader, uint32_t line, uint32_t column, const char *text)
{
	reader->unreadable = true;
	faults_add(&reader->faults, &(struct fault_place){ .line = line, .column = column }, "%s",
		text);
}

/* ---- query parameters ---- */

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *digit = c ? strchr(digits, c | 0x20) : NULL;

	return digit ? (int)(digit - digits) : -1;
}

/* application/x-www-form-urlencoded, one name or value; false = no percent-encoding of UTF-8 text. */
static bool
decode(const char *text, size_t len, char *out, size_t *ret_len)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0) {
				return false;
			}
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0') {
			return false;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	*ret_len = n;
	return utf8_is_valid(out, n);
}

/* A decoded text in the tree's arena: 0, -EBADMSG or -ENOMEM. */
static int
keep_decoded(struct value_tree *tree, const char *text, size_t len, const char **ret_text,
	size_t *ret_len)
{
	char *decoded = arena_alloc(&tree->arena, len + 1);

	if (!decoded) {
		return -ENOMEM;
	}
	if (!decode(text, len, decoded, ret_len)) {
		return -EBADMSG;
	}
	*ret_text = decoded;
	return 0;
}

/* «name=value» or «name» as a string in the tree. */
static int
decode_parameter(struct value_tree *tree, const char *text, size_t len, struct value **ret_value)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	const char *value_text = equals ? equals + 1 : text + len;
	struct value *value = value_new(&tree->arena, VALUE_STRING);
	int r;

	if (!value) {
		return -ENOMEM;
	}
	r = keep_decoded(tree, text, name_len, &value->key, &value->key_len);
	if (r < 0) {
		return r;
	}
	r = keep_decoded(tree, value_text, (size_t)(text + len - value_text), &value->text,
		&value->text_len);
	if (r < 0) {
		return r;
	}
	*ret_value = value;
	return 0;
}

static void
add_parameter(struct batch_reader *reader, struct value_tree *tree, const char *text, size_t len)
{
	struct value *value;
	int r;

	r = decode_parameter(tree, text, len, &value);
	if (r == -ENOMEM) {
		reader->error = r;
	} else if (r < 0) {
		complain(reader, 0, 0, "a query parameter is not percent-encoded UTF-8");
	} else if (value_get(tree->root, value->key)) {
		const struct value_path path = { .key = value->key, .key_len = value->key_len };

		faults_add(&reader->faults, &(struct fault_place){ .path = &path },
			"this query parameter is given twice");
	} else {
		value_append(tree->root, value);
	}
}

/* A map of strings out of a query. */
static int
parse_query(
	struct batch_reader *reader, const char *query, size_t len, struct value_tree **ret_tree)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = value_tree_create();
	const char *end = query + len;

	if (!tree) {
		return -ENOMEM;
	}
	tree->root = value_new(&tree->arena, VALUE_MAP);
	if (!tree->root) {
		return -ENOMEM;
	}
	while (query < end) {
		const char *amp = memchr(query, '&', (size_t)(end - query));
		size_t n = (size_t)((amp ? amp : end) - query);

		if (n > 0) {
			add_parameter(reader, tree, query, n);
		}
		query += n + 1;
	}
	*ret_tree = steal(&tree);
	return reader->error;
}

static int
take_query(struct batch_reader *reader, const struct batch_input *input)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	int r;

	if (input->query_len == 0) {
		return 0;
	}
	r = parse_query(reader, input->query, input->query_len, &tree);
	if (r < 0) {
		return r;
	}
	if (reader->kind == BATCH_KIND_TEXT) {
		reader->builder.fields.text = true;
		batch_builder_fields(&reader->builder, tree->root, NULL);
	} else if (tree->root->n > 0) {
		faults_add(&reader->faults, &(struct fault_place){ NULL },
			"query parameters go with text/plain only: put \"%s\" into the body",
			tree->root->first->key);
	}
	return 0;
}

/* ---- JSON texts ---- */

/*
 * Parses a JSON text that begins on @line; faults are reported. NULL when it is none or memory is
 * short.
 */
static struct value_tree *
parse_json(struct batch_reader *reader, const char *text, size_t len, uint32_t line)
{
	struct value_tree *tree = NULL;
	struct json_error error;
	int r;

	r = json_parse(text, len, &tree, &error);
	if (r == -ENOMEM) {
		reader->error = r;
	} else if (r < 0) {
		reader->unreadable = true;
		faults_add(&reader->faults,
			&(struct fault_place){
				.line = error.line + line - 1,
				.column = error.column,
			},
			"no JSON: %s", error.text);
	}
	return tree;
}

static void
locate_faults(struct batch_reader *reader, const char *text, size_t len,
	const struct json_locate_from *from)
{
	if (json_locate_faults(text, len, from, &reader->faults) < 0) {
		reader->error = -ENOMEM;
	}
}

static void
take_first_line(struct batch_reader *reader, const char *text, size_t len)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	size_t n_before = reader->faults.n;

	reader->began = true;
	tree = parse_json(reader, text, len, reader->line);
	if (tree && (tree->root->type != VALUE_MAP || value_get(tree->root, "url"))) {
		faults_add(&reader->faults,
			&(struct fault_place){ .line = reader->line, .column = 1 },
			"the first line is the batch, such as {} or {\"policy\": \"collect\"}; "
			"URLs follow");
	} else if (tree) {
		batch_builder_fields(&reader->builder, tree->root, NULL);
		if (value_get(tree->root, "urls")) {
			const struct value_path path = { .key = "urls", .key_len = 4 };

			faults_add(&reader->faults,
				&(struct fault_place){ .path = &path, .at_key = true },
				"in NDJSON the URLs follow, one a line");
		}
		reader->builder.urls = NULL; /* goes with its tree */
	}
	batch_builder_seal(&reader->builder);
	locate_faults(reader, text, len, &(struct json_locate_from){ n_before, 0, reader->line });
}

static void
take_url_line(struct batch_reader *reader, const char *text, size_t len)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	size_t n_before = reader->faults.n;
	char prefix[40];

	if (reader->builder.n_seen >= reader->builder.limits->urls) {
		reader->builder.n_seen++; /* too many anyway: only counted */
		return;
	}
	(void)snprintf(prefix, sizeof(prefix), "/urls/%zu", reader->builder.n_seen);
	tree = parse_json(reader, text, len, reader->line);
	if (!tree) {
		reader->builder.n_seen++;
		return;
	}
	batch_builder_url(&reader->builder, tree->root);
	locate_faults(reader, text, len,
		&(struct json_locate_from){ n_before, strlen(prefix), reader->line });
}

/* ---- lines ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
take_text_line(struct batch_reader *reader, const char *text, size_t len, uint32_t column)
{
	struct value value = { .type = VALUE_STRING, .column = column };
	_cleanup_(freep) char *copy = NULL;

	if (*text == '#') {
		return;
	}
	if (memchr(text, '\0', len) || !utf8_is_valid(text, len)) {
		complain(reader, reader->line, column, "a line must be UTF-8 text without NUL");
		reader->builder.n_seen++;
		return;
	}
	copy = strndup(text, len);
	if (!copy) {
		reader->error = -ENOMEM;
		return;
	}
	value.line = reader->line;
	value.text = copy;
	value.text_len = len;
	batch_builder_url(&reader->builder, &value);
}

static void
take_line(struct batch_reader *reader, const char *text, size_t len)
{
	uint32_t column = 1;

	reader->builder.line = reader->line;
	while (len > 0 && is_space(text[len - 1])) {
		len--;
	}
	if (reader->kind == BATCH_KIND_TEXT) {
		while (len > 0 && is_space(*text)) {
			text++;
			len--;
			column++;
		}
	}
	if (len == 0) {
		return;
	}
	if (reader->kind == BATCH_KIND_TEXT) {
		take_text_line(reader, text, len, column);
	} else if (!reader->began) {
		take_first_line(reader, text, len);
	} else {
		take_url_line(reader, text, len);
	}
}

/* A line that could not be read was the batch or a URL all the same. */
static void
count_lost_line(struct batch_reader *reader)
{
	if (reader->kind == BATCH_KIND_NDJSON && !reader->began) {
		reader->began = true;
		batch_builder_seal(&reader->builder);
	} else {
		reader->builder.n_seen++;
	}
}

/* The end of a line has come; @text is what there is of it beside what is pending. */
static void
end_line(struct batch_reader *reader, const char *text, size_t len)
{
	if (reader->too_long || reader->pending.len + len > BATCH_LINE_MAX) {
		char why[40];

		(void)snprintf(why, sizeof(why), "a line is over %d bytes", BATCH_LINE_MAX);
		complain(reader, reader->line, 1, why);
		count_lost_line(reader);
	} else if (reader->pending.len > 0) {
		buffer_append(&reader->pending, text, len);
		if (buffer_error(&reader->pending) == 0) {
			take_line(reader, reader->pending.data, reader->pending.len);
		}
	} else {
		take_line(reader, text, len);
	}
	if (buffer_error(&reader->pending) < 0) {
		reader->error = -ENOMEM;
	}
	buffer_clear(&reader->pending);
	reader->too_long = false;
	reader->line++;
}

static void
feed_lines(struct batch_reader *reader, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end && reader->error == 0) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((newline ? newline : end) - data);

		if (newline) {
			end_line(reader, data, n);
			data = newline + 1;
			continue;
		}
		if (reader->pending.len + n > BATCH_LINE_MAX) {
			reader->too_long = true;
			buffer_clear(&reader->pending);
		}
		if (!reader->too_long) {
			buffer_append(&reader->pending, data, n);
		}
		data = end;
	}
}

static void
feed_json(struct batch_reader *reader, const char *data, size_t len)
{
	if (len > BATCH_JSON_MAX - reader->pending.len) {
		reader->error = -E2BIG;
		buffer_fini(&reader->pending);
		return;
	}
	buffer_append(&reader->pending, data, len);
}

/* ---- the reader ---- */

int
batch_reader_open(const struct batch_input *input, struct batch_reader **ret_reader)
{
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader) {
		return -ENOMEM;
	}
	reader->kind = input->kind;
	reader->line = 1;
	r = batch_builder_init(&reader->builder, input->defaults, input->limits, &reader->faults);
	if (r < 0) {
		return r;
	}
	r = take_query(reader, input);
	if (r < 0) {
		return r;
	}
	if (reader->kind == BATCH_KIND_TEXT) {
		batch_builder_seal(&reader->builder);
	}
	*ret_reader = steal(&reader);
	return 0;
}

int
batch_reader_feed(struct batch_reader *reader, const char *data, size_t len)
{
	if (reader->error == 0 && reader->kind == BATCH_KIND_JSON) {
		feed_json(reader, data, len);
	} else if (reader->error == 0) {
		feed_lines(reader, data, len);
	}
	if (reader->error == 0) {
		reader->error = buffer_error(&reader->pending);
	}
	return reader->error;
}

static void
finish_json(struct batch_reader *reader)
{
	const char *text = reader->pending.data ? reader->pending.data : "";
	size_t len = reader->pending.len;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	size_t n_before = reader->faults.n;

	tree = parse_json(reader, text, len, 1);
	if (!tree) {
		return;
	}
	batch_builder_all(&reader->builder, tree->root, NULL);
	locate_faults(reader, text, len, &(struct json_locate_from){ n_before, 0, 1 });
}

static void
finish_lines(struct batch_reader *reader)
{
	if (reader->pending.len > 0 || reader->too_long) {
		end_line(reader, "", 0); /* the last line may lack its end */
	}
	if (reader->kind == BATCH_KIND_NDJSON && !reader->began) {
		complain(reader, 1, 1, "it is empty: the first line is the batch, URLs follow");
	} else if (reader->builder.n_seen == 0 && faults_count(&reader->faults) == 0) {
		faults_add(&reader->faults, &(struct fault_place){ NULL }, "there are no URLs");
	}
}

int
batch_reader_finish(
	struct batch_reader *reader, struct batch_description **ret_batch, struct faults *faults)
{
	int r;

	if (reader->error == 0 && reader->kind == BATCH_KIND_JSON) {
		finish_json(reader);
	} else if (reader->error == 0) {
		finish_lines(reader);
	}
	if (reader->error < 0) {
		return reader->error;
	}
	r = batch_builder_finish(&reader->builder, ret_batch);
	if (r == -EINVAL) {
		*faults = reader->faults;
		reader->faults = (struct faults)FAULTS_INIT;
	}
	return r == -EINVAL && reader->unreadable ? -EBADMSG : r;
}

void
batch_reader_destroy(struct batch_reader *reader)
{
	if (!reader) {
		return;
	}
	batch_builder_fini(&reader->builder);
	faults_fini(&reader->faults);
	buffer_fini(&reader->pending);
	free(reader);
}
