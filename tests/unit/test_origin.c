/* SPDX-License-Identifier: MIT */
/*
 * The scripted origin and the raw client, against each other: tests that stand on them must know
 * them good.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/http.h"
#include "tests/support/origin.h"
#include "tests/support/test.h"

static struct t_origin *origin;

static void
setup(void)
{
	origin = t_origin_create();
}

static void
teardown(void)
{
	t_origin_destroy(origin);
}

static struct t_http
open_http(void)
{
	return t_http_tcp(t_origin_port(origin, T_PORT_HTTP));
}

static void
get(struct t_http *http, const char *target, struct t_response *response)
{
	ck_assert(t_http_printf(http, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target));
	t_http_read(http, response);
}

/* status 0: closed without an answer; body NULL: not looked at */
static const struct {
	const char *target;
	int status;
	const char *body;
	bool is_complete;
} answers[] = {
	{ "/ok", 200, "ok\n", true },
	{ "/ok/17/and?more", 200, "ok\n", true },
	{ "http://elsewhere/ok", 200, "ok\n", true },
	{ "/status/503", 503, "no\n", true },
	{ "/status/204", 204, "", true },
	{ "/unheard-of", 404, "no\n", true },
	{ "/bytes/5", 200, "xxxxx", true },
	{ "/body?a%20b%0a", 200, "a b\n", true },
	{ "/slow/3", 200, "ok\n", true },
	{ "/slow/3?500", 500, "no\n", true },
	{ "/crowd/1?502", 502, "no\n", true },
	{ "/drip/4/2", 200, "xxxx", true },
	{ "/drip-headers/1/1", 200, "ok\n", true },
	{ "/chunked", 200, "abcde", true },
	{ "/close-delimited", 200, "until the end\n", true },
	{ "/header-bomb/100", 200, "ok\n", true },
	{ "/long-header/100000", 200, "ok\n", true },
	{ "/long-location/1000", 302, "", true },
	{ "/redirect/0", 200, "ok\n", true },
	{ "/redirect/2", 302, "", true },
	{ "/close-on-reuse", 200, "ok\n", true },
	{ "/flaky/a/1?500", 500, "no\n", true },
	{ "/flaky/a/0?500", 200, "ok\n", true },
	{ "/flaky/b/1?reset", 0, "", false },
	{ "/reset", 0, "", false },
	{ "/close-before-response", 0, "", false },
	{ "/close-mid-headers", 0, "", false },
	{ "/truncated-length", 200, "0123456789", false },
	{ "/truncated-chunk", 200, "0123", false },
	{ "/truncated-chunked", 200, "0123", false },
};

START_TEST(answers_as_the_path_says)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	get(&http, answers[_i].target, &response);

	ck_assert_int_eq(response.status, answers[_i].status);
	ck_assert_str_eq(response.body.data ? response.body.data : "", answers[_i].body);
	ck_assert_int_eq(response.is_complete, answers[_i].is_complete);
}
END_TEST

static const struct {
	const char *target;
	const char *field;
	const char *value;
} fields[] = {
	{ "/redirect/3", "Location", "/redirect/2" },
	{ "/redirect-to?file:///etc/passwd", "Location", "file:///etc/passwd" },
	{ "/redirect-to/308?http%3A//b/?c", "Location", "http://b/?c" },
	{ "/redirect-to", "Location", "" },
	{ "/retry-after/429?1000000000000000000", "Retry-After", "1000000000000000000" },
	{ "/retry-after/503?Thu,%2001%20Jan%201970", "Retry-After", "Thu, 01 Jan 1970" },
	{ "/gzip", "Content-Encoding", "gzip" },
};

START_TEST(fields_as_the_path_says)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;
	char value[128];

	get(&http, fields[_i].target, &response);

	ck_assert_ptr_nonnull(t_response_field(&response, fields[_i].field, value, sizeof(value)));
	ck_assert_str_eq(value, fields[_i].value);
}
END_TEST

START_TEST(echo_returns_the_request)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;
	const char *request = "POST /echo HTTP/1.1\r\nX-Y: z\r\nContent-Length: 3\r\n\r\nabc";

	ck_assert(t_http_puts(&http, request));
	t_http_read(&http, &response);

	ck_assert_str_eq(response.body.data, request);
}
END_TEST

