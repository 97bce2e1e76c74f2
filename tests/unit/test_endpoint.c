/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "daemon/config/endpoint.h"
#include "lib/base/cleanup.h"

static const struct {
	const char *text;
	bool is_loopback;
} good[] = {
	{ "127.0.0.1:9464", true },
	{ "127.255.0.9:0", true },
	{ "[::1]:65535", true },
	{ "0.0.0.0:80", false },
	{ "[::]:80", false },
	{ "[::ffff:127.0.0.1]:80", false },
	{ "192.0.2.1:80", false },
};

START_TEST(an_address_with_a_port_is_read_and_written)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT_CAP];

	ck_assert(endpoint_parse(good[_i].text, &endpoint));

	ck_assert_str_eq(endpoint_format(&endpoint, text), good[_i].text);
	ck_assert_int_eq(endpoint_is_loopback(&endpoint), good[_i].is_loopback);
}
END_TEST

static const char *const bad[] = { "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
	"127.0.0.1:080808", "127.0.0.1:8x", "127.0.0.1: 8", "localhost:80", "127.1:80", "::1:80",
	"[::1]", "[::1]80", "[::1", "[]:80", "[127.0.0.1]:80", "9464", "[::1]:80:80",
	"[1111:2222:3333:4444:5555:6666:7777:8888:9999]:80",
	"[0000000000000000000000000000000000000000000000000001]:80" };

START_TEST(anything_else_is_refused)
{
	struct endpoint endpoint = { .port = 7 };

	ck_assert(!endpoint_parse(bad[_i], &endpoint));
	ck_assert_uint_eq(endpoint.port, 7);
}
END_TEST

START_TEST(none_is_none)
{
	struct endpoint none = { .port = 0 };
	struct endpoint other;
	char text[ENDPOINT_TEXT_CAP];

	ck_assert_str_eq(endpoint_format(&none, text), "");
	ck_assert(!endpoint_is_loopback(&none));
	ck_assert(endpoint_is_equal(&none, &(struct endpoint){ .port = 0 }));
	ck_assert(endpoint_parse("127.0.0.1:0", &other));
	ck_assert(!endpoint_is_equal(&none, &other));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *tc = tcase_create("endpoint");

	tcase_add_loop_test(tc, an_address_with_a_port_is_read_and_written, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, anything_else_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, none_is_none);
	suite_add_tcase(suite, tc);
	return suite;
}
