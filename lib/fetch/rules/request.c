/* SPDX-License-Identifier: MIT */
/*
 * libcurl sends methods and fields as they are given to it, also with line ends in them: what
 * passes here is all that keeps a caller from writing requests of his own.
 */
#include "lib/fetch/rules/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"

#define METHOD_MAX 20

static bool
is_token_char(unsigned char c)
{
	/* RFC 9110, 5.6.2: tchar */
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int
fetch_method_check(const char *method)
{
	size_t len = strlen(method);

	if (len == 0 || len > METHOD_MAX || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != len) {
		return -EINVAL;
	}
	if (strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0) {
		return -EINVAL;
	}
	return 0;
}

int
fetch_header_check(const char *name, const char *value)
{
	static const char *const ours[] = {
		"Host",
		"Content-Length",
		"Transfer-Encoding",
		"Connection",
		"Keep-Alive",
		"Expect",
		"TE",
		"Trailer",
		"Upgrade",
		"HTTP2-Settings",
	};

	if (*name == '\0') {
		return -EINVAL;
	}
	for (const char *p = name; *p; p++) {
		if (!is_token_char((unsigned char)*p)) {
			return -EINVAL;
		}
	}
	for (const char *p = value; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcasecmp(name, ours[i]) == 0) {
			return -EPERM;
		}
	}
	return strncasecmp(name, "Proxy-", strlen("Proxy-")) == 0 ? -EPERM : 0;
}

bool
fetch_method_is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	       strcmp(method, "OPTIONS") == 0;
}

bool
fetch_method_is_idempotent(const char *method)
{
	static const char *const idempotent[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < ARRAY_LEN(idempotent); i++) {
		if (strcmp(method, idempotent[i]) == 0) {
			return true;
		}
	}
	return false;
}

bool
fetch_header_is_safe(const char *name)
{
	static const char *const safe[] = {
		"Accept",
		"Accept-Encoding",
		"Accept-Language",
		"Cache-Control",
		"Content-Encoding",
		"Content-Language",
		"Content-Type",
		"DNT",
		"If-Modified-Since",
		"If-None-Match",
		"Pragma",
		"Range",
		"User-Agent",
	};

	for (size_t i = 0; i < ARRAY_LEN(safe); i++) {
		if (strcasecmp(name, safe[i]) == 0) {
			return true;
		}
	}
	return false;
}

bool
fetch_header_is_of_content(const char *name)
{
	return strncasecmp(name, "Content-", strlen("Content-")) == 0 ||
	       strcasecmp(name, "Digest") == 0 || strcasecmp(name, "Last-Modified") == 0;
}

bool
fetch_status_is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

const char *
fetch_redirect_method(int status, const char *method, bool *ret_with_body)
{
	bool is_post = strcmp(method, "POST") == 0;

	/*
	 * 303: "the user agent [retrieves] the target with a GET or HEAD". 301 and 302: "a user
	 * agent MAY change the request method from POST to GET", and everybody does. 307 and 308
	 * must not change it.
	 */
	if ((status == 303 && strcmp(method, "HEAD") != 0) ||
		((status == 301 || status == 302) && is_post)) {
		*ret_with_body = false;
		return "GET";
	}
	*ret_with_body = true;
	return method;
}
