/* SPDX-License-Identifier: MIT */
/*
 * From a request to the description of a batch. All four ways in (a JSON body, NDJSON lines, plain
 * text with query parameters, a job in a YAML file) go through one table of fields, so a field has
 * one meaning, one range and one message. The whole input is checked before anything is started,
 * and all its faults are reported together.
 *
 * NDJSON and text are read line by line as they arrive and leave nothing behind but the
 * description; a JSON body is collected first, which is why it may not exceed BATCH_JSON_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/arena.h"
#include "lib/protocol/faults.h"
#include "lib/protocol/units.h"
#include "lib/protocol/value.h"

#define BATCH_JSON_MAX     (1024 * 1024) /* bytes of a JSON body */
#define BATCH_LINE_MAX     (64 * 1024)   /* bytes of one line of NDJSON or text */
#define BATCH_NAME_MAX     256           /* bytes of a name */
#define BATCH_HEADERS_MAX  64            /* headers of a URL */
#define BATCH_HEADER_BYTES (32 * 1024)   /* names and values of a URL's headers together */
#define BATCH_EXPECT_MAX   16            /* statuses and ranges that a URL may expect */
#define BATCH_REDIRECT_MAX 50            /* hops a URL may ask for */
#define BATCH_RETRIES_MAX  100           /* retries a URL may ask for */
#define BATCH_DURATION_MAX \
	(366 * UNITS_NS_PER_DAY) /* so that a deadline never overflows the clock */

/* When siblings are cancelled. */
enum batch_policy {
	BATCH_FAIL_FAST,     /* at the first failure over max_failures; the default */
	BATCH_COLLECT,       /* never */
	BATCH_FIRST_SUCCESS, /* at the first success */
};

/* What of a response's body comes back. */
enum batch_capture {
	BATCH_CAPTURE_NONE,
	BATCH_CAPTURE_SHA256,
	BATCH_CAPTURE_TEXT,
	BATCH_CAPTURE_BASE64,
};

enum batch_http_version {
	BATCH_HTTP_AUTO,
	BATCH_HTTP_1_1,
	BATCH_HTTP_2,
};

enum batch_tls_min {
	BATCH_TLS_DEFAULT, /* the library's own minimum */
	BATCH_TLS_1_2,
	BATCH_TLS_1_3,
};

/*
 * What an engine can do beyond the basics. A field that needs a missing feature is a fault, never
 * ignored.
 */
enum batch_feature {
	BATCH_FEATURE_RETRIES = 1 << 0, /* retries.max over 0 */
	BATCH_FEATURE_HEDGE = 1 << 1,
	BATCH_FEATURE_ASSERT = 1 << 2,
	BATCH_FEATURE_DEDUPE = 1 << 3,
	BATCH_FEATURE_RATE = 1 << 4,
	BATCH_FEATURE_TLS_CLIENT = 1 << 5,
	BATCH_FEATURE_TLS_REPORT = 1 << 6,
	BATCH_FEATURE_HTTP_2 = 1 << 7, /* http_version "2" */
	BATCH_FEATURE_RESUME = 1 << 8, /* "resume": true */
};

/* A request header; the name is a token, the value has no control characters but tabs. */
struct batch_header {
	const char *name;
	const char *value;
};

/* Statuses from first to last, both included; 100 to 599. */
struct batch_status_range {
	uint16_t first;
	uint16_t last;
};

/* ranges, n  in the order given; text  as the caller wrote it, joined by ", ", for messages */
struct batch_statuses {
	const struct batch_status_range *ranges;
	size_t n;
	const char *text;
};

/* max 0 = no retries; on_* and statuses say after what a retry is made */
struct batch_retries {
	uint32_t max;
	int64_t backoff_ns;
	int64_t max_backoff_ns;
	bool on_connect;
	bool on_timeout;
	struct batch_statuses on_status;
};

/*
 * pointer  RFC 6901
 * value    what must stand there
 */
struct batch_json_check {
	const char *pointer;
	const struct value *value;
};

/* contains, regex  NULL = not asked for */
struct batch_assert {
	const char *contains;
	const char *regex;
	const struct batch_json_check *json;
	size_t n_json;
};

/*
 * verify  false = any certificate goes
 * report  who issued the server's certificate and until when it is valid comes back
 * ca      PEM text, which may have been a credential's; NULL = the system's
 * client  PEM text of a credential, certificate and key; NULL = none
 */
struct batch_tls {
	bool verify;
	bool report;
	enum batch_tls_min min;
	const char *ca;
	const char *client;
};

/*
 * How a URL is fetched. Durations in nanoseconds.
 *
 * timeout_ns          > 0
 * attempt_timeout_ns  0 = none
 * connect_timeout_ns  > 0
 * method              one of the known ones, upper case
 * body                NULL = none (body_len 0 and not NULL: an empty one)
 * max_body            bytes, ≥ 0
 * hedge_ns            0 = none
 */
struct batch_options {
	int64_t timeout_ns;
	int64_t attempt_timeout_ns;
	int64_t connect_timeout_ns;
	const char *method;
	const struct batch_header *headers;
	size_t n_headers;
	const char *body;
	size_t body_len;
	struct batch_statuses expect;
	uint32_t redirects;
	struct batch_retries retries;
	int64_t max_body;
	enum batch_capture capture;
	struct batch_assert assertion;
	int64_t hedge_ns;
	enum batch_http_version http_version;
	struct batch_tls tls;
};

/*
 * options       shared by all URLs that override nothing
 * line, column  of the URL in its input; 0 = not known
 */
struct batch_url {
	const char *url;
	const struct batch_options *options;
	uint32_t line;
	uint32_t column;
};

