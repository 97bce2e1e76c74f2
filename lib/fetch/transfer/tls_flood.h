/* SPDX-License-Identifier: MIT */
/*
 * An end to what a server says for nothing. libcurl reads HTTP/2 until something has come for its stream or nothing
 * is left to read: frames without content (PING, PRIORITY, DATA of padding alone) that come as fast as they are read
 * keep it, and the loop's thread with it, for good; no timeout is looked at any more. So OpenSSL is asked to tell of
 * each record of such a connection, and after 4 MiB in one call of libcurl's, with nothing for any transfer among
 * them, the socket is shut down: what it still holds is read, and then there is an end.
 */
#pragma once

#include <stddef.h>

/*
 * One for all connections of an engine. Zeroed is the beginning.
 *
 * len     bytes of records since the last fetch_tls_flood_forget()
 * cut_fd  the socket that was shut down since fetch_tls_flood_begin(), or -1
 */
struct fetch_tls_flood {
	size_t len;
	int cut_fd;
};

/* fetch_tls_flood_watch() - @ssl: of OpenSSL, on @fd; watched when it speaks HTTP/2. @flood outlives it. */
void fetch_tls_flood_watch(struct fetch_tls_flood *flood, void *ssl, int fd);

/* fetch_tls_flood_forget() - something has come */
static inline void
fetch_tls_flood_forget(struct fetch_tls_flood *flood)
{
	flood->len = 0;
}

/* fetch_tls_flood_begin() - libcurl is about to be called */
static inline void
fetch_tls_flood_begin(struct fetch_tls_flood *flood)
{
	flood->len = 0;
	flood->cut_fd = -1;
}
