/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fetch/rules/url.h"

/* What a URL becomes: display only where it differs from text. */
struct good {
	const char *given;
	const char *text;
	const char *origin;
	const char *host;
	const char *display;
};

static const struct good goods[] = {
	/* the usual form: kept as it is */
	{ "http://example.org/", "http://example.org/", "http://example.org:80", "example.org" },
	{ "https://example.org/a/b?c=d&e=1", "https://example.org/a/b?c=d&e=1",
		"https://example.org:443", "example.org" },
	{ "http://a_b.example:8080/", "http://a_b.example:8080/", "http://a_b.example:8080",
		"a_b.example" },
	{ "http://127.0.0.1:9/x", "http://127.0.0.1:9/x", "http://127.0.0.1:9", "127.0.0.1" },
	{ "https://example.org/@scope/pkg", "https://example.org/@scope/pkg",
		"https://example.org:443", "example.org" },
	/* one form for all that mean the same */
	{ "HTTP://EXAMPLE.org", "http://example.org/", "http://example.org:80", "example.org" },
	{ "http://example.org:80/", "http://example.org/", "http://example.org:80", "example.org" },
	{ "https://example.org:443/", "https://example.org/", "https://example.org:443",
		"example.org" },
	{ "http://example.org:/", "http://example.org/", "http://example.org:80", "example.org" },
	{ "http://example.org:080/", "http://example.org/", "http://example.org:80",
		"example.org" },
	{ "http://example.org./", "http://example.org/", "http://example.org:80", "example.org" },
	{ "http://localhost./", "http://localhost/", "http://localhost:80", "localhost" },
	{ "http://x.localhost/", "http://x.localhost/", "http://x.localhost:80", "x.localhost" },
	{ "http://example.org/../../x", "http://example.org/x", "http://example.org:80",
		"example.org" },
	{ "http://example.org/a/./b/../c", "http://example.org/a/c", "http://example.org:80",
		"example.org" },
	{ "http://example.org/x#part", "http://example.org/x", "http://example.org:80",
		"example.org" },
	{ "http://example.org?q", "http://example.org/?q", "http://example.org:80", "example.org" },
	{ "http://example.org/%2e%2e/%C3", "http://example.org/%2e%2e/%C3", "http://example.org:80",
		"example.org" },
	{ "http://example.org/\xc3\xa4", "http://example.org/%c3%a4", "http://example.org:80",
		"example.org" },
	{ "http://b\xc3\xbc"
	  "cher.example/",
		"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example:80",
		"xn--bcher-kva.example" },
	{ "http://a\xe3\x80\x82"
	  "b/",
		"http://a.b/", "http://a.b:80", "a.b" },
	{ "http://example.org/x?", "http://example.org/x", "http://example.org:80", "example.org" },
	/* literals */
	{ "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "http://127.0.0.1/",
		"http://127.0.0.1:80", "127.0.0.1" },
	{ "http://0x7f.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://0177.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://2130706433/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://127.0.0.1./", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://0x7f.1./", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://017700000001.:8080/a?b#c", "http://127.0.0.1:8080/a?b", "http://127.0.0.1:8080",
		"127.0.0.1" },
	{ "https://2130706433.:443", "https://127.0.0.1/", "https://127.0.0.1:443", "127.0.0.1" },
	{ "http://127.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://0X7F000001/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1" },
	{ "http://0/", "http://0.0.0.0/", "http://0.0.0.0:80", "0.0.0.0" },
	{ "http://[::1]/", "http://[::1]/", "http://[::1]:80", "::1" },
	{ "https://[0:0:0:0:0:0:0:1]:8443/x", "https://[::1]:8443/x", "https://[::1]:8443", "::1" },
	{ "http://[2001:DB8::A]/", "http://[2001:db8::a]/", "http://[2001:db8::a]:80",
		"2001:db8::a" },
	{ "http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/",
		"http://[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1" },
	{ "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]:80",
		"64:ff9b::7f00:1" },
	/* user info is kept for the request and never shown */
	{ "http://user:secret@example.org/", "http://user:secret@example.org/",
		"http://example.org:80", "example.org", "http://example.org/" },
	{ "https://token@example.org:8443/p", "https://token@example.org:8443/p",
		"https://example.org:8443", "example.org", "https://example.org:8443/p" },
	{ "http://@example.org/", "http://example.org/", "http://example.org:80", "example.org" },
	{ "http://a%40b:c%2fd@[::1]/", "http://a%40b:c%2fd@[::1]/", "http://[::1]:80", "::1",
		"http://[::1]/" },
};

