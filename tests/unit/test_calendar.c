/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/schedule/calendar.h"
#include "lib/base/cleanup.h"

/* after, next  "2026-11-26 10:00:00" */
struct search {
	const char *text;
	const char *after;
	const char *next;
};

static int64_t
civil(const char *text)
{
	struct tm tm = { 0 };

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return timegm(&tm);
}

static void
check_next(const struct calendar *calendar, const struct search *search)
{
	time_t next = (time_t)calendar_next(calendar, civil(search->after));
	char text[32];
	struct tm tm;

	ck_assert_ptr_nonnull(gmtime_r(&next, &tm));
	ck_assert_uint_gt(strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm), 0);
	ck_assert_str_eq(text, search->next);
}

/* 2026-11-26 is a Thursday. */
static const struct search events[] = {
	{ "daily", "2026-11-26 00:00:00", "2026-11-27 00:00:00" },
	{ "hourly", "2026-11-26 10:00:01", "2026-11-26 11:00:00" },
	{ "weekly", "2026-11-26 10:00:00", "2026-11-30 00:00:00" },
	{ "yearly", "2026-11-26 10:00:00", "2027-01-01 00:00:00" },
	{ "Semi-Annually", "2026-11-26 10:00:00", "2027-01-01 00:00:00" },
	{ "Mon..Fri 02:30", "2026-11-27 02:30:00", "2026-11-30 02:30:00" },
	{ "Sat,Sun 12:00", "2026-11-26 10:00:00", "2026-11-28 12:00:00" },
	{ "Tuesday", "2026-11-26 10:00:00", "2026-12-01 00:00:00" },
	{ "12-24", "2026-12-24 00:00:00", "2027-12-24 00:00:00" },
	{ "*-02-29", "2026-11-26 10:00:00", "2028-02-29 00:00:00" },
	{ "*-02~01", "2026-11-26 10:00:00", "2027-02-28 00:00:00" },
	{ "*-*~01", "2026-12-31 00:00:00", "2027-01-31 00:00:00" },
	{ "*-02~03..05", "2027-02-24 00:00:00", "2027-02-25 00:00:00" },
	{ "*-*~12/6", "2026-12-20 00:00:00", "2026-12-26 00:00:00" },
	{ "*-*~15..23/6", "2026-11-26 00:00:00", "2026-12-11 00:00:00" },
	{ "Mon *-05~07/1", "2026-11-26 10:00:00", "2027-05-31 00:00:00" },
	{ "*:0/15", "2026-11-26 10:45:00", "2026-11-26 11:00:00" },
	{ "8..18/2:00", "2026-11-26 16:00:00", "2026-11-26 18:00:00" },
	{ "8..18/2:00", "2026-11-26 18:00:00", "2026-11-27 08:00:00" },
	{ "*:*:0,30", "2026-11-26 23:59:30", "2026-11-27 00:00:00" },
	{ "*-01,04,07,10-01", "2026-11-26 10:00:00", "2027-01-01 00:00:00" },
	{ "2027/2-1-1", "2027-01-01 00:00:00", "2029-01-01 00:00:00" },
	{ "27-6-1", "2026-11-26 10:00:00", "2027-06-01 00:00:00" },
	{ "*-11-26 10:00", "2026-11-26 10:00:00", "2027-11-26 10:00:00" },
	{ "*-*-31 23:59:59", "2026-11-26 10:00:00", "2026-12-31 23:59:59" },
};

START_TEST(an_event_comes_next_at)
{
	struct calendar calendar;
	struct calendar_error error;
	char zone[CALENDAR_ZONE_CAP];

	ck_assert_int_eq(calendar_parse(events[_i].text, &calendar, zone, &error), 0);
	ck_assert_str_eq(zone, "");

	check_next(&calendar, &events[_i]);
}
END_TEST

START_TEST(a_zone_stands_behind_the_rest)
{
	struct calendar calendar;
	struct calendar_error error;
	char zone[CALENDAR_ZONE_CAP];

	ck_assert_int_eq(
		calendar_parse("Mon..Fri 02:30 Europe/Berlin", &calendar, zone, &error), 0);
	ck_assert_str_eq(zone, "Europe/Berlin");
	ck_assert_int_eq(calendar_parse("daily UTC", &calendar, zone, &error), 0);
	ck_assert_str_eq(zone, "UTC");
}
END_TEST

START_TEST(what_has_passed_never_comes)
{
	struct calendar calendar;
	struct calendar_error error;
	char zone[CALENDAR_ZONE_CAP];

	ck_assert_int_eq(calendar_parse("2020-01-01", &calendar, zone, &error), 0);
	ck_assert_int_eq(calendar_next(&calendar, civil("2020-01-01 00:00:00")), INT64_MAX);
	ck_assert_int_eq(calendar_parse("*-02-30", &calendar, zone, &error), 0);
	ck_assert_int_eq(calendar_next(&calendar, 0), INT64_MAX);
}
END_TEST

struct refusal {
	const char *text;
	const char *why;
};

