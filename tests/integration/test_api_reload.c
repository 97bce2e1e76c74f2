/* SPDX-License-Identifier: MIT */
/* The configuration in effect, and another one while the daemon runs. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#define ONE_URL    "limits: {batch_urls: 1}\n"
#define THREE_URLS "limits: {batch_urls: 3}\n"
#define TWO        "{'urls':['$O/ok','$O/ok']}"

static void
call_reload(struct api_answer *answer)
{
	api_call("POST /v1/reload", NULL, "", answer);
}

/* Whether a batch of two URLs is let in. */
static void
check_batches(int status)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL, TWO, &answer);
	ck_assert_int_eq(answer.http.status, status);
}

START_TEST(a_reload_takes_effect_at_once)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	check_batches(422);
	api_configure(THREE_URLS);

	call_reload(&answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/generation=2 /needs_restart/0=-");
	check_batches(200);
}
END_TEST

START_TEST(a_wrong_configuration_changes_nothing)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer config = API_ANSWER_INIT;

	api_configure(THREE_URLS "limits2: {}\nworkers: none\n");

	call_reload(&answer);

	api_check_problem(&answer, 422, "invalid_config");
	api_check(&answer, "/errors/0/pointer=/limits2 /errors/0/line=2 /errors/0/column=1 "
			   "/errors/0/suggestion=limits /errors/1/pointer=/workers "
			   "/errors/1/line=3 /errors/2=-");
	ck_assert_ptr_nonnull(strstr(api_at(&answer, "/errors/0/source")->text, "/fetchd.yaml"));
	check_batches(422);
	api_call("GET /v1/config", NULL, NULL, &config);
	api_check(&config, "/generation=1");
}
END_TEST

START_TEST(a_file_that_is_gone_changes_nothing)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/fetchd.yaml", t_daemon_folder(api_daemon()));
	ck_assert_int_eq(unlink(path), 0);

	call_reload(&answer);

	api_check_problem(&answer, 422, "invalid_config");
	ck_assert_str_eq(api_at(&answer, "/errors/0/source")->text, path);
	ck_assert_str_eq(api_at(&answer, "/errors/0/detail")->text,
		"cannot be read: No such file or directory");
	check_batches(422);
}
END_TEST

START_TEST(keys_that_need_a_restart_are_named)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_configure("listen: {mode: '0600'}\ndefaults: {user_agent: other}\nnetwork: {resolver: "
		      "system, idle_check: kernel}\n" THREE_URLS);

	call_reload(&answer);

	api_check(&answer, "/generation=2 /needs_restart/0=listen.mode "
			   "/needs_restart/1=defaults.user_agent /needs_restart/2=network.resolver "
			   "/needs_restart/3=network.idle_check /needs_restart/4=-");
	check_batches(200);
}
END_TEST

START_TEST(keys_that_need_a_restart_are_named_until_there_is_one)
{
	_cleanup_(api_answer_fini) struct api_answer first = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer second = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer third = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer config = API_ANSWER_INIT;

	api_configure("listen: {mode: '0600'}\n" ONE_URL);
	call_reload(&first);
	api_configure("listen: {mode: '0600'}\n" THREE_URLS);

	call_reload(&second);

	api_check(&second, "/generation=3 /needs_restart/0=listen.mode /needs_restart/1=-");
	api_call("GET /v1/config", NULL, NULL, &config);
	api_check(&config, "/needs_restart/0=listen.mode /needs_restart/1=-");
	api_configure(THREE_URLS);
	call_reload(&third);
	api_check(&third, "/generation=4 /needs_restart/0=-");
}
END_TEST

START_TEST(what_was_hardly_meant_is_told)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer again = API_ANSWER_INIT;

	api_configure("defaults: {timeout: 2m}\n");

	call_reload(&answer);

	api_check(&answer,
		"/generation=2 /warnings/0/pointer=/defaults/timeout "
		"/warnings/0/code=timeout-over-deadline /warnings/0/line=1 /warnings/1=-");
	ck_assert_ptr_nonnull(strstr(api_at(&answer, "/warnings/0/source")->text, "/fetchd.yaml"));
	api_configure(THREE_URLS);
	call_reload(&again);
	api_check(&again, "/generation=3 /warnings/0=-");
}
END_TEST

