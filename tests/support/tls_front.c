/* SPDX-License-Identifier: MIT */
/* One connection at a time, blocking: what a test needs that fetches one URL. */
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

#define VALID_S 3600

struct t_tls_front {
	struct t_server server;
	uint16_t port;
};

struct front {
	SSL_CTX *context;
	struct sockaddr_in origin;
	enum t_tls_ending ending;
	int listener;
	int command_fd;
};

/* A key, and a certificate that it has signed itself. */
static bool
make_identity(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	bool is_made = key && certificate && X509_set_version(certificate, 2) &&
		       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
		       X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_S) &&
		       X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) &&
		       X509_set_pubkey(certificate, key) &&
		       X509_sign(certificate, key, EVP_sha256()) &&
		       SSL_CTX_use_certificate(context, certificate) == 1 &&
		       SSL_CTX_use_PrivateKey(context, key) == 1;

	X509_free(certificate);
	EVP_PKEY_free(key);
	return is_made;
}

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

/* false: the origin has ended, by FIN or RST */
static bool
pass_on_response(SSL *tls, int origin)
{
	char bytes[4096];
	ssize_t n = recv(origin, bytes, sizeof(bytes), 0);

	return n > 0 && SSL_write(tls, bytes, (int)n) == n;
}

static void
pump(const struct front *front, SSL *tls, int client, int origin)
{
	struct pollfd fds[] = {
		{ .fd = front->command_fd, .events = POLLIN },
		{ .fd = client, .events = POLLIN },
		{ .fd = origin, .events = POLLIN },
	};

	while (poll(fds, ARRAY_LEN(fds), -1) > 0 && !fds[0].revents) {
		if (fds[1].revents && !pass_on_request(tls, origin)) {
			return;
		}
		if (fds[2].revents && !pass_on_response(tls, origin)) {
			if (front->ending == T_TLS_NOTIFIED) {
				(void)SSL_shutdown(
					tls); /* sends it; the answer is not waited for */
			}
			return;
		}
	}
}

static void
serve_connection(const struct front *front)
{
	_cleanup_(closep) int client = accept4(front->listener, NULL, NULL, SOCK_CLOEXEC);
	_cleanup_(closep) int origin = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *tls = SSL_new(front->context);

	if (client >= 0 && origin >= 0 && tls && SSL_set_fd(tls, client) == 1 &&
		SSL_accept(tls) == 1 &&
		connect(origin, (const struct sockaddr *)&front->origin, sizeof(front->origin)) ==
			0) {
		pump(front, tls, client, origin);
	}
	SSL_free(tls);
}

/* The child: what it has goes with it. */
static int
serve(void *arg, int command_fd)
{
	struct front *front = arg;
	struct pollfd fds[] = {
		{ .fd = command_fd, .events = POLLIN },
		{ .fd = front->listener, .events = POLLIN },
	};

	front->command_fd = command_fd;
	front->context = SSL_CTX_new(TLS_server_method());
	if (!front->context || !make_identity(front->context)) {
		SSL_CTX_free(front->context);
		return -ENOMEM;
	}
	while (poll(fds, ARRAY_LEN(fds), -1) > 0 && !fds[0].revents) {
		serve_connection(front);
	}
	SSL_CTX_free(front->context);
	return 0;
}

struct t_tls_front *
t_tls_front_create(uint16_t port, enum t_tls_ending ending)
{
	struct t_tls_front *tls_front = calloc(1, sizeof(*tls_front));
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct front front = { .origin = in, .ending = ending };
	int fds[] = { socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1 };

	ck_assert_ptr_nonnull(tls_front);
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(listen(fds[0], 8), 0);
	front.origin.sin_port = htons(port);
	front.listener = fds[0];
	t_server_start(&tls_front->server, serve, &front, fds);
	(void)close(fds[0]);
	tls_front->port = ntohs(in.sin_port);
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
