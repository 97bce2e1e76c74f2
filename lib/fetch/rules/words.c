/* SPDX-License-Identifier: MIT */
/* The names of outcomes, errors and reasons, as they stand in answers. */
#include <fetch/fetch.h>

#include <assert.h>

#include "lib/base/cleanup.h"

static const char *const outcome_names[] = {
	[FETCH_OK] = "ok",
	[FETCH_FAILED] = "failed",
	[FETCH_TIMEOUT] = "timeout",
	[FETCH_CANCELLED] = "cancelled",
};

static const char *const error_names[] = {
	[FETCH_ERROR_NONE] = "",
	[FETCH_ERROR_BAD_URL] = "bad_url",
	[FETCH_ERROR_DENIED] = "denied",
	[FETCH_ERROR_DNS_NOT_FOUND] = "dns_not_found",
	[FETCH_ERROR_DNS_FAILED] = "dns_failed",
	[FETCH_ERROR_CONNECTION_REFUSED] = "connection_refused",
	[FETCH_ERROR_UNREACHABLE] = "unreachable",
	[FETCH_ERROR_CONNECT_TIMEOUT] = "connect_timeout",
	[FETCH_ERROR_ATTEMPT_TIMEOUT] = "attempt_timeout",
	[FETCH_ERROR_TLS_CERTIFICATE] = "tls_certificate",
	[FETCH_ERROR_TLS_HANDSHAKE] = "tls_handshake",
	[FETCH_ERROR_PROTOCOL] = "protocol",
	[FETCH_ERROR_TRUNCATED] = "truncated",
	[FETCH_ERROR_STATUS] = "status",
	[FETCH_ERROR_REDIRECT_LIMIT] = "redirect_limit",
	[FETCH_ERROR_REDIRECT_DENIED] = "redirect_denied",
	[FETCH_ERROR_BODY_TOO_LARGE] = "body_too_large",
	[FETCH_ERROR_HEADER_TOO_LARGE] = "header_too_large",
	[FETCH_ERROR_ASSERTION] = "assertion",
	[FETCH_ERROR_RESET] = "reset",
	[FETCH_ERROR_INTERRUPTED] = "interrupted",
	[FETCH_ERROR_RESOURCES] = "resources",
	[FETCH_ERROR_INTERNAL] = "internal",
};

static const char *const reason_names[] = {
	[FETCH_CANCEL_NONE] = "",
	[FETCH_CANCEL_SIBLING_FAILED] = "sibling_failed",
	[FETCH_CANCEL_FIRST_SUCCESS] = "first_success",
	[FETCH_CANCEL_DEADLINE] = "deadline",
	[FETCH_CANCEL_CLIENT_GONE] = "client_gone",
	[FETCH_CANCEL_REQUEST] = "cancel_request",
	[FETCH_CANCEL_REPLACED] = "replaced",
	[FETCH_CANCEL_SHUTDOWN] = "shutdown",
};

static_assert(ARRAY_LEN(error_names) == FETCH_N_ERRORS, "an error has no name");
static_assert(ARRAY_LEN(reason_names) == FETCH_N_CANCEL_REASONS, "a reason has no name");

const char *
fetch_outcome_name(enum fetch_outcome outcome)
{
	assert(outcome < ARRAY_LEN(outcome_names));
	return outcome_names[outcome];
}

const char *
fetch_error_name(enum fetch_error error)
{
	assert(error < ARRAY_LEN(error_names));
	return error_names[error];
}

const char *
fetch_cancel_reason_name(enum fetch_cancel_reason reason)
{
	assert(reason < ARRAY_LEN(reason_names));
	return reason_names[reason];
}
