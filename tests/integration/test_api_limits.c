/* SPDX-License-Identifier: MIT */
/* Limits of the API that the configuration sets. */
#include <signal.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

START_TEST(a_body_over_the_configured_limit_is_refused)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	(void)t_http_puts(&http, "POST /v1/batches HTTP/1.1\r\nHost: x\r\n"
				 "Content-Type: text/plain\r\nContent-Length: 65537\r\n\r\n");
	api_read(&http, &answer);

	api_check_problem(&answer, 413, "too_large");
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "limits.request"));
}
END_TEST

START_TEST(more_urls_than_allowed_are_refused)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL, "{'urls':['$O/ok','$O/ok','$O/ok','$O/ok']}", &answer);

	api_check_problem(&answer, 422, "invalid_batch");
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_requests, 0);
}
END_TEST

START_TEST(more_batches_than_allowed_are_refused_for_now)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'urls':['$O/never']}", id, sizeof(id));

	api_call("POST /v1/batches", NULL, "{'urls':['$O/ok']}", &answer);

	api_check_problem(&answer, 503, "overloaded");
	api_check_field(&answer, "Retry-After", "1");
}
END_TEST

static void
start_with_short_drain(void)
{
	api_start_with("drain: {timeout: 200ms}\n");
}

static void
start_with_small_limits(void)
{
	api_start_with("limits: {request: 64KiB, batch_urls: 3, batches: 1}\n");
}

START_TEST(the_drain_limit_cancels_what_is_left)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/never']}");
	t_origin_wait(api_origin(), "held>=1");
	t_daemon_signal(api_daemon(), SIGTERM);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/outcome=cancelled /results/0/cancel/reason=shutdown");
	ck_assert_int_eq(t_daemon_wait(api_daemon()), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_limits");
	TCase *tc = api_case(suite, "limits", start_with_small_limits, api_stop);

	tcase_add_test(tc, a_body_over_the_configured_limit_is_refused);
	tcase_add_test(tc, more_urls_than_allowed_are_refused);
	tcase_add_test(tc, more_batches_than_allowed_are_refused_for_now);

	tc = api_case(suite, "drain", start_with_short_drain, api_clean_up);
	tcase_add_test(tc, the_drain_limit_cancels_what_is_left);
	return suite;
}
