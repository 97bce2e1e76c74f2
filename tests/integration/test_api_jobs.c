/* SPDX-License-Identifier: MIT */
/* Jobs through the API: looked at, started, paused, and told of. Their own starts are far away. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

START_TEST(jobs_are_listed_in_their_order)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /v1/jobs", NULL, NULL, &answer);

	api_check_keys(&answer, "", "jobs");
	api_check_keys(
		&answer, "/jobs/0", "name state paused every jitter next running queued last");
	api_check_keys(
		&answer, "/jobs/1", "name state paused calendar timezone next running queued last");
	api_check(&answer, "/jobs/0/name=well /jobs/0/state=waiting /jobs/0/every=30d "
			   "/jobs/0/running=null /jobs/0/last=null /jobs/1/name=held "
			   "/jobs/1/next=2199-12-31T23:00:00.000Z /jobs/2/name=failing /jobs/3=-");
}
END_TEST

/* Until the job's last run is over; each question is a turn of the daemon's loop. */
static void
wait_for_run(const char *job, struct api_answer *answer)
{
	char target[80];

	(void)snprintf(target, sizeof(target), "GET /v1/jobs/%s", job);
	do {
		api_answer_fini(answer);
		api_call(target, NULL, NULL, answer);
		ck_assert_int_eq(answer->http.status, 200);
	} while (api_at(answer, "/last")->type == VALUE_NULL);
}

START_TEST(a_run_is_a_batch_and_is_kept)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer job = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer batch = API_ANSWER_INIT;
	char location[80];

	api_call("POST /v1/jobs/well/run", NULL, "", &answer);
	ck_assert_int_eq(answer.http.status, 202);
	(void)snprintf(
		location, sizeof(location), "/v1/batches/%s", api_at(&answer, "/batch")->text);
	api_check_field(&answer, "Location", location);

	wait_for_run("well", &job);

	api_check(&job, "/name=well /last/outcome=ok /last/counts/ok=2 /runs/0/outcome=ok "
			"/runs/1=-");
	ck_assert_str_eq(api_at(&job, "/last/batch")->text, api_at(&answer, "/batch")->text);
	api_call_batch("GET", api_at(&answer, "/batch")->text, "", &batch);
	api_check(&batch, "/name=well /outcome=ok /results/1/status=204");
}
END_TEST

START_TEST(a_second_run_is_refused_while_one_is_going)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer again = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer job = API_ANSWER_INIT;

	api_call("POST /v1/jobs/held/run", NULL, "", &answer);
	t_origin_wait(api_origin(), "held>=1");

	api_call("POST /v1/jobs/held/run", NULL, "", &again);
	api_check_problem(&again, 409, "conflict");

	api_call("GET /v1/jobs/held", NULL, NULL, &job);
	api_check(&job, "/state=running /last=null");
	ck_assert_str_eq(api_at(&job, "/running")->text, api_at(&answer, "/batch")->text);
	t_origin_release(api_origin(), "gate");
	wait_for_run("held", &job);
}
END_TEST

START_TEST(a_second_run_is_queued_behind_the_one_that_is_going)
{
	_cleanup_(api_answer_fini) struct api_answer first = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer second = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer job = API_ANSWER_INIT;

	api_start_with("jobs: [{name: a, every: 30d, overlap: queue, urls: ['$O/hold/gate']}]\n");
	api_call("POST /v1/jobs/a/run", NULL, "", &first);
	t_origin_wait(api_origin(), "held>=1");

	api_call("POST /v1/jobs/a/run", NULL, "", &second);

	api_check(&second, "/job=a /batch=null");
	ck_assert_str_eq(api_at(&second, "/running")->text, api_at(&first, "/batch")->text);
	api_call("GET /v1/jobs/a", NULL, NULL, &job);
	api_check(&job, "/state=running /queued=true");
	t_origin_release(api_origin(), "gate");
	wait_for_run("a", &job);
}
END_TEST

START_TEST(a_job_is_paused_and_resumed)
{
	_cleanup_(api_answer_fini) struct api_answer paused = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer resumed = API_ANSWER_INIT;

	api_call("POST /v1/jobs/well/pause", NULL, "", &paused);
	api_check(&paused, "/state=paused /paused=true /next=null");

	api_call("POST /v1/jobs/well/resume", NULL, "", &resumed);
	api_check(&resumed, "/state=waiting /paused=false");
	ck_assert_int_eq(api_at(&resumed, "/next")->type, VALUE_STRING);
}
END_TEST

static const char *const calls[] = { "GET /v1/jobs/nobody", "POST /v1/jobs/nobody/run",
	"POST /v1/jobs/nobody/pause", "POST /v1/jobs/nobody/resume" };

START_TEST(a_job_that_is_not_there_is_not_found)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call(calls[_i], NULL, *calls[_i] == 'P' ? "" : NULL, &answer);

	api_check_problem(&answer, 404, "not_found");
}
END_TEST

START_TEST(whom_a_job_notifies_gets_its_run)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/jobs/failing/run", NULL, "", &answer);

	t_origin_wait(api_origin(), "requests>=2"); /* the URL, and the notification */
	ck_assert_int_eq(answer.http.status, 202);
}
END_TEST

START_TEST(a_job_writes_its_report)
{
	static char folder[] = "/tmp/jobs-XXXXXX";
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer job = API_ANSWER_INIT;
	char path[64];
	char config[256];
	char text[1024] = "";
	FILE *file = NULL;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/report", folder);
	(void)snprintf(config, sizeof(config),
		"jobs: [{name: told, every: 30d, report: {file: %s}, urls: ['$O/ok']}]\n", path);
	api_start_with(config);
	api_call("POST /v1/jobs/told/run", NULL, "", &answer);
	wait_for_run("told", &job);

	while (!(file = fopen(path, "re")) || !fgets(text, sizeof(text), file)) {
		if (file) {
			(void)fclose(file);
		}
		api_ask_health();
	}
	(void)fclose(file);

	ck_assert_ptr_nonnull(strstr(text, "\"name\":\"told\",\"outcome\":\"ok\""));
	ck_assert_ptr_nonnull(strstr(text, "\"results\":[{\"index\":0,"));
	ck_assert_ptr_nonnull(strstr(text, "}]}\n"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static void
start_with_jobs(void)
{
	api_start_with(
		"jobs:\n"
		"  - {name: well, every: 30d, jitter: 1s, urls: ['$O/ok', '$O/status/204']}\n"
		"  - {name: held, calendar: '2199-12-31 23:00:00', timezone: UTC, urls: "
		"['$O/hold/gate']}\n"
		"  - {name: failing, every: 30d, notify: {url: '$O/ok', on: change}, urls: "
		"['$O/status/500']}\n");
}

static void
start_nothing(void)
{
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api jobs");
	TCase *tc = api_case(suite, "jobs", start_with_jobs, api_stop);

	tcase_add_test(tc, jobs_are_listed_in_their_order);
	tcase_add_test(tc, a_run_is_a_batch_and_is_kept);
	tcase_add_test(tc, a_second_run_is_refused_while_one_is_going);
	tcase_add_test(tc, a_job_is_paused_and_resumed);
	tcase_add_loop_test(tc, a_job_that_is_not_there_is_not_found, 0, ARRAY_LEN(calls));
	tcase_add_test(tc, whom_a_job_notifies_gets_its_run);

	tc = api_case(suite, "one job", start_nothing, api_stop);
	tcase_add_test(tc, a_second_run_is_queued_behind_the_one_that_is_going);
	tcase_add_test(tc, a_job_writes_its_report);
	return suite;
}
