/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "lib/base/cleanup.h"
#include "lib/fetch/twins.h"

static const struct fetch_options plain;

static struct fetch_twins *
look_at(const struct fetch_url_request *requests, size_t n)
{
	struct fetch_twins *twins;

	ck_assert_int_eq(fetch_twins_create(requests, n, 7, &twins), 0);
	for (size_t i = 0; i < n; i++) {
		fetch_twins_look(twins, (uint32_t)i);
	}
	fetch_twins_are_complete(twins);
	return twins;
}

START_TEST(the_same_url_in_other_spellings_is_a_twin)
{
	const struct fetch_url_request requests[] = {
		{ "http://example.org/a?b", &plain },
		{ "http://example.org/", &plain },
		{ "HTTP://EXAMPLE.org:80/x/../a?b#c", &plain },
		{ "http://example.org/a?c", &plain },
		{ "http://example.org/a?b", &plain },
	};
	struct fetch_twins *twins = look_at(requests, ARRAY_LEN(requests));

	ck_assert_uint_eq(fetch_twins_next(twins, 0), 2);
	ck_assert_uint_eq(fetch_twins_next(twins, 2), 4);
	ck_assert_uint_eq(fetch_twins_next(twins, 4), FETCH_NO_TWIN);
	ck_assert_uint_eq(fetch_twins_next(twins, 1), FETCH_NO_TWIN);
	ck_assert(!fetch_twins_is_later(twins, 0));
	ck_assert(!fetch_twins_is_later(twins, 1));
	ck_assert(fetch_twins_is_later(twins, 2));
	ck_assert(!fetch_twins_is_later(twins, 3));
	ck_assert(fetch_twins_is_later(twins, 4));
	fetch_twins_destroy(twins);
}
END_TEST

START_TEST(who_sends_other_credentials_is_none)
{
	const struct fetch_url_request requests[] = {
		{ "http://me:1@example.org/", &plain },
		{ "http://me:2@example.org/", &plain },
	};
	struct fetch_twins *twins = look_at(requests, ARRAY_LEN(requests));

	ck_assert(!fetch_twins_is_later(twins, 1));
	fetch_twins_destroy(twins);
}
END_TEST

START_TEST(what_is_no_url_is_none)
{
	const struct fetch_url_request requests[] = { { "://", &plain }, { "://", &plain } };
	struct fetch_twins *twins = look_at(requests, ARRAY_LEN(requests));

	ck_assert(!fetch_twins_is_later(twins, 1));
	fetch_twins_destroy(twins);
}
END_TEST

static const struct fetch_options not_plain[] = {
	{ .method = "HEAD" },
	{ .method = "POST" },
	{ .body = "x", .body_len = 1 },
};

START_TEST(other_requests_than_plain_gets_are_none)
{
	const struct fetch_url_request requests[] = {
		{ "http://example.org/", &not_plain[_i] },
		{ "http://example.org/", &not_plain[_i] },
	};
	struct fetch_twins *twins = look_at(requests, ARRAY_LEN(requests));

	ck_assert(!fetch_twins_is_later(twins, 1));
	fetch_twins_destroy(twins);
}
END_TEST

START_TEST(ten_thousand_urls_are_told_apart)
{
	static struct fetch_url_request requests[10000];
	static char texts[10000][32];
	struct fetch_twins *twins;
	size_t n_later = 0;

	for (int i = 0; i < 10000; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "http://a/%d", i % 7000);
		requests[i] = (struct fetch_url_request){ texts[i], &plain };
	}
	twins = look_at(requests, ARRAY_LEN(requests));
	for (uint32_t i = 0; i < 10000; i++) {
		n_later += fetch_twins_is_later(twins, i);
	}

	ck_assert_uint_eq(n_later, 3000);
	ck_assert_uint_eq(fetch_twins_next(twins, 0), 7000);
	fetch_twins_destroy(twins);
}
END_TEST

static int
judge(void *user, const void *data, size_t len, struct fetch_reason *reason)
{
	return 0;
}

static const struct fetch_header header = { "Accept", "text/html" };
static const struct fetch_expect expect = { 1, { { 200, 204 } } };
static const uint16_t statuses[] = { 500 };

static const struct fetch_options different[] = {
	{ .timeout = 1 },
	{ .attempt_timeout = 1 },
	{ .connect_timeout = 1 },
	{ .hedge = 1 },
	{ .method = "GET" },
	{ .headers = &header, .n_headers = 1 },
	{ .body = "" },
	{ .body = "x", .body_len = 1 },
	{ .expect = &expect },
	{ .max_redirects = 1 },
	{ .max_body = 1 },
	{ .capture = FETCH_CAPTURE_SHA256 },
	{ .http_version = FETCH_HTTP_2 },
	{ .tls = { .is_unverified = true } },
	{ .tls = { .min_version = FETCH_TLS_1_3 } },
	{ .tls = { .ca_pem = "x" } },
	{ .tls = { .client_cert_pem = "x" } },
	{ .tls = { .client_key_pem = "x" } },
	{ .tls = { .with_report = true } },
	{ .retries = { .max = 1 } },
	{ .retries = { .on = 1 } },
	{ .retries = { .statuses = statuses, .n_statuses = 1 } },
	{ .retries = { .backoff = 1 } },
	{ .retries = { .max_backoff = 1 } },
	{ .judge = { judge, NULL } },
};

START_TEST(every_option_makes_a_difference)
{
	struct fetch_options copy = different[_i];

	ck_assert(!fetch_options_equal(&plain, &different[_i]));
	ck_assert(!fetch_options_equal(&different[_i], &plain));
	ck_assert(fetch_options_equal(&copy, &different[_i]));
}
END_TEST

START_TEST(equal_contents_are_equal_options)
{
	const struct fetch_header mine = { "Accept", "text/html" }, other = { "Accept", "*/*" };
	const struct fetch_expect my_expect = expect;
	const uint16_t my_statuses[] = { 500 };
	struct fetch_options a = { .headers = &header, .n_headers = 1, .expect = &expect };
	struct fetch_options b = { .headers = &mine, .n_headers = 1, .expect = &my_expect };

	a.retries = (struct fetch_retries){ .statuses = statuses, .n_statuses = 1 };
	b.retries = (struct fetch_retries){ .statuses = my_statuses, .n_statuses = 1 };
	ck_assert(fetch_options_equal(&a, &b));
	b.headers = &other;
	ck_assert(!fetch_options_equal(&a, &b));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("twins");
	TCase *requests = tcase_create("requests");
	TCase *options = tcase_create("options");

	tcase_add_test(requests, the_same_url_in_other_spellings_is_a_twin);
	tcase_add_test(requests, who_sends_other_credentials_is_none);
	tcase_add_test(requests, what_is_no_url_is_none);
	tcase_add_loop_test(
		requests, other_requests_than_plain_gets_are_none, 0, ARRAY_LEN(not_plain));
	tcase_add_test(requests, ten_thousand_urls_are_told_apart);
	suite_add_tcase(suite, requests);
	tcase_add_loop_test(options, every_option_makes_a_difference, 0, ARRAY_LEN(different));
	tcase_add_test(options, equal_contents_are_equal_options);
	suite_add_tcase(suite, options);
	return suite;
}
