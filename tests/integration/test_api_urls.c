/* SPDX-License-Identifier: MIT */
/*
 * URLs and requests that somebody tries on us, through the API: refused with a reason before anything is
 * started, or fetched as what they mean and judged as that. The numbers are those of the list of hostile inputs
 * in the tests' tables, so that none is forgotten. Names that would need a resolver are in test_fetch_names.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

/* number; members of the URL's object; a part of the reason, without quotation marks */
static const struct {
	int number;
	const char *members;
	const char *detail;
} refused[] = {
	{ 31, "'url':''", "empty" },
	{ 31, "'url':' '", "space" },
	{ 31, "'url':'http://127.0.0.1/a b'", "space" },
	{ 31, "'url':' http://127.0.0.1/'", "space" },
	{ 31, "'url':'http://127.0.0.1/\\ta'", "control character" },
	{ 31, "'url':'http://127.0.0.1/\\r\\nX: y'", "control character" },
	{ 32, "'url':'example.org/'", "scheme" },
	{ 32, "'url':'example.org:80/'", "scheme" },
	{ 32, "'url':'//example.org/'", "scheme" },
	{ 32, "'url':'ftp://example.org/'", "scheme" },
	{ 32, "'url':'file:///etc/passwd'", "scheme" },
	{ 32, "'url':'javascript:alert(1)'", "scheme" },
	{ 32, "'url':'data:,x'", "scheme" },
	{ 32, "'url':'unix:/run/x.sock'", "scheme" },
	{ 33, "'url':'http://a@b@127.0.0.1/'", "@" },
	{ 33, "'url':'http://127.0.0.1\\\\@example.org/'", "backslash" },
	{ 34, "'url':'http://127.0.0.1:0/'", "port" },
	{ 34, "'url':'http://127.0.0.1:65536/'", "port" },
	{ 34, "'url':'http://127.0.0.1:-1/'", "port" },
	{ 34, "'url':'http://127.0.0.1:80x/'", "port" },
	{ 36, "'url':'http://127.0.0.1..:$P/ok'", "empty label" },
	{ 37, "'url':'http://[::1/'", "bracket" },
	{ 37, "'url':'http://[::1%25lo]/'", "zone" },
	{ 37, "'url':'http://[::g]/'", "IPv6" },
	{ 38, "'url':'http://256.1.1.1/'", "address" },
	{ 38, "'url':'http://1.2.3.4.5/'", "address" },
	{ 39, "'url':'http://a..b/'", "empty label" },
	{ 39, "'url':'http://.com/'", "empty label" },
	{ 39,
		"'url':'http://"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/'",
		"63" },
	{ 40, "'url':'http://xn--/'", "xn--" },
	{ 40, "'url':'http://a%00b/'", "host" },
	{ 40, "'url':'http://a%2fb/'", "host" },
	{ 42, "'url':'$O/ok','headers':{'X':'a\\r\\nY: b'}", "control character" },
	{ 42, "'url':'$O/ok','headers':{'X\\r\\nY':'b'}", "header" },
	{ 42, "'url':'$O/ok','headers':{'User-Agent':'a\\nb'}", "control character" },
	{ 42, "'url':'$O/ok','method':'GET / HTTP/1.1\\r\\nX: y'", "must be one of GET" },
	{ 43, "'url':'$O/ok','headers':{'Host':'example.org'}", "set by fetchd" },
	{ 43, "'url':'$O/ok','headers':{'Content-Length':'5'}", "set by fetchd" },
	{ 43, "'url':'$O/ok','headers':{'Transfer-Encoding':'chunked'}", "set by fetchd" },
	{ 43, "'url':'$O/ok','headers':{'Connection':'close'}", "set by fetchd" },
	{ 43, "'url':'$O/ok','method':'CONNECT'", "must be one of GET" },
	{ 43, "'url':'$O/ok','method':'TRACE'", "must be one of GET" },
};

START_TEST(it_is_refused_with_a_reason)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = NULL;
	const char *detail;

	ck_assert_int_gt(asprintf(&body, "{'urls':['$O/ok',{%s}]}", refused[_i].members), 0);
	api_call("POST /v1/batches", NULL, body, &answer);

	api_check_problem(&answer, 422, "invalid_batch");
	detail = value_get_text(api_at(&answer, "/errors/0"), "detail");
	ck_assert_msg(strcasestr(detail, refused[_i].detail) != NULL, "%d: %s: %s",
		refused[_i].number, refused[_i].members, detail);
	ck_assert_int_eq(strncmp(value_get_text(api_at(&answer, "/errors/0"), "pointer"), "/urls/1",
				 strlen("/urls/1")),
		0);
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_requests, 0);
}
END_TEST

