/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "lib/base/cleanup.h"
#include "lib/fetch/rest.h"

#define MANY 1000

START_TEST(who_has_rested_enough_comes_first)
{
	struct fetch_rests rests = { 0 };
	struct fetch_rest all[MANY] = { 0 };
	int64_t before = -1;

	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(fetch_rests_add(&rests, &all[i], (i * 7919) % 1009), 0);
		ck_assert(fetch_rest_is_set(&all[i]));
	}
	for (int i = 0; i < MANY; i += 3) {
		fetch_rests_remove(&rests, &all[i]);
		ck_assert(!fetch_rest_is_set(&all[i]));
	}
	for (int i = 0; i < MANY - (MANY + 2) / 3; i++) {
		struct fetch_rest *first = fetch_rests_first(&rests);

		ck_assert_int_ge(first->until, before);
		before = first->until;
		fetch_rests_remove(&rests, first);
	}
	ck_assert_ptr_null(fetch_rests_first(&rests));
	fetch_rests_fini(&rests);
}
END_TEST

START_TEST(one_that_is_not_set_is_removed_without_harm)
{
	struct fetch_rests rests = { 0 };
	struct fetch_rest rest = { 0 };

	fetch_rests_remove(&rests, &rest);
	ck_assert_int_eq(fetch_rests_add(&rests, &rest, 5), 0);
	fetch_rests_remove(&rests, &rest);
	fetch_rests_remove(&rests, &rest);

	ck_assert_ptr_null(fetch_rests_first(&rests));
	fetch_rests_fini(&rests);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("rest");
	TCase *tc = tcase_create("heap");

	tcase_add_test(tc, who_has_rested_enough_comes_first);
	tcase_add_test(tc, one_that_is_not_set_is_removed_without_harm);
	suite_add_tcase(suite, tc);
	return suite;
}
