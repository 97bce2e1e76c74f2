/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/fetch/names/hosts_file.h"

static struct fetch_hosts *
parse(const char *text)
{
	struct fetch_hosts *hosts;

	ck_assert_int_eq(fetch_hosts_parse(text, strlen(text), &hosts), 0);
	return hosts;
}

/* The addresses of @name, separated by spaces; "" when the file does not have it. */
static const char *
find(const struct fetch_hosts *hosts, const char *name)
{
	static char text[1024];
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	int r = fetch_hosts_find(hosts, name, &answer);
	char address[FETCH_ADDRESS_CAP];

	text[0] = '\0';
	ck_assert(r == 0 || r == -ENOENT);
	for (size_t i = 0; r == 0 && i < answer->n_addresses; i++) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			i ? " " : "", fetch_address_format(&answer->addresses[i], address));
	}
	return text;
}

START_TEST(names_and_aliases_have_the_addresses_of_all_their_lines)
{
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts = parse("192.0.2.1 one uno\n"
									  "192.0.2.2\ttwo # three\n"
									  "2001:db8::1 one\r\n"
									  "   192.0.2.3   one   \n"
									  "192.0.2.4 last");

	ck_assert_str_eq(find(hosts, "one"), "192.0.2.1 2001:db8::1 192.0.2.3");
	ck_assert_str_eq(find(hosts, "uno"), "192.0.2.1");
	ck_assert_str_eq(find(hosts, "two"), "192.0.2.2");
	ck_assert_str_eq(find(hosts, "last"), "192.0.2.4");
	ck_assert_str_eq(find(hosts, "three"), "");
	ck_assert_str_eq(find(hosts, "on"), "");
}
END_TEST

START_TEST(case_and_a_final_dot_do_not_matter)
{
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts =
		parse("192.0.2.1 Example.ORG.\n");

	ck_assert_str_eq(find(hosts, "example.org"), "192.0.2.1");
	ck_assert_str_eq(find(hosts, "EXAMPLE.org."), "192.0.2.1");
	ck_assert_str_eq(find(hosts, "example.org.."), "");
}
END_TEST

START_TEST(broken_lines_are_skipped)
{
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts =
		parse("\n#\n   \n192.0.2\tshort\n192.0.2.1\nfe80::1%eth0 zone\nname 192.0.2.1\n"
		      "192.0.2.9 good\n");

	ck_assert_str_eq(find(hosts, "short"), "");
	ck_assert_str_eq(find(hosts, "zone"), "");
	ck_assert_str_eq(find(hosts, "192.0.2.1"), "");
	ck_assert_str_eq(find(hosts, "good"), "192.0.2.9");
}
END_TEST

START_TEST(a_nul_ends_its_line_and_not_the_file)
{
	static const char text[] = "192.0.2.1 a\0b c\n192.0.2.2 d\n";
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts = NULL;

	ck_assert_int_eq(fetch_hosts_parse(text, sizeof(text) - 1, &hosts), 0);

	ck_assert_str_eq(find(hosts, "a"), "192.0.2.1");
	ck_assert_str_eq(find(hosts, "c"), "");
	ck_assert_str_eq(find(hosts, "d"), "192.0.2.2");
}
END_TEST

START_TEST(localhost_never_goes_to_a_name_server)
{
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *empty = parse("");
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *own = parse("127.0.0.2 localhost\n");

	ck_assert_str_eq(find(NULL, "localhost"), "127.0.0.1 ::1");
	ck_assert_str_eq(find(empty, "LOCALHOST."), "127.0.0.1 ::1");
	ck_assert_str_eq(find(empty, "x.localhost"), "127.0.0.1 ::1");
	ck_assert_str_eq(find(empty, "xlocalhost"), "");
	ck_assert_str_eq(find(empty, ".localhost"), "");
	ck_assert_str_eq(find(own, "localhost"), "127.0.0.2");
}
END_TEST

START_TEST(a_large_file_is_searched_and_answers_stay_bounded)
{
	struct buffer text = BUFFER_INIT;
	_cleanup_(fetch_hosts_destroyp) struct fetch_hosts *hosts = NULL;
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;

	for (int i = 0; i < 20000; i++) {
		buffer_printf(&text, "10.0.%d.%d host-%d many\n", i / 256, i % 256, i);
	}
	ck_assert_int_eq(fetch_hosts_parse(text.data, text.len, &hosts), 0);
	buffer_fini(&text);

	ck_assert_str_eq(find(hosts, "host-0"), "10.0.0.0");
	ck_assert_str_eq(find(hosts, "host-19999"), "10.0.78.31");
	ck_assert_int_eq(fetch_hosts_find(hosts, "many", &answer), 0);
	ck_assert_uint_eq(answer->n_addresses, FETCH_ANSWER_MAX);
	ck_assert_int_eq(answer->addresses[63].bytes[3], 63);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("hosts_file");
	TCase *tc = tcase_create("lookup");

	tcase_add_test(tc, names_and_aliases_have_the_addresses_of_all_their_lines);
	tcase_add_test(tc, case_and_a_final_dot_do_not_matter);
	tcase_add_test(tc, broken_lines_are_skipped);
	tcase_add_test(tc, a_nul_ends_its_line_and_not_the_file);
	tcase_add_test(tc, localhost_never_goes_to_a_name_server);
	tcase_add_test(tc, a_large_file_is_searched_and_answers_stay_bounded);
	suite_add_tcase(suite, tc);
	return suite;
}
