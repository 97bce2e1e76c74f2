/* SPDX-License-Identifier: MIT */
/*
 * Tables of fields: what an object may contain, and who takes each member. Applying a table to a
 * map calls the setter of every member and reports those it does not know, with the name that was
 * probably meant. Setters take their values through field_text(), field_duration() and so on, which
 * report what is wrong with a value and what would be right, so that all messages sound alike.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/protocol/arena.h"
#include "lib/protocol/faults.h"
#include "lib/protocol/value.h"

struct field_at;
struct field_table;

/* What a value is, as far as its grammar can say it: for a schema, whoever writes one. */
enum field_kind {
	FIELD_ANY, /* nothing is said of it */
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_COUNT,    /* an integer from 0 */
	FIELD_POSITIVE, /* an integer from 1 */
	FIELD_DURATION,
	FIELD_SIZE,
	FIELD_RATE,
	FIELD_WORD,     /* one of words */
	FIELD_STATUSES, /* a list of them */
	FIELD_LIST,     /* of anything */
	FIELD_MAP,      /* of anything, not empty */
	FIELD_TEXTS,    /* a map of texts */
	FIELD_OBJECT,   /* with the fields of table */
	FIELD_URLS,     /* a list of texts, and of objects with the fields of a URL */
};

#define FIELD_N_KINDS 15

/*
 * name    of the member
 * shape   what its value must be, to go behind "must be": «a duration such as "5s"»
 * scalar  may also be given as text, where there are no types (a query parameter)
 * kind    what its value is
 * set     take @value into @target; what is wrong with it is a fault and leaves the target as it
 *         was
 * words   of FIELD_WORD, ends with NULL
 * table   of FIELD_OBJECT
 * offset  of its place in the target, for a setter that serves several fields
 */
struct field {
	const char *name;
	const char *shape;
	bool scalar;
	enum field_kind kind;
	void (*set)(const struct field_at *at, const struct value *value, void *target);
	const char *const *words;
	const struct field_table *table;
	size_t offset;
};

struct field_table {
	const struct field *fields;
	size_t n;
};

/*
 * faults  what is wrong goes here
 * arena   what setters keep goes here
 * text    all values are strings: "8" is an integer, "true" a boolean, and only scalar fields are
 *         taken
 * user    of the setters
 * error   0, or the first -ENOMEM
 */
struct fields {
	struct faults *faults;
	struct arena *arena;
	bool text;
	const void *user;
	int error;
};

/* What a setter knows about its place. */
struct field_at {
	struct fields *fields;
	const struct field *field;
	const struct value_path *path;
};

/* table  and what its setters write to */
struct field_use {
	const struct field_table *table;
	void *target;
};

/*
 * map     its members are applied; not a map: a fault that says it must be @shape
 * path    of the map; NULL = the whole input
 * uses    looked through in this order
 * skip    names of members that are somebody else's; ends with NULL; NULL = none
 * other   a table whose names get the message @other_text instead of "unknown field"; NULL = none
 */
struct fields_map {
	const struct value *map;
	const struct value_path *path;
	const char *shape;
	const struct field_use *uses;
	size_t n_uses;
	const char *const *skip;
	const struct field_table *other;
	const char *other_text;
};

/* fields_apply() - call the setter of each member of a map */
void fields_apply(struct fields *fields, const struct fields_map *map);

/*
 * field_fault() - report what is wrong with @value at the setter's place; @suggestion may be NULL
 */
void field_fault(const struct field_at *at, const struct value *value, const char *suggestion,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* field_wrong_type() - report that @value is not of the field's shape, and what it is */
void field_wrong_type(const struct field_at *at, const struct value *value);

/* Smallest and largest value allowed, both included. */
struct field_range {
	int64_t min;
	int64_t max;
};

/* The value as that type, into *@ret_…; false = it is not, and a fault was reported. */
bool field_text(const struct field_at *at, const struct value *value, const char **ret_text);
bool field_bool(const struct field_at *at, const struct value *value, bool *ret_bool);
bool field_integer(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_integer);
bool field_duration(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_ns);
bool field_size(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_bytes);

/* field_word() - the index of the value in @words, which end with NULL */
bool field_word(const struct field_at *at, const struct value *value, const char *const *words,
	size_t *ret_index);

/* field_keep() - a copy of text in the arena; NULL when out of memory, which is noted */
const char *field_keep(const struct field_at *at, const char *text, size_t len);

/* field_alloc() - zeroed memory in the arena; NULL when out of memory, which is noted */
void *field_alloc(const struct field_at *at, size_t len);
