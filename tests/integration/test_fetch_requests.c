/* SPDX-License-Identifier: MIT */
/* What is sent, what follows a redirect, what is kept of an answer, what is tried again. */
#include "tests/integration/fetch_kit.h"

#include <errno.h>
#include <string.h>

static struct t_origin *origin;
static struct kit *kit;
static struct fetch_header headers[] = {
	{ "Authorization", "Bearer secret" },
	{ "X-Api-Key", "secret, too" },
	{ "Accept-Language", "de" },
	{ "X-Empty", "" },
	{ "Content-Language", "de" },
};

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.max_redirects = 5;
	kit->options.capture = FETCH_CAPTURE_BODY;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static void
give_headers(void)
{
	kit->options.headers = headers;
	kit->options.n_headers = ARRAY_LEN(headers);
}

static void
give_body(const char *method, const char *body)
{
	kit->options.method = method;
	kit->options.body = body;
	kit->options.body_len = strlen(body);
}

START_TEST(a_plain_request_says_little)
{
	const struct kit_result *kept = kit_one(kit, t_origin_url(origin, "/echo"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_ptr_nonnull(strstr(kept->body, "GET /echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "User-Agent: fetchd/1.0\r\n"));
	ck_assert_ptr_null(strstr(kept->body, "Content-"));
}
END_TEST

START_TEST(fields_and_body_are_sent_as_given)
{
	const struct kit_result *kept;

	give_headers();
	give_body("PUT", "some=text");
	kept = kit_one(kit, t_origin_url(origin, "/echo"));

	ck_assert_ptr_nonnull(strstr(kept->body, "PUT /echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "Authorization: Bearer secret\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "X-Empty:\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "Content-Length: 9\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "some=text"));
	ck_assert_ptr_null(strstr(kept->body, "Content-Type:"));
	ck_assert_ptr_null(strstr(kept->body, "Expect:"));
}
END_TEST

START_TEST(a_post_without_a_body_says_so)
{
	const struct kit_result *kept;

	kit->options.method = "POST";
	kept = kit_one(kit, t_origin_url(origin, "/echo"));

	ck_assert_ptr_nonnull(strstr(kept->body, "POST /echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(kept->body, "Content-Length: 0\r\n"));
}
END_TEST

START_TEST(a_head_has_no_body)
{
	const struct kit_result *kept;

	kit->options.method = "HEAD";
	kept = kit_one(kit, t_origin_url(origin, "/bytes/5000"));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.bytes, 0);
}
END_TEST

START_TEST(user_info_is_used_and_never_shown)
{
	char *url = NULL;
	const struct kit_result *kept;

	ck_assert_int_gt(asprintf(&url, "http://me:pass@127.0.0.1:%u/echo",
				 t_origin_port(origin, T_PORT_HTTP)),
		0);
	kept = kit_one(kit, url);

	ck_assert_ptr_nonnull(strstr(kept->body, "Authorization: Basic bWU6cGFzcw==\r\n"));
	ck_assert_ptr_null(strstr(kept->final_url, "pass"));
}
END_TEST

START_TEST(nothing_of_one_request_is_in_the_next)
{
	const struct kit_result *kept;

	kit->batch.concurrency = 1;
	kit_add(kit, t_origin_url(origin, "/echo/1"));
	kit_add(kit, t_origin_url_at(origin, T_PORT_REFUSING, "/"));
	kit_add(kit, t_origin_url(origin, "/echo/2"));
	kit_run(kit);
	kept = &kit->results[2];

	ck_assert_uint_eq(strlen(kit->results[0].body), strlen(kept->body));
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert(kept->result.is_reused);
}
END_TEST

START_TEST(each_request_has_its_own_path)
{
	static const struct {
		const char *path;
		const char *line;
	} cases[] = {
		{ "/echo/a", "GET /echo/a HTTP" },
		{ "/echo/b?x=1", "GET /echo/b?x=1 HTTP" },
		{ "/echo/c?y?z=%2F", "GET /echo/c?y?z=%2F HTTP" },
		{ "/echo/d?y?z", "GET /echo/d?y?z HTTP" },
		{ "/echo/e%2Ff", "GET /echo/e%2Ff HTTP" },
		{ "/echo/g/../h", "GET /echo/h HTTP" },
		{ "/echo", "GET /echo HTTP" },
		{ "/echo/i?", "GET /echo/i HTTP" },
	};

	kit->batch.concurrency = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kit_add(kit, t_origin_url(origin, "%s", cases[i].path));
	}
	kit_run(kit);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(strstr(kit->results[i].body, cases[i].line), "%s: %s", cases[i].line,
			kit->results[i].body);
	}
}
END_TEST

START_TEST(origins_in_turn_get_their_own_requests)
{
	kit->batch.concurrency = 1;
	for (int i = 0; i < 6; i++) {
		char *url = NULL;

		ck_assert_int_gt(asprintf(&url, "http://127.0.0.%d:%u/echo/%d", 1 + i / 2 % 2,
					 t_origin_port(origin, T_PORT_HTTP), i),
			0);
		kit_add(kit, url);
	}
	kit_run(kit);
	for (int i = 0; i < 6; i++) {
		char line[80];

		(void)snprintf(line, sizeof(line), "GET /echo/%d HTTP/1.1\r\nHost: 127.0.0.%d:", i,
			1 + i / 2 % 2);
		ck_assert_msg(
			strstr(kit->results[i].body, line), "%s: %s", line, kit->results[i].body);
	}
}
END_TEST

/* Whether exactly the URLs of the @mask, lowest bit first, have sent @text. */
static void
check_sent(const char *text, unsigned mask)
{
	for (size_t i = 0; i < kit->n_urls; i++) {
		ck_assert_int_eq(kit->results[i].result.outcome, FETCH_OK);
		ck_assert_msg(!strstr(kit->results[i].body, text) == !(mask >> i & 1),
			"%zu, \"%s\": %s", i, text, kit->results[i].body);
	}
}

START_TEST(requests_with_the_same_options_say_the_same)
{
	give_headers();
	kit->options.method = "DELETE";
	kit->batch.concurrency = 2;
	for (int i = 0; i < 8; i++) {
		kit_add(kit, t_origin_url(origin, "/echo"));
	}
	kit_run(kit);
	check_sent("DELETE /echo HTTP/1.1\r\n", 0xff);
	check_sent("X-Api-Key: secret, too\r\n", 0xff);
	check_sent("User-Agent: fetchd/1.0\r\n", 0xff);
}
END_TEST

START_TEST(requests_with_other_options_say_only_theirs)
{
	static const struct fetch_header header = { "X-Other", "1" };
	struct fetch_options others = kit->options;
	const struct fetch_options plain = kit->options;

	give_headers();
	others.headers = &header;
	others.n_headers = 1;
	others.method = "OPTIONS";
	kit->batch.concurrency = 1;
	for (int i = 0; i < 8; i++) {
		kit->own_options[i] = i % 4 == 2 ? &others : i % 4 == 3 ? &plain : NULL;
		kit_add(kit, t_origin_url(origin, "/echo"));
	}
	kit_run(kit);
	check_sent("X-Api-Key", 0x33);
	check_sent("OPTIONS /echo", 0x44);
	check_sent("X-Other", 0x44);
	check_sent("GET /echo", 0xbb);
}
END_TEST

static int
run_with_and_without(void *unused)
{
	int r;

	give_headers();
	r = kit_batch(kit);
	if (r < 0) {
		return r;
	}
	check_sent("X-Api-Key", 0x7);
	kit->options.headers = &headers[2]; /* in the same place */
	kit->options.n_headers = 1;
	return kit_batch(kit);
}

START_TEST(what_a_batch_says_ends_with_it)
{
	kit->body = run_with_and_without;
	kit->batch.concurrency = 1;
	for (int i = 0; i < 3; i++) {
		kit_add(kit, t_origin_url(origin, "/echo"));
	}
	kit_run(kit);
	check_sent("X-Api-Key", 0);
	check_sent("Accept-Language: de\r\n", 0x7);
}
END_TEST

START_TEST(a_redirect_between_others_takes_no_secret_elsewhere)
{
	give_headers();
	kit->batch.concurrency = 1;
	for (int i = 0; i < 6; i++) {
		kit_add(kit,
			i % 2 ? t_origin_url(origin, "/redirect-to/302?http://127.0.0.2:%u/echo",
					t_origin_port(origin, T_PORT_HTTP))
			      : t_origin_url(origin, "/echo"));
	}
	kit_run(kit);
	check_sent("Authorization", 0x15);
	check_sent("X-Api-Key", 0x15);
	check_sent("Accept-Language: de\r\n", 0x3f);
}
END_TEST

static const struct {
	int status;
	const char *method;
	const char *expected;
	bool with_body;
} redirects[] = {
	{ 301, "POST", "GET /echo", false },
	{ 302, "POST", "GET /echo", false },
	{ 303, "PUT", "GET /echo", false },
	{ 303, "GET", "GET /echo", false },
	{ 307, "POST", "POST /echo", true },
	{ 308, "PUT", "PUT /echo", true },
};

START_TEST(a_redirect_keeps_what_the_standard_says)
{
	const struct kit_result *kept;

	give_headers();
	give_body(redirects[_i].method, "some=text");
	kept = kit_one(kit, t_origin_url(origin, "/redirect-to/%d?/echo", redirects[_i].status));

	ck_assert_str_eq(kept->detail, "");
	ck_assert_ptr_nonnull(strstr(kept->body, redirects[_i].expected));
	ck_assert_int_eq(strstr(kept->body, "some=text") != NULL, redirects[_i].with_body);
	ck_assert_int_eq(strstr(kept->body, "Content-Language") != NULL, redirects[_i].with_body);
	ck_assert_ptr_nonnull(strstr(kept->body, "X-Api-Key"));
	ck_assert_uint_eq(kept->result.redirects, 1);
	ck_assert_ptr_nonnull(strstr(kept->final_url, "/echo"));
}
END_TEST

START_TEST(secrets_do_not_go_to_another_origin)
{
	const struct kit_result *kept;
	char *url = NULL;

	give_headers();
	ck_assert_int_gt(
		asprintf(&url,
			"http://me:pass@127.0.0.1:%u/redirect-to/302?http://127.0.0.2:%u/echo",
			t_origin_port(origin, T_PORT_HTTP), t_origin_port(origin, T_PORT_HTTP)),
		0);
	kept = kit_one(kit, url);

	ck_assert_int_eq(kept->result.status, 200);
	ck_assert_ptr_null(strstr(kept->body, "Authorization"));
	ck_assert_ptr_null(strstr(kept->body, "X-Api-Key"));
	ck_assert_ptr_nonnull(strstr(kept->body, "Accept-Language: de\r\n"));
}
END_TEST

START_TEST(without_redirects_an_answer_is_judged_as_it_is)
{
	const struct kit_result *kept;

	kit->options.max_redirects = 0;
	kept = kit_one(kit, t_origin_url(origin, "/redirect/1"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_int_eq(kept->result.status, 302);
	ck_assert_uint_eq(kept->result.redirects, 0);
}
END_TEST

START_TEST(two_origins_that_redirect_to_each_other_both_end)
{
	unsigned port = t_origin_port(origin, T_PORT_HTTP);

	kit->batch.per_origin = 1;
	for (int i = 0; i < 10; i++) {
		char *url = NULL;

		ck_assert_int_gt(
			asprintf(&url,
				"http://127.0.0.%d:%u/redirect-to/302?http://127.0.0.%d:%u/ok",
				1 + i % 2, port, 2 - i % 2, port),
			0);
		kit_add(kit, url);
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 10);
}
END_TEST

START_TEST(a_body_is_kept_whole)
{
	const struct kit_result *kept = kit_one(kit, t_origin_url(origin, "/body?some%%20text"));

	ck_assert_int_eq(kept->result.capture, FETCH_CAPTURE_BODY);
	ck_assert_str_eq(kept->body, "some text");
	ck_assert_uint_eq(kept->result.body_len, strlen("some text"));
}
END_TEST

START_TEST(a_body_is_kept_as_its_digest)
{
	static const unsigned char digest[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
		0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
		0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	const struct kit_result *kept;

	kit->options.capture = FETCH_CAPTURE_SHA256;
	kept = kit_one(kit, t_origin_url(origin, "/body?abc"));

	ck_assert_uint_eq(kept->result.body_len, sizeof(digest));
	ck_assert_mem_eq(kept->body, digest, sizeof(digest));
}
END_TEST

static int
want_abc(void *user, const void *data, size_t len, struct fetch_reason *reason)
{
	unsigned *n_asked = user;

	++*n_asked;
	if (len == 3 && memcmp(data, "abc", 3) == 0) {
		return 0;
	}
	(void)snprintf(reason->text, sizeof(reason->text), "%zu bytes", len);
	return -EINVAL;
}

START_TEST(a_judge_sees_the_whole_body)
{
	unsigned n_asked = 0;
	const struct kit_result *kept;

	kit->options.judge = (struct fetch_judge){ want_abc, &n_asked };
	kit->options.capture = FETCH_CAPTURE_SHA256;
	kept = kit_one(kit, t_origin_url(origin, "/body?abc"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.body_len, 32);
	ck_assert_uint_eq(n_asked, 1);
}
END_TEST

START_TEST(a_judge_can_refuse_a_body)
{
	unsigned n_asked = 0;
	const struct kit_result *kept;

	kit->options.judge = (struct fetch_judge){ want_abc, &n_asked };
	kit->options.capture = FETCH_CAPTURE_BODY;
	kept = kit_one(kit, t_origin_url(origin, "/body?abcd"));

	ck_assert_int_eq(kept->result.outcome, FETCH_FAILED);
	ck_assert_int_eq(kept->result.error, FETCH_ERROR_ASSERTION);
	ck_assert_str_eq(kept->detail, "4 bytes");
	ck_assert_str_eq(kept->body, "abcd");
}
END_TEST

START_TEST(a_judge_is_not_asked_about_a_wrong_status)
{
	unsigned n_asked = 0;

	kit->options.judge = (struct fetch_judge){ want_abc, &n_asked };

	ck_assert_int_eq(kit_one(kit, t_origin_url(origin, "/status/404"))->result.error,
		FETCH_ERROR_STATUS);
	ck_assert_uint_eq(n_asked, 0);
}
END_TEST

START_TEST(other_statuses_can_be_expected)
{
	struct fetch_expect expect = { .n_ranges = 1, .ranges = { { 404, 404 } } };

	kit->options.expect = &expect;
	kit_add(kit, t_origin_url(origin, "/status/404"));
	kit_add(kit, t_origin_url(origin, "/ok"));
	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
	ck_assert_int_eq(kit->results[1].result.error, FETCH_ERROR_STATUS);
	ck_assert_str_eq(kit->results[1].detail, "200 is not in 404");
}
END_TEST

static const struct {
	const char *path;
	unsigned on;
	enum fetch_retry_cause cause;
} retried[] = {
	{ "/flaky/a/2?503", FETCH_RETRY_5XX, FETCH_RETRIED_5XX },
	{ "/flaky/a/2?429", FETCH_RETRY_429, FETCH_RETRIED_429 },
	{ "/flaky/a/2?reset", FETCH_RETRY_CONNECT, FETCH_RETRIED_CONNECT },
	{ "/flaky/a/2?close", FETCH_RETRY_CONNECT, FETCH_RETRIED_CONNECT },
};

START_TEST(what_failed_is_tried_again)
{
	const struct kit_result *kept;

	kit->options.retries = (struct fetch_retries){
		.max = 2,
		.on = retried[_i].on,
		.backoff = NUR_MSEC(1),
	};
	kept = kit_one(kit, t_origin_url(origin, "%s", retried[_i].path));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kept->result.attempts, 3);
	ck_assert_uint_eq(kit->statistics.total_retries[retried[_i].cause], 2);
}
END_TEST

START_TEST(not_more_often_than_allowed)
{
	const struct kit_result *kept;

	kit->options.retries = (struct fetch_retries){
		.max = 2,
		.on = FETCH_RETRY_5XX,
		.backoff = NUR_MSEC(1),
	};
	kept = kit_one(kit, t_origin_url(origin, "/flaky/a/3?503"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_STATUS);
	ck_assert_uint_eq(kept->result.attempts, 3);
}
END_TEST

START_TEST(a_wait_that_would_pass_the_deadline_is_not_begun)
{
	const struct kit_result *kept;

	kit->batch.deadline = NUR_SEC(10);
	kit->options.retries = (struct fetch_retries){ .max = 5, .on = FETCH_RETRY_5XX };
	kept = kit_one(kit, t_origin_url(origin, "/retry-after/503?20"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_STATUS);
	ck_assert_uint_eq(kept->result.attempts, 1);
}
END_TEST

START_TEST(a_failed_attempt_leaves_nothing_in_the_result_of_the_next)
{
	const struct kit_result *kept;

	kit->options.attempt_timeout = NUR_MSEC(100);
	kit->options.retries = (struct fetch_retries){
		.max = 1,
		.on = FETCH_RETRY_TIMEOUT,
		.backoff = NUR_MSEC(1),
	};
	kept = kit_one(kit, t_origin_url(origin, "/never"));

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_ATTEMPT_TIMEOUT);
	ck_assert_uint_eq(kept->result.attempts, 2);
	ck_assert_int_eq(kept->result.status, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_requests");
	TCase *requests = tcase_create("requests");
	TCase *answers = tcase_create("answers");
	TCase *retries = tcase_create("retries");

	tcase_add_checked_fixture(requests, setup, teardown);
	tcase_add_test(requests, a_plain_request_says_little);
	tcase_add_test(requests, fields_and_body_are_sent_as_given);
	tcase_add_test(requests, a_post_without_a_body_says_so);
	tcase_add_test(requests, a_head_has_no_body);
	tcase_add_test(requests, user_info_is_used_and_never_shown);
	tcase_add_test(requests, nothing_of_one_request_is_in_the_next);
	tcase_add_test(requests, each_request_has_its_own_path);
	tcase_add_test(requests, origins_in_turn_get_their_own_requests);
	tcase_add_test(requests, requests_with_the_same_options_say_the_same);
	tcase_add_test(requests, requests_with_other_options_say_only_theirs);
	tcase_add_test(requests, what_a_batch_says_ends_with_it);
	tcase_add_test(requests, a_redirect_between_others_takes_no_secret_elsewhere);
	tcase_add_loop_test(
		requests, a_redirect_keeps_what_the_standard_says, 0, ARRAY_LEN(redirects));
	tcase_add_test(requests, secrets_do_not_go_to_another_origin);
	tcase_add_test(requests, without_redirects_an_answer_is_judged_as_it_is);
	tcase_add_test(requests, two_origins_that_redirect_to_each_other_both_end);
	suite_add_tcase(suite, requests);
	tcase_add_checked_fixture(answers, setup, teardown);
	tcase_add_test(answers, a_body_is_kept_whole);
	tcase_add_test(answers, a_body_is_kept_as_its_digest);
	tcase_add_test(answers, a_judge_sees_the_whole_body);
	tcase_add_test(answers, a_judge_can_refuse_a_body);
	tcase_add_test(answers, a_judge_is_not_asked_about_a_wrong_status);
	tcase_add_test(answers, other_statuses_can_be_expected);
	suite_add_tcase(suite, answers);
	tcase_add_checked_fixture(retries, setup, teardown);
	tcase_add_loop_test(retries, what_failed_is_tried_again, 0, ARRAY_LEN(retried));
	tcase_add_test(retries, not_more_often_than_allowed);
	tcase_add_test(retries, a_wait_that_would_pass_the_deadline_is_not_begun);
	tcase_add_test(retries, a_failed_attempt_leaves_nothing_in_the_result_of_the_next);
	suite_add_tcase(suite, retries);
	return suite;
}