START_TEST(a_signal_reloads_too)
{
	_cleanup_(freep) char *log = NULL;

	api_configure(THREE_URLS);

	t_daemon_signal(api_daemon(), SIGHUP);

	t_daemon_wait_notify(api_daemon(), "RELOADING=1");
	t_daemon_wait_notify(api_daemon(), "STATUS=serving, generation 2");
	check_batches(200);
	log = t_daemon_log(api_daemon());
	ck_assert_ptr_nonnull(strstr(log, "reloaded: generation 2 is in effect"));
}
END_TEST

START_TEST(a_signal_with_a_wrong_configuration_is_told)
{
	_cleanup_(freep) char *log = NULL;

	api_configure("limits: {batch_urls: 0}\n");

	t_daemon_signal(api_daemon(), SIGHUP);

	t_daemon_wait_notify(api_daemon(),
		"STATUS=serving, generation 1; the reload was refused, the log says why");
	log = t_daemon_log(api_daemon());
	ck_assert_ptr_nonnull(strstr(log, "fetchd.yaml:1:22: /limits/batch_urls: must be from 1 "));
	check_batches(422);
}
END_TEST

START_TEST(the_log_takes_another_form)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *log = NULL;

	api_configure("log: {format: json, level: notice}\n");

	call_reload(&answer);

	api_check(&answer, "/generation=2 /needs_restart/0=-");
	log = t_daemon_log(api_daemon());
	ck_assert_ptr_nonnull(strstr(log, "\nfetchd: serving"));
	ck_assert_ptr_nonnull(strstr(
		log, "\"level\":\"notice\",\"message\":\"reloaded: generation 2 is in effect\""));
}
END_TEST

START_TEST(jobs_come_and_go)
{
	_cleanup_(api_answer_fini) struct api_answer first = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer second = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_configure("jobs: [{name: a, every: 30d, urls: ['$O/ok']}]\n");
	call_reload(&answer);
	api_call("GET /v1/jobs", NULL, NULL, &first);
	api_check(&first, "/jobs/0/name=a /jobs/1=-");

	api_configure("jobs: [{name: b, every: 30d, urls: ['$O/ok']}]\n");
	api_answer_fini(&answer);
	call_reload(&answer);

	api_call("GET /v1/jobs", NULL, NULL, &second);
	api_check(&second, "/jobs/0/name=b /jobs/1=-");
}
END_TEST

START_TEST(what_runs_goes_on_as_it_began)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'urls':['$O/hold/gate']}", id, sizeof(id));
	t_origin_wait(api_origin(), "held>=1");
	api_configure("network: {deny: ['127.0.0.0/8']}\n");

	call_reload(&answer);
	ck_assert_int_eq(answer.http.status, 200);

	t_origin_release(api_origin(), "gate");
	api_read_on(&http, &stream);
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"outcome\":\"ok\""));
}
END_TEST

START_TEST(the_configuration_is_shown_with_its_origins)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /v1/config", NULL, NULL, &answer);

	api_check_keys(&answer, "", "generation needs_restart settings");
	api_check(&answer, "/generation=1 /settings/0/key=listen.socket "
			   "/settings/0/value=/run/fetchd/api.sock /settings/0/source=- "
			   "/settings/6/key=limits.batch_urls /settings/6/value=1 "
			   "/settings/6/line=1");
	ck_assert_ptr_nonnull(strstr(api_at(&answer, "/settings/6/source")->text, "/fetchd.yaml"));
}
END_TEST

static void
start_with_one_url(void)
{
	api_start_with(ONE_URL);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api reload");
	TCase *tc = api_case(suite, "reload", start_with_one_url, api_stop);

	tcase_add_test(tc, a_reload_takes_effect_at_once);
	tcase_add_test(tc, a_wrong_configuration_changes_nothing);
	tcase_add_test(tc, a_file_that_is_gone_changes_nothing);
	tcase_add_test(tc, keys_that_need_a_restart_are_named);
	tcase_add_test(tc, keys_that_need_a_restart_are_named_until_there_is_one);
	tcase_add_test(tc, what_was_hardly_meant_is_told);
	tcase_add_test(tc, a_signal_reloads_too);
	tcase_add_test(tc, a_signal_with_a_wrong_configuration_is_told);
	tcase_add_test(tc, the_log_takes_another_form);
	tcase_add_test(tc, jobs_come_and_go);
	tcase_add_test(tc, what_runs_goes_on_as_it_began);
	tcase_add_test(tc, the_configuration_is_shown_with_its_origins);
	return suite;
}
