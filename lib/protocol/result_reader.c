/* SPDX-License-Identifier: MIT */
/* Results and batches from JSON, as result_writer.c, or that of a newer daemon, has written them. */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/result.h"

/* The integer member @key of @map from 0 to @max; @missing when it is not there or something else. */
static int64_t
get_integer(const struct value *map, const char *key, int64_t max, int64_t missing)
{
	const struct value *value = value_get(map, key);

	if (!value || value->type != VALUE_INTEGER || value->integer < 0 || value->integer > max) {
		return missing;
	}
	return value->integer;
}

/* The member @key of @map, milliseconds, as nanoseconds; RESULT_ABSENT when it is null or not there. */
static int64_t
get_ms(const struct value *map, const char *key)
{
	const struct value *value = value_get(map, key);
	double ns;

	if (!value || (value->type != VALUE_REAL && value->type != VALUE_INTEGER)) {
		return RESULT_ABSENT;
	}
	ns = (value->type == VALUE_REAL ? value->real : (double)value->integer) * 1e6;
	if (!(ns >= 0 && ns < 9e18)) {
		return RESULT_ABSENT;
	}
	return (int64_t)(ns + 0.5);
}

static int
find_or(int found, int otherwise)
{
	return found < 0 ? otherwise : found;
}

static void
read_timing(const struct value *timing, struct result_timing *ret_timing)
{
	ret_timing->queue_ns = get_ms(timing, "queue");
	ret_timing->dns_ns = get_ms(timing, "dns");
	ret_timing->connect_ns = get_ms(timing, "connect");
	ret_timing->tls_ns = get_ms(timing, "tls");
	ret_timing->first_byte_ns = get_ms(timing, "first_byte");
	ret_timing->total_ns = get_ms(timing, "total");
}

