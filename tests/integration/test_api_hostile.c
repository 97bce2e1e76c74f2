/* SPDX-License-Identifier: MIT */
/*
 * Callers who mean no good, or cannot speak. Each gets a clear answer, or a close where nobody can be answered;
 * afterwards api_stop() finds the daemon alive, without a descriptor more and ready to end in good order. The
 * numbers in comments are those of the list of hostile inputs that the daemon must survive.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"
#include "tests/support/sanitized.h"

#define HEAD "POST /v1/batches HTTP/1.1\r\nHost: x\r\n"

/* A bound for what a flood may leave in memory; a sanitizer keeps what was freed for a while. */
#if T_IS_SANITIZED
#define MAX_GROWTH_KIB (400 * 1024)
#else
#define MAX_GROWTH_KIB (24 * 1024)
#endif

static uint64_t rss_before;

static void
start_and_weigh(void)
{
	api_start_with(
		"defaults: {deadline: 10m, timeout: 10m}\n"); /* a busy machine is no failure */
	rss_before = t_proc_rss_kib(t_daemon_pid(api_daemon()));
}

static void
check_weight(void)
{
	uint64_t rss = t_proc_rss_kib(t_daemon_pid(api_daemon()));

	ck_assert_msg(rss < rss_before + MAX_GROWTH_KIB, "%llu KiB became %llu KiB",
		(unsigned long long)rss_before, (unsigned long long)rss);
}

