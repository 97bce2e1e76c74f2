/* SPDX-License-Identifier: MIT */
/*
 * The parser from inside, for the files behind daemon/api/http_parser.h:
 *
 *	http_parser.c        its life
 *	http_head.c          bytes become lines, lines become fields, and these say how content comes
 *	http_request_line.c  the first line: method, target, version
 *	http_body.c          content: of known length, or in chunks
 *
 * Whatever has been used to smuggle requests past one of two parsers is refused rather than
 * repaired: bare CR and LF, folded lines, white space before the colon, two lengths, a length
 * beside chunks.
 */
#pragma once

#include "daemon/api/http_parser.h"

/*
 * What is expected next. The allowed steps are the assignments below; DONE and FAILED end a
 * message.
 */
enum http_state {
	STATE_REQUEST_LINE,
	STATE_FIELDS,
	STATE_LENGTH, /* content of known length */
	STATE_CHUNK_SIZE,
	STATE_CHUNK_EXTENSION,
	STATE_CHUNK_SIZE_LF,
	STATE_CHUNK_DATA,
	STATE_CHUNK_DATA_CR,
	STATE_CHUNK_DATA_LF,
	STATE_TRAILER_START,
	STATE_TRAILER_NAME,
	STATE_TRAILER_VALUE,
	STATE_TRAILER_LF,
	STATE_LAST_LF,
	STATE_DONE,
	STATE_FAILED,
};

/* http_parser_fail() - refuse the request, for good: @status answers it. -EPROTO */
int http_parser_fail(struct http_parser *parser, int status, const char *reason);

/* http_parse_request_line() - @line is without its end, and is taken apart where it lies. 0 or -EPROTO */
int http_parse_request_line(struct http_parser *parser, char *line);
