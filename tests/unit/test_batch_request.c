/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <fetch/expect.h>
#include <string.h>

#include "daemon/batches/batch_request.h"

static int
accept_any(const char *url, size_t len, char *why, size_t cap)
{
	return 0;
}

static struct batch_description *
read_json(const char *json)
{
	static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
	struct batch_limits limits = BATCH_LIMITS_INIT;
	struct batch_input input = {
		.kind = BATCH_KIND_JSON, .defaults = &defaults, .limits = &limits
	};
	struct batch_reader *reader;
	struct batch_description *description = NULL;
	struct faults faults = FAULTS_INIT;

	limits.features = ~0u;
	limits.check_url = accept_any;
	ck_assert_int_eq(batch_reader_open(&input, &reader), 0);
	ck_assert_int_eq(batch_reader_feed(reader, json, strlen(json)), 0);
	ck_assert_int_eq(batch_reader_finish(reader, &description, &faults), 0);
	batch_reader_destroy(reader);
	faults_fini(&faults);
	return description;
}

START_TEST(both_libraries_say_the_same_words_in_the_same_order)
{
	for (int i = 0; i < RESULT_N_OUTCOMES; i++) {
		ck_assert_str_eq(fetch_outcome_name(i), result_outcome_name(i));
	}
	ck_assert_int_eq(FETCH_N_ERRORS, ERROR_N_CODES);
	for (int i = 1; i < ERROR_N_CODES; i++) {
		ck_assert_str_eq(fetch_error_name(i), error_code_name(i));
	}
	ck_assert_int_eq(FETCH_N_CANCEL_REASONS, CANCEL_N_REASONS);
	for (int i = 1; i < CANCEL_N_REASONS; i++) {
		ck_assert_str_eq(fetch_cancel_reason_name(i), cancel_reason_name(i));
	}
	ck_assert_int_eq(batch_outcome_of(FETCH_BATCH_OK), BATCH_OK);
	ck_assert_int_eq(batch_outcome_of(FETCH_BATCH_FAILED), BATCH_FAILED);
	ck_assert_int_eq(batch_outcome_of(FETCH_BATCH_DEADLINE), BATCH_DEADLINE);
	ck_assert_int_eq(batch_outcome_of(FETCH_BATCH_CANCELLED), BATCH_CANCELLED);
}
END_TEST

START_TEST(urls_without_options_of_their_own_share_the_batchs)
{
	struct batch_description *description =
		read_json("{\"urls\":[\"http://a/\",{\"url\":\"http://b/"
			  "\",\"timeout\":\"3s\"},\"http://c/\"],"
			  "\"rate\":\"3/"
			  "s\",\"dedupe\":true,\"timeout\":\"2s\",\"policy\":\"collect\","
			  "\"deadline\":\"9s\"}");
	struct batch_request *request;
	const struct fetch_batch *batch;

	ck_assert_int_eq(batch_request_create(description, &request), 0);
	batch = batch_request_batch(request);

	ck_assert_uint_eq(batch->n_requests, 3);
	ck_assert_int_eq(batch->policy, FETCH_POLICY_COLLECT);
	ck_assert_int_eq(batch->deadline, 9 * UNITS_NS_PER_S);
	ck_assert_int_eq(batch->spacing, 333333334);
	ck_assert(batch->dedupe);
	ck_assert_ptr_eq(batch->requests[0].options, batch->requests[2].options);
	ck_assert_int_eq(batch->requests[0].options->timeout, 2 * UNITS_NS_PER_S);
	ck_assert_int_eq(batch->requests[1].options->timeout, 3 * UNITS_NS_PER_S);
	batch_request_destroy(request);
	batch_description_destroy(description);
}
END_TEST

START_TEST(some_urls_are_picked)
{
	struct batch_description *description =
		read_json("{\"urls\":[\"http://a/\",\"http://b/\",\"http://c/\",\"http://d/\"]}");
	static const uint32_t picked[] = { 1, 3 };
	struct batch_request *request;
	const struct fetch_batch *batch;

	ck_assert_int_eq(batch_request_create(description, &request), 0);
	batch_request_pick(request, picked, 2);
	batch = batch_request_batch(request);

	ck_assert_uint_eq(batch->n_requests, 2);
	ck_assert_str_eq(batch->requests[0].url, "http://b/");
	ck_assert_str_eq(batch->requests[1].url, "http://d/");
	batch_request_pick(request, NULL, 0);
	ck_assert_uint_eq(batch->n_requests, 0);
	batch_request_destroy(request);
	batch_description_destroy(description);
}
END_TEST

START_TEST(headers_expectations_and_retries_are_carried_over)
{
	struct batch_description *description = read_json(
		"{\"urls\":[\"http://a/\"],\"headers\":{\"X-One\":\"1\"},\"expect\":[204,\"3xx\"],"
		"\"retries\":{\"max\":2,\"backoff\":\"1s\",\"on\":[\"connect\",\"5xx\",\"429\"]},"
		"\"hedge\":\"300ms\"}");
	struct batch_request *request;
	const struct fetch_options *options;

	ck_assert_int_eq(batch_request_create(description, &request), 0);
	options = batch_request_batch(request)->requests[0].options;

	ck_assert_uint_eq(options->n_headers, 1);
	ck_assert_str_eq(options->headers[0].name, "X-One");
	ck_assert(fetch_expect_has(options->expect, 204));
	ck_assert(fetch_expect_has(options->expect, 302));
	ck_assert(!fetch_expect_has(options->expect, 200));
	ck_assert_int_eq(options->hedge, 300 * UNITS_NS_PER_MS);
	ck_assert_uint_eq(options->retries.max, 2);
	ck_assert_int_eq(options->retries.backoff, UNITS_NS_PER_S);
	ck_assert_uint_eq(options->retries.on, FETCH_RETRY_CONNECT | FETCH_RETRY_5XX);
	ck_assert_uint_eq(options->retries.n_statuses, 1);
	ck_assert_uint_eq(options->retries.statuses[0], 429);
	batch_request_destroy(request);
	batch_description_destroy(description);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("batch_request");
	TCase *tc = tcase_create("translation");

	tcase_add_test(tc, both_libraries_say_the_same_words_in_the_same_order);
	tcase_add_test(tc, urls_without_options_of_their_own_share_the_batchs);
	tcase_add_test(tc, some_urls_are_picked);
	tcase_add_test(tc, headers_expectations_and_retries_are_carried_over);
	suite_add_tcase(suite, tc);
	return suite;
}
