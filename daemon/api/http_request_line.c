/* SPDX-License-Identifier: MIT */
/*
 * The request line. Path and query are decoded to the room behind the lines (http_head.c), which is enough: they are
 * never longer than the target they come from.
 */
#include <string.h>
#include <strings.h>

#include "daemon/api/http_characters.h"
#include "daemon/api/http_parsing.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/utf8.h"

static int
decode_byte(const char *text)
{
	int high = http_hex_digit(text[1]);
	int low = high < 0 ? -1 : http_hex_digit(text[2]);

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
		if (http_is_control(c)) {
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
				return http_parser_fail(
					parser, 400, "the query has more than 64 parameters");
			}
			*param = (struct http_pair){ .name = out, .value = "" };
			out = decode(query, name_len, true, out);
			if (out && equals) {
				param->value = ++out;
				out = decode(equals + 1, len - name_len - 1, true, out);
			}
			if (!out) {
				return http_parser_fail(
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
			return http_parser_fail(parser, 400,
				"the path is not percent-encoded UTF-8 text, or hides a slash");
		}
	}
	if (has_dot_segment(parser->request.path)) {
		return http_parser_fail(parser, 400, "the path has a segment \".\" or \"..\"");
	}
	return target[len] == '?' ? parse_params(parser, target + len + 1, out + 1) : 0;
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
			return http_parser_fail(parser, 400,
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
		if (path == target || host_len == 0 || !http_is_host(path, host_len)) {
			return http_parser_fail(
				parser, 400, "the target is neither a path nor an http URL");
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
		return http_parser_fail(parser, 400, "the request line does not end in HTTP/1.1");
	}
	if (version[5] != '1') {
		return http_parser_fail(parser, 505, "this server speaks HTTP/1.1");
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
	return http_parser_fail(parser, 501, "the method is not known here");
}

/* method SP target SP version (RFC 9112, 3), with exactly these spaces */
int
http_parse_request_line(struct http_parser *parser, char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	int r;

	if (!version) {
		return http_parser_fail(
			parser, 400, "the request line is not «method target HTTP/1.1»");
	}
	*target++ = '\0';
	*version++ = '\0';
	if (!http_is_token(line)) {
		return http_parser_fail(parser, 400, "the method is not a token");
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
