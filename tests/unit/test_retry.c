/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/retry.h"

static const uint16_t teapot = 418;

static const struct {
	unsigned on;
	enum fetch_error error;
	int status;
	bool is_wanted;
} cases[] = {
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_CONNECTION_REFUSED, 0, true },
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_RESET, 0, true },
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_CONNECT_TIMEOUT, 0, true },
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_TLS_CERTIFICATE, 0, false },
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_DENIED, 0, false },
	{ FETCH_RETRY_CONNECT, FETCH_ERROR_STATUS, 503, false },
	{ FETCH_RETRY_TIMEOUT, FETCH_ERROR_ATTEMPT_TIMEOUT, 0, true },
	{ FETCH_RETRY_TIMEOUT, FETCH_ERROR_CONNECT_TIMEOUT, 0, false },
	{ FETCH_RETRY_5XX, FETCH_ERROR_STATUS, 500, true },
	{ FETCH_RETRY_5XX, FETCH_ERROR_STATUS, 599, true },
	{ FETCH_RETRY_5XX, FETCH_ERROR_STATUS, 404, false },
	{ FETCH_RETRY_5XX, FETCH_ERROR_TRUNCATED, 500, false },
	{ FETCH_RETRY_429, FETCH_ERROR_STATUS, 429, true },
	{ 0, FETCH_ERROR_STATUS, 418, true },
	{ 0, FETCH_ERROR_STATUS, 429, false },
};

static const struct {
	enum fetch_error error;
	int status;
	enum fetch_retry_cause cause;
} causes[] = {
	{ FETCH_ERROR_CONNECTION_REFUSED, 0, FETCH_RETRIED_CONNECT },
	{ FETCH_ERROR_DNS_FAILED, 0, FETCH_RETRIED_CONNECT },
	{ FETCH_ERROR_ATTEMPT_TIMEOUT, 0, FETCH_RETRIED_TIMEOUT },
	{ FETCH_ERROR_STATUS, 500, FETCH_RETRIED_5XX },
	{ FETCH_ERROR_STATUS, 599, FETCH_RETRIED_5XX },
	{ FETCH_ERROR_STATUS, 429, FETCH_RETRIED_429 },
	{ FETCH_ERROR_STATUS, 418, FETCH_RETRIED_STATUS },
};

START_TEST(what_is_tried_again_has_a_cause)
{
	ck_assert_int_eq(fetch_retry_cause(causes[_i].error, causes[_i].status), causes[_i].cause);
}
END_TEST

START_TEST(only_what_was_asked_for_is_tried_again)
{
	struct fetch_retries retries = {
		.max = 1,
		.on = cases[_i].on,
		.statuses = &teapot,
		.n_statuses = 1,
	};

	ck_assert_int_eq(fetch_retry_is_wanted(&retries, cases[_i].error, cases[_i].status),
		cases[_i].is_wanted);
}
END_TEST

/*
 * The longest wait there can be: the jitter of all ones, in a range that is a power of two less one
 * is found by looking for the largest of many.
 */
static nur_time
longest(const struct fetch_retries *retries, unsigned n_done)
{
	nur_time most = 0;

	for (uint64_t i = 0; i < 5000; i++) {
		nur_time delay =
			fetch_retry_delay(retries, n_done, 0, i * UINT64_C(0x9e3779b97f4a7c15));

		most = delay > most ? delay : most;
	}
	return most;
}

START_TEST(the_wait_doubles_up_to_its_longest)
{
	struct fetch_retries retries = { .backoff = NUR_MSEC(100), .max_backoff = NUR_MSEC(300) };

	ck_assert_int_le(longest(&retries, 0), NUR_MSEC(100));
	ck_assert_int_gt(longest(&retries, 0), NUR_MSEC(95));
	ck_assert_int_le(longest(&retries, 1), NUR_MSEC(200));
	ck_assert_int_gt(longest(&retries, 1), NUR_MSEC(190));
	ck_assert_int_le(longest(&retries, 2), NUR_MSEC(300));
	ck_assert_int_gt(longest(&retries, 1000000), NUR_MSEC(285));
}
END_TEST

START_TEST(the_wait_is_as_long_as_the_server_asks_but_not_longer_than_allowed)
{
	struct fetch_retries retries = { .backoff = NUR_MSEC(1), .max_backoff = NUR_SEC(10) };

	ck_assert_int_eq(fetch_retry_delay(&retries, 0, 3, 0), NUR_SEC(3));
	ck_assert_int_eq(fetch_retry_delay(&retries, 0, 60, 0), NUR_SEC(10));
	ck_assert_int_eq(fetch_retry_delay(&retries, 0, INT64_MAX, 0), NUR_SEC(10));
	ck_assert_int_eq(fetch_retry_delay(&retries, 0, 0, 0), 0);
}
END_TEST

START_TEST(without_settings_there_are_defaults)
{
	struct fetch_retries retries = { .max = 1 };

	ck_assert_int_le(longest(&retries, 0), NUR_MSEC(250));
	ck_assert_int_le(longest(&retries, 20), NUR_SEC(30));
	ck_assert_int_gt(longest(&retries, 20), NUR_SEC(28));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("retry");
	TCase *tc = tcase_create("delays");

	tcase_add_loop_test(tc, only_what_was_asked_for_is_tried_again, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, what_is_tried_again_has_a_cause, 0, ARRAY_LEN(causes));
	tcase_add_test(tc, the_wait_doubles_up_to_its_longest);
	tcase_add_test(tc, the_wait_is_as_long_as_the_server_asks_but_not_longer_than_allowed);
	tcase_add_test(tc, without_settings_there_are_defaults);
	suite_add_tcase(suite, tc);
	return suite;
}