START_TEST(a_held_body_is_asked_for_with_100)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	ck_assert(t_http_puts(
		&http, "PUT /ok HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	t_http_read_head(&http, &response);
	ck_assert_int_eq(response.status, 100);
	ck_assert(t_http_puts(&http, "abc"));
	t_http_read(&http, &response);

	ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(a_connection_serves_pipelined_requests_in_order)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	ck_assert(t_http_puts(&http, "GET /slow/2?500 HTTP/1.1\r\n\r\nHEAD /bytes/3 "
				     "HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\n\r\n"));
	t_http_read(&http, &response);
	ck_assert_int_eq(response.status, 500);
	t_http_read_head(&http, &response);
	ck_assert_int_eq(response.status, 200);

	t_origin_wait(origin, "held>=1");
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 3);
}
END_TEST

START_TEST(the_second_request_finds_a_flaky_path_well)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	get(&http, "/flaky/name/1", &response);
	ck_assert_int_eq(response.status, 503);
	get(&http, "/flaky/name/1", &response);

	ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(close_on_reuse_closes_instead_of_the_second_answer)
{
	_cleanup_(t_http_close) struct t_http http = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	get(&http, "/close-on-reuse", &response);
	ck_assert_int_eq(response.status, 200);
	get(&http, "/close-on-reuse", &response);

	ck_assert_int_eq(response.status, 0);
}
END_TEST

