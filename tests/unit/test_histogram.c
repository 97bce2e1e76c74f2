/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdlib.h>

#include "daemon/ops/histogram.h"

START_TEST(bounds_ascend_and_say_what_they_are)
{
	int64_t last = 0;

	for (int i = 0; i < HISTOGRAM_N_BOUNDS; i++) {
		ck_assert_int_gt(histogram_bounds[i].ns, last);
		ck_assert_double_eq_tol(strtod(histogram_bounds[i].text, NULL),
			(double)histogram_bounds[i].ns / 1e9, 1e-12);
		last = histogram_bounds[i].ns;
	}
}
END_TEST

START_TEST(sizes_have_bounds_of_their_own)
{
	struct histogram histogram = { .sum_ns = 0 };
	int64_t last = 0;

	for (int i = 0; i < HISTOGRAM_N_BOUNDS; i++) {
		ck_assert_int_gt(histogram_sizes[i].ns, last);
		ck_assert_int_eq(strtoll(histogram_sizes[i].text, NULL, 10), histogram_sizes[i].ns);
		last = histogram_sizes[i].ns;
	}
	histogram_add_size(&histogram, 1);
	histogram_add_size(&histogram, 5);
	histogram_add_size(&histogram, last + 1);

	ck_assert_uint_eq(histogram.counts[0], 1);
	ck_assert_uint_eq(histogram.counts[4], 1);
	ck_assert_uint_eq(histogram.counts[HISTOGRAM_N_BOUNDS], 1);
	ck_assert_int_eq(histogram.sum_ns, 6 + last + 1);
}
END_TEST

START_TEST(a_bound_is_inside)
{
	struct histogram histogram = { .sum_ns = 0 };

	histogram_add(&histogram, 0);
	histogram_add(&histogram, histogram_bounds[0].ns);
	histogram_add(&histogram, histogram_bounds[0].ns + 1);

	ck_assert_uint_eq(histogram.counts[0], 2);
	ck_assert_uint_eq(histogram.counts[1], 1);
	ck_assert_int_eq(histogram.sum_ns, 2 * histogram_bounds[0].ns + 1);
}
END_TEST

START_TEST(what_is_over_all_bounds_is_last)
{
	struct histogram histogram = { .sum_ns = 0 };

	histogram_add(&histogram, histogram_bounds[HISTOGRAM_N_BOUNDS - 1].ns + 1);

	ck_assert_uint_eq(histogram.counts[HISTOGRAM_N_BOUNDS], 1);
}
END_TEST

START_TEST(what_never_was_is_not_counted)
{
	struct histogram histogram = { .sum_ns = 0 };

	histogram_add(&histogram, -1);

	for (int i = 0; i <= HISTOGRAM_N_BOUNDS; i++) {
		ck_assert_uint_eq(histogram.counts[i], 0);
	}
	ck_assert_int_eq(histogram.sum_ns, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("histogram");
	TCase *tc = tcase_create("histogram");

	tcase_add_test(tc, bounds_ascend_and_say_what_they_are);
	tcase_add_test(tc, sizes_have_bounds_of_their_own);
	tcase_add_test(tc, a_bound_is_inside);
	tcase_add_test(tc, what_is_over_all_bounds_is_last);
	tcase_add_test(tc, what_never_was_is_not_counted);
	suite_add_tcase(suite, tc);
	return suite;
}
