/* SPDX-License-Identifier: MIT */
#include "lib/protocol/value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/protocol/utf8.h"

struct value_tree *
value_tree_create(void)
{
	return calloc(1, sizeof(struct value_tree));
}

void
value_tree_destroy(struct value_tree *tree)
{
	if (!tree) {
		return;
	}
	arena_fini(&tree->arena);
	free(tree);
}

struct value *
value_new(struct arena *arena, enum value_type type)
{
	struct value *value = arena_alloc(arena, sizeof(*value));

	if (value) {
		value->type = type;
	}
	return value;
}

void
value_append(struct value *parent, struct value *child)
{
	assert(parent->type == VALUE_LIST || parent->type == VALUE_MAP);
	assert(!child->next);

	if (parent->last) {
		parent->last->next = child;
	} else {
		parent->first = child;
	}
	parent->last = child;
	parent->n++;
}

static int
copy_texts(struct arena *arena, struct value *copy, const struct value *value)
{
	if (value->key) {
		copy->key = arena_text(arena, value->key, value->key_len);
		if (!copy->key) {
			return -1;
		}
	}
	if (value->text) {
		copy->text = arena_text(arena, value->text, value->text_len);
		if (!copy->text) {
			return -1;
		}
	}
	return 0;
}

struct value *
value_copy(struct arena *arena, const struct value *value)
{
	struct value *copy = value_new(arena, value->type);
	const struct value *child;

	if (!copy) {
		return NULL;
	}
	*copy = *value;
	copy->first = copy->last = copy->next = NULL;
	copy->n = 0;
	if (copy_texts(arena, copy, value) < 0) {
		return NULL;
	}
	value_for_each(child, value) {
		struct value *child_copy = value_copy(arena, child);

		if (!child_copy) {
			return NULL;
		}
		value_append(copy, child_copy);
	}
	return copy;
}

static const struct value *
get_member(const struct value *map, const char *key, size_t len)
{
	const struct value *member;

	if (!map || map->type != VALUE_MAP) {
		return NULL;
	}
	value_for_each(member, map) {
		if (member->key_len == len && memcmp(member->key, key, len) == 0) {
			return member;
		}
	}
	return NULL;
}

const struct value *
value_get(const struct value *map, const char *key)
{
	return get_member(map, key, strlen(key));
}

const char *
value_get_text(const struct value *map, const char *key)
{
	const struct value *member = value_get(map, key);

	return member && member->type == VALUE_STRING ? member->text : NULL;
}

bool
value_is_text(const struct value *value, const char *text)
{
	return value->type == VALUE_STRING && strcmp(value->text, text) == 0;
}

bool
value_has_control(const struct value *value)
{
	for (const char *c = value->text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			return true;
		}
	}
	return false;
}

/* Whether a part of a JSON pointer, up to @len, is @key: "~1" is "/" and "~0" is "~" in it. */
static bool
is_part(const char *part, size_t len, const char *key, size_t key_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++, n++) {
		char c = part[i];

		if (c == '~') {
			c = part[++i] == '1' ? '/' : '~';
		}
		if (n >= key_len || key[n] != c) {
			return false;
		}
	}
	return n == key_len;
}

/* RFC 6901, 4: digits without a leading zero; @len is at least 1. */
static const struct value *
get_element(const struct value *list, const char *part, size_t len)
{
	const struct value *element = list->first;
	size_t index = 0;

	if (len > 18 || (part[0] == '0' && len > 1)) {
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (part[i] < '0' || part[i] > '9') {
			return NULL;
		}
		index = index * 10 + (size_t)(part[i] - '0');
	}
	if (index >= list->n) {
		return NULL;
	}
	while (index-- > 0) {
		element = element->next;
	}
	return element;
}

static const struct value *
get_part(const struct value *value, const char *part, size_t len)
{
	const struct value *member;

	if (value->type == VALUE_LIST) {
		return len > 0 ? get_element(value, part, len) : NULL;
	}
	if (value->type != VALUE_MAP) {
		return NULL;
	}
	value_for_each(member, value) {
		if (is_part(part, len, member->key, member->key_len)) {
			return member;
		}
	}
	return NULL;
}

const struct value *
value_find(const struct value *root, const char *pointer)
{
	const struct value *value = root;

	while (value && *pointer == '/') {
		size_t len = strcspn(++pointer, "/");

		value = get_part(value, pointer, len);
		pointer += len;
	}
	return value;
}

static bool
is_number(const struct value *value)
{
	return value->type == VALUE_INTEGER || value->type == VALUE_REAL;
}

static double
as_real(const struct value *value)
{
	return value->type == VALUE_REAL ? value->real : (double)value->integer;
}

static bool
equal_lists(const struct value *a, const struct value *b)
{
	const struct value *other = b->first;
	const struct value *child;

	value_for_each(child, a) {
		if (!value_equal(child, other)) {
			return false;
		}
		other = other->next;
	}
	return true;
}

static bool
equal_maps(const struct value *a, const struct value *b)
{
	const struct value *child;

	value_for_each(child, a) {
		const struct value *other = get_member(b, child->key, child->key_len);

		if (!other || !value_equal(child, other)) {
			return false;
		}
	}
	return true;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (is_number(a) && is_number(b) && a->type != b->type) {
		return as_real(a) == as_real(b);
	}
	if (a->type != b->type || a->n != b->n) {
		return false;
	}
	switch (a->type) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INTEGER:
		return a->integer == b->integer;
	case VALUE_REAL:
		return a->real == b->real;
	case VALUE_STRING:
		return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
	case VALUE_LIST:
		return equal_lists(a, b);
	case VALUE_MAP:
		return equal_maps(a, b);
	}
	return false;
}

/* Whether a real would be mistaken for an integer when it is written without decimals. */
static bool
is_whole(double real)
{
	return real > -1e15 && real < 1e15 && real == (double)(int64_t)real;
}

const char *
value_describe(const struct value *value, char *out, size_t cap)
{
	const size_t shown = 40;
	size_t len;

	switch (value->type) {
	case VALUE_NULL:
		(void)snprintf(out, cap, "null");
		break;
	case VALUE_BOOL:
		(void)snprintf(out, cap, "%s", value->boolean ? "true" : "false");
		break;
	case VALUE_INTEGER:
		(void)snprintf(out, cap, "the number %" PRId64, value->integer);
		break;
	case VALUE_REAL:
		(void)snprintf(out, cap,
			is_whole(value->real) ? "the number %.1f" : "the number %.15g",
			value->real);
		break;
	case VALUE_STRING:
		len = utf8_cut(value->text, value->text_len, shown);
		(void)snprintf(out, cap, "the string \"%.*s%s\"", (int)len, value->text,
			len < value->text_len ? "…" : "");
		break;
	case VALUE_LIST:
		(void)snprintf(out, cap, "an array of %zu", value->n);
		break;
	case VALUE_MAP:
		(void)snprintf(out, cap, "an object");
		break;
	}
	return out;
}
