/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <string.h>

#include "daemon/batches/tally.h"
#include "daemon/ops/metrics.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

static const struct fetch_timing never = { FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT,
	FETCH_ABSENT, FETCH_ABSENT };

static void
check_text(const struct tally *tally, const char *wanted)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);

	tally_write(tally, &metrics);

	ck_assert_msg(strstr(out.data, wanted) != NULL, "no %s in\n%s", wanted, out.data);
}

START_TEST(results_are_told_apart_without_naming_them)
{
	struct tally tally = { .results = { { { 0 } } } };
	const struct fetch_result ok = {
		.outcome = FETCH_OK,
		.final_url = "https://user.example/secret",
		.http_version = "1.1",
		.timing = never,
	};
	const struct fetch_result unstarted = { .outcome = FETCH_CANCELLED, .timing = never };

	tally_add(&tally, "http://a.example/", &ok);
	tally_add(&tally, "http://a.example/", &ok);
	tally_add(&tally, "HTTPS://b.example/", &unstarted);

	check_text(&tally,
		"fetchd_requests_total{outcome=\"ok\",scheme=\"https\",http_version=\"1.1\"} 2\n");
	check_text(&tally, "fetchd_requests_total{outcome=\"cancelled\",scheme=\"https\",http_"
			   "version=\"\"} 1\n");
}
END_TEST

START_TEST(phases_are_measured_where_there_were_any)
{
	struct tally tally = { .results = { { { 0 } } } };
	const struct fetch_result result = {
		.outcome = FETCH_FAILED,
		.timing = { .queue = 0, FETCH_ABSENT, 2000000, FETCH_ABSENT, 7000000, 9000000 },
	};

	tally_add(&tally, "http://a.example/", &result);

	check_text(&tally, "_seconds_count{phase=\"queue\"} 1\n");
	check_text(&tally, "_seconds_count{phase=\"dns\"} 0\n");
	check_text(&tally, "_seconds_sum{phase=\"connect\"} 0.002000000\n");
	check_text(&tally, "_seconds_count{phase=\"tls\"} 0\n");
	check_text(&tally, "_seconds_sum{phase=\"first_byte\"} 0.007000000\n");
	check_text(&tally, "_seconds_sum{phase=\"total\"} 0.009000000\n");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("tally");
	TCase *tc = tcase_create("tally");

	tcase_add_test(tc, results_are_told_apart_without_naming_them);
	tcase_add_test(tc, phases_are_measured_where_there_were_any);
	suite_add_tcase(suite, tc);
	return suite;
}
