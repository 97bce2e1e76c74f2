/* SPDX-License-Identifier: MIT */
#include <nursery/address.h>

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

static const char *
text_of(const struct nur_address *address)
{
	static char text[NUR_ADDRESS_TEXT_CAP];

	ck_assert_uint_eq(nur_address_format(address, text, sizeof(text)), strlen(text));
	return text;
}

static const struct {
	const char *host;
	uint16_t port;
	int family;
	const char *text;
} literals[] = {
	{ "192.0.2.7", 80, AF_INET, "192.0.2.7:80" },
	{ "255.255.255.255", 65535, AF_INET, "255.255.255.255:65535" },
	{ "2001:DB8:0:0::1", 443, AF_INET6, "[2001:db8::1]:443" },
	{ "::", 0, AF_INET6, "[::]:0" },
	{ "::ffff:192.0.2.7", 1, AF_INET6, "[::ffff:192.0.2.7]:1" },
	{ "fe80::1%lo", 80, AF_INET6, "[fe80::1%lo]:80" },
};

START_TEST(a_literal_is_read_and_written)
{
	struct nur_address address;

	ck_assert_int_eq(nur_address_parse(literals[_i].host, literals[_i].port, &address), 0);
	ck_assert_int_eq(address.any.sa_family, literals[_i].family);
	ck_assert_uint_eq(nur_address_port(&address), literals[_i].port);
	ck_assert_str_eq(text_of(&address), literals[_i].text);
}
END_TEST

static const struct {
	const char *host;
	int error;
} refused[] = {
	{ "", -EINVAL },
	{ "localhost", -EINVAL },
	{ "192.0.2", -EINVAL },
	{ "0x7f.1", -EINVAL },
	{ "192.0.2.7:80", -EINVAL },
	{ "[::1]", -EINVAL },
	{ ":::", -EINVAL },
	{ "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", -EINVAL },
	{ "fe80::1%no-such-interface", -ENODEV },
	{ "fe80::1%", -ENODEV },
};

START_TEST(anything_else_is_refused)
{
	struct nur_address address = { .len = 1 };

	ck_assert_int_eq(nur_address_parse(refused[_i].host, 80, &address), refused[_i].error);
	ck_assert_uint_eq(address.len, 1);
}
END_TEST

START_TEST(wildcards_and_loopbacks_have_two_families)
{
	struct nur_address addresses[2];

	nur_address_wildcards(80, addresses);
	ck_assert_str_eq(text_of(&addresses[0]), "[::]:80");
	ck_assert_str_eq(text_of(&addresses[1]), "0.0.0.0:80");
	nur_address_loopbacks(80, addresses);
	ck_assert_str_eq(text_of(&addresses[0]), "[::1]:80");
	ck_assert_str_eq(text_of(&addresses[1]), "127.0.0.1:80");
}
END_TEST

START_TEST(a_path_is_an_address)
{
	struct nur_address address = { .len = 1 };
	char path[109];

	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	ck_assert_int_eq(nur_address_unix(path, &address), -ENAMETOOLONG);
	ck_assert_int_eq(nur_address_unix("", &address), -EINVAL);
	ck_assert_uint_eq(address.len, 1);

	path[107] = '\0';
	ck_assert_int_eq(nur_address_unix(path, &address), 0);
	ck_assert_str_eq(text_of(&address), path);
	ck_assert_uint_eq(nur_address_port(&address), 0);
}
END_TEST

START_TEST(other_addresses_have_a_text_too)
{
	struct nur_address address = { .len = sizeof(sa_family_t) };

	ck_assert_str_eq(text_of(&address), "unnamed");
	address.any.sa_family = AF_UNIX;
	ck_assert_str_eq(text_of(&address), "unnamed");
	memcpy(address.un.sun_path, "\0hidden", 7);
	address.len += 7;
	ck_assert_str_eq(text_of(&address), "@hidden");
}
END_TEST

START_TEST(a_text_is_cut_at_its_room)
{
	struct nur_address address;
	char text[6];

	ck_assert_int_eq(nur_address_parse("192.0.2.7", 80, &address), 0);
	ck_assert_uint_eq(nur_address_format(&address, text, sizeof(text)), 12);
	ck_assert_str_eq(text, "192.0");
	ck_assert_uint_eq(nur_address_format(&address, NULL, 0), 12);
}
END_TEST

START_TEST(sockets_tell_their_addresses)
{
	struct nur_address bound, peer;
	int fds[2];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(nur_address_parse("127.0.0.1", 0, &bound), 0);
	ck_assert_int_eq(bind(fd, &bound.any, bound.len), 0);
	ck_assert_int_eq(nur_address_of_socket(fd, &bound), 0);
	ck_assert_uint_ne(nur_address_port(&bound), 0);
	ck_assert_int_eq(nur_address_of_peer(fd, &peer), -ENOTCONN);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(nur_address_of_socket(fd, &bound), -EBADF);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(nur_address_of_peer(fds[0], &peer), 0);
	ck_assert_str_eq(text_of(&peer), "unnamed");
	ck_assert_int_eq(close(fds[0]), 0);
	ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("nur_address");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, a_literal_is_read_and_written, 0, ARRAY_LEN(literals));
	tcase_add_loop_test(tcase, anything_else_is_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tcase, wildcards_and_loopbacks_have_two_families);
	tcase_add_test(tcase, a_path_is_an_address);
	tcase_add_test(tcase, other_addresses_have_a_text_too);
	tcase_add_test(tcase, a_text_is_cut_at_its_room);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("sockets");
	tcase_add_test(tcase, sockets_tell_their_addresses);
	suite_add_tcase(suite, tcase);
	return suite;
}
