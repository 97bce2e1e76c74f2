/* SPDX-License-Identifier: MIT */
/*
 * Whether a TLS connection was ended by its peer, or by whoever cut it (RFC 9112, 9.8). libcurl takes both for
 * the end of a body that nothing else ends, and the connection is gone when it says so; so OpenSSL is asked to
 * tell of the peer's close_notify when it comes.
 */
#pragma once

#include <stdbool.h>

struct fetch_tls_end;

/* fetch_tls_end_watch() - @ssl: an SSL of OpenSSL. Return: for fetch_tls_end_unwatch(); NULL: no memory */
struct fetch_tls_end *fetch_tls_end_watch(void *ssl);

/* fetch_tls_end_unwatch() - before or after the connection is gone; accepts NULL */
void fetch_tls_end_unwatch(struct fetch_tls_end *end);

/* fetch_tls_end_is_told() - a close_notify has come */
bool fetch_tls_end_is_told(const struct fetch_tls_end *end);
