/* SPDX-License-Identifier: MIT */
#include "daemon/api/response.h"

#include <errno.h>
#include <nursery.h>
#include <string.h>
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
