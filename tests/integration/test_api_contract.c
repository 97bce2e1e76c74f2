/* SPDX-License-Identifier: MIT */
/*
 * What the API promises, asked of the real daemon over its socket: answers, streams, ways to send a batch,
 * refusals, policies, limits, the other calls, and the end.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

/* ---- the collected answer ---- */

START_TEST(a_collected_answer_has_the_members_of_the_contract)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	/* two at a time: /never is asked for when /bytes has been answered, and the crowd waits for it */
	api_submit("{'name':'gate','concurrency':2,"
		   "'urls':['$O/bytes/5120','$O/crowd/2?503','$O/never']}",
		&answer);

	api_check_field(&answer, "Content-Type", "application/json");
	api_check_keys(&answer, "",
		"id name outcome policy started elapsed_ms deadline_ms counts results");
	api_check_keys(&answer, "/counts", "ok failed timeout cancelled");
	api_check_keys(&answer, "/results/0",
		"index url outcome status attempts redirects final_url bytes http_version remote "
		"reused timing_ms");
	api_check_keys(&answer, "/results/1",
		"index url outcome status error attempts redirects final_url bytes http_version "
		"remote reused timing_ms");
	api_check_keys(&answer, "/results/2",
		"index url outcome cancel attempts redirects final_url bytes reused timing_ms");
	api_check_keys(&answer, "/results/0/timing_ms", "queue dns connect tls first_byte total");
	api_check(&answer,
		"/name=gate /outcome=failed /policy=fail_fast /counts/ok=1 /counts/failed=1 "
		"/counts/timeout=0 /counts/cancelled=1 /results/0/index=0 "
		"/results/0/url=$O/bytes/5120 /results/0/outcome=ok /results/0/status=200 "
		"/results/0/attempts=1 /results/0/redirects=0 /results/0/final_url=$O/bytes/5120 "
		"/results/0/bytes=5120 /results/0/http_version=1.1 /results/0/remote=127.0.0.1:$P "
		"/results/0/reused=false /results/0/timing_ms/tls=null "
		"/results/1/outcome=failed /results/1/status=503 /results/1/error/code=status "
		"/results/2/outcome=cancelled /results/2/cancel/reason=sibling_failed "
		"/results/2/cancel/cause=1 /results/2/status=-");
}
END_TEST

START_TEST(results_stand_in_the_order_of_the_urls)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'urls':['$O/slow/60','$O/slow/30','$O/ok']}", &answer);

	api_check(&answer, "/outcome=ok /results/0/index=0 /results/1/index=1 /results/2/index=2 "
			   "/results/0/url=$O/slow/60 /results/2/url=$O/ok");
}
END_TEST

START_TEST(a_body_that_is_not_as_asserted_is_a_failure)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'policy':'collect','urls':["
		   "{'url':'$O/body?up','assert':{'contains':'up','regex':'^u'}},"
		   "{'url':'$O/body?down','assert':{'contains':'up'},'capture':'text'},"
		   "{'url':'$O/body?[7]','assert':{'json':{'/0':7}}}]}",
		&answer);

	api_check(&answer,
		"/results/0/outcome=ok /results/1/outcome=failed "
		"/results/1/error/code=assertion /results/1/body=down /results/2/outcome=ok");
}
END_TEST

START_TEST(an_empty_body_is_a_body)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'policy':'collect','urls':["
		   "{'url':'$O/bytes/0','capture':'text'},"
		   "{'url':'$O/status/204','capture':'base64','assert':{'regex':'^'}},"
		   "{'url':'$O/bytes/0','capture':'text','assert':{'contains':'up'}}]}",
		&answer);

	api_check(&answer, "/results/0/outcome=ok /results/0/body= /results/1/outcome=ok "
			   "/results/1/body_base64= /results/2/error/code=assertion "
			   "/results/2/body=");
}
END_TEST

START_TEST(a_hedge_is_an_attempt_of_its_own)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'hedge':'1ms','urls':['$O/flaky/h/1?never']}", &answer);

	api_check(&answer, "/results/0/outcome=ok /results/0/attempts=2");
}
END_TEST

START_TEST(urls_that_are_the_same_are_fetched_once)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'dedupe':true,'urls':['$O/flaky/d/1?200','$O/flaky/d/1?200#x',"
		   "{'url':'$O/flaky/d/1?200','capture':'text'}]}",
		&answer);

	api_check(&answer, "/counts/ok=3 /results/0/same_as=- /results/1/same_as=0 "
			   "/results/1/status=200 /results/1/url=$O/flaky/d/1?200#x "
			   "/results/2/same_as=-");
}
END_TEST

START_TEST(a_rate_is_kept)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	const struct value *queue;

	api_submit("{'rate':'50/s','urls':['$O/ok/1','$O/ok/2','$O/ok/3']}", &answer);

	api_check(&answer, "/counts/ok=3");
	queue = api_at(&answer, "/results/2/timing_ms/queue");
	ck_assert(queue->type == VALUE_REAL ? queue->real >= 38 : queue->integer >= 38);
}
END_TEST

