/* SPDX-License-Identifier: MIT */
/*
 * When there is too little of something: memory, descriptors, places for callers. Who cannot be served is told so,
 * everybody else is served, the log says it once, and afterwards all is as it was.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define IS_SANITIZED 1 /* its memory is no measure */
#else
#define IS_SANITIZED 0
#endif

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static void
limit(int what, rlim_t n)
{
	const struct rlimit limit = { n, RLIM_INFINITY };
	const struct rlimit descriptors = { n, n };

	ck_assert_int_eq(prlimit(t_daemon_pid(api_daemon()), what,
				 what == RLIMIT_NOFILE ? &descriptors : &limit, NULL),
		0);
}

static size_t
n_lines_with(const char *text)
{
	_cleanup_(freep) char *log = t_daemon_log(api_daemon());

	return t_count(log, text);
}

/* ---- memory ---- */

static uint64_t
address_space(void)
{
	char path[64];
	unsigned long long n_pages = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)t_daemon_pid(api_daemon()));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%llu", &n_pages), 1);
	ck_assert_int_eq(fclose(file), 0);
	return n_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static char *
make_large_batch(void)
{
	struct buffer body = BUFFER_INIT;
	char *text;

	for (int i = 0; i < 60000; i++) {
		buffer_printf(&body, "$O/ok/%d\n", i);
	}
	text = buffer_take(&body);
	ck_assert_ptr_nonnull(text);
	return text;
}

static const uint64_t rooms[] = { 0, 64 * KIB, 1 * MIB, 4 * MIB };

START_TEST(a_batch_for_which_there_is_no_memory_is_refused)
{
	_cleanup_(freep) char *body = make_large_batch();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer after = API_ANSWER_INIT;

	limit(RLIMIT_AS, address_space() + rooms[_i]);
	api_call("POST /v1/batches", "Content-Type: text/plain\r\n", body, &answer);
	ck_assert_int_eq(answer.http.status, 503);
	api_check_field(&answer, "Retry-After", "1");
	api_check(&answer, "/code=resources");
	api_ask_health();
	ck_assert_uint_eq(n_lines_with("memory or descriptors are lacking"), 1);

	limit(RLIMIT_AS, RLIM_INFINITY);
	api_call("POST /v1/batches", NULL, "{'urls':['$O/ok']}", &after);
	api_check(&after, "/outcome=ok");
}
END_TEST

/* ---- descriptors ---- */

enum {
	few_descriptors = 64
};

START_TEST(with_few_descriptors_urls_fail_and_callers_are_served)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	const struct value *result;

	limit(RLIMIT_NOFILE, few_descriptors);
	buffer_puts(&body, "{'policy':'collect','concurrency':200,'per_origin':200,'urls':[");
	for (int i = 0; i < 200; i++) {
		buffer_printf(&body, "%s'$O/hold/crowd/%d'", i > 0 ? "," : "", i);
	}
	buffer_puts(&body, "]}");
	api_send(&http, "POST /v1/batches", NULL, body.data);
	t_origin_wait(api_origin(), "held>=10");
	api_ask_health();
	(void)t_origin_release(api_origin(), "crowd");
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	value_for_each(result, api_at(&answer, "/results")) {
		const struct value *error = value_get(result, "error");

		ck_assert(!error || strcmp(value_get_text(error, "code"), "resources") == 0);
	}
}
END_TEST

START_TEST(with_few_descriptors_it_says_once_that_callers_are_turned_away)
{
	struct t_http http[3 * few_descriptors];
	_cleanup_(api_answer_fini) struct api_answer first = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	limit(RLIMIT_NOFILE, few_descriptors);
	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		http[i] = api_connect();
	}
	api_send(&http[0], "GET /v1/version", NULL, NULL);
	api_read(&http[0], &first);
	ck_assert_int_eq(first.http.status, 200);
	for (size_t i = few_descriptors; i < few_descriptors + 3; i++) { /* one in each pause */
		api_answer_fini(&answer);
		answer = (struct api_answer)API_ANSWER_INIT;
		api_read(&http[i], &answer);
		ck_assert_int_eq(answer.http.status, 503);
		api_check(&answer, "/code=resources");
		api_check_field(&answer, "Retry-After", "1");
	}
	api_ask_health();
	ck_assert_uint_eq(n_lines_with("callers are turned away"), 1);

	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		t_http_close(&http[i]);
	}
}
END_TEST

/* ---- large bodies ---- */

#define LINE  "# what is no URL is read over, and is gone with the line it stands in .....\n"
#define LARGE (64 * MIB)

static void
send_large(struct t_http *http, uint64_t len)
{
	_cleanup_(freep) char *url = api_text("$O/ok\n");
	_cleanup_(buffer_fini) struct buffer lines = BUFFER_INIT;

	(void)t_http_printf(http,
		"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
		"Content-Length: %llu\r\n\r\n%s",
		(unsigned long long)len, url);
	len -= strlen(url);
	while (lines.len < 64 * KIB) {
		buffer_puts(&lines, LINE);
	}
	while (len > 0) {
		size_t n = len < lines.len ? (size_t)len : lines.len;

		if (!t_http_send(http, lines.data, n)) {
			return; /* it has heard enough */
		}
		len -= n;
	}
}