static const struct refusal bad_events[] = {
	{ "", "empty; a calendar event is such as \"Mon..Fri 02:30\"" },
	{ "*:*/15", "write \"0/15\" in place of \"*/15\"" },
	{ "0/15", "\"0/15\" is no date" },
	{ "25-10", "25 is no month: 1 to 12" },
	{ "*-*-32", "32 is no day: 1 to 31" },
	{ "24:00", "24 is no hour: 0 to 23" },
	{ "5..2:00", "a range of hours goes upwards: 2..5" },
	{ "12:30:15.5", "no fractions" },
	{ "22/4:00", "a step of 4 leads beyond the last hour" },
	{ "*~6/6", "a step of 6 leads beyond the last day" },
	{ "12:0/0", "a step of at least 1 is wanted at \"/0\"" },
	{ "Fri..Mon", "begins with Monday" },
	{ "Foo 12:00", "a weekday such as \"Mon\" is wanted at \"Foo\"" },
	{ "Mon!", "\"!\" does not belong to a list of weekdays" },
	{ "12:00 Mon 12:00", "weekdays, date, time and zone, in this order" },
	{ "1-2-3-4", "\"1-2-3-4\" is no date" },
	{ "2200-1-1", "2200 is no year: 1970 to 2199" },
	{ "12:00:", "a second is wanted" },
	{ "12:00x", "\"x\" does not belong to a time" },
	{ "@1395716396", "a single point of time is no schedule" },
};

START_TEST(an_event_is_refused_with_the_reason)
{
	struct calendar calendar;
	struct calendar_error error = { "" };
	char zone[CALENDAR_ZONE_CAP];

	ck_assert_int_eq(calendar_parse(bad_events[_i].text, &calendar, zone, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, bad_events[_i].why), "%s", error.text);
}
END_TEST

static const struct search crons[] = {
	{ "*/5 * * * *", "2026-11-26 10:55:00", "2026-11-26 11:00:00" },
	{ "30 2 * * mon-fri", "2026-11-27 02:30:00", "2026-11-30 02:30:00" },
	{ "0 0 * * 7", "2026-11-26 10:00:00", "2026-11-29 00:00:00" },
	{ "0 0 * * 0", "2026-11-26 10:00:00", "2026-11-29 00:00:00" },
	{ "0 0 * * 5-7", "2026-11-28 00:00:00", "2026-11-29 00:00:00" },
	{ "0 0 13 * Fri", "2026-11-26 10:00:00", "2026-11-27 00:00:00" },
	{ "0 0 1 * Fri", "2026-11-27 00:00:00", "2026-12-01 00:00:00" },
	{ "0 0 */2 * Fri", "2026-11-27 00:00:00", "2026-12-11 00:00:00" },
	{ "15,45 8-18/5 1 Jan,feb *", "2026-11-26 10:00:00", "2027-01-01 08:15:00" },
	{ "0 10/6 * * *", "2026-11-26 10:00:00", "2026-11-26 16:00:00" },
	{ " 0\t0  1 1 * ", "2026-11-26 10:00:00", "2027-01-01 00:00:00" },
	{ "@hourly", "2026-11-26 10:00:00", "2026-11-26 11:00:00" },
	{ "@weekly", "2026-11-26 10:00:00", "2026-11-29 00:00:00" },
};

START_TEST(a_cron_line_comes_next_at)
{
	struct calendar calendar;
	struct calendar_error error;

	ck_assert_int_eq(calendar_parse_cron(crons[_i].text, &calendar, &error), 0);

	check_next(&calendar, &crons[_i]);
}
END_TEST

static const struct refusal bad_crons[] = {
	{ "", "five fields are wanted" },
	{ "* * * *", "five fields are wanted" },
	{ "* * * * * *", "five fields are wanted" },
	{ "@reboot", "five fields are wanted" },
	{ "60 * * * *", "60 is no minute: 0 to 59" },
	{ "* * 0 * *", "0 is no day: 1 to 31" },
	{ "* * * 13 *", "13 is no month: 1 to 12" },
	{ "* * * * 8", "8 is no weekday: 0 to 7" },
	{ "*/0 * * * *", "a step of at least 1" },
	{ "5-1 * * * *", "a range of minutes goes upwards: 1-5" },
	{ "1..5 * * * *", "\"..5\" does not belong to a minute" },
	{ "* * * janu *", "a month is wanted at \"janu\"" },
};

START_TEST(a_cron_line_is_refused_with_the_reason)
{
	struct calendar calendar;
	struct calendar_error error = { "" };

	ck_assert_int_eq(calendar_parse_cron(bad_crons[_i].text, &calendar, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, bad_crons[_i].why), "%s", error.text);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("calendar");
	TCase *tc = tcase_create("events");

	tcase_add_loop_test(tc, an_event_comes_next_at, 0, ARRAY_LEN(events));
	tcase_add_test(tc, a_zone_stands_behind_the_rest);
	tcase_add_test(tc, what_has_passed_never_comes);
	tcase_add_loop_test(tc, an_event_is_refused_with_the_reason, 0, ARRAY_LEN(bad_events));
	suite_add_tcase(suite, tc);

	tc = tcase_create("cron");
	tcase_add_loop_test(tc, a_cron_line_comes_next_at, 0, ARRAY_LEN(crons));
	tcase_add_loop_test(tc, a_cron_line_is_refused_with_the_reason, 0, ARRAY_LEN(bad_crons));
	suite_add_tcase(suite, tc);
	return suite;
}
