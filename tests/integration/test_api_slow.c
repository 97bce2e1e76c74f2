/* SPDX-License-Identifier: MIT */
/*
 * Callers who take their time, on a clock of the test's own: each has as long as docs/connections.md says, however
 * many bytes drip in meanwhile, and costs nobody else anything.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#define SECOND INT64_C(1000000000)

#define PART \
	"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: " \
	"1000\r\n\r\n"

/* A second in which everybody else is served. */
static void
pass_a_second(void)
{
	api_pass(SECOND);
	api_ask_health();
}

static bool
is_answered(const struct t_http *http)
{
	struct pollfd answer = { .fd = http->fd, .events = POLLIN };

	return poll(&answer, 1, 0) > 0;
}

/* What @http has sent is with the daemon: its next turn of the loop has read it. */
static void
let_arrive(void)
{
	api_ask_health();
	api_ask_health();
}

static const struct {
	const char *first;
	const char *drip;
	int seconds;
} drips[] = {
	{ "GET /v1/tr", "", 5 },
	{ "G", "E", 5 },
	{ "GET / HTTP/1.1\r\nA: b", "b", 5 },
	{ PART, "", 30 },
	{ PART, "#", 30 },
};

START_TEST(a_request_has_its_time_however_it_drips)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	(void)t_http_puts(&http, drips[_i].first);
	let_arrive();
	for (int i = 1; i < drips[_i].seconds; i++) {
		(void)t_http_puts(&http, drips[_i].drip);
		pass_a_second();
		ck_assert(!is_answered(&http));
	}
	pass_a_second();

	api_read(&http, &answer);
	api_check_problem(&answer, 408, "timeout");
	ck_assert(t_http_is_over(&http));
}
END_TEST

START_TEST(who_asks_nothing_is_hung_up_on_after_a_minute)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();

	let_arrive();
	for (int i = 1; i < 60; i++) {
		pass_a_second();
		ck_assert(!is_answered(&http));
	}
	pass_a_second();

	ck_assert(t_http_is_over(&http));
}
END_TEST

#define MANY 100

/* The first answers of a batch, far more than a socket takes in. */
static void
ask_for_much(struct t_http *http, const char *fields)
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	buffer_puts(&body, "{'capture':'text','per_origin':16,'urls':[");
	for (int i = 0; i < MANY; i++) {
		buffer_printf(&body, "%s'$O/bytes/65536/%d'", i > 0 ? "," : "", i);
	}
	buffer_puts(&body, "]}");
	api_send(http, "POST /v1/batches", fields, body.data);
}

/* libcurl's own short waits pass, too. */
static void
wait_done(void)
{
	bool is_done = false;

	for (unsigned i = 1; !is_done; i++) {
		_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

		api_call("GET /v1/batches", NULL, NULL, &answer);
		is_done = api_at(&answer, "/batches/0/outcome") != NULL;
		if (i % 50 == 0) {
			api_pass(SECOND / 1000);
		}
	}
}

static const char *const ways[] = { NULL, API_NDJSON };

START_TEST(who_takes_no_answer_has_half_a_minute_for_each_piece)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();
	char bytes[4096];
	size_t n_bytes = 0;
	ssize_t n;

	ask_for_much(&http, ways[_i]);
	wait_done();
	for (int i = 0; i <= 31; i++) {
		pass_a_second();
	}

	/* What the socket had taken in is there; then it ends. */
	while ((n = recv(http.fd, bytes, sizeof(bytes), 0)) > 0) {
		n_bytes += (size_t)n;
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_gt(n_bytes, 0);
	ck_assert_uint_lt(n_bytes, MANY * 65536);
}
END_TEST

static void
start(void)
{
	api_start_frozen("defaults: {deadline: 10m, timeout: 10m}\n");
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api slow");
	TCase *tc = api_case(suite, "slow", start, api_stop);

	tcase_add_loop_test(tc, a_request_has_its_time_however_it_drips, 0, ARRAY_LEN(drips));
	tcase_add_test(tc, who_asks_nothing_is_hung_up_on_after_a_minute);
	tcase_add_loop_test(
		tc, who_takes_no_answer_has_half_a_minute_for_each_piece, 0, ARRAY_LEN(ways));
	return suite;
}
