/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <locale.h>
#include <string.h>

#include "client/view/table.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define MS UNITS_NS_PER_MS

static const struct style plain = { false, false };
static const struct style utf8 = { false, true };
static const struct style coloured = { true, true };

static void
set_locale(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8")); /* wcwidth() depends on it */
}

static struct result_record
sample(void)
{
	return (struct result_record){
		.index = 4,
		.url = "https://example.org/",
		.outcome = RESULT_OK,
		.status = 200,
		.attempts = 1,
		.cancel_cause = -1,
		.timing = { 10 * MS, 10 * MS, 20 * MS, 30 * MS, 70 * MS, 100 * MS },
	};
}

static void
check_bar(const struct result_record *record, int64_t scale_ns, size_t width, const char *expected)
{
	struct buffer out = BUFFER_INIT;

	table_put_bar(&out, record, scale_ns, width, &plain);

	ck_assert_str_eq(out.data, expected);
	buffer_fini(&out);
}

START_TEST(a_bar_shows_the_phases_in_their_order)
{
	struct result_record record = sample();

	check_bar(&record, 100 * MS, 10, ".dcctttww=");
	check_bar(&record, 100 * MS, 20, "..ddccccttttttwwww==");
	check_bar(&record, 200 * MS, 10, ".cttw     ");
}
END_TEST

