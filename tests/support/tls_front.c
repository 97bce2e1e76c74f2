/* SPDX-License-Identifier: MIT */
#include "tests/support/tls_front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/server_child.h"
#include "tests/support/test.h"
#include "tests/support/tls_listener.h"

struct t_tls_front {
	struct t_server server;
	uint16_t port;
};

struct front {
	struct sockaddr_in origin;
	enum t_tls_manner manner;
	int listener;
};

/* false: the client has gone */
static bool
pass_on_request(SSL *tls, int origin)
{
	char bytes[4096];

	do {
		int n = SSL_read(tls, bytes, sizeof(bytes));

		if (n <= 0 || send(origin, bytes, (size_t)n, MSG_NOSIGNAL) != n) {
			return false;
		}
	} while (SSL_pending(tls) > 0);
	return true;
}

/* false: the client has not gone through with it */
static bool
renegotiate(SSL *tls)
{
	char none;

	if (SSL_renegotiate(tls) != 1 || SSL_do_handshake(tls) != 1) {
		return false;
	}
	/* a handshake is done while bytes are read, of which none come now */
	(void)SSL_clear_mode(tls, SSL_MODE_AUTO_RETRY);
	while (SSL_renegotiate_pending(tls)) {
		int n = SSL_read(tls, &none, 1);

		if (n > 0 || SSL_get_error(tls, n) != SSL_ERROR_WANT_READ) {
			return false;
		}
	}
	(void)SSL_set_mode(tls, SSL_MODE_AUTO_RETRY);
	return true;
}

/* Until the client has gone. */
static void
be_mute(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
	}
}

/* false: nothing is to be passed on any more */
static bool
ask_again(SSL *tls, enum t_tls_manner manner)
{
	switch (manner) {
	case T_TLS_NOTIFIED:
	case T_TLS_CUT:
		return true;
	case T_TLS_RENEGOTIATING:
		return renegotiate(tls);
	case T_TLS_RENEGOTIATING_ON:
		while (renegotiate(tls)) {
		}
		return false;
	case T_TLS_RENEGOTIATING_MUTE:
		(void)(SSL_renegotiate(tls) == 1 && SSL_do_handshake(tls) == 1);
		be_mute(SSL_get_fd(tls));
		return false;
	}
	return false;
}

/* false: the origin has ended, by FIN or RST */
static bool
pass_on_response(SSL *tls, int origin)
{
	char bytes[4096];
	ssize_t n = recv(origin, bytes, sizeof(bytes), 0);

	return n > 0 && SSL_write(tls, bytes, (int)n) == n;
}

static void
pump(const struct front *front, SSL *tls, int origin, int command_fd)
{
	struct pollfd fds[] = {
		{ .fd = command_fd, .events = POLLIN },
		{ .fd = SSL_get_fd(tls), .events = POLLIN },
		{ .fd = origin, .events = POLLIN },
	};

	while (poll(fds, ARRAY_LEN(fds), -1) > 0 && !fds[0].revents) {
		if (fds[1].revents && !pass_on_request(tls, origin)) {
			return;
		}
		if (fds[2].revents && !ask_again(tls, front->manner)) {
			return;
		}
		if (fds[2].revents && !pass_on_response(tls, origin)) {
			if (front->manner != T_TLS_CUT) {
				(void)SSL_shutdown(
					tls); /* sends it; the answer is not waited for */
			}
			return;
		}
	}
}

static void
serve_connection(void *arg, SSL *tls, int command_fd)
{
	_cleanup_(closep) int origin = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct front *front = arg;

	if (origin >= 0 && connect(origin, (const struct sockaddr *)&front->origin,
				   sizeof(front->origin)) == 0) {
		pump(front, tls, origin, command_fd);
	}
}

/* The child: what it has goes with it. */
static int
serve(void *arg, int command_fd)
{
	SSL_CTX *context = t_tls_context_create();
	struct front *front = arg;

	if (context && front->manner >= T_TLS_RENEGOTIATING) {
		(void)SSL_CTX_set_max_proto_version(
			context, TLS1_2_VERSION); /* the last that can */
	}
	return t_tls_serve(context, front->listener, command_fd, serve_connection, front);
}

struct t_tls_front *
t_tls_front_create(uint16_t port, enum t_tls_manner manner)
{
	struct t_tls_front *tls_front = calloc(1, sizeof(*tls_front));
	struct front front = {
		.origin = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons(port) },
		.manner = manner,
	};
	int fds[] = { -1, -1 };

	ck_assert_ptr_nonnull(tls_front);
	fds[0] = front.listener = t_tls_listen(&tls_front->port);
	t_server_start(&tls_front->server, serve, &front, fds);
	(void)close(fds[0]);
	return tls_front;
}

void
t_tls_front_destroy(struct t_tls_front *front)
{
	if (front) {
		t_server_stop(&front->server);
		free(front);
	}
}

uint16_t
t_tls_front_port(const struct t_tls_front *front)
{
	return front->port;
}
