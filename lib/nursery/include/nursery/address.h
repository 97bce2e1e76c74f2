/* SPDX-License-Identifier: MIT */
/* Where a socket is: an IP address with a port, or the path of a Unix socket. A plain value. */
#pragma once

#include <netinet/in.h>
#include <nursery/macros.h>
#include <sys/socket.h>
#include <sys/un.h>

NUR_BEGIN_DECLS

#define NUR_ADDRESS_TEXT_CAP 128 /* bytes that hold any address as text */

/**
 * struct nur_address - as the system calls want it
 * @any:        any.sa_family says which of the others it is
 * @in:         IPv4
 * @in6:        IPv6
 * @un:         Unix
 * @len:        bytes of it that count; 0: none
 */
struct nur_address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/**
 * nur_address_parse() - from an IP address as text; no name is looked up
 * @host:       four decimal numbers, or RFC 4291's form, which may have "%eth0" behind it
 * @port:       in the host's order
 *
 * Checkpoint: never. Errors: -EINVAL @host is no IP address; -ENODEV no such interface. Return: 0 or
 * an error and nothing written.
 */
int nur_address_parse(const char *host, uint16_t port, struct nur_address *ret_address);

/**
 * nur_address_unix() - of a Unix socket's path
 *
 * Checkpoint: never. Errors: -EINVAL the path is empty; -ENAMETOOLONG over 107 bytes. Return: 0 or an
 * error and nothing written.
 */
int nur_address_unix(const char *path, struct nur_address *ret_address);

/* nur_address_wildcards() - every local address: "::", then "0.0.0.0" (no checkpoint) */
void nur_address_wildcards(uint16_t port, struct nur_address ret_addresses[2]);

/* nur_address_loopbacks() - what localhost is (RFC 6761): "::1", then "127.0.0.1" (no checkpoint) */
void nur_address_loopbacks(uint16_t port, struct nur_address ret_addresses[2]);

/* nur_address_of_socket() - where @fd is bound; 0, or as getsockname(2) (no checkpoint) */
int nur_address_of_socket(int fd, struct nur_address *ret_address);

/* nur_address_of_peer() - whom @fd is connected to; 0, or as getpeername(2) (no checkpoint) */
int nur_address_of_peer(int fd, struct nur_address *ret_address);

/* nur_address_port() - in the host's order; 0 when it has none (no checkpoint) */
uint16_t nur_address_port(const struct nur_address *address);

/**
 * nur_address_format() - for people: "127.0.0.1:80", "[::1]:80", "/run/it.sock", "@abstract", "unnamed"
 * @text:       where to; NUL-terminated, cut at @cap
 *
 * Checkpoint: never. Return: the whole length, as snprintf(); under NUR_ADDRESS_TEXT_CAP.
 */
size_t nur_address_format(const struct nur_address *address, char *text, size_t cap);

NUR_END_DECLS