START_TEST(a_held_request_is_answered_when_released)
{
	_cleanup_(t_http_close) struct t_http a = open_http();
	_cleanup_(t_http_close) struct t_http b = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	ck_assert(t_http_puts(&a, "GET /hold/one HTTP/1.1\r\n\r\n"));
	ck_assert(t_http_puts(&b, "GET /hold/two?503 HTTP/1.1\r\n\r\n"));
	t_origin_wait(origin, "held>=2");
	ck_assert_uint_eq(t_origin_release(origin, "two"), 1);

	t_http_read(&b, &response);
	ck_assert_int_eq(response.status, 503);
	ck_assert_uint_eq(t_origin_counts(origin).n_held, 1);
	get(&b, "/hold/two", &response);
	ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(a_crowd_is_answered_when_it_is_there)
{
	_cleanup_(t_http_close) struct t_http a = open_http();
	_cleanup_(t_http_close) struct t_http b = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;
	struct t_origin_counts counts;

	ck_assert(t_http_puts(&a, "GET /crowd/2?503 HTTP/1.1\r\n\r\n"));
	t_origin_wait(origin, "held>=1");
	ck_assert_int_eq(t_origin_counts(origin).failed_ns, 0);
	ck_assert(t_http_puts(&b, "GET /never HTTP/1.1\r\n\r\n"));

	t_http_read(&a, &response);
	ck_assert_int_eq(response.status, 503);
	counts = t_origin_counts(origin);
	ck_assert_int_gt(counts.failed_ns, 0);
	ck_assert_uint_eq(counts.max_held, 2);
}
END_TEST

START_TEST(open_counts_what_the_client_holds)
{
	struct t_http http[50];
	size_t i;

	for (i = 0; i < ARRAY_LEN(http); i++) {
		http[i] = open_http();
		ck_assert(t_http_puts(&http[i], i % 2 ? "GET /never HTTP/1.1\r\n\r\n" : "GET /"));
	}
	t_origin_wait(origin, "open>=50");
	t_origin_wait(origin, "held>=25");
	for (i = 0; i < ARRAY_LEN(http); i++) {
		t_http_close(&http[i]);
	}
	t_origin_wait(origin, "open<=0");

	ck_assert_uint_eq(t_origin_counts(origin).n_accepted, 50);
	ck_assert_uint_eq(t_origin_counts(origin).max_open, 50);
	ck_assert_int_gt(t_origin_counts(origin).last_close_ns, 0);
	t_origin_forget(origin);
	ck_assert_uint_eq(t_origin_counts(origin).max_open, 0);
}
END_TEST

START_TEST(idle_connections_are_dropped_as_asked)
{
	_cleanup_(t_http_close) struct t_http idle = open_http();
	_cleanup_(t_http_close) struct t_http busy = open_http();
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;
	char byte;

	get(&idle, "/ok", &response);
	ck_assert(t_http_puts(&busy, "GET /never HTTP/1.1\r\n\r\n"));
	t_origin_wait(origin, "held>=1");

	ck_assert_uint_eq(t_origin_drop(origin, _i), 1);
	ck_assert_int_eq(recv(idle.fd, &byte, 1, MSG_DONTWAIT), _i ? -1 : 0);
	ck_assert(_i == 0 || errno == ECONNRESET);
	ck_assert_int_eq(recv(busy.fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(endless_answers_stop_when_the_client_does)
{
	static const char *const targets[] = { "/endless-headers", "/endless-1xx", "/endless-body",
		"/endless-chunks", "/endless-trailers", "/gzip-bomb/100000000",
		"/bytes/100000000" };
	struct t_http http = open_http();
	char bytes[1000];

	ck_assert(t_http_printf(&http, "GET %s HTTP/1.1\r\n\r\n", targets[_i]));
	ck_assert_int_eq(recv(http.fd, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	t_http_close(&http);

	t_origin_wait(origin, "open<=0");
}
END_TEST

START_TEST(a_wait_can_be_split_around_other_work)
{
	_cleanup_(t_http_close) struct t_http http = { .fd = -1 };
	struct pollfd poll_fd = { .fd = t_origin_fd(origin), .events = POLLIN };

	t_origin_wait_start(origin, "open>=1");
	http = open_http();
	ck_assert_int_eq(poll(&poll_fd, 1, 20000), 1);

	t_origin_wait_finish(origin);
}
END_TEST

START_TEST(ports_misbehave_before_any_request)
{
	struct t_http resetting = t_http_tcp(t_origin_port(origin, T_PORT_RESETTING));
	struct t_http first = t_http_tcp(t_origin_port(origin, T_PORT_SPEAKS_FIRST));
	struct t_http silent = t_http_tcp(t_origin_port(origin, T_PORT_SILENT));
	char bytes[16];

	ck_assert(t_http_is_over(&resetting));
	ck_assert_int_eq(recv(first.fd, bytes, 4, MSG_WAITALL), 4);
	ck_assert_int_eq(memcmp(bytes, "220 ", 4), 0);
	ck_assert(t_http_puts(&silent, "GET /ok HTTP/1.1\r\n\r\n"));
	ck_assert_int_eq(recv(silent.fd, bytes, sizeof(bytes), MSG_DONTWAIT), -1);

	t_http_close(&resetting);
	t_http_close(&first);
	t_http_close(&silent);
	t_origin_wait(origin, "open<=0");
}
END_TEST

/* A non-blocking connect tells the ports apart: refused at once, or not answered at all. */
static int
connect_error(enum t_port port)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(t_origin_port(origin, port)),
	};
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 && errno != EINPROGRESS) {
		return errno;
	}
	if (poll(&poll_fd, 1, 0) == 0) {
		return EINPROGRESS;
	}
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	return error;
}

START_TEST(ports_refuse_or_are_deaf)
{
	ck_assert_int_eq(connect_error(T_PORT_REFUSING), ECONNREFUSED);
	ck_assert_int_eq(connect_error(T_PORT_DEAF), EINPROGRESS);
}
END_TEST

START_TEST(the_origin_holds_no_descriptor_of_the_test)
{
	_cleanup_(closep) int reader = -1;
	struct t_origin *second;
	char byte;
	int pair[2];

	ck_assert_int_eq(pipe(pair), 0);
	reader = pair[0];
	second = t_origin_create();
	(void)close(pair[1]);

	ck_assert_int_eq(
		read(reader, &byte, 1), 0); /* the end: nobody else holds the writing side */
	t_origin_destroy(second);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("origin");
	TCase *paths = tcase_create("paths");
	TCase *control = tcase_create("control");

	tcase_add_checked_fixture(paths, setup, teardown);
	tcase_add_loop_test(paths, answers_as_the_path_says, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(paths, fields_as_the_path_says, 0, ARRAY_LEN(fields));
	tcase_add_test(paths, echo_returns_the_request);
	tcase_add_test(paths, a_held_body_is_asked_for_with_100);
	tcase_add_test(paths, a_connection_serves_pipelined_requests_in_order);
	tcase_add_test(paths, the_second_request_finds_a_flaky_path_well);
	tcase_add_test(paths, close_on_reuse_closes_instead_of_the_second_answer);
	tcase_add_loop_test(paths, endless_answers_stop_when_the_client_does, 0, 7);
	suite_add_tcase(suite, paths);

	tcase_add_checked_fixture(control, setup, teardown);
	tcase_add_test(control, a_held_request_is_answered_when_released);
	tcase_add_test(control, a_crowd_is_answered_when_it_is_there);
	tcase_add_test(control, open_counts_what_the_client_holds);
	tcase_add_loop_test(control, idle_connections_are_dropped_as_asked, 0, 2);
	tcase_add_test(control, a_wait_can_be_split_around_other_work);
	tcase_add_test(control, ports_misbehave_before_any_request);
	tcase_add_test(control, ports_refuse_or_are_deaf);
	tcase_add_test(control, the_origin_holds_no_descriptor_of_the_test);
	suite_add_tcase(suite, control);
	return suite;
}
