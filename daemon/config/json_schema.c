/* SPDX-License-Identifier: MIT */
/*
 * The configuration's grammar as a JSON Schema (2020-12), for editors: keys, types and ranges come from the rows
 * that the loader reads. What a schema cannot say (that names are unique, that a URL can be fetched) only the
 * loader knows.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "lib/protocol/batch_builder.h"
#include "lib/protocol/json_writer.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"

/* A part that others refer to. */
struct definition {
	const char *name;
	const char *schema;
};

static const struct definition definitions[] = {
	{ "placeholder",
		"{\"type\":\"string\",\"pattern\":\"^\\\\$\\\\{(env|credential):[^}]+\\\\}$\"}" },
	{ "text", "{\"type\":\"string\"}" },
	{ "boolean", "{\"anyOf\":[{\"type\":\"boolean\"}," REF("placeholder") "]}" },
	{ "count", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0}," REF("placeholder") "]}" },
	{ "positive", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1}," REF("placeholder") "]}" },
	{ "duration", "{\"anyOf\":[{\"type\":\"string\",\"pattern\":"
		      "\"^([0-9]+(ns|us|ms|s|m|h|d))+$\"}," REF("placeholder") "]}" },
	{ "size", "{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9]+(B|KiB|MiB|GiB|TiB)$\"}"
		  "," REF("placeholder") "]}" },
	{ "statuses",
		"{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[{\"type\":\"integer\","
		"\"minimum\":100,\"maximum\":599},{\"type\":\"string\",\"pattern\":"
		"\"^([1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$\"}]}}" },
};

/* What a field of a batch may be; NULL: its row says more. */
static const char *const kinds[FIELD_N_KINDS] = {
	[FIELD_ANY] = "{}",
	[FIELD_TEXT] = REF("text"),
	[FIELD_BOOL] = REF("boolean"),
	[FIELD_COUNT] = REF("count"),
	[FIELD_POSITIVE] = REF("positive"),
	[FIELD_DURATION] = REF("duration"),
	[FIELD_SIZE] = REF("size"),
	[FIELD_RATE] = "{\"type\":\"string\",\"pattern\":\"^[0-9]+/[smh]$\"}",
	[FIELD_STATUSES] = REF("statuses"),
	[FIELD_LIST] = "{\"type\":\"array\"}",
	[FIELD_MAP] = "{\"type\":\"object\",\"minProperties\":1}",
	[FIELD_TEXTS] = "{\"type\":\"object\",\"additionalProperties\":" REF("text") "}",
	[FIELD_URLS] = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[" REF(
		"text") "," REF("url") "]}}",
};

/* ---- one row ---- */

static void
put_description(const char *text, struct buffer *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	buffer_puts(out, "\"description\":");
	json_write_text(&w, text);
}

static void
put_words(const char *const *words, struct buffer *out)
{
	buffer_puts(out, "\"enum\":[");
	for (size_t i = 0; words[i]; i++) {
		buffer_printf(out, "%s\"%s\"", i > 0 ? "," : "", words[i]);
	}
	buffer_putc(out, ']');
}

/* The shape of a scalar row, without its braces; NULL: a schema has nothing to say. */
static const char *
scalar_shape(enum schema_type type)
{
	switch (type) {
	case SCHEMA_SIZE:
		return "\"$ref\":\"#/$defs/size\"";
	case SCHEMA_DURATION:
		return "\"$ref\":\"#/$defs/duration\"";
	case SCHEMA_TEXT:
		return "\"type\":\"string\"";
	case SCHEMA_OPTIONAL:
	case SCHEMA_LOOPBACK:
		return "\"type\":[\"string\",\"null\"]";
	case SCHEMA_PROXY:
		return "\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"pattern\":\"^http://"
		       "\"}," REF("placeholder") "]";
	case SCHEMA_PATH:
		return "\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^/\"}," REF(
			"placeholder") "]";
	case SCHEMA_OPTIONAL_PATH:
		return "\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^/"
		       "\"},{\"type\":\"null\"}," REF("placeholder") "]";
	case SCHEMA_NAME:
		return "\"type\":\"string\",\"pattern\":\"^(?!\\\\.{1,2}$)[A-Za-z0-9_.-]+$\"";
	case SCHEMA_MODE:
		return "\"type\":\"string\",\"pattern\":\"^0[0-7]{3}$\"";
	case SCHEMA_ACCESS:
		return "\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":"
		       "false,"
		       "\"properties\":{\"user\":{\"type\":[\"string\",\"integer\"],\"minimum\":0},"
		       "\"group\":{\"type\":"
		       "[\"string\",\"integer\"],\"minimum\":0},\"level\":{\"enum\":[\"read\","
		       "\"submit\",\"admin\"]}},"
		       "\"required\":[\"level\"],\"oneOf\":[{\"required\":[\"user\"]},{"
		       "\"required\":[\"group\"]}]}";
	case SCHEMA_NETWORKS:
		return "\"type\":\"array\",\"items\":{\"type\":\"string\"}";
	default:
		return NULL;
	}
}

