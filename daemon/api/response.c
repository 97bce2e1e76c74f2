/* SPDX-License-Identifier: MIT */
#include "daemon/api/response.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/protocol/json_writer.h"

/*
 * piece_bytes  of content are sent when there are so many
 * stall_bytes  the peer has stall_seconds for each so many: one result can be as long as a body
 */
enum {
	piece_bytes = 32 * 1024,
	stall_bytes = 256 * 1024,
	stall_seconds = 30,
};

void
response_begin(struct response *response, int status, const char *content_type, const char *fields)
{
	response->status = status;
	response->content_type = content_type;
	response->fields = fields;
}

static void
write_date(struct buffer *wire)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[64];

	if (gmtime_r(&now, &tm) &&
		strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) > 0) {
		buffer_puts(wire, text);
	}
}

/* The head; @length -1: not known yet. */
static void
write_head(struct response *response, int64_t length)
{
	struct buffer *wire = &response->wire;

	if (length < 0 && !response->can_chunk) {
		response->keep_alive =
			false; /* the end of the connection is the end of the content */
	}
	buffer_printf(wire, "HTTP/1.1 %d %s\r\n", response->status,
		problem_reason_phrase(response->status));
	write_date(wire);
	buffer_printf(wire, "Content-Type: %s\r\nX-Request-Id: %s\r\nCache-Control: no-store\r\n",
		response->content_type, response->request_id);
	if (length >= 0) {
		buffer_printf(wire, "Content-Length: %lld\r\n", (long long)length);
	} else if (response->can_chunk) {
		buffer_puts(wire, "Transfer-Encoding: chunked\r\n");
	}
	if (!response->keep_alive) {
		buffer_puts(wire, "Connection: close\r\n");
	}
	if (response->fields) {
		buffer_puts(wire, response->fields);
	}
	buffer_puts(wire, "\r\n");
	response->is_head_sent = true;
}

static void
write_content(struct response *response, bool as_chunk)
{
	struct buffer *out = &response->out;

	if (out->len == 0 || response->is_head) {
		return;
	}
	if (as_chunk) {
		buffer_printf(&response->wire, "%zx\r\n", out->len);
	}
	buffer_append(&response->wire, out->data, out->len);
	if (as_chunk) {
		buffer_puts(&response->wire, "\r\n");
	}
}

struct piece {
	struct nur_stream *stream;
	const char *data;
	size_t len;
};

static int
send_piece(void *arg)
{
	struct piece *piece = arg;

	return nur_stream_send_all(piece->stream, piece->data, piece->len);
}

static int
send_wire(const struct response *response)
{
	const struct buffer *wire = &response->wire;
	int r = 0;

	for (size_t at = 0; r >= 0 && at < wire->len; at += stall_bytes) {
		size_t left = wire->len - at;
		struct piece piece = { response->stream, wire->data + at,
			left < stall_bytes ? left : stall_bytes };

		r = nur_fail_after(NUR_SEC(stall_seconds), 0, send_piece, &piece);
	}
	return r;
}

/* Sends what was put on the wire buffer. A peer that takes nothing for too long is as good as gone. */
static int
transmit(struct response *response)
{
	int r = buffer_error(&response->out) < 0 ? -ENOMEM : buffer_error(&response->wire);

	if (r == 0) {
		response->is_on_its_way = response->is_head_sent;
		r = send_wire(response);
	}
	buffer_clear(&response->out);
	buffer_clear(&response->wire);
	return r;
}

int
response_flush(struct response *response)
{
	if (!response->is_head_sent) {
		write_head(response, -1);
	}
	write_content(response, response->can_chunk);
	return transmit(response);
}

int
response_flush_when_large(struct response *response)
{
	return response->out.len >= piece_bytes ? response_flush(response) : 0;
}

int
response_end(struct response *response)
{
	if (!response->is_head_sent) {
		write_head(response, (int64_t)response->out.len);
		write_content(response, false);
		return transmit(response);
	}
	write_content(response, response->can_chunk);
	if (response->can_chunk && !response->is_head) {
		buffer_puts(&response->wire, "0\r\n\r\n");
	}
	return transmit(response);
}

int
response_problem(struct response *response, enum problem_code code, const char *detail,
	const char *fields, const struct faults *faults)
{
	struct problem problem = {
		.code = code,
		.detail = detail,
		.request_id = response->request_id,
		.faults = faults,
	};

	response->is_problem = true;
	response->problem = code;
	buffer_clear(&response->out);
	response_begin(response, problem_status(code), PROBLEM_CONTENT_TYPE, fields);
	problem_write(&problem, &response->out);
	return response_end(response);
}

static bool
is_lack(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
	case NUR_ENOSTACK:
		return true;
	default:
		return false;
	}
}

int
response_failure(struct response *response, int error)
{
	bool is_for_now = is_lack(error);

	return response_problem(response, is_for_now ? PROBLEM_RESOURCES : PROBLEM_INTERNAL,
		nur_strerror(error), is_for_now ? "Retry-After: 1\r\n" : NULL, NULL);
}

static void
tell(int fd, const char *text, int len)
{
	/* The peer's buffer is empty: it fits, or nobody is there to read it. */
	(void)!send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
response_turn_away(int fd, enum problem_code code, const char *detail)
{
	int status = problem_status(code);
	const char *name = problem_name(code);
	char body[400];
	char head[240];
	int body_len = snprintf(body, sizeof(body),
		"{\"type\":\"urn:fetchd:problem:%s\",\"title\":\"%s\",\"status\":%d,"
		"\"detail\":\"%s\",\"code\":\"%s\"}\n",
		name, problem_title(code), status, detail, name);
	int head_len = snprintf(head, sizeof(head),
		"HTTP/1.1 %d %s\r\nContent-Type: " PROBLEM_CONTENT_TYPE "\r\nContent-Length: %d\r\n"
		"Retry-After: 1\r\nConnection: close\r\n\r\n",
		status, problem_reason_phrase(status), body_len);

	assert(body_len < (int)sizeof(body) && head_len < (int)sizeof(head));
	tell(fd, head, head_len);
	tell(fd, body, body_len);
}

int
response_continue(struct response *response)
{
	buffer_puts(&response->wire, "HTTP/1.1 100 Continue\r\n\r\n");
	return transmit(response);
}

void
response_fini(struct response *response)
{
	buffer_fini(&response->out);
	buffer_fini(&response->wire);
}
