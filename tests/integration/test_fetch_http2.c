/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 servers that misbehave, for who asks for HTTP/2 (auto is 1.1 with a libcurl that takes cut bodies for
 * whole): a body that was cut is never ok, a flood ends with the URL's timeout at the latest and costs no memory,
 * and meanwhile others are fetched.
 */
#include "tests/integration/fetch_kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support/http2_origin.h"
#include "tests/support/sanitized.h"

static struct t_origin *good;
static struct t_http2_origin *bad;
static struct kit *kit;

static void
setup(void)
{
	good = t_origin_create();
	kit = kit_create();
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.timeout = NUR_SEC(90);
	kit->options.http_version = FETCH_HTTP_2;
	kit->options.tls.is_unverified = true;
	kit->options.capture = FETCH_CAPTURE_BODY;
}

static void
teardown(void)
{
	t_http2_origin_destroy(bad);
	t_origin_destroy(good);
	kit_destroy(kit);
}

/* Frames. */

#define BYTES(text)   .payload = (text), .len = sizeof(text) - 1
#define OF(stream_id) .stream = (stream_id)

/* ":status: 200" is number 8 of the static table, content-length 28 */
#define STATUS_200 "\x88"
#define STATUS_LEN (sizeof(STATUS_200) - 1)
#define LENGTH_8 \
	"\x0f\x0d\x01" \
	"8"
#define NO_ERROR       "\0\0\0\0"
#define INTERNAL_ERROR "\0\0\0\x02"
#define REFUSED_STREAM "\0\0\0\x07"

#define HEAD(id) \
	{ \
		T_HTTP2_HEADERS, T_HTTP2_END_HEADERS, OF(id), BYTES(STATUS_200) \
	}
#define HEAD_OF_8(id) \
	{ \
		T_HTTP2_HEADERS, T_HTTP2_END_HEADERS, OF(id), BYTES(STATUS_200 LENGTH_8) \
	}
#define HALF(id) \
	{ \
		T_HTTP2_DATA, 0, OF(id), BYTES("half") \
	}
#define LAST_HALF(id) \
	{ \
		T_HTTP2_DATA, T_HTTP2_END_STREAM, OF(id), BYTES("half") \
	}
#define RESET(id, code) \
	{ \
		T_HTTP2_RST_STREAM, 0, OF(id), BYTES(code) \
	}
#define GOAWAY(id, code) \
	{ \
		T_HTTP2_GOAWAY, 0, OF(0), BYTES("\0\0\0" id code) \
	}

#define FRAMES(array) .frames = (array), .n_frames = ARRAY_LEN(array)

static const struct kit_result *
meet(const struct t_http2_script *script)
{
	bad = t_http2_origin_create(script);
	return kit_one(kit, t_http2_origin_url(bad));
}

START_TEST(what_is_whole_is_ok)
{
	static const struct t_http2_frame frames[] = { HEAD_OF_8(1), HALF(1), LAST_HALF(1) };
	const struct kit_result *kept =
		meet(&(struct t_http2_script){ .n_requests = 1, FRAMES(frames), .stays = true });

	ck_assert_str_eq(kept->detail, "");
	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_str_eq(kept->result.http_version, "2");
	ck_assert_str_eq(kept->body, "halfhalf");
}
END_TEST

/* What is cut. */

#define MAY_BE(error) (1U << (error))
#define CUT           MAY_BE(FETCH_ERROR_TRUNCATED)
#define NOT_KNOWN     MAY_BE(FETCH_ERROR_PROTOCOL)
#define WAS_RESET     MAY_BE(FETCH_ERROR_RESET)

/*
 * errors: of a body of 8 bytes, and of one whose length was not announced; 0: nothing is wrong with it. What comes
 * with the end in one piece libcurl may not have looked at: then it does not know that there was a body.
 */