START_TEST(a_connection_that_was_there_has_no_connect_time)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'concurrency':1,'urls':['$O/ok/1','$O/ok/2']}", &answer);

	api_check(&answer, "/results/0/reused=false /results/1/reused=true "
			   "/results/1/timing_ms/connect=null");
}
END_TEST

static void
start_with_a_proxy(void)
{
	api_start_with("network: {policy: public_only, proxy: \"$O\"}\n");
}

START_TEST(requests_go_through_the_proxy)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'policy':'collect','urls':['http://nobody.invalid/ok','http://10.0.0.1/ok']}",
		&answer);

	api_check(&answer, "/results/0/outcome=ok /results/0/remote=127.0.0.1:$P "
			   "/results/1/error/code=denied");
}
END_TEST

/* ---- the stream ---- */

START_TEST(a_stream_is_its_batch_its_numbered_results_and_its_end)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", API_NDJSON,
		"{'name':'lines','urls':['$O/crowd/2','$O/ok','$O/crowd/2?500']}", &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check_field(&answer, "Content-Type", "application/x-ndjson");
	ck_assert_uint_eq(answer.json->root->n, 5);
	api_check_keys(&answer, "/0",
		"type id name state policy started elapsed_ms deadline_ms urls counts");
	api_check_keys(&answer, "/4",
		"type id name outcome policy started elapsed_ms deadline_ms urls counts");
	api_check(&answer, "/0/type=batch /0/state=running /0/urls=3 /0/counts/pending=3 "
			   "/1/type=result /1/seq=1 /2/type=result /2/seq=2 /3/seq=3 "
			   "/4/type=end /4/outcome=failed /4/name=lines /4/counts/pending=-");
}
END_TEST

START_TEST(a_result_is_sent_as_soon_as_it_is_there)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	api_send(&http, "POST /v1/batches", API_NDJSON, "{'urls':['$O/hold/a','$O/ok']}");
	t_http_read_head(&http, &response);
	api_read_until(&http, &response, "\"seq\":1");

	ck_assert_ptr_null(strstr(response.body.data, "\"seq\":2"));
	(void)t_origin_release(api_origin(), "a");
	api_read_on(&http, &response);
	ck_assert_ptr_nonnull(strstr(response.body.data, "\"type\":\"end\""));
}
END_TEST

/* ---- ways to send a batch ---- */

static const struct {
	const char *target;
	const char *type;
	const char *body;
	const char *checks;
} inputs[] = {
	{ "", NULL, "{'urls':['$O/ok']}", "/counts/ok=1" },
	{ "", "application/json; charset=utf-8", "{'urls':['$O/ok']}", "/counts/ok=1" },
	{ "", "application/x-www-form-urlencoded", "{'urls':['$O/ok']}", "/counts/ok=1" },
	{ "", "application/x-ndjson",
		"{'policy':'collect','name':'n'}\n'$O/ok'\n{'url':'$O/status/"
		"404','expect':[404]}\n",
		"/name=n /policy=collect /counts/ok=2 /results/1/status=404" },
	{ "", "application/x-ndjson", "{}\n'$O/ok'", "/counts/ok=1" },
	{ "?policy=collect&name=a+b&timeout=5s&expect=2xx", "text/plain",
		"# a comment\n\n$O/ok\r\n$O/status/304\n", "/policy=collect /counts/failed=1" },
	{ "?capture=text&max_body=1KiB", "text/plain;charset=utf-8", "$O/body?hi",
		"/results/0/body=hi" },
};

START_TEST(a_batch_may_be_json_lines_or_text)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char target[128];
	char fields[128] = "";

	(void)snprintf(target, sizeof(target), "POST /v1/batches%s", inputs[_i].target);
	if (inputs[_i].type) {
		(void)snprintf(fields, sizeof(fields), "Content-Type: %s\r\n", inputs[_i].type);
	}

	api_call(target, fields, inputs[_i].body, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, inputs[_i].checks);
}
END_TEST

START_TEST(a_body_may_come_in_chunks)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *url = t_origin_url(api_origin(), "/ok");

	(void)t_http_printf(&http,
		"POST /v1/batches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"a\r\n{\"urls\":[\"\r\n%zx;ext=1\r\n%s\r\n3\r\n\"]}\r\n0\r\nTrailer: x\r\n\r\n",
		strlen(url), url);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/counts/ok=1");
}
END_TEST

START_TEST(continue_is_said_before_the_body_is_read)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = api_text("{'urls':['$O/ok']}");

	(void)t_http_printf(&http,
		"POST /v1/batches HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Content-Length: %zu\r\n\r\n",
		strlen(body));
	t_http_read_head(&http, &answer.http);
	ck_assert_int_eq(answer.http.status, 100);
	(void)t_http_puts(&http, body);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(a_refusal_takes_the_place_of_continue)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	(void)t_http_puts(&http, "POST /v1/batches HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
				 "Content-Type: image/png\r\nContent-Length: 5\r\n\r\n");
	t_http_read_head(&http, &answer.http);

	ck_assert_int_eq(answer.http.status, 415);
	while (t_http_read_more(&http, &answer.http)) {
	}
	ck_assert(t_http_is_over(&http)); /* whether the body comes is not known */
}
END_TEST

