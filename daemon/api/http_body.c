/* SPDX-License-Identifier: MIT */
/*
 * The body needs no memory: lengths are counted down, and chunks are read by a state machine over
 * single bytes whose data state hands out slices.
 */
#include <assert.h>
#include <errno.h>

#include "daemon/api/http_characters.h"
#include "daemon/api/http_parsing.h"

/* The size has been read; @c is the first byte after its digits. */
static int
end_chunk_size(struct http_parser *parser, char c)
{
	if (parser->n_digits == 0 || (c != '\r' && c != ';')) {
		return http_parser_fail(parser, 400, "a chunk's size is not a hexadecimal number");
	}
	if (parser->body_len + parser->remaining > parser->max_body) {
		return http_parser_fail(parser, 413, "the content is too large");
	}
	parser->state = c == '\r' ? STATE_CHUNK_SIZE_LF : STATE_CHUNK_EXTENSION;
	return 0;
}

static int
take_size_digit(struct http_parser *parser, char c)
{
	int digit = http_hex_digit(c);

	if (digit < 0) {
		return end_chunk_size(parser, c);
	}
	if (++parser->n_digits > 16) {
		return http_parser_fail(parser, 400, "a chunk's size has more than 16 digits");
	}
	if (parser->remaining > INT64_MAX >> 4) {
		return http_parser_fail(parser, 413, "a chunk is larger than anything");
	}
	parser->remaining = parser->remaining << 4 | (unsigned int)digit;
	return 0;
}

static int
take_extension_byte(struct http_parser *parser, char c)
{
	if (c == '\r') {
		parser->state = STATE_CHUNK_SIZE_LF;
	} else if (http_is_control(c) && c != '\t') {
		return http_parser_fail(parser, 400, "a chunk extension has a control character");
	} else if (++parser->n_overhead > HTTP_MAX_CHUNK_EXTENSIONS) {
		return http_parser_fail(parser, 400, "more than 4 KiB of chunk extensions");
	}
	return 0;
}

/* RFC 9112, 7.1.2: trailers may be discarded. They have to be well formed, and not too many. */
static int
take_trailer_byte(struct http_parser *parser, char c)
{
	if (++parser->n_overhead > HTTP_MAX_TRAILERS) {
		return http_parser_fail(parser, 431, "more than 8 KiB of trailers");
	}
	if (parser->state == STATE_TRAILER_START && c == '\r') {
		parser->state = STATE_LAST_LF;
	} else if (parser->state == STATE_TRAILER_VALUE && c == '\r') {
		parser->state = STATE_TRAILER_LF;
	} else if (parser->state == STATE_TRAILER_NAME && c == ':') {
		parser->state = STATE_TRAILER_VALUE;
	} else if (parser->state == STATE_TRAILER_VALUE) {
		if (http_is_control(c) && c != '\t') {
			return http_parser_fail(
				parser, 400, "a trailer field has a control character");
		}
	} else if (http_is_token_char(c)) {
		parser->state = STATE_TRAILER_NAME;
	} else {
		return http_parser_fail(parser, 400, "a trailer field's name is not a token");
	}
	return 0;
}

static int
expect_byte(struct http_parser *parser, char c, char expected, enum http_state next)
{
	if (c != expected) {
		return http_parser_fail(parser, 400, "a CR or LF is missing between chunks");
	}
	parser->state = next;
	return 0;
}

static int
begin_chunk_data(struct http_parser *parser, char c)
{
	bool is_last = parser->remaining == 0;

	parser->n_digits = 0;
	if (is_last) {
		parser->n_overhead = 0; /* from here on it counts trailers */
	}
	return expect_byte(parser, c, '\n', is_last ? STATE_TRAILER_START : STATE_CHUNK_DATA);
}

/* One byte of the framing of chunks. */
static int
take_framing_byte(struct http_parser *parser, char c)
{
	switch (parser->state) {
	case STATE_CHUNK_SIZE:
		return take_size_digit(parser, c);
	case STATE_CHUNK_EXTENSION:
		return take_extension_byte(parser, c);
	case STATE_CHUNK_SIZE_LF:
		return begin_chunk_data(parser, c);
	case STATE_CHUNK_DATA_CR:
		return expect_byte(parser, c, '\r', STATE_CHUNK_DATA_LF);
	case STATE_CHUNK_DATA_LF:
		return expect_byte(parser, c, '\n', STATE_CHUNK_SIZE);
	case STATE_TRAILER_START:
	case STATE_TRAILER_NAME:
	case STATE_TRAILER_VALUE:
		return take_trailer_byte(parser, c);
	case STATE_TRAILER_LF:
		parser->n_overhead++; /* the line's end counts, too */
		return expect_byte(parser, c, '\n', STATE_TRAILER_START);
	case STATE_LAST_LF:
		return expect_byte(parser, c, '\n', STATE_DONE);
	default:
		assert(false);
		return -EPROTO;
	}
}

static struct http_slice
take_content(struct http_parser *parser, const char *data, size_t len, enum http_state after)
{
	size_t n = len < parser->remaining ? len : (size_t)parser->remaining;

	parser->remaining -= n;
	parser->body_len += n;
	if (parser->remaining == 0) {
		parser->state = after;
	}
	return (struct http_slice){ data, n };
}

int
http_parser_feed_body(struct http_parser *parser, const char *data, size_t len,
	size_t *ret_consumed, struct http_slice *ret_slice)
{
	size_t consumed = 0;
	int r = 0;

	assert(parser->state > STATE_FIELDS);

	*ret_consumed = 0;
	*ret_slice = (struct http_slice){ data, 0 };
	if (parser->state == STATE_FAILED) {
		return -EPROTO;
	}
	if (parser->state == STATE_LENGTH) {
		if (parser->request.content_length > parser->max_body) {
			return http_parser_fail(parser, 413, "the content is too large");
		}
		*ret_slice = take_content(parser, data, len, STATE_DONE);
		consumed = ret_slice->len;
	}
	while (consumed < len && r == 0 && ret_slice->len == 0 && parser->state != STATE_DONE) {
		if (parser->state == STATE_CHUNK_DATA) {
			*ret_slice = take_content(
				parser, data + consumed, len - consumed, STATE_CHUNK_DATA_CR);
			consumed += ret_slice->len;
		} else {
			r = take_framing_byte(parser, data[consumed++]);
		}
	}
	*ret_consumed = consumed;
	if (r < 0) {
		return r;
	}
	return parser->state == STATE_DONE ? HTTP_BODY_DONE : HTTP_NEED_MORE;
}
