/* SPDX-License-Identifier: MIT */
/* Spacing, and servers that ask for a rest. Waits are checked for their least length only. */
#include "tests/integration/fetch_kit.h"

static struct t_origin *origin;
static struct kit *kit;

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.max_redirects = 5;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static char *
url_elsewhere(void)
{
	char *url = NULL;

	ck_assert_int_gt(
		asprintf(&url, "http://127.0.0.2:%u/ok", t_origin_port(origin, T_PORT_HTTP)), 0);
	return url;
}

START_TEST(requests_are_spaced)
{
	kit->batch.spacing = NUR_MSEC(20);
	for (int i = 0; i < 5; i++) {
		kit_add(kit, t_origin_url(origin, "/ok/%d", i));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 5);
	ck_assert_int_ge(kit->results[4].result.timing.queue, NUR_MSEC(4 * 20 - 4));
}
END_TEST

START_TEST(so_are_hops)
{
	kit->batch.spacing = NUR_MSEC(20);
	kit_add(kit, t_origin_url(origin, "/redirect/4"));

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 1);
	ck_assert_uint_eq(kit->results[0].result.redirects, 4);
	ck_assert_int_ge(kit->summary.elapsed, NUR_MSEC(4 * 20 - 4));
}
END_TEST

static const char *const asked[] = { "/retry-after/429?3600", "/retry-after/503?3600",
	"/retry-after/503?1000000000000000000" };

START_TEST(a_server_may_ask_for_a_rest)
{
	kit->engine_options.max_rest = NUR_MSEC(50);
	kit->batch.concurrency = 1;
	kit_add(kit, t_origin_url(origin, "%s", asked[_i]));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 1);
	ck_assert_uint_eq(kit->summary.n_failed, 1);
	ck_assert_int_ge(kit->results[1].result.timing.queue, NUR_MSEC(50));
}
END_TEST

START_TEST(it_is_that_origin_which_rests)
{
	kit->engine_options.max_rest = NUR_SEC(3600);
	kit->batch.concurrency = 1;
	kit->batch.deadline = NUR_MSEC(300);
	kit_add(kit, t_origin_url(origin, "/retry-after/429?3600"));
	kit_add(kit, t_origin_url(origin, "/ok"));
	kit_add(kit, url_elsewhere());

	kit_run(kit);

	ck_assert_int_eq(kit->results[1].result.cancel_reason, FETCH_CANCEL_DEADLINE);
	ck_assert_uint_eq(kit->results[1].result.attempts, 0);
	ck_assert_int_eq(kit->results[2].result.outcome, FETCH_OK);
}
END_TEST

static const struct {
	const char *path;
	nur_time max_rest;
} not_asked[] = {
	{ "/retry-after/429?3600", -1 },
	{ "/retry-after/429?-5", 0 },
	{ "/retry-after/429?junk", 0 },
	{ "/retry-after/429?Wed,%2021%20Oct%202015%2007:28:00%20GMT", 0 },
	{ "/retry-after/500?3600", 0 },
	{ "/retry-after/200?3600", 0 },
	{ "/status/429", 0 },
};

START_TEST(else_there_is_none)
{
	kit->engine_options.max_rest = not_asked[_i].max_rest;
	kit->batch.concurrency = 1;
	kit->batch.deadline = NUR_SEC(5); /* less than the rest would be */
	kit_add(kit, t_origin_url(origin, "%s", not_asked[_i].path));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->results[1].result.outcome, FETCH_OK);
}
END_TEST

static int
run_two_batches(void *arg)
{
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.status, 429);

	free(kit->urls[0]);
	kit->urls[0] = t_origin_url(origin, "/ok");
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
	ck_assert_int_ge(kit->results[0].result.timing.total, NUR_MSEC(100));
	return 0;
}

START_TEST(the_next_batch_waits_as_well)
{
	kit->engine_options.max_rest = NUR_MSEC(150);
	kit->body = run_two_batches;
	kit_add(kit, t_origin_url(origin, "/retry-after/429?60"));

	kit_run(kit);
}
END_TEST

START_TEST(an_engine_may_end_while_an_origin_rests)
{
	kit->engine_options.max_rest = NUR_SEC(3600);
	kit->batch.spacing = NUR_SEC(3600);
	kit_add(kit, t_origin_url(origin, "/retry-after/429?3600"));

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_failed, 1);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_politeness");
	TCase *tc = tcase_create("politeness");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, requests_are_spaced);
	tcase_add_test(tc, so_are_hops);
	tcase_add_loop_test(tc, a_server_may_ask_for_a_rest, 0, ARRAY_LEN(asked));
	tcase_add_test(tc, it_is_that_origin_which_rests);
	tcase_add_loop_test(tc, else_there_is_none, 0, ARRAY_LEN(not_asked));
	tcase_add_test(tc, the_next_batch_waits_as_well);
	tcase_add_test(tc, an_engine_may_end_while_an_origin_rests);
	suite_add_tcase(suite, tc);
	return suite;
}