/* ---- connections ---- */

START_TEST(requests_sent_ahead_are_answered_in_their_order)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/slow/50']}");
	api_send(&http, "GET /v1/version", NULL, NULL);
	api_send(&http, "GET /nowhere", NULL, NULL);
	api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/ok']}");

	api_read(&http, &answer);
	api_check(&answer, "/results/0/url=$O/slow/50");
	api_read(&http, &answer);
	ck_assert_ptr_nonnull(api_at(&answer, "/version"));
	api_read(&http, &answer);
	ck_assert_int_eq(answer.http.status, 404);
	api_read(&http, &answer);
	api_check(&answer, "/results/0/url=$O/ok");
}
END_TEST

START_TEST(a_refused_request_leaves_the_connection_usable)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "POST /v1/batches", "Content-Type: image/png\r\n", "GET / HTTP/1.1");
	api_read(&http, &answer);
	ck_assert_int_eq(answer.http.status, 415);

	api_send(&http, "POST /v1/batches", NULL, "{'urls':[]}");
	api_read(&http, &answer);
	ck_assert_int_eq(answer.http.status, 422);

	api_send(&http, "GET /v1/health/live", NULL, NULL);
	api_read(&http, &answer);
	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(the_connection_closes_when_asked_to)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "GET /v1/health/live", "Connection: close\r\n", NULL);
	api_read(&http, &answer);

	api_check_field(&answer, "Connection", "close");
	ck_assert(t_http_is_over(&http));
}
END_TEST

START_TEST(http_1_0_gets_a_length_and_a_close)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = api_text("{'urls':['$O/ok']}");

	(void)t_http_printf(&http, "POST /v1/batches HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	ck_assert_int_eq(answer.http.framing, T_FRAMING_LENGTH);
	api_check(&answer, "/counts/ok=1");
	ck_assert(t_http_is_over(&http));
}
END_TEST

START_TEST(a_stream_to_http_1_0_ends_with_the_connection)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = api_text("{'urls':['$O/ok']}");

	(void)t_http_printf(&http,
		"POST /v1/batches HTTP/1.0\r\n" API_NDJSON "Content-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.framing, T_FRAMING_CLOSE);
	api_check(&answer, "/2/type=end");
}
END_TEST

START_TEST(head_is_get_without_the_content)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char length[32];

	api_send(&http, "HEAD /v1/version", NULL, NULL);
	t_http_read_head(&http, &response);
	ck_assert_int_eq(response.status, 200);
	ck_assert_ptr_nonnull(
		t_response_field(&response, "Content-Length", length, sizeof(length)));
	ck_assert_str_ne(length, "0");

	api_send(&http, "GET /v1/version", NULL, NULL);
	api_read(&http, &answer); /* what comes next is its head, no content in between */
	api_check_field(&answer, "Content-Length", length);
}
END_TEST

/* ---- refusals ---- */

static const struct {
	const char *method_and_target;
	const char *fields;
	const char *body;
	int status;
	const char *code;
	const char *detail;
	const char *field;
	const char *value;
} refusals[] = {
	{ "POST /v1/batches", "Content-Type: application/xml\r\n", "<a/>", 415,
		"unsupported_media_type", "application/x-ndjson", NULL, NULL },
	{ "POST /v1/batches", "Accept: text/html\r\n", "{'urls':['$O/ok']}", 406, "not_acceptable",
		"application/json", NULL, NULL },
	{ "GET /v1/tree", "Accept: image/png\r\n", NULL, 406, "not_acceptable", "text/plain", NULL,
		NULL },
	{ "DELETE /v1/batches", NULL, NULL, 405, "method_not_allowed", "Allow", "Allow",
		"GET, HEAD, POST" },
	{ "POST /v1/tree", NULL, "", 405, "method_not_allowed", "Allow", "Allow", "GET, HEAD" },
	{ "GET /v1/batches/x/cancel", NULL, NULL, 405, "method_not_allowed", "Allow", "Allow",
		"POST" },
	{ "GET /", NULL, NULL, 404, "not_found", "/v1/", NULL, NULL },
	{ "GET /v1/batches/none", NULL, NULL, 404, "not_found", "id", NULL, NULL },
	{ "POST /v1/batches/none/cancel", NULL, "", 404, "not_found", "id", NULL, NULL },
	{ "GET /v1/version", "Origin: https://example.org\r\n", NULL, 403, "from_browser",
		"browser", NULL, NULL },
	{ "POST /v1/batches", "Referer: https://example.org/\r\n", "{'urls':['$O/ok']}", 403,
		"from_browser", "browser", NULL, NULL },
	{ "POST /v1/batches", "Prefer: respond-async\r\n", "{'urls':['$O/ok']}", 501, "no_store",
		"respond-async", NULL, NULL },
	{ "POST /v1/batches", "Idempotency-Key: 1\r\n", "{'urls':['$O/ok']}", 501, "no_store",
		"Idempotency-Key", NULL, NULL },
	{ "POST /v1/batches", "Expect: a-miracle\r\n", "{'urls':['$O/ok']}", 417,
		"expectation_failed", "100-continue", NULL, NULL },
	{ "BREW /v1/batches", NULL, NULL, 501, "not_implemented", "method", NULL, NULL },
	{ "GET /v1/batches?limit=0", NULL, NULL, 400, "bad_parameter", "1 to 1000", NULL, NULL },
	{ "GET /v1/batches?state=odd", NULL, NULL, 400, "bad_parameter", "running", NULL, NULL },
	{ "GET /v1/batches?cursor=odd", NULL, NULL, 400, "bad_parameter", "cursor", NULL, NULL },
	{ "GET /v1/batches?cursor=", NULL, NULL, 400, "bad_parameter", "cursor", NULL, NULL },
	{ "GET /v1/batches?stat=done", NULL, NULL, 400, "bad_parameter", "state, limit", NULL,
		NULL },
	{ "GET /v1/batches?limit=1&limit=2", NULL, NULL, 400, "bad_parameter", "given twice", NULL,
		NULL },
	{ "GET /v1/batches/1/results?seq=1", NULL, NULL, 400, "bad_parameter", "cursor and", NULL,
		NULL },
	{ "POST /v1/batches", NULL, "{'urls':", 400, "bad_body", "errors", NULL, NULL },
	{ "POST /v1/batches", NULL, "{'urls':[]}", 422, "invalid_batch", "errors", NULL, NULL },
};

