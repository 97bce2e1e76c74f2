/* SPDX-License-Identifier: MIT */
/*
 * Beside the transfer file this is the only one that includes curl, and only its URL API, which
 * does no I/O: a URL judged by another parser than the one that connects is a hole
 * (docs/decisions/url-parser.md).
 *
 * Two ways, with one result:
 *
 *	text ─► fetch_url_scan_plain() ────────────────────────────────────► parts   the usual form
 *	   └──► fetch_url_text_check() ─► libcurl's parser ─► read_handle() ─► parts   everything else
 *
 * Written with "HTTP:" a URL of the usual form goes the long way: that is how tests and the fuzzer
 * hold the two together.
 *
 * fetch_url_text_check() refuses what libcurl reads more generously than other parsers do: too many or too
 * few slashes, backslashes, two @, percent signs in the host. read_handle() judges what libcurl
 * understood.
 */
#include "lib/fetch/rules/url.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <curl/urlapi.h>

#include "lib/fetch/rules/url_plain.h"
#include "lib/fetch/rules/url_text.h"

static void
parts_fini(struct fetch_url_parts *parts)
{
	free(parts->text);
	free(parts->display);
}

static void
curl_url_cleanupp(CURLU **handle)
{
	curl_url_cleanup(*handle); /* accepts NULL */
}

static void
curl_stringp(char **string)
{
	curl_free(*string); /* accepts NULL */
}

/* --- libcurl --- */

static int
refuse(CURLUcode code, struct fetch_reason *reason)
{
	if (code == CURLUE_OUT_OF_MEMORY) {
		fetch_reason_set(reason, "out of memory");
		return -ENOMEM;
	}
	if (code == CURLUE_LACKS_IDN) {
		fetch_reason_set(reason, "the host is not ASCII, and this libcurl cannot convert "
					 "it: write its xn-- form");
		return -EINVAL;
	}
	if (code == CURLUE_BAD_HOSTNAME) {
		fetch_reason_set(reason, "the host is neither a name nor an address");
		return -EINVAL;
	}
	fetch_reason_set(reason, "not a valid URL: %s", curl_url_strerror(code));
	return -EINVAL;
}

/*
 * An international host as A-labels. libcurl hands it to libidn2 in the charset of the locale; ours
 * is always UTF-8, whatever the process was started with. Only this thread's locale is touched.
 */
static CURLUcode
get_a_labels(CURLU *handle, char **ret_host)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before;
	CURLUcode code;

	if (!utf8) {
		return CURLUE_LACKS_IDN;
	}
	before = uselocale(utf8);
	code = curl_url_get(handle, CURLUPART_HOST, ret_host, CURLU_PUNYCODE);
	(void)uselocale(before);
	freelocale(utf8);
	/* 7.88 says so of every name that libidn2 refuses */
	return code == CURLUE_OUT_OF_MEMORY ? CURLUE_BAD_HOSTNAME : code;
}

static CURLUcode
get_host(CURLU *handle, char **ret_host)
{
	_cleanup_(curl_stringp) char *host = NULL;
	CURLUcode code = curl_url_get(handle, CURLUPART_HOST, &host, 0);

	if (code == CURLUE_OK && !fetch_url_text_is_ascii(host, strlen(host))) {
		return get_a_labels(handle, ret_host);
	}
	*ret_host = steal(&host);
	return code;
}

static int
check_ipv6(char *host, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	char text[FETCH_ADDRESS_CAP];
	size_t len = strlen(host);

	host[len - 1] = '\0';
	if (!fetch_address_parse(host + 1, &parts->address) || parts->address.family != AF_INET6) {
		fetch_reason_set(reason, "what stands in the brackets is not an IPv6 address");
		return -EINVAL;
	}
	(void)snprintf(parts->host, sizeof(parts->host), "[%s]",
		fetch_address_format(&parts->address, text));
	return 0;
}

static int
check_name_or_ipv4(char *host, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	size_t len = strlen(host);
	bool has_dot = len > 1 && host[len - 1] == '.';
	int r;

	for (size_t i = 0; i < len; i++) {
		host[i] = (char)tolower((unsigned char)host[i]);
	}
	if (has_dot) {
		host[--len] = '\0';
	}
	if (fetch_url_text_ends_in_number(host, len)) {
		/* libcurl has rewritten the strange spellings */
		if (!fetch_address_parse(host, &parts->address)) {
			fetch_reason_set(reason, "the host ends in a number but is no IPv4 "
						 "address: four numbers from 0 to 255");
			return -EINVAL;
		}
	} else {
		r = fetch_url_text_check_host(host, reason);
		if (r < 0) {
			return r;
		}
	}
	memcpy(parts->host, host, len + 1);
	return 0;
}

