/* SPDX-License-Identifier: MIT */
#include "lib/protocol/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

/* Room for what value_describe() says: 40 characters of a string and some words. */
#define DESCRIPTION_MAX 80

static const struct field *
find_in_table(const struct field_table *table, const struct value *member)
{
	size_t i;

	for (i = 0; i < table->n; i++) {
		const char *name = table->fields[i].name;

		if (strlen(name) == member->key_len &&
			memcmp(name, member->key, member->key_len) == 0) {
			return &table->fields[i];
		}
	}
	return NULL;
}

static bool
is_skipped(const char *const *skip, const struct value *member)
{
	while (skip && *skip) {
		if (strcmp(*skip, member->key) == 0) {
			return true;
		}
		skip++;
	}
	return false;
}

static const char *
suggest(const struct fields_map *map, const struct value *member)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	const char *const *name;
	size_t i, j;

	for (i = 0; i < map->n_uses; i++) {
		const struct field_table *table = map->uses[i].table;

		for (j = 0; j < table->n; j++) {
			suggestion_offer(
				&suggestion, member->key, member->key_len, table->fields[j].name);
		}
	}
	for (name = map->skip; name && *name; name++) {
		suggestion_offer(&suggestion, member->key, member->key_len, *name);
	}
	return suggestion.name;
}

static void
refuse_unknown(struct fields *fields, const struct fields_map *map, const struct value *member,
	const struct value_path *path)
{
	struct fault_place place = { .path = path, .at = member, .at_key = true };

	if (map->other && find_in_table(map->other, member)) {
		faults_add(fields->faults, &place, "%s", map->other_text);
		return;
	}
	place.suggestion = suggest(map, member);
	faults_add(fields->faults, &place, "unknown field");
}

static void
apply_member(struct fields *fields, const struct fields_map *map, const struct value *member)
{
	const struct value_path path = {
		.parent = map->path,
		.key = member->key,
		.key_len = member->key_len,
	};
	struct field_at at = { .fields = fields, .path = &path };
	size_t i;

	for (i = 0; i < map->n_uses; i++) {
		at.field = find_in_table(map->uses[i].table, member);
		if (!at.field) {
			continue;
		}
		if (fields->text && !at.field->scalar) {
			field_fault(&at, member, NULL,
				"cannot be a query parameter: send JSON or NDJSON");
			return;
		}
		at.field->set(&at, member, map->uses[i].target);
		return;
	}
	refuse_unknown(fields, map, member, &path);
}

void
fields_apply(struct fields *fields, const struct fields_map *map)
{
	const struct value *member;

	if (map->map->type != VALUE_MAP) {
		char description[DESCRIPTION_MAX];

		faults_add(fields->faults,
			&(struct fault_place){ .path = map->path, .at = map->map },
			"must be %s; found %s", map->shape,
			value_describe(map->map, description, sizeof(description)));
		return;
	}
	value_for_each(member, map->map) {
		if (!is_skipped(map->skip, member)) {
			apply_member(fields, map, member);
		}
	}
}

void
field_fault(const struct field_at *at, const struct value *value, const char *suggestion,
	const char *format, ...)
{
	_cleanup_(buffer_fini) struct buffer detail = BUFFER_INIT;
	const struct fault_place place = {
		.path = at->path,
		.at = value,
		.suggestion = suggestion,
	};
	va_list ap;

	va_start(ap, format);
	buffer_vprintf(&detail, format, ap);
	va_end(ap);
	if (buffer_error(&detail) < 0) {
		at->fields->error = -ENOMEM;
		return;
	}
	faults_add(at->fields->faults, &place, "%s", detail.data);
}

static bool
is_plain_scalar(const struct value *value)
{
	return value->text && value->type != VALUE_STRING && !value->quoted;
}

void
field_wrong_type(const struct field_at *at, const struct value *value)
{
	char description[DESCRIPTION_MAX];
	const char *hint = "";

	if (value->type == VALUE_NULL) {
		hint = ": leave the field out to get its default";
	}
	field_fault(at, value, NULL, "must be %s; found %s%s", at->field->shape,
		value_describe(value, description, sizeof(description)), hint);
}

bool
field_text(const struct field_at *at, const struct value *value, const char **ret_text)
{
	if (value->type == VALUE_STRING && !value->ambiguous) {
		*ret_text = value->text;
		return true;
	}
	/* Others read something else into 0660 and no: what was meant is for the author to say. */
	if (value->ambiguous || (is_plain_scalar(value) && value->type != VALUE_NULL)) {
		char description[DESCRIPTION_MAX];

		field_fault(at, value, NULL, "must be %s; found %s: put it in quotes",
			at->field->shape, value_describe(value, description, sizeof(description)));
		return false;
	}
	field_wrong_type(at, value);
	return false;
}

bool
field_bool(const struct field_at *at, const struct value *value, bool *ret_bool)
{
	if (value->type == VALUE_BOOL) {
		*ret_bool = value->boolean;
		return true;
	}
	if (at->fields->text && (value_is_text(value, "true") || value_is_text(value, "false"))) {
		*ret_bool = value_is_text(value, "true");
		return true;
	}
	field_wrong_type(at, value);
	return false;
}