START_TEST(a_refusal_says_what_would_be_right)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call(refusals[_i].method_and_target, refusals[_i].fields, refusals[_i].body, &answer);

	api_check_problem(&answer, refusals[_i].status, refusals[_i].code);
	ck_assert_ptr_nonnull(
		strstr(value_get_text(answer.json->root, "detail"), refusals[_i].detail));
	if (refusals[_i].field) {
		api_check_field(&answer, refusals[_i].field, refusals[_i].value);
	}
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_requests, 0);
}
END_TEST

START_TEST(all_faults_of_a_body_are_reported_with_their_places)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL,
		"{\n"
		" 'urls': [5, 'ftp://x/', {'url': 'http://a/', 'timout': '5s'}],\n"
		" 'deadline': 5,\n"
		" 'policy': 'collekt',\n"
		" 'dedline': '5s'\n"
		"}",
		&answer);

	api_check_problem(&answer, 422, "invalid_batch");
	ck_assert_uint_eq(api_at(&answer, "/errors")->n, 6);
	for (size_t i = 0; i < 6; i++) {
		char pointer[32];
		const struct value *error;

		(void)snprintf(pointer, sizeof(pointer), "/errors/%zu", i);
		error = api_at(&answer, pointer);
		ck_assert_ptr_nonnull(value_get_text(error, "detail"));
		ck_assert_int_gt(value_get(error, "line")->integer, 1);
		ck_assert_int_gt(value_get(error, "column")->integer, 1);
	}
	for (const char *const *wanted = (const char *const[]){ "/urls/0", "/urls/1",
		     "/urls/2/timout", "/deadline", "/policy", "/dedline", NULL };
		*wanted; wanted++) {
		char quoted[64];

		(void)snprintf(quoted, sizeof(quoted), "\"pointer\":\"%s\",", *wanted);
		ck_assert_msg(
			strstr(answer.http.body.data, quoted) != NULL, "no fault at %s", *wanted);
	}
	ck_assert_ptr_nonnull(
		strstr(answer.http.body.data, "\"line\":4,\"column\":12,\"detail\":"));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"suggestion\":\"timeout\""));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"suggestion\":\"collect\""));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"suggestion\":\"deadline\""));
}
END_TEST

START_TEST(a_fault_in_a_line_has_that_line)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches?timeout=5", "Content-Type: text/plain\r\n",
		"$O/ok\n# fine\nfile:///etc/passwd\n", &answer);

	api_check_problem(&answer, 422, "invalid_batch");
	ck_assert_uint_eq(api_at(&answer, "/errors")->n, 2);
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"line\":3,\"column\":1"));
}
END_TEST

START_TEST(a_json_body_over_a_mebibyte_is_told_of_the_line_formats)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *blanks = malloc(1 << 20);

	ck_assert_ptr_nonnull(blanks);
	memset(blanks, ' ', 1 << 20);
	(void)t_http_puts(&http, "POST /v1/batches HTTP/1.1\r\nHost: x\r\n"
				 "Content-Length: 2000000\r\n\r\n{");
	(void)t_http_send(&http, blanks, 1 << 20);
	api_read(&http, &answer);

	api_check_problem(&answer, 413, "too_large");
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "application/x-ndjson"));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "text/plain"));
}
END_TEST

