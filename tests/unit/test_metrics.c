/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ops/histogram.h"
#include "daemon/ops/metrics.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "tests/support/process.h"

static bool
ends_with(const char *text, const char *end)
{
	return strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static bool
has_label(const struct metric_row *row, const char *name)
{
	const char *at = row->labels;

	while (*at) {
		size_t len = strcspn(at, ",");

		if (len == strlen(name) && strncmp(at, name, len) == 0) {
			return true;
		}
		at += len + (at[len] == ',');
	}
	return false;
}

START_TEST(a_row_is_named_as_the_format_wants_it)
{
	const struct metric_row *row = metric_row((enum metric)_i);
	size_t n_labels = *row->labels != '\0';

	for (const char *at = row->labels; (at = strchr(at, ',')); at++) {
		n_labels++;
	}
	ck_assert_uint_le(n_labels, METRIC_MAX_LABELS);
	ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
	ck_assert(strncmp(row->name, "fetchd_", 7) == 0 || strncmp(row->name, "process_", 8) == 0);
	ck_assert_int_eq(ends_with(row->name, "_total"), row->type == METRIC_COUNTER);
	if (row->type == METRIC_HISTOGRAM) {
		ck_assert(ends_with(row->name, "_seconds"));
	}
	ck_assert(ends_with(row->help, "."));
	ck_assert_ptr_null(strpbrk(row->help, "\\\n\""));
	ck_assert(!has_label(row, "url"));
	ck_assert(!has_label(row, "host"));
	for (int other = 0; other < _i; other++) {
		ck_assert_str_ne(row->name, metric_row((enum metric)other)->name);
	}
}
END_TEST

/* "*fetchd\\_batches* {state}" */
static void
write_heading(const struct metric_row *row, struct buffer *out)
{
	buffer_puts(out, "\n*");
	for (const char *c = row->name; *c; c++) {
		if (*c == '_') {
			buffer_putc(out, '\\');
		}
		buffer_putc(out, *c);
	}
	buffer_putc(out, '*');
}

START_TEST(the_manual_has_them_all)
{
	_cleanup_(fclosep) FILE *file = fopen(T_SOURCE_ROOT "/docs/man/fetchd.8.scd", "re");
	_cleanup_(buffer_fini) struct buffer manual = BUFFER_INIT;
	_cleanup_(buffer_fini) struct buffer heading = BUFFER_INIT;

	ck_assert_ptr_nonnull(file);
	t_read_fd(fileno(file), &manual);
	for (int i = 0; i < METRIC_N; i++) {
		buffer_clear(&heading);
		write_heading(metric_row((enum metric)i), &heading);
		ck_assert_msg(strstr(manual.data, heading.data) != NULL, "no %s", heading.data);
	}
}
END_TEST

START_TEST(samples_follow_what_their_metric_is)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);

	metrics_seconds(&metrics, METRIC_START_TIME, NULL, INT64_C(1234567890123456789));
	metrics_count(&metrics, METRIC_BATCHES, METRIC_LABELS("running"), 3);
	metrics_count(&metrics, METRIC_BATCHES, METRIC_LABELS("done"), 0);
	metrics_count(&metrics, METRIC_API_REQUESTS, METRIC_LABELS("/v1/tree", "200"), UINT64_MAX);
	metrics_end(&metrics);

	ck_assert_str_eq(out.data,
		"# HELP fetchd_start_time_seconds When the daemon started, since 1970.\n"
		"# TYPE fetchd_start_time_seconds gauge\n"
		"fetchd_start_time_seconds 1234567890.123456789\n"
		"# HELP fetchd_batches Batches that are kept, by their state.\n"
		"# TYPE fetchd_batches gauge\n"
		"fetchd_batches{state=\"running\"} 3\n"
		"fetchd_batches{state=\"done\"} 0\n"
		"# HELP fetchd_api_requests_total Requests answered, by the pattern of their path "
		"and "
		"the status.\n"
		"# TYPE fetchd_api_requests_total counter\n"
		"fetchd_api_requests_total{route=\"/v1/tree\",code=\"200\"} "
		"18446744073709551615\n");
}
END_TEST

START_TEST(openmetrics_names_counters_without_total_and_has_an_end)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_OPENMETRICS);

	metrics_count(&metrics, METRIC_LOG_DROPPED, NULL, 1);
	metrics_end(&metrics);

	ck_assert_str_eq(out.data,
		"# HELP fetchd_log_dropped Messages lost because the log's reader was behind.\n"
		"# TYPE fetchd_log_dropped counter\n"
		"fetchd_log_dropped_total 1\n"
		"# EOF\n");
}
END_TEST

START_TEST(buckets_add_up)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);
	struct histogram histogram = { .sum_ns = 0 };

	histogram_add(&histogram, 1);
	histogram_add(&histogram, 1000000);
	histogram_add(&histogram, INT64_C(100000000000));
	metrics_histogram(&metrics, METRIC_REQUEST_DURATION, METRIC_LABELS("dns"), &histogram);

	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_bucket{phase=\"dns\",le=\"0.0001\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_bucket{phase=\"dns\",le=\"0.001\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_bucket{phase=\"dns\",le=\"60.0\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_bucket{phase=\"dns\",le=\"+Inf\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_sum{phase=\"dns\"} 100.001000001\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_count{phase=\"dns\"} 3\n"));
}
END_TEST

START_TEST(a_histogram_without_labels_has_its_bounds)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);
	struct histogram histogram = { .sum_ns = 0 };

	metrics_histogram(&metrics, METRIC_LOOP_LAG, NULL, &histogram);

	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_bucket{le=\"0.0001\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_sum 0.000000000\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_seconds_count 0\n"));
}
END_TEST

START_TEST(sizes_are_whole_numbers)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);
	struct histogram histogram = { .sum_ns = 0 };

	histogram_add_size(&histogram, 3);
	metrics_histogram(&metrics, METRIC_STORE_GROUP, NULL, &histogram);

	ck_assert_ptr_nonnull(strstr(out.data, "# TYPE fetchd_store_group_size histogram\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_size_bucket{le=\"2.0\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_size_bucket{le=\"3.0\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_size_sum 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "_size_count 1\n"));
}
END_TEST

START_TEST(a_label_cannot_forge_a_line)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	struct metrics metrics = METRICS_INIT(&out, METRICS_PROMETHEUS);

	metrics_count(&metrics, METRIC_JOB_MISSED, METRIC_LABELS("a\"} 1\n\\b"), 0);

	ck_assert_ptr_nonnull(strstr(out.data, "{job=\"a\\\"} 1\\n\\\\b\"} 0\n"));
}
END_TEST

START_TEST(the_formats_have_types_of_their_own)
{
	ck_assert_ptr_nonnull(
		strstr(metrics_content_type(METRICS_PROMETHEUS), "text/plain; version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(metrics_content_type(METRICS_OPENMETRICS),
		"application/openmetrics-text; version=1.0.0"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_add_loop_test(tc, a_row_is_named_as_the_format_wants_it, 0, METRIC_N);
	tcase_add_test(tc, the_manual_has_them_all);
	tcase_add_test(tc, samples_follow_what_their_metric_is);
	tcase_add_test(tc, openmetrics_names_counters_without_total_and_has_an_end);
	tcase_add_test(tc, buckets_add_up);
	tcase_add_test(tc, a_histogram_without_labels_has_its_bounds);
	tcase_add_test(tc, sizes_are_whole_numbers);
	tcase_add_test(tc, a_label_cannot_forge_a_line);
	tcase_add_test(tc, the_formats_have_types_of_their_own);
	suite_add_tcase(suite, tc);
	return suite;
}
