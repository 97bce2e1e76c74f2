/* SPDX-License-Identifier: MIT */
/*
 * A URL, and behind a newline a Location that it answers with. What is accepted must be canonical, shown
 * without user info, and mean the same to the short way and to libcurl; what an address policy says of a
 * literal must not depend on how it was spelt.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <fetch/expect.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fetch/names/hosts_file.h"
#include "lib/fetch/rules/address_policy.h"
#include "lib/fetch/rules/url.h"
#include "tests/fuzz/always.h"

static bool
is_equal_url(const struct fetch_url *a, const struct fetch_url *b)
{
	return strcmp(a->text, b->text) == 0 && strcmp(a->display, b->display) == 0 &&
	       strcmp(a->origin, b->origin) == 0 && strcmp(a->host, b->host) == 0 &&
	       a->port == b->port && a->is_https == b->is_https &&
	       fetch_address_is_equal(&a->address, &b->address);
}

static void
check_same(const char *text, const struct fetch_url *expected)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;

	ALWAYS(fetch_url_parse(text, strlen(text), &url, NULL) == 0);
	ALWAYS(is_equal_url(url, expected));
}

/* The scheme in capitals leads past the short way, to libcurl. */
static void
check_by_libcurl(const struct fetch_url *url)
{
	_cleanup_(freep) char *text = strdup(url->text);

	ALWAYS(text);
	for (char *c = text; *c != ':'; c++) {
		*c = (char)toupper((unsigned char)*c);
	}
	check_same(text, url);
}

/* What the handle of a request is given in place of the whole text. */
static void
check_path(const struct fetch_url *url)
{
	CURLU *handle = curl_url();
	char *path = NULL;
	char *query = NULL;
	size_t len;

	ALWAYS(handle && curl_url_set(handle, CURLUPART_URL, url->text, 0) == CURLUE_OK);
	ALWAYS(curl_url_get(handle, CURLUPART_PATH, &path, 0) == CURLUE_OK);
	(void)curl_url_get(handle, CURLUPART_QUERY, &query, 0); /* an error is: none */
	len = strlen(path);
	ALWAYS(strncmp(url->path, path, len) == 0);
	ALWAYS(query ? url->path[len] == '?' && strcmp(url->path + len + 1, query) == 0
		     : url->path[len] == '\0');
	ALWAYS(!strchr(url->path, '%')); /* libcurl would write its letters small */
	curl_free(path);
	curl_free(query);
	curl_url_cleanup(handle);
}

static void
check_policy(const struct fetch_url *url)
{
	struct fetch_address_policy policies[] = {
		{ .profile = FETCH_PROFILE_DEFAULT },
		{ .profile = FETCH_PROFILE_PUBLIC_ONLY },
	};
	struct fetch_address mapped = { .family = AF_INET6, .bytes = { [10] = 0xff, 0xff } };
	struct fetch_reason reason;
	int verdict[2];

	for (size_t i = 0; i < 2; i++) {
		verdict[i] = fetch_address_policy_check(&policies[i], &url->address, &reason);
		if (url->address.family == AF_INET) {
			memcpy(mapped.bytes + 12, url->address.bytes, 4);
			ALWAYS(fetch_address_policy_check(&policies[i], &mapped, &reason) ==
				verdict[i]);
		}
	}
	ALWAYS(verdict[0] == 0 || verdict[1] < 0); /* what the default denies is not public */
}

static void
check_host(const char *host)
{
	ALWAYS(strlen(host) >= 1 && strlen(host) <= 253);
	for (; *host; host++) {
		ALWAYS(islower((unsigned char)*host) || isdigit((unsigned char)*host) ||
			strchr("-_.:", *host));
	}
}

static void
check_url(const struct fetch_url *url)
{
	struct buffer redacted = BUFFER_INIT;
	char origin[FETCH_URL_ORIGIN_CAP];

	for (const char *c = url->text; *c; c++) {
		ALWAYS((unsigned char)*c > ' ' && (unsigned char)*c < 0x7f);
	}
	check_host(url->host);
	check_same(url->text, url);
	check_by_libcurl(url);
	ALWAYS(fetch_url_origin(url->text, strlen(url->text), origin, NULL) == 0);
	ALWAYS(strcmp(origin, url->origin) == 0);
	ALWAYS(url->port > 0);

	fetch_url_redact(url->text, strlen(url->text), &redacted);
	ALWAYS(buffer_error(&redacted) == 0 && strcmp(redacted.data, url->display) == 0);
	buffer_fini(&redacted);
	if (fetch_url_is_literal(url)) {
		check_policy(url);
	}
	if (url->path) {
		check_path(url);
	}
}

static void
check_others(const char *text, size_t len)
{
	_cleanup_(freep) char *copy = strndup(text, len);
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts = NULL;
	struct fetch_expect expect = FETCH_EXPECT_INIT;
	struct fetch_cidr cidr;
	struct fetch_reason reason;

	ALWAYS(copy && fetch_hosts_parse(text, len, &hosts) == 0);
	(void)fetch_cidr_parse(copy, &cidr, &reason);
	(void)fetch_expect_add(&expect, copy, &reason);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	const char *newline = memchr(text, '\n', len);
	size_t url_len = newline ? (size_t)(newline - text) : len;
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	_cleanup_(fetch_url_destroyp) struct fetch_url *hop = NULL;
	_cleanup_(freep) char *location = NULL;
	struct fetch_reason reason = { "" };
	int r = fetch_url_check(text, url_len, &reason);

	check_others(text, len);
	ALWAYS((r == 0) == (reason.text[0] == '\0'));
	ALWAYS(fetch_url_parse(text, url_len, &url, NULL) == r);
	if (r < 0) {
		return 0;
	}
	check_url(url);
	if (!newline) {
		return 0;
	}
	location = strndup(newline + 1, len - url_len - 1);
	ALWAYS(location);
	if (fetch_url_resolve(url, location, &hop, &reason) == 0) {
		check_url(hop);
		ALWAYS(!url->has_userinfo || hop->has_userinfo ||
			strcmp(url->origin, hop->origin) != 0);
	}
	return 0;
}
