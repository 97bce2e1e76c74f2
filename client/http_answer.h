/* SPDX-License-Identifier: MIT */
/*
 * The answering half of HTTP/1.1 (RFC 9112), pure: bytes in, content out. Understands
 * Content-Length, chunks, content up to the end of the connection, and 1xx heads in front.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"

#define HTTP_ANSWER_LINE_MAX 16384 /* bytes of one line of the head or of a chunk's */

enum http_answer_state {
	ANSWER_STATUS_LINE,
	ANSWER_FIELDS,
	ANSWER_CONTENT,       /* as many bytes as remain */
	ANSWER_CONTENT_CLOSE, /* up to the end of the connection */
	ANSWER_CHUNK_SIZE,
	ANSWER_CHUNK,
	ANSWER_CHUNK_END,
	ANSWER_TRAILERS,
	ANSWER_DONE,
};

/*
 * status        0 before the status line
 * content_type  without parameters, lower case; "" = none
 * retry_after   as sent; "" = none
 * The rest belongs to the parser.
 */
struct http_answer {
	int status;
	char content_type[64];
	char retry_after[32];

	enum http_answer_state state;
	uint64_t remaining;
	bool is_chunked;
	bool has_length;
	struct buffer line;
};

#define HTTP_ANSWER_INIT \
	{ \
		.line = BUFFER_INIT \
	}

/**
 * http_answer_feed() - take the next bytes, cut anywhere
 * @content: the content among them is appended
 *
 * Bytes behind the answer's end are ignored.
 *
 * Errors:  -EPROTO  this is no HTTP/1.1 answer
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int http_answer_feed(
	struct http_answer *answer, const char *data, size_t len, struct buffer *content);

/* http_answer_close() - the connection has ended: 0 when the answer is whole, else -ECONNRESET */
int http_answer_close(struct http_answer *answer);

/* http_answer_has_head() - the status and the fields are known */
bool http_answer_has_head(const struct http_answer *answer);

/* http_answer_fini() - free; accepts a zeroed object */
void http_answer_fini(struct http_answer *answer);
