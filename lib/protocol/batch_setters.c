/* SPDX-License-Identifier: MIT */
#include "lib/protocol/batch_setters.h"

const struct field_range batch_any_duration = { 1, BATCH_DURATION_MAX };

const struct batch_builder *
batch_builder_of(const struct field_at *at)
{
	return at->fields->user;
}

bool
batch_has_feature(const struct field_at *at, const struct value *value, enum batch_feature feature)
{
	if (batch_builder_of(at)->limits->features & feature) {
		return true;
	}
	field_fault(at, value, NULL, "not supported by this version");
	return false;
}

bool
batch_take_content(const struct field_at *at, const struct value *value, const char **ret_text)
{
	const char *text;

	if (!field_text(at, value, &text)) {
		return false;
	}
	if (!*text) {
		field_fault(at, value, NULL, "must not be empty");
		return false;
	}
	*ret_text = text;
	return true;
}

void
batch_set_content(const struct field_at *at, const struct value *value, void *target)
{
	const char **place = (const char **)((char *)target + at->field->offset);
	const char *text;

	if (batch_take_content(at, value, &text)) {
		*place = field_keep(at, text, value->text_len);
	}
}

void
batch_set_duration(const struct field_at *at, const struct value *value, void *target)
{
	int64_t *place = (int64_t *)((char *)target + at->field->offset);

	(void)field_duration(at, value, batch_any_duration, place);
}

void
batch_set_nested(const struct field_at *at, const struct value *value, void *target)
{
	const struct field_use use = { at->field->table, target };

	fields_apply(at->fields, &(struct fields_map){
					 .map = value,
					 .path = at->path,
					 .shape = at->field->shape,
					 .uses = &use,
					 .n_uses = 1,
				 });
}