static void put_table(const struct schema_table *table, bool is_job, struct buffer *out);

static void
put_row(const struct schema_row *row, struct buffer *out)
{
	const char *shape = scalar_shape(row->type);

	buffer_printf(out, "\"%s\":{", row->name);
	put_description(row->text, out);
	switch (row->type) {
	case SCHEMA_COUNT:
	case SCHEMA_COUNT_OR_AUTO:
	case SCHEMA_NUMBER:
		buffer_printf(out,
			",\"anyOf\":[{\"type\":\"integer\",\"minimum\":%" PRId64
			",\"maximum\":%" PRId64 "},%s" REF("placeholder") "]",
			row->range.min, row->range.max,
			row->type == SCHEMA_COUNT_OR_AUTO ? "{\"const\":\"auto\"}," : "");
		break;
	case SCHEMA_WORD:
		buffer_putc(out, ',');
		put_words(row->words, out);
		break;
	case SCHEMA_SECTION:
		buffer_putc(out, ',');
		put_table(row->section, false, out);
		break;
	case SCHEMA_JOBS:
		buffer_puts(out, ",\"type\":[\"array\",\"null\"],\"items\":" REF("job"));
		break;
	default:
		buffer_printf(out, "%s%s", shape ? "," : "", shape ? shape : "");
		break;
	}
	buffer_putc(out, '}');
}

static bool
has_row(const struct schema_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->rows[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void
put_field(const struct field *field, struct buffer *out)
{
	buffer_printf(out, "\"%s\":", field->name);
	if (field->kind == FIELD_WORD) {
		buffer_putc(out, '{');
		put_words(field->words, out);
		buffer_putc(out, '}');
	} else if (field->kind == FIELD_OBJECT) {
		buffer_puts(out,
			"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
		for (size_t i = 0; i < field->table->n; i++) {
			buffer_puts(out, i > 0 ? "," : "");
			put_field(&field->table->fields[i], out); /* objects nest once */
		}
		buffer_puts(out, "}}");
	} else {
		buffer_puts(out, kinds[field->kind]);
	}
}

/* Behind other members; without those that a job has a row for. */
static void
put_fields(const struct field_table *table, struct buffer *out)
{
	for (size_t i = 0; i < table->n; i++) {
		if (!has_row(&schema_job, table->fields[i].name)) {
			buffer_putc(out, ',');
			put_field(&table->fields[i], out);
		}
	}
}

/* The members of an object's schema, without its braces. */
static void
put_table(const struct schema_table *table, bool is_job, struct buffer *out)
{
	buffer_printf(out, "\"type\":%s,\"additionalProperties\":false,\"properties\":{",
		is_job ? "\"object\"" : "[\"object\",\"null\"]");
	for (size_t i = 0; i < table->n; i++) {
		if (i > 0) {
			buffer_putc(out, ',');
		}
		put_row(&table->rows[i], out);
	}
	if (is_job) {
		put_fields(&batch_field_table, out);
		put_fields(&batch_option_table, out);
	}
	buffer_putc(out, '}');
}

int
config_write_json_schema(struct buffer *out)
{
	buffer_puts(out, "{\"$schema\":\"" DIALECT "\",\"title\":\"fetchd.yaml\",");
	put_table(&schema_root, false, out);
	buffer_puts(out, ",\"$defs\":{");
	for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
		buffer_printf(out, "\"%s\":%s,", definitions[i].name, definitions[i].schema);
	}
	buffer_puts(out, "\"job\":{\"required\":[\"name\",\"urls\"],");
	put_table(&schema_job, true, out);
	buffer_puts(out, "},\"url\":{\"type\":\"object\",\"required\":[\"url\"],"
			 "\"additionalProperties\":false,\"properties\":{\"url\":" REF("text"));
	put_fields(&batch_option_table, out);
	buffer_puts(out, "}}}}\n");
	return buffer_error(out);
}
