/* SPDX-License-Identifier: MIT */
/*
 * The head is collected line by line in one bounded buffer, and each line is taken apart where it
 * lies: ends of methods, targets, names and values become NUL. Behind the lines there is room for
 * the decoded path and query, which are never longer than the target they come from.
 *
 *	head:  GET\0/a%20b?c=d\0HTTP/1.1\0\nHost\0 x\0\n …        decoded:  /a b\0c\0d\0
 *
 * The body needs no memory: lengths are counted down, and chunks are read by a state machine over
 * single bytes whose data state hands out slices.
 *
 * Whatever has been used to smuggle requests past one of two parsers is refused rather than
 * repaired: bare CR and LF, folded lines, white space before the colon, two lengths, a length
 * beside chunks.
 */
#include "daemon/api/http_parser.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/utf8.h"

/*
 * What is expected next. The allowed steps are the assignments below; DONE and FAILED end a
 * message.
 */
enum state {
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

#define HEAD_CAP (HTTP_MAX_HEAD + HTTP_MAX_REQUEST_LINE + 1)

static int
fail(struct http_parser *parser, int status, const char *reason)
{
	parser->state = STATE_FAILED;
	parser->status = status;
	parser->reason = reason;
	return -EPROTO;
}

/* --- characters and words --- */

/* RFC 9110, 5.6.2: tchar */
static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(const char *text)
{
	if (*text == '\0') {
		return false;
	}
	while (is_token_char(*text)) {
		text++;
	}
	return *text == '\0';
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

/* The value of a hexadecimal digit, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* --- the request line --- */

static int
decode_byte(const char *text)
{
	int high = hex_digit(text[1]);
	int low = high < 0 ? -1 : hex_digit(text[2]);

	return low < 0 ? -1 : high * 16 + low;
}

/* Decodes @len bytes to @out and ends them with NUL. Return: NUL's place, or NULL when refused. */
static char *
decode(const char *text, size_t len, bool is_query, char *out)
{
	char *start = out;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int byte = i + 2 < len ? decode_byte(text + i) : -1;

			if (byte < 0 || (byte == '/' && !is_query)) {
				return NULL;
			}
			c = (char)byte;
			i += 2;
		} else if (c == '+' && is_query) {
			c = ' ';
		}
		if (is_control(c)) {
			return NULL;
		}
		*out++ = c;
	}
	*out = '\0';
	return utf8_is_valid(start, (size_t)(out - start)) ? out : NULL;
}

static bool
has_dot_segment(const char *path)
{
	while (*path) {
		size_t len;

		path++; /* the slash */
		len = strcspn(path, "/");
		if ((len == 1 && path[0] == '.') ||
			(len == 2 && path[0] == '.' && path[1] == '.')) {
			return true;
		}
		path += len;
	}
	return false;
}

static int
parse_params(struct http_parser *parser, const char *query, char *out)
{
	struct http_request *request = &parser->request;

	while (*query) {
		size_t len = strcspn(query, "&");
		const char *equals = memchr(query, '=', len);
		size_t name_len = equals ? (size_t)(equals - query) : len;
		struct http_pair *param = &request->params[request->n_params];

		if (len > 0) {
			if (request->n_params == HTTP_MAX_PARAMS) {
				return fail(parser, 400, "the query has more than 64 parameters");
			}
			*param = (struct http_pair){ .name = out, .value = "" };
			out = decode(query, name_len, true, out);
			if (out && equals) {
				param->value = ++out;
				out = decode(equals + 1, len - name_len - 1, true, out);
			}
			if (!out) {
				return fail(
					parser, 400, "the query is not percent-encoded UTF-8 text");
			}
			out++;
			request->n_params++;
		}
		query += len + (query[len] == '&');
	}
	return 0;
}

static int
parse_path(struct http_parser *parser, const char *target)
{
	char *out = parser->head + HTTP_MAX_HEAD;
	size_t len = strcspn(target, "?");

	parser->request.path = out;
	if (len == 0) {
		*out++ = '/'; /* absolute form without a path */
		*out = '\0';
	} else {
		out = decode(target, len, false, out);
		if (!out) {
			return fail(parser, 400,
				"the path is not percent-encoded UTF-8 text, or hides a slash");
		}
	}
	if (has_dot_segment(parser->request.path)) {
		return fail(parser, 400, "the path has a segment \".\" or \"..\"");
	}
	return target[len] == '?' ? parse_params(parser, target + len + 1, out + 1) : 0;
}

/* RFC 3986, 3.2.2, without user info (RFC 9110, 4.2.4) */
static bool
is_host(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || !strchr("-._~%!$&'()*+,;=:[]", c))) {
			return false;
		}
	}
	return true;
}

