/* SPDX-License-Identifier: MIT */
#include "lib/fetch/rules/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

bool
fetch_address_parse(const char *text, struct fetch_address *ret_address)
{
	struct fetch_address address = { .family = AF_INET };

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1) {
			return false;
		}
	}
	*ret_address = address;
	return true;
}

const char *
fetch_address_format(const struct fetch_address *address, char text[FETCH_ADDRESS_CAP])
{
	const char *formatted = inet_ntop(address->family, address->bytes, text, FETCH_ADDRESS_CAP);

	assert(formatted); /* the buffer is large enough, and a zeroed address is not to be shown */
	(void)formatted;
	return text;
}

bool
fetch_address_from_sockaddr(
	const struct sockaddr *sockaddr, socklen_t len, struct fetch_address *ret_address)
{
	struct fetch_address address = { .family = AF_UNSPEC };

	/* The family and the address lie where their structs say; curl's own struct is not aligned.
	 */
	if (len >= sizeof(struct sockaddr_in) && sockaddr->sa_family == AF_INET) {
		address.family = AF_INET;
		memcpy(address.bytes,
			(const char *)sockaddr + offsetof(struct sockaddr_in, sin_addr), 4);
	} else if (len >= sizeof(struct sockaddr_in6) && sockaddr->sa_family == AF_INET6) {
		address.family = AF_INET6;
		memcpy(address.bytes,
			(const char *)sockaddr + offsetof(struct sockaddr_in6, sin6_addr), 16);
	} else {
		return false;
	}
	*ret_address = address;
	return true;
}

bool
fetch_address_is_equal(const struct fetch_address *a, const struct fetch_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
