/* SPDX-License-Identifier: MIT */
/* URLs of a batch that are the same fetch. */
#include "tests/integration/fetch_kit.h"

#include <string.h>

static struct t_origin *origin;
static struct kit *kit;

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->batch.dedupe = true;
	kit->options.capture = FETCH_CAPTURE_BODY;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static void
add_many(size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		kit_add(kit, t_origin_url(origin, "%s", path));
	}
}

START_TEST(the_same_url_is_fetched_once_for_all)
{
	kit_add(kit, t_origin_url(origin, "/body?other"));
	add_many(600, "/body?same");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 601);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 2);
	ck_assert(!kit->results[1].result.is_twin);
	for (size_t i = 2; i < 601; i++) {
		ck_assert_uint_eq(kit->results[i].result.index, i);
		ck_assert(kit->results[i].result.is_twin);
		ck_assert_uint_eq(kit->results[i].result.twin_of, 1);
		ck_assert_str_eq(kit->results[i].body, "same");
	}
}
END_TEST

START_TEST(without_it_each_is_fetched)
{
	kit->batch.dedupe = false;
	add_many(5, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 5);
}
END_TEST

START_TEST(a_failure_counts_for_each)
{
	kit->batch.policy = FETCH_POLICY_FAIL_FAST;
	kit->batch.max_failures = 2;
	kit->batch.concurrency = 1;
	add_many(3, "/status/500");
	add_many(1, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->summary.n_failed, 3);
	ck_assert_int_eq(kit->results[3].result.outcome, FETCH_CANCELLED);
	ck_assert_int_eq(kit->results[3].result.cancel_cause, 2);
}
END_TEST

START_TEST(who_is_cancelled_is_so_with_its_twins)
{
	kit->batch.deadline = NUR_MSEC(50);
	kit->batch.concurrency = 1;
	add_many(300, "/never");
	add_many(300, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_cancelled, 600);
	ck_assert_uint_eq(kit->results[299].result.attempts, 1);
	ck_assert_uint_eq(kit->results[599].result.attempts, 0);
	ck_assert_uint_eq(kit->results[599].result.twin_of, 300);
}
END_TEST

START_TEST(a_batch_that_is_over_before_it_looked_accounts_for_all)
{
	kit->batch.deadline = 1;
	add_many(600, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_cancelled, 600);
}
END_TEST

START_TEST(what_is_no_url_fails_for_itself)
{
	kit_add(kit, strdup("nonsense"));
	kit_add(kit, strdup("nonsense"));

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_failed, 2);
	ck_assert(!kit->results[1].result.is_twin);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_dedupe");
	TCase *tc = tcase_create("twins");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_same_url_is_fetched_once_for_all);
	tcase_add_test(tc, without_it_each_is_fetched);
	tcase_add_test(tc, a_failure_counts_for_each);
	tcase_add_test(tc, who_is_cancelled_is_so_with_its_twins);
	tcase_add_test(tc, a_batch_that_is_over_before_it_looked_accounts_for_all);
	tcase_add_test(tc, what_is_no_url_fails_for_itself);
	suite_add_tcase(suite, tc);
	return suite;
}
