/* SPDX-License-Identifier: MIT */
/* Second attempts beside slow first ones. */
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
	kit->options.hedge = NUR_MSEC(1);
	kit->options.max_redirects = 5;
	kit->options.capture = FETCH_CAPTURE_BODY;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

START_TEST(the_second_attempt_answers_for_a_first_that_hangs)
{
	const struct kit_result *kept = kit_one(kit, t_origin_url(origin, "/flaky/x/1?never"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_int_eq(kept->result.status, 200);
	ck_assert_uint_eq(kept->result.attempts, 2);
	ck_assert_ptr_nonnull(strstr(kept->final_url, "/flaky/x"));
	ck_assert_uint_gt(kept->result.body_len, 0);
	ck_assert_uint_eq(kept->result.bytes, kept->result.body_len);
	ck_assert_uint_eq(kit->statistics.n_connections, 1); /* the first one's is closed */
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 2);
}
END_TEST

START_TEST(a_quick_answer_has_no_second_attempt)
{
	const struct kit_result *kept;

	kit->options.hedge = NUR_SEC(3600);
	kept = kit_one(kit, t_origin_url(origin, "/ok"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(any_status_is_an_answer)
{
	const struct kit_result *kept;

	kit->options.hedge = NUR_SEC(3600);
	kept = kit_one(kit, t_origin_url(origin, "/status/500"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_STATUS);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(a_failure_before_it_is_the_attempts_outcome)
{
	const struct kit_result *kept;

	kit->options.hedge = NUR_SEC(3600);
	kept = kit_one(kit, t_origin_url(origin, "/reset"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_RESET);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(redirects_of_the_second_attempt_are_its_own)
{
	const struct kit_result *kept =
		kit_one(kit, t_origin_url(origin, "/redirect-to?%%2Fflaky%%2Fy%%2F1%%3Fnever"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 2);
	ck_assert_uint_eq(kept->result.redirects, 1);
	ck_assert_ptr_nonnull(strstr(kept->final_url, "/flaky/y"));
}
END_TEST

START_TEST(a_body_on_its_way_is_not_fetched_twice)
{
	const struct kit_result *kept;

	kit->options.hedge = NUR_MSEC(300);
	kept = kit_one(kit, t_origin_url(origin, "/drip/10/50"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(methods_with_an_effect_are_sent_once)
{
	const struct kit_result *kept;

	kit->options.method = "PUT";
	kept = kit_one(kit, t_origin_url(origin, "/slow/30"));

	ck_assert_uint_eq(kept->result.attempts, 1);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 1);
}
END_TEST

START_TEST(without_a_place_at_the_origin_it_waits)
{
	const struct kit_result *kept;

	kit->batch.per_origin = 1;
	kept = kit_one(kit, t_origin_url(origin, "/slow/30"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(without_a_place_in_flight_it_is_not_sent)
{
	const struct kit_result *kept;

	kit->engine_options.in_flight = 1;
	kit->engine_options.per_origin = 8;
	kept = kit_one(kit, t_origin_url(origin, "/slow/30"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(both_may_fail)
{
	const struct kit_result *kept;

	kit->options.attempt_timeout = NUR_MSEC(300);
	kept = kit_one(kit, t_origin_url(origin, "/never"));

	ck_assert_int_eq(kept->result.outcome, FETCH_FAILED);
	ck_assert_int_eq(kept->result.error, FETCH_ERROR_ATTEMPT_TIMEOUT);
	ck_assert_uint_eq(kept->result.attempts, 2);
	t_origin_wait(origin, "open<=0");
}
END_TEST

START_TEST(hedges_take_nothing_from_the_retries)
{
	const struct kit_result *kept;

	kit->options.attempt_timeout = NUR_MSEC(300);
	kit->options.retries =
		(struct fetch_retries){ .max = 1, .on = FETCH_RETRY_TIMEOUT, .backoff = 1 };
	kept = kit_one(kit, t_origin_url(origin, "/flaky/z/3?never"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 4);
}
END_TEST

static int
cancel_when_both_are_held(void *arg)
{
	kit_wait(origin, "held>=2");
	nur_cancel_scope_cancel(&kit->scope, "client_gone");
	return 0;
}

START_TEST(who_cancels_the_batch_cancels_both)
{
	kit->beside = cancel_when_both_are_held;
	kit_add(kit, t_origin_url(origin, "/never"));

	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_CANCELLED);
	ck_assert_int_eq(kit->results[0].result.cancel_reason, FETCH_CANCEL_CLIENT_GONE);
	ck_assert_uint_eq(kit->results[0].result.attempts, 2);
	ck_assert_uint_eq(kit->statistics.n_connections, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_hedge");
	TCase *tc = tcase_create("hedges");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_second_attempt_answers_for_a_first_that_hangs);
	tcase_add_test(tc, a_quick_answer_has_no_second_attempt);
	tcase_add_test(tc, any_status_is_an_answer);
	tcase_add_test(tc, a_failure_before_it_is_the_attempts_outcome);
	tcase_add_test(tc, redirects_of_the_second_attempt_are_its_own);
	tcase_add_test(tc, a_body_on_its_way_is_not_fetched_twice);
	tcase_add_test(tc, methods_with_an_effect_are_sent_once);
	tcase_add_test(tc, without_a_place_at_the_origin_it_waits);
	tcase_add_test(tc, without_a_place_in_flight_it_is_not_sent);
	tcase_add_test(tc, both_may_fail);
	tcase_add_test(tc, hedges_take_nothing_from_the_retries);
	tcase_add_test(tc, who_cancels_the_batch_cancels_both);
	suite_add_tcase(suite, tc);
	return suite;
}