static const struct {
	const char *name;
	struct t_http2_frame frame;
	bool stays;
	unsigned errors[2];
} cuts[] = {
	{ "reset without an error", RESET(1, NO_ERROR), true,
		{ CUT | WAS_RESET, CUT | NOT_KNOWN | WAS_RESET } },
	{ "reset", RESET(1, INTERNAL_ERROR), true, { CUT | WAS_RESET, CUT | WAS_RESET } },
	{ "refused", RESET(1, REFUSED_STREAM), true,
		{ CUT | NOT_KNOWN | WAS_RESET, NOT_KNOWN | WAS_RESET } },
	{ "GOAWAY", GOAWAY("\1", NO_ERROR), false, { CUT, CUT } },
	{ "GOAWAY with an error", GOAWAY("\1", INTERNAL_ERROR), false, { CUT, CUT } },
	{ "GOAWAY that denies it", GOAWAY("\0", NO_ERROR), false,
		{ CUT | NOT_KNOWN | WAS_RESET, CUT | NOT_KNOWN | WAS_RESET } },
	{ "closed", { T_HTTP2_PING, .len = 8 }, false, { CUT, CUT | NOT_KNOWN } },
	{ "ended", { T_HTTP2_DATA, T_HTTP2_END_STREAM, OF(1) }, true, { CUT | WAS_RESET, 0 } },
};

START_TEST(what_was_cut_is_never_ok)
{
	bool is_unannounced = _i & 1;
	bool is_seen_before = _i & 2;
	int cut = _i / 4;
	const struct t_http2_frame frames[] = {
		is_unannounced ? (struct t_http2_frame)HEAD(1) : (struct t_http2_frame)HEAD_OF_8(1),
		HALF(1),
		{ T_HTTP2_PING, .len = 8, .waits = is_seen_before },
		cuts[cut].frame,
	};
	const struct t_http2_script script = {
		.n_requests = 1, FRAMES(frames), .stays = cuts[cut].stays
	};
	const struct kit_result *kept;

	if (cuts[cut].errors[is_unannounced] == 0) {
		return;
	}
	kept = meet(&script);

	ck_assert_int_eq(kept->result.outcome, FETCH_FAILED);
	ck_assert_msg(cuts[cut].errors[is_unannounced] & MAY_BE(kept->result.error),
		"%s: %s, \"%s\"", cuts[cut].name, fetch_error_name(kept->result.error),
		kept->detail);
	ck_assert(!is_seen_before || kept->result.error != FETCH_ERROR_RESET);
	ck_assert_uint_le(kept->result.bytes, 4);
	ck_assert_ptr_null(kept->body);
}
END_TEST

/* Four at once on one connection, whose second is whole. */
START_TEST(a_cut_of_many_leaves_what_is_whole)
{
	static const struct t_http2_frame frames[] = {
		HEAD_OF_8(1),
		HEAD_OF_8(3),
		HEAD_OF_8(5),
		HEAD_OF_8(7),
		HALF(7),
		HALF(5),
		HALF(3),
		HALF(1),
		LAST_HALF(3),
		{ T_HTTP2_PING, .len = 8, .waits = true },
		RESET(5, INTERNAL_ERROR),
		GOAWAY("\7", INTERNAL_ERROR),
	};

	bad = t_http2_origin_create(&(struct t_http2_script){ .n_requests = 4, FRAMES(frames) });
	for (int i = 0; i < 4; i++) {
		kit_add(kit, t_http2_origin_url(bad));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->statistics.total_connections, 1);
	ck_assert_uint_eq(kit->summary.n_ok, 1);
	ck_assert_uint_eq(kit->summary.n_failed, 3);
	for (int i = 0; i < 4; i++) {
		const struct kit_result *kept = &kit->results[i];

		ck_assert_int_eq(kept->result.outcome == FETCH_OK, kept->result.bytes == 8);
	}
}
END_TEST

/* What is against the rules. */

#define OF_HEAD T_HTTP2_HEADERS, T_HTTP2_END_HEADERS, OF(1)

