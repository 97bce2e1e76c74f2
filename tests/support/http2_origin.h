/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/2 origin over TLS, in a child process, that does as it is told and knows no rules: it waits for so many
 * requests on one connection, whatever they ask for, and then says the frames of its script. Its certificate is
 * nobody's: do not verify. Frames: RFC 9113, section 6; fields in them: RFC 7541.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum t_http2_type {
	T_HTTP2_DATA,
	T_HTTP2_HEADERS,
	T_HTTP2_PRIORITY,
	T_HTTP2_RST_STREAM,
	T_HTTP2_SETTINGS,
	T_HTTP2_PUSH_PROMISE,
	T_HTTP2_PING,
	T_HTTP2_GOAWAY,
	T_HTTP2_WINDOW_UPDATE,
	T_HTTP2_CONTINUATION,
};

#define T_HTTP2_ACK         0x1
#define T_HTTP2_END_STREAM  0x1
#define T_HTTP2_END_HEADERS 0x4
#define T_HTTP2_PADDED      0x8

/*
 * stream    1 is libcurl's first, 3 its second; 0 the connection
 * payload   NULL: @len zeroes
 * claimed   the length in the frame's head when that lies; 0: @len
 * waits     of a PING in a script: what comes after it is said once the client has answered it
 */
struct t_http2_frame {
	uint8_t type;
	uint8_t flags;
	uint32_t stream;
	const char *payload;
	size_t len;
	size_t claimed;
	bool waits;
};

/*
 * n_requests  so many are waited for; 0: none
 * greeting    said before anything is read; NULL: SETTINGS without any
 * frames      said once the requests have come
 * flood       these are said after them, again and again until the client goes; NULL: none
 * is_deaf     reads nothing once it has begun to speak
 * stays       the connection is not closed at the end, but by the client
 */
struct t_http2_script {
	unsigned n_requests;
	const struct t_http2_frame *greeting;
	size_t n_greeting;
	const struct t_http2_frame *frames;
	size_t n_frames;
	const struct t_http2_frame *flood;
	size_t n_flood;
	bool is_deaf;
	bool stays;
};

struct t_http2_origin;

/**
 * t_http2_origin_create() - start one; before the program has threads, for it forks
 * @script:  of each connection
 *
 * Return: the origin, never NULL; to be given to t_http2_origin_destroy().
 */
struct t_http2_origin *t_http2_origin_create(const struct t_http2_script *script);

/* t_http2_origin_destroy() - stop it and wait for its end; accepts NULL. The client has closed its connections. */
void t_http2_origin_destroy(struct t_http2_origin *origin);

/* t_http2_origin_url() - where it is, to be given to free() */
char *t_http2_origin_url(const struct t_http2_origin *origin);

/* t_http2_origin_fd() - readable once it has said the first frames of a script */
int t_http2_origin_fd(const struct t_http2_origin *origin);
