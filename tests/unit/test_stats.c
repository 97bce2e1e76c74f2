/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <string.h>

#include "client/view/stats.h"
#include "lib/base/cleanup.h"

static const struct style plain = { false, false };

static void
check_contains(const char *metrics, const char *before, const char *expected)
{
	struct stats stats = { metrics, before, 2.0, 1000.0 };
	struct buffer out = BUFFER_INIT;

	stats_put(&out, &stats, &plain);

	ck_assert_msg(strstr(out.data, expected) != NULL, "%s", out.data);
	buffer_fini(&out);
}

START_TEST(samples_of_one_name_are_added)
{
	static const char text[] =
		"# HELP a_total x\n# TYPE a_total counter\na_total{s=\"x\"} 3\n"
		"a_total{s=\"}\\\"{ 9\"} 4 1700000000\nab_total 100\na_total 0.5";

	ck_assert(stats_sum(text, "a_total") == 7.5);
	ck_assert(stats_sum(text, "a") == 0);
	ck_assert(stats_sum("", "a_total") == 0);
}
END_TEST

START_TEST(values_of_a_label_are_told_apart)
{
	check_contains("fetchd_requests_total{outcome=\"ok\",scheme=\"http\"} 3\n"
		       "fetchd_requests_total{outcome=\"failed\",scheme=\"http\"} 1\n"
		       "fetchd_requests_total{outcome=\"ok\",scheme=\"https\"} 4\n",
		NULL, "URLs          7 ok, 1 failed\n");
}
END_TEST

START_TEST(rates_are_per_second)
{
	check_contains("fetchd_requests_total{outcome=\"ok\"} 30\n",
		"fetchd_requests_total{outcome=\"ok\"} 10\n", "30 ok  10/s\n");
	check_contains("fetchd_received_bytes_total 3072\n", "fetchd_received_bytes_total 1024\n",
		"received      3.0KiB  1.0KiB/s\n");
}
END_TEST

START_TEST(a_daemon_that_was_started_again_has_no_negative_rate)
{
	check_contains("fetchd_retries_total 4\n", "fetchd_retries_total 100\n", "4  2.0/s\n");
}
END_TEST

START_TEST(the_version_and_the_age_stand_in_front)
{
	check_contains("fetchd_build_info{tls=\"a,b\",version=\"1.2\"} 1\n"
		       "fetchd_start_time_seconds 700.5\nfetchd_config_generation 3\n",
		NULL, "fetchd        1.2, up 4m59s, generation 3 of the configuration\n");
}
END_TEST

START_TEST(text_that_is_no_metrics_does_no_harm)
{
	static const char *const texts[] = { "", "\n\n", "fetchd_batches{", "fetchd_batches{state",
		"fetchd_batches{state=", "fetchd_batches{state=\"a", "fetchd_batches{state=\"a\\",
		"fetchd_batches{state=\"a\"", "fetchd_batches{state=\"\033[2J\"} 1",
		"fetchd_batches{,,=\"\"} x" };

	check_contains(texts[_i], NULL, "batches       ");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("stats");
	TCase *tc = tcase_create("stats");

	tcase_add_test(tc, samples_of_one_name_are_added);
	tcase_add_test(tc, values_of_a_label_are_told_apart);
	tcase_add_test(tc, rates_are_per_second);
	tcase_add_test(tc, a_daemon_that_was_started_again_has_no_negative_rate);
	tcase_add_test(tc, the_version_and_the_age_stand_in_front);
	tcase_add_loop_test(tc, text_that_is_no_metrics_does_no_harm, 0, 10);
	suite_add_tcase(suite, tc);
	return suite;
}