/*
 * "127.0.0.1." is an address with a dot behind it to browsers (WHATWG, "ends in a number"), and the name of a
 * host to libcurl and to name servers. Without the dot libcurl reads it again, and sees what it is.
 */
static CURLUcode
drop_dot_of_ipv4(CURLU *handle, char **host)
{
	_cleanup_(curl_stringp) char *text = NULL;
	size_t len = strlen(*host);
	CURLUcode code;

	if (len < 2 || (*host)[len - 1] != '.' || !fetch_url_text_ends_in_number(*host, len - 1)) {
		return CURLUE_OK;
	}
	(*host)[len - 1] = '\0';
	code = curl_url_set(handle, CURLUPART_HOST, *host, 0);
	if (code == CURLUE_OK) {
		code = curl_url_get(handle, CURLUPART_URL, &text, 0);
	}
	if (code == CURLUE_OK) {
		code = curl_url_set(handle, CURLUPART_URL, text, 0);
	}
	curl_free(steal(host));
	return code == CURLUE_OK ? get_host(handle, host) : code;
}

/* Reads, judges and writes back the host in its canonical form. */
static int
read_host(CURLU *handle, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	_cleanup_(curl_stringp) char *host = NULL;
	CURLUcode code = get_host(handle, &host);
	int r;

	if (code == CURLUE_OK) {
		code = drop_dot_of_ipv4(handle, &host);
	}
	if (code != CURLUE_OK) {
		return refuse(code, reason);
	}
	r = host[0] == '[' ? check_ipv6(host, parts, reason)
			   : check_name_or_ipv4(host, parts, reason);
	if (r < 0) {
		return r;
	}
	code = curl_url_set(handle, CURLUPART_HOST, parts->host, 0);
	return code == CURLUE_OK ? 0 : refuse(code, reason);
}

static int
read_scheme_and_port(CURLU *handle, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	_cleanup_(curl_stringp) char *scheme = NULL;
	_cleanup_(curl_stringp) char *port = NULL;
	CURLUcode code = curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0);
	unsigned long number;

	if (code == CURLUE_OK) {
		code = curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	}
	if (code != CURLUE_OK) {
		return refuse(code, reason);
	}
	parts->is_https = strcmp(scheme, "https") == 0;
	number = strtoul(port, NULL, 10);
	assert(number >= 1 && number <= 65535); /* fetch_url_text_check() has seen it */
	parts->port = (uint16_t)number;
	return 0;
}

/* User info is there, and is more than an empty "@". */
static bool
find_userinfo(CURLU *handle)
{
	_cleanup_(curl_stringp) char *user = NULL;
	_cleanup_(curl_stringp) char *password = NULL;

	(void)curl_url_get(handle, CURLUPART_USER, &user, 0); /* an error is: none */
	(void)curl_url_get(handle, CURLUPART_PASSWORD, &password, 0);
	return (user && *user) || (password && *password);
}

/* The whole URL as text, to free(). */
static int
get_text(CURLU *handle, char **ret_text, struct fetch_reason *reason)
{
	_cleanup_(curl_stringp) char *text = NULL;
	CURLUcode code = curl_url_get(handle, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT);
	char *copy;

	if (code != CURLUE_OK) {
		return refuse(code, reason);
	}
	if (strlen(text) > FETCH_URL_MAX) { /* encoding makes it longer */
		return fetch_url_text_check_len(strlen(text), reason);
	}
	copy = strdup(text); /* curl_free() is not promised to be free() */
	if (!copy) {
		return refuse(CURLUE_OUT_OF_MEMORY, reason);
	}
	free(*ret_text);
	*ret_text = copy;
	return 0;
}

static int
remove_userinfo(CURLU *handle, struct fetch_reason *reason)
{
	CURLUcode code = curl_url_set(handle, CURLUPART_USER, NULL, 0);

	if (code == CURLUE_OK) {
		code = curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
	}
	return code == CURLUE_OK ? 0 : refuse(code, reason);
}

/* The text with user info, then the one without; @handle has none afterwards. */
static int
read_texts(CURLU *handle, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	int r = 0;

	parts->has_userinfo = find_userinfo(handle);
	if (parts->has_userinfo) {
		r = get_text(handle, &parts->text, reason);
	}
	if (r == 0) {
		r = remove_userinfo(handle, reason);
	}
	if (r == 0) {
		r = get_text(handle, parts->has_userinfo ? &parts->display : &parts->text, reason);
	}
	return r;
}