START_TEST(a_bar_is_as_long_as_the_time_it_stands_for)
{
	struct result_record record = sample();
	size_t width;

	for (width = 1; width < 60; width++) {
		struct buffer out = BUFFER_INIT;

		table_put_bar(&out, &record, 300 * MS, width, &plain);

		ck_assert_uint_eq(out.len, width);
		ck_assert_uint_eq(strcspn(out.data, " "), (width * 100 + 150) / 300);
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(what_never_was_takes_no_room)
{
	struct result_record record = sample();

	record.timing = (struct result_timing){ 10 * MS, RESULT_ABSENT, RESULT_ABSENT,
		RESULT_ABSENT, 50 * MS, 100 * MS };
	check_bar(&record, 100 * MS, 10, ".wwwww====");

	record.timing = (struct result_timing)RESULT_TIMING_INIT;
	check_bar(&record, 100 * MS, 10, "          ");
	check_bar(&record, 0, 3, "   ");
}
END_TEST

START_TEST(a_request_that_got_no_answer_waited_to_its_end)
{
	struct result_record record = sample();

	record.timing.first_byte_ns = RESULT_ABSENT;
	check_bar(&record, 100 * MS, 10, ".dcctttwww");
}
END_TEST

START_TEST(a_request_that_never_started_was_queued)
{
	struct result_record record = sample();

	record.attempts = 0;
	record.timing = (struct result_timing)RESULT_TIMING_INIT;
	record.timing.total_ns = 50 * MS;
	check_bar(&record, 100 * MS, 10, ".....     ");
}
END_TEST

START_TEST(earlier_hops_come_before_the_last)
{
	struct result_record record = sample();

	record.redirects = 2;
	check_bar(&record, 100 * MS, 10, ".-dcctttww");
}
END_TEST

START_TEST(phases_that_contradict_the_total_do_not_overrun_it)
{
	struct result_record record = sample();

	record.timing.dns_ns = 500 * MS;
	check_bar(&record, 200 * MS, 10, ".dddd     ");
}
END_TEST

START_TEST(colours_and_marks_do_not_change_the_width)
{
	struct result_record record = sample();
	struct buffer out = BUFFER_INIT;

	set_locale();
	table_put_bar(&out, &record, 100 * MS, 10, &utf8);

	ck_assert_str_eq(out.data, "·░▒▒▓▓▓━━█");
	buffer_fini(&out);
}
END_TEST

/* The row and the head for a line of @width columns. */
static void
draw(const struct result_record *record, size_t width, const struct style *style,
	struct buffer *out)
{
	struct table_extent extent = { 0 };
	struct table table;

	table_measure(&extent, record, style);
	table_fit(&table, &extent, width);
	table_put_head(out, &table, style);
	table_put_row(out, &table, record, style);
}

START_TEST(a_row_says_it_all)
{
	struct result_record record = sample();
	struct buffer out = BUFFER_INIT;

	record.outcome = RESULT_FAILED;
	record.status = 503;
	record.error = ERROR_STATUS;
	record.error_detail = "503 is not in 200-399";
	draw(&record, 110, &plain, &out);

	ck_assert_str_eq(out.data,
		"  #  OUTCOME    STATUS     TIME  TIMING                            URL                   "
		"WHY\n"
		"  4  failed        503  100.0ms  ...dddccccccctttttttttwwwwwww===  https://example.org/  "
		"503 is not in 200-399\n");
	buffer_fini(&out);
}
END_TEST

START_TEST(no_line_is_wider_than_the_terminal)
{
	struct result_record record = sample();
	size_t width;

	set_locale();
	record.url = "https://exämple.org/a/very/long/path/indeed?with=a&query=too#and-more";
	record.outcome = RESULT_FAILED;
	record.error = ERROR_TLS_CERTIFICATE;
	record.error_detail = "the certificate has expired, or so it says";
	for (width = 40; width < 200; width++) {
		struct buffer out = BUFFER_INIT;
		char *line;

		draw(&record, width, &utf8, &out);

		for (line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n")) {
			ck_assert_uint_le(text_width(line, &utf8), width);
		}
		buffer_fini(&out);
	}
}
END_TEST

START_TEST(reasons_are_words)
{
	struct result_record record = sample();
	struct buffer out = BUFFER_INIT;

	record.outcome = RESULT_CANCELLED;
	record.cancel_reason = CANCEL_SIBLING_FAILED;
	record.cancel_cause = 7;
	table_put_why(&out, &record);
	ck_assert_str_eq(out.data, "#7 failed");

	buffer_clear(&out);
	record.cancel_reason = CANCEL_FIRST_SUCCESS;
	table_put_why(&out, &record);
	ck_assert_str_eq(out.data, "#7 was first");

	buffer_clear(&out);
	record.cancel_reason = CANCEL_DEADLINE;
	record.cancel_cause = -1;
	table_put_why(&out, &record);
	ck_assert_str_eq(out.data, "the deadline passed");

	buffer_clear(&out);
	record = sample();
	record.tls_expires = 2524607999;
	table_put_why(&out, &record);
	ck_assert_str_eq(out.data, "certificate until 2049-12-31");
	buffer_fini(&out);
}
END_TEST

static const struct {
	int64_t ns;
	const char *text;
} times[] = {
	{ -1, "-" },
	{ 0, "0us" },
	{ 499, "0us" },
	{ 950 * 1000, "950us" },
	{ 999499, "999us" },
	{ 999500, "1.0ms" },
	{ 25 * MS, "25.0ms" },
	{ 999 * MS, "999.0ms" },
	{ 999949999, "999.9ms" },
	{ 999950000, "1.00s" },
	{ 1530 * MS, "1.53s" },
	{ 59994 * MS, "59.99s" },
	{ 59995 * MS, "1m00s" },
	{ 125 * UNITS_NS_PER_S, "2m05s" },
	{ 3599 * UNITS_NS_PER_S, "59m59s" },
	{ 10920 * UNITS_NS_PER_S, "3h02m" },
	{ INT64_MAX, "2562047h47m" },
};

START_TEST(a_time_is_short_whatever_its_size)
{
	char out[TEXT_TIME_MAX];

	ck_assert_str_eq(text_time(times[_i].ns, out, &plain), times[_i].text);
}
END_TEST

static const struct {
	const char *text;
	size_t width;
	const char *cut;
	const char *right;
} cuts[] = {
	{ "abc", 5, "abc  ", "  abc" },
	{ "abc", 3, "abc", "abc" },
	{ "abcdef", 4, "abc…", "abc…" },
	{ "abc", 1, "…", "…" },
	{ "abc", 0, "", "" },
	{ "äöü", 4, "äöü ", " äöü" },
	{ "日本語", 6, "日本語", "日本語" },
	{ "日本語", 4, "日… ", "日…" },
	{ "a\033[1mb", 8, "a?[1mb  ", "  a?[1mb" },
	{ "a\r\n\tb\177", 8, "a???b?  ", "  a???b?" },
	{ "\xff\xc3", 3, "?? ", " ??" },
	{ "a\xc2\x9b"
	  "b",
		4, "a?b ", " a?b" },
	{ "a\xe2\x80\xae"
	  "b",
		4, "a?b ", " a?b" },
};

START_TEST(text_fills_its_columns_and_no_more)
{
	struct buffer out = BUFFER_INIT;

	set_locale();
	text_put_cut(&out, cuts[_i].text, cuts[_i].width, &utf8);
	ck_assert_str_eq(out.data ? out.data : "", cuts[_i].cut);
	buffer_clear(&out);
	text_put_right(&out, cuts[_i].text, cuts[_i].width, &utf8);
	ck_assert_str_eq(out.data ? out.data : "", cuts[_i].right);
	buffer_fini(&out);
}
END_TEST

START_TEST(without_utf8_only_ascii_is_written)
{
	struct buffer out = BUFFER_INIT;

	text_put_cut(&out, "exämple", 6, &plain);
	ck_assert_str_eq(out.data, "ex?mp~");
	buffer_fini(&out);
}
END_TEST

START_TEST(colours_are_used_where_they_may)
{
	struct buffer out = BUFFER_INIT;

	text_colour(&out, COLOUR_RED, &plain);
	ck_assert_uint_eq(out.len, 0);
	text_colour(&out, COLOUR_RED, &coloured);
	text_colour(&out, COLOUR_NONE, &coloured);
	ck_assert_str_eq(out.data, "\033[31m\033[0m");
	buffer_fini(&out);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("table");
	TCase *bars = tcase_create("bars");
	TCase *rows = tcase_create("rows");
	TCase *text = tcase_create("text");

	tcase_add_test(bars, a_bar_shows_the_phases_in_their_order);
	tcase_add_test(bars, a_bar_is_as_long_as_the_time_it_stands_for);
	tcase_add_test(bars, what_never_was_takes_no_room);
	tcase_add_test(bars, a_request_that_got_no_answer_waited_to_its_end);
	tcase_add_test(bars, a_request_that_never_started_was_queued);
	tcase_add_test(bars, earlier_hops_come_before_the_last);
	tcase_add_test(bars, phases_that_contradict_the_total_do_not_overrun_it);
	tcase_add_test(bars, colours_and_marks_do_not_change_the_width);
	tcase_add_test(rows, a_row_says_it_all);
	tcase_add_test(rows, no_line_is_wider_than_the_terminal);
	tcase_add_test(rows, reasons_are_words);
	tcase_add_loop_test(text, a_time_is_short_whatever_its_size, 0, ARRAY_LEN(times));
	tcase_add_loop_test(text, text_fills_its_columns_and_no_more, 0, ARRAY_LEN(cuts));
	tcase_add_test(text, without_utf8_only_ascii_is_written);
	tcase_add_test(text, colours_are_used_where_they_may);
	suite_add_tcase(suite, bars);
	suite_add_tcase(suite, rows);
	suite_add_tcase(suite, text);
	return suite;
}
