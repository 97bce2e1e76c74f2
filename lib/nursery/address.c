/* SPDX-License-Identifier: MIT */
/* Addresses as values: from text, to text, of sockets. */
#include <nursery/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static void
make_in(struct in_addr in, uint16_t port, struct nur_address *ret_address)
{
	*ret_address = (struct nur_address){ .len = sizeof(ret_address->in) };
	ret_address->in.sin_family = AF_INET;
	ret_address->in.sin_port = htons(port);
	ret_address->in.sin_addr = in;
}

static void
make_in6(struct in6_addr in6, uint32_t scope, uint16_t port, struct nur_address *ret_address)
{
	*ret_address = (struct nur_address){ .len = sizeof(ret_address->in6) };
	ret_address->in6.sin6_family = AF_INET6;
	ret_address->in6.sin6_port = htons(port);
	ret_address->in6.sin6_addr = in6;
	ret_address->in6.sin6_scope_id = scope;
}

static int
parse_in6(const char *host, uint16_t port, struct nur_address *ret_address)
{
	const char *percent = strchrnul(host, '%');
	size_t len = (size_t)(percent - host);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	uint32_t scope = 0;

	if (len >= sizeof(text)) {
		return -EINVAL;
	}
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &in6) != 1) {
		return -EINVAL;
	}
	if (*percent) {
		scope = if_nametoindex(percent + 1);
		if (scope == 0) {
			return -ENODEV;
		}
	}
	make_in6(in6, scope, port, ret_address);
	return 0;
}

int
nur_address_parse(const char *host, uint16_t port, struct nur_address *ret_address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, host, &in) == 1) {
		make_in(in, port, ret_address);
		return 0;
	}
	return parse_in6(host, port, ret_address);
}

int
nur_address_unix(const char *path, struct nur_address *ret_address)
{
	size_t len = strlen(path);

	if (len == 0) {
		return -EINVAL;
	}
	if (len >= sizeof(ret_address->un.sun_path)) {
		return -ENAMETOOLONG;
	}
	*ret_address = (struct nur_address){ .len = sizeof(ret_address->un) };
	ret_address->un.sun_family = AF_UNIX;
	memcpy(ret_address->un.sun_path, path, len);
	return 0;
}

void
nur_address_wildcards(uint16_t port, struct nur_address ret_addresses[2])
{
	make_in6(in6addr_any, 0, port, &ret_addresses[0]);
	make_in((struct in_addr){ htonl(INADDR_ANY) }, port, &ret_addresses[1]);
}

void
nur_address_loopbacks(uint16_t port, struct nur_address ret_addresses[2])
{
	make_in6(in6addr_loopback, 0, port, &ret_addresses[0]);
	make_in((struct in_addr){ htonl(INADDR_LOOPBACK) }, port, &ret_addresses[1]);
}

int
nur_address_of_socket(int fd, struct nur_address *ret_address)
{
	struct nur_address address = { .len = sizeof(address.un) };

	if (getsockname(fd, &address.any, &address.len) < 0) {
		return -errno;
	}
	*ret_address = address;
	return 0;
}

int
nur_address_of_peer(int fd, struct nur_address *ret_address)
{
	struct nur_address address = { .len = sizeof(address.un) };

	if (getpeername(fd, &address.any, &address.len) < 0) {
		return -errno;
	}
	*ret_address = address;
	return 0;
}

uint16_t
nur_address_port(const struct nur_address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return ntohs(address->in.sin_port);
	case AF_INET6:
		return ntohs(address->in6.sin6_port);
	default:
		return 0;
	}
}

static int
format_in6(const struct nur_address *address, char *text, size_t cap)
{
	char host[INET6_ADDRSTRLEN], interface[IF_NAMESIZE] = "";
	uint32_t scope = address->in6.sin6_scope_id;

	(void)inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof(host)); /* it fits */
	if (scope != 0) {
		(void)if_indextoname(scope, interface); /* one that is gone has no name */
	}
	return snprintf(text, cap, "[%s%s%s]:%u", host, *interface ? "%" : "", interface,
		nur_address_port(address));
}

/* A path need not end with a NUL; an abstract name begins with one. */
static int
format_un(const struct nur_address *address, char *text, size_t cap)
{
	const char *path = address->un.sun_path;
	int len = (int)address->len - (int)offsetof(struct sockaddr_un, sun_path);

	if (len <= 0) {
		return snprintf(text, cap, "unnamed");
	}
	if (*path == '\0') {
		return snprintf(text, cap, "@%.*s", len - 1, path + 1);
	}
	return snprintf(text, cap, "%.*s", len, path);
}

size_t
nur_address_format(const struct nur_address *address, char *text, size_t cap)
{
	char host[INET_ADDRSTRLEN];
	int n;

	switch (address->any.sa_family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host)); /* it fits */
		n = snprintf(text, cap, "%s:%u", host, nur_address_port(address));
		break;
	case AF_INET6:
		n = format_in6(address, text, cap);
		break;
	case AF_UNIX:
		n = format_un(address, text, cap);
		break;
	default:
		n = snprintf(text, cap, "unnamed");
		break;
	}
	return n > 0 ? (size_t)n : 0;
}