static int
read_handle(CURLU *handle, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	CURLUcode code;
	int r = read_scheme_and_port(handle, parts, reason);

	if (r == 0) {
		r = read_host(handle, parts, reason);
	}
	if (r < 0) {
		return r;
	}
	code = curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
	if (code != CURLUE_OK) {
		return refuse(code, reason);
	}
	return read_texts(handle, parts, reason);
}

static int
scan_by_libcurl(
	const char *text, size_t len, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	_cleanup_(curl_url_cleanupp) CURLU *handle = NULL;
	_cleanup_(freep) char *copy = NULL;
	CURLUcode code;
	int r = fetch_url_text_check(text, len, reason);

	if (r < 0) {
		return r;
	}
	handle = curl_url();
	copy = strndup(text, len);
	if (!handle || !copy) {
		return refuse(CURLUE_OUT_OF_MEMORY, reason);
	}
	code = curl_url_set(handle, CURLUPART_URL, copy, CURLU_URLENCODE);
	return code == CURLUE_OK ? read_handle(handle, parts, reason) : refuse(code, reason);
}

static int
scan(const char *text, size_t len, struct fetch_url_parts *parts, struct fetch_reason *reason)
{
	if (fetch_url_scan_plain(text, len, parts)) {
		return 0;
	}
	parts->address = (struct fetch_address){ .family = AF_UNSPEC };
	return scan_by_libcurl(text, len, parts, reason);
}

/* --- results --- */

static void
format_origin(const struct fetch_url_parts *parts, char *origin)
{
	char *end = stpcpy(origin, parts->is_https ? "https://" : "http://");

	end = stpcpy(end, parts->host);
	*end++ = ':';
	end = fetch_port_format(parts->port, end);
	*end = '\0';
	assert(end - origin < FETCH_URL_ORIGIN_CAP);
}

/* The object with its strings behind it, in one piece of memory. */
static int
create_url(const struct fetch_url_parts *parts, const char *text, size_t text_len,
	struct fetch_url **ret_url, struct fetch_reason *reason)
{
	char origin[FETCH_URL_ORIGIN_CAP];
	bool is_bracketed = parts->host[0] == '[';
	size_t host_len = strlen(parts->host) - (is_bracketed ? 2 : 0);
	size_t display_len = parts->display ? strlen(parts->display) + 1 : 0;
	size_t origin_len;
	struct fetch_url *url;
	char *next;

	format_origin(parts, origin);
	origin_len = strlen(origin);
	url = malloc(sizeof(*url) + text_len + 1 + display_len + origin_len + 1 + host_len + 1);
	if (!url) {
		return refuse(CURLUE_OUT_OF_MEMORY, reason);
	}
	next = (char *)(url + 1);

	url->text = next;
	next = mempcpy(next, text, text_len);
	*next++ = '\0';
	url->display = display_len > 0 ? next : url->text;
	if (display_len > 0) {
		next = mempcpy(next, parts->display, display_len);
	}
	url->path = parts->path > 0 ? url->text + parts->path : NULL;
	url->origin = next;
	next = mempcpy(next, origin, origin_len + 1);
	url->host = next;
	next = mempcpy(next, parts->host + is_bracketed, host_len);
	*next = '\0';

	url->address = parts->address;
	url->port = parts->port;
	url->is_https = parts->is_https;
	url->has_userinfo = parts->has_userinfo;
	*ret_url = url;
	return 0;
}

int
fetch_url_check(const char *text, size_t len, struct fetch_reason *reason)
{
	_cleanup_(parts_fini) struct fetch_url_parts parts = { .port = 0 };

	return scan(text, len, &parts, reason);
}

int
fetch_url_origin(const char *text, size_t len, char *ret_origin, struct fetch_reason *reason)
{
	_cleanup_(parts_fini) struct fetch_url_parts parts = { .port = 0 };
	int r = scan(text, len, &parts, reason);

	if (r == 0) {
		format_origin(&parts, ret_origin);
	}
	return r;
}

int
fetch_url_parse(
	const char *text, size_t len, struct fetch_url **ret_url, struct fetch_reason *reason)
{
	_cleanup_(parts_fini) struct fetch_url_parts parts = { .port = 0 };
	int r = scan(text, len, &parts, reason);

	if (r < 0) {
		return r;
	}
	if (parts.text) {
		text = parts.text;
		len = strlen(parts.text);
	}
	return create_url(&parts, text, len, ret_url, reason);
}

