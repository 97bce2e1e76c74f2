/* SPDX-License-Identifier: MIT */
/* Which characters may stand where, in all parts of a request. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* RFC 9110, 5.6.2: tchar */
static inline bool
http_is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static inline bool
http_is_token(const char *text)
{
	if (*text == '\0') {
		return false;
	}
	while (http_is_token_char(*text)) {
		text++;
	}
	return *text == '\0';
}

static inline bool
http_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The value of a hexadecimal digit, or -1. */
static inline int
http_hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, 3.2.2, without user info (RFC 9110, 4.2.4) */
static inline bool
http_is_host(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || !strchr("-._~%!$&'()*+,;=:[]", c))) {
			return false;
		}
	}
	return true;
}
