/* SPDX-License-Identifier: MIT */
/*
 * What is left of a large batch when it ends early: nothing. Descriptors are counted in /proc at the moment the
 * answer's end has been read, connections at the origin, allocations by tests/support/count_malloc.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"
#include "tests/support/sanitized.h"

/* Sanitizers bring an allocator of their own, which cannot be stood in front of. */
#define HAS_OWN_MALLOC T_IS_SANITIZED

enum {
	n_siblings = 1000,
	n_waiting = 10000,
	n_remembered = 200, /* finished batches the daemon keeps */
	n_rounds = 10,
};

/* ---- batches ---- */

/* A batch of @n URLs "$O" @path "/I", all in flight at once, and one that is @last, if it is not NULL. */
static char *
make_batch(size_t n, const char *path, const char *last)
{
	struct buffer body = BUFFER_INIT;
	char *text;

	buffer_puts(&body, "{'concurrency':12000,'per_origin':12000,'timeout':'10m','deadline':'"
			   "10m','urls':[");
	for (size_t i = 0; i < n; i++) {
		buffer_printf(&body, "%s'$O%s/%zu'", i > 0 ? "," : "", path, i);
	}
	buffer_printf(&body, "%s%s]}", last ? "," : "", last ? last : "");
	text = buffer_take(&body);
	ck_assert_ptr_nonnull(text);
	return text;
}

/* A thousand without an answer, and one that fails when all of them are in flight. */
static void
submit_doomed_batch(struct api_answer *answer)
{
	_cleanup_(freep) char *body = make_batch(n_siblings, "/never", "'$O/crowd/1001?500'");

	api_submit(body, answer);
}

static void
check_all_cancelled(const struct api_answer *answer, size_t n, const char *reason, int64_t cause)
{
	const struct value *result = api_at(answer, "/results")->first;
	const struct value *cancel;

	for (size_t i = 0; i < n; i++, result = result->next) {
		cancel = value_get(result, "cancel");
		ck_assert_str_eq(value_get_text(result, "outcome"), "cancelled");
		ck_assert_str_eq(value_get_text(cancel, "reason"), reason);
		if (cause >= 0) {
			ck_assert_int_eq(value_get(cancel, "cause")->integer, cause);
		}
	}
}

START_TEST(the_sockets_of_cancelled_siblings_are_closed_before_the_answer_ends)
{
	unsigned n_before = t_proc_n_sockets(t_daemon_pid(api_daemon()));

	for (int round = 0; round < 3; round++) {
		_cleanup_(t_http_close) struct t_http http = api_connect();
		_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
		_cleanup_(freep) char *body =
			make_batch(n_siblings, "/never", "'$O/crowd/1001?500'");
		unsigned n_after;

		t_origin_forget(api_origin());
		api_send(&http, "POST /v1/batches", NULL, body);
		t_http_read(&http, &answer.http);
		n_after = t_proc_n_sockets(t_daemon_pid(api_daemon()));
		t_http_close(&http);
		api_check_unharmed();

		/* this connection, and the one that brought the failure */
		ck_assert_uint_le(n_after, n_before + 2);
		ck_assert_uint_le(t_origin_counts(api_origin()).n_open, 1);
		ck_assert_uint_eq(t_origin_counts(api_origin()).max_held, n_siblings + 1);
	}
}
END_TEST

START_TEST(each_cancelled_sibling_names_the_cause)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	submit_doomed_batch(&answer);

	api_check(&answer, "/outcome=failed /counts/cancelled=1000 /counts/failed=1 "
			   "/results/1000/status=500");
	check_all_cancelled(&answer, n_siblings, "sibling_failed", n_siblings);
}
END_TEST

START_TEST(a_stream_ends_after_the_sockets_are_closed)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response stream = T_RESPONSE_INIT;
	_cleanup_(freep) char *body = make_batch(n_siblings, "/never", "'$O/crowd/1001?500'");
	unsigned n_before = t_proc_n_sockets(t_daemon_pid(api_daemon()));
	char id[64];

	api_begin(&http, &stream, body, id, sizeof(id));
	api_read_until(&http, &stream, "\"type\":\"end\"");

	ck_assert_uint_le(t_proc_n_sockets(t_daemon_pid(api_daemon())), n_before + 2);
	api_read_on(&http, &stream);
	ck_assert_ptr_nonnull(strstr(stream.body.data, "\"seq\":1001,"));
}
END_TEST

