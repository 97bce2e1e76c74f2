/* SPDX-License-Identifier: MIT */
/*
 * What a request may carry, and what of it survives a redirect. Pure. The checks that callers need
 * are in <fetch/fetch.h>.
 */
#pragma once

#include <stdbool.h>

/*
 * fetch_method_is_idempotent() - may be sent again when nobody knows whether it arrived (RFC 9110,
 * 9.2.2)
 */
bool fetch_method_is_idempotent(const char *method);

/* fetch_method_is_safe() - only reads (RFC 9110, 9.2.1): one request more changes nothing */
bool fetch_method_is_safe(const char *method);

/* fetch_header_is_safe() - carries no secret, so that another origin may see it after a redirect */
bool fetch_header_is_safe(const char *name);

/* fetch_header_is_of_content() - describes the body: nothing without it (RFC 9110, 15.4) */
bool fetch_header_is_of_content(const char *name);

/* fetch_status_is_redirect() - 301, 302, 303, 307 or 308: a Location there is followed */
bool fetch_status_is_redirect(int status);

/**
 * fetch_redirect_method() - the method of the next hop (RFC 9110, 15.4)
 * @ret_with_body: whether the body is sent again
 * Return: @method, or "GET" or "HEAD", which are static.
 */
const char *fetch_redirect_method(int status, const char *method, bool *ret_with_body);
