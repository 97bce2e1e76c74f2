/* SPDX-License-Identifier: MIT */
/*
 * The configuration in effect, as YAML. Settings come from memory by the schema's rows; jobs from their
 * trees, each field on a line, in the style of JSON, which is YAML too.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/config/config.h"
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
