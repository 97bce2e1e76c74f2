/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows libyaml. Its events are taken one by one and become nodes at once, so
 * every limit is checked before memory or time is spent: the depth on START events, since libyaml's
 * own work grows with the square of it. An alias is never followed.
 *
 * A breach of the subset is noted and reading goes on. What stood there is dropped (an alias
 * becomes a null, a member whose key is no word or was there before is left out), so the tree keeps
 * its promises.
 */
#include "lib/protocol/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "lib/base/cleanup.h"

/* Members of one mapping: each new key is compared with all before it. */
#define MAX_MEMBERS 1024

/* A mapping waits for a key, then for its value; the value of a bad key goes nowhere. */
enum expected {
	EXPECT_ITEM,
	EXPECT_KEY,
	EXPECT_VALUE,
	EXPECT_NOTHING,
};

/* key  in EXPECT_VALUE: a scalar node that stands for the key; path  of the container */
struct frame {
	struct value *container;
	enum expected expected;
	const struct value *key;
	struct value_path path;
};

struct loader {
	struct value_tree *tree;
	struct faults *faults;
	struct frame frames[VALUE_MAX_DEPTH];
	size_t depth;
	size_t n_nodes;
	size_t n_documents;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
count_digits(const char *text)
{
	size_t n = 0;

	while (is_digit(text[n])) {
		n++;
	}
	return n;
}

/* RFC 8259, section 6: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? */
static bool
is_number(const char *text, bool *ret_is_integer)
{
	size_t n;

	*ret_is_integer = true;
	text += *text == '-';
	n = count_digits(text);
	if (n == 0 || (n > 1 && *text == '0')) {
		return false;
	}
	text += n;
	if (*text == '.') {
		*ret_is_integer = false;
		n = count_digits(++text);
		text += n;
		if (n == 0) {
			return false;
		}
	}
	if (*text == 'e' || *text == 'E') {
		*ret_is_integer = false;
		text++;
		text += *text == '-' || *text == '+';
		n = count_digits(text);
		text += n;
		if (n == 0) {
			return false;
		}
	}
	return *text == '\0';
}

/*
 * Words that YAML 1.1 or 1.2 readers take for a boolean, a null or a number, and we for a string.
 */
static bool
is_ambiguous_word(const char *text)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false",
		"null", ".inf", "+.inf", "-.inf", ".nan" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* 0660, 0x1f, 0o17, 1_000, +5, .5, 5., 1e400, 12:30 (sixties) and numbers that do not fit. */
static bool
is_ambiguous_number(const char *text)
{
	size_t n_points = 0;

	text += *text == '-' || *text == '+';
	if (text[0] == '0' && text[1] && strchr("xXoObB", text[1])) {
		return text[2] && strspn(text + 2, "0123456789abcdefABCDEF_") == strlen(text + 2);
	}
	if (!is_digit(text[0]) && !(text[0] == '.' && is_digit(text[1]))) {
		return false;
	}
	for (; is_digit(*text) || strchr("_:.", *text); text++) {
		if (*text == '\0') {
			return n_points <= 1;
		}
		n_points += *text == '.';
	}
	if (*text != 'e' && *text != 'E') {
		return false;
	}
	text++;
	text += *text == '-' || *text == '+';
	return *text && text[count_digits(text)] == '\0';
}

static void
resolve_number(struct value *value, bool is_integer)
{
	char *end;

	errno = 0;
	if (is_integer) {
		value->integer = strtoll(value->text, &end, 10);
		value->type = VALUE_INTEGER;
	} else {
		value->real = strtod(value->text, &end);
		value->type = isfinite(value->real) ? VALUE_REAL : VALUE_STRING;
		errno = 0; /* too small to tell from zero is fine */
	}
	if (errno == ERANGE || *end) {
		value->type = VALUE_STRING;
	}
	value->ambiguous = value->type == VALUE_STRING;
}

/* What a plain scalar is; value->text is set. */
static void
resolve_plain(struct value *value)
{
	bool is_integer;

	if (value->text_len == 0 || strcmp(value->text, "~") == 0 ||
		strcmp(value->text, "null") == 0) {
		value->type = VALUE_NULL;
	} else if (strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0) {
		value->type = VALUE_BOOL;
		value->boolean = *value->text == 't';
	} else if (is_number(value->text, &is_integer)) {
		resolve_number(value, is_integer);
	} else {
		value->ambiguous =
			is_ambiguous_word(value->text) || is_ambiguous_number(value->text);
	}
}

static struct frame *
top(struct loader *loader)
{
	return loader->depth > 0 ? &loader->frames[loader->depth - 1] : NULL;
}

/* The path of a node that is about to be put into the topmost container. */
static struct value_path
next_path(struct loader *loader)
{
	struct frame *frame = top(loader);
	struct value_path path = { NULL };

	if (frame) {
		path.parent = loader->depth > 1 ? &frame->path : NULL;
		path.index = frame->container->n;
	}
	if (frame && frame->key && frame->expected == EXPECT_VALUE) {
		path.key = frame->key->text;
		path.key_len = frame->key->text_len;
	}
	return path;
}

/*
 * Says what is wrong with the node at @at, or, when a key is expected, with the mapping around it.
 */
static void
complain(struct loader *loader, const struct value *at, const char *text)
{
	struct frame *frame = top(loader);
	struct value_path path = next_path(loader);
	const struct value_path *where = frame ? &path : NULL;

	if (frame && frame->expected != EXPECT_ITEM && frame->expected != EXPECT_VALUE) {
		where = path.parent;
	}
	faults_add(loader->faults, &(struct fault_place){ .path = where, .at = at }, "%s", text);
}

static void
complain_about_key(struct loader *loader, const struct value *key, const char *text)
{
	const struct frame *frame = top(loader);
	const struct value_path path = {
		.parent = loader->depth > 1 ? &frame->path : NULL,
		.key = key->text,
		.key_len = key->text_len,
	};

	faults_add(loader->faults, &(struct fault_place){ .path = &path, .at = key }, "%s", text);
}

static bool
has_member(const struct value *map, const struct value *key)
{
	const struct value *member;

	value_for_each(member, map) {
		if (member->key_len == key->text_len &&
			memcmp(member->key, key->text, key->text_len) == 0) {
			return true;
		}
	}
	return false;
}

static int
take_key(struct loader *loader, struct frame *frame, const struct value *key)
{
	frame->key = key;
	frame->expected = EXPECT_NOTHING;
	if (key->type == VALUE_LIST || key->type == VALUE_MAP) {
		complain(loader, key, "a key must be a single word");
	} else if (!key->quoted && strcmp(key->text, "<<") == 0) {
		complain_about_key(
			loader, key, "merge keys are not understood: write the members out");
	} else if (has_member(frame->container, key)) {
		complain_about_key(loader, key, "this key was there before");
	} else if (frame->container->n == MAX_MEMBERS) {
		complain(loader, key, "too many keys in one mapping");
		return -EINVAL;
	} else {
		frame->expected = EXPECT_VALUE;
	}
	return 0;
}

/* Puts a node where the topmost container expects it. */
static int
place_node(struct loader *loader, struct value *node)
{
	struct frame *frame = top(loader);

	if (!frame) {
		loader->tree->root = node;
		return 0;
	}
	switch (frame->expected) {
	case EXPECT_KEY:
		return take_key(loader, frame, node);
	case EXPECT_VALUE:
		node->key = frame->key->text;
		node->key_len = frame->key->text_len;
		node->key_line = frame->key->line;
		node->key_column = frame->key->column;
		value_append(frame->container, node);
		frame->expected = EXPECT_KEY;
		return 0;
	case EXPECT_NOTHING:
		frame->expected = EXPECT_KEY;
		return 0;
	case EXPECT_ITEM:
		value_append(frame->container, node);
		return 0;
	}
	return 0;
}

static int
new_node(struct loader *loader, const yaml_event_t *event, enum value_type type,
	struct value **ret_node)
{
	struct value *node;