static struct fetch_url *
parse(const char *text)
{
	struct fetch_url *url = NULL;
	struct fetch_reason reason = { "" };
	int r = fetch_url_parse(text, strlen(text), &url, &reason);

	ck_assert_msg(r == 0, "%s: %s", text, reason.text);
	return url;
}

START_TEST(every_spelling_has_one_canonical_form)
{
	const struct good *good = &goods[_i];
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = parse(good->given);

	ck_assert_str_eq(url->text, good->text);
	ck_assert_str_eq(url->origin, good->origin);
	ck_assert_str_eq(url->host, good->host);
	ck_assert_str_eq(url->display, good->display ? good->display : good->text);
	ck_assert_int_eq(url->has_userinfo, good->display != NULL);
}
END_TEST

START_TEST(the_canonical_form_is_its_own)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = parse(goods[_i].given);
	_cleanup_(fetch_url_destroyp) struct fetch_url *again = parse(url->text);

	ck_assert_str_eq(again->text, url->text);
	ck_assert_str_eq(again->origin, url->origin);
	ck_assert_str_eq(again->display, url->display);
}
END_TEST

START_TEST(origin_and_check_agree_with_parse)
{
	const char *given = goods[_i].given;
	char origin[FETCH_URL_ORIGIN_CAP];

	ck_assert_int_eq(fetch_url_check(given, strlen(given), NULL), 0);
	ck_assert_int_eq(fetch_url_origin(given, strlen(given), origin, NULL), 0);
	ck_assert_str_eq(origin, goods[_i].origin);
}
END_TEST

/* "HTTP:" sends the URL to libcurl's parser, "http:" lets the short way have it if it wants. */
START_TEST(the_short_way_finds_what_libcurl_finds)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = parse(goods[_i].text);
	_cleanup_(freep) char *upper = strdup(goods[_i].text);
	_cleanup_(fetch_url_destroyp) struct fetch_url *by_libcurl = NULL;

	memcpy(upper, "HTTP", 4);
	by_libcurl = parse(upper);

	ck_assert_str_eq(by_libcurl->text, url->text);
	ck_assert_str_eq(by_libcurl->origin, url->origin);
	ck_assert_str_eq(by_libcurl->host, url->host);
	ck_assert(fetch_address_is_equal(&by_libcurl->address, &url->address));
}
END_TEST

START_TEST(literals_come_with_their_address)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *v4 = parse("http://0x7f.1/");
	_cleanup_(fetch_url_destroyp) struct fetch_url *v6 = parse("https://[::1]/");
	_cleanup_(fetch_url_destroyp) struct fetch_url *name = parse("http://example.org:81/");

	ck_assert(fetch_url_is_literal(v4));
	ck_assert_int_eq(v4->address.family, AF_INET);
	ck_assert_mem_eq(v4->address.bytes, ((uint8_t[]){ 127, 0, 0, 1 }), 4);
	ck_assert_int_eq(v6->address.family, AF_INET6);
	ck_assert_int_eq(v6->address.bytes[15], 1);
	ck_assert(v6->is_https);
	ck_assert_int_eq(v6->port, 443);
	ck_assert(!fetch_url_is_literal(name));
	ck_assert(!name->is_https);
	ck_assert_int_eq(name->port, 81);
}
END_TEST

/* A refused URL and a piece of the reason that must be given. */
struct bad {
	const char *given;
	const char *reason;
};