static const char *
skip_scheme(const char *target)
{
	if (strncasecmp(target, "http://", 7) == 0) {
		return target + 7;
	}
	return strncasecmp(target, "https://", 8) == 0 ? target + 8 : target;
}

/* Origin form "/a?b", absolute form "http://host/a?b", or "*" of OPTIONS (RFC 9112, 3.2) */
static int
parse_target(struct http_parser *parser, const char *target)
{
	const char *path = target;

	for (const char *c = target; *c; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '#') {
			return fail(parser, 400,
				"the target has a character that must be percent-encoded");
		}
	}
	if (strcmp(target, "*") == 0 && parser->request.method == HTTP_OPTIONS) {
		parser->request.path = target;
		return 0;
	}
	if (target[0] != '/') {
		size_t host_len;

		path = skip_scheme(target);
		host_len = strcspn(path, "/?");
		if (path == target || host_len == 0 || !is_host(path, host_len)) {
			return fail(parser, 400, "the target is neither a path nor an http URL");
		}
		path += host_len;
	}
	return parse_path(parser, path);
}

static int
parse_version(struct http_parser *parser, const char *version)
{
	if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[5] < '0' ||
		version[5] > '9' || version[6] != '.' || version[7] < '0' || version[7] > '9') {
		return fail(parser, 400, "the request line does not end in HTTP/1.1");
	}
	if (version[5] != '1') {
		return fail(parser, 505, "this server speaks HTTP/1.1");
	}
	parser->minor_version = version[7] - '0'; /* 1.2 and above mean 1.1 to us (RFC 9110, 2.5) */
	return 0;
}

static int
parse_method(struct http_parser *parser, const char *method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET",
		[HTTP_HEAD] = "HEAD",
		[HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",
		[HTTP_PATCH] = "PATCH",
		[HTTP_DELETE] = "DELETE",
		[HTTP_OPTIONS] = "OPTIONS",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(method, names[i]) == 0) {
			parser->request.method = (enum http_method)i;
			parser->request.method_name = method;
			return 0;
		}
	}
	return fail(parser, 501, "the method is not known here");
}

/* method SP target SP version (RFC 9112, 3), with exactly these spaces */
static int
parse_request_line(struct http_parser *parser, char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	int r;

	if (!version) {
		return fail(parser, 400, "the request line is not «method target HTTP/1.1»");
	}
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line)) {
		return fail(parser, 400, "the method is not a token");
	}
	parser->request.target = target;
	r = parse_version(parser, version);
	if (r == 0) {
		r = parse_method(parser, line);
	}
	if (r == 0) {
		r = parse_target(parser, target);
	}
	return r;
}

/* --- fields --- */

static int
parse_field(struct http_parser *parser, char *line)
{
	struct http_request *request = &parser->request;
	char *colon = strchr(line, ':');
	char *value;
	size_t len;

	if (is_white(line[0])) {
		return fail(parser, 400, "a header field is folded over two lines");
	}
	if (request->n_fields == HTTP_MAX_FIELDS) {
		return fail(parser, 431, "more than 64 header fields");
	}
	if (!colon) {
		return fail(parser, 400, "a header line has no colon");
	}
	*colon = '\0';
	if (!is_token(line)) {
		return fail(parser, 400, "a header field's name is not a token");
	}
	value = colon + 1;
	while (is_white(*value)) {
		value++;
	}
	len = strlen(value);
	while (len > 0 && is_white(value[len - 1])) {
		value[--len] = '\0';
	}
	for (size_t i = 0; i < len; i++) {
		if (is_control(value[i]) && value[i] != '\t') {
			return fail(parser, 400, "a header field has a control character");
		}
	}
	request->fields[request->n_fields++] = (struct http_pair){ .name = line, .value = value };
	return 0;
}

static size_t
count_fields(const struct http_request *request, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n_fields; i++) {
		n += strcasecmp(request->fields[i].name, name) == 0;
	}
	return n;
}

/*
 * A server MUST answer 400 to a request without Host, or with two or an invalid one (RFC
 * 9112, 3.2).
 */
static int
check_host(struct http_parser *parser)
{
	size_t n = count_fields(&parser->request, "Host");
	const char *host = http_request_field(&parser->request, "Host");

	if (n > 1 || (n == 0 && parser->minor_version > 0)) {
		return fail(parser, 400, "there must be one Host field");
	}
	if (host && !is_host(host, strlen(host))) {
		return fail(parser, 400, "the Host field is not a host");
	}
	return 0;
}

