/* SPDX-License-Identifier: MIT */
/* An IP address without a port: what names resolve to and what policies judge. */
#pragma once

#include <fetch/address_policy.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define FETCH_ADDRESS_CAP INET6_ADDRSTRLEN

/*
 * fetch_address_parse() - from the strict text forms (four decimal numbers, RFC 4291); else false
 */
bool fetch_address_parse(const char *text, struct fetch_address *ret_address);

/* fetch_address_format() - as text; IPv6 as RFC 5952, no brackets. Return: @text */
const char *fetch_address_format(const struct fetch_address *address, char text[FETCH_ADDRESS_CAP]);

/* fetch_address_from_sockaddr() - of an AF_INET or AF_INET6 socket address; else false */
bool fetch_address_from_sockaddr(
	const struct sockaddr *sockaddr, socklen_t len, struct fetch_address *ret_address);

bool fetch_address_is_equal(const struct fetch_address *a, const struct fetch_address *b);

/*
 * fetch_port_format() - as decimal digits, at most five, without NUL: a printf() for each URL would
 * cost as much as parsing it. Return: behind the last digit
 */
static inline char *
fetch_port_format(uint16_t port, char *text)
{
	unsigned divisor = 10000;

	while (divisor > 1 && port < divisor) {
		divisor /= 10;
	}
	for (; divisor > 0; divisor /= 10) {
		*text++ = (char)('0' + port / divisor % 10);
	}
	return text;
}
