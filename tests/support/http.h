/* SPDX-License-Identifier: MIT */
/*
 * A raw HTTP/1.1 client for tests, blocking, over TCP or a Unix socket. It sends exactly the bytes
 * it is given and reads answers with a length, in chunks or up to the end. A read fails the test
 * after two minutes of silence, and so does an answer that is not HTTP.
 */
#pragma once

#include <lib/base/buffer.h>
#include <stdbool.h>
#include <stdint.h>

/* fd   -1 once closed;  in   received and not yet looked at */
struct t_http {
	int fd;
	struct buffer in;
};

enum t_framing {
	T_FRAMING_NONE,
	T_FRAMING_LENGTH,
	T_FRAMING_CHUNKED,
	T_FRAMING_CLOSE,
};

/*
 * status        0: the peer closed without a complete head
 * head          status line and fields, NUL-terminated
 * body          as sent, chunks put together
 * is_complete   the body has ended as its framing says; false: the connection ended first
 * left          bytes of the body, or of the chunk, that are still to come
 */
struct t_response {
	int status;
	struct buffer head;
	struct buffer body;
	bool is_complete;
	enum t_framing framing;
	uint64_t left;
};

#define T_RESPONSE_INIT \
	{ \
		0 \
	}

/*
 * Connect; fail the test if that is impossible. Close with t_http_close(), which accepts a closed
 * one.
 */
struct t_http t_http_tcp(uint16_t port);
struct t_http t_http_unix(const char *path);
void t_http_close(struct t_http *http);

/* t_http_send() - send all; false when the peer has closed */
bool t_http_send(struct t_http *http, const void *bytes, size_t len);
bool t_http_puts(struct t_http *http, const char *text);
bool t_http_printf(struct t_http *http, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* t_http_read_head() - the head alone, for answers that are read while they grow */
void t_http_read_head(struct t_http *http, struct t_response *response);

/* t_http_read_more() - append some of the body; false when it has ended or been cut */
bool t_http_read_more(struct t_http *http, struct t_response *response);

/* t_http_read() - a whole answer; 1xx answers before it are skipped */
void t_http_read(struct t_http *http, struct t_response *response);

/* t_http_is_over() - wait for the peer's close; false when bytes come first */
bool t_http_is_over(struct t_http *http);

/* t_response_field() - a field's value in a buffer of the response's, NULL when it is not there */
char *t_response_field(
	const struct t_response *response, const char *name, char *value, size_t size);

void t_response_fini(struct t_response *response);

/**
 * t_api_call() - one request over a Unix socket, on a connection of its own
 * @method_and_target:  "GET /v1/tree"
 * @fields:             further header lines, each with CRLF; NULL: none
 * @body:               NULL: none; a JSON body needs no Content-Type (api.md)
 */
void t_api_call(const char *socket_path, const char *method_and_target, const char *fields,
	const char *body, struct t_response *response);