static int
parse_content_length(struct http_parser *parser, const char *text)
{
	uint64_t length = 0;

	if (*text == '\0') {
		return fail(parser, 400, "Content-Length is empty");
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9') {
			return fail(parser, 400, "Content-Length is not a number");
		}
		if (length > (INT64_MAX - 9) / 10) {
			return fail(parser, 413, "Content-Length is larger than anything");
		}
		length = length * 10 + (uint64_t)(*text - '0');
	}
	parser->request.content_length = length;
	parser->request.has_body = length > 0;
	return 0;
}

/*
 * RFC 9112, 6.3. Equal lengths sent twice may be accepted; whoever sends them is broken or
 * attacking.
 */
static int
parse_framing(struct http_parser *parser)
{
	struct http_request *request = &parser->request;
	size_t n_lengths = count_fields(request, "Content-Length");
	size_t n_codings = count_fields(request, "Transfer-Encoding");

	if (n_lengths + n_codings > 1) {
		return fail(parser, 400, "the length of the content is given twice");
	}
	if (n_lengths == 1) {
		return parse_content_length(parser, http_request_field(request, "Content-Length"));
	}
	if (n_codings == 0) {
		return 0;
	}
	if (parser->minor_version == 0) {
		return fail(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
	}
	if (strcasecmp(http_request_field(request, "Transfer-Encoding"), "chunked") != 0) {
		return fail(parser, 501, "the only Transfer-Encoding known here is chunked");
	}
	request->is_chunked = true;
	request->has_body = true;
	return 0;
}

static int
parse_expect(struct http_parser *parser)
{
	struct http_request *request = &parser->request;

	for (size_t i = 0; i < request->n_fields; i++) {
		if (strcasecmp(request->fields[i].name, "Expect") != 0) {
			continue;
		}
		if (strcasecmp(request->fields[i].value, "100-continue") != 0) {
			return fail(parser, 417, "the only expectation known here is 100-continue");
		}
		/* RFC 9110, 10.1.1: not from an HTTP/1.0 client, and not without content to wait
		 * for */
		request->expects_continue = parser->minor_version > 0 && request->has_body;
	}
	return 0;
}

static int
finish_head(struct http_parser *parser)
{
	struct http_request *request = &parser->request;
	int r = check_host(parser);

	if (r == 0) {
		r = parse_framing(parser);
	}
	if (r == 0) {
		r = parse_expect(parser);
	}
	if (r < 0) {
		return r;
	}
	request->keep_alive =
		parser->minor_version > 0 && !http_request_lists(request, "Connection", "close");
	parser->remaining = request->content_length;
	parser->state = request->is_chunked ? STATE_CHUNK_SIZE
			: request->has_body ? STATE_LENGTH
					    : STATE_DONE;
	return HTTP_HEAD_DONE;
}

/* A whole line lies in the buffer, from line_start to head_len, with its LF. */
static int
take_line(struct http_parser *parser)
{
	char *line = parser->head + parser->line_start;
	size_t len = parser->head_len - parser->line_start - 1;
	int r;

	if (len == 0 || line[len - 1] != '\r') {
		return fail(parser, 400, "a line ends in LF without CR");
	}
	len--;
	if (memchr(line, '\0', len) || memchr(line, '\r', len)) {
		return fail(parser, 400, "the head has a NUL or a CR without LF");
	}
	line[len] = '\0';
	parser->line_start = parser->head_len;

	if (parser->state == STATE_FIELDS) {
		return len == 0 ? finish_head(parser) : parse_field(parser, line);
	}
	if (len == 0 && !parser->skipped_empty_line) {
		/* RFC 9112, 2.2: ignore an empty line before the request line; old clients send one
		 */
		parser->skipped_empty_line = true;
		parser->head_len = 0;
		parser->line_start = 0;
		return HTTP_NEED_MORE;
	}
	r = parse_request_line(parser, line);
	if (r == 0) {
		parser->state = STATE_FIELDS;
	}
	return r;
}

static int
append(struct http_parser *parser, const char *data, size_t len)
{
	size_t line_len = parser->head_len - parser->line_start + len;

	if (parser->state == STATE_REQUEST_LINE && line_len > HTTP_MAX_REQUEST_LINE) {
		return fail(parser, 414, "the request line has more than 8 KiB");
	}
	if (parser->head_len + len > HTTP_MAX_HEAD) {
		return fail(parser, 431, "the head has more than 16 KiB");
	}
	memcpy(parser->head + parser->head_len, data, len);
	parser->head_len += len;
	return 0;
}

/* --- chunks --- */

/* The size has been read; @c is the first byte after its digits. */
static int
end_chunk_size(struct http_parser *parser, char c)
{
	if (parser->n_digits == 0 || (c != '\r' && c != ';')) {
		return fail(parser, 400, "a chunk's size is not a hexadecimal number");
	}
	if (parser->body_len + parser->remaining > parser->max_body) {
		return fail(parser, 413, "the content is too large");
	}
	parser->state = c == '\r' ? STATE_CHUNK_SIZE_LF : STATE_CHUNK_EXTENSION;
	return 0;
}

static int
take_size_digit(struct http_parser *parser, char c)
{
	int digit = hex_digit(c);

	if (digit < 0) {
		return end_chunk_size(parser, c);
	}
	if (++parser->n_digits > 16) {
		return fail(parser, 400, "a chunk's size has more than 16 digits");
	}
	if (parser->remaining > INT64_MAX >> 4) {
		return fail(parser, 413, "a chunk is larger than anything");
	}
	parser->remaining = parser->remaining << 4 | (unsigned int)digit;
	return 0;
}

static int
take_extension_byte(struct http_parser *parser, char c)
{
	if (c == '\r') {
		parser->state = STATE_CHUNK_SIZE_LF;
	} else if (is_control(c) && c != '\t') {
		return fail(parser, 400, "a chunk extension has a control character");
	} else if (++parser->n_overhead > HTTP_MAX_CHUNK_EXTENSIONS) {
		return fail(parser, 400, "more than 4 KiB of chunk extensions");
	}
	return 0;
}

/* RFC 9112, 7.1.2: trailers may be discarded. They have to be well formed, and not too many. */
static int
take_trailer_byte(struct http_parser *parser, char c)
{
	if (++parser->n_overhead > HTTP_MAX_TRAILERS) {
		return fail(parser, 431, "more than 8 KiB of trailers");
	}
	if (parser->state == STATE_TRAILER_START && c == '\r') {
		parser->state = STATE_LAST_LF;
	} else if (parser->state == STATE_TRAILER_VALUE && c == '\r') {
		parser->state = STATE_TRAILER_LF;
	} else if (parser->state == STATE_TRAILER_NAME && c == ':') {
		parser->state = STATE_TRAILER_VALUE;
	} else if (parser->state == STATE_TRAILER_VALUE) {
		if (is_control(c) && c != '\t') {
			return fail(parser, 400, "a trailer field has a control character");
		}
	} else if (is_token_char(c)) {
		parser->state = STATE_TRAILER_NAME;
	} else {
		return fail(parser, 400, "a trailer field's name is not a token");
	}
	return 0;
}

static int
expect_byte(struct http_parser *parser, char c, char expected, enum state next)
{
	if (c != expected) {
		return fail(parser, 400, "a CR or LF is missing between chunks");
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
take_content(struct http_parser *parser, const char *data, size_t len, enum state after)
{
	size_t n = len < parser->remaining ? len : (size_t)parser->remaining;

	parser->remaining -= n;
	parser->body_len += n;
	if (parser->remaining == 0) {
		parser->state = after;
	}
	return (struct http_slice){ data, n };
}

/* --- the parser --- */

static void
reset(struct http_parser *parser)
{
	*parser = (struct http_parser){ .head = parser->head, .max_body = UINT64_MAX };
}

int
http_parser_init(struct http_parser *parser)
{
	parser->head = malloc(HEAD_CAP);
	reset(parser);
	return parser->head ? 0 : -ENOMEM;
}

void
http_parser_fini(struct http_parser *parser)
{
	if (!parser) {
		return;
	}
	free(parser->head);
	*parser = (struct http_parser)HTTP_PARSER_INIT;
}

int
http_parser_feed_head(
	struct http_parser *parser, const char *data, size_t len, size_t *ret_consumed)
{
	size_t consumed = 0;
	int r = 0;

	assert(parser->state <= STATE_FIELDS || parser->state == STATE_FAILED);

	*ret_consumed = 0;
	if (parser->state == STATE_FAILED) {
		return -EPROTO;
	}
	while (consumed < len && r == HTTP_NEED_MORE) {
		const char *newline = memchr(data + consumed, '\n', len - consumed);
		size_t n = newline ? (size_t)(newline + 1 - data) - consumed : len - consumed;

		r = append(parser, data + consumed, n);
		consumed += n;
		if (r == 0 && newline) {
			r = take_line(parser);
		}
	}
	*ret_consumed = consumed;
	return r;
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
			return fail(parser, 413, "the content is too large");
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

void
http_parser_next(struct http_parser *parser)
{
	assert(parser->state == STATE_DONE);

	reset(parser);
}

bool
http_parser_is_idle(const struct http_parser *parser)
{
	return parser->state == STATE_REQUEST_LINE && parser->head_len == 0;
}