/* Whether the whole of @text is an integer. */
static bool
parse_integer(const char *text, int64_t *ret_integer)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || text[n] != '\0') {
		return false;
	}
	errno = 0;
	*ret_integer = strtoll(text, NULL, 10);
	return errno == 0;
}

bool
field_integer(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_integer)
{
	int64_t integer;

	if (value->type == VALUE_INTEGER) {
		integer = value->integer;
	} else if (!at->fields->text || value->type != VALUE_STRING ||
		   !parse_integer(value->text, &integer)) {
		field_wrong_type(at, value);
		return false;
	}
	if (integer < range.min && range.max == INT64_MAX) {
		field_fault(at, value, NULL, "must be at least %" PRId64 ", found %" PRId64,
			range.min, integer);
		return false;
	}
	if (integer < range.min || integer > range.max) {
		field_fault(at, value, NULL,
			"must be from %" PRId64 " to %" PRId64 ", found %" PRId64, range.min,
			range.max, integer);
		return false;
	}
	*ret_integer = integer;
	return true;
}

/* A number without a unit: what it is likely to mean; NULL when @value is none. */
static const char *
with_unit(const struct value *value, const char *unit, char *out, size_t cap)
{
	int64_t integer = 0;

	if (value->type == VALUE_INTEGER) {
		integer = value->integer;
	} else if (value->type != VALUE_STRING || !parse_integer(value->text, &integer)) {
		return NULL;
	}
	if (integer <= 0) {
		return NULL;
	}
	(void)snprintf(out, cap, "%" PRId64 "%s", integer, unit);
	return out;
}

/* @why NULL = it is not even a string */
static void
refuse_quantity(
	const struct field_at *at, const struct value *value, const char *unit, const char *why)
{
	char text[UNITS_TEXT_MAX];
	char description[DESCRIPTION_MAX];

	if (value->type == VALUE_NULL) {
		field_wrong_type(at, value);
		return;
	}
	field_fault(at, value, with_unit(value, unit, text, sizeof(text)),
		"must be %s; found %s%s%s", at->field->shape,
		value_describe(value, description, sizeof(description)), why ? ": " : "",
		why ? why : "");
}

/* @format: how a bound is written */
static bool
is_in_range(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t quantity, const char *(*format)(int64_t quantity, char *out))
{
	char text[UNITS_TEXT_MAX];

	if (quantity < range.min) {
		field_fault(at, value, NULL, "must be at least %s", format(range.min, text));
	} else if (quantity > range.max) {
		field_fault(at, value, NULL, "must be at most %s", format(range.max, text));
	} else {
		return true;
	}
	return false;
}

bool
field_duration(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_ns)
{
	const char *why = NULL;
	int64_t ns;

	if (value->type != VALUE_STRING ||
		duration_parse(value->text, value->text_len, &ns, &why) < 0) {
		refuse_quantity(at, value, "s", why);
		return false;
	}
	if (ns == 0 && range.min == 1) {
		field_fault(at, value, NULL, "must be longer than 0s");
		return false;
	}
	if (!is_in_range(at, value, range, ns, duration_format)) {
		return false;
	}
	*ret_ns = ns;
	return true;
}

bool
field_size(const struct field_at *at, const struct value *value, struct field_range range,
	int64_t *ret_bytes)
{
	const char *why = NULL;
	int64_t bytes;

	if (value->type != VALUE_STRING ||
		size_parse(value->text, value->text_len, &bytes, &why) < 0) {
		refuse_quantity(at, value, "B", why);
		return false;
	}
	if (!is_in_range(at, value, range, bytes, size_format)) {
		return false;
	}
	*ret_bytes = bytes;
	return true;
}

bool
field_word(const struct field_at *at, const struct value *value, const char *const *words,
	size_t *ret_index)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char description[DESCRIPTION_MAX];
	size_t i;

	/* 1.1 without quotes is a number to YAML, and plainly meant all the same. */
	for (i = 0; value->text && words[i]; i++) {
		if (strcmp(words[i], value->text) == 0) {
			*ret_index = i;
			return true;
		}
		suggestion_offer(&suggestion, value->text, value->text_len, words[i]);
	}
	if (value->type == VALUE_NULL) {
		field_wrong_type(at, value);
		return false;
	}
	field_fault(at, value, suggestion.name, "must be %s; found %s", at->field->shape,
		value_describe(value, description, sizeof(description)));
	return false;
}

void *
field_alloc(const struct field_at *at, size_t len)
{
	void *memory = arena_alloc(at->fields->arena, len);

	if (!memory) {
		at->fields->error = -ENOMEM;
	}
	return memory;
}

const char *
field_keep(const struct field_at *at, const char *text, size_t len)
{
	const char *copy = arena_text(at->fields->arena, text, len);

	if (!copy) {
		at->fields->error = -ENOMEM;
	}
	return copy;
}