	node = value_new(&loader->tree->arena, type);
	if (!node) {
		return -ENOMEM;
	}
	node->line = (uint32_t)event->start_mark.line + 1;
	node->column = (uint32_t)event->start_mark.column + 1;
	if (++loader->n_nodes > YAML_MAX_NODES) {
		complain(loader, node, "too many nodes");
		return -EINVAL;
	}
	*ret_node = node;
	return 0;
}

static void
refuse_properties(struct loader *loader, const struct value *node, const yaml_char_t *anchor,
	const yaml_char_t *tag)
{
	if (anchor) {
		complain(loader, node, "anchors are not understood");
	}
	if (tag) {
		complain(loader, node, "tags are not understood");
	}
}

static int
take_scalar(struct loader *loader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct value *node;
	int r;

	r = new_node(loader, event, VALUE_STRING, &node);
	if (r < 0) {
		return r;
	}
	refuse_properties(loader, node, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(text, '\0', len)) {
		complain(loader, node, "a NUL character (\\0) is not allowed");
		len = strlen(text);
	}
	node->text = arena_text(&loader->tree->arena, text, len);
	if (!node->text) {
		return -ENOMEM;
	}
	node->text_len = len;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!node->quoted) {
		resolve_plain(node);
	}
	return place_node(loader, node);
}