static const struct {
	const char *name;
	struct t_http2_frame frame;
} offences[] = {
	{ "text", { 'P', '/', 0x312e3120, BYTES("200 OK\r\n\r\n"), .claimed = 0x485454 } },
	{ "cut", { T_HTTP2_DATA, 0, OF(1), BYTES("half"), .claimed = 4000 } },
	{ "too long", { T_HTTP2_DATA, 0, OF(1), .len = 100000 } },
	{ "too long by far", { T_HTTP2_DATA, 0, OF(1), BYTES("half"), .claimed = 0xffffff } },
	{ "data of the connection", { T_HTTP2_DATA, 0, OF(0), BYTES("half") } },
	{ "data before the head", HALF(1) },
	{ "data that nobody asked for", HALF(3) },
	{ "padding without end", { T_HTTP2_DATA, T_HTTP2_PADDED, OF(1), BYTES("\xffxx") } },
	{ "a head that nobody asked for", HEAD(3) },
	{ "a head without a status", { OF_HEAD, BYTES(LENGTH_8) } },
	{ "a head of nothing", { OF_HEAD } },
	{ "a field of no table", { OF_HEAD, BYTES("\xff\x7f") } },
	{ "a number without end", { OF_HEAD, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") } },
	{ "a table too large", { OF_HEAD, BYTES("\x3f\xff\xff\x7f\x88") } },
	{ "more of no head",
		{ T_HTTP2_CONTINUATION, T_HTTP2_END_HEADERS, OF(1), BYTES(STATUS_200) } },
	{ "a promise",
		{ T_HTTP2_PUSH_PROMISE, T_HTTP2_END_HEADERS, OF(1), BYTES("\0\0\0\2\x82") } },
	{ "half a setting", { T_HTTP2_SETTINGS, BYTES("\0\4\0") } },
	{ "a window too large", { T_HTTP2_SETTINGS, BYTES("\0\4\xff\xff\xff\xff") } },
	{ "frames too small", { T_HTTP2_SETTINGS, BYTES("\0\5\0\0\0\1") } },
	{ "a window that grows by nothing", { T_HTTP2_WINDOW_UPDATE, .len = 4 } },
	{ "a window that grows too much", { T_HTTP2_WINDOW_UPDATE, BYTES("\x7f\xff\xff\xff") } },
	{ "a stream's that does", { T_HTTP2_WINDOW_UPDATE, 0, OF(1), BYTES("\x7f\xff\xff\xff") } },
	{ "a short ping", { T_HTTP2_PING, .len = 3 } },
	{ "a reset of nothing", RESET(9, NO_ERROR) },
};

START_TEST(who_breaks_the_rules_gets_no_ok)
{
	const struct kit_result *kept = meet(&(struct t_http2_script){
		.n_requests = 1, .frames = &offences[_i].frame, .n_frames = 1 });

	ck_assert_msg(kept->result.outcome == FETCH_FAILED, "%s", offences[_i].name);
	ck_assert_msg(kept->result.error != FETCH_ERROR_INTERNAL &&
			      kept->result.error != FETCH_ERROR_RESOURCES,
		"%s: %s, \"%s\"", offences[_i].name, fetch_error_name(kept->result.error),
		kept->detail);
	ck_assert_ptr_null(kept->body);
}
END_TEST

/* What does not end. */

#define MAX_GROWTH_KIB (64 * 1024)

#define ONE(...)   &(const struct t_http2_frame)__VA_ARGS__
#define FLOOD(...) .script = { .n_requests = 1, .flood = ONE(__VA_ARGS__), .n_flood = 1 }
#define FLOOD_AFTER(first, ...) \
	.script = { .n_requests = 1, \
		.frames = ONE(first), \
		.n_frames = 1, \
		.flood = ONE(__VA_ARGS__), \
		.n_flood = 1 }
#define DEAF(...) \
	.script = { .n_requests = 1, .flood = ONE(__VA_ARGS__), .n_flood = 1, .is_deaf = true }
#define BEGUN_HEAD \
	{ \
		T_HTTP2_HEADERS, 0, OF(1), BYTES(STATUS_200) \
	}

/* A field of 4000 bytes for the table, and then its number, 12,000 times in each frame. */
#define BOMB_FIELD 4000
static char bomb[STATUS_LEN + 6 + BOMB_FIELD + 12000];

static const struct t_http2_frame bombs[] = {
	{ T_HTTP2_HEADERS, 0, OF(1), bomb, sizeof(bomb) },
	{ T_HTTP2_CONTINUATION, T_HTTP2_END_HEADERS, OF(1), bomb + sizeof(bomb) - 12000, 12000 },
	{ T_HTTP2_DATA, T_HTTP2_END_STREAM, OF(1) },
};

static void
make_bomb(void)
{
	static const char field[] = "\x40\x01x\x7f\xa1\x1e"; /* literal, name "x", 4000 bytes */

	memset(bomb, '\xbe', sizeof(bomb)); /* number 62: the newest */
	memcpy(bomb, STATUS_200, STATUS_LEN);
	memcpy(bomb + STATUS_LEN, field, sizeof(field) - 1);
	memset(bomb + STATUS_LEN + sizeof(field) - 1, 'x', BOMB_FIELD);
}

static const struct t_http2_frame farewell[] = { { T_HTTP2_SETTINGS }, GOAWAY("\0", NO_ERROR) };

static const struct {
	const char *name;
	struct t_http2_script script;
} floods[] = {
	{ "SETTINGS", FLOOD({ T_HTTP2_SETTINGS }) },
	{ "SETTINGS, nothing read", DEAF({ T_HTTP2_SETTINGS }) },
	{ "PING", FLOOD({ T_HTTP2_PING, .len = 8 }) },
	{ "PING, nothing read", DEAF({ T_HTTP2_PING, .len = 8 }) },
	{ "PRIORITY", FLOOD({ T_HTTP2_PRIORITY, 0, OF(1), .len = 5 }) },
	{ "WINDOW_UPDATE", FLOOD({ T_HTTP2_WINDOW_UPDATE, 0, OF(1), BYTES("\0\0\0\1") }) },
	{ "frames nobody knows", FLOOD({ 0xfa, 0xff, OF(1), .len = 1000 }) },
	{ "GOAWAY", FLOOD(GOAWAY("\1", NO_ERROR)) },
	{ "RST_STREAM", FLOOD_AFTER(RESET(1, NO_ERROR), RESET(1, NO_ERROR)) },
	{ "empty DATA", FLOOD_AFTER(HEAD(1), { T_HTTP2_DATA, 0, OF(1) }) },
	{ "padding", FLOOD_AFTER(HEAD(1),
			     { T_HTTP2_DATA, T_HTTP2_PADDED, OF(1), BYTES("\4\0\0\0\0") }) },
	{ "body", FLOOD_AFTER(HEAD(1), { T_HTTP2_DATA, 0, OF(1), .len = 16384 }) },
	{ "heads of 103", FLOOD({ OF_HEAD, BYTES("\x08\x03"
						 "103") }) },
	{ "CONTINUATION",
		FLOOD_AFTER(BEGUN_HEAD, { T_HTTP2_CONTINUATION, 0, OF(1), BYTES("\0\1a\1b") }) },
	{ "empty CONTINUATION", FLOOD_AFTER(BEGUN_HEAD, { T_HTTP2_CONTINUATION, 0, OF(1) }) },
	{ "a head that unpacks", .script = { .n_requests = 1, FRAMES(bombs), .stays = true } },
	/* nothing at all */
	{ "no streams", .script = { .n_requests = 1,
				.stays = true,
				.n_greeting = 1,
				.greeting = ONE({ T_HTTP2_SETTINGS, BYTES("\0\3\0\0\0\0") }) } },
	{ "no answer", .script = { .n_requests = 1, .stays = true } },
	{ "no SETTINGS", .script = { .n_requests = 1, .stays = true, .greeting = farewell } },
	{ "GOAWAY at once", .script = { .greeting = farewell, .n_greeting = ARRAY_LEN(farewell) } },
};

static struct nur_cancel_scope waiting;

/* Once the flood has begun, or is over. */
static int
fetch_others(void *arg)
{
	const struct fetch_options options = { .timeout = NUR_SEC(90) };
	_cleanup_(freep) char *url = t_origin_url(good, "/ok");
	struct fetch_url_request requests[8];
	struct fetch_batch batch = {
		.requests = requests, .n_requests = ARRAY_LEN(requests), .accepted_at = nur_now()
	};
	struct fetch_batch_summary summary;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		requests[i] = (struct fetch_url_request){ url, &options };
	}
	ck_assert_int_eq(NUR_WITHIN(&waiting, nur_wait_readable(t_http2_origin_fd(bad))), 0);
	ck_assert_int_eq(fetch_batch_run(kit->engine, &batch, NULL, &summary), 0);
	ck_assert_uint_eq(summary.n_ok, ARRAY_LEN(requests));
	return 0;
}

static int
fetch_beside(struct nur_nursery *nursery, void *arg)
{
	int r;

	nur_cancel_scope_init(&waiting);
	ck_assert_int_eq(nur_start_soon(nursery, "others", fetch_others, NULL), 0);
	r = kit_batch(kit);
	nur_cancel_scope_cancel(&waiting, NULL);
	return r;
}

static int
fetch_both(void *arg)
{
	return nur_nursery_run(fetch_beside, NULL, NULL);
}

static long
get_peak_kib(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

START_TEST(a_flood_ends_and_others_go_on)
{
	const struct kit_result *kept;
	long before = get_peak_kib();

	make_bomb();
	kit->options.timeout = NUR_MSEC(200);
	kit->body = fetch_both;
	kept = meet(&floods[_i].script);

	ck_assert_msg(kept->result.outcome == FETCH_TIMEOUT || kept->result.outcome == FETCH_FAILED,
		"%s: %s", floods[_i].name, fetch_outcome_name(kept->result.outcome));
	ck_assert_msg(kept->result.error != FETCH_ERROR_INTERNAL &&
			      kept->result.error != FETCH_ERROR_RESOURCES,
		"%s: %s, \"%s\"", floods[_i].name, fetch_error_name(kept->result.error),
		kept->detail);
	ck_assert_ptr_null(kept->body);
	if (!T_IS_SANITIZED) {
		ck_assert_int_le(get_peak_kib() - before, MAX_GROWTH_KIB);
	}
}
END_TEST

/* Its windows stay shut: nothing of a request's body may be sent. */
START_TEST(a_window_that_does_not_open_is_a_timeout)
{
	static const struct t_http2_frame shut = { T_HTTP2_SETTINGS, BYTES("\0\4\0\0\0\0") };
	static const char body[1000];
	const struct kit_result *kept;

	kit->options.timeout = NUR_MSEC(200);
	kit->options.method = "POST";
	kit->options.body = body;
	kit->options.body_len = sizeof(body);
	kept = meet(&(struct t_http2_script){
		.n_requests = 1, .greeting = &shut, .n_greeting = 1, .stays = true });

	ck_assert_int_eq(kept->result.outcome, FETCH_TIMEOUT);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_http2");
	TCase *tc = tcase_create("http2");
	struct fetch_versions versions;

	fetch_engine_versions(&versions);
	if (versions.nghttp2[0] == '\0') {
		return suite;
	}
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_whole_is_ok);
	tcase_add_loop_test(tc, what_was_cut_is_never_ok, 0, (int)ARRAY_LEN(cuts) * 4);
	tcase_add_test(tc, a_cut_of_many_leaves_what_is_whole);
	tcase_add_loop_test(tc, who_breaks_the_rules_gets_no_ok, 0, (int)ARRAY_LEN(offences));
	tcase_add_loop_test(tc, a_flood_ends_and_others_go_on, 0, (int)ARRAY_LEN(floods));
	tcase_add_test(tc, a_window_that_does_not_open_is_a_timeout);
	suite_add_tcase(suite, tc);
	return suite;
}
