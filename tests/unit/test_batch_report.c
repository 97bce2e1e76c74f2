/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "client/view/batch_report.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define MS UNITS_NS_PER_MS

static const struct batch_summary summary = {
	.id = "01JD",
	.name = "<gate> & \"co\"",
	.state = BATCH_DONE,
	.outcome = BATCH_FAILED,
	.elapsed_ns = 80 * MS,
	.counts = { .ok = 1, .failed = 1, .cancelled = 1 },
};

static struct result_record
sample(size_t index, int64_t total_ns)
{
	return (struct result_record){
		.index = index,
		.url = "https://example.org/?a=<script>alert('1')</script>&b=\"\033[2J",
		.outcome = RESULT_OK,
		.status = 200,
		.attempts = 1,
		.cancel_cause = -1,
		.timing = { 10 * MS, RESULT_ABSENT, RESULT_ABSENT, RESULT_ABSENT, 20 * MS,
			total_ns },
	};
}

/* Of @n URLs, of which number 1 failed and cancelled number 2. */
static void
make(struct buffer *out, enum report_kind kind, size_t n)
{
	_cleanup_(report_fini) struct report report = REPORT_INIT;
	struct table_extent extent = { .max_total_ns = 80 * MS };
	size_t i;

	report_begin(&report, &summary, &extent);
	for (i = 0; i < n; i++) {
		struct result_record record = sample(i, (int64_t)(40 + i % 2 * 40) * MS);

		if (i == 1) {
			record.outcome = RESULT_FAILED;
			record.error = ERROR_RESET;
			record.error_detail = "by <peer>";
		} else if (i == 2) {
			record.outcome = RESULT_CANCELLED;
			record.cancel_reason = CANCEL_SIBLING_FAILED;
			record.cancel_cause = 1;
		}
		report_add(&report, &record);
	}
	ck_assert_int_eq(report_end(&report, kind, out), 0);
}

START_TEST(the_files_name_says_which_kind)
{
	ck_assert_int_eq(report_kind_of("a.svg"), REPORT_SVG);
	ck_assert_int_eq(report_kind_of("b/c.html"), REPORT_HTML);
	ck_assert_int_eq(report_kind_of(".svg"), -EINVAL);
	ck_assert_int_eq(report_kind_of("svg"), -EINVAL);
	ck_assert_int_eq(report_kind_of("a.html.gz"), -EINVAL);
}
END_TEST

START_TEST(what_comes_from_outside_is_escaped)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, (enum report_kind)_i, 3);

	ck_assert_ptr_null(strstr(out.data, "<script"));
	ck_assert_ptr_null(strstr(out.data, "<peer>"));
	ck_assert_ptr_null(strstr(out.data, "<gate>"));
	ck_assert_ptr_null(strchr(out.data, '\033'));
	ck_assert_ptr_nonnull(strstr(out.data, "a=&lt;script&gt;alert(&#39;1&#39;)"));
	ck_assert_ptr_nonnull(strstr(out.data, "&amp;b=&quot;?[2J"));
}
END_TEST

START_TEST(nothing_comes_from_elsewhere)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, (enum report_kind)_i, 3);

	ck_assert_uint_eq(t_count(out.data, "src="), 0);
	ck_assert_uint_eq(t_count(out.data, "href="), 0);
	ck_assert_uint_eq(t_count(out.data, "url("), 0);
	ck_assert_uint_eq(t_count(out.data, "@import"), 0);
	ck_assert_uint_eq(t_count(out.data, "prefers-color-scheme:dark"), 1);
}
END_TEST

START_TEST(a_line_leads_from_who_failed_to_who_was_cancelled)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, REPORT_SVG, 3);

	ck_assert_uint_eq(t_count(out.data, "<path class=\"link\""), 1);
	ck_assert_ptr_nonnull(strstr(out.data, ">#1 failed<"));
}
END_TEST

START_TEST(a_page_has_a_row_for_each_url)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, REPORT_HTML, 3);

	ck_assert_uint_eq(t_count(out.data, "<tr><td"), 3);
	ck_assert_uint_eq(t_count(out.data, "<svg"), 1);
	ck_assert_ptr_nonnull(strstr(out.data, "<h1>&lt;gate&gt; &amp; &quot;co&quot;</h1>"));
}
END_TEST

START_TEST(rows_over_the_limit_are_counted)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, REPORT_HTML, REPORT_MAX_ROWS + 5);

	ck_assert_uint_eq(t_count(out.data, "<tr><td"), REPORT_MAX_ROWS);
	ck_assert_ptr_nonnull(strstr(out.data, "5 more URLs are left out"));
}
END_TEST

START_TEST(a_batch_without_results_is_a_picture_too)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	make(&out, (enum report_kind)_i, 0);

	ck_assert_ptr_nonnull(strstr(out.data, "</svg>"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("batch_report");
	TCase *tc = tcase_create("report");

	tcase_add_test(tc, the_files_name_says_which_kind);
	tcase_add_loop_test(tc, what_comes_from_outside_is_escaped, 0, 2);
	tcase_add_loop_test(tc, nothing_comes_from_elsewhere, 0, 2);
	tcase_add_test(tc, a_line_leads_from_who_failed_to_who_was_cancelled);
	tcase_add_test(tc, a_page_has_a_row_for_each_url);
	tcase_add_test(tc, rows_over_the_limit_are_counted);
	tcase_add_loop_test(tc, a_batch_without_results_is_a_picture_too, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