static const struct {
	int number;
	const char *url;
	const char *checks;
} judged[] = {
	{ 33, "http://user:pw@127.0.0.1:$P/ok", "/results/0/status=200" },
	{ 34, "http://127.0.0.1:0$P/ok", "/results/0/final_url=$O/ok" },
	{ 35, "http://2130706433:$P/ok", "/results/0/final_url=$O/ok" },
	{ 35, "http://0177.0.0.1:$P/ok", "/results/0/final_url=$O/ok" },
	{ 35, "http://0x7f000001:$P/ok", "/results/0/final_url=$O/ok" },
	{ 35, "http://127.1:$P/ok", "/results/0/final_url=$O/ok" },
	{ 36, "http://127.0.0.1.:$P/ok", "/results/0/final_url=$O/ok" },
	{ 35, "http://2852039166/", "/results/0/error/code=denied" },
	{ 35, "http://0251.0376.0251.0376/", "/results/0/error/code=denied" },
	{ 35, "http://0xa9fea9fe/", "/results/0/error/code=denied" },
	{ 35, "http://169.16689662/", "/results/0/error/code=denied" },
	{ 35, "http://0/", "/results/0/error/code=denied" },
	{ 36, "http://localhost.:$P/ok", "/results/0/status=200" },
	{ 36, "http://169.254.169.254./", "/results/0/error/code=denied" },
	{ 36, "http://0xa9fea9fe./", "/results/0/error/code=denied" },
	{ 37, "http://[::ffff:127.0.0.1]:$P/ok", "/results/0/status=200" },
	{ 37, "http://[::ffff:169.254.169.254]/", "/results/0/error/code=denied" },
	{ 37, "http://[64:ff9b::a9fe:a9fe]/", "/results/0/error/code=denied" },
	{ 37, "http://[2002:a9fe:a9fe::]/", "/results/0/error/code=denied" },
	{ 37, "http://[::]/", "/results/0/error/code=denied" },
};

START_TEST(it_is_judged_as_what_it_means)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = NULL;

	ck_assert_int_gt(asprintf(&body, "{'urls':['%s']}", judged[_i].url), 0);
	api_submit(body, &answer);

	api_check(&answer, judged[_i].checks);
}
END_TEST

START_TEST(a_host_of_254_letters_is_refused) /* 39 */
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	buffer_puts(&body, "{'urls':['http://");
	for (int i = 0; i < 127; i++) {
		buffer_puts(&body, i > 0 ? ".a" : "aa");
	}
	buffer_puts(&body, "/']}");
	api_call("POST /v1/batches", NULL, body.data, &answer);

	api_check_problem(&answer, 422, "invalid_batch");
	ck_assert_ptr_nonnull(
		strstr(value_get_text(api_at(&answer, "/errors/0"), "detail"), "253"));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused) /* 40 */
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL, "{'urls':['http://\xff\xfe.example/']}", &answer);
	api_check_problem(&answer, 400, "bad_body");

	api_call("POST /v1/batches", "Content-Type: text/plain\r\n", "http://\xff\xfe.example/\n",
		&answer);
	ck_assert_int_ge(answer.http.status, 400);
	ck_assert_int_le(answer.http.status, 422);
	ck_assert_ptr_nonnull(api_at(&answer, "/errors/0/detail"));
}
END_TEST

static char *
make_long_url(size_t len, const char *before, const char *after)
{
	struct buffer body = BUFFER_INIT;
	char *text;

	buffer_puts(&body, before);
	buffer_puts(&body, "http://127.0.0.1/");
	while (body.len < len) {
		buffer_puts(&body, "0123456789abcdef");
	}
	buffer_puts(&body, after);
	text = buffer_take(&body);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(a_url_may_not_be_endless) /* 41 */
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *json = make_long_url(70000, "{'urls':['", "']}");
	_cleanup_(freep) char *line = make_long_url(8000000, "$O/ok\n", "\n$O/ok\n");

	api_call("POST /v1/batches", NULL, json, &answer);
	api_check_problem(&answer, 422, "invalid_batch");

	api_call("POST /v1/batches", "Content-Type: text/plain\r\n", line, &answer);
	api_check_problem(&answer, 400, "bad_body");
	api_check(&answer, "/errors/0/line=2");
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_requests, 0);
}
END_TEST

static const struct {
	const char *url;
	const char *fields;
	bool is_kept;
} credentials[] = {
	{ "http://user:pw@127.0.0.1:$P/redirect-to/302?http://127.0.0.1:$P/echo", "{}", true },
	{ "http://user:pw@127.0.0.1:$P/redirect-to/302?http://127.0.0.2:$P/echo", "{}", false },
	{ "$O/redirect-to/302?http://127.0.0.1:$P/echo", "{'Authorization':'Basic dXNlcjpwdw=='}",
		true },
	{ "$O/redirect-to/302?http://127.0.0.2:$P/echo", "{'Authorization':'Basic dXNlcjpwdw=='}",
		false },
	{ "$O/redirect-to/302?http://127.0.0.2:$P/echo", "{'Cookie':'a=dXNlcjpwdw'}", false },
	{ "$O/redirect-to/302?http://127.0.0.2:$P/echo", "{'X-Api-Key':'dXNlcjpwdw'}", false },
};

START_TEST(credentials_do_not_go_to_another_origin) /* 44 */
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = NULL;
	const char *echo;

	ck_assert_int_gt(asprintf(&body, "{'capture':'text','headers':%s,'urls':['%s']}",
				 credentials[_i].fields, credentials[_i].url),
		0);
	api_submit(body, &answer);

	api_check(&answer, "/results/0/status=200 /results/0/redirects=1");
	echo = value_get_text(api_at(&answer, "/results/0"), "body");
	ck_assert_ptr_nonnull(echo);
	ck_assert_int_eq(strstr(echo, "dXNlcjpwdw") != NULL, credentials[_i].is_kept);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_urls");
	TCase *tc = api_case(suite, "refused", api_start, api_stop);

	tcase_add_loop_test(tc, it_is_refused_with_a_reason, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, a_host_of_254_letters_is_refused);
	tcase_add_test(tc, bytes_that_are_no_text_are_refused);
	tcase_add_test(tc, a_url_may_not_be_endless);

	tc = api_case(suite, "judged", api_start, api_stop);
	tcase_add_loop_test(tc, it_is_judged_as_what_it_means, 0, ARRAY_LEN(judged));
	tcase_add_loop_test(tc, credentials_do_not_go_to_another_origin, 0, ARRAY_LEN(credentials));
	return suite;
}
