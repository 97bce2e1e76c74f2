/* SPDX-License-Identifier: MIT */
/* The field "retries". */
#include "lib/protocol/batch_setters.h"

#include "lib/base/cleanup.h"

static const struct batch_status_range retry_ranges[] = { { 500, 599 }, { 429, 429 } };

const struct batch_retries batch_default_retries = {
	.backoff_ns = 200 * UNITS_NS_PER_MS,
	.max_backoff_ns = 10 * UNITS_NS_PER_S,
	.on_connect = true,
	.on_timeout = true,
	.on_status = { retry_ranges, ARRAY_LEN(retry_ranges), "5xx, 429" },
};

static void
set_retries_max(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;
	int64_t n;

	if (field_integer(at, value, (struct field_range){ 0, BATCH_RETRIES_MAX }, &n) &&
		(n == 0 || batch_has_feature(at, value, BATCH_FEATURE_RETRIES))) {
		retries->max = (uint32_t)n;
	}
}

static void
set_retries_on(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_retries *retries = target;

	batch_set_statuses(at, value, retries, &retries->on_status);
}

#define AT(member) .offset = offsetof(struct batch_retries, member)

static const struct field retries_rows[] = {
	{ "max", FIELD_COUNT_SHAPE, false, FIELD_COUNT, set_retries_max },
	{ "backoff", FIELD_DURATION_SHAPE, false, FIELD_DURATION, batch_set_duration,
		AT(backoff_ns) },
	{ "max_backoff", FIELD_DURATION_SHAPE, false, FIELD_DURATION, batch_set_duration,
		AT(max_backoff_ns) },
	{ "on", "an array such as [\"connect\", \"timeout\", \"5xx\", 429]", false, FIELD_LIST,
		set_retries_on },
};

#undef AT

const struct field_table batch_retries_table = { retries_rows, ARRAY_LEN(retries_rows) };

void
batch_set_retries(const struct field_at *at, const struct value *value, void *target)
{
	struct batch_options *options = target;
	struct batch_retries retries = batch_default_retries;

	batch_set_nested(at, value, &retries);
	if (retries.backoff_ns > retries.max_backoff_ns) {
		field_fault(
			at, value, NULL, "backoff is longer than max_backoff (10s if not given)");
	}
	options->retries = retries;
}