/* ---- heads and framing ---- */

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	int number;
	const char *bytes;
	size_t len;
	int status;
	const char *code;
} requests[] = {
	{ 5, BYTES(HEAD "Content-Length: -1\r\n\r\n"), 400, "bad_request" },
	{ 5, BYTES(HEAD "Content-Length: +5\r\n\r\nhello"), 400, "bad_request" },
	{ 5, BYTES(HEAD "Content-Length: 5, 5\r\n\r\nhello"), 400, "bad_request" },
	{ 5, BYTES(HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400,
		"bad_request" },
	{ 5, BYTES(HEAD "Content-Length: 0x5\r\n\r\nhello"), 400, "bad_request" },
	{ 5, BYTES(HEAD "Content-Length: 18446744073709551616\r\n\r\n"), 413, "too_large" },
	{ 6, BYTES(HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
		"bad_request" },
	{ 6, BYTES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501,
		"not_implemented" },
	{ 7, BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n"), 413,
		"too_large" },
	{ 7, BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n"), 400, "bad_request" },
	{ 7, BYTES(HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\r\nHost: x\r\nA: a\0b\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\r\nHost: x\r\nA: a\rb\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\nHost: x\n\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\r\nHost : x\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/1.1\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/%2e%2e/tree HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "bad_request" },
	{ 9, BYTES("GET /v1/tree HTTP/2.0\r\nHost: x\r\n\r\n"), 505, "version_not_supported" },
	{ 9, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "version_not_supported" },
	{ 9, BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"), 400, "bad_request" },
};

START_TEST(a_broken_request_is_answered_and_ends_the_connection)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	ck_assert(t_http_send(&http, requests[_i].bytes, requests[_i].len));
	api_read(&http, &answer);

	api_check_problem(&answer, requests[_i].status, requests[_i].code);
	api_check_field(&answer, "Connection", "close");
	ck_assert(t_http_is_over(&http));
}
END_TEST

static const struct {
	int number;
	const char *before;
	const char *piece;
	size_t n; /* of pieces */
	int status;
	const char *code;
} floods[] = {
	{ 3, "GET /", "aaaaaaaaaaaaaaaa", 640 * 1024, 414, "uri_too_long" },
	{ 3, "GET / HTTP/1.1\r\nHost: x\r\nA: ", "aaaaaaaaaaaaaaaa", 640 * 1024, 431,
		"header_too_large" },
	{ 4, "GET / HTTP/1.1\r\nHost: x\r\n", "A: b\r\n", 10000, 431, "header_too_large" },
	{ 8, HEAD "Transfer-Encoding: chunked\r\n\r\n5;", "aaaaaaaaaaaaaaaa", 64 * 1024, 400,
		"bad_request" },
	{ 8, HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: bbbbbbbbbbbb\r\n", 64 * 1024, 400,
		"bad_request" },
	{ 20, HEAD "Content-Length: 100000\r\n\r\n", "[", 100000, 400, "bad_body" },
	{ 25, HEAD "Content-Type: text/plain\r\nContent-Length: 18000000\r\n\r\n",
		"http://127.0.0.1/\n", 1000 * 1000, 422, "invalid_batch" },
	{ 28, HEAD "Content-Type: application/x-ndjson\r\nContent-Length: 50000000\r\n\r\n{}\n\"",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1000 * 1000, 400,
		"bad_body" },
	{ 28, HEAD "Content-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n", "a", 100, 413,
		"too_large" },
};

static void
send_flood(struct t_http *http, const char *piece, size_t n)
{
	_cleanup_(buffer_fini) struct buffer many = BUFFER_INIT;
	size_t n_many = n < 4096 ? n : 4096;

	for (size_t i = 0; i < n_many; i++) {
		buffer_puts(&many, piece);
	}
	ck_assert_int_eq(buffer_error(&many), 0);
	while (n > 0) {
		n_many = n < n_many ? n : n_many;
		if (!t_http_send(http, many.data, n_many * strlen(piece))) {
			return; /* it has heard enough */
		}
		n -= n_many;
	}
}

START_TEST(a_flood_is_answered_and_not_kept)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	(void)t_http_puts(&http, floods[_i].before);
	send_flood(&http, floods[_i].piece, floods[_i].n);
	api_read(&http, &answer);

	api_check_problem(&answer, floods[_i].status, floods[_i].code);
	check_weight();
}
END_TEST

/* ---- bodies ---- */

static const struct {
	int number;
	const char *fields;
	const char *body;
	int status;
	const char *code;
} bodies[] = {
	{ 21, "", "{'urls':['$O/ok'],'urls':['$O/ok']}", 400, "bad_body" },
	{ 21, "", "{'urls':[{'url':'$O/ok','url':'$O/ok'}]}", 400, "bad_body" },
	{ 22, "", "{'urls':['$O/\xff']}", 400, "bad_body" },
	{ 22, "", "{'urls':['$O/\xc0\xaf']}", 400, "bad_body" },
	{ 22, "", "{'urls':['$O/\xed\xa0\x80']}", 400, "bad_body" },
	{ 22, "", "{'urls':['$O/\\ud800']}", 400, "bad_body" },
	{ 22, "", "{'urls':['$O/\\u0000']}", 400, "bad_body" },
	{ 23, "", "{'concurrency':1e400,'urls':['$O/ok']}", 400, "bad_body" },
	{ 23, "", "{'concurrency':NaN,'urls':['$O/ok']}", 400, "bad_body" },
	{ 23, "", "{'concurrency':9223372036854775808,'urls':['$O/ok']}", 400, "bad_body" },
	{ 23, "", "{'concurrency':-0,'urls':['$O/ok']}", 422, "invalid_batch" },
	{ 23, "", "{'concurrency':1.5,'urls':['$O/ok']}", 422, "invalid_batch" },
	{ 24, "", "\xef\xbb\xbf{'urls':['$O/ok']}", 400, "bad_body" },
	{ 24, "", "{'urls':['$O/ok']}}", 400, "bad_body" },
	{ 24, "", "", 400, "bad_body" },
	{ 24, "", "5", 422, "invalid_batch" },
	{ 24, "", "[]", 422, "invalid_batch" },
	{ 25, "", "{'urls':[]}", 422, "invalid_batch" },
	{ 25, "", "{}", 422, "invalid_batch" },
	{ 26, "", "{'deadline':'0s','urls':['$O/ok']}", 422, "invalid_batch" },
	{ 26, "", "{'deadline':'-5s','urls':['$O/ok']}", 422, "invalid_batch" },
	{ 26, "", "{'deadline':'9223372036854775808s','urls':['$O/ok']}", 422, "invalid_batch" },
	{ 26, "", "{'deadline':5.5,'urls':['$O/ok']}", 422, "invalid_batch" },
	{ 26, "", "{'deadline':'','urls':['$O/ok']}", 422, "invalid_batch" },
	{ 27, "", "{'concurency':5,'urls':['$O/ok']}", 422, "invalid_batch" },
	{ 28, "Content-Type: application/x-ndjson\r\n", "{}\n{'url':'$O/ok'", 400, "bad_body" },
	{ 28, "Content-Type: application/x-ndjson\r\n", "", 400, "bad_body" },
	{ 29, "Content-Encoding: gzip\r\n", "\x1f\x8b\x08", 415, "unsupported_media_type" },
	{ 30, "Content-Type: multipart/form-data; boundary=x\r\n", "--x--", 415,
		"unsupported_media_type" },
	{ 30, "Content-Type: application/json/x\r\n", "{}", 415, "unsupported_media_type" },
	{ 30, "Content-Type: \r\n", "{}", 415, "unsupported_media_type" },
};

START_TEST(a_bad_body_is_refused_and_the_connection_goes_on)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&http, "POST /v1/batches", bodies[_i].fields, bodies[_i].body);
	api_read(&http, &answer);
	api_check_problem(&answer, bodies[_i].status, bodies[_i].code);
	ck_assert_uint_eq(t_origin_counts(api_origin()).n_requests, 0);

	api_send(&http, "GET /v1/health/live", NULL, NULL);
	api_read(&http, &answer);
	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

/* ---- while a batch is held: 10 to 12, 14 ---- */

static void
hold(struct t_http *http, const char *body)
{
	api_send(http, "POST /v1/batches", NULL, body);
	t_origin_wait(api_origin(), "held>=1");
}

START_TEST(requests_sent_while_one_is_held_wait)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	hold(&http, "{'urls':['$O/hold/p']}");
	for (int i = 0; i < 100; i++) {
		api_send(&http, "GET /v1/version", NULL, NULL);
	}
	api_check_unharmed_with(1);
	ck_assert_uint_eq(t_origin_release(api_origin(), "p"), 1);

	api_read(&http, &answer);
	api_check(&answer, "/outcome=ok");
	for (int i = 0; i < 100; i++) {
		api_read(&http, &answer);
		ck_assert_ptr_nonnull(api_at(&answer, "/version"));
	}
}
END_TEST

START_TEST(a_stray_byte_while_a_batch_is_held_spoils_only_what_follows)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	hold(&http, "{'urls':['$O/hold/s']}");
	(void)t_http_puts(&http, "x");
	ck_assert_uint_eq(t_origin_release(api_origin(), "s"), 1);
	api_read(&http, &answer);
	api_check(&answer, "/outcome=ok");

	api_send(&http, "GET /v1/version", NULL, NULL);
	api_read(&http, &answer);
	api_check_problem(&answer, 501, "not_implemented"); /* the method xGET */
	ck_assert(t_http_is_over(&http));
}
END_TEST

