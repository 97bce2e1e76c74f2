/* SPDX-License-Identifier: MIT */
#include "lib/fetch/rules/url_plain.h"

#include <limits.h>
#include <string.h>

#include "lib/fetch/rules/url.h"
#include "lib/fetch/rules/url_text.h"

static size_t
skip_scheme(const char *text, size_t len, bool *ret_is_https)
{
	if (len > 7 && memcmp(text, "http://", 7) == 0) {
		*ret_is_https = false;
		return 7;
	}
	if (len > 8 && memcmp(text, "https://", 8) == 0) {
		*ret_is_https = true;
		return 8;
	}
	return 0;
}

static bool
is_plain_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool
scan_plain_host(const char *text, size_t len, struct fetch_url_parts *parts)
{
	size_t n = 0;

	while (n < len && n <= FETCH_URL_HOST_MAX && is_plain_host_char(text[n])) {
		parts->host[n] = text[n];
		n++;
	}
	if (n == 0 || n > FETCH_URL_HOST_MAX) {
		return false;
	}
	parts->host[n] = '\0';
	if (fetch_url_text_ends_in_number(parts->host, n)) {
		return fetch_address_parse(parts->host, &parts->address);
	}
	return fetch_url_text_check_host(parts->host, NULL) == 0;
}

/*
 * Digits after ":", without leading zeros and not the default port. Return: their number, 0 if not
 * so.
 */
static size_t
scan_plain_port(const char *text, size_t len, struct fetch_url_parts *parts)
{
	unsigned int port = 0;
	size_t n = 0;

	while (n < len && n < 5 && text[n] >= '0' && text[n] <= '9') {
		port = port * 10 + (unsigned int)(text[n] - '0');
		n++;
	}
	if (n == 0 || text[0] == '0' || port > 65535 ||
		port == fetch_url_default_port(parts->is_https)) {
		return 0;
	}
	parts->port = (uint16_t)port;
	return n;
}

/* A path, maybe with a query, that libcurl does not touch. */
static bool
is_plain_path(const char *text, size_t len)
{
	static const bool is_plain[UCHAR_MAX + 1] = {
		['a' ... 'z'] = true,
		['A' ... 'Z'] = true,
		['0' ... '9'] = true,
		['/'] = true,
		['-'] = true,
		['_'] = true,
		['~'] = true,
		['!'] = true,
		['$'] = true,
		['&'] = true,
		['\''] = true,
		['('] = true,
		[')'] = true,
		['*'] = true,
		['+'] = true,
		[','] = true,
		[';'] = true,
		['='] = true,
		[':'] = true,
		['@'] = true,
	};
	bool in_query = false;

	if (len == 0 || text[0] != '/' || text[len - 1] == '?') {
		return false; /* libcurl drops the mark of an empty query */
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_plain[c]) {
			continue;
		}
		if (c == '?') {
			in_query = true;
		} else if (c != '.' || (!in_query && text[i - 1] == '/')) {
			return false; /* of dots, those that begin a segment */
		}
	}
	return true;
}

bool
fetch_url_scan_plain(const char *text, size_t len, struct fetch_url_parts *parts)
{
	size_t at = skip_scheme(text, len, &parts->is_https);
	size_t n;

	if (at == 0 || len > FETCH_URL_MAX || !scan_plain_host(text + at, len - at, parts)) {
		return false;
	}
	at += strlen(parts->host);
	parts->port = fetch_url_default_port(parts->is_https);
	if (at < len && text[at] == ':') {
		n = scan_plain_port(text + at + 1, len - at - 1, parts);
		if (n == 0) {
			return false;
		}
		at += 1 + n;
	}
	if (!is_plain_path(text + at, len - at)) {
		return false;
	}
	parts->path = at;
	return true;
}