START_TEST(a_body_as_large_as_allowed_is_read_and_not_kept)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	uint64_t rss = t_proc_rss_kib(t_daemon_pid(api_daemon()));

	send_large(&http, LARGE);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/outcome=ok /counts/ok=1");
	if (!IS_SANITIZED) {
		ck_assert_uint_lt(
			t_proc_rss_kib(t_daemon_pid(api_daemon())), rss + LARGE / KIB / 4);
	}
}
END_TEST

START_TEST(a_body_of_a_byte_more_is_refused_before_it_is_read)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	send_large(&http, LARGE + 1);
	api_read(&http, &answer);

	api_check_problem(&answer, 413, "too_large");
}
END_TEST

/* ---- places ---- */

#define STRANGER    64002 /* submits */
#define MAX_CALLERS 10000

static size_t n_callers;

static void
start_crowded(void)
{
	struct rlimit descriptors;
	char config[256];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	descriptors.rlim_cur = descriptors.rlim_max; /* fetchd inherits it */
	(void)setrlimit(RLIMIT_NOFILE, &descriptors);
	n_callers = descriptors.rlim_cur > MAX_CALLERS + 1000 ? MAX_CALLERS
							      : (size_t)descriptors.rlim_cur / 2;
	(void)snprintf(config, sizeof(config),
		"listen: {mode: '0666'}\naccess: [{user: %d, level: submit}]\n"
		"limits: {connections: %zu, connections_per_user: %zu, in_flight: 64}\n",
		STRANGER, n_callers + 100, n_callers);
	api_start_with(config);
}

/* As the stranger, if we may. */
static void
connect_strangers(struct t_http *http, size_t n)
{
	bool can_be_others = geteuid() == 0 && chmod(t_daemon_folder(api_daemon()), 0755) == 0 &&
			     setgroups(0, NULL) == 0 && seteuid(STRANGER) == 0;

	for (size_t i = 0; i < n; i++) {
		http[i] = api_connect();
	}
	if (can_be_others) {
		ck_assert_int_eq(seteuid(0), 0);
	}
}

START_TEST(ten_thousand_idle_callers_leave_room_for_others)
{
	struct t_http *http = calloc(n_callers + 1, sizeof(*http));
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer others = API_ANSWER_INIT;
	uint64_t rss = t_proc_rss_kib(t_daemon_pid(api_daemon()));
	bool is_other = geteuid() == 0;

	ck_assert_ptr_nonnull(http);
	connect_strangers(http, n_callers + (is_other ? 1 : 0));
	if (is_other) {
		api_read(&http[n_callers], &answer); /* the one too many */
		ck_assert_int_eq(answer.http.status, 429);
		api_check(&answer, "/code=quota");
		api_check_field(&answer, "Retry-After", "1");
		ck_assert_uint_eq(n_lines_with("callers are turned away"), 1);
		api_call("GET /v1/config", NULL, NULL, &others); /* only for admins */
		ck_assert_int_eq(others.http.status, 200);
	}
	api_ask_health();
	rss = t_proc_rss_kib(t_daemon_pid(api_daemon())) - rss;
	(void)printf(
		"# %zu idle callers, %.1f KiB each\n", n_callers, (double)rss / (double)n_callers);
	(void)fflush(stdout);
	if (!IS_SANITIZED) {
		ck_assert_uint_lt(rss, 64 * n_callers);
	}

	for (size_t i = 0; i <= n_callers; i++) {
		if (http[i].fd > 0) {
			t_http_close(&http[i]);
		}
	}
	free(http);
}
END_TEST

static void
start(void)
{
	api_start_with(
		"defaults: {deadline: 10m, timeout: 10m}\n"); /* a busy machine is no failure */
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api shortage");
	TCase *tc = api_case(suite, "memory", start, api_stop);

	if (!IS_SANITIZED) {
		tcase_add_loop_test(
			tc, a_batch_for_which_there_is_no_memory_is_refused, 0, ARRAY_LEN(rooms));
	}

	tc = api_case(suite, "descriptors", start, api_stop);
	tcase_add_test(tc, with_few_descriptors_urls_fail_and_callers_are_served);
	tcase_add_test(tc, with_few_descriptors_it_says_once_that_callers_are_turned_away);

	tc = api_case(suite, "bodies", start, api_stop);
	tcase_add_test(tc, a_body_as_large_as_allowed_is_read_and_not_kept);
	tcase_add_test(tc, a_body_of_a_byte_more_is_refused_before_it_is_read);

	tc = api_case(suite, "places", start_crowded, api_stop);
	tcase_add_test(tc, ten_thousand_idle_callers_leave_room_for_others);
	return suite;
}
