/* SPDX-License-Identifier: MIT */
/* A daemon with several workers answers as one. The eight addresses of the origin are as many origins. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#define CONFIG "workers: 3\n"

/* A batch of @n URLs, at all addresses in turn, and further members. */
static void
write_batch(struct buffer *body, const char *members, unsigned n, const char *path)
{
	buffer_printf(body, "{%s'urls':[", members);
	for (unsigned i = 0; i < n; i++) {
		buffer_printf(
			body, "%s'http://127.0.0.%u:$P%s/%u'", i ? "," : "", i % 8 + 1, path, i);
	}
	buffer_puts(body, "]}");
	ck_assert_int_eq(buffer_error(body), 0);
}

static void
begin(struct t_http *http, struct t_response *stream, const char *members, unsigned n,
	const char *path, char id[64])
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	write_batch(&body, members, n, path);
	api_begin(http, stream, body.data, id, 64);
}

static void
submit(const char *members, unsigned n, const char *path, struct api_answer *answer)
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	write_batch(&body, members, n, path);
	api_submit(body.data, answer);
}

START_TEST(a_batch_has_one_answer)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("", 80, "/ok", &answer);

	api_check(&answer, "/outcome=ok /counts/ok=80 /results/0/index=0 /results/79/index=79 "
			   "/results/80=-");
}
END_TEST

START_TEST(a_failure_names_its_cause)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	write_batch(&body, "", 16, "/never");
	body.len -= strlen("]}");
	buffer_puts(&body, ",'$O/crowd/17?500']}");
	api_submit(body.data, &answer);

	api_check(&answer, "/outcome=failed /counts/failed=1 /counts/cancelled=16 "
			   "/results/0/cancel/reason=sibling_failed /results/0/cancel/cause=16 "
			   "/results/15/cancel/cause=16 /results/16/status=500");
	t_origin_wait(api_origin(), "open<=1"); /* the one that answered is kept */
}
END_TEST

START_TEST(a_caller_who_leaves_takes_the_batch_along)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	char id[64];

	begin(&http, &stream, "", 32, "/never", id);
	t_origin_wait(api_origin(), "held>=32");

	t_http_close(&http);

	t_origin_wait(api_origin(), "open<=0");
}
END_TEST

START_TEST(a_cancel_answers_when_nothing_is_alive)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	begin(&http, &stream, "", 32, "/never", id);
	t_origin_wait(api_origin(), "held>=32");

	api_call_batch("POST", id, "/cancel", &answer);

	api_check(&answer, "/outcome=cancelled /counts/cancelled=32");
	api_call_batch("GET", id, "", &answer);
	api_check(&answer, "/results/31/cancel/reason=cancel_request");
	api_call("GET /v1/tree", NULL, NULL, &answer);
	ck_assert_ptr_null(strstr(answer.http.body.data, "/never"));
}
END_TEST

START_TEST(the_deadline_is_that_of_the_batch)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("'deadline':'50ms',", 16, "/never", &answer);

	api_check(&answer, "/outcome=deadline /counts/cancelled=16 "
			   "/results/15/cancel/reason=deadline");
}
END_TEST

START_TEST(the_tree_shows_the_tasks_of_all_workers)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	begin(&http, &stream, "", 24, "/never", id);
	t_origin_wait(api_origin(), "held>=24");

	api_call("GET /v1/tree", NULL, NULL, &answer);
	api_check(&answer, "/kind=run /children/0/name=main /children/1/kind=run "
			   "/children/3/kind=run /children/4=-");
	ck_assert_str_eq(api_at(&answer, "/children/1/name")->text, "worker 1");
	ck_assert_uint_eq(t_count(answer.http.body.data, "/never/"), 24);

	api_call("GET /v1/tree", "Accept: text/plain\r\n", NULL, &answer);
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\n  run: worker 3\n"));
	ck_assert_uint_eq(t_count(answer.http.body.data, "/never/"), 24);
}
END_TEST

START_TEST(metrics_add_up)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	begin(&http, &stream, "'concurrency':24,", 30, "/never", id);
	t_origin_wait(api_origin(), "held>=24");

	api_call("GET /metrics", NULL, NULL, &answer);

	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\nfetchd_in_flight_requests 24\n"));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\nfetchd_queue_urls 6\n"));
}
END_TEST

START_TEST(a_reload_reaches_all_workers)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit("", 16, "/ok", &answer);
	api_configure(CONFIG "network: {policy: public_only}\n");

	api_call("POST /v1/reload", NULL, "", &answer);
	api_check(&answer, "/generation=2 /needs_restart/0=-");
	submit("'policy':'collect',", 16, "/ok", &answer);
	api_check(&answer, "/outcome=failed /counts/failed=16 /results/15/error/code=denied");
}
END_TEST

START_TEST(their_number_needs_a_restart)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_configure("workers: 2\n");

	api_call("POST /v1/reload", NULL, "", &answer);

	api_check(&answer, "/needs_restart/0=workers /needs_restart/1=-");
	submit("", 16, "/ok", &answer);
	api_check(&answer, "/outcome=ok");
}
END_TEST

START_TEST(a_stop_lets_batches_finish)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	char id[64];

	begin(&http, &stream, "", 16, "/hold/a", id);
	t_origin_wait(api_origin(), "held>=16");
	t_daemon_signal(api_daemon(), SIGTERM);
	t_daemon_wait_notify(api_daemon(), "STOPPING=1");

	(void)t_origin_release(api_origin(), "a");
	api_read_on(&http, &stream);
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"type\":\"end\""));
	ck_assert_uint_eq(t_count(stream.body.data, "\"type\":\"result\""), 16);
	ck_assert_int_eq(t_daemon_wait(api_daemon()), 0);
}
END_TEST

static void
start(void)
{
	api_start_with(CONFIG);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api workers");
	TCase *tc = api_case(suite, "workers", start, api_stop);
	TCase *end = api_case(suite, "end", start, api_clean_up);

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_batch_has_one_answer);
	tcase_add_test(tc, a_failure_names_its_cause);
	tcase_add_test(tc, a_caller_who_leaves_takes_the_batch_along);
	tcase_add_test(tc, a_cancel_answers_when_nothing_is_alive);
	tcase_add_test(tc, the_deadline_is_that_of_the_batch);
	tcase_add_test(tc, the_tree_shows_the_tasks_of_all_workers);
	tcase_add_test(tc, metrics_add_up);
	tcase_add_test(tc, a_reload_reaches_all_workers);
	tcase_add_test(tc, their_number_needs_a_restart);
	tcase_set_timeout(end, 60);
	tcase_add_test(end, a_stop_lets_batches_finish);
	return suite;
}
