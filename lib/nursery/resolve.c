/* SPDX-License-Identifier: MIT */
/*
 * Names, by getaddrinfo() on a thread. A lookup that its caller has left is finished for nobody: its memory
 * is on the heap, and goes with it then.
 */
#include <nursery/resolve.h>
#include <nursery/thread.h>

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

/*
 * addresses  those found, a list of getaddrinfo's
 * host       NUL-terminated
 */
struct lookup {
	struct addrinfo *addresses;
	char host[];
};

static void
lookup_destroy(void *arg)
{
	struct lookup *lookup = arg;

	if (lookup->addresses) {
		freeaddrinfo(lookup->addresses);
	}
	free(lookup);
}

static int
code_of(int error)
{
	switch (error) {
	case EAI_ADDRFAMILY:
	case EAI_NODATA:
	case EAI_NONAME:
		return -EADDRNOTAVAIL;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_FAIL:
		return -EIO;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno > 0 ? -errno : -EIO;
	default:
		return -EINVAL;
	}
}

/* On a thread. */
static int
look_up(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct lookup *lookup = arg;
	int error = getaddrinfo(lookup->host, NULL, &hints, &lookup->addresses);

	return error ? nur_fail(code_of(error), "%s: %s", lookup->host, gai_strerror(error)) : 0;
}

static void
set_port(struct nur_address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET) {
		address->in.sin_port = htons(port);
	} else {
		address->in6.sin6_port = htons(port);
	}
}

static int
take_addresses(
	const struct addrinfo *found, uint16_t port, struct nur_address *addresses, size_t max)
{
	size_t n = 0;

	for (; found && n < max; found = found->ai_next) {
		if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
			addresses[n] = (struct nur_address){ .len = found->ai_addrlen };
			memcpy(&addresses[n].any, found->ai_addr, found->ai_addrlen);
			set_port(&addresses[n++], port);
		}
	}
	return n > 0 ? (int)n : -EADDRNOTAVAIL;
}

int
nur_resolve(
	const char *host, uint16_t port, struct nur_address *addresses, size_t max, void *unused)
{
	static const struct nur_thread_options options = {
		.name = "resolve",
		.is_abandonable = true,
		.release = lookup_destroy,
	};
	struct lookup *lookup = calloc(1, sizeof(*lookup) + strlen(host) + 1);
	int r;

	if (!lookup) {
		return -ENOMEM;
	}
	memcpy(lookup->host, host, strlen(host));
	r = nur_thread_run(look_up, lookup, &options);
	if (r == NUR_ECANCELED) {
		return r; /* released already, or when the thread is done */
	}
	if (r == 0) {
		r = take_addresses(lookup->addresses, port, addresses, max);
	}
	lookup_destroy(lookup);
	return r;
}
