/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "daemon/config/schema.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/yaml.h"

#define MANUAL T_SOURCE_ROOT "/docs/man/fetchd.yaml.5.scd"

static struct buffer manual;

static void
read_manual(void)
{
	_cleanup_(fclosep) FILE *file = fopen(MANUAL, "re");
	char piece[512];
	size_t n;

	ck_assert_ptr_nonnull(file);
	manual = (struct buffer)BUFFER_INIT;
	buffer_putc(&manual, '\n');
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		buffer_append(&manual, piece, n);
	}
	ck_assert_int_eq(buffer_error(&manual), 0);
}

static void
free_manual(void)
{
	buffer_fini(&manual);
}

/* The part of the manual below "## @name", as a text of its own; up to the next heading. */
static void
take_section(const char *name, struct buffer *out)
{
	char heading[64];
	const char *begin, *end;

	(void)snprintf(heading, sizeof(heading), "\n## %s\n", name);
	begin = strstr(manual.data, heading);
	ck_assert_msg(begin, "the manual has no section %s", name);
	end = strstr(begin + 1, "\n#");
	ck_assert_ptr_nonnull(end);
	buffer_append(out, begin, (size_t)(end - begin));
}

/* The lines in which the manual introduces a key: "*key*: default" or "*key*". */
static size_t
count_keys(const char *section)
{
	size_t n = 0;

	for (const char *c = section; (c = strstr(c, "\n*")); c++) {
		n++;
	}
	return n;
}

static void
check_row(const struct schema_row *row, const char *section)
{
	char line[160];

	if (row->initial) {
		(void)snprintf(line, sizeof(line), "\n*%s*: %s\n", row->name, row->initial);
	} else {
		(void)snprintf(line, sizeof(line), "\n*%s*\n", row->name);
	}
	ck_assert_msg(strstr(section, line), "the manual has no line %s", line + 1);
}

static void
check_table(const struct schema_table *table, const char *name)
{
	_cleanup_(buffer_fini) struct buffer section = BUFFER_INIT;
	size_t n = 0;

	take_section(name, &section);
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		if (row->section) {
			check_table(row->section, row->name);
		} else if (row->type != SCHEMA_JOBS) {
			check_row(row, section.data);
			n++;
		}
	}
	ck_assert_msg(count_keys(section.data) == n, "section %s has %zu keys, the table %zu", name,
		count_keys(section.data), n);
}

START_TEST(the_manual_has_every_key_with_its_default)
{
	check_table(&schema_root, "others");
	check_table(&schema_job, "jobs");
}
END_TEST

START_TEST(the_defaults_are_yaml_without_faults)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct faults faults = FAULTS_INIT;

	schema_write_defaults(&text);

	ck_assert_int_eq(yaml_parse(text.data, text.len, &tree, &faults), 0);
	ck_assert_uint_eq(faults_count(&faults), 0);
	ck_assert_uint_eq(tree->root->n, schema_root.n);
	faults_fini(&faults);
}
END_TEST

static void
check_texts(const struct schema_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];

		ck_assert_msg(row->text, "%s has no text", row->name);
		ck_assert_msg(row->type != SCHEMA_WORD || (row->words && row->shape),
			"%s has no words or does not say them", row->name);
		for (size_t j = 0; j < i; j++) {
			ck_assert_str_ne(row->name, table->rows[j].name);
		}
		if (row->section) {
			check_texts(row->section);
		}
	}
}

START_TEST(every_row_says_what_it_is)
{
	check_texts(&schema_root);
	check_texts(&schema_job);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("schema");
	TCase *tables = tcase_create("tables");
	TCase *man = tcase_create("manual");

	tcase_add_test(tables, the_defaults_are_yaml_without_faults);
	tcase_add_test(tables, every_row_says_what_it_is);
	suite_add_tcase(suite, tables);
	tcase_add_checked_fixture(man, read_manual, free_manual);
	tcase_add_test(man, the_manual_has_every_key_with_its_default);
	suite_add_tcase(suite, man);
	return suite;
}
