/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/schedule/timetable.h"

static int64_t
utc(const char *text)
{
	struct tm tm = { 0 };

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return timegm(&tm);
}

static struct timetable *
open_table(enum timetable_language language, const char *text, const char *zone)
{
	struct timetable *timetable;
	struct calendar_error error;

	ck_assert_int_eq(timetable_create(language, text, zone, &timetable, &error), 0);
	return timetable;
}

/* zone  of the clocks on the wall; after, next  in UTC */
struct change {
	const char *text;
	const char *zone;
	const char *after;
	const char *next;
};

/*
 * Berlin goes from 02:00 to 03:00 on 2027-03-28 and from 03:00 to 02:00 on 2027-10-31, Dublin an hour
 * earlier by the wall, and its summer is called standard time.
 */
static const struct change changes[] = {
	{ "02:30", "Europe/Berlin", "2026-11-26 12:00:00", "2026-11-27 01:30:00" },
	{ "02:30", "UTC", "2026-11-26 12:00:00", "2026-11-27 02:30:00" },
	{ "02:30 America/New_York", "UTC", "2026-11-26 12:00:00", "2026-11-27 07:30:00" },
	/* 02:30 is not there: the first moment after it */
	{ "02:30", "Europe/Berlin", "2027-03-27 12:00:00", "2027-03-28 01:00:00" },
	{ "02:30", "Europe/Berlin", "2027-03-28 01:00:00", "2027-03-29 00:30:00" },
	/* all that is not there is one moment */
	{ "*:0/15", "Europe/Berlin", "2027-03-28 00:45:00", "2027-03-28 01:00:00" },
	{ "*:0/15", "Europe/Berlin", "2027-03-28 01:00:00", "2027-03-28 01:15:00" },
	/* 02:30 is there twice: the first one */
	{ "02:30", "Europe/Berlin", "2027-10-30 12:00:00", "2027-10-31 00:30:00" },
	{ "02:30", "Europe/Berlin", "2027-10-31 00:30:00", "2027-11-01 01:30:00" },
	{ "*:30", "Europe/Berlin", "2027-10-31 00:30:00", "2027-10-31 02:30:00" },
	{ "*:30", "Europe/Berlin", "2027-10-31 01:10:00", "2027-10-31 02:30:00" },
	{ "01:30", "Europe/Dublin", "2027-10-30 12:00:00", "2027-10-31 00:30:00" },
	{ "01:30", "Europe/Dublin", "2027-10-31 00:30:00", "2027-11-01 01:30:00" },
};

START_TEST(a_time_on_the_wall_is_this_point_of_time)
{
	_cleanup_(timetable_destroyp) struct timetable *timetable =
		open_table(TIMETABLE_CALENDAR, changes[_i].text, changes[_i].zone);

	ck_assert_int_eq(timetable_next(timetable, utc(changes[_i].after)), utc(changes[_i].next));
}
END_TEST

START_TEST(cron_is_another_language_for_the_same)
{
	_cleanup_(timetable_destroyp) struct timetable *timetable =
		open_table(TIMETABLE_CRON, "30 2 * * *", "Europe/Berlin");

	ck_assert_int_eq(
		timetable_next(timetable, utc("2026-11-26 12:00:00")), utc("2026-11-27 01:30:00"));
}
END_TEST

START_TEST(without_a_zone_it_is_the_machines)
{
	_cleanup_(timetable_destroyp) struct timetable *timetable = NULL;

	ck_assert_int_eq(setenv("TZ", "Asia/Tokyo", 1), 0);
	timetable = open_table(TIMETABLE_CALENDAR, "02:30", NULL);

	ck_assert_int_eq(
		timetable_next(timetable, utc("2026-11-26 12:00:00")), utc("2026-11-26 17:30:00"));
}
END_TEST

START_TEST(what_has_passed_never_comes)
{
	_cleanup_(timetable_destroyp) struct timetable *timetable =
		open_table(TIMETABLE_CALENDAR, "2020-01-01", "UTC");

	ck_assert_int_eq(timetable_next(timetable, utc("2026-11-26 12:00:00")), INT64_MAX);
}
END_TEST

static const struct {
	const char *text;
	const char *zone;
	const char *why;
} bads[] = {
	{ "daily", "Europe/Nowhere", "\"Europe/Nowhere\" is no time zone" },
	{ "daily", "+02", "\"+02\" is no time zone" },
	{ "daily", "", "\"\" is no time zone" },
	{ "daily Nowhere", "UTC", "\"Nowhere\" is no time zone" },
	{ "*-02-30", "UTC", "it never comes" },
	{ "nonsense", "UTC", "a weekday" },
};

START_TEST(a_schedule_is_refused_with_the_reason)
{
	struct timetable *timetable;
	struct calendar_error error = { "" };

	ck_assert_int_eq(timetable_create(TIMETABLE_CALENDAR, bads[_i].text, bads[_i].zone,
				 &timetable, &error),
		-EINVAL);
	ck_assert_msg(strstr(error.text, bads[_i].why), "%s", error.text);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("timetable");
	TCase *tc = tcase_create("timetable");

	tcase_add_loop_test(tc, a_time_on_the_wall_is_this_point_of_time, 0, ARRAY_LEN(changes));
	tcase_add_test(tc, cron_is_another_language_for_the_same);
	tcase_add_test(tc, without_a_zone_it_is_the_machines);
	tcase_add_test(tc, what_has_passed_never_comes);
	tcase_add_loop_test(tc, a_schedule_is_refused_with_the_reason, 0, ARRAY_LEN(bads));
	suite_add_tcase(suite, tc);
	return suite;
}