static void
read_capture(const struct value *value, struct result_record *record)
{
	static const struct {
		const char *key;
		enum batch_capture capture;
	} kinds[] = {
		{ "sha256", BATCH_CAPTURE_SHA256 },
		{ "body", BATCH_CAPTURE_TEXT },
		{ "body_base64", BATCH_CAPTURE_BASE64 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct value *body = value_get(value, kinds[i].key);

		if (body && body->type == VALUE_STRING) {
			record->capture = kinds[i].capture;
			record->body = body->text;
			record->body_len = body->text_len;
			return;
		}
	}
}

static void
read_reasons(const struct value *value, struct result_record *record)
{
	const struct value *error = value_get(value, "error");
	const struct value *cancel = value_get(value, "cancel");
	const char *code = value_get_text(error, "code");
	const char *reason = value_get_text(cancel, "reason");

	if (code) {
		record->error = (enum error_code)find_or(error_code_find(code), ERROR_INTERNAL);
		record->error_detail = value_get_text(error, "detail");
	}
	if (reason) {
		record->cancel_reason =
			(enum cancel_reason)find_or(cancel_reason_find(reason), CANCEL_REQUEST);
		record->cancel_cause = get_integer(cancel, "cause", INT64_MAX, -1);
	}
}

/* Days from 1970-01-01 to a civil date, the reverse of what the writer does (Howard Hinnant). */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t march_year = year - (month <= 2);
	int64_t era = march_year / 400;
	int64_t year_of_era = march_year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

/* @n digits at @at; -1 when they are none */
static int64_t
take_digits(const char *at, size_t n)
{
	int64_t number = 0;

	while (n-- > 0) {
		if (*at < '0' || *at > '9') {
			return -1;
		}
		number = number * 10 + *at++ - '0';
	}
	return number;
}

/* "2026-11-22T21:30:00.000Z", the one form that is written */
int
result_read_time(const char *text, int64_t *ret_sec, int64_t *ret_nsec)
{
	static const struct {
		size_t at, len;
		int64_t min, max;
	} parts[] = { { 0, 4, 0, 9999 }, { 5, 2, 1, 12 }, { 8, 2, 1, 31 }, { 11, 2, 0, 23 },
		{ 14, 2, 0, 59 }, { 17, 2, 0, 60 }, { 20, 3, 0, 999 } };
	int64_t n[ARRAY_LEN(parts)];
	size_t i;

	if (!text || strlen(text) != strlen("2026-11-22T21:30:00.000Z")) {
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		n[i] = take_digits(text + parts[i].at, parts[i].len);
		if (n[i] < parts[i].min || n[i] > parts[i].max) {
			return -EINVAL;
		}
	}
	*ret_sec = days_from_date(n[0], n[1], n[2]) * 86400 + n[3] * 3600 + n[4] * 60 + n[5];
	*ret_nsec = n[6] * 1000000;
	return 0;
}

static void
read_tls(const struct value *tls, struct result_record *record)
{
	int64_t nsec = 0;

	record->tls_issuer = value_get_text(tls, "issuer");
	(void)result_read_time(value_get_text(tls, "expires"), &record->tls_expires, &nsec);
}

int
result_from_value(const struct value *value, struct result_record *ret_record)
{
	struct result_record record = RESULT_RECORD_INIT;
	int64_t index = get_integer(value, "index", INT64_MAX, -1);
	const char *outcome = value_get_text(value, "outcome");
	const struct value *reused = value_get(value, "reused");
	int64_t twin_of = get_integer(value, "same_as", INT64_MAX, -1);

	record.url = value_get_text(value, "url");
	if (index < 0 || !record.url || !outcome || result_outcome_find(outcome) < 0) {
		return -EINVAL;
	}
	record.index = (size_t)index;
	record.outcome = (enum result_outcome)result_outcome_find(outcome);
	record.is_twin = twin_of >= 0;
	record.twin_of = record.is_twin ? (size_t)twin_of : 0;
	record.status = (int)get_integer(value, "status", 999, 0);
	record.attempts = (uint32_t)get_integer(value, "attempts", UINT32_MAX, 0);
	record.redirects = (uint32_t)get_integer(value, "redirects", UINT32_MAX, 0);
	record.final_url = value_get_text(value, "final_url");
	record.bytes = get_integer(value, "bytes", INT64_MAX, 0);
	record.http_version = value_get_text(value, "http_version");
	record.remote = value_get_text(value, "remote");
	record.reused = reused && reused->type == VALUE_BOOL && reused->boolean;
	read_tls(value_get(value, "tls"), &record);
	read_timing(value_get(value, "timing_ms"), &record.timing);
	read_capture(value, &record);
	read_reasons(value, &record);
	*ret_record = record;
	return 0;
}

int
batch_summary_from_value(const struct value *value, struct batch_summary *ret_summary)
{
	const struct value *counts = value_get(value, "counts");
	const char *outcome = value_get_text(value, "outcome");
	const char *state = value_get_text(value, "state");
	const char *policy = value_get_text(value, "policy");
	const char *id = value_get_text(value, "id");
	struct batch_summary summary = {
		.id = id ? id : value_get_text(value, "batch"),
		.name = value_get_text(value, "name"),
		.state = outcome ? BATCH_DONE : BATCH_RUNNING,
		.elapsed_ns = get_ms(value, "elapsed_ms"),
		.deadline_ns = get_ms(value, "deadline_ms"),
		.n_urls = (size_t)get_integer(value, "urls", INT64_MAX, 0),
	};

	if (!summary.id || !counts || counts->type != VALUE_MAP) {
		return -EINVAL;
	}
	if (outcome) {
		summary.outcome =
			(enum batch_outcome)find_or(batch_outcome_find(outcome), BATCH_FAILED);
	} else if (state) {
		summary.state = (enum batch_state)find_or(batch_state_find(state), BATCH_RUNNING);
	}
	if (policy) {
		summary.policy =
			(enum batch_policy)find_or(batch_policy_find(policy), BATCH_FAIL_FAST);
	}
	/* Without a time that can be read it stays 0. */
	(void)result_read_time(
		value_get_text(value, "started"), &summary.started_sec, &summary.started_nsec);
	summary.counts = (struct result_counts){
		.ok = (size_t)get_integer(counts, "ok", INT64_MAX, 0),
		.failed = (size_t)get_integer(counts, "failed", INT64_MAX, 0),
		.timeout = (size_t)get_integer(counts, "timeout", INT64_MAX, 0),
		.cancelled = (size_t)get_integer(counts, "cancelled", INT64_MAX, 0),
		.pending = (size_t)get_integer(counts, "pending", INT64_MAX, 0),
	};
	*ret_summary = summary;
	return 0;
}
