/* SPDX-License-Identifier: MIT */
/*
 * The tables of batch fields. A row is a name, what its value is, and a setter; everything that is known about a
 * field stands there and nowhere else, the schema for editors included: the fields of the batch in this file, those of
 * URLs in batch_options.c, those of nested objects in the files of their names.
 *
 * A URL without fields of its own points to the batch's options; one with fields gets a copy of
 * them, in which each of its fields replaces the batch's as a whole.
 */
#include "lib/protocol/batch_fields.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/batch_setters.h"

static const char *const policy_words[] = { "fail_fast", "collect", "first_success", NULL };

static void
set_urls(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;

	if (value->type != VALUE_LIST) {
		field_wrong_type(at, value);
		return;
	}
	if (value->n == 0) {
		field_fault(at, value, NULL, "must have at least one URL");
	}
	builder->urls = value;
}

static void
set_name(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	const char *text;

	if (!batch_take_content(at, value, &text)) {
		return;
	}
	if (value->text_len > BATCH_NAME_MAX) {
		field_fault(at, value, NULL, "must not be longer than %d bytes", BATCH_NAME_MAX);
	} else if (value_has_control(value)) {
		field_fault(at, value, NULL, "must not contain control characters");
	} else {
		builder->batch->name = field_keep(at, text, value->text_len);
	}
}

static void
set_policy(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	size_t policy;

	if (field_word(at, value, at->field->words, &policy)) {
		builder->batch->policy = (enum batch_policy)policy;
	}
}

static void
set_max_failures(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 0, INT64_MAX }, &n)) {
		builder->batch->max_failures = (uint64_t)n;
		builder->has_max_failures = true;
	}
}

static void
set_deadline(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;

	(void)field_duration(at, value, batch_any_duration, &builder->batch->deadline_ns);
}

static void
set_concurrency(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 1, builder->limits->in_flight }, &n)) {
		builder->batch->concurrency = (uint32_t)n;
	}
}

static void
set_per_origin(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 1, builder->limits->per_origin }, &n)) {
		builder->batch->per_origin = (uint32_t)n;
	}
}

static void
set_dedupe(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	bool on;

	if (field_bool(at, value, &on) &&
		(!on || batch_has_feature(at, value, BATCH_FEATURE_DEDUPE))) {
		builder->batch->dedupe = on;
	}
}

static void
set_resume(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	bool on;

	if (field_bool(at, value, &on) &&
		(!on || batch_has_feature(at, value, BATCH_FEATURE_RESUME))) {
		builder->batch->resume = on;
	}
}

static void
set_rate(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_builder *builder = target;
	struct rate rate;
	const char *text;
	const char *why;

	if (!field_text(at, value, &text)) {
		return;
	}
	if (rate_parse(text, value->text_len, &rate, &why) < 0) {
		field_fault(at, value, NULL, "must be %s: %s", at->field->shape, why);
	} else if (batch_has_feature(at, value, BATCH_FEATURE_RATE)) {
		builder->batch->rate = rate;
	}
}

static const struct field batch_rows[] = {
	{ "urls", "an array of URLs such as [\"https://example.org/\"]", false, FIELD_URLS,
		set_urls },
	{ "name", "a string such as \"nightly check\"", true, FIELD_TEXT, set_name },
	{ "policy", "one of \"fail_fast\", \"collect\" and \"first_success\"", true, FIELD_WORD,
		set_policy, .words = policy_words },
	{ "max_failures", FIELD_COUNT_SHAPE, true, FIELD_COUNT, set_max_failures },
	{ "deadline", FIELD_DURATION_SHAPE, true, FIELD_DURATION, set_deadline },
	{ "concurrency", FIELD_COUNT_SHAPE, true, FIELD_POSITIVE, set_concurrency },
	{ "per_origin", FIELD_COUNT_SHAPE, true, FIELD_POSITIVE, set_per_origin },
	{ "dedupe", FIELD_TRUTH_SHAPE, true, FIELD_BOOL, set_dedupe },
	{ "rate", "a rate such as \"10/s\"", true, FIELD_RATE, set_rate },
	{ "resume", FIELD_TRUTH_SHAPE, true, FIELD_BOOL, set_resume },
};

const struct field_table batch_field_table = { batch_rows, ARRAY_LEN(batch_rows) };

const char *
batch_policy_name(enum batch_policy policy)
{
	return policy_words[policy];
}

int
batch_policy_find(const char *name)
{
	int i;

	for (i = 0; policy_words[i]; i++) {
		if (strcmp(policy_words[i], name) == 0) {
			return i;
		}
	}
	return -ENOENT;
}