#define LABEL_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOST_253 \
	LABEL_63 "." LABEL_63 "." LABEL_63 \
		 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad bads[] = {
	{ "", "empty" },
	{ " ", "space" },
	{ "http://example.org/a b", "%20" },
	{ " http://example.org/", "space at byte 1" },
	{ "http://example.org/\t", "0x09 at byte 20" },
	{ "http://example.org/\r\nHost: evil", "0x0d" },
	{ "http://exa\nmple.org/", "0x0a" },
	{ "http://example.org/\x7f", "0x7f" },
	{ "example.org/", "no scheme" },
	{ "example.org", "no scheme" },
	{ "localhost:8080/", "no scheme" },
	{ "//example.org/", "no scheme" },
	{ "://example.org/", "no scheme" },
	{ "/path", "no scheme" },
	{ "ftp://example.org/", "\"ftp\" is not supported" },
	{ "file:///etc/passwd", "\"file\" is not supported" },
	{ "javascript:alert(1)", "\"javascript\" is not supported" },
	{ "data:,x", "\"data\" is not supported" },
	{ "unix:/run/x.sock", "\"unix\" is not supported" },
	{ "httpx://example.org/", "\"httpx\" is not supported" },
	{ "http:example.org", "two slashes" },
	{ "http:/example.org", "two slashes" },
	{ "http:///path", "two slashes" },
	{ "http:////example.org/", "two slashes" },
	{ "http:\\\\example.org\\", "two slashes" },
	{ "http://", "no host" },
	{ "http:///", "two slashes" },
	{ "http://?q", "no host" },
	{ "http://:80/", "no host" },
	{ "http://user@/", "no host" },
	{ "http://user@:80/", "no host" },
	{ "http://example.org\\@evil.example/", "backslash" },
	{ "http://example.org\\path", "backslash" },
	{ "http://a@b@example.org/", "two @" },
	{ "http://user:p:w@d@example.org/", "two @" },
	{ "http://\xc3\xa4@example.org/", "not ASCII" },
	{ "http://example.org:0/", "between 1 and 65535" },
	{ "http://example.org:00000/", "between 1 and 65535" },
	{ "http://example.org:65536/", "between 1 and 65535" },
	{ "http://example.org:99999999999999999999/", "between 1 and 65535" },
	{ "http://example.org:-1/", "not a number" },
	{ "http://example.org:+80/", "not a number" },
	{ "http://example.org:80x/", "not a number" },
	{ "http://example.org:80:81/", "not a number" },
	{ "http://::1/", "no host" },
	{ "http://2001:db8::1/", "brackets" },
	{ "http://127.0.0.1../", "empty label" },
	{ "http://256.1.1.1./", "ends in a number" },
	{ "http://1.2.3.4.5./", "ends in a number" },
	{ "http://example.0x1./", "ends in a number" },
	{ "http://256.1.1.1/", "ends in a number" },
	{ "http://1.2.3.4.5/", "ends in a number" },
	{ "http://4294967296/", "ends in a number" },
	{ "http://1.0x/", "ends in a number" },
	{ "http://example.1/", "ends in a number" },
	{ "http://[::1/", "closing bracket" },
	{ "http://[::1", "closing bracket" },
	{ "http://[::1]x/", "after the bracket" },
	{ "http://[::1]:0/", "between 1 and 65535" },
	{ "http://[fe80::1%25eth0]/", "zone id" },
	{ "http://[fe80::1%eth0]/", "zone id" },
	{ "http://[]/", "" },
	{ "http://[::g]/", "" },
	{ "http://[127.0.0.1]/", "" },
	{ "http://[v1.x]/", "" },
	{ "http://a..b/", "empty label" },
	{ "http://.com/", "empty label" },
	{ "http://./", "" },
	{ "http://../", "" },
	{ "http://example.org../", "" },
	{ "http://" LABEL_64 ".example/", "64 characters" },
	{ "http://a" HOST_253 "/", "254 characters" },
	{ "http://a" HOST_253 "./", "254 characters" },
	{ "http://xn--/", "xn--" },
	{ "http://a.XN--.b/", "xn--" },
	{ "http://exa%00mple.org/", "percent sign" },
	{ "http://example.org%2f.evil/", "percent sign" },
	{ "http://%31%32%37.0.0.1/", "percent sign" },
	{ "http://exam ple.org/", "space" },
	{ "http://exam!ple.org/", "" },
	{ "http://exam*ple.org/", "" },
	{ "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/", "ends in a number" },
	{ "http://\xff\xfe.org/", "neither a name" },
	{ "http://\xc0\xae.org/", "" },
};

START_TEST(what_cannot_be_right_is_refused_with_the_reason)
{
	const struct bad *bad = &bads[_i];
	struct fetch_reason reason = { "" };
	struct fetch_url *url = NULL;

	ck_assert_msg(fetch_url_check(bad->given, strlen(bad->given), &reason) == -EINVAL, "%s",
		bad->given);
	ck_assert_msg(strlen(reason.text) > 0 && strstr(reason.text, bad->reason), "%s: %s",
		bad->given, reason.text);
	ck_assert_int_eq(fetch_url_parse(bad->given, strlen(bad->given), &url, NULL), -EINVAL);
	ck_assert_ptr_null(url);
}
END_TEST

START_TEST(a_nul_inside_is_refused)
{
	ck_assert_int_eq(fetch_url_check("http://a\0b/", 11, NULL), -EINVAL);
	ck_assert_int_eq(fetch_url_check("http://a/\0", 10, NULL), -EINVAL);
	ck_assert_int_eq(fetch_url_check("HTTP\0://a/", 10, NULL), -EINVAL);
}
END_TEST