/* A credential that was read. */
struct batch_credential {
	struct batch_credential *next;
	const char *name;
	const char *text;
};

/*
 * A batch, whole and valid. Everything it points to lives in it.
 *
 * name     NULL = none
 * rate     count 0 = none
 * options  of the URLs that override nothing
 * credentials  those that options name, each once
 */
struct batch_description {
	const char *name;
	enum batch_policy policy;
	uint64_t max_failures;
	int64_t deadline_ns;
	uint32_t concurrency;
	uint32_t per_origin;
	bool dedupe;
	bool resume;
	struct rate rate;
	const struct batch_options *options;
	struct batch_url *urls;
	size_t n_urls;
	struct batch_credential *credentials;
	struct arena arena;
};

/* What a field is when nobody says; all > 0 but redirects. max_body's default is limits.body. */
struct batch_defaults {
	int64_t deadline_ns;
	int64_t timeout_ns;
	int64_t connect_timeout_ns;
	uint32_t concurrency;
	uint32_t per_origin;
	uint32_t redirects;
};

/* The defaults of the manual, for tests and for a daemon without configuration. */
#define BATCH_DEFAULTS_INIT \
	{ \
		60 * UNITS_NS_PER_S, 10 * UNITS_NS_PER_S, 5 * UNITS_NS_PER_S, 64, 8, 5 \
	}

/*
 * urls        of a batch
 * in_flight   largest concurrency
 * per_origin  largest per_origin
 * body        largest max_body, in bytes
 * features    set of enum batch_feature: what the engine can do
 * check_url   0, or negative with the reason in @why (@cap bytes, NUL-terminated): lib/fetch knows
 *             what a URL is, this folder does not; NULL = every text without control characters
 *             goes
 * read_credential  append the text of a credential, by a name without slashes; -ENOENT or
 *             another code; NULL = there are none
 */
struct batch_limits {
	size_t urls;
	uint32_t in_flight;
	uint32_t per_origin;
	int64_t body;
	unsigned int features;
	int (*check_url)(const char *url, size_t len, char *why, size_t cap);
	int (*read_credential)(const char *name, struct buffer *out);
};

#define BATCH_LIMITS_INIT \
	{ \
		100000, 16384, 16384, INT64_C(10) << 20, 0, NULL, NULL \
	}

enum batch_kind {
	BATCH_KIND_JSON,
	BATCH_KIND_NDJSON, /* first line the batch without urls, then a URL or URL object a line */
	BATCH_KIND_TEXT,   /* a URL a line; blank lines and lines with # in front are skipped */
};

/*
 * query             the request's query as it stood in the target, without "?": the scalar fields
 *                   of BATCH_KIND_TEXT; percent-encoded, "+" is a space; NULL = none
 * defaults, limits  borrowed until the reader is destroyed
 */
struct batch_input {
	enum batch_kind kind;
	const char *query;
	size_t query_len;
	const struct batch_defaults *defaults;
	const struct batch_limits *limits;
};

struct batch_reader;

/**
 * batch_reader_open() - start to read a request body
 * @input: copied but for what it borrows; the query is read in this call
 *
 * Ownership: the reader is given: batch_reader_destroy()
 * Errors:    -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int batch_reader_open(const struct batch_input *input, struct batch_reader **ret_reader);

/**
 * batch_reader_feed() - take the next bytes of the body
 * @data: @len bytes, cut anywhere
 *
 * Faults are kept for batch_reader_finish(); reading goes on behind them.
 *
 * Errors:  -E2BIG   the JSON body is over BATCH_JSON_MAX (answer 413 and name the line formats);
 *                   nothing more is taken
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int batch_reader_feed(struct batch_reader *reader, const char *data, size_t len);

/**
 * batch_reader_finish() - the body is complete: give its batch, or its faults
 * @ret_batch: given: batch_description_destroy()
 * @faults:    an empty list; filled on -EBADMSG and -EINVAL; faults_fini() is the caller's
 *
 * Errors:  -EBADMSG  the body cannot be read (no JSON, no UTF-8, too long a line): answer 400
 *          -EINVAL   it can, but what it asks for is not possible: answer 422
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list. Whatever it is, only destroying the reader is
 * left to do.
 */
int batch_reader_finish(
	struct batch_reader *reader, struct batch_description **ret_batch, struct faults *faults);

/* batch_reader_destroy() - free; accepts NULL and a half-fed reader */
void batch_reader_destroy(struct batch_reader *reader);

DEFINE_CLEANUP(struct batch_reader *, batch_reader_destroy);

/*
 * path              where @map stands in its file, for the pointers of faults; NULL = it is the root
 * skip              names of members of @map that are not a batch's but the caller's business; ends
 *                   with NULL
 * defaults, limits  borrowed for the call
 */
struct batch_from {
	const struct value_path *path;
	const char *const *skip;
	const struct batch_defaults *defaults;
	const struct batch_limits *limits;
};

/**
 * batch_from_value() - the batch that a tree describes, such as a job of the configuration
 * @map:       urls and fields, with positions if they are known
 * @ret_batch: given: batch_description_destroy(); copies everything out of the tree
 * @faults:    what is wrong is added
 *
 * Errors:  -EINVAL  there were faults
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int batch_from_value(const struct value *map, const struct batch_from *from,
	struct batch_description **ret_batch, struct faults *faults);

/* batch_description_destroy() - free; accepts NULL */
void batch_description_destroy(struct batch_description *batch);

DEFINE_CLEANUP(struct batch_description *, batch_description_destroy);

/* The words of the wire: batch_policy_find() returns the policy or -ENOENT. */
const char *batch_policy_name(enum batch_policy policy);
int batch_policy_find(const char *name);
