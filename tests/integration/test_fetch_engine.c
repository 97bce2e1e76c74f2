/* SPDX-License-Identifier: MIT */
/*
 * The engine against origins that answer well, badly and not at all. The list of hostile things that a network
 * does, and where each is tested; the numbers are in this file's tables, too:
 *
 *	45  names: NXDOMAIN, SERVFAIL, silence, truncation, sixty addresses, loops, times  test_resolver, test_fetch_names
 *	46  a name changes its address between hops      test_fetch_names
 *	47  a name server answers with what is denied    test_fetch_names, test_fetch_policy
 *	48  refused, never accepted, reset               here: ports
 *	49  certificates, TLS 1.0, a handshake stalls    test_fetch_tls
 *	50  the server speaks first, garbage, HTTP/0.9   here: ports, answers
 *	51  statuses and versions that are none          here
 *	52  informational responses without end          here
 *	53  headers without end, of one line, of many    here
 *	54  bodies without end, and a byte at a time     here
 *	55  lengths that lie                             here
 *	56  chunks that lie, trailers without end        here
 *	57  a cut in every framing                       test_fetch_truncated; here
 *	58  packed bodies: bombs, and what is not packed here
 *	59  redirects: in circles, to what is denied, from https, without an end  here, test_fetch_names, test_fetch_tls
 *	60  Retry-After beyond measure, past, junk       test_fetch_politeness, test_fetch_requests
 *	61  HTTP/2 at its worst                          not: FETCH_HTTP_AUTO is 1.1 with this libcurl (test_fetch_tls)
 *	62  a connection is closed as it is used again   test_fetch_batch
 */
#include "tests/integration/fetch_kit.h"

#include <string.h>

static struct t_origin *origin;
static struct kit *kit;

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.max_redirects = 5;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

