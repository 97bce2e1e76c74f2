/* SPDX-License-Identifier: MIT */
#include "tests/support/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

#define SILENCE_S 120 /* only a failure takes that long */

static struct t_http
connect_to(int family, const struct sockaddr *address, socklen_t len)
{
	struct t_http http = { .fd = -1 };
	struct timeval limit = { .tv_sec = SILENCE_S };

	http.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(http.fd, 0);
	ck_assert_int_eq(setsockopt(http.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_int_eq(setsockopt(http.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_msg(connect(http.fd, address, len) == 0, "connect: %s", strerror(errno));
	return http;
}

struct t_http
t_http_tcp(uint16_t port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};

	return connect_to(AF_INET, (struct sockaddr *)&in, sizeof(in));
}

struct t_http
t_http_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	ck_assert_uint_lt(strlen(path), sizeof(un.sun_path));
	memcpy(un.sun_path, path, strlen(path) + 1);
	return connect_to(AF_UNIX, (struct sockaddr *)&un, sizeof(un));
}

void
t_http_close(struct t_http *http)
{
	closep(&http->fd);
	http->fd = -1;
	buffer_fini(&http->in);
}

bool
t_http_send(struct t_http *http, const void *bytes, size_t len)
{
	const char *at = bytes;
	ssize_t n;

	while (len > 0) {
		n = send(http->fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			return false;
		}
		ck_assert_msg(n >= 0 || errno == EINTR, "send: %s", strerror(errno));
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool
t_http_puts(struct t_http *http, const char *text)
{
	return t_http_send(http, text, strlen(text));
}

bool
t_http_printf(struct t_http *http, const char *format, ...)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	va_list ap;

	va_start(ap, format);
	buffer_vprintf(&text, format, ap);
	va_end(ap);
	ck_assert_int_eq(buffer_error(&text), 0);
	return t_http_send(http, text.data, text.len);
}

/* Receives once; false at the end of the connection, whichever way it ended. */
static bool
receive(struct t_http *http)
{
	char bytes[4096];
	ssize_t n;

	do {
		n = recv(http->fd, bytes, sizeof(bytes), 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE))) {
		return false;
	}
	ck_assert_msg(n > 0, "recv: %s", errno == EAGAIN ? "no answer" : strerror(errno));
	buffer_append(&http->in, bytes, (size_t)n);
	ck_assert_int_eq(buffer_error(&http->in), 0);
	return true;
}

char *
t_response_field(const struct t_response *response, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);
	const char *line = response->head.data;

	while (line && (line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1 + strspn(line + len + 1, " \t");
			(void)snprintf(value, size, "%.*s", (int)strcspn(line, "\r"), line);
			return value;
		}
	}
	return NULL;
}

static void
find_framing(struct t_response *response)
{
	char value[64];

	if (response->status < 200 || response->status == 204 || response->status == 304) {
		response->framing = T_FRAMING_NONE;
		response->is_complete = true;
	} else if (t_response_field(response, "Transfer-Encoding", value, sizeof(value))) {
		ck_assert_str_eq(value, "chunked");
		response->framing = T_FRAMING_CHUNKED;
	} else if (t_response_field(response, "Content-Length", value, sizeof(value))) {
		response->framing = T_FRAMING_LENGTH;
		response->left = strtoull(value, NULL, 10);
		response->is_complete = response->left == 0;
	} else {
		response->framing = T_FRAMING_CLOSE;
	}
}

void
t_http_read_head(struct t_http *http, struct t_response *response)
{
	const char *end;
	size_t len;

	t_response_fini(response);
	while (!(end = http->in.len ? memmem(http->in.data, http->in.len, "\r\n\r\n", 4) : NULL)) {
		if (!receive(http)) {
			return;
		}
	}
	len = (size_t)(end - http->in.data) + 4;
	buffer_append(&response->head, http->in.data, len);
	buffer_consume(&http->in, len);
	ck_assert_int_eq(buffer_error(&response->head), 0);
	ck_assert_msg(sscanf(response->head.data, "HTTP/1.%*1[01] %3d", &response->status) == 1,
		"no HTTP answer: %.60s", response->head.data);
	find_framing(response);
}

static void
take_body(struct t_http *http, struct t_response *response, size_t max)
{
	size_t len = http->in.len < max ? http->in.len : max;

	buffer_append(&response->body, http->in.data, len);
	ck_assert_int_eq(buffer_error(&response->body), 0);
	buffer_consume(&http->in, len);
	response->left -= response->framing == T_FRAMING_CLOSE ? 0 : len;
}

/*
 * "SIZE CRLF bytes CRLF"; left counts the bytes and the second CRLF. False: more input is needed.
 */
static bool
start_chunk(struct t_http *http, struct t_response *response)
{
	char *end = memmem(http->in.data, http->in.len, "\r\n", 2);
	char *digits_end;

	if (!end) {
		return false;
	}
	response->left = strtoull(http->in.data, &digits_end, 16);
	ck_assert_msg(digits_end == end || *digits_end == ';', "chunk: %.20s", http->in.data);
	if (response->left > 0) {
		response->left += 2;
		buffer_consume(&http->in, (size_t)(end - http->in.data) + 2);
		return true;
	}

	/* the last chunk: trailers, if there are any, and an empty line */
	end = memmem(end, http->in.len - (size_t)(end - http->in.data), "\r\n\r\n", 4);
	if (!end) {
		return false;
	}
	response->is_complete = true;
	buffer_consume(&http->in, (size_t)(end - http->in.data) + 4);
	return true;
}

static bool
take_chunk(struct t_http *http, struct t_response *response)
{
	if (response->left == 0) {
		return http->in.len > 0 && start_chunk(http, response);
	}
	if (http->in.len == 0) {
		return false;
	}
	if (response->left > 2) {
		size_t max = (size_t)response->left - 2;

		take_body(http, response, max);
		return true;
	}
	if (http->in.len < 2) {
		return false;
	}
	ck_assert_int_eq(memcmp(http->in.data, "\r\n", 2), 0);
	buffer_consume(&http->in, 2);
	response->left = 0;
	return true;
}

bool
t_http_read_more(struct t_http *http, struct t_response *response)
{
	size_t before = response->body.len;
	bool has_moved = true;

	while (!response->is_complete && response->body.len == before) {
		if (!has_moved && !receive(http)) {
			response->is_complete = response->framing == T_FRAMING_CLOSE;
			return false;
		}
		if (response->framing == T_FRAMING_CHUNKED) {
			has_moved = take_chunk(http, response);
		} else if (http->in.len > 0) {
			take_body(http, response,
				response->framing == T_FRAMING_CLOSE ? SIZE_MAX
								     : (size_t)response->left);
			response->is_complete =
				response->framing == T_FRAMING_LENGTH && response->left == 0;
		} else {
			has_moved = false;
		}
	}
	return response->body.len > before;
}

void
t_http_read(struct t_http *http, struct t_response *response)
{
	do {
		t_http_read_head(http, response);
	} while (response->status >= 100 && response->status < 200);
	while (response->status && t_http_read_more(http, response)) {
	}
}

bool
t_http_is_over(struct t_http *http)
{
	return http->in.len == 0 && !receive(http);
}

void
t_response_fini(struct t_response *response)
{
	buffer_fini(&response->head);
	buffer_fini(&response->body);
	*response = (struct t_response)T_RESPONSE_INIT;
}

void
t_api_call(const char *socket_path, const char *method_and_target, const char *fields,
	const char *body, struct t_response *response)
{
	_cleanup_(t_http_close) struct t_http http = t_http_unix(socket_path);

	(void)t_http_printf(&http, "%s HTTP/1.1\r\nHost: fetchd\r\nConnection: close\r\n%s",
		method_and_target, fields ? fields : "");
	if (body) {
		(void)t_http_printf(&http, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	} else {
		(void)t_http_puts(&http, "\r\n"); /* an early refusal is read all the same */
	}
	t_http_read(&http, response);
}
