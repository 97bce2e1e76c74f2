/* SPDX-License-Identifier: MIT */
/*
 * What the text of a URL tells before a parser has read it. libcurl reads more generously than other
 * parsers do: too many or too few slashes, backslashes, two @, percent signs in the host. All of that
 * is refused here. Pure; for url.c only.
 *
 * The checks return 0, or -EINVAL with a reason that never contains user info.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/fetch/rules/reason.h"

#define FETCH_URL_HOST_MAX 253

/* fetch_url_text_check() - of an absolute URL: length, bytes, scheme, authority */
int fetch_url_text_check(const char *text, size_t len, struct fetch_reason *reason);

/* fetch_url_text_check_location() - the same of a Location, which may be relative and have spaces */
int fetch_url_text_check_location(const char *text, size_t len, struct fetch_reason *reason);

/* fetch_url_text_check_len() - not empty, at most FETCH_URL_MAX */
int fetch_url_text_check_len(size_t len, struct fetch_reason *reason);

/* fetch_url_text_check_host() - a name of letters, digits, "-", "_" in labels of 1 to 63 bytes */
int fetch_url_text_check_host(const char *host, struct fetch_reason *reason);

/*
 * fetch_url_text_ends_in_number() - the last label is one, as in 256.1.1.1, 1.2.3.4.5 or 1.0x7f: then
 * the host (@len bytes of a NUL-terminated string) must be an IPv4 address
 */
bool fetch_url_text_ends_in_number(const char *host, size_t len);

bool fetch_url_text_is_ascii(const char *text, size_t len);

/* fetch_url_text_scheme_len() - of "name" in "name:…", 0 when there is no scheme (RFC 3986, 3.1) */
size_t fetch_url_text_scheme_len(const char *text, size_t len);

/* fetch_url_text_authority_len() - bytes up to the first of "/", "?", "#" */
size_t fetch_url_text_authority_len(const char *text, size_t len);
