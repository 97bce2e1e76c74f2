/* SPDX-License-Identifier: MIT */
#include "lib/protocol/result.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"

static const char *const outcome_names[RESULT_N_OUTCOMES] = { "ok", "failed", "timeout",
	"cancelled" };

static const char *const reason_names[CANCEL_N_REASONS] = { "none", "sibling_failed",
	"first_success", "deadline", "client_gone", "cancel_request", "replaced", "shutdown" };

static const char *const error_names[ERROR_N_CODES] = { "none", "bad_url", "denied",
	"dns_not_found", "dns_failed", "connection_refused", "unreachable", "connect_timeout",
	"attempt_timeout", "tls_certificate", "tls_handshake", "protocol", "truncated", "status",
	"redirect_limit", "redirect_denied", "body_too_large", "header_too_large", "assertion",
	"reset", "interrupted", "resources", "internal" };

static const char *const state_names[BATCH_N_STATES] = { "queued", "running", "suspended", "done" };

static const char *const batch_outcome_names[BATCH_N_OUTCOMES] = { "ok", "failed", "deadline",
	"cancelled" };

static const char *
get_name(const char *const *names, size_t n, size_t i)
{
	assert(i < n);
	return names[i];
}

static int
find_name(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0) {
			return (int)i;
		}
	}
	return -ENOENT;
}

const char *
result_outcome_name(enum result_outcome outcome)
{
	return get_name(outcome_names, ARRAY_LEN(outcome_names), outcome);
}

int
result_outcome_find(const char *name)
{
	return find_name(outcome_names, ARRAY_LEN(outcome_names), name);
}

const char *
cancel_reason_name(enum cancel_reason reason)
{
	return get_name(reason_names, ARRAY_LEN(reason_names), reason);
}

int
cancel_reason_find(const char *name)
{
	return find_name(reason_names, ARRAY_LEN(reason_names), name);
}

const char *
error_code_name(enum error_code code)
{
	return get_name(error_names, ARRAY_LEN(error_names), code);
}

int
error_code_find(const char *name)
{
	return find_name(error_names, ARRAY_LEN(error_names), name);
}

const char *
batch_state_name(enum batch_state state)
{
	return get_name(state_names, ARRAY_LEN(state_names), state);
}

int
batch_state_find(const char *name)
{
	return find_name(state_names, ARRAY_LEN(state_names), name);
}

const char *
batch_outcome_name(enum batch_outcome outcome)
{
	return get_name(batch_outcome_names, ARRAY_LEN(batch_outcome_names), outcome);
}

int
batch_outcome_find(const char *name)
{
	return find_name(batch_outcome_names, ARRAY_LEN(batch_outcome_names), name);
}

void
result_counts_add(struct result_counts *counts, enum result_outcome outcome)
{
	switch (outcome) {
	case RESULT_OK:
		counts->ok++;
		break;
	case RESULT_FAILED:
		counts->failed++;
		break;
	case RESULT_TIMEOUT:
		counts->timeout++;
		break;
	case RESULT_CANCELLED:
		counts->cancelled++;
		break;
	}
}
