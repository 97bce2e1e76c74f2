/* SPDX-License-Identifier: MIT */
/* GET /metrics, at the socket and over TCP; what is told, and what is not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#define OPENMETRICS "Accept: application/openmetrics-text; version=1.0.0, text/plain; q=0.5\r\n"

static void
get_metrics(const char *fields, struct api_answer *answer)
{
	api_call("GET /metrics", fields, NULL, answer);

	ck_assert_int_eq(answer->http.status, 200);
}

/* The value of a sample, or -1 when it is not there. */
static double
value_of(const struct api_answer *answer, const char *sample)
{
	char line[160];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n%s ", sample);
	at = strstr(answer->http.body.data, line);
	return at ? strtod(at + strlen(line), NULL) : -1;
}

static void
check_value(const char *sample, double wanted)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	get_metrics(NULL, &answer);

	ck_assert_msg(value_of(&answer, sample) == wanted, "%s is %g, not %g", sample,
		value_of(&answer, sample), wanted);
}

START_TEST(a_daemon_at_rest_tells_about_itself)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	get_metrics(NULL, &answer);

	api_check_field(&answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	ck_assert(value_of(&answer, "fetchd_start_time_seconds") > 1e9);
	ck_assert(value_of(&answer, "process_cpu_seconds_total") > 0);
	ck_assert(value_of(&answer, "process_resident_memory_bytes") > 1e6);
	ck_assert(value_of(&answer, "fetchd_fds") > 3);
	ck_assert(value_of(&answer, "fetchd_fd_limit") > 3);
	ck_assert(value_of(&answer, "fetchd_batches{state=\"running\"}") == 0);
	ck_assert(value_of(&answer, "fetchd_api_connections") >= 2); /* the kit's, and this one */
	ck_assert(value_of(&answer, "fetchd_config_last_reload_successful") == 1);
	ck_assert(value_of(&answer, "fetchd_config_generation") == 1);
	ck_assert(value_of(&answer, "fetchd_tasks{state=\"runnable\"}") >= 0);
	ck_assert_ptr_null(strstr(answer.http.body.data, "# EOF"));
}
END_TEST

START_TEST(openmetrics_is_there_for_who_wants_it)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	const char *end;

	get_metrics(OPENMETRICS, &answer);

	api_check_field(&answer, "Content-Type",
		"application/openmetrics-text; version=1.0.0; charset=utf-8");
	end = strstr(answer.http.body.data, "# EOF\n");
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, "# EOF\n");
}
END_TEST

START_TEST(another_type_is_not_there)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /metrics", "Accept: application/json\r\n", NULL, &answer);

	api_check_problem(&answer, 406, "not_acceptable");
}
END_TEST

START_TEST(urls_are_counted_and_not_named)
{
	_cleanup_(api_answer_fini) struct api_answer batch = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'policy':'collect','urls':['$O/ok','$O/ok?secret','$O/status/404']}", &batch);
	get_metrics(NULL, &answer);

	ck_assert(value_of(&answer, "fetchd_requests_total{outcome=\"ok\",scheme=\"http\","
				    "http_version=\"1.1\"}") == 2);
	ck_assert(value_of(&answer, "fetchd_requests_total{outcome=\"failed\",scheme=\"http\","
				    "http_version=\"1.1\"}") == 1);
	ck_assert(value_of(&answer,
			  "fetchd_request_duration_seconds_count{phase=\"first_byte\"}") == 3);
	ck_assert(value_of(&answer, "fetchd_received_bytes_total") > 0);
	ck_assert(value_of(&answer, "fetchd_connections_opened_total") >= 1);
	ck_assert(value_of(&answer, "fetchd_batches{state=\"done\"}") == 1);
	ck_assert(value_of(&answer,
			  "fetchd_api_requests_total{route=\"/v1/batches\",code=\"200\"}") == 1);
	ck_assert_ptr_null(strstr(answer.http.body.data, "127.0.0.1"));
	ck_assert_ptr_null(strstr(answer.http.body.data, "secret"));
}
END_TEST

START_TEST(what_waits_is_counted)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	api_begin(&http, &stream, "{'concurrency':1,'urls':['$O/never','$O/never','$O/never']}", id,
		sizeof(id));
	t_origin_wait(api_origin(), "held>=1");
	get_metrics(NULL, &answer);

	ck_assert(value_of(&answer, "fetchd_in_flight_requests") == 1);
	ck_assert(value_of(&answer, "fetchd_queue_urls") == 2);
	ck_assert(value_of(&answer, "fetchd_queue_oldest_seconds") > 0);
	ck_assert(value_of(&answer, "fetchd_batches{state=\"running\"}") == 1);
	ck_assert(value_of(&answer, "fetchd_connections{state=\"active\"}") == 1);
}
END_TEST

START_TEST(retries_are_counted_by_their_cause)
{
	_cleanup_(api_answer_fini) struct api_answer batch = API_ANSWER_INIT;

	api_submit("{'urls':['$O/flaky/a/2?503'],'retries':{'max':2,'on':['5xx'],'backoff':'1ms'}}",
		&batch);

	check_value("fetchd_retries_total{reason=\"5xx\"}", 2);
}
END_TEST

