/* SPDX-License-Identifier: MIT */
/*
 * The head is collected line by line in one bounded buffer, and each line is taken apart where it
 * lies: ends of methods, targets, names and values become NUL. Behind the lines there is room for
 * the decoded path and query.
 *
 *	head:  GET\0/a%20b?c=d\0HTTP/1.1\0\nHost\0 x\0\n …        decoded:  /a b\0c\0d\0
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/http_characters.h"
#include "daemon/api/http_parsing.h"

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

static int
parse_field(struct http_parser *parser, char *line)
{
	struct http_request *request = &parser->request;
	char *colon = strchr(line, ':');
	char *value;
	size_t len;

	if (is_white(line[0])) {
		return http_parser_fail(parser, 400, "a header field is folded over two lines");
	}
	if (request->n_fields == HTTP_MAX_FIELDS) {
		return http_parser_fail(parser, 431, "more than 64 header fields");
	}
	if (!colon) {
		return http_parser_fail(parser, 400, "a header line has no colon");
	}
	*colon = '\0';
	if (!http_is_token(line)) {
		return http_parser_fail(parser, 400, "a header field's name is not a token");
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
		if (http_is_control(value[i]) && value[i] != '\t') {
			return http_parser_fail(
				parser, 400, "a header field has a control character");
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
		return http_parser_fail(parser, 400, "there must be one Host field");
	}
	if (host && !http_is_host(host, strlen(host))) {
		return http_parser_fail(parser, 400, "the Host field is not a host");
	}
	return 0;
}

static int
parse_content_length(struct http_parser *parser, const char *text)
{
	uint64_t length = 0;

	if (*text == '\0') {
		return http_parser_fail(parser, 400, "Content-Length is empty");
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9') {
			return http_parser_fail(parser, 400, "Content-Length is not a number");
		}
		if (length > (INT64_MAX - 9) / 10) {
			return http_parser_fail(
				parser, 413, "Content-Length is larger than anything");
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
		return http_parser_fail(parser, 400, "the length of the content is given twice");
	}
	if (n_lengths == 1) {
		return parse_content_length(parser, http_request_field(request, "Content-Length"));
	}
	if (n_codings == 0) {
		return 0;
	}
	if (parser->minor_version == 0) {
		return http_parser_fail(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
	}
	if (strcasecmp(http_request_field(request, "Transfer-Encoding"), "chunked") != 0) {
		return http_parser_fail(
			parser, 501, "the only Transfer-Encoding known here is chunked");
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
			return http_parser_fail(
				parser, 417, "the only expectation known here is 100-continue");
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
		return http_parser_fail(parser, 400, "a line ends in LF without CR");
	}
	len--;
	if (memchr(line, '\0', len) || memchr(line, '\r', len)) {
		return http_parser_fail(parser, 400, "the head has a NUL or a CR without LF");
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
	r = http_parse_request_line(parser, line);
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
		return http_parser_fail(parser, 414, "the request line has more than 8 KiB");
	}
	if (parser->head_len + len > HTTP_MAX_HEAD) {
		return http_parser_fail(parser, 431, "the head has more than 16 KiB");
	}
	memcpy(parser->head + parser->head_len, data, len);
	parser->head_len += len;
	return 0;
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
