/* SPDX-License-Identifier: MIT */
/* What the tables of batch fields share: setters that serve several fields, and those of whole objects. */
#pragma once

#include "lib/protocol/batch_builder.h"
#include "lib/protocol/fields.h"

/* Shapes that several fields have. */
#define FIELD_DURATION_SHAPE "a duration such as \"5s\" or \"250ms\""
#define FIELD_COUNT_SHAPE    "an integer"
#define FIELD_TRUTH_SHAPE    "true or false"

extern const struct field_range batch_any_duration;

/* batch_builder_of() - whose fields are being set */
const struct batch_builder *batch_builder_of(const struct field_at *at);

/* batch_has_feature() - whether the engine can do @feature; else a fault: a field must never be ignored */
bool batch_has_feature(
	const struct field_at *at, const struct value *value, enum batch_feature feature);

/* batch_take_content() - a text that is not empty; borrowed from @value; false with a fault */
bool batch_take_content(
	const struct field_at *at, const struct value *value, const char **ret_text);

/* Setters of what stands at the field's offset: a text that is kept, and ns. */
void batch_set_content(const struct field_at *at, const struct value *value, void *target);
void batch_set_duration(const struct field_at *at, const struct value *value, void *target);

/* batch_set_nested() - apply the field's own table to @value */
void batch_set_nested(const struct field_at *at, const struct value *value, void *target);

/*
 * batch_set_statuses() - a list of statuses
 * @retries: NULL; else the words "connect" and "timeout" may be among them
 *
 * Written to *@ret_statuses (and *@retries) only when every element is good.
 */
void batch_set_statuses(const struct field_at *at, const struct value *list,
	struct batch_retries *retries, struct batch_statuses *ret_statuses);

/* batch_set_statuses_from_text() - a query parameter has no types: "2xx,404" stands for the list */
void batch_set_statuses_from_text(
	const struct field_at *at, const struct value *value, struct batch_statuses *ret_statuses);

/* Setters of options that are objects, and the tables of those objects. */
void batch_set_headers(const struct field_at *at, const struct value *map, void *target);
void batch_set_retries(const struct field_at *at, const struct value *value, void *target);
void batch_set_assert(const struct field_at *at, const struct value *value, void *target);
void batch_set_tls(const struct field_at *at, const struct value *value, void *target);

extern const struct field_table batch_retries_table;
extern const struct field_table batch_assert_table;
extern const struct field_table batch_tls_table;