START_TEST(the_longest_host_and_the_longest_url_are_taken)
{
	_cleanup_(freep) char *longest = malloc(FETCH_URL_MAX + 1);
	char origin[FETCH_URL_ORIGIN_CAP];

	memset(longest, 'a', FETCH_URL_MAX + 1);
	memcpy(longest, "http://b/", 9);

	ck_assert_int_eq(fetch_url_check("https://" HOST_253 ":65535/", 7 + 1 + 253 + 7, NULL), 0);
	ck_assert_int_eq(
		fetch_url_origin("https://" HOST_253 ":65535/", 7 + 1 + 253 + 7, origin, NULL), 0);
	ck_assert_uint_eq(strlen(origin), 8 + 253 + 6);
	ck_assert_int_eq(fetch_url_check(longest, FETCH_URL_MAX, NULL), 0);
	ck_assert_int_eq(fetch_url_check(longest, FETCH_URL_MAX + 1, NULL), -EINVAL);
}
END_TEST

START_TEST(a_url_that_encoding_makes_too_long_is_refused)
{
	_cleanup_(freep) char *text = malloc(FETCH_URL_MAX);

	memset(text, '\xe4', FETCH_URL_MAX);
	memcpy(text, "http://b/", 9);

	ck_assert_int_eq(fetch_url_check(text, FETCH_URL_MAX, NULL), -EINVAL);
}
END_TEST

/* Where a Location leads from the base; NULL: refused. */
struct hop {
	const char *base;
	const char *location;
	const char *text;
};

static const struct hop hops[] = {
	{ "http://a.example/x/y?q", "z", "http://a.example/x/z" },
	{ "http://a.example/x/y?q", "/z", "http://a.example/z" },
	{ "http://a.example/x/y", "../../../z", "http://a.example/z" },
	{ "http://a.example/x/y", "?n=1", "http://a.example/x/y?n=1" },
	{ "http://a.example/x", "#part", "http://a.example/x" },
	{ "http://a.example/x", "//b.example/z", "http://b.example/z" },
	{ "https://a.example/x", "//b.example:444", "https://b.example:444/" },
	{ "http://a.example/x", "https://B.example", "https://b.example/" },
	{ "http://a.example/x", "http://0x7f.1/", "http://127.0.0.1/" },
	{ "http://a.example/x", " \t/z \t", "http://a.example/z" },
	{ "http://a.example/x", "/a b", "http://a.example/a%20b" },
	{ "http://a.example/x", "http://b.example/a b", "http://b.example/a%20b" },
	{ "http://a.example/x", "/\xc3\xa4", "http://a.example/%c3%a4" },
	{ "http://a.example/x", "/\\evil.example", "http://a.example/\\evil.example" },
	/* user info stays with the origin */
	{ "http://u:p@a.example/x", "/z", "http://u:p@a.example/z" },
	{ "http://u:p@a.example/x", "http://a.example/z", "http://u:p@a.example/z" },
	{ "http://u:p@a.example/x", "http://A.example:80/z", "http://u:p@a.example/z" },
	{ "http://u:p@a.example/x", "http://v@a.example/z", "http://v@a.example/z" },
	{ "http://u:p@a.example/x", "http://b.example/z", "http://b.example/z" },
	{ "http://u:p@a.example/x", "https://a.example/z", "https://a.example/z" },
	{ "http://u:p@a.example/x", "http://a.example:81/z", "http://a.example:81/z" },
	{ "http://u:p@a.example/x", "//b.example/z", "http://b.example/z" },
	/* refused */
	{ "http://a.example/x", "", NULL },
	{ "http://a.example/x", "  ", NULL },
	{ "http://a.example/x", "file:///etc/passwd", NULL },
	{ "http://a.example/x", "ftp://b.example/", NULL },
	{ "http://a.example/x", "gopher://127.0.0.1:25/x", NULL },
	{ "http://a.example/x", "http:/b.example", NULL },
	{ "http://a.example/x", "http:b.example", NULL },
	{ "http://a.example/x", "///b.example/", NULL },
	{ "http://a.example/x", "//", NULL },
	{ "http://a.example/x", "//b.example:0/", NULL },
	{ "http://a.example/x", "//b.example\\@c.example/", NULL },
	{ "http://a.example/x", "http://a@b@c/", NULL },
	{ "http://a.example/x", "http://1.2.3.4./", "http://1.2.3.4/" },
	{ "http://a.example/x", "http://1.2.3.4.5/", NULL },
	{ "http://a.example/x", "//a b/", NULL },
	{ "http://a.example/x", "/a\r\nX: y", NULL },
	{ "http://a.example/x", "/\x01", NULL },
};

