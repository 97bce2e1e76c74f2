/* SPDX-License-Identifier: MIT */
#include "daemon/config/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* IPv6 in brackets, IPv4 without. */
static bool
split(const char *text, char host[FETCH_ADDRESS_CAP], const char **ret_port)
{
	bool is_bracketed = *text == '[';
	const char *begin = text + is_bracketed;
	const char *end = is_bracketed ? strstr(text, "]:") : strchr(text, ':');

	if (!end || end == begin || end - begin >= FETCH_ADDRESS_CAP) {
		return false;
	}
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*ret_port = end + 1 + is_bracketed;
	return is_bracketed == (strchr(host, ':') != NULL);
}

static bool
parse_port(const char *text, uint16_t *ret_port)
{
	size_t len = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	*ret_port = (uint16_t)port;
	return len > 0 && len <= 5 && !text[len] && port <= UINT16_MAX;
}

bool
endpoint_parse(const char *text, struct endpoint *ret_endpoint)
{
	struct endpoint endpoint = { .port = 0 };
	char host[FETCH_ADDRESS_CAP];
	const char *port;

	if (!split(text, host, &port) || !fetch_address_parse(host, &endpoint.address) ||
		!parse_port(port, &endpoint.port)) {
		return false;
	}
	*ret_endpoint = endpoint;
	return true;
}

const char *
endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_CAP])
{
	bool is_v6 = endpoint->address.family == AF_INET6;
	char host[FETCH_ADDRESS_CAP];

	*text = '\0';
	if (endpoint->address.family != AF_UNSPEC) {
		(void)snprintf(text, ENDPOINT_TEXT_CAP, "%s%s%s:%u", is_v6 ? "[" : "",
			fetch_address_format(&endpoint->address, host), is_v6 ? "]" : "",
			(unsigned)endpoint->port);
	}
	return text;
}

bool
endpoint_is_loopback(const struct endpoint *endpoint)
{
	static const uint8_t v6[16] = { [15] = 1 };
	const struct fetch_address *address = &endpoint->address;

	return address->family == AF_INET
		       ? address->bytes[0] == 127
		       : address->family == AF_INET6 && memcmp(address->bytes, v6, sizeof(v6)) == 0;
}

bool
endpoint_is_equal(const struct endpoint *a, const struct endpoint *b)
{
	return fetch_address_is_equal(&a->address, &b->address) && a->port == b->port;
}
