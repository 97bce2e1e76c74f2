/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows jansson. Its parser recurses, so the depth is counted before it sees the
 * text; its tree is turned into ours at once and freed, so nothing else depends on it. Positions
 * are not looked for here: json_locate.c does, when they are needed.
 */
#include "lib/protocol/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/utf8.h"

static int
fail_at(const char *body, size_t offset, const char *text, struct json_error *ret_error)
{
	size_t i;

	ret_error->line = 1;
	ret_error->column = 1;
	for (i = 0; i < offset; i++) {
		if (body[i] == '\n') {
			ret_error->line++;
			ret_error->column = 1;
		} else if (!utf8_is_tail((unsigned char)body[i])) {
			ret_error->column++;
		}
	}
	(void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	return -EINVAL;
}

/*
 * The offset of the bracket that opens one level too many, or @len. Brackets in strings do not
 * count.
 */
static size_t
find_too_deep(const char *body, size_t len)
{
	unsigned int depth = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = body[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > VALUE_MAX_DEPTH) {
				return i;
			}
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return len;
}

static bool
is_blank(const char *body, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!strchr(" \t\r\n", body[i]) || body[i] == '\0') {
			return false;
		}
	}
	return true;
}

static int
check_before(const char *body, size_t len, struct json_error *ret_error)
{
	size_t deep;
	char text[64];

	if (is_blank(body, len)) {
		return fail_at(body, 0, "it is empty", ret_error);
	}
	if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) {
		return fail_at(body, 0, "it begins with a byte order mark", ret_error);
	}
	deep = find_too_deep(body, len);
	if (deep < len) {
		(void)snprintf(text, sizeof(text), "nested deeper than %d levels", VALUE_MAX_DEPTH);
		return fail_at(body, deep, text, ret_error);
	}
	return 0;
}

static struct value *convert(struct arena *arena, json_t *json);

static int
convert_members(struct arena *arena, json_t *json, struct value *map)
{
	void *at;

	for (at = json_object_iter(json); at; at = json_object_iter_next(json, at)) {
		struct value *member = convert(arena, json_object_iter_value(at));

		if (!member) {
			return -ENOMEM;
		}
		member->key_len = json_object_iter_key_len(at);
		member->key = arena_text(arena, json_object_iter_key(at), member->key_len);
		if (!member->key) {
			return -ENOMEM;
		}
		value_append(map, member);
	}
	return 0;
}

static int
convert_items(struct arena *arena, json_t *json, struct value *list)
{
	size_t i;

	for (i = 0; i < json_array_size(json); i++) {
		struct value *item = convert(arena, json_array_get(json, i));

		if (!item) {
			return -ENOMEM;
		}
		value_append(list, item);
	}
	return 0;
}

static enum value_type
type_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return VALUE_MAP;
	case JSON_ARRAY:
		return VALUE_LIST;
	case JSON_STRING:
		return VALUE_STRING;
	case JSON_INTEGER:
		return VALUE_INTEGER;
	case JSON_REAL:
		return VALUE_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return VALUE_BOOL;
	case JSON_NULL:
		break;
	}
	return VALUE_NULL;
}

/* Recurses to VALUE_MAX_DEPTH; NULL when out of memory. */
static struct value *
convert(struct arena *arena, json_t *json)
{
	struct value *value = value_new(arena, type_of(json));
	int r = 0;

	if (!value) {
		return NULL;
	}
	switch (value->type) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		value->boolean = json_is_true(json);
		break;
	case VALUE_INTEGER:
		value->integer = json_integer_value(json);
		break;
	case VALUE_REAL:
		value->real = json_real_value(json);
		break;
	case VALUE_STRING:
		value->text_len = json_string_length(json);
		value->text = arena_text(arena, json_string_value(json), value->text_len);
		r = value->text ? 0 : -ENOMEM;
		break;
	case VALUE_LIST:
		r = convert_items(arena, json, value);
		break;
	case VALUE_MAP:
		r = convert_members(arena, json, value);
		break;
	}
	return r < 0 ? NULL : value;
}

/* jansson's own words, but where they speak of its options. */
static const char *
error_text(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a NUL character (\\u0000) is not allowed";
	default:
		return error->text;
	}
}

void
json_seed(size_t seed)
{
	json_object_seed(seed);
}

static int
refuse(const json_error_t *error, struct json_error *ret_error)
{
	if (json_error_code(error) == json_error_out_of_memory) {
		return -ENOMEM;
	}
	ret_error->line = error->line > 0 ? (uint32_t)error->line : 1;
	ret_error->column = error->column > 0 ? (uint32_t)error->column : 1;
	(void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", error_text(error));
	return -EINVAL;
}

static int
parse(const char *body, size_t len, bool is_foreign, struct value_tree **ret_tree,
	struct json_error *ret_error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(json_decrefp) json_t *json = NULL;
	json_error_t error;
	int r;

	r = check_before(body, len, ret_error);
	if (r < 0) {
		return r;
	}
	json = json_loadb(body, len, flags, &error);
	if (!json && is_foreign && json_error_code(&error) == json_error_numeric_overflow) {
		json = json_loadb(body, len, flags | JSON_DECODE_INT_AS_REAL, &error);
	}
	if (!json) {
		return refuse(&error, ret_error);
	}
	tree = value_tree_create();
	if (!tree) {
		return -ENOMEM;
	}
	tree->root = convert(&tree->arena, json);
	if (!tree->root) {
		return -ENOMEM;
	}
	*ret_tree = steal(&tree);
	return 0;
}

int
json_parse(const char *body, size_t len, struct value_tree **ret_tree, struct json_error *ret_error)
{
	return parse(body, len, false, ret_tree, ret_error);
}

int
json_parse_foreign(
	const char *body, size_t len, struct value_tree **ret_tree, struct json_error *ret_error)
{
	return parse(body, len, true, ret_tree, ret_error);
}