START_TEST(lines_may_be_longer_than_a_mebibyte_together)
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	while (body.len < 1100 * 1000) {
		buffer_puts(&body, "# a comment of some length that stands for nothing\n");
	}
	buffer_puts(&body, "$O/ok\n");
	api_call("POST /v1/batches", "Content-Type: text/plain\r\n", body.data, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/counts/ok=1");
}
END_TEST

/* ---- policies, limits, requests ---- */

static const struct {
	const char *body;
	const char *checks;
} batches[] = {
	/* policies */
	{ "{'urls':['$O/crowd/2?500','$O/never']}",
		"/outcome=failed /results/1/cancel/reason=sibling_failed "
		"/results/1/cancel/cause=0" },
	{ "{'concurrency':1,'urls':['$O/status/500','$O/ok']}",
		"/outcome=failed /results/1/outcome=cancelled /results/1/attempts=0 "
		"/results/1/timing_ms/queue=null /results/1/redirects=-" },
	{ "{'max_failures':1,'concurrency':1,'urls':['$O/status/500','$O/ok']}",
		"/outcome=ok /counts/failed=1 /counts/ok=1" },
	{ "{'max_failures':1,'urls':['$O/crowd/3?500','$O/crowd/3?500','$O/never']}",
		"/outcome=failed /counts/failed=2 /counts/cancelled=1" },
	{ "{'policy':'collect','urls':['$O/status/500','$O/slow/30','$O/status/404']}",
		"/outcome=failed /counts/ok=1 /counts/failed=2 /counts/cancelled=0" },
	{ "{'policy':'first_success','concurrency':2,'urls':['$O/never','$O/status/500','$O/crowd/"
	  "2']}",
		"/outcome=ok /results/0/cancel/reason=first_success /results/0/cancel/cause=2 "
		"/results/1/outcome=failed" },
	{ "{'policy':'first_success','urls':['$O/status/500','$O/status/404']}",
		"/outcome=failed /counts/failed=2" },
	/* time */
	{ "{'deadline':'150ms','urls':['$O/never']}",
		"/outcome=deadline /results/0/outcome=cancelled /results/0/cancel/reason=deadline "
		"/results/0/cancel/cause=-" },
	{ "{'timeout':'100ms','urls':['$O/never']}",
		"/outcome=failed /counts/timeout=1 /results/0/outcome=timeout" },
	{ "{'policy':'collect','urls':[{'url':'$O/never','timeout':'50ms'},'$O/slow/100']}",
		"/counts/timeout=1 /counts/ok=1" },
	{ "{'urls':[{'url':'$O/never','attempt_timeout':'100ms'}]}",
		"/results/0/outcome=failed /results/0/error/code=attempt_timeout" },
	{ "{'connect_timeout':'100ms','urls':['$D/']}",
		"/results/0/outcome=failed /results/0/error/code=connect_timeout" },
	/* redirects */
	{ "{'urls':['$O/redirect/3']}", "/results/0/redirects=3 /results/0/final_url=$O/redirect/0 "
					"/results/0/status=200" },
	{ "{'redirects':2,'urls':['$O/redirect/3']}",
		"/results/0/error/code=redirect_limit /results/0/redirects=2" },
	{ "{'redirects':0,'urls':['$O/redirect/3']}",
		"/results/0/outcome=ok /results/0/status=302 /results/0/redirects=0" },
	{ "{'urls':['$O/redirect-to/302?file:///etc/passwd']}",
		"/results/0/error/code=redirect_denied" },
	{ "{'urls':['$O/redirect-to/302?http://169.254.169.254/latest']}",
		"/results/0/outcome=failed /results/0/error/code=denied" },
	{ "{'urls':['$O/loop']}", "/results/0/error/code=redirect_limit" },
	/* what is wanted and what comes back */
	{ "{'headers':{},'urls':[{'url':'$O/ok','headers':{}}]}", "/outcome=ok" },
	{ "{'expect':[404],'urls':['$O/status/404']}", "/outcome=ok /results/0/status=404" },
	{ "{'expect':['2xx'],'urls':['$O/status/304']}", "/results/0/error/code=status" },
	{ "{'expect':['400-499',200],'urls':['$O/status/404','$O/ok']}", "/counts/ok=2" },
	{ "{'capture':'text','urls':['$O/body?hello']}", "/results/0/body=hello" },
	{ "{'capture':'base64','urls':['$O/body?hello']}", "/results/0/body_base64=aGVsbG8=" },
	{ "{'capture':'sha256','urls':['$O/body?hello']}",
		"/results/0/sha256="
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" },
	{ "{'urls':['$O/body?hello']}",
		"/results/0/body=- /results/0/sha256=- /results/0/bytes=5" },
	{ "{'max_body':'1KiB','urls':['$O/bytes/4096']}", "/results/0/error/code=body_too_large" },
	/* other error codes */
	{ "{'urls':['http://169.254.169.254/']}",
		"/results/0/outcome=failed /results/0/error/code=denied" },
	{ "{'urls':['$R/']}", "/results/0/error/code=connection_refused /results/0/attempts=1" },
	{ "{'urls':['https://127.0.0.1:$S/']}", "/results/0/error/code=tls_handshake" },
	{ "{'urls':['$O/garbage']}", "/results/0/error/code=protocol" },
	{ "{'urls':['$O/truncated-length']}", "/results/0/error/code=truncated" },
	{ "{'urls':['$O/truncated-chunked']}", "/results/0/error/code=truncated" },
	{ "{'urls':['$O/long-header/90000']}", "/results/0/error/code=header_too_large" },
	{ "{'urls':['$X/']}", "/results/0/error/code=reset" },
	{ "{'urls':['$O/reset-mid-body']}", "/results/0/error/code=truncated" },
};

START_TEST(a_batch_does_what_it_was_told)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit(batches[_i].body, &answer);

	api_check(&answer, batches[_i].checks);
}
END_TEST