static int
take_alias(struct loader *loader, const yaml_event_t *event)
{
	struct value *node;
	int r;

	r = new_node(loader, event, VALUE_NULL, &node);
	if (r < 0) {
		return r;
	}
	node->text = "";
	complain(loader, node, "aliases are not understood: write the value out");
	return place_node(loader, node);
}

static int
open_container(struct loader *loader, const yaml_event_t *event)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;
	struct value_path path = next_path(loader);
	struct value *node;
	int r;

	r = new_node(loader, event, is_map ? VALUE_MAP : VALUE_LIST, &node);
	if (r < 0) {
		return r;
	}
	if (is_map) {
		refuse_properties(loader, node, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	} else {
		refuse_properties(loader, node, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	}
	if (loader->depth == VALUE_MAX_DEPTH) {
		complain(loader, node, "nested too deep");
		return -EINVAL;
	}
	r = place_node(loader, node);
	if (r < 0) {
		return r;
	}
	loader->frames[loader->depth++] = (struct frame){
		.container = node,
		.expected = is_map ? EXPECT_KEY : EXPECT_ITEM,
		.path = path,
	};
	return 0;
}

static int
begin_document(struct loader *loader, const yaml_event_t *event)
{
	struct fault_place place = {
		.line = (uint32_t)event->start_mark.line + 1,
		.column = (uint32_t)event->start_mark.column + 1,
	};

	if (++loader->n_documents > 1) {
		faults_add(
			loader->faults, &place, "a second document begins here; only one is read");
		return 1;
	}
	return 0;
}

/* 0: go on, 1: the text has been read, negative: failed. */
static int
take_event(struct loader *loader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return 1;
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(loader, event);
	case YAML_SCALAR_EVENT:
		return take_scalar(loader, event);
	case YAML_ALIAS_EVENT:
		return take_alias(loader, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return open_container(loader, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		loader->depth--;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

/*
 * libyaml gives no mark for what its reader refuses (encoding, control characters), only an offset.
 */
static void
find_offset(const char *text, size_t offset, struct fault_place *place)
{
	size_t i;

	place->line = place->column = 1;
	for (i = 0; i < offset; i++) {
		place->column++;
		if (text[i] == '\n') {
			place->line++;
			place->column = 1;
		}
	}
}

static int
refuse_text(const yaml_parser_t *parser, const char *text, size_t len, struct faults *faults)
{
	struct fault_place place = {
		.line = (uint32_t)parser->problem_mark.line + 1,
		.column = (uint32_t)parser->problem_mark.column + 1,
	};
	const char *problem = parser->problem ? parser->problem : "it cannot be read";

	if (parser->error == YAML_MEMORY_ERROR) {
		return -ENOMEM;
	}
	if (parser->error == YAML_READER_ERROR) {
		find_offset(
			text, parser->problem_offset < len ? parser->problem_offset : len, &place);
	}
	if (parser->context) {
		faults_add(faults, &place, "no YAML: %s, %s", parser->context, problem);
	} else {
		faults_add(faults, &place, "no YAML: %s", problem);
	}
	return -EINVAL;
}

static int
load(struct loader *loader, const char *text, size_t len)
{
	_cleanup_(yaml_parser_delete) yaml_parser_t parser;
	yaml_event_t event;
	int r;

	if (!yaml_parser_initialize(&parser)) {
		return -ENOMEM;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	do {
		if (!yaml_parser_parse(&parser, &event)) {
			return refuse_text(&parser, text, len, loader->faults);
		}
		r = take_event(loader, &event);
		yaml_event_delete(&event);
	} while (r == 0);
	return r < 0 ? r : 0;
}

int
yaml_parse(const char *text, size_t len, struct value_tree **ret_tree, struct faults *faults)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(freep) struct loader *loader = NULL;
	int r;

	if (len > YAML_MAX_BYTES) {
		faults_add(faults, &(struct fault_place){ NULL }, "larger than %d bytes",
			YAML_MAX_BYTES);
		return -EINVAL;
	}
	tree = value_tree_create();
	loader = calloc(1, sizeof(*loader)); /* too large for a task's stack */
	if (!tree || !loader) {
		return -ENOMEM;
	}
	loader->tree = tree;
	loader->faults = faults;

	r = load(loader, text, len);
	if (r < 0) {
		return r;
	}
	if (!tree->root) {
		tree->root = value_new(&tree->arena, VALUE_NULL);
	}
	if (!tree->root) {
		return -ENOMEM;
	}
	*ret_tree = steal(&tree);
	return 0;
}
