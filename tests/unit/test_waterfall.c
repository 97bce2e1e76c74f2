/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <string.h>

#include "client/view/waterfall.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define MS UNITS_NS_PER_MS

static const struct style plain = { false, false };

static struct result_record
sample(size_t index, int64_t queue_ns, int64_t total_ns)
{
	return (struct result_record){
		.index = index,
		.url = "https://example.org/",
		.outcome = RESULT_OK,
		.status = 200,
		.attempts = 1,
		.cancel_cause = -1,
		.timing = { queue_ns, RESULT_ABSENT, RESULT_ABSENT, RESULT_ABSENT,
			total_ns - queue_ns, total_ns },
	};
}

static void
put(struct buffer *out, const struct result_record *records, size_t n, size_t width)
{
	struct table_extent extent = { 0 };
	struct waterfall waterfall;
	size_t i;

	for (i = 0; i < n; i++) {
		table_measure(&extent, &records[i], &plain);
	}
	waterfall_fit(&waterfall, &extent, width);
	waterfall_put_head(out, &waterfall, &plain);
	for (i = 0; i < n; i++) {
		waterfall_put_row(out, &waterfall, &records[i], &plain);
	}
}

START_TEST(marks_are_round_and_few)
{
	static const struct {
		int64_t scale_ns;
		size_t max;
		int64_t expected;
	} cases[] = { { 0, 5, 1000 }, { 53 * MS, 6, 10 * MS }, { 53 * MS, 4, 20 * MS },
		{ 53 * MS, 1, 50 * MS }, { 60000 * MS, 6, 10000 * MS }, { 60000 * MS, 0, 0 } };

	if (cases[_i].max > 0) {
		ck_assert_int_eq(
			waterfall_step(cases[_i].scale_ns, cases[_i].max), cases[_i].expected);
	} else {
		ck_assert_int_gt(waterfall_step(cases[_i].scale_ns, 0), cases[_i].scale_ns);
	}
}
END_TEST

START_TEST(bars_stand_on_one_axis)
{
	struct result_record records[] = { sample(0, 0, 40 * MS), sample(1, 20 * MS, 80 * MS),
		sample(2, 40 * MS, 60 * MS) };
	struct buffer out = BUFFER_INIT;

	records[1].outcome = RESULT_FAILED;
	records[1].status = 0;
	records[1].error = ERROR_RESET;
	records[2].outcome = RESULT_CANCELLED;
	records[2].cancel_reason = CANCEL_SIBLING_FAILED;
	records[2].cancel_cause = 1;
	put(&out, records, ARRAY_LEN(records), 78);

	ck_assert_str_eq(out.data,
		"  #  URL                   |0        |20ms      |40ms     |60ms\n"
		"  0  https://example.org/  wwwwwwwwwwwwwwwwwwwww 200\n"
		"  1  https://example.org/  ..........wwwwwwwwwwwwwwwwwwwwwwwwwwwwwww reset\n"
		"  2  https://example.org/  .....................wwwwwwwwww #1 failed\n");
	buffer_fini(&out);
}
END_TEST

START_TEST(a_line_is_not_overrun)
{
	struct result_record records[] = { sample(0, 0, 40 * MS),
		sample(123456, 20 * MS, 80 * MS) };
	size_t width;

	records[1].url = "https://example.org/a/path/that/goes/on/and/on/and/on/for/a/long/time";
	records[1].outcome = RESULT_FAILED;
	records[1].error = ERROR_ASSERTION;
	records[1].error_detail = "a long detail that says what was expected and what was found";
	for (width = 60; width < 200; width += 7) {
		struct buffer out = BUFFER_INIT;

		put(&out, records, ARRAY_LEN(records), width);

		for (const char *line = out.data; *line; line += strcspn(line, "\n") + 1) {
			ck_assert_uint_le(strcspn(line, "\n"), width);
		}
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(what_took_no_time_has_no_bar)
{
	struct result_record record = sample(0, RESULT_ABSENT, RESULT_ABSENT);
	struct buffer out = BUFFER_INIT;

	record.outcome = RESULT_CANCELLED;
	record.attempts = 0;
	record.cancel_reason = CANCEL_REQUEST;
	put(&out, &record, 1, 80);

	ck_assert_ptr_nonnull(strstr(out.data, "https://example.org/   on request\n"));
	buffer_fini(&out);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("waterfall");
	TCase *tc = tcase_create("waterfall");

	tcase_add_loop_test(tc, marks_are_round_and_few, 0, 6);
	tcase_add_test(tc, bars_stand_on_one_axis);
	tcase_add_test(tc, a_line_is_not_overrun);
	tcase_add_test(tc, what_took_no_time_has_no_bar);
	suite_add_tcase(suite, tc);
	return suite;
}