START_TEST(method_headers_and_body_reach_the_origin)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	const char *echo;

	api_submit("{'capture':'text','urls':[{'url':'$O/echo','method':'PUT',"
		   "'headers':{'X-One':'1','User-Agent':'mine'},'body':'content'}]}",
		&answer);

	echo = value_get_text(api_at(&answer, "/results/0"), "body");
	ck_assert_ptr_nonnull(echo);
	ck_assert_ptr_nonnull(strstr(echo, "PUT /echo"));
	ck_assert_ptr_nonnull(strstr(echo, "X-One: 1"));
	ck_assert_ptr_nonnull(strstr(echo, "User-Agent: mine"));
	ck_assert_ptr_nonnull(strstr(echo, "content"));
}
END_TEST

START_TEST(the_windows_of_batch_and_origin_are_kept)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'concurrency':3,'urls':['$O/slow/20/1','$O/slow/20/2','$O/slow/20/3',"
		   "'$O/slow/20/4','$O/slow/20/5','$O/slow/20/6','$O/slow/20/7']}",
		&answer);
	ck_assert_uint_eq(t_origin_counts(api_origin()).max_held, 3);

	t_origin_forget(api_origin());
	api_submit("{'per_origin':2,'urls':['$O/slow/20/1','$O/slow/20/2','$O/slow/20/3',"
		   "'$O/slow/20/4']}",
		&answer);
	ck_assert_uint_eq(t_origin_counts(api_origin()).max_held, 2);
}
END_TEST

/* ---- the other calls ---- */

START_TEST(a_running_batch_is_listed_and_shown)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'name':'now','urls':['$O/ok','$O/hold/b']}", id, sizeof(id));
	t_origin_wait(api_origin(), "held>=1");
	api_read_until(&http, &stream, "\"seq\":1");

	api_call("GET /v1/batches?state=running", NULL, NULL, &answer);
	ck_assert_uint_eq(api_at(&answer, "/batches")->n, 1);
	api_check(&answer, "/batches/0/name=now /batches/0/state=running /batches/0/outcome=- "
			   "/batches/0/counts/pending=1 /batches/0/counts/ok=1 /cursor=null");
	ck_assert_str_eq(value_get_text(api_at(&answer, "/batches/0"), "id"), id);
	api_call_batch("GET", id, "", &answer);
	ck_assert_uint_eq(api_at(&answer, "/results")->n, 1);
	api_check(&answer, "/state=running /results/0/index=0 /urls=2");

	(void)t_origin_release(api_origin(), "b");
	api_read_on(&http, &stream);
	api_call_batch("GET", id, "", &answer);
	ck_assert_uint_eq(api_at(&answer, "/results")->n, 2);
	api_check(&answer, "/outcome=ok /state=- /urls=-");
}
END_TEST

START_TEST(who_follows_a_batch_is_answered_before_there_is_a_result)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_http_close) struct t_http follower = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(t_response_fini) struct t_response head = T_RESPONSE_INIT;
	_cleanup_(t_response_fini) struct t_response followed = T_RESPONSE_INIT;
	char target[128];
	char id[64];

	api_begin(&http, &stream, "{'urls':['$O/hold/f']}", id, sizeof(id));
	(void)snprintf(target, sizeof(target), "HEAD /v1/batches/%s/results", id);
	api_send(&follower, target, NULL, NULL);
	t_http_read_head(&follower, &head);
	ck_assert_int_eq(head.status, 200);
	(void)snprintf(target, sizeof(target), "GET /v1/batches/%s/results", id);
	api_send(&follower, target, NULL, NULL);
	t_http_read_head(&follower, &followed);
	ck_assert_int_eq(followed.status, 200);

	(void)t_origin_release(api_origin(), "f");
	api_read_until(&follower, &followed, "\"type\":\"end\"");
	api_read_on(&http, &stream);
}
END_TEST

