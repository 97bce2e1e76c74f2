/* SPDX-License-Identifier: MIT */
/*
 * The configuration in effect, as YAML and as a list of settings with their origins. Settings come from memory by
 * the schema's rows; jobs from their trees, each field on a line, in the style of JSON, which is YAML too.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/loader.h"
#include "daemon/config/schema.h"
#include "daemon/config/substitute.h"
#include "lib/protocol/json_writer.h"

static void
print_string(const char *text, size_t len, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_bytes(&w, text, len);
}

static void
print_real(double real, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_real(&w, real);
}

static void print_value(const struct config *config, const struct value *value, struct buffer *out);

static void
print_members(const struct config *config, const struct value *value, struct buffer *out)
{
	const struct value *child;

	value_for_each(child, value) {
		if (child != value->first) {
			buffer_puts(out, ", ");
		}
		if (child->key) {
			print_string(child->key, child->key_len, out);
			buffer_puts(out, ": ");
		}
		print_value(config, child, out);
	}
}

static void
print_text(const struct config *config, const struct value *value, struct buffer *out)
{
	const char *original = substitution_find(config->substitutions, value->text);

	if (original) {
		print_string(original, strlen(original), out);
	} else {
		print_string(value->text, value->text_len, out);
	}
}

static void
print_value(const struct config *config, const struct value *value, struct buffer *out)
{
	switch (value->type) {
	case VALUE_NULL:
		buffer_puts(out, "null");
		break;
	case VALUE_BOOL:
		buffer_puts(out, value->boolean ? "true" : "false");
		break;
	case VALUE_INTEGER:
		buffer_printf(out, "%" PRId64, value->integer);
		break;
	case VALUE_REAL:
		print_real(value->real, out);
		break;
	case VALUE_STRING:
		print_text(config, value, out);
		break;
	case VALUE_LIST:
		buffer_putc(out, '[');
		print_members(config, value, out);
		buffer_putc(out, ']');
		break;
	case VALUE_MAP:
		buffer_putc(out, '{');
		print_members(config, value, out);
		buffer_putc(out, '}');
		break;
	}
}

static void
print_job(const struct config *config, const struct config_job *job, struct buffer *out)
{
	const struct value *member;

	value_for_each(member, job->map) {
		buffer_puts(out, member == job->map->first ? "  - " : "    ");
		buffer_printf(out, "%s: ", member->key);
		print_value(config, member, out);
		buffer_putc(out, '\n');
	}
}

int
config_print(const struct config *config, struct buffer *out)
{
	schema_print(&schema_root, config, config->substitutions, out);
	buffer_puts(out, config->n_jobs > 0 ? "jobs:\n" : "jobs: []\n");
	for (size_t i = 0; i < config->n_jobs; i++) {
		print_job(config, &config->jobs[i], out);
	}
	return buffer_error(out);
}

/* ---- settings with their origins ---- */

/* A section of the file and those it lies in; NULL: the whole file. */
struct section {
	const struct section *parent;
	const char *name;
};

static const struct value *
find_section(const struct value *root, const struct section *section)
{
	return section ? value_get(find_section(root, section->parent), section->name) : root;
}

static const struct value *
find_origin(const struct config *config, const struct section *section, const char *key,
	const char **ret_source)
{
	const struct value *origin = NULL;

	for (const struct config_tree *kept = config->trees; kept; kept = kept->next) {
		const struct value *value = value_get(find_section(kept->tree->root, section), key);

		if (value && kept->source) {
			origin = value;
			*ret_source = kept->source;
		}
	}
	return origin;
}

const struct value *
config_find_origin(
	const struct config *config, const char *section, const char *key, const char **ret_source)
{
	const struct section here = { NULL, section };

	return find_origin(config, section ? &here : NULL, key, ret_source);
}

static void
write_origin(struct json_writer *w, const char *source, uint32_t line)
{
	json_write_key(w, "source");
	json_write_text(w, source);
	json_write_key(w, "line");
	json_write_uint(w, line);
}

static void
put_section(const struct section *section, struct buffer *out)
{
	if (section) {
		put_section(section->parent, out);
		buffer_printf(out, "%s.", section->name);
	}
}

/* @text: as it stands in YAML; quotes around a text are left out. */
static void
write_setting(struct json_writer *w, const struct section *section, const char *key,
	const struct buffer *text)
{
	_cleanup_(buffer_fini) struct buffer name = BUFFER_INIT;
	bool is_quoted = text->len >= 2 && text->data[0] == '"';

	put_section(section, &name);
	buffer_puts(&name, key);
	json_write_key(w, "key");
	json_write_bytes(w, name.data, name.len);
	json_write_key(w, "value");
	json_write_bytes(w, text->data + is_quoted, text->len - 2 * is_quoted);
}

static void
write_settings(const struct config *config, const struct schema_table *table,
	const struct section *section, struct json_writer *w)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct schema_row *row = &table->rows[i];
		_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
		const struct value *origin;
		const char *source = NULL;

		if (row->section) {
			write_settings(
				config, row->section, &(struct section){ section, row->name }, w);
			continue;
		}
		schema_print_value(row, config, config->substitutions, &text);
		if (text.len == 0) {
			continue; /* the jobs */
		}
		origin = find_origin(config, section, row->name, &source);
		json_begin_object(w);
		write_setting(w, section, row->name, &text);
		if (origin) {
			write_origin(w, source, origin->line);
		}
		json_end_object(w);
	}
}

void
config_write_settings(const struct config *config, struct json_writer *w)
{
	const struct section jobs = { NULL, "jobs" };

	json_begin_array(w);
	write_settings(config, &schema_root, NULL, w);
	for (size_t i = 0; i < config->n_jobs; i++) {
		const struct config_job *job = &config->jobs[i];
		_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;

		print_value(config, job->map, &text);
		json_begin_object(w);
		write_setting(w, &jobs, job->name, &text);
		write_origin(w, job->source, job->line);
		json_end_object(w);
	}
	json_end_array(w);
}
