/* SPDX-License-Identifier: MIT */
/*
 * The object is held by who watches and by the SSL, as extra data of it: either may go first. Both stay on the
 * engine's thread.
 */
#include "lib/fetch/transfer/tls_end.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

struct fetch_tls_end {
	unsigned n_refs;
	bool is_told;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int place = -1; /* among the extra data of each SSL */

void
fetch_tls_end_unwatch(struct fetch_tls_end *end)
{
	if (end && --end->n_refs == 0) {
		free(end);
	}
}

static void
on_free(void *ssl, void *end, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
	fetch_tls_end_unwatch(end);
}

static void
get_place(void)
{
	place = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_free);
}

static void
on_info(const SSL *ssl, int where, int value)
{
	struct fetch_tls_end *end = SSL_get_ex_data(ssl, place);

	if (end && where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY) {
		end->is_told = true;
	}
}

struct fetch_tls_end *
fetch_tls_end_watch(void *ssl)
{
	struct fetch_tls_end *end = calloc(1, sizeof(*end));

	(void)pthread_once(&once, get_place); /* can't fail */
	if (!end || place < 0 || SSL_set_ex_data(ssl, place, end) != 1) {
		free(end);
		return NULL;
	}
	end->n_refs = 2;
	SSL_set_info_callback(ssl, on_info);
	return end;
}

bool
fetch_tls_end_is_told(const struct fetch_tls_end *end)
{
	return end->is_told;
}