START_TEST(the_list_goes_on_behind_its_cursor)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char target[128];

	api_submit("{'name':'first','urls':['$O/ok']}", &answer);
	api_submit("{'name':'second','urls':['$O/ok']}", &answer);
	api_submit("{'name':'third','urls':['$O/ok']}", &answer);

	api_call("GET /v1/batches?limit=2", NULL, NULL, &answer);
	ck_assert_uint_eq(api_at(&answer, "/batches")->n, 2);
	api_check(&answer, "/batches/0/name=third /batches/1/name=second");
	(void)snprintf(target, sizeof(target), "GET /v1/batches?limit=2&cursor=%s",
		value_get_text(answer.json->root, "cursor"));
	api_call(target, NULL, NULL, &answer);
	ck_assert_uint_eq(api_at(&answer, "/batches")->n, 1);
	api_check(&answer, "/batches/0/name=first /cursor=null");
}
END_TEST

START_TEST(cancel_answers_when_nothing_of_the_batch_is_alive)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'urls':['$O/never/1','$O/never/2']}", id, sizeof(id));
	t_origin_wait(api_origin(), "held>=2");

	api_call_batch("POST", id, "/cancel", &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/outcome=cancelled /counts/cancelled=2");
	t_origin_wait(api_origin(), "open<=0");
	api_read_on(&http, &stream);
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"reason\":\"cancel_request\""));
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"type\":\"end\""));

	api_call_batch("POST", id, "/cancel", &answer); /* again: it is over */
	api_check(&answer, "/outcome=cancelled");
}
END_TEST

START_TEST(the_tree_shows_every_task)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'urls':['http://user:secret@127.0.0.1:$P/never']}", id,
		sizeof(id));
	t_origin_wait(api_origin(), "held>=1");

	api_call("GET /v1/tree", NULL, NULL, &answer);
	api_check(&answer, "/kind=run /children/0/kind=task /children/0/name=main "
			   "/children/0/children/0/kind=nursery");
	api_check_keys(
		&answer, "/children/0", "kind name state waiting_for age_ms cancelled children");
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"name\":\"reader\""));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"deadline_in_ms\""));
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"name\":\"fetch\""));
	ck_assert_ptr_null(strstr(answer.http.body.data, "secret"));

	api_call("GET /v1/tree", "Accept: text/plain\r\n", NULL, &answer);
	api_check_field(&answer, "Content-Type", "text/plain; charset=utf-8");
	ck_assert_int_eq(strncmp(answer.http.body.data, "run\n  main: waiting", 19), 0);
	ck_assert_ptr_null(strstr(answer.http.body.data, "secret"));
}
END_TEST

START_TEST(user_info_is_never_shown)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'urls':['http://user:secret@127.0.0.1:$P/ok']}", &answer);
	ck_assert_ptr_nonnull(strstr(answer.http.body.data, "\"outcome\":\"ok\""));
	ck_assert_ptr_null(strstr(answer.http.body.data, "secret"));
	api_call("GET /v1/batches", NULL, NULL, &answer);
	ck_assert_ptr_null(strstr(answer.http.body.data, "secret"));
}
END_TEST

START_TEST(health_and_version_answer)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /v1/health/live", NULL, NULL, &answer);
	api_check(&answer, "/status=ok");
	api_call("GET /v1/health/ready", NULL, NULL, &answer);
	api_check(&answer, "/status=ok");
	api_call("GET /v1/version", NULL, NULL, &answer);
	api_check_keys(&answer, "", "version libcurl tls c_ares");
}
END_TEST

/* ---- the end ---- */

START_TEST(a_stop_lets_attached_batches_finish)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'urls':['$O/hold/c']}", id, sizeof(id));
	t_origin_wait(api_origin(), "held>=1");
	t_daemon_signal(api_daemon(), SIGTERM);
	t_daemon_wait_notify(api_daemon(), "STOPPING=1");

	api_call("GET /v1/health/ready", NULL, NULL, &answer);
	api_check_problem(&answer, 503, "draining");
	api_check_field(&answer, "Retry-After", "5");
	api_call("POST /v1/batches", NULL, "{'urls':['$O/ok']}", &answer);
	api_check_problem(&answer, 503, "draining");
	api_check_field(&answer, "Retry-After", "5");
	api_call("GET /v1/health/live", NULL, NULL, &answer);
	ck_assert_int_eq(answer.http.status, 200);
	api_call_batch("GET", id, "", &answer);
	api_check(&answer, "/state=running");
	api_call("GET /v1/tree", NULL, NULL, &answer);
	ck_assert_int_eq(answer.http.status, 200);

	(void)t_origin_release(api_origin(), "c");
	api_read_on(&http, &stream);
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"type\":\"end\""));
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"outcome\":\"ok\""));
	ck_assert_int_eq(t_daemon_wait(api_daemon()), 0);
}
END_TEST