/* --- redirects --- */

/*
 * Gives @handle the user info of @base: an absolute Location to one's own origin loses no
 * credentials.
 */
static int
copy_userinfo(CURLU *handle, const struct fetch_url *base, struct fetch_reason *reason)
{
	static const CURLUPart which[] = { CURLUPART_USER, CURLUPART_PASSWORD };
	_cleanup_(curl_url_cleanupp) CURLU *from = curl_url();
	CURLUcode code =
		from ? curl_url_set(from, CURLUPART_URL, base->text, 0) : CURLUE_OUT_OF_MEMORY;

	for (size_t i = 0; i < ARRAY_LEN(which) && code == CURLUE_OK; i++) {
		_cleanup_(curl_stringp) char *value = NULL;

		if (curl_url_get(from, which[i], &value, 0) == CURLUE_OK) {
			code = curl_url_set(handle, which[i], value, 0);
		}
	}
	return code == CURLUE_OK ? 0 : refuse(code, reason);
}

static int
resolve_parts(const struct fetch_url *base, const char *location, struct fetch_url_parts *parts,
	struct fetch_reason *reason)
{
	_cleanup_(curl_url_cleanupp) CURLU *handle = curl_url();
	char origin[FETCH_URL_ORIGIN_CAP];
	CURLUcode code =
		handle ? curl_url_set(handle, CURLUPART_URL, base->text, 0) : CURLUE_OUT_OF_MEMORY;
	int r;

	if (code == CURLUE_OK) {
		code = curl_url_set(
			handle, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_ALLOW_SPACE);
	}
	if (code != CURLUE_OK) {
		return refuse(code, reason);
	}
	r = read_handle(handle, parts, reason);
	if (r < 0 || !base->has_userinfo || parts->has_userinfo) {
		return r;
	}
	format_origin(parts, origin);
	if (strcmp(origin, base->origin) != 0) {
		return 0;
	}
	r = copy_userinfo(handle, base, reason);
	return r < 0 ? r : read_texts(handle, parts, reason);
}

int
fetch_url_resolve(const struct fetch_url *base, const char *location, struct fetch_url **ret_url,
	struct fetch_reason *reason)
{
	_cleanup_(parts_fini) struct fetch_url_parts parts = { .port = 0 };
	_cleanup_(freep) char *trimmed = NULL;
	size_t len;
	int r;

	location += strspn(location, " \t");
	len = strlen(location);
	while (len > 0 && (location[len - 1] == ' ' || location[len - 1] == '\t')) {
		len--;
	}
	r = fetch_url_text_check_location(location, len, reason);
	if (r < 0) {
		return r;
	}
	if (location[0] == '#') {
		/* The same URL (RFC 3986, 5.2.2), of which libcurl 7.88 would cut the last segment.
		 */
		return fetch_url_parse(base->text, strlen(base->text), ret_url, reason);
	}
	trimmed = strndup(location, len);
	if (!trimmed) {
		return refuse(CURLUE_OUT_OF_MEMORY, reason);
	}
	r = resolve_parts(base, trimmed, &parts, reason);
	if (r < 0) {
		return r;
	}
	assert(parts.text);
	return create_url(&parts, parts.text, strlen(parts.text), ret_url, reason);
}

void
fetch_url_redact(const char *text, size_t len, struct buffer *buffer)
{
	_cleanup_(parts_fini) struct fetch_url_parts parts = { .port = 0 };
	size_t start = fetch_url_text_scheme_len(text, len);
	size_t end = len;
	const char *at;

	if (fetch_url_scan_plain(text, len, &parts)) {
		buffer_append(buffer, text, len);
		return;
	}
	start = start > 0 && start + 1 < len && text[start + 1] == '/' ? start + 1 : 0;
	while (start < len && text[start] == '/') {
		start++;
	}
	/* In a URL that is refused, nobody knows where the user info was meant to end. */
	if (scan(text, len, &parts, NULL) == 0) {
		end = start + fetch_url_text_authority_len(text + start, len - start);
	}
	at = memrchr(text + start, '@', end - start);
	buffer_append(buffer, text, start);
	start = at ? (size_t)(at + 1 - text) : start;
	buffer_append(buffer, text + start, len - start);
}

void
fetch_url_destroy(struct fetch_url *url)
{
	free(url); /* its strings lie behind it */
}
