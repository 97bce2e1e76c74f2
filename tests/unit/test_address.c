/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/names/answer.h"
#include "lib/fetch/rules/address.h"

START_TEST(addresses_are_read_and_written)
{
	static const char *const texts[][2] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
	};
	char text[FETCH_ADDRESS_CAP];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fetch_address address;

		ck_assert(fetch_address_parse(texts[i][0], &address));
		ck_assert_str_eq(fetch_address_format(&address, text), texts[i][1]);
	}
}
END_TEST

START_TEST(only_the_strict_forms_are_addresses)
{
	static const char *const texts[] = { "", "1.2.3", "01.2.3.4", "0x1.2.3.4", "1.2.3.4.",
		"[::1]", "fe80::1%eth0", "::1 ", "localhost" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fetch_address address;

		ck_assert_msg(!fetch_address_parse(texts[i], &address), "%s", texts[i]);
	}
}
END_TEST

START_TEST(socket_addresses_give_their_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct fetch_address address;
	struct fetch_address expected;

	ck_assert(fetch_address_from_sockaddr((struct sockaddr *)&v4, sizeof(v4), &address));
	ck_assert(fetch_address_parse("127.0.0.1", &expected));
	ck_assert(fetch_address_is_equal(&address, &expected));

	ck_assert(fetch_address_from_sockaddr((struct sockaddr *)&v6, sizeof(v6), &address));
	ck_assert(!fetch_address_is_equal(&address, &expected));
	ck_assert(fetch_address_parse("::1", &expected));
	ck_assert(fetch_address_is_equal(&address, &expected));

	ck_assert(!fetch_address_from_sockaddr(&local, sizeof(local), &address));
	ck_assert(!fetch_address_from_sockaddr((struct sockaddr *)&v6, sizeof(v4), &address));
}
END_TEST

START_TEST(answers_live_as_long_as_somebody_holds_them)
{
	struct fetch_address address;
	struct fetch_answer *answer;

	ck_assert(fetch_address_parse("192.0.2.1", &address));
	ck_assert_int_eq(fetch_answer_create(&address, 1, 0, &answer), 0);
	ck_assert_ptr_eq(fetch_answer_ref(answer), answer);
	fetch_answer_unref(answer);

	ck_assert_uint_eq(answer->n_refs, 1);
	ck_assert(fetch_address_is_equal(&answer->addresses[0], &address));
	fetch_answer_unref(answer);
	fetch_answer_unref(NULL);
}
END_TEST

START_TEST(answers_keep_64_addresses)
{
	struct fetch_address addresses[FETCH_ANSWER_MAX + 1] = { { .family = AF_INET } };
	struct fetch_answer *answer;

	ck_assert_int_eq(fetch_answer_create(addresses, ARRAY_LEN(addresses), 0, &answer), 0);
	ck_assert_uint_eq(answer->n_addresses, FETCH_ANSWER_MAX);
	fetch_answer_unref(answer);
}
END_TEST

START_TEST(an_answer_may_be_a_failure)
{
	struct fetch_answer *answer;

	ck_assert_int_eq(fetch_answer_create(NULL, 0, -ENOENT, &answer), 0);
	ck_assert_int_eq(answer->error, -ENOENT);
	ck_assert_uint_eq(answer->n_addresses, 0);
	fetch_answer_unref(answer);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("addresses");

	tcase_add_test(tc, addresses_are_read_and_written);
	tcase_add_test(tc, only_the_strict_forms_are_addresses);
	tcase_add_test(tc, socket_addresses_give_their_address);
	suite_add_tcase(suite, tc);

	tc = tcase_create("answers");
	tcase_add_test(tc, answers_live_as_long_as_somebody_holds_them);
	tcase_add_test(tc, answers_keep_64_addresses);
	tcase_add_test(tc, an_answer_may_be_a_failure);
	suite_add_tcase(suite, tc);
	return suite;
}
