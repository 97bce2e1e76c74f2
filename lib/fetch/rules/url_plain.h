/* SPDX-License-Identifier: MIT */
/*
 * URLs of the usual form, taken apart without libcurl: lower-case scheme and host, no user info, no default port,
 * a path without dot segments, no percent sign. Pure; for url.c only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/fetch/rules/address.h"
#include "lib/fetch/rules/url_text.h"

/*
 * What a URL is made of, on the way to a struct fetch_url.
 * path           where it begins, in a URL of the usual form; else 0
 * text, display  owned; NULL when both are the text as given
 */
struct fetch_url_parts {
	bool is_https;
	bool has_userinfo;
	uint16_t port;
	struct fetch_address address;
	size_t path;
	char *text;
	char *display;
	char host[FETCH_URL_HOST_MAX + 3]; /* room for two brackets */
};

static inline uint16_t
fetch_url_default_port(bool is_https)
{
	return is_https ? 443 : 80;
}

/*
 * fetch_url_scan_plain() - what libcurl would leave as it is, byte for byte; allocates nothing
 * Return: whether @text is of the usual form.
 */
bool fetch_url_scan_plain(const char *text, size_t len, struct fetch_url_parts *parts);