/* As Python's http.client does. */
START_TEST(who_sends_the_body_behind_the_head_is_refused_in_words)
{
	static const char *const fields[] = { "",
		"Connection: close\r\nContent-Type: image/png\r\n" };
	_cleanup_(t_http_close) struct t_http held = api_connect();

	api_send(&held, "POST /v1/batches", NULL, "{'urls':['$O/hold/c']}");
	t_origin_wait(api_origin(), "held>=1");
	for (size_t i = ARRAY_LEN(fields); i-- > 0;) {
		_cleanup_(t_http_close) struct t_http http = api_connect();
		_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

		if (i == 0) {
			t_daemon_signal(api_daemon(), SIGTERM);
			t_daemon_wait_notify(api_daemon(), "STOPPING=1");
		}
		ck_assert(t_http_printf(&http,
			"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n%s\r\n",
			fields[i]));
		api_read(&http, &answer);
		ck_assert_int_eq(answer.http.status, i == 0 ? 503 : 415);
		ck_assert(t_http_puts(&http, "12345"));
		ck_assert(t_http_is_over(&http));
	}
	(void)t_origin_release(api_origin(), "c");
	ck_assert_int_eq(t_daemon_wait(api_daemon()), 0);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();

	api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/never']}");
	t_origin_wait(api_origin(), "held>=1");
	t_daemon_signal(api_daemon(), SIGTERM);
	t_daemon_wait_notify(api_daemon(), "STOPPING=1");
	t_daemon_signal(api_daemon(), SIGTERM);

	ck_assert_int_eq(t_daemon_wait(api_daemon()), 0);
	t_origin_wait(api_origin(), "open<=0");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_contract");
	TCase *tc = api_case(suite, "answers", api_start, api_stop);

	tcase_add_test(tc, a_collected_answer_has_the_members_of_the_contract);
	tcase_add_test(tc, results_stand_in_the_order_of_the_urls);
	tcase_add_test(tc, a_body_that_is_not_as_asserted_is_a_failure);
	tcase_add_test(tc, an_empty_body_is_a_body);
	tcase_add_test(tc, a_hedge_is_an_attempt_of_its_own);
	tcase_add_test(tc, urls_that_are_the_same_are_fetched_once);
	tcase_add_test(tc, a_rate_is_kept);
	tcase_add_test(tc, a_connection_that_was_there_has_no_connect_time);
	tcase_add_test(tc, a_stream_is_its_batch_its_numbered_results_and_its_end);
	tcase_add_test(tc, a_result_is_sent_as_soon_as_it_is_there);

	tc = api_case(suite, "proxy", start_with_a_proxy, api_stop);
	tcase_add_test(tc, requests_go_through_the_proxy);

	tc = api_case(suite, "input", api_start, api_stop);
	tcase_add_loop_test(tc, a_batch_may_be_json_lines_or_text, 0, ARRAY_LEN(inputs));
	tcase_add_test(tc, a_body_may_come_in_chunks);
	tcase_add_test(tc, continue_is_said_before_the_body_is_read);
	tcase_add_test(tc, a_refusal_takes_the_place_of_continue);

	tc = api_case(suite, "connections", api_start, api_stop);
	tcase_add_test(tc, requests_sent_ahead_are_answered_in_their_order);
	tcase_add_test(tc, a_refused_request_leaves_the_connection_usable);
	tcase_add_test(tc, the_connection_closes_when_asked_to);
	tcase_add_test(tc, http_1_0_gets_a_length_and_a_close);
	tcase_add_test(tc, a_stream_to_http_1_0_ends_with_the_connection);
	tcase_add_test(tc, head_is_get_without_the_content);

	tc = api_case(suite, "refusals", api_start, api_stop);
	tcase_add_loop_test(tc, a_refusal_says_what_would_be_right, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, all_faults_of_a_body_are_reported_with_their_places);
	tcase_add_test(tc, a_fault_in_a_line_has_that_line);
	tcase_add_test(tc, a_json_body_over_a_mebibyte_is_told_of_the_line_formats);
	tcase_add_test(tc, lines_may_be_longer_than_a_mebibyte_together);

	tc = api_case(suite, "batches", api_start, api_stop);
	tcase_add_loop_test(tc, a_batch_does_what_it_was_told, 0, ARRAY_LEN(batches));
	tcase_add_test(tc, method_headers_and_body_reach_the_origin);
	tcase_add_test(tc, the_windows_of_batch_and_origin_are_kept);

	tc = api_case(suite, "calls", api_start, api_stop);
	tcase_add_test(tc, a_running_batch_is_listed_and_shown);
	tcase_add_test(tc, who_follows_a_batch_is_answered_before_there_is_a_result);
	tcase_add_test(tc, the_list_goes_on_behind_its_cursor);
	tcase_add_test(tc, cancel_answers_when_nothing_of_the_batch_is_alive);
	tcase_add_test(tc, the_tree_shows_every_task);
	tcase_add_test(tc, user_info_is_never_shown);
	tcase_add_test(tc, health_and_version_answer);

	tc = api_case(suite, "stop", api_start, api_clean_up);
	tcase_add_test(tc, a_stop_lets_attached_batches_finish);
	tcase_add_test(tc, who_sends_the_body_behind_the_head_is_refused_in_words);
	tcase_add_test(tc, a_second_signal_ends_it_at_once);
	return suite;
}
