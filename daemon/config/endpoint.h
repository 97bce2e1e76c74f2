/* SPDX-License-Identifier: MIT */
/* A TCP address with its port, as the configuration has it. Pure. */
#pragma once

#include <fetch/address_policy.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/fetch/rules/address.h"

#define ENDPOINT_TEXT_CAP (FETCH_ADDRESS_CAP + 8)

/* zeroed is none */
struct endpoint {
	struct fetch_address address;
	uint16_t port;
};

/* endpoint_parse() - of "127.0.0.1:80" or "[::1]:80"; else false, and @ret_endpoint stays */
bool endpoint_parse(const char *text, struct endpoint *ret_endpoint);

/* endpoint_format() - the same way back; of none, "". Return: @text */
const char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_CAP]);

/* endpoint_is_loopback() - only this machine can reach it */
bool endpoint_is_loopback(const struct endpoint *endpoint);

bool endpoint_is_equal(const struct endpoint *a, const struct endpoint *b);
