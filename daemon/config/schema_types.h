/* SPDX-License-Identifier: MIT */
/* What each type of value does: it sets a place in memory from a tree, and prints the place as it would stand there. */
#pragma once

#include "daemon/config/schema.h"

/* What a setter works with: its row, the place in memory, and the default as a tree (or NULL). */
struct setting {
	const struct schema_row *row;
	void *place;
	const struct value *initial;
};

typedef void (*schema_set_fn)(
	const struct field_at *at, const struct value *value, const struct setting *setting);

/* hidden  texts of which the placeholder is printed */
struct printing {
	const struct substitution *hidden;
	struct buffer *out;
};

typedef void (*schema_print_fn)(
	const struct schema_row *row, const void *place, const struct printing *printing);

/*
 * shape  what the value must be; NULL: the row says it
 * print  NULL: it is not printed
 */
struct schema_type_row {
	const char *shape;
	schema_set_fn set;
	schema_print_fn print;
};

/* But for SCHEMA_SECTION, which is a table again. */
extern const struct schema_type_row schema_types[SCHEMA_N_TYPES];
