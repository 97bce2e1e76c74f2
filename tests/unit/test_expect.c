/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <fetch/expect.h>
#include <string.h>

#include "lib/base/cleanup.h"

struct set {
	const char *text;
	int min;
	int max;
};

static const struct set sets[] = {
	{ "2xx", 200, 299 },
	{ "5XX", 500, 599 },
	{ "9xx", 900, 999 },
	{ "204", 204, 204 },
	{ "100", 100, 100 },
	{ "200-399", 200, 399 },
	{ "404-404", 404, 404 },
	{ "100-999", 100, 999 },
};

START_TEST(a_set_has_its_borders_and_nothing_beyond)
{
	struct fetch_expect expect = FETCH_EXPECT_INIT;

	ck_assert_int_eq(fetch_expect_add(&expect, sets[_i].text, NULL), 0);

	ck_assert(fetch_expect_has(&expect, sets[_i].min));
	ck_assert(fetch_expect_has(&expect, sets[_i].max));
	ck_assert(!fetch_expect_has(&expect, sets[_i].min - 1));
	ck_assert(!fetch_expect_has(&expect, sets[_i].max + 1));
}
END_TEST

static const char *const bads[] = { "", "2", "20", "2000", "2x", "2xxx", "0xx", "xxx", "099",
	"099-200", "200-", "-399", "200-39", "200-3999", "200 399", "200,399", " 200", "200 ",
	"+200", "-200", "2e2", "200\n" };

START_TEST(other_words_are_refused_with_an_example)
{
	struct fetch_expect expect = FETCH_EXPECT_INIT;
	struct fetch_reason reason = { "" };

	ck_assert_int_eq(fetch_expect_add(&expect, bads[_i], &reason), -EINVAL);
	ck_assert_ptr_nonnull(strstr(reason.text, "\"2xx\""));
	ck_assert_uint_eq(expect.n_ranges, 0);
}
END_TEST

START_TEST(a_range_upside_down_is_turned_in_the_reason)
{
	struct fetch_expect expect = FETCH_EXPECT_INIT;
	struct fetch_reason reason;

	ck_assert_int_eq(fetch_expect_add(&expect, "399-200", &reason), -EINVAL);
	ck_assert_str_eq(reason.text, "\"399-200\" is upside down: write \"200-399\"");
}
END_TEST

START_TEST(numbers_are_statuses)
{
	struct fetch_expect expect = FETCH_EXPECT_INIT;
	struct fetch_reason reason;

	ck_assert_int_eq(fetch_expect_add_status(&expect, 404, NULL), 0);
	ck_assert_int_eq(fetch_expect_add_status(&expect, 99, &reason), -EINVAL);
	ck_assert_str_eq(reason.text, "99 is not a status: they go from 100 to 999");
	ck_assert_int_eq(fetch_expect_add_status(&expect, 1000, NULL), -EINVAL);
	ck_assert_int_eq(fetch_expect_add_status(&expect, INT64_MIN, NULL), -EINVAL);
	ck_assert_int_eq(fetch_expect_add_status(&expect, (1LL << 32) + 200, NULL), -EINVAL);

	ck_assert_uint_eq(expect.n_ranges, 1);
	ck_assert(fetch_expect_has(&expect, 404));
}
END_TEST

START_TEST(a_set_is_bounded)
{
	struct fetch_expect expect = FETCH_EXPECT_INIT;

	for (int i = 0; i < FETCH_EXPECT_MAX; i++) {
		ck_assert_int_eq(fetch_expect_add_status(&expect, 200 + i, NULL), 0);
	}

	ck_assert_int_eq(fetch_expect_add(&expect, "2xx", NULL), -E2BIG);
	ck_assert_uint_eq(expect.n_ranges, FETCH_EXPECT_MAX);
}
END_TEST

START_TEST(what_was_expected_is_told_in_the_order_written)
{
	struct fetch_expect expect = FETCH_EXPECT_DEFAULT;
	struct fetch_expect empty = FETCH_EXPECT_INIT;
	struct fetch_expect full = FETCH_EXPECT_INIT;
	struct fetch_reason reason;

	fetch_expect_describe(&expect, 503, &reason);
	ck_assert_str_eq(reason.text, "503 is not in 200-399");

	ck_assert_int_eq(fetch_expect_add(&expect, "404", NULL), 0);
	fetch_expect_describe(&expect, 503, &reason);
	ck_assert_str_eq(reason.text, "503 is not in 200-399, 404");
	fetch_expect_describe(&expect, 404, &reason);
	ck_assert_str_eq(reason.text, "404 is in 200-399, 404");

	fetch_expect_describe(&empty, 200, &reason);
	ck_assert_str_eq(reason.text, "200 is not in an empty set");

	while (full.n_ranges < FETCH_EXPECT_MAX) {
		ck_assert_int_eq(fetch_expect_add(&full, "200-399", NULL), 0);
	}
	fetch_expect_describe(&full, 503, &reason);
	ck_assert_uint_eq(strlen(reason.text), strlen("503 is not in ") + FETCH_EXPECT_MAX * 9 - 2);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("expect");
	TCase *tc = tcase_create("sets");

	tcase_add_loop_test(tc, a_set_has_its_borders_and_nothing_beyond, 0, ARRAY_LEN(sets));
	tcase_add_loop_test(tc, other_words_are_refused_with_an_example, 0, ARRAY_LEN(bads));
	tcase_add_test(tc, a_range_upside_down_is_turned_in_the_reason);
	tcase_add_test(tc, numbers_are_statuses);
	tcase_add_test(tc, a_set_is_bounded);
	tcase_add_test(tc, what_was_expected_is_told_in_the_order_written);
	suite_add_tcase(suite, tc);
	return suite;
}