/*
 * ---- memory ----
 *
 * The last connection left in libcurl's pool has a few allocations more or less, depending on how it was used.
 * So a test runs more rounds than that: one allocation left by a batch, or by one of its thousand URLs, is more than
 * the difference.
 */

static const int64_t *n_live;
static char counter_path[] = "/tmp/fetchd-count-XXXXXX";

static void
start_counted(void)
{
	int fd = mkstemp(counter_path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*n_live)), 0);
	n_live = mmap(NULL, sizeof(*n_live), PROT_READ, MAP_SHARED, fd, 0);
	ck_assert(n_live != MAP_FAILED);
	(void)close(fd);
	(void)setenv("T_COUNT_MALLOC", counter_path, 1);
	(void)setenv("LD_PRELOAD", T_COUNT_MALLOC_SO, 1);
	api_start();
	(void)unsetenv("LD_PRELOAD");
	(void)unlink(counter_path);
}

/* Makes the daemon forget the batches it remembers: these push them out, and are all alike. */
static int64_t
count_live(void)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	int64_t n;

	for (int i = 0; i < n_remembered; i++) {
		api_send(&http, "POST /v1/batches", NULL, "{'urls':['$O/ok']}");
		api_read(&http, &answer);
		ck_assert_int_eq(answer.http.status, 200);
	}
	t_http_close(&http);
	api_check_unharmed(); /* the connection's memory goes, too */
	n = *n_live;
	ck_assert_int_gt(n, 0);
	return n;
}

/*
 * Fewer than one for each batch. The connection that libcurl pools last is not always alike, so it is counted a few
 * times: what a batch has left is there each time.
 */
static void
check_live(int64_t n_before)
{
	int64_t n = count_live() - n_before;

	for (int i = 0; i < 4 && n >= n_rounds; i++) {
		n = count_live() - n_before;
	}
	ck_assert_int_lt(n, n_rounds);
}

START_TEST(a_cancelled_batch_leaves_no_allocation)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	int64_t n_before;

	submit_doomed_batch(&answer); /* pools and tables grow to their size */
	n_before = count_live();
	for (int round = 0; round < n_rounds; round++) {
		submit_doomed_batch(&answer);
	}

	check_live(n_before);
}
END_TEST

START_TEST(a_batch_of_one_who_left_leaves_no_allocation)
{
	_cleanup_(freep) char *body = make_batch(n_siblings, "/never", NULL);
	int64_t n_before = 0;

	for (int round = 0; round <= n_rounds; round++) {
		struct t_http http = api_connect();

		api_send(&http, "POST /v1/batches", NULL, body);
		t_origin_wait(api_origin(), "held>=1000");
		t_http_close(&http);
		t_origin_wait(api_origin(), "held<=0");
		if (round == 0) {
			n_before = count_live();
		}
	}
	check_live(n_before);
}
END_TEST

/* ---- callers who leave ---- */

/* The loop looks at all connections in each turn; two questions are two turns later. */
static void
let_it_see(void)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /v1/health/live", NULL, NULL, &answer);
	api_call("GET /v1/health/live", NULL, NULL, &answer);
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_held, n_siblings);
}

static void
leave_by_close(struct t_http *http)
{
	t_http_close(http);
}

static void
leave_after_half_close(struct t_http *http)
{
	ck_assert_int_eq(shutdown(http->fd, SHUT_WR), 0);
	let_it_see();
	t_http_close(http);
}

static void
leave_with_junk_sent(struct t_http *http)
{
	(void)t_http_puts(http, "\r\n\0junk\r\n GET / HTTP/9.9\r\n\r\n");
	t_http_close(http);
}

static void
leave_with_much_junk_sent(struct t_http *http)
{
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(fcntl(http->fd, F_SETFL, O_NONBLOCK), 0);
	while (send(http->fd, junk, sizeof(junk), MSG_NOSIGNAL) > 0) {
	}
	ck_assert_int_eq(errno, EAGAIN); /* it is held, not read */
	t_http_close(http);
}

static const struct {
	const char *before; /* a request whose answer stays unread */
	const char *fields;
	void (*leave)(struct t_http *http);
} departures[] = {
	{ NULL, NULL, leave_by_close },
	{ NULL, API_NDJSON, leave_by_close },
	{ "GET /v1/tree", NULL, leave_by_close },
	{ "GET /v1/tree", NULL, leave_after_half_close },
	{ NULL, NULL, leave_after_half_close },
	{ NULL, NULL, leave_with_junk_sent },
	{ "GET /v1/version", API_NDJSON, leave_with_junk_sent },
	{ NULL, NULL, leave_with_much_junk_sent },
};

