/* SPDX-License-Identifier: MIT */
#include "tests/support/http2_origin.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "tests/support/server_child.h"
#include "tests/support/test.h"
#include "tests/support/tls_listener.h"

#define PREFACE_LEN 24
#define HEAD_LEN    9
#define FLOOD_LEN   16384 /* said at once */

struct t_http2_origin {
	struct t_server server;
	uint16_t port;
};

struct http2 {
	const struct t_http2_script *script;
	int listener;
};

/* What the client says. */

static bool
read_all(SSL *tls, void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = 0;

		if (SSL_read_ex(tls, (char *)bytes + done, len - done, &n) != 1) {
			return false;
		}
		done += n;
	}
	return true;
}

/* The next frame's type, or -1. */
static int
read_frame(SSL *tls)
{
	unsigned char head[HEAD_LEN];
	char payload[16384]; /* the most without leave to send more */
	size_t len;

	if (!read_all(tls, head, sizeof(head))) {
		return -1;
	}
	len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	return len <= sizeof(payload) && read_all(tls, payload, len) ? head[3] : -1;
}

static bool
read_requests(SSL *tls, unsigned n_wanted)
{
	char preface[PREFACE_LEN];
	unsigned n = 0;

	if (!read_all(tls, preface, sizeof(preface))) {
		return false;
	}
	while (n < n_wanted) {
		int type = read_frame(tls);

		if (type < 0) {
			return false;
		}
		n += type == T_HTTP2_HEADERS;
	}
	return true;
}

/* What it says itself. */

static void
put_frame(struct buffer *bytes, const struct t_http2_frame *frame)
{
	size_t len = frame->claimed ? frame->claimed : frame->len;

	buffer_putc(bytes, (char)(len >> 16));
	buffer_putc(bytes, (char)(len >> 8));
	buffer_putc(bytes, (char)len);
	buffer_putc(bytes, (char)frame->type);
	buffer_putc(bytes, (char)frame->flags);
	buffer_putc(bytes, (char)(frame->stream >> 24));
	buffer_putc(bytes, (char)(frame->stream >> 16));
	buffer_putc(bytes, (char)(frame->stream >> 8));
	buffer_putc(bytes, (char)frame->stream);
	if (frame->payload) {
		buffer_append(bytes, frame->payload, frame->len);
	}
	for (size_t i = 0; !frame->payload && i < frame->len; i++) {
		buffer_putc(bytes, 0);
	}
}

static bool
say(SSL *tls, const struct buffer *bytes)
{
	return buffer_error(bytes) == 0 &&
	       (bytes->len == 0 || SSL_write(tls, bytes->data, (int)bytes->len) > 0);
}

static bool
play(SSL *tls, const struct t_http2_frame *frames, size_t n)
{
	_cleanup_(buffer_fini) struct buffer bytes = BUFFER_INIT;

	for (size_t i = 0; i < n; i++) {
		int type = -1;

		put_frame(&bytes, &frames[i]);
		if (!frames[i].waits) {
			continue;
		}
		if (!say(tls, &bytes)) {
			return false;
		}
		buffer_clear(&bytes);
		while (type != T_HTTP2_PING) {
			type = read_frame(tls);
			if (type < 0) {
				return false;
			}
		}
	}
	return say(tls, &bytes);
}

static bool
greet(SSL *tls, const struct t_http2_script *script)
{
	static const struct t_http2_frame settings = { T_HTTP2_SETTINGS };

	return script->greeting ? play(tls, script->greeting, script->n_greeting)
				: play(tls, &settings, 1);
}

/* What the client still says is of no interest, but may not fill its socket. */
static void
drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

/* A client that has closed with something of its own unsent does not always make itself heard. */
static bool
is_over(SSL *tls, int r, int command_fd)
{
	struct pollfd commands = { .fd = command_fd, .events = POLLIN };

	return SSL_get_error(tls, r) != SSL_ERROR_WANT_WRITE || poll(&commands, 1, 0) != 0;
}

static void
flood(SSL *tls, const struct t_http2_script *script, int command_fd)
{
	const struct timeval patience = { .tv_usec = 100000 };
	_cleanup_(buffer_fini) struct buffer bytes = BUFFER_INIT;
	int r;

	while (buffer_error(&bytes) == 0 && bytes.len < FLOOD_LEN) {
		for (size_t i = 0; i < script->n_flood; i++) {
			put_frame(&bytes, &script->flood[i]);
		}
	}
	(void)setsockopt(SSL_get_fd(tls), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do {
		r = SSL_write(tls, bytes.data, (int)bytes.len);
		if (!script->is_deaf) {
			drain(SSL_get_fd(tls));
		}
	} while (r > 0 || !is_over(tls, r, command_fd));
}

/* The client goes, or comes anew. Who closes with something unread may take back what was said. */
static void
wait_for_end(SSL *tls, int listener, int command_fd)
{
	struct pollfd fds[] = {
		{ .fd = command_fd, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
		{ .fd = SSL_get_fd(tls), .events = POLLIN },
	};
	char bytes[4096];

	while (poll(fds, ARRAY_LEN(fds), -1) > 0 && !fds[0].revents && !fds[1].revents) {
		if (recv(SSL_get_fd(tls), bytes, sizeof(bytes), 0) <= 0) {
			return;
		}
	}
}

static void
serve_connection(void *arg, SSL *tls, int command_fd)
{
	const struct http2 *http2 = arg;
	const struct t_http2_script *script = http2->script;

	if (!greet(tls, script) || !read_requests(tls, script->n_requests) ||
		!play(tls, script->frames, script->n_frames)) {
		return;
	}
	(void)send(command_fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* for who waits for it */
	if (script->flood) {
		flood(tls, script, command_fd);
		return;
	}
	if (!script->stays) {
		(void)SSL_shutdown(tls); /* says so; the answer is not waited for */
		(void)shutdown(SSL_get_fd(tls), SHUT_WR); /* gone already: as good */
	}
	wait_for_end(tls, http2->listener, command_fd);
}

static int
choose(SSL *tls, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned int in_len, void *arg)
{
	static const unsigned char protocols[] = "\x02h2";
	unsigned char *chosen = NULL;
	int r;

	r = SSL_select_next_proto(&chosen, out_len, protocols, sizeof(protocols) - 1, in, in_len);
	*out = chosen;
	return r == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
serve(void *arg, int command_fd)
{
	SSL_CTX *context = t_tls_context_create();
	struct http2 *http2 = arg;

	if (context) {
		SSL_CTX_set_alpn_select_cb(context, choose, NULL);
	}
	return t_tls_serve(context, http2->listener, command_fd, serve_connection, http2);
}

/* The test's end. */

struct t_http2_origin *
t_http2_origin_create(const struct t_http2_script *script)
{
	struct t_http2_origin *origin = calloc(1, sizeof(*origin));
	struct http2 http2 = { .script = script };
	int fds[] = { -1, -1 };

	ck_assert_ptr_nonnull(origin);
	fds[0] = http2.listener = t_tls_listen(&origin->port);
	t_server_start(&origin->server, serve, &http2, fds);
	(void)close(fds[0]);
	return origin;
}

void
t_http2_origin_destroy(struct t_http2_origin *origin)
{
	if (origin) {
		t_server_stop(&origin->server);
		free(origin);
	}
}

char *
t_http2_origin_url(const struct t_http2_origin *origin)
{
	char *url = NULL;

	ck_assert_int_gt(asprintf(&url, "https://127.0.0.1:%u/", (unsigned)origin->port), 0);
	return url;
}

int
t_http2_origin_fd(const struct t_http2_origin *origin)
{
	return origin->server.fd;
}