START_TEST(what_floods_in_while_a_batch_is_held_is_not_read)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	char junk[65536];
	size_t n_sent = 0;
	ssize_t n;

	hold(&http, "{'urls':['$O/never']}");
	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(fcntl(http.fd, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 3200; i++) { /* 200 MB in all */
		struct pollfd room = { .fd = http.fd, .events = POLLOUT };

		n = send(http.fd, junk, sizeof(junk), MSG_NOSIGNAL);
		n_sent += n > 0 ? (size_t)n : 0;
		if (n < 0 && poll(&room, 1, 100) == 0) {
			break;
		}
	}

	ck_assert_uint_lt(n_sent, 4 << 20);
	check_weight();
	t_http_close(&http);
	t_origin_wait(api_origin(), "open<=0");
}
END_TEST

START_TEST(a_reader_who_does_not_read_holds_up_nobody)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	buffer_puts(&body, "{'capture':'text','urls':[");
	for (int i = 0; i < 100; i++) {
		buffer_printf(&body, "%s'$O/bytes/65536/%d'", i > 0 ? "," : "", i);
	}
	buffer_puts(&body, "]}");
	api_send(&http, "POST /v1/batches", API_NDJSON, body.data);

	do {
		api_call("GET /v1/batches", NULL, NULL, &answer);
		ck_assert_int_eq(answer.http.status, 200);
	} while (!api_at(&answer, "/batches/0/outcome"));
	api_check(&answer, "/batches/0/counts/ok=100");
	check_weight();
}
END_TEST

