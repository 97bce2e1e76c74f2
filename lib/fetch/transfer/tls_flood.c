/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/tls_flood.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define FLOOD_MAX ((size_t)4 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int place = -1; /* among the extra data of each SSL: its socket, plus 1 */

static void
get_place(void)
{
	place = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static void
on_message(int is_sent, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
	const unsigned char *head = bytes;
	struct fetch_tls_flood *flood = arg;
	int fd = (int)(intptr_t)SSL_get_ex_data(ssl, place) - 1;

	if (is_sent || type != SSL3_RT_HEADER || len < SSL3_RT_HEADER_LENGTH || fd < 0) {
		return;
	}
	flood->len += (size_t)head[3] << 8 | head[4];
	if (flood->len > FLOOD_MAX && flood->cut_fd != fd) {
		(void)shutdown(fd, SHUT_RDWR); /* the peer may have been quicker */
		flood->cut_fd = fd;
	}
}

void
fetch_tls_flood_watch(struct fetch_tls_flood *flood, void *ssl, int fd)
{
	const unsigned char *protocol = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(ssl, &protocol, &len);
	if (len != strlen("h2") || memcmp(protocol, "h2", len) != 0) {
		return;
	}
	(void)pthread_once(&once, get_place); /* can't fail */
	/* without memory for it, it is not watched */
	if (place >= 0 && !SSL_get_ex_data(ssl, place) &&
		SSL_set_ex_data(ssl, place, (void *)(intptr_t)(fd + 1)) == 1) {
		SSL_set_msg_callback_arg(ssl, flood);
		SSL_set_msg_callback(ssl, on_message);
	}
}