START_TEST(a_good_answer_is_ok_with_its_numbers)
{
	const struct kit_result *kept = kit_one(kit, t_origin_url(origin, "/bytes/5120"));
	const struct fetch_timing *timing = &kept->result.timing;

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_int_eq(kept->result.status, 200);
	ck_assert_uint_eq(kept->result.attempts, 1);
	ck_assert_uint_eq(kept->result.redirects, 0);
	ck_assert_uint_eq(kept->result.bytes, 5120);
	ck_assert_str_eq(kept->result.http_version, "1.1");
	ck_assert_str_eq(kept->final_url, kit->urls[0]);
	ck_assert_ptr_nonnull(strstr(kit->urls[0], kept->remote));
	ck_assert(!kept->result.is_reused);
	ck_assert_int_ge(timing->queue, 0);
	ck_assert_int_eq(timing->dns, FETCH_ABSENT);
	ck_assert_int_gt(timing->connect, 0);
	ck_assert_int_eq(timing->tls, FETCH_ABSENT);
	ck_assert_int_gt(timing->first_byte, 0);
	ck_assert_int_gt(timing->total, timing->first_byte);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

/* number: of the list above; 0: none of it */
static const struct {
	int number;
	const char *path;
	enum fetch_error error;
	int status;
} answers[] = {
	{ 0, "/ok", FETCH_ERROR_NONE, 200 },
	{ 0, "/status/204", FETCH_ERROR_NONE, 204 },
	{ 0, "/status/304", FETCH_ERROR_NONE, 304 },
	{ 0, "/chunked", FETCH_ERROR_NONE, 200 },
	{ 0, "/close-delimited", FETCH_ERROR_NONE, 200 },
	{ 0, "/close-after", FETCH_ERROR_NONE, 200 },
	{ 0, "/folded-header", FETCH_ERROR_NONE, 200 },
	{ 0, "/drip/20/1", FETCH_ERROR_NONE, 200 },
	{ 0, "/slow/30", FETCH_ERROR_NONE, 200 },
	{ 0, "/status/404", FETCH_ERROR_STATUS, 404 },
	{ 0, "/status/503", FETCH_ERROR_STATUS, 503 },
	{ 48, "/reset", FETCH_ERROR_RESET, 0 },
	{ 48, "/close-before-response", FETCH_ERROR_RESET, 0 },
	{ 57, "/close-mid-status", FETCH_ERROR_RESET, 0 },
	{ 57, "/close-mid-headers", FETCH_ERROR_TRUNCATED, -1 },
	{ 57, "/reset-mid-body", FETCH_ERROR_TRUNCATED, 200 },
	{ 57, "/truncated-length", FETCH_ERROR_TRUNCATED, 200 },
	{ 57, "/truncated-chunk", FETCH_ERROR_TRUNCATED, 200 },
	{ 57, "/truncated-chunked", FETCH_ERROR_TRUNCATED, 200 },
	{ 55, "/length-and-chunked", FETCH_ERROR_NONE, 200 },
	{ 57, "/truncated-close-delimited", FETCH_ERROR_TRUNCATED, 200 },
	{ 55, "/short-length", FETCH_ERROR_NONE, 200 },
	{ 54, "/bytes/200000", FETCH_ERROR_BODY_TOO_LARGE, 200 },
	{ 56, "/bad-chunk", FETCH_ERROR_PROTOCOL, 200 },
	{ 56, "/negative-chunk", FETCH_ERROR_PROTOCOL, 200 },
	{ 50, "/garbage", FETCH_ERROR_PROTOCOL, -1 },
	{ 50, "/http09", FETCH_ERROR_PROTOCOL, -1 },
	{ 51, "/bad-version", FETCH_ERROR_PROTOCOL, -1 },
	{ 50, "/nul-header", FETCH_ERROR_PROTOCOL, -1 },
	{ 55, "/junk-length", FETCH_ERROR_PROTOCOL, -1 },
	{ 55, "/negative-length", FETCH_ERROR_PROTOCOL, -1 },
	{ 55, "/two-lengths", FETCH_ERROR_PROTOCOL, -1 },
	{ 55, "/huge-length", FETCH_ERROR_BODY_TOO_LARGE, -1 },
	{ 56, "/huge-chunk", FETCH_ERROR_PROTOCOL, -1 },
	{ 51, "/status/0", FETCH_ERROR_PROTOCOL, -1 },
	{ 51, "/status/99", FETCH_ERROR_PROTOCOL, -1 },
	{ 51, "/status/1000", FETCH_ERROR_PROTOCOL, -1 },
	{ 53, "/header-bomb/1000", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 53, "/long-header/90000", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 53, "/long-header/200000", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 53, "/long-status/200000", FETCH_ERROR_HEADER_TOO_LARGE, 0 },
	{ 56, "/long-trailer/200000", FETCH_ERROR_HEADER_TOO_LARGE, 200 },
	{ 59, "/long-location/200000", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 59, "/long-location/1000000", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 59, "/long-location/60000", FETCH_ERROR_STATUS, 404 },
	{ 53, "/endless-headers", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 52, "/status/101", FETCH_ERROR_PROTOCOL, -1 },
	{ 52, "/endless-1xx", FETCH_ERROR_HEADER_TOO_LARGE, -1 },
	{ 54, "/endless-body", FETCH_ERROR_BODY_TOO_LARGE, 200 },
	{ 54, "/endless-chunks", FETCH_ERROR_BODY_TOO_LARGE, 200 },
	{ 56, "/endless-trailers", FETCH_ERROR_HEADER_TOO_LARGE, 200 },
	{ 59, "/loop", FETCH_ERROR_REDIRECT_LIMIT, 302 },
	{ 59, "/redirect/5", FETCH_ERROR_NONE, 200 },
	{ 59, "/redirect/6", FETCH_ERROR_REDIRECT_LIMIT, 302 },
	{ 59, "/no-location", FETCH_ERROR_NONE, 302 },
	{ 59, "/redirect-to/302?file:///etc/passwd", FETCH_ERROR_REDIRECT_DENIED, 302 },
	{ 59, "/redirect-to/302?http://169.254.169.254/latest", FETCH_ERROR_DENIED, 0 },
	{ 59, "/redirect-to/302?http://user:pw@[::bad/", FETCH_ERROR_REDIRECT_DENIED, 302 },
	{ 59, "/redirect-to/302?/ok", FETCH_ERROR_NONE, 200 },
	{ 59, "/redirect-to/302?../ok", FETCH_ERROR_NONE, 200 },
	{ 59, "/redirect-to/302?", FETCH_ERROR_REDIRECT_DENIED, 302 },
	{ 59, "/two-locations", FETCH_ERROR_NONE, 200 },
	{ 58, "/gzip-bomb/10000000", FETCH_ERROR_NONE, 200 }, /* it stays packed */
	{ 58, "/wrong-encoding", FETCH_ERROR_NONE, 200 },
};

START_TEST(each_answer_has_its_code)
{
	const struct kit_result *kept;

	kit->options.max_body = 100000;
	kept = kit_one(kit, t_origin_url(origin, "%s", answers[_i].path));

	ck_assert_msg(kept->result.error == answers[_i].error, "%d, %s: %s, \"%s\"",
		answers[_i].number, answers[_i].path, fetch_error_name(kept->result.error),
		kept->detail);
	ck_assert_int_eq(kept->result.outcome,
		answers[_i].error == FETCH_ERROR_NONE ? FETCH_OK : FETCH_FAILED);
	ck_assert_msg(answers[_i].status == -1 || kept->result.status == answers[_i].status,
		"%s: status %d", answers[_i].path, kept->result.status);
	ck_assert_msg(kept->result.outcome == FETCH_OK || kept->detail[0] != '\0', "no detail");
	ck_assert_int_ge(kept->result.timing.total, 0);
}
END_TEST

START_TEST(a_body_that_only_drips_is_a_timeout) /* 54 */
{
	const struct kit_result *kept;

	kit->options.timeout = NUR_MSEC(200);
	kept = kit_one(kit, t_origin_url(origin, "/drip/1000/20"));

	ck_assert_int_eq(kept->result.outcome, FETCH_TIMEOUT);
	ck_assert_uint_gt(kept->result.bytes, 0);
	ck_assert_uint_lt(kept->result.bytes, 1000);
}
END_TEST

static const struct {
	enum t_port port;
	enum fetch_error error;
} ports[] = {
	{ T_PORT_REFUSING, FETCH_ERROR_CONNECTION_REFUSED },
	{ T_PORT_RESETTING, FETCH_ERROR_RESET },
	{ T_PORT_DEAF, FETCH_ERROR_CONNECT_TIMEOUT },
	{ T_PORT_SPEAKS_FIRST, FETCH_ERROR_PROTOCOL },
};

START_TEST(each_port_has_its_code)
{
	const struct kit_result *kept;

	kit->options.connect_timeout = NUR_MSEC(100);
	kept = kit_one(kit, t_origin_url_at(origin, ports[_i].port, "/"));

	ck_assert_msg(kept->result.error == ports[_i].error, "%s, \"%s\"",
		fetch_error_name(kept->result.error), kept->detail);
	ck_assert_int_eq(kept->result.outcome, FETCH_FAILED);
	ck_assert_uint_eq(kept->result.attempts, 1);
	ck_assert_int_eq(kept->result.timing.connect, FETCH_ABSENT);
}
END_TEST

static const struct {
	const char *url;
	enum fetch_error error;
} bad_urls[] = {
	{ "not a url", FETCH_ERROR_BAD_URL },
	{ "ftp://127.0.0.1/", FETCH_ERROR_BAD_URL },
	{ "http://169.254.169.254/latest", FETCH_ERROR_DENIED },
	{ "http://[::ffff:169.254.169.254]/", FETCH_ERROR_DENIED },
	{ "http://0/", FETCH_ERROR_DENIED },
	{ "http://255.255.255.255/", FETCH_ERROR_DENIED },
	{ "http://224.0.0.1/", FETCH_ERROR_DENIED },
};

START_TEST(what_may_not_be_fetched_is_not)
{
	const struct kit_result *kept = kit_one(kit, strdup(bad_urls[_i].url));

	ck_assert_msg(kept->result.error == bad_urls[_i].error, "%s, \"%s\"",
		fetch_error_name(kept->result.error), kept->detail);
	ck_assert_str_ne(kept->detail, "");
	ck_assert_uint_eq(kit->statistics.total_connections, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_engine");
	TCase *good = tcase_create("good");

	tcase_add_checked_fixture(good, setup, teardown);
	tcase_add_test(good, a_good_answer_is_ok_with_its_numbers);
	tcase_add_loop_test(good, each_answer_has_its_code, 0, ARRAY_LEN(answers));
	tcase_add_test(good, a_body_that_only_drips_is_a_timeout);
	tcase_add_loop_test(good, each_port_has_its_code, 0, ARRAY_LEN(ports));
	tcase_add_loop_test(good, what_may_not_be_fetched_is_not, 0, ARRAY_LEN(bad_urls));
	suite_add_tcase(suite, good);
	return suite;
}
