/* SPDX-License-Identifier: MIT */
/* What the tests' servers behind TLS share: a certificate that is nobody's, a socket on loopback, the waiting. */
#pragma once

#include <openssl/ssl.h>
#include <stdint.h>

/* t_tls_context_create() - of a server, with a new key and a certificate that it has signed itself; or NULL */
SSL_CTX *t_tls_context_create(void);

/* t_tls_listen() - listen on 127.0.0.1, at a port the kernel chose; never fails but by ck_abort */
int t_tls_listen(uint16_t *ret_port);

/**
 * t_tls_serve() - one connection after the other, until the commands end
 * @serve:  speaks over what has shaken hands; what it leaves open is closed without a close_notify
 *
 * Return: 0, or -ENOMEM: there is no context.
 */
int t_tls_serve(SSL_CTX *context, int listener, int command_fd,
	void (*serve)(void *arg, SSL *tls, int command_fd), void *arg);
