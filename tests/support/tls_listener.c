/* SPDX-License-Identifier: MIT */
/* One connection at a time, blocking: what a test needs that fetches one URL. */
#include "tests/support/tls_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

#define VALID_S 3600

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

SSL_CTX *
t_tls_context_create(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context && !make_identity(context)) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

int
t_tls_listen(uint16_t *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	*ret_port = ntohs(in.sin_port);
	return fd;
}

int
t_tls_serve(SSL_CTX *context, int listener, int command_fd,
	void (*serve)(void *arg, SSL *tls, int command_fd), void *arg)
{
	struct pollfd fds[] = {
		{ .fd = command_fd, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
	};

	if (!context) {
		return -ENOMEM;
	}
	while (poll(fds, ARRAY_LEN(fds), -1) > 0 && !fds[0].revents) {
		_cleanup_(closep) int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		SSL *tls = SSL_new(context);

		if (client >= 0 && tls && SSL_set_fd(tls, client) == 1 && SSL_accept(tls) == 1) {
			serve(arg, tls, command_fd);
		}
		SSL_free(tls);
	}
	SSL_CTX_free(context);
	return 0;
}
