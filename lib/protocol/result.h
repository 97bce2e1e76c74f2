/* SPDX-License-Identifier: MIT */
/*
 * What comes back: the result of one URL, the summary of a batch, and their words. Plain data that
 * borrows its strings; written as JSON by the daemon, read back from JSON by the client. All names
 * that appear on the wire stand in the tables of result.c, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/protocol/batch_fields.h"
#include "lib/protocol/json_writer.h"
#include "lib/protocol/value.h"

/* How one URL ended. */
enum result_outcome {
	RESULT_OK,
	RESULT_FAILED,
	RESULT_TIMEOUT, /* its own timeout passed; a failure for the policy */
	RESULT_CANCELLED,
};

#define RESULT_N_OUTCOMES 4

/* Why a URL was cancelled. */
enum cancel_reason {
	CANCEL_NONE,
	CANCEL_SIBLING_FAILED, /* with the cause's index */
	CANCEL_FIRST_SUCCESS,  /* with the cause's index */
	CANCEL_DEADLINE,
	CANCEL_CLIENT_GONE,
	CANCEL_REQUEST, /* "cancel_request" */
	CANCEL_REPLACED,
	CANCEL_SHUTDOWN,
};

#define CANCEL_N_REASONS 8

/* Why a URL failed. */
enum error_code {
	ERROR_NONE,
	ERROR_BAD_URL,
	ERROR_DENIED,
	ERROR_DNS_NOT_FOUND,
	ERROR_DNS_FAILED,
	ERROR_CONNECTION_REFUSED,
	ERROR_UNREACHABLE,
	ERROR_CONNECT_TIMEOUT,
	ERROR_ATTEMPT_TIMEOUT,
	ERROR_TLS_CERTIFICATE,
	ERROR_TLS_HANDSHAKE,
	ERROR_PROTOCOL,
	ERROR_TRUNCATED,
	ERROR_STATUS,
	ERROR_REDIRECT_LIMIT,
	ERROR_REDIRECT_DENIED,
	ERROR_BODY_TOO_LARGE,
	ERROR_HEADER_TOO_LARGE,
	ERROR_ASSERTION,
	ERROR_RESET,
	ERROR_INTERRUPTED, /* a crash came between */
	ERROR_RESOURCES,
	ERROR_INTERNAL,
};

#define ERROR_N_CODES 23

/* Where a batch is in its life. */
enum batch_state {
	BATCH_QUEUED,
	BATCH_RUNNING,
	BATCH_SUSPENDED,
	BATCH_DONE,
};

#define BATCH_N_STATES 4

/* How a batch that is done ended. */
enum batch_outcome {
	BATCH_OK,
	BATCH_FAILED,
	BATCH_DEADLINE,
	BATCH_CANCELLED,
};

#define BATCH_N_OUTCOMES 4

/*
 * The words of the wire; *_name() of a value out of range is a bug, *_find() returns the value or
 * -ENOENT.
 */
const char *result_outcome_name(enum result_outcome outcome);
int result_outcome_find(const char *name);
const char *cancel_reason_name(enum cancel_reason reason);
int cancel_reason_find(const char *name);
const char *error_code_name(enum error_code code);
int error_code_find(const char *name);
const char *batch_state_name(enum batch_state state);
int batch_state_find(const char *name);
const char *batch_outcome_name(enum batch_outcome outcome);
int batch_outcome_find(const char *name);

/* A duration that never was: null in JSON. */
#define RESULT_ABSENT INT64_C(-1)

/*
 * Nanoseconds, or RESULT_ABSENT.
 *
 * queue             from acceptance to admission
 * dns … first_byte  phases of the last hop of the last attempt
 * total             from acceptance to the end, queue included
 */
struct result_timing {
	int64_t queue_ns;
	int64_t dns_ns;
	int64_t connect_ns;
	int64_t tls_ns;
	int64_t first_byte_ns;
	int64_t total_ns;
};

#define RESULT_TIMING_INIT \
	{ \
		RESULT_ABSENT, RESULT_ABSENT, RESULT_ABSENT, RESULT_ABSENT, RESULT_ABSENT, \
			RESULT_ABSENT \
	}

