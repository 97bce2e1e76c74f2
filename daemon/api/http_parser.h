/* SPDX-License-Identifier: MIT */
/*
 * A strict, incremental HTTP/1.1 request parser (RFC 9110, RFC 9112). Pure: bytes in, request out.
 *
 * One parser holds one request at a time:
 *
 *	init ──► head ──HTTP_HEAD_DONE──► body ──HTTP_BODY_DONE──► next() ──► head …
 *	           └────────────── negative: status, reason ──────────┘  (sticky; answer and close)
 *
 * Contract for the caller:
 *
 *   - The bytes may come in pieces of any size; the result does not depend on how they are cut.
 *   - No call consumes a byte beyond the current message. What was not consumed belongs to the
 *     next one: give it again after http_parser_next().
 *   - The request points into the parser and is valid until http_parser_next() or
 *     http_parser_fini(). Body slices point into the caller's bytes; nothing of the body is kept.
 *   - A reader that keeps reading while a request is worked on uses a second parser for what
 *     follows: it feeds heads to that one up to HTTP_HEAD_DONE and then reads no further until the
 *     first request has been answered. So a connection holds at most one request being worked on,
 *     one parsed head, and one read buffer.
 *   - After a negative result the stream has no known position any more: answer with
 *     parser->status and close.
 *   - http_parser_is_idle() tells, at end of file, a clean end from a request cut short.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/api/http_request.h"

/* Limits, in bytes, and the status for more. For fields (431) and parameters (400): http_request.h. */
#define HTTP_MAX_REQUEST_LINE     8192  /* with its CRLF; 414 */
#define HTTP_MAX_HEAD             16384 /* request line and fields with the empty line; 431 */
#define HTTP_MAX_CHUNK_EXTENSIONS 4096  /* of all chunks of a message together; 400 */
#define HTTP_MAX_TRAILERS         8192  /* 431 */

/* What the feeding calls return; negative is an error. */
#define HTTP_NEED_MORE 0
#define HTTP_HEAD_DONE 1
#define HTTP_BODY_DONE 2

/*
 * request   valid after HTTP_HEAD_DONE
 * status    after a negative result: what to answer (400, 413, 414, 417, 431, 501, 505)
 * reason    after a negative result: what is wrong, for people; a literal
 * max_body  content bytes accepted, more is 413; no limit at first, set it after HTTP_HEAD_DONE
 * body_len  content bytes given out so far
 * The rest belongs to the parser.
 */
struct http_parser {
	struct http_request request;
	int status;
	const char *reason;
	uint64_t max_body;
	uint64_t body_len;

	char *head;
	size_t head_len;
	size_t line_start;
	uint64_t remaining;
	size_t n_overhead;
	unsigned int n_digits;
	int state;
	bool skipped_empty_line;
	int minor_version;
};

#define HTTP_PARSER_INIT \
	{ \
		.status = 0 \
	}

/**
 * http_parser_init() - make a parser that waits for a head
 * Errors: -ENOMEM; the head buffer is the only allocation a parser makes
 */
int http_parser_init(struct http_parser *parser);

/* http_parser_fini() - free the head buffer; accepts NULL and a zeroed parser */
void http_parser_fini(struct http_parser *parser);

/**
 * http_parser_feed_head() - parse bytes of a request's head
 * @ret_consumed: how many of @data belong to the head; on an error, anything up to @len
 *
 * Return: HTTP_NEED_MORE (all of @data was consumed), HTTP_HEAD_DONE (once; then the body is fed),
 *         or -EPROTO with status and reason set.
 */
int http_parser_feed_head(
	struct http_parser *parser, const char *data, size_t len, size_t *ret_consumed);

/* A piece of content: points into the bytes fed, valid as long as they are. */
struct http_slice {
	const char *data;
	size_t len;
};

/**
 * http_parser_feed_body() - parse bytes of the request's content
 * @ret_consumed: how many of @data were used up
 * @ret_slice:    the content among them: one piece, maybe empty
 *
 * One call gives out one piece at most, so HTTP_NEED_MORE may come with bytes left over: call again
 * until they are used up. Also called for requests without content: HTTP_BODY_DONE, nothing
 * consumed.
 *
 * Return: HTTP_NEED_MORE, HTTP_BODY_DONE (@ret_slice may still hold the last piece),
 *         or -EPROTO with status and reason set.
 */
int http_parser_feed_body(struct http_parser *parser, const char *data, size_t len,
	size_t *ret_consumed, struct http_slice *ret_slice);

/* http_parser_next() - forget the request, wait for the next head; only after HTTP_BODY_DONE */
void http_parser_next(struct http_parser *parser);

/* http_parser_is_idle() - no byte of a request has come yet: end of file here is a clean end */
bool http_parser_is_idle(const struct http_parser *parser);
