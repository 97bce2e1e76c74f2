/* SPDX-License-Identifier: MIT */
/* What is done by the rows (schema_rows.c), whatever they are: a tree is taken, defaults written, values printed. */
#include "daemon/config/schema.h"

#include <assert.h>
#include <string.h>

#include "daemon/config/schema_types.h"

#define MAX_ROWS 16 /* of one table */

/* The target of fields_apply(): a table on its way, with the fields made of its rows, one for one. */
struct applying {
	const struct schema_table *table;
	const struct schema_use *use;
	const struct field *fields;
};

static void
set_row(const struct field_at *at, const struct value *value, void *target)
{
	const struct applying *applying = target;
	const struct schema_use *use = applying->use;
	const struct schema_row *row = &applying->table->rows[at->field - applying->fields];
	const struct value *initial = value_get(use->defaults, row->name);

	if (row->section) {
		schema_apply(row->section,
			&(struct schema_use){ use->fields, initial, use->target }, value, at->path);
	} else {
		schema_types[row->type].set(at, value,
			&(struct setting){ row, (char *)use->target + row->offset, initial });
	}
}

static void
make_fields(const struct schema_table *table, struct field *fields)
{
	assert(table->n <= MAX_ROWS);

	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		fields[i] = (struct field){
			.name = row->name,
			.shape = row->shape ? row->shape : schema_types[row->type].shape,
			.set = set_row,
		};
	}
}

void
schema_apply(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path)
{
	struct field fields[MAX_ROWS];
	struct field others[MAX_ROWS];
	struct applying applying = { table, use, fields };
	const struct field_table mine = { fields, table->n };
	const struct field_table root = { others, schema_root.n };
	const struct field_use field_use = { &mine, &applying };

	if (map->type == VALUE_NULL) {
		return; /* an empty file, or a section of which all is commented out */
	}
	make_fields(table, fields);
	make_fields(&schema_root, others);
	fields_apply(use->fields,
		&(struct fields_map){
			.map = map,
			.path = path,
			.shape = "a mapping",
			.uses = &field_use,
			.n_uses = 1,
			.other = table == &schema_root ? NULL : &root,
			.other_text = table == &schema_jobs_file
					      ? "belongs in fetchd.yaml or conf.d"
					      : "belongs to the whole file, without indentation",
		});
}

void
schema_apply_known(const struct schema_table *table, const struct schema_use *use,
	const struct value *map, const struct value_path *path)
{
	struct field fields[MAX_ROWS];
	struct applying applying = { table, use, fields };

	make_fields(table, fields);
	for (size_t i = 0; i < table->n; i++) {
		const struct value *value = value_get(map, fields[i].name);
		const struct value_path here = {
			.parent = path,
			.key = fields[i].name,
			.key_len = strlen(fields[i].name),
		};

		if (value) {
			set_row(&(struct field_at){ use->fields, &fields[i], &here }, value,
				&applying);
		}
	}
}

static void
write_defaults(const struct schema_table *table, struct buffer *out)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		if (i > 0) {
			buffer_puts(out, ", ");
		}
		buffer_printf(out, "%s: ", row->name);
		if (row->section) {
			buffer_putc(out, '{');
			write_defaults(row->section, out);
			buffer_putc(out, '}');
		} else {
			buffer_puts(out, row->initial);
		}
	}
}

void
schema_write_defaults(struct buffer *out)
{
	buffer_putc(out, '{');
	write_defaults(&schema_root, out);
	buffer_puts(out, "}\n");
}

void
schema_print_value(const struct schema_row *row, const void *target,
	const struct substitution *hidden, struct buffer *out)
{
	const struct printing printing = { hidden, out };

	if (schema_types[row->type].print) {
		schema_types[row->type].print(row, (const char *)target + row->offset, &printing);
	}
}

static void
print_table(const struct schema_table *table, const void *target, const struct printing *printing,
	int depth)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		if (row->section) {
			buffer_printf(printing->out, "%*s%s:\n", 2 * depth, "", row->name);
			print_table(row->section, target, printing, depth + 1);
		} else if (schema_types[row->type].print) {
			buffer_printf(printing->out, "%*s%s: ", 2 * depth, "", row->name);
			schema_print_value(row, target, printing->hidden, printing->out);
			buffer_putc(printing->out, '\n');
		}
	}
}

void
schema_print(const struct schema_table *table, const void *target,
	const struct substitution *hidden, struct buffer *out)
{
	const struct printing printing = { hidden, out };

	print_table(table, target, &printing, 0);
}
