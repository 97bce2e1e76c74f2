/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>

#include "lib/fetch/names/name_cache.h"

#define S 1000000000LL

static struct fetch_name_cache *cache;

static void
open_cache(void)
{
	ck_assert_int_eq(fetch_name_cache_create(3, 42, &cache), 0);
}

static void
close_cache(void)
{
	fetch_name_cache_destroy(cache);
}

/* Puts an answer with one address that ends in @id; with @id < 0 a failure. */
static void
put(struct fetch_name_cache *into, const char *name, int id, uint32_t ttl_s, int64_t now_ns)
{
	struct fetch_address address = { .family = AF_INET, .bytes = { 192, 0, 2, (uint8_t)id } };
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;

	ck_assert_int_eq(fetch_answer_create(&address, id >= 0, id < 0 ? -ENOENT : 0, &answer), 0);
	ck_assert_int_eq(fetch_name_cache_put(into, name, answer, ttl_s, now_ns), 0);
}

/* The id of the answer found, -1 for a failure, -2 for none. */
static int
find(struct fetch_name_cache *in, const char *name, int64_t now_ns)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer =
		fetch_name_cache_find(in, name, now_ns);

	if (!answer) {
		return -2;
	}
	return answer->error < 0 ? -1 : answer->addresses[0].bytes[3];
}

START_TEST(an_answer_is_good_for_its_time_and_not_longer)
{
	put(cache, "a.example", 7, 60, 100 * S);

	ck_assert_int_eq(find(cache, "a.example", 100 * S), 7);
	ck_assert_int_eq(find(cache, "a.example", 160 * S - 1), 7);
	ck_assert_int_eq(find(cache, "a.example", 160 * S), -2);
	ck_assert_uint_eq(fetch_name_cache_count(cache), 0);
	ck_assert_int_eq(find(cache, "b.example", 100 * S), -2);
}
END_TEST

START_TEST(times_are_clamped)
{
	put(cache, "short", 1, 0, 0);
	put(cache, "long", 2, UINT32_MAX, 0);
	put(cache, "missing", -1, 3600, 0);

	ck_assert_int_eq(find(cache, "short", 1 * S - 1), 1);
	ck_assert_int_eq(find(cache, "short", 1 * S), -2);
	ck_assert_int_eq(find(cache, "missing", 5 * S - 1), -1);
	ck_assert_int_eq(find(cache, "missing", 5 * S), -2);
	ck_assert_int_eq(find(cache, "long", 300 * S - 1), 2);
	ck_assert_int_eq(find(cache, "long", 300 * S), -2);
}
END_TEST

START_TEST(case_does_not_matter)
{
	put(cache, "Example.ORG", 1, 60, 0);

	ck_assert_int_eq(find(cache, "eXAMPLE.org", 0), 1);
}
END_TEST

START_TEST(a_newer_answer_takes_the_place_of_the_older)
{
	put(cache, "a", 1, 60, 0);
	put(cache, "A", 2, 60, 30 * S);

	ck_assert_uint_eq(fetch_name_cache_count(cache), 1);
	ck_assert_int_eq(find(cache, "a", 80 * S), 2);
}
END_TEST

START_TEST(the_least_recently_used_name_goes_first)
{
	put(cache, "a", 1, 60, 0);
	put(cache, "b", 2, 60, 0);
	put(cache, "c", 3, 60, 0);
	ck_assert_int_eq(find(cache, "a", 0), 1);

	put(cache, "d", 4, 60, 0);

	ck_assert_uint_eq(fetch_name_cache_count(cache), 3);
	ck_assert_int_eq(find(cache, "b", 0), -2);
	ck_assert_int_eq(find(cache, "a", 0), 1);
	ck_assert_int_eq(find(cache, "c", 0), 3);
	ck_assert_int_eq(find(cache, "d", 0), 4);
}
END_TEST

START_TEST(an_answer_outlives_its_place_in_the_cache)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;

	put(cache, "a", 1, 60, 0);
	answer = fetch_name_cache_find(cache, "a", 0);
	fetch_name_cache_clear(cache);

	ck_assert_uint_eq(fetch_name_cache_count(cache), 0);
	ck_assert_int_eq(answer->addresses[0].bytes[3], 1);
	ck_assert_uint_eq(answer->n_refs, 1);
}
END_TEST

START_TEST(twenty_thousand_names_are_kept_and_found)
{
	_cleanup_(fetch_name_cache_destroyp) struct fetch_name_cache *large = NULL;
	char name[32];

	ck_assert_int_eq(fetch_name_cache_create(FETCH_NAME_CACHE_MAX, 7, &large), 0);
	for (int i = 0; i < FETCH_NAME_CACHE_MAX + 100; i++) {
		(void)snprintf(name, sizeof(name), "host-%d.example", i);
		put(large, name, i % 256, 60, 0);
	}

	ck_assert_uint_eq(fetch_name_cache_count(large), FETCH_NAME_CACHE_MAX);
	for (int i = 0; i < FETCH_NAME_CACHE_MAX + 100; i++) {
		(void)snprintf(name, sizeof(name), "HOST-%d.example", i);
		ck_assert_int_eq(find(large, name, 0), i < 100 ? -2 : i % 256);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("name_cache");
	TCase *tc = tcase_create("answers");

	tcase_add_checked_fixture(tc, open_cache, close_cache);
	tcase_add_test(tc, an_answer_is_good_for_its_time_and_not_longer);
	tcase_add_test(tc, times_are_clamped);
	tcase_add_test(tc, case_does_not_matter);
	tcase_add_test(tc, a_newer_answer_takes_the_place_of_the_older);
	tcase_add_test(tc, the_least_recently_used_name_goes_first);
	tcase_add_test(tc, an_answer_outlives_its_place_in_the_cache);
	tcase_add_test(tc, twenty_thousand_names_are_kept_and_found);
	suite_add_tcase(suite, tc);
	return suite;
}