START_TEST(requests_that_are_refused_are_counted)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer metrics = API_ANSWER_INIT;

	ck_assert(t_http_puts(&http, "GARBAGE\r\n\r\n"));
	api_read(&http, &answer);
	api_answer_fini(&answer);
	answer = (struct api_answer)API_ANSWER_INIT;
	api_call("GET /nowhere", NULL, NULL, &answer);
	get_metrics(NULL, &metrics);

	ck_assert(
		value_of(&metrics, "fetchd_api_requests_total{route=\"other\",code=\"400\"}") == 1);
	ck_assert(
		value_of(&metrics, "fetchd_api_requests_total{route=\"other\",code=\"404\"}") == 1);
	ck_assert(value_of(&metrics, "fetchd_api_rejected_total{reason=\"bad_request\"}") == 1);
	ck_assert(value_of(&metrics, "fetchd_api_rejected_total{reason=\"not_found\"}") == 1);
}
END_TEST

START_TEST(a_reload_that_is_refused_shows)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_configure("limits: {batches: none}\n");
	api_call("POST /v1/reload", NULL, "", &answer);
	check_value("fetchd_config_last_reload_successful", 0);

	api_configure("limits: {batches: 9}\n");
	api_answer_fini(&answer);
	answer = (struct api_answer)API_ANSWER_INIT;
	api_call("POST /v1/reload", NULL, "", &answer);
	check_value("fetchd_config_last_reload_successful", 1);
	check_value("fetchd_config_generation", 2);
}
END_TEST

START_TEST(jobs_have_their_metrics)
{
	_cleanup_(api_answer_fini) struct api_answer run = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	get_metrics(NULL, &answer);
	ck_assert(value_of(&answer, "fetchd_job_missed_runs_total{job=\"a.b\"}") == 0);
	ck_assert(
		value_of(&answer, "fetchd_job_last_success_timestamp_seconds{job=\"a.b\"}") == -1);

	api_call("POST /v1/jobs/a.b/run", NULL, "", &run);
	do {
		api_answer_fini(&answer);
		answer = (struct api_answer)API_ANSWER_INIT;
		get_metrics(NULL, &answer);
	} while (value_of(&answer, "fetchd_batches{state=\"done\"}") < 1);
	ck_assert(
		value_of(&answer, "fetchd_job_last_success_timestamp_seconds{job=\"a.b\"}") > 1e9);
}
END_TEST

/* ---- over TCP ---- */

/* The port is in the log: the kernel chose it. */
static uint16_t
metrics_port(void)
{
	_cleanup_(freep) char *log = t_daemon_log(api_daemon());
	const char *at = strstr(log, "metrics on 127.0.0.1:");

	ck_assert_ptr_nonnull(at);
	return (uint16_t)strtoul(at + strlen("metrics on 127.0.0.1:"), NULL, 10);
}

static void
call_tcp(const char *method_and_target, struct api_answer *answer)
{
	_cleanup_(t_http_close) struct t_http http = t_http_tcp(metrics_port());

	api_send(&http, method_and_target, NULL, NULL);
	api_read(&http, answer);
}

START_TEST(metrics_are_there_over_tcp)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	call_tcp("GET /metrics", &answer);

	ck_assert_int_eq(answer.http.status, 200);
	ck_assert(value_of(&answer, "fetchd_config_generation") == 1);
}
END_TEST

static const char *const others[] = { "GET /v1/health/live", "GET /v1/tree", "GET /v1/batches",
	"POST /v1/reload", "POST /v1/batches", "GET /v1/config" };

START_TEST(nothing_else_is_there_over_tcp)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	call_tcp(others[_i], &answer);

	api_check_problem(&answer, 404, "not_found");
}
END_TEST

START_TEST(a_browser_gets_none)
{
	_cleanup_(t_http_close) struct t_http http = t_http_tcp(metrics_port());
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "GET /metrics", "Origin: http://evil.example\r\n", NULL);
	api_read(&http, &answer);

	api_check_problem(&answer, 403, "from_browser");
}
END_TEST

static void
start_with_job(void)
{
	api_start_with("jobs: [{name: a.b, every: 1d, urls: ['$O/ok']}]\n");
}

static void
start_with_tcp(void)
{
	api_start_with("listen: {metrics: '127.0.0.1:0'}\n");
}

static void
start_with_file(void)
{
	api_start_with("{}\n");
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_metrics");
	TCase *tc = api_case(suite, "metrics", api_start, api_stop);

	tcase_add_test(tc, a_daemon_at_rest_tells_about_itself);
	tcase_add_test(tc, openmetrics_is_there_for_who_wants_it);
	tcase_add_test(tc, another_type_is_not_there);
	tcase_add_test(tc, urls_are_counted_and_not_named);
	tcase_add_test(tc, what_waits_is_counted);
	tcase_add_test(tc, retries_are_counted_by_their_cause);
	tcase_add_test(tc, requests_that_are_refused_are_counted);

	tc = api_case(suite, "reload", start_with_file, api_stop);
	tcase_add_test(tc, a_reload_that_is_refused_shows);

	tc = api_case(suite, "jobs", start_with_job, api_stop);
	tcase_add_test(tc, jobs_have_their_metrics);

	tc = api_case(suite, "tcp", start_with_tcp, api_stop);
	tcase_add_test(tc, metrics_are_there_over_tcp);
	tcase_add_loop_test(tc, nothing_else_is_there_over_tcp, 0, ARRAY_LEN(others));
	tcase_add_test(tc, a_browser_gets_none);
	return suite;
}
