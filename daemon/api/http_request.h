/* SPDX-License-Identifier: MIT */
/* The head of a request, as the parser leaves it, and the questions a handler asks it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MAX_FIELDS 64
#define HTTP_MAX_PARAMS 64 /* of the query */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
};

/* One header field or one query parameter: both strings end with NUL and contain none. */
struct http_pair {
	const char *name;
	const char *value;
};

/*
 * method_name       as sent
 * target            as sent, for logs; visible ASCII only
 * path              percent-decoded; begins with "/" (or is "*"); valid UTF-8 without control
 *                   characters, without "." and ".." segments and without encoded slashes: those
 *                   are refused
 * fields            in the order sent; values without white space around them
 * params            of the query, decoded as application/x-www-form-urlencoded ("+" is a space); a
 *                   parameter without "=" has the value ""
 * keep_alive        the connection may serve another request after this one
 * has_body          content follows: a Content-Length above 0, or chunks
 * is_chunked        its length is not known
 * content_length    bytes that follow; 0 when is_chunked
 * expects_continue  "Expect: 100-continue", and there is something to continue with
 */
struct http_request {
	enum http_method method;
	const char *method_name;
	const char *target;
	const char *path;
	struct http_pair fields[HTTP_MAX_FIELDS];
	size_t n_fields;
	struct http_pair params[HTTP_MAX_PARAMS];
	size_t n_params;
	bool keep_alive;
	bool has_body;
	bool is_chunked;
	bool expects_continue;
	uint64_t content_length;
};

/* http_request_field() - value of the first field called @name (any case), or NULL */
const char *http_request_field(const struct http_request *request, const char *name);

/* http_request_param() - value of the first query parameter called @name, or NULL */
const char *http_request_param(const struct http_request *request, const char *name);

/**
 * http_request_lists() - do the fields called @name, read as lists, have an element @word
 * Any case; parameters and values of elements are ignored: "respond-async; x=y" has "respond-async".
 */
bool http_request_lists(const struct http_request *request, const char *name, const char *word);

/* http_request_prefers() - does a Prefer field (RFC 7240) name @preference */
static inline bool
http_request_prefers(const struct http_request *request, const char *preference)
{
	return http_request_lists(request, "Prefer", preference);
}

/**
 * http_request_accepts() - which of our representations the Accept fields like best (RFC
 * 9110, 12.5.1)
 * @offers:   media types ("application/json"), the one we prefer first
 *
 * Without an Accept field everything is acceptable. Parameters other than q are ignored, and so are
 * elements that cannot be parsed.
 *
 * Return: index of the offer with the highest q, the first among equals; -1 when all are refused
 * (406).
 */
int http_request_accepts(
	const struct http_request *request, const char *const *offers, size_t n_offers);

/*
 * http_media_type_is() - is @value (of a Content-Type field) @type, whatever its parameters and
 * case
 */
bool http_media_type_is(const char *value, const char *type);