/* ---- those who go at every phase: 13, 15 ---- */

static const char *const phases[] = {
	"",
	"POST /v1/ba",
	HEAD "Content-Le",
	HEAD "Content-Length: 100\r\n\r\n",
	HEAD "Content-Length: 100\r\n\r\n{\"urls\":[",
	HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"u",
	HEAD "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
	"GET /v1/tree HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /v1/tree HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/tree HTTP/1.1\r\nHo",
	"GET /v1/tree HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET ",
};

START_TEST(a_caller_may_close_at_any_time)
{
	struct t_http http = api_connect();

	(void)t_http_puts(&http, phases[_i]);
	t_http_close(&http);
}
END_TEST

/* Half a request is answered, for the caller may still read. */
START_TEST(a_caller_may_half_close_at_any_time)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	(void)t_http_puts(&http, phases[_i]);
	ck_assert_int_eq(shutdown(http.fd, SHUT_WR), 0);
	do {
		t_http_read(&http, &response);
		ck_assert(response.status == 0 || response.is_complete);
		ck_assert(response.status == 0 || response.status == 200 || response.status == 400);
	} while (response.status == 200);
}
END_TEST

START_TEST(a_caller_may_stop_listening_at_any_time)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();

	ck_assert_int_eq(shutdown(http.fd, SHUT_RD), 0);
	(void)t_http_puts(&http, phases[_i]);
	(void)t_http_puts(&http, "\r\n\r\n");
}
END_TEST

static void __attribute__((noreturn)) upload_for_ever(void)
{
	struct t_http http;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	http = api_connect();
	(void)t_http_puts(
		&http, HEAD "Content-Type: text/plain\r\nContent-Length: 60000000\r\n\r\n");
	for (;;) {
		(void)t_http_puts(&http, "http://127.0.0.1/\n");
	}
}

START_TEST(a_caller_may_be_killed_while_sending)
{
	unsigned n_fds = t_proc_n_fds(t_daemon_pid(api_daemon()));
	pid_t pid = fork();

	if (pid == 0) {
		upload_for_ever();
	}
	ck_assert_int_gt(pid, 0);
	while (t_proc_n_fds(t_daemon_pid(api_daemon())) == n_fds) {
		api_ask_health();
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* ---- sockets: 16 to 19 ---- */

START_TEST(descriptors_sent_along_are_not_taken)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char request[] = "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n";
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(8 * sizeof(int)) } };
	struct iovec iov = { request, sizeof(request) - 1 };
	const struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	for (size_t i = 0; i < 8; i++) {
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &http.fd, sizeof(int));
	}
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(
			sendmsg(http.fd, &message, MSG_NOSIGNAL), (ssize_t)sizeof(request) - 1);
		api_read(&http, &answer);
		ck_assert_int_eq(answer.http.status, 200);
	}
	api_check_unharmed_with(1);
}
END_TEST

static const struct {
	const char *path; /* of the caller's own address; @ stands for NUL */
	size_t len;
} addresses[] = {
	{ "@fetchd-test-\n\x01\xff", 16 }, { "@", 108 }, /* full of NUL */
	{ "%", 108 },                                    /* a path without a NUL behind it */
};