static void
check_client_gone(void)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char id[64];

	t_origin_wait(api_origin(), "open<=0");
	api_call("GET /v1/batches", NULL, NULL, &answer);
	api_check(&answer, "/batches/0/outcome=cancelled /batches/0/counts/cancelled=1000");
	(void)snprintf(id, sizeof(id), "%s", value_get_text(api_at(&answer, "/batches/0"), "id"));
	api_call_batch("GET", id, "", &answer);
	check_all_cancelled(&answer, n_siblings, "client_gone", -1);
}

START_TEST(a_caller_who_leaves_takes_the_batch_along)
{
	_cleanup_(freep) char *body = make_batch(n_siblings, "/never", NULL);
	struct t_http http = api_connect();

	if (departures[_i].before) {
		api_send(&http, departures[_i].before, NULL, NULL);
	}
	api_send(&http, "POST /v1/batches", departures[_i].fields, body);
	t_origin_wait(api_origin(), "held>=1000");
	departures[_i].leave(&http);

	check_client_gone();
}
END_TEST

static void __attribute__((noreturn)) be_a_client(const char *body)
{
	struct t_http http;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	http = api_connect();
	api_send(&http, "POST /v1/batches", NULL, body);
	for (;;) {
		(void)pause();
	}
}

START_TEST(a_caller_who_is_killed_takes_the_batch_along)
{
	_cleanup_(freep) char *body = make_batch(n_siblings, "/never", NULL);
	pid_t pid = fork();

	if (pid == 0) {
		be_a_client(body);
	}
	ck_assert_int_gt(pid, 0);
	t_origin_wait(api_origin(), "held>=1000");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

	check_client_gone();
}
END_TEST

START_TEST(a_half_close_alone_cancels_nothing)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = make_batch(n_siblings, "/hold/h", NULL);

	api_send(&http, "POST /v1/batches", NULL, body);
	t_origin_wait(api_origin(), "held>=1000");
	ck_assert_int_eq(shutdown(http.fd, SHUT_WR), 0);
	let_it_see();
	ck_assert_uint_eq(t_origin_release(api_origin(), "h"), n_siblings);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/outcome=ok /counts/ok=1000");
}
END_TEST

/* ---- many ---- */

static bool
can_hold(rlim_t n)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max; /* fetchd and origin inherit it */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur >= n;
}

static void
start_raised(void)
{
	(void)can_hold(0);
	api_start();
}

START_TEST(ten_thousand_wait_at_once_and_complete)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(freep) char *body = make_batch(n_waiting, "/hold/all", NULL);
	pid_t pid = t_daemon_pid(api_daemon());
	uint64_t rss = t_proc_rss_kib(pid);

	if (!can_hold(n_waiting + 500)) {
		(void)printf("# skipped: the limit of descriptors is below %d\n", n_waiting + 500);
		return;
	}
	api_send(&http, "POST /v1/batches", NULL, body);
	t_origin_wait(api_origin(), "held>=10000");
	(void)printf("# RSS for each waiting fetch: %.1f KiB\n",
		(double)(t_proc_rss_kib(pid) - rss) / n_waiting);
	(void)fflush(stdout);
	ck_assert_uint_eq(t_origin_release(api_origin(), "all"), n_waiting);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	api_check(&answer, "/outcome=ok /counts/ok=10000 /results/9999/status=200");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("sockets");
	TCase *tc = api_case(suite, "siblings", start_raised, api_stop);

	tcase_add_test(tc, the_sockets_of_cancelled_siblings_are_closed_before_the_answer_ends);
	tcase_add_test(tc, each_cancelled_sibling_names_the_cause);
	tcase_add_test(tc, a_stream_ends_after_the_sockets_are_closed);

	tc = api_case(suite, "callers", start_raised, api_stop);
	tcase_add_loop_test(
		tc, a_caller_who_leaves_takes_the_batch_along, 0, ARRAY_LEN(departures));
	tcase_add_test(tc, a_caller_who_is_killed_takes_the_batch_along);
	tcase_add_test(tc, a_half_close_alone_cancels_nothing);

	tc = api_case(suite, "many", start_raised, api_stop);
	tcase_add_test(tc, ten_thousand_wait_at_once_and_complete);

	if (!HAS_OWN_MALLOC) {
		tc = api_case(suite, "memory", start_counted, api_stop);
		tcase_add_test(tc, a_cancelled_batch_leaves_no_allocation);
		tcase_add_test(tc, a_batch_of_one_who_left_leaves_no_allocation);
	}
	return suite;
}
