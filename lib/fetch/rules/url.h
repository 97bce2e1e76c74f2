/* SPDX-License-Identifier: MIT */
/*
 * URLs of fetches: checked, canonical, and read by the same parser that libcurl connects with
 * (docs/decisions/url-parser.md). Pure.
 *
 * A batch keeps its hundred thousand URLs as the text the caller sent, judged once by
 * fetch_url_check() and queued by fetch_url_origin(); the parsed form lives only while the URL is
 * being fetched.
 */
#pragma once

#include <fetch/fetch.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/fetch/rules/address.h"
#include "lib/fetch/rules/reason.h"

#define FETCH_URL_ORIGIN_CAP 288 /* "https://" + host of 253 + ":65535" + NUL, rounded up */

/*
 * text          canonical, for CURLOPT_URL: the default port, the fragment and dot segments are
 *               gone, an international host is its A-label, a strange IPv4 spelling four decimal
 *               numbers. Holds the user info: never show it
 * display       the same without user info: for results, trees and logs
 * path          of text, with the query, when libcurl reads text as it stands; NULL: it may change it
 * origin        "scheme://host:port", always with the port: the key of limits and connections
 * host          lower case, without a final dot, without brackets
 * port          1 to 65535
 * is_https      else http
 * has_userinfo  credentials are in text
 * address       of a literal host; its family is AF_UNSPEC when host is a name to resolve
 * The strings belong to the object.
 */
struct fetch_url {
	const char *text;
	const char *display;
	const char *path;
	const char *origin;
	const char *host;
	struct fetch_address address;
	uint16_t port;
	bool is_https;
	bool has_userinfo;
};

static inline bool
fetch_url_is_literal(const struct fetch_url *url)
{
	return url->address.family != AF_UNSPEC;
}

/**
 * fetch_url_origin() - the origin of a URL, equal to the origin of its parsed form
 * @ret_origin: FETCH_URL_ORIGIN_CAP bytes
 * Errors: as fetch_url_check(); check and origin in one pass
 */
int fetch_url_origin(const char *text, size_t len, char *ret_origin, struct fetch_reason *reason);

/**
 * fetch_url_parse() - check and canonicalise
 * @ret_url: given to the caller, for fetch_url_destroy()
 * Errors: as fetch_url_check()
 */
int fetch_url_parse(
	const char *text, size_t len, struct fetch_url **ret_url, struct fetch_reason *reason);

/**
 * fetch_url_resolve() - where a Location field leads to
 * @location: the field's value, relative or absolute, NUL-terminated; inner spaces and bytes beyond
 *            ASCII are percent-encoded, as clients must expect them
 *
 * The user info of @base stays as long as the origin does, unless @location has its own. The
 * fragment is dropped.
 *
 * Errors: as fetch_url_check(); an empty @location is -EINVAL
 */
int fetch_url_resolve(const struct fetch_url *base, const char *location,
	struct fetch_url **ret_url, struct fetch_reason *reason);

/**
 * fetch_url_redact() - append @text without its user info, for showing what a caller sent
 * Needs no valid URL: when in doubt it hides more.
 */
void fetch_url_redact(const char *text, size_t len, struct buffer *buffer);

/* fetch_url_destroy() - accepts NULL */
void fetch_url_destroy(struct fetch_url *url);

DEFINE_CLEANUP(struct fetch_url *, fetch_url_destroy);