/*
 * One URL's result. Strings are borrowed; NULL = not there.
 *
 * index          place in the batch's urls, from 0
 * is_twin        not fetched itself: this is the result of URL twin_of, written as "same_as"
 * status         of the last response; 0 = there was none
 * attempts       tries made; 0 = never started: then the fields from redirects to reused are not
 *                written
 * redirects      hops followed
 * final_url      the last hop's URL
 * bytes          of the body received in the last hop
 * http_version   "1.0", "1.1", "2"
 * remote         "192.0.2.7:443"
 * reused         the last hop ran on a connection that was there before
 * tls_issuer     of the server's certificate, when a report was asked for
 * tls_expires    its last second, since 1970; 0 = not known
 * timing         written unless total_ns is absent
 * error          with RESULT_FAILED and RESULT_TIMEOUT; error_detail is for people
 * cancel_reason  with RESULT_CANCELLED; cancel_cause = index of the URL that caused it, or -1
 * capture        what @body holds: for BATCH_CAPTURE_SHA256 32 bytes, else the body's bytes; NULL =
 *                nothing
 */
struct result_record {
	size_t index;
	const char *url;
	enum result_outcome outcome;
	bool is_twin;
	size_t twin_of;
	int status;
	uint32_t attempts;
	uint32_t redirects;
	const char *final_url;
	int64_t bytes;
	const char *http_version;
	const char *remote;
	bool reused;
	const char *tls_issuer;
	int64_t tls_expires;
	struct result_timing timing;
	enum error_code error;
	const char *error_detail;
	enum cancel_reason cancel_reason;
	int64_t cancel_cause;
	enum batch_capture capture;
	const char *body;
	size_t body_len;
};

#define RESULT_RECORD_INIT \
	{ \
		.timing = RESULT_TIMING_INIT, .cancel_cause = -1 \
	}

/* How many URLs ended how; pending = not ended yet (written for running batches only). */
struct result_counts {
	size_t ok;
	size_t failed;
	size_t timeout;
	size_t cancelled;
	size_t pending;
};

/* result_counts_add() - count one more URL that ended with @outcome */
void result_counts_add(struct result_counts *counts, enum result_outcome outcome);

/*
 * A batch without its results. Strings are borrowed.
 *
 * name         NULL = none
 * state        "outcome" is written for BATCH_DONE, "state" for the others
 * started      seconds since 1970 and nanoseconds, of the acceptance
 * elapsed_ns   from acceptance to the end or to now; RESULT_ABSENT = not written
 * deadline_ns  from acceptance to the deadline; 0 or RESULT_ABSENT = not written
 * n_urls       written as "urls"; 0 = not written (collected answers: the results say it)
 */
struct batch_summary {
	const char *id;
	const char *name;
	enum batch_state state;
	enum batch_outcome outcome;
	enum batch_policy policy;
	int64_t started_sec;
	int64_t started_nsec;
	int64_t elapsed_ns;
	int64_t deadline_ns;
	size_t n_urls;
	struct result_counts counts;
};

/* result_write() - one result as an object */
void result_write(struct json_writer *w, const struct result_record *record);

/*
 * batch_summary_write_members() - the members of a batch's object, which the caller began and ends:
 * between the two it may add "results"
 */
void batch_summary_write_members(struct json_writer *w, const struct batch_summary *summary);

/* The lines of a stream that are no results, newline included: its first, one every 15 s, its last. */
void batch_write_begin_line(struct json_writer *w, const struct batch_summary *summary);
void batch_write_heartbeat_line(struct json_writer *w);
void batch_write_end_line(struct json_writer *w, const struct batch_summary *summary);

/**
 * result_from_value() - read a result back
 * @value:      an object as result_write() wrote it, or a line of a stream with its members
 * @ret_record: strings borrowed from @value's tree; the body is given as it was written (hex, text,
 *              base64)
 *
 * Members it does not know are ignored: the daemon may be newer. So are unknown error codes and
 * cancel reasons, which become ERROR_INTERNAL with the code in front of the detail, and
 * CANCEL_REQUEST.
 *
 * Errors:  -EINVAL  no object, or index, url or outcome missing or of the wrong type
 *
 * Return: 0, or a negative error code from the list.
 */
int result_from_value(const struct value *value, struct result_record *ret_record);

/**
 * batch_summary_from_value() - read a summary back
 *
 * Strings are borrowed from @value's tree; the time is parsed from RFC 3339. Takes a job's run, too, which
 * calls the id "batch".
 *
 * Errors:  -EINVAL  no object, or id or counts missing or of the wrong type
 *
 * Return: 0, or a negative error code from the list.
 */
int batch_summary_from_value(const struct value *value, struct batch_summary *ret_summary);

/**
 * result_read_time() - read back what json_write_time() wrote
 * @text: NULL is no time
 *
 * Units:   seconds since 1970 and nanoseconds
 * Errors:  -EINVAL  no such time
 *
 * Return: 0, or a negative error code from the list.
 */
int result_read_time(const char *text, int64_t *ret_sec, int64_t *ret_nsec);
