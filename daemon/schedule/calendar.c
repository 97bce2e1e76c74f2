/* SPDX-License-Identifier: MIT */
/* The search goes from day to day, over whole months and years that cannot match. */
#include "daemon/schedule/calendar.h"

#include <time.h>

#define DAY_S 86400

static bool
field_has(const struct calendar_field *field, int bit)
{
	return field->bits[bit / 64] >> (bit % 64) & 1;
}

/* The first bit that is set from @bit on, or -1. */
static int
field_from(const struct calendar_field *field, int bit)
{
	for (; bit < 256; bit++) {
		if (field_has(field, bit)) {
			return bit;
		}
	}
	return -1;
}

static int
days_in_month(const struct tm *day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = day->tm_year + 1900;
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return day->tm_mon == 1 && is_leap ? 29 : days[day->tm_mon];
}

static bool
day_matches(const struct calendar *calendar, const struct tm *day)
{
	bool by_date = field_has(&calendar->days, day->tm_mday) ||
		       field_has(&calendar->days_from_end, days_in_month(day) + 1 - day->tm_mday);
	bool by_week = field_has(&calendar->weekdays, day->tm_wday);

	return calendar->either_day ? by_date || by_week : by_date && by_week;
}

/* The first time of a day at or after @from, in seconds of the day; -1: none. */
static int
time_from(const struct calendar *calendar, int from)
{
	int hour = from / 3600;
	int minute = from / 60 % 60;
	int second = field_from(&calendar->seconds, from % 60);

	if (!field_has(&calendar->hours, hour) || !field_has(&calendar->minutes, minute)) {
		second = -1;
	}
	if (second < 0) {
		second = field_from(&calendar->seconds, 0);
		minute = field_has(&calendar->hours, hour)
				 ? field_from(&calendar->minutes, minute + 1)
				 : -1;
	}
	if (minute < 0) {
		minute = field_from(&calendar->minutes, 0);
		hour = field_from(&calendar->hours, hour + 1);
	}
	return hour < 0 ? -1 : hour * 3600 + minute * 60 + second;
}

/*
 * The first day at or after @day that may match by year and month; false: there is none. Of a later day all
 * times are wanted, not only those from @from_time on.
 */
static bool
skip_to_month(const struct calendar *calendar, struct tm *day, int *from_time)
{
	int year = day->tm_year + 1900 - CALENDAR_FIRST_YEAR;
	int month = day->tm_mon + 1;

	if (field_has(&calendar->years, year) && field_has(&calendar->months, month)) {
		return true;
	}
	month = field_has(&calendar->years, year) ? field_from(&calendar->months, month + 1) : -1;
	if (month < 0) {
		month = field_from(&calendar->months, 0);
		year = field_from(&calendar->years, year + 1);
	}
	if (year < 0) {
		return false;
	}
	*day = (struct tm){
		.tm_year = year + CALENDAR_FIRST_YEAR - 1900,
		.tm_mon = month - 1,
		.tm_mday = 1,
	};
	(void)timegm(day); /* finds the weekday */
	*from_time = 0;
	return true;
}

int64_t
calendar_next(const struct calendar *calendar, int64_t civil)
{
	time_t from = civil < 0 ? 0 : (time_t)civil + 1;
	int from_time = (int)(from % DAY_S);
	struct tm day;

	if (!gmtime_r(&from, &day)) {
		return INT64_MAX;
	}
	day.tm_hour = day.tm_min = day.tm_sec = 0;
	while (day.tm_year + 1900 <= CALENDAR_LAST_YEAR &&
		skip_to_month(calendar, &day, &from_time)) {
		int found = day_matches(calendar, &day) ? time_from(calendar, from_time) : -1;

		if (found >= 0) {
			return (int64_t)timegm(&day) + found;
		}
		day.tm_mday++;
		(void)timegm(&day); /* the 32nd is the 1st */
		from_time = 0;
	}
	return INT64_MAX;
}
