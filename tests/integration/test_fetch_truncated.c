/* SPDX-License-Identifier: MIT */
/*
 * A response that was cut is never ok, whatever tells where it should have ended, in the clear and over TLS,
 * where the end of the connection says whether it was cut. What arrived is counted. HTTP/2 is in
 * test_fetch_http2.c.
 */
#include "tests/integration/fetch_kit.h"

#include "tests/support/tls_front.h"

enum way {
	PLAIN,
	TLS_NOTIFIED,
	TLS_CUT,
	N_WAYS,
};

static struct t_origin *origin;
static struct t_tls_front *fronts[N_WAYS];
static struct t_tls_front *renegotiating;
static struct kit *kit;

static void
setup(void)
{
	origin = t_origin_create();
	fronts[TLS_NOTIFIED] =
		t_tls_front_create(t_origin_port(origin, T_PORT_HTTP), T_TLS_NOTIFIED);
	fronts[TLS_CUT] = t_tls_front_create(t_origin_port(origin, T_PORT_HTTP), T_TLS_CUT);
	kit = kit_create();
	kit->options.tls.is_unverified = true;
}

static void
teardown(void)
{
	t_tls_front_destroy(fronts[TLS_NOTIFIED]);
	t_tls_front_destroy(fronts[TLS_CUT]);
	t_tls_front_destroy(renegotiating);
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static char *
url_of(enum way way, const char *path)
{
	return way == PLAIN ? t_origin_url(origin, "%s", path)
			    : kit_https_url(t_tls_front_port(fronts[way]), path);
}

#define OK        FETCH_ERROR_NONE
#define RESET     FETCH_ERROR_RESET
#define TRUNCATED FETCH_ERROR_TRUNCATED

/* errors: by way. bytes: of the body that arrive */
static const struct {
	const char *path;
	enum fetch_error errors[N_WAYS];
	uint64_t bytes;
} responses[] = {
	/* whole; what ends with the connection is only when that says so */
	{ "/close-after", { OK, OK, OK }, 3 },
	{ "/chunked", { OK, OK, OK }, 5 },
	{ "/close-delimited", { OK, OK, TRUNCATED }, 14 },
	/* cut in the body */
	{ "/truncated-length", { TRUNCATED, TRUNCATED, TRUNCATED }, 10 },
	{ "/truncated-chunk", { TRUNCATED, TRUNCATED, TRUNCATED }, 4 },
	{ "/truncated-chunked", { TRUNCATED, TRUNCATED, TRUNCATED }, 4 },
	/* cut before it */
	{ "/close-before-response", { RESET, RESET, RESET }, 0 },
	{ "/close-mid-status", { RESET, RESET, RESET }, 0 },
	{ "/close-mid-headers", { TRUNCATED, TRUNCATED, TRUNCATED }, 0 },
};

START_TEST(what_was_cut_is_never_ok)
{
	enum way way = _i % N_WAYS;
	const char *path = responses[_i / N_WAYS].path;
	enum fetch_error error = responses[_i / N_WAYS].errors[way];
	const struct kit_result *kept = kit_one(kit, url_of(way, path));

	ck_assert_msg(kept->result.error == error, "%s, way %d: %s, \"%s\"", path, (int)way,
		fetch_error_name(kept->result.error), kept->detail);
	ck_assert_int_eq(kept->result.outcome, error == OK ? FETCH_OK : FETCH_FAILED);
	ck_assert_uint_eq(kept->result.bytes, responses[_i / N_WAYS].bytes);
	ck_assert_int_eq(kept->detail[0] == '\0', error == OK);
}
END_TEST

START_TEST(nothing_of_a_cut_body_is_captured)
{
	const struct kit_result *kept;

	kit->options.capture = FETCH_CAPTURE_BODY;
	kept = kit_one(kit, url_of(PLAIN, "/truncated-length"));

	ck_assert_ptr_null(kept->body);
	ck_assert_uint_eq(kept->result.bytes, 10);
}
END_TEST

/* How the body was cut makes no difference. */
START_TEST(a_reset_in_the_body_cuts_it)
{
	static const char *const paths[] = { "/reset-mid-body", "/truncated-close-delimited" };
	const struct kit_result *kept = kit_one(kit, url_of(PLAIN, paths[_i]));

	ck_assert_int_eq(kept->result.error, TRUNCATED);
	ck_assert_uint_le(kept->result.bytes, 10);
}
END_TEST

START_TEST(what_stalls_says_how_far_it_came)
{
	const struct kit_result *kept;

	kit->options.timeout = NUR_SEC(2);
	kept = kit_one(kit, url_of(PLAIN, "/stall-mid-body"));

	ck_assert_int_eq(kept->result.outcome, FETCH_TIMEOUT);
	ck_assert_int_eq(kept->result.status, 200);
	ck_assert_uint_eq(kept->result.bytes, 2);
}
END_TEST

static const struct kit_result *
fetch_renegotiating(enum t_tls_manner manner, const char *path)
{
	renegotiating = t_tls_front_create(t_origin_port(origin, T_PORT_HTTP), manner);
	return kit_one(kit, kit_https_url(t_tls_front_port(renegotiating), path));
}

static const struct {
	const char *path;
	enum fetch_error error;
	uint64_t bytes;
} renegotiated[] = {
	{ "/ok", OK, 3 },
	{ "/drip/5/1", OK, 5 },
	{ "/close-delimited", OK, 14 },
	{ "/truncated-length", TRUNCATED, 10 },
};

START_TEST(another_handshake_changes_nothing)
{
	const struct kit_result *kept =
		fetch_renegotiating(T_TLS_RENEGOTIATING, renegotiated[_i].path);

	ck_assert_msg(kept->result.error == renegotiated[_i].error, "%s: %s, \"%s\"",
		renegotiated[_i].path, fetch_error_name(kept->result.error), kept->detail);
	ck_assert_uint_eq(kept->result.bytes, renegotiated[_i].bytes);
}
END_TEST

START_TEST(handshakes_without_end_are_no_answer)
{
	const enum t_tls_manner manners[] = { T_TLS_RENEGOTIATING_ON, T_TLS_RENEGOTIATING_MUTE };

	kit->options.timeout = NUR_SEC(2);

	ck_assert_int_eq(fetch_renegotiating(manners[_i], "/ok")->result.outcome, FETCH_TIMEOUT);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_truncated");
	TCase *tc = tcase_create("truncated");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, what_was_cut_is_never_ok, 0, (int)ARRAY_LEN(responses) * (int)N_WAYS);
	tcase_add_test(tc, nothing_of_a_cut_body_is_captured);
	tcase_add_loop_test(tc, a_reset_in_the_body_cuts_it, 0, 2);
	tcase_add_test(tc, what_stalls_says_how_far_it_came);
	tcase_add_loop_test(tc, another_handshake_changes_nothing, 0, (int)ARRAY_LEN(renegotiated));
	tcase_add_loop_test(tc, handshakes_without_end_are_no_answer, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
