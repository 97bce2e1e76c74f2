/* SPDX-License-Identifier: MIT */
/*
 * The tree that JSON and YAML are turned into before anybody looks at their meaning: typed nodes in
 * the order of the text, each knowing where it stood. Nodes live in the arena of their tree and are
 * freed with it. Walking needs no stack: children are a chain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/arena.h"

/* Deeper bodies are refused before they are parsed: tasks that parse have small stacks. */
#define VALUE_MAX_DEPTH 32

enum value_type {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INTEGER, /* fits int64_t */
	VALUE_REAL,    /* finite */
	VALUE_STRING,  /* UTF-8, no NUL inside */
	VALUE_LIST,
	VALUE_MAP, /* keys are unique */
};

/*
 * line, column            where the value starts, from 1, columns in characters; 0 = not known
 *                         (JSON: see json_locate_faults())
 * key_line, key_column    the same for the key of a map's member
 * quoted                  YAML: the scalar was quoted (or a block scalar), so it is a string
 *                         whatever it looks like
 * ambiguous               YAML: a plain string that other readers take for something else (yes,
 *                         off, 0660, 0x1f, 1_000)
 * key, key_len            name within the parent map, NUL-terminated; NULL for members of lists and
 *                         the root
 * text, text_len          VALUE_STRING: its bytes, NUL-terminated; other YAML scalars: the raw
 *                         text; else NULL
 * boolean, integer, real  the value of those types
 * first, next, n          children of lists and maps: a chain in the order of the text, and their
 *                         number
 */
struct value {
	enum value_type type;
	bool quoted;
	bool ambiguous;
	uint32_t line;
	uint32_t column;
	uint32_t key_line;
	uint32_t key_column;
	const char *key;
	size_t key_len;
	const char *text;
	size_t text_len;
	union {
		bool boolean;
		int64_t integer;
		double real;
	};
	struct value *first;
	struct value *last;
	struct value *next;
	size_t n;
};

struct value_tree {
	struct arena arena;
	struct value *root;
};

/*
 * Where a value is within its tree, as links on the walker's stack: @key, or @index when @key is
 * NULL.
 */
struct value_path {
	const struct value_path *parent;
	const char *key;
	size_t key_len;
	size_t index;
};

#define value_for_each(child, parent) \
	for ((child) = (parent)->first; (child); (child) = (child)->next)

/* value_tree_create() - an empty tree (root NULL); NULL when out of memory */
struct value_tree *value_tree_create(void);

/* value_tree_destroy() - free the tree and every node; accepts NULL */
void value_tree_destroy(struct value_tree *tree);

DEFINE_CLEANUP(struct value_tree *, value_tree_destroy);

/* value_new() - a node without place or parent in @arena; NULL when out of memory */
struct value *value_new(struct arena *arena, enum value_type type);

/* value_append() - make @child the last child of the list or map @parent */
void value_append(struct value *parent, struct value *child);

/*
 * value_copy() - a deep copy of @value in @arena; NULL when out of memory. Recurses to the depth of
 * the tree.
 */
struct value *value_copy(struct arena *arena, const struct value *value);

/* value_get() - the member @key of @map, or NULL, also when @map is NULL or no map */
const struct value *value_get(const struct value *map, const char *key);

/* value_get_text() - the string member @key of @map, or NULL when it is missing or no string */
const char *value_get_text(const struct value *map, const char *key);

/*
 * value_find() - what a JSON pointer (RFC 6901, well-formed) leads to from @root, or NULL; members of
 * maps and elements of lists, not the place "-" behind the last
 */
const struct value *value_find(const struct value *root, const char *pointer);

/* value_is_text() - whether @value is the string @text */
bool value_is_text(const struct value *value, const char *text);

/* value_has_control() - whether a string holds control characters, which URLs and names must not */
bool value_has_control(const struct value *value);

/* value_equal() - whether two trees say the same; members of maps in any order, 1 equals 1.0 */
bool value_equal(const struct value *a, const struct value *b);

/*
 * value_describe() - what a message calls @value: «the number 5», «the string "on"», «an object»;
 * returns @out
 */
const char *value_describe(const struct value *value, char *out, size_t cap);
