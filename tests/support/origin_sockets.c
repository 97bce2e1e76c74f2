/* SPDX-License-Identifier: MIT */
/*
 * Every port of the origin, bound on loopback before anybody serves it: so the numbers are known
 * early.
 */
#include "tests/support/origin_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

static int
bind_to(int family, unsigned int host, uint16_t port, int *ret_fd)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host),
		.sin_port = htons(port),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(port),
	};
	_cleanup_(closep) int fd = -1;
	int r;

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in))
			      : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (r < 0) {
		return -errno;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int
listen_on(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in in = { 0 };
	socklen_t len = sizeof(in);

	(void)getsockname(fd, (struct sockaddr *)&in, &len); /* a bound socket has a name */
	return ntohs(in.sin_port);
}

/* One port on all the addresses: taken on one of them by somebody else, another is tried. */
static int
open_http(struct t_origin_sockets *sockets)
{
	unsigned int i;
	int r;

	for (i = 0; i < T_ORIGIN_ADDRESSES; i++) {
		r = bind_to(AF_INET, i, sockets->ports[T_PORT_HTTP], &sockets->http[i]);
		if (r < 0) {
			return r;
		}
		sockets->ports[T_PORT_HTTP] = port_of(sockets->http[0]);
	}
	r = bind_to(AF_INET6, 0, sockets->ports[T_PORT_HTTP], &sockets->http[T_ORIGIN_ADDRESSES]);
	if (r == -EADDRINUSE) {
		return r;
	}
	sockets->has_ipv6 = r == 0;
	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		r = sockets->http[i] >= 0 ? listen_on(sockets->http[i], SOMAXCONN) : 0;
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/*
 * Linux drops a SYN while the queue is full, and a queue of length 0 is full with one connection.
 */
static int
fill_deaf(struct t_origin_sockets *sockets)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(sockets->ports[T_PORT_DEAF]),
	};

	sockets->deaf_filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sockets->deaf_filler < 0) {
		return -errno;
	}
	return connect(sockets->deaf_filler, (struct sockaddr *)&in, sizeof(in)) < 0 ? -errno : 0;
}

static int
open_other(struct t_origin_sockets *sockets, enum t_port port)
{
	int r;

	r = bind_to(AF_INET, 0, 0, &sockets->other[port]);
	if (r < 0) {
		return r;
	}
	sockets->ports[port] = port_of(sockets->other[port]);
	if (port == T_PORT_REFUSING) {
		return 0;
	}
	r = listen_on(sockets->other[port], port == T_PORT_DEAF ? 0 : SOMAXCONN);
	return r < 0 || port != T_PORT_DEAF ? r : fill_deaf(sockets);
}

static void
sockets_init(struct t_origin_sockets *sockets)
{
	int i;

	*sockets = (struct t_origin_sockets){ .deaf_filler = -1 };
	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		sockets->http[i] = -1;
	}
	for (i = 0; i < T_N_PORTS; i++) {
		sockets->other[i] = -1;
	}
}

void
t_origin_sockets_close(struct t_origin_sockets *sockets)
{
	int i;

	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		closep(&sockets->http[i]);
	}
	for (i = 0; i < T_N_PORTS; i++) {
		closep(&sockets->other[i]);
	}
	closep(&sockets->deaf_filler);
	sockets_init(sockets);
}

void
t_origin_sockets_list(const struct t_origin_sockets *sockets, int fds[T_MAX_SOCKETS + 1])
{
	int n = 0;
	int i;

	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		if (sockets->http[i] >= 0) {
			fds[n++] = sockets->http[i];
		}
	}
	for (i = 0; i < T_N_PORTS; i++) {
		if (sockets->other[i] >= 0) {
			fds[n++] = sockets->other[i];
		}
	}
	fds[n++] = sockets->deaf_filler;
	fds[n] = -1;
}

int
t_origin_sockets_open(struct t_origin_sockets *sockets)
{
	int tries = 20;
	int port;
	int r;

	sockets_init(sockets);
	do {
		t_origin_sockets_close(sockets);
		r = open_http(sockets);
	} while (r == -EADDRINUSE && --tries > 0);
	for (port = T_PORT_HTTP + 1; r == 0 && port < T_N_PORTS; port++) {
		r = open_other(sockets, (enum t_port)port);
	}
	if (r < 0) {
		t_origin_sockets_close(sockets);
	}
	return r;
}