START_TEST(a_location_is_resolved_and_judged_like_a_url)
{
	const struct hop *hop = &hops[_i];
	_cleanup_(fetch_url_destroyp) struct fetch_url *base = parse(hop->base);
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	struct fetch_reason reason = { "" };
	int r = fetch_url_resolve(base, hop->location, &url, &reason);

	if (hop->text) {
		ck_assert_msg(r == 0, "%s: %s", hop->location, reason.text);
		ck_assert_str_eq(url->text, hop->text);
		ck_assert_ptr_null(strstr(url->display, "u:p"));
	} else {
		ck_assert_msg(
			r == -EINVAL, "%s: taken as %s", hop->location, url ? url->text : "?");
		ck_assert_uint_gt(strlen(reason.text), 0);
		ck_assert_ptr_null(url);
	}
}
END_TEST

START_TEST(a_location_of_a_megabyte_is_refused)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *base = parse("http://a.example/");
	_cleanup_(freep) char *location = calloc(1, (1 << 20) + 1);
	struct fetch_url *url = NULL;

	memset(location, '/', 1 << 20);
	location[1] = 'a';

	ck_assert_int_eq(fetch_url_resolve(base, location, &url, NULL), -EINVAL);
}
END_TEST

static const char *const redactions[][2] = {
	{ "http://example.org/", "http://example.org/" },
	{ "http://u:p@example.org/", "http://example.org/" },
	{ "https://u@example.org/@scope?x=@", "https://example.org/@scope?x=@" },
	{ "http://a@b@example.org/", "http://example.org/" },
	{ "http:/u:p@example.org//x", "http:/example.org//x" },
	{ "http://u:p/w@example.org/", "http://example.org/" },
	{ "u:p@example.org/", "example.org/" },
	{ "//u:p@example.org/", "//example.org/" },
	{ "ftp://u:p@example.org/", "ftp://example.org/" },
	{ "", "" },
	{ "@", "" },
};

START_TEST(redacted_text_shows_no_user_info)
{
	struct buffer buffer = BUFFER_INIT;

	fetch_url_redact(redactions[_i][0], strlen(redactions[_i][0]), &buffer);

	ck_assert_int_eq(buffer_error(&buffer), 0);
	ck_assert_str_eq(buffer.data ? buffer.data : "", redactions[_i][1]);
	buffer_fini(&buffer);
}
END_TEST

START_TEST(reasons_never_show_the_password)
{
	static const char *const texts[] = {
		"http://user:secret@exa mple.org/",
		"http://user:secret@@example.org/",
		"http://user:secret@example.org:99999/",
		"http://user:secret@",
		"http://user:secret@256.1.1.1/",
		"user:secret@example.org/",
		"http://user:sec/secret@example.org/",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fetch_reason reason = { "" };

		ck_assert_int_eq(fetch_url_check(texts[i], strlen(texts[i]), &reason), -EINVAL);
		ck_assert_msg(!strstr(reason.text, "secret"), "%s", reason.text);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("parsing");

	tcase_add_loop_test(tc, every_spelling_has_one_canonical_form, 0, ARRAY_LEN(goods));
	tcase_add_loop_test(tc, the_canonical_form_is_its_own, 0, ARRAY_LEN(goods));
	tcase_add_loop_test(tc, origin_and_check_agree_with_parse, 0, ARRAY_LEN(goods));
	tcase_add_loop_test(tc, the_short_way_finds_what_libcurl_finds, 0, ARRAY_LEN(goods));
	tcase_add_test(tc, literals_come_with_their_address);
	tcase_add_test(tc, the_longest_host_and_the_longest_url_are_taken);
	suite_add_tcase(suite, tc);

	tc = tcase_create("refusals");
	tcase_add_loop_test(
		tc, what_cannot_be_right_is_refused_with_the_reason, 0, ARRAY_LEN(bads));
	tcase_add_test(tc, a_nul_inside_is_refused);
	tcase_add_test(tc, a_url_that_encoding_makes_too_long_is_refused);
	tcase_add_test(tc, reasons_never_show_the_password);
	suite_add_tcase(suite, tc);

	tc = tcase_create("redirects");
	tcase_add_loop_test(tc, a_location_is_resolved_and_judged_like_a_url, 0, ARRAY_LEN(hops));
	tcase_add_test(tc, a_location_of_a_megabyte_is_refused);
	suite_add_tcase(suite, tc);

	tc = tcase_create("showing");
	tcase_add_loop_test(tc, redacted_text_shows_no_user_info, 0, ARRAY_LEN(redactions));
	suite_add_tcase(suite, tc);
	return suite;
}
