/* SPDX-License-Identifier: MIT */
/*
 * The keys of the configuration, one row each: what a key is called, what its value must be, what it is
 * when nobody says, and where it goes. Loading, checking, printing and the test of the manual read the rows;
 * nothing else knows a key. Pure.
 *
 * The defaults are the first file: schema_write_defaults() makes its text, and it is loaded like any other.
 * So a default has the form that a user would write, and is held to its own range.
 */
#pragma once

#include <stddef.h>

#include "lib/base/buffer.h"
#include "lib/protocol/fields.h"
#include "lib/protocol/value.h"

/* What a value is in the file, and in memory. */
enum schema_type {
	SCHEMA_COUNT,    /* an integer; unsigned */
	SCHEMA_COUNT_OR_AUTO, /* an integer, or "auto"; unsigned, 0 for that */
	SCHEMA_NUMBER,   /* an integer; size_t */
	SCHEMA_SIZE,     /* "10MiB"; int64_t, bytes */
	SCHEMA_DURATION, /* "5s"; int64_t, ns */
	SCHEMA_TEXT,     /* const char * */
	SCHEMA_OPTIONAL, /* a text or null; const char * or NULL */
	SCHEMA_PROXY,    /* an http URL or null; const char * or NULL */
	SCHEMA_PATH,     /* an absolute path; const char * */
	SCHEMA_OPTIONAL_PATH, /* an absolute path or null; const char * or NULL */
	SCHEMA_NAME,     /* letters, digits, "-", "_" and "."; const char * */
	SCHEMA_MODE,     /* "0660"; mode_t */
	SCHEMA_WORD,     /* one of words, their index; an enum */
	SCHEMA_NETWORKS, /* a list of CIDRs; struct fetch_cidr_list */
	SCHEMA_LOOPBACK, /* "127.0.0.1:9464" or null; struct endpoint */
	SCHEMA_ACCESS,   /* a list of rules; struct access_list */
	SCHEMA_SECTION,  /* a mapping with rows of its own */
	SCHEMA_JOBS,     /* a list; the rows of its elements are schema_job */
};

#define SCHEMA_N_TYPES 18

struct schema_table;
struct substitution;

/*
 * name     the key
 * unit     of the value, for people; NULL = the value has it, or needs none
 * offset   of its place in the target of the table
 * initial  the default, as it would stand in the file; NULL = there is none
 * range    of numbers and quantities, both included; of texts: their length in bytes
 * words    of SCHEMA_WORD, ends with NULL
 * shape    what the value must be, when the type alone does not say it
 * section  of SCHEMA_SECTION
 * text     what it is, in one line
 */
struct schema_row {
	const char *name;
	enum schema_type type;
	const char *unit;
	size_t offset;
	const char *initial;
	struct field_range range;
	const char *const *words;
	const char *shape;
	const struct schema_table *section;
	const char *text;
};

struct schema_table {
	const struct schema_row *rows;
	size_t n;
};

/* The whole file (target: struct config), a file of jobs.d, and one job (target: struct config_job). */
extern const struct schema_table schema_root;
extern const struct schema_table schema_jobs_file;
extern const struct schema_table schema_job;

/*
 * fields    where faults go; texts are borrowed from the tree that is applied
 * defaults  the mapping that the rows' defaults stand in; NULL = there is none
 * target    what the offsets are of
 */
struct schema_use {
	struct fields *fields;
	const struct value *defaults;
	void *target;
};

/* schema_apply() - take each member of @map, a mapping or null; what is wrong with it is a fault */
void schema_apply(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path);

/* schema_apply_known() - the same, leaving members that are no rows to somebody else */
void schema_apply_known(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path);

/* schema_write_defaults() - the defaults of @schema_root as YAML */
void schema_write_defaults(struct buffer *out);

/* schema_print_value() - the value of one row in @target, as schema_print() prints it; nothing for jobs and sections */
void schema_print_value(const struct schema_row *row, const void *target,
	const struct substitution *hidden, struct buffer *out);

/*
 * schema_print() - the values in @target, as YAML that is read back as the same
 * @hidden: of the texts found there, what stood in the file is printed
 */
void schema_print(const struct schema_table *table, const void *target,
	const struct substitution *hidden, struct buffer *out);
