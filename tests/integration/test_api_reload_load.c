/* SPDX-License-Identifier: MIT */
/*
 * A thousand reloads, good and bad in turn, of a daemon that is busy: no request is dropped, and a job that is due
 * every second is started once for each. The seconds are the test's own (tests/support/frozen_clock.c): one passes
 * with each reload, and a little more whenever the daemon seems to wait for it.
 */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/schedule/interval.h"
#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

/* A sanitizer's program takes ten times as long. */
#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define N_RELOADS 100
#else
#define N_RELOADS 1000
#endif

#define SECOND INT64_C(1000000000)

#define JOB "jobs: [{name: tick, every: 1s, urls: ['$O/tick']}]\n"

static const char *const configs[] = {
	"limits: {batch_urls: 1}\n" JOB,
	"nonsense: 1\n" JOB,
	"limits: {batch_urls: 2}\n" JOB "log: {level: warning}\n",
	JOB "jobs: [\n",
};

static void
start_frozen(void)
{
	api_start_frozen(configs[0]);
}

/* ---- the load ---- */

static void __attribute__((noreturn)) ask_all_the_time(void)
{
	struct t_http http;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	http = api_connect();
	for (;;) {
		_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

		api_send(&http, "GET /v1/config", NULL, NULL);
		api_read(&http, &answer);
		if (answer.http.status != 200) {
			_exit(1);
		}
	}
}

/* Is killed at the end; has it ended before, it was badly answered. */
static void
end_load(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- a round ---- */

/* Until there is something to read. The daemon may wait for a millisecond to pass. */
static void
wait_readable(const struct t_http *http)
{
	struct pollfd answer = { .fd = http->fd, .events = POLLIN };

	while (poll(&answer, 1, 20) == 0) {
		api_pass(SECOND / 1000);
		api_ask_health();
	}
}

static void
reload(int status)
{
	_cleanup_(api_answer_fini) struct api_answer verdict = API_ANSWER_INIT;

	api_call("POST /v1/reload", NULL, "", &verdict);
	ck_assert_int_eq(verdict.http.status, status);
	t_daemon_wait_notify(api_daemon(), "READY=1"); /* nobody else takes it in */
}

/* How often the job was due by now. */
static uint64_t
n_due(void)
{
	const struct interval tick = interval_of("tick", SECOND);
	int64_t first = interval_first(&tick, API_FROZEN);
	int64_t now = api_now();

	return now < first ? 0 : (uint64_t)((now - first) / SECOND) + 1;
}

/* Until each of these runs has been started, and the last one is over. */
static void
wait_runs(uint64_t n_others)
{
	bool is_over = false;

	for (unsigned i = 1; !is_over; i++) {
		_cleanup_(api_answer_fini) struct api_answer job = API_ANSWER_INIT;
		uint64_t n_runs = t_origin_counts(api_origin()).n_requests - n_others;

		ck_assert_uint_le(n_runs, n_due());
		api_call("GET /v1/jobs/tick", NULL, NULL, &job);
		is_over = n_runs == n_due() && api_at(&job, "/running")->type == VALUE_NULL;
		if (i % 20 == 0) {
			api_pass(SECOND / 1000);
		}
	}
}

START_TEST(many_reloads_drop_no_request_and_no_run)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	pid_t load = fork();

	if (load == 0) {
		ask_all_the_time();
	}
	ck_assert_int_gt(load, 0);
	for (int i = 1; i <= N_RELOADS; i++) {
		_cleanup_(api_answer_fini) struct api_answer batch = API_ANSWER_INIT;

		api_configure(configs[i % 4]);
		api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/ok']}");
		reload(i % 2 ? 422 : 200);
		api_pass(SECOND);
		wait_readable(&http);
		api_read(&http, &batch);
		ck_assert_int_eq(batch.http.status, 200);
		api_check(&batch, "/outcome=ok");
		wait_runs((uint64_t)i);
		api_ask_health(); /* who is silent for a minute is hung up on */
	}
	end_load(load);
	(void)printf("# %d reloads, %d runs of a job\n", N_RELOADS, (int)n_due());
	(void)fflush(stdout);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api reload under load");
	TCase *tc = api_case(suite, "reload", start_frozen, api_stop);

	tcase_add_test(tc, many_reloads_drop_no_request_and_no_run);
	return suite;
}
