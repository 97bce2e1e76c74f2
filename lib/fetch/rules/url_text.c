/* SPDX-License-Identifier: MIT */
#include "lib/fetch/rules/url_text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/fetch/rules/url.h"

#define LABEL_MAX 63

bool
fetch_url_text_ends_in_number(const char *host, size_t len)
{
	size_t start = len;

	while (start > 0 && host[start - 1] != '.') {
		start--;
	}
	if (len - start >= 2 && host[start] == '0' && (host[start + 1] | 0x20) == 'x') {
		return strspn(host + start + 2, "0123456789abcdefABCDEF") >= len - start - 2;
	}
	return start < len && strspn(host + start, "0123456789") >= len - start;
}

static int
check_label(const char *label, size_t len, struct fetch_reason *reason)
{
	if (len == 0) {
		fetch_reason_set(
			reason, "the host has an empty label: two dots in a row, or one in front");
		return -EINVAL;
	}
	if (len > LABEL_MAX) {
		fetch_reason_set(reason,
			"the host has a label of %zu characters, at most %d are allowed", len,
			LABEL_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_') {
			fetch_reason_set(reason,
				"the host contains the byte 0x%02x: names are letters, digits, "
				"\"-\", "
				"\"_\" and dots",
				(unsigned char)label[i]);
			return -EINVAL;
		}
	}
	if (len == 4 && strncmp(label, "xn--", 4) == 0) {
		fetch_reason_set(
			reason, "the host has a label \"xn--\" with nothing encoded in it");
		return -EINVAL;
	}
	return 0;
}

int
fetch_url_text_check_host(const char *host, struct fetch_reason *reason)
{
	size_t len = strlen(host);
	const char *label = host;

	if (len > FETCH_URL_HOST_MAX) {
		fetch_reason_set(reason, "the host has %zu characters, at most %d are allowed", len,
			FETCH_URL_HOST_MAX);
		return -EINVAL;
	}
	for (;;) {
		size_t label_len = strcspn(label, ".");
		int r = check_label(label, label_len, reason);

		if (r < 0) {
			return r;
		}
		if (label[label_len] == '\0') {
			return 0;
		}
		label += label_len + 1;
	}
}

static int
check_bytes(const char *text, size_t len, bool allow_space, struct fetch_reason *reason)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == ' ' && !allow_space) {
			fetch_reason_set(reason, "a space at byte %zu: write %%20", i + 1);
			return -EINVAL;
		}
		if (c < ' ' || c == 0x7f) {
			fetch_reason_set(
				reason, "the control character 0x%02x at byte %zu", c, i + 1);
			return -EINVAL;
		}
	}
	return 0;
}

/* Length of "name" in "name:…", or 0 when @text does not begin with a scheme (RFC 3986, 3.1). */
size_t
fetch_url_text_scheme_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (isalnum((unsigned char)text[n]) || strchr("+-.", text[n]))) {
		n++;
	}
	return n > 0 && n < len && text[n] == ':' && isalpha((unsigned char)text[0]) ? n : 0;
}

static int
check_scheme(const char *text, size_t len, size_t *ret_authority, struct fetch_reason *reason)
{
	size_t n = fetch_url_text_scheme_len(text, len);

	if (n == 0 || (n + 1 < len && isdigit((unsigned char)text[n + 1]))) {
		/* "localhost:8080/" has a scheme only by the letter of the grammar */
		fetch_reason_set(reason, "there is no scheme: begin with http:// or https://");
		return -EINVAL;
	}
	if (!(n == 4 && strncasecmp(text, "http", 4) == 0) &&
		!(n == 5 && strncasecmp(text, "https", 5) == 0)) {
		fetch_reason_set(reason, "the scheme \"%.*s\" is not supported: use http or https",
			n > 20 ? 20 : (int)n, text);
		return -EINVAL;
	}
	if (len < n + 3 || memcmp(text + n, "://", 3) != 0 || (len > n + 3 && text[n + 3] == '/')) {
		fetch_reason_set(reason,
			"after the scheme there are two slashes, then the host: %.*s://host/",
			(int)n, text);
		return -EINVAL;
	}
	*ret_authority = n + 3;
	return 0;
}