START_TEST(a_caller_may_have_an_odd_address)
{
	_cleanup_(t_http_close) struct t_http http = { .fd = -1 };
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	struct sockaddr_un server = { .sun_family = AF_UNIX };
	size_t len = addresses[_i].len;

	if (*addresses[_i].path == '%') {
		memset(own.sun_path, 'p', sizeof(own.sun_path));
		memcpy(own.sun_path, t_daemon_folder(api_daemon()),
			strlen(t_daemon_folder(api_daemon())));
		own.sun_path[strlen(t_daemon_folder(api_daemon()))] = '/';
	} else {
		memcpy(own.sun_path, addresses[_i].path, strlen(addresses[_i].path));
		own.sun_path[0] = '\0';
	}
	(void)snprintf(
		server.sun_path, sizeof(server.sun_path), "%s", t_daemon_socket(api_daemon()));

	http.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(http.fd, (struct sockaddr *)&own,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	ck_assert_int_eq(connect(http.fd, (struct sockaddr *)&server, sizeof(server)), 0);
	api_send(&http, "GET /v1/version", NULL, NULL);
	api_read(&http, &answer);

	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(a_thousand_silent_callers_do_not_lock_others_out)
{
	static struct t_http http[1000];
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		http[i] = api_connect();
	}
	api_ask_health();
	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		t_http_close(&http[i]);
	}
	api_check_unharmed();
	api_call("GET /v1/version", NULL, NULL, &answer);
	ck_assert_int_eq(answer.http.status, 200);
	check_weight();
}
END_TEST

START_TEST(a_full_table_of_descriptors_turns_callers_away)
{
	struct t_http http[20];
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	pid_t pid = t_daemon_pid(api_daemon());
	rlim_t n_fds = t_proc_n_fds(pid);
	struct rlimit old;

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &old), 0);
	ck_assert_int_eq(
		prlimit(pid, RLIMIT_NOFILE,
			&(struct rlimit){ .rlim_cur = n_fds + 5, .rlim_max = old.rlim_max }, NULL),
		0);
	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		http[i] = api_connect();
		api_send(&http[i], "GET /v1/version", NULL, NULL);
	}
	api_ask_health(); /* those who are in are served */
	api_read(&http[0], &answer);
	ck_assert_int_eq(answer.http.status, 200);
	api_read(&http[ARRAY_LEN(http) / 2], &answer);
	ck_assert_int_eq(answer.http.status, 503);
	api_check_field(&answer, "Retry-After", "1");

	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		t_http_close(&http[i]);
	}
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &old, NULL), 0);
	api_check_unharmed();
	api_call("GET /v1/version", NULL, NULL, &answer);
	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_hostile");
	TCase *tc = api_case(suite, "requests", start_and_weigh, api_stop);

	tcase_add_loop_test(
		tc, a_broken_request_is_answered_and_ends_the_connection, 0, ARRAY_LEN(requests));
	tcase_add_loop_test(tc, a_flood_is_answered_and_not_kept, 0, ARRAY_LEN(floods));
	tcase_add_loop_test(
		tc, a_bad_body_is_refused_and_the_connection_goes_on, 0, ARRAY_LEN(bodies));

	tc = api_case(suite, "held", start_and_weigh, api_stop);
	tcase_add_test(tc, requests_sent_while_one_is_held_wait);
	tcase_add_test(tc, a_stray_byte_while_a_batch_is_held_spoils_only_what_follows);
	tcase_add_test(tc, what_floods_in_while_a_batch_is_held_is_not_read);
	tcase_add_test(tc, a_reader_who_does_not_read_holds_up_nobody);

	tc = api_case(suite, "leaving", start_and_weigh, api_stop);
	tcase_add_loop_test(tc, a_caller_may_close_at_any_time, 0, ARRAY_LEN(phases));
	tcase_add_loop_test(tc, a_caller_may_half_close_at_any_time, 0, ARRAY_LEN(phases));
	tcase_add_loop_test(tc, a_caller_may_stop_listening_at_any_time, 0, ARRAY_LEN(phases));
	tcase_add_test(tc, a_caller_may_be_killed_while_sending);

	tc = api_case(suite, "sockets", start_and_weigh, api_stop);
	tcase_add_test(tc, descriptors_sent_along_are_not_taken);
	tcase_add_loop_test(tc, a_caller_may_have_an_odd_address, 0, ARRAY_LEN(addresses));
	tcase_add_test(tc, a_thousand_silent_callers_do_not_lock_others_out);
	tcase_add_test(tc, a_full_table_of_descriptors_turns_callers_away);
	return suite;
}
