/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "lib/base/cleanup.h"
#include "lib/fetch/transfer/certificate_time.h"

static const struct {
	const char *text;
	int64_t seconds;
} times[] = {
	{ "Dec 31 23:59:59 2049 GMT", 2524607999 },
	{ "Jan  1 00:00:01 1970 GMT", 1 },
	{ "2049-12-31 23:59:59 GMT", 2524607999 },
	{ "Dec 31 23:59:59 2049", 0 },
	{ "Dec 31 23:59:59 2049 GMT ", 0 },
	{ "Dez 31 23:59:59 2049 GMT", 0 },
	{ "anF 31 23:59:59 2049 GMT", 0 },
	{ "2049-13-31 23:59:59 GMT", 0 },
	{ "2049-00-31 23:59:59 GMT", 0 },
	{ "Jan  1 00:00:00 1960 GMT", 0 },
	{ "Bad time value", 0 },
	{ "", 0 },
};

START_TEST(a_time_is_read_in_the_ways_it_is_printed)
{
	ck_assert_int_eq(fetch_certificate_time(times[_i].text), times[_i].seconds);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("certificate_time");
	TCase *tc = tcase_create("times");

	tcase_add_loop_test(tc, a_time_is_read_in_the_ways_it_is_printed, 0, ARRAY_LEN(times));
	suite_add_tcase(suite, tc);
	return suite;
}