static int
check_port(const char *text, size_t len, struct fetch_reason *reason)
{
	unsigned int port = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			fetch_reason_set(reason, "the port is not a number (an IPv6 address is "
						 "written in brackets, a \"@\" "
						 "in a password as %%40)");
			return -EINVAL;
		}
		if (port <= 65535) {
			port = port * 10 + (unsigned int)(text[i] - '0');
		}
	}
	/* Nothing after the colon is the default port (RFC 3986, 3.2.3). */
	if (len > 0 && (port == 0 || port > 65535)) {
		fetch_reason_set(reason, "the port is not between 1 and 65535");
		return -EINVAL;
	}
	return 0;
}

/* "[…]" and an optional port */
static int
check_bracketed(const char *text, size_t len, struct fetch_reason *reason)
{
	const char *end = memchr(text, ']', len);

	if (!end) {
		fetch_reason_set(reason, "the IPv6 address has no closing bracket");
		return -EINVAL;
	}
	if (memchr(text, '%', (size_t)(end - text))) {
		fetch_reason_set(reason, "the IPv6 address has a zone id: those mean something on "
					 "one machine only and "
					 "are not supported");
		return -EINVAL;
	}
	end++;
	if (end < text + len && *end != ':') {
		fetch_reason_set(
			reason, "after the bracket of the IPv6 address comes a port or the path");
		return -EINVAL;
	}
	return end < text + len ? check_port(end + 1, (size_t)(text + len - end - 1), reason) : 0;
}

static int
check_host_and_port(const char *text, size_t len, struct fetch_reason *reason)
{
	const char *colon;

	if (len > 0 && text[0] == '[') {
		return check_bracketed(text, len, reason);
	}
	colon = memchr(text, ':', len);
	if (len == 0 || colon == text) {
		fetch_reason_set(reason, "there is no host");
		return -EINVAL;
	}
	if (memchr(text, '%', len)) {
		fetch_reason_set(
			reason, "the host has a percent sign: nothing is encoded in a host");
		return -EINVAL;
	}
	return colon ? check_port(colon + 1, (size_t)(text + len - colon - 1), reason) : 0;
}

bool
fetch_url_text_is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] & 0x80) {
			return false;
		}
	}
	return true;
}

size_t
fetch_url_text_authority_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '/' && text[n] != '?' && text[n] != '#') {
		n++;
	}
	return n;
}

static int
check_authority(const char *text, size_t len, struct fetch_reason *reason)
{
	const char *user = text;
	const char *at;

	len = fetch_url_text_authority_len(text, len);
	if (memchr(text, '\\', len)) {
		fetch_reason_set(reason, "a backslash in or after the host: write / instead");
		return -EINVAL;
	}
	at = memchr(text, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - text);
		text = at + 1;
		if (memchr(text, '@', len)) {
			fetch_reason_set(reason,
				"two @ before the path: inside user info it is written %%40");
			return -EINVAL;
		}
		if (!fetch_url_text_is_ascii(user, (size_t)(at - user))) {
			fetch_reason_set(reason, "the user info is not ASCII: percent-encode it");
			return -EINVAL;
		}
	}
	return check_host_and_port(text, len, reason);
}

int
fetch_url_text_check_len(size_t len, struct fetch_reason *reason)
{
	if (len == 0) {
		fetch_reason_set(reason, "the URL is empty");
		return -EINVAL;
	}
	if (len > FETCH_URL_MAX) {
		fetch_reason_set(reason, "the URL has %zu bytes, at most %d are allowed", len,
			FETCH_URL_MAX);
		return -EINVAL;
	}
	return 0;
}

int
fetch_url_text_check(const char *text, size_t len, struct fetch_reason *reason)
{
	size_t authority;
	int r = fetch_url_text_check_len(len, reason);

	if (r == 0) {
		r = check_bytes(text, len, false, reason);
	}
	if (r == 0) {
		r = check_scheme(text, len, &authority, reason);
	}
	if (r == 0) {
		r = check_authority(text + authority, len - authority, reason);
	}
	return r;
}

int
fetch_url_text_check_location(const char *text, size_t len, struct fetch_reason *reason)
{
	size_t authority;
	int r = fetch_url_text_check_len(len, reason);

	if (r == 0) {
		r = check_bytes(text, len, true, reason);
	}
	if (r < 0) {
		return r;
	}
	if (fetch_url_text_scheme_len(text, len) > 0) {
		r = check_scheme(text, len, &authority, reason);
		return r < 0 ? r : check_authority(text + authority, len - authority, reason);
	}
	if (len >= 2 && memcmp(text, "//", 2) == 0) {
		return check_authority(text + 2, len - 2, reason);
	}
	return 0;
}
