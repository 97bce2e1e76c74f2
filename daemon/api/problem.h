/* SPDX-License-Identifier: MIT */
/*
 * Errors of the API as RFC 9457 problem details. One row per code decides status, title and the words
 * a program can rely on; whoever answers adds the sentence that belongs to the case. Pure.
 */
#pragma once

struct buffer;
struct fault;
struct faults;
struct json_writer;

#define PROBLEM_CONTENT_TYPE "application/problem+json"

/* code, its word in "code" and at the end of "type", status, title */
#define PROBLEM_CODES(X) \
	X(BAD_REQUEST, "bad_request", 400, "The request is not valid HTTP") \
	X(BAD_PARAMETER, "bad_parameter", 400, "A query parameter or header field is wrong") \
	X(BAD_BODY, "bad_body", 400, "The body cannot be read") \
	X(FORBIDDEN, "forbidden", 403, "Not allowed") \
	X(FROM_BROWSER, "from_browser", 403, "Requests from browsers are refused") \
	X(NOT_FOUND, "not_found", 404, "There is no such thing") \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "Not with this method") \
	X(NOT_ACCEPTABLE, "not_acceptable", 406, "None of the accepted media types is available") \
	X(TIMEOUT, "timeout", 408, "The request did not arrive in time") \
	X(CONFLICT, "conflict", 409, "Not in the present state") \
	X(IDEMPOTENCY_BUSY, "idempotency_busy", 409, \
		"The first request with this key is not done") \
	X(TOO_LARGE, "too_large", 413, "The body is too large") \
	X(URI_TOO_LONG, "uri_too_long", 414, "The request line is too long") \
	X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, \
		"The body's media type is unknown") \
	X(EXPECTATION_FAILED, "expectation_failed", 417, "The expectation cannot be met") \
	X(INVALID_BATCH, "invalid_batch", 422, "The batch is not valid") \
	X(INVALID_CONFIG, "invalid_config", 422, "The configuration is not valid") \
	X(IDEMPOTENCY_MISMATCH, "idempotency_mismatch", 422, "The key was used for another body") \
	X(QUOTA, "quota", 429, "A quota is used up") \
	X(HEADER_TOO_LARGE, "header_too_large", 431, "The request's head is too large") \
	X(INTERNAL, "internal", 500, "Something went wrong inside") \
	X(NOT_IMPLEMENTED, "not_implemented", 501, "Not known here") \
	X(NO_STORE, "no_store", 501, "Detached batches need a store, and none is configured") \
	X(DRAINING, "draining", 503, "The daemon is stopping") \
	X(OVERLOADED, "overloaded", 503, "Too much is going on") \
	X(RESOURCES, "resources", 503, "The machine has too little of something") \
	X(STORE_FULL, "store_full", 503, "The store has no room") \
	X(VERSION_NOT_SUPPORTED, "version_not_supported", 505, \
		"The HTTP version is not spoken here")

enum problem_code {
#define X(code, name, status, title) PROBLEM_##code,
	PROBLEM_CODES(X)
#undef X
	PROBLEM_N_CODES,
};

/*
 * code        decides type, title, status
 * detail      what is wrong in this case and what would be right; NULL: left out
 * request_id  NULL: left out
 * faults      places in the body or the configuration; NULL or empty: left out
 * All are borrowed.
 */
struct problem {
	enum problem_code code;
	const char *detail;
	const char *request_id;
	const struct faults *faults;
};

/* problem_write() - append the JSON object and a newline; a failure is kept in @out */
void problem_write(const struct problem *problem, struct buffer *out);

int problem_status(enum problem_code code);
const char *problem_name(enum problem_code code);
const char *problem_title(enum problem_code code);

/*
 * problem_of_status() - the general code for a status, as the request parser gives it; INTERNAL for
 * one that is not in the table
 */
enum problem_code problem_of_status(int status);

/* problem_write_fault() - one of the list of errors, or a warning, which has its name as "code" */
void problem_write_fault(const struct fault *fault, struct json_writer *w);

/* problem_reason_phrase() - the words behind a status in the status line (RFC 9110, 15), "" if unknown */
const char *problem_reason_phrase(int status);
