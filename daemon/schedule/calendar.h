/* SPDX-License-Identifier: MIT */
/*
 * Points of time on a calendar: every Monday at half past two. Read from two languages, systemd's
 * calendar events (systemd.time(7)) and the five fields of crontab(5), into one set of fields, and
 * searched in civil time, which has no zone and no gaps. Pure; timetable.h brings the zone.
 *
 * Civil time is a count of seconds: 0 is 1970-01-01 00:00:00, a day has 86400 of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR  2199
#define CALENDAR_ZONE_CAP   64 /* bytes of a zone's name, with its NUL */

/* The values of one part of a date or time that match: bit n of the whole is value n. */
struct calendar_field {
	uint64_t bits[4];
};

/*
 * years          1970 is bit 0
 * months         1 to 12
 * days           of the month, 1 to 31
 * days_from_end  the last day of the month is 1
 * weekdays       0 is Sunday
 * either_day     a day matches by its weekday or by its day of the month, and not by both: cron's rule
 *                when both are given
 */
struct calendar {
	struct calendar_field years;
	struct calendar_field months;
	struct calendar_field days;
	struct calendar_field days_from_end;
	struct calendar_field weekdays;
	struct calendar_field hours;
	struct calendar_field minutes;
	struct calendar_field seconds;
	bool either_day;
};

/* What is wrong with a text, and what would be right. */
struct calendar_error {
	char text[200];
};

/**
 * calendar_parse() - read a calendar event: "Mon..Fri *-*-* 02:30:00 Europe/Berlin", "daily"
 * @ret_zone:   CALENDAR_ZONE_CAP bytes: the zone's name as it stands there, or ""
 *
 * All of systemd.time(7) but fractions of seconds and "@" with a single point of time.
 *
 * Return: 0, or -EINVAL with @ret_error.
 */
int calendar_parse(const char *text, struct calendar *ret_calendar, char *ret_zone,
	struct calendar_error *ret_error);

/**
 * calendar_parse_cron() - read "minute hour day month weekday" or "@daily" and its like
 *
 * As crontab(5): names of months and weekdays, lists, ranges, steps, 7 for Sunday; when day and weekday
 * both do not begin with "*", one of them has to match. "@reboot" is no calendar.
 *
 * Return: 0, or -EINVAL with @ret_error.
 */
int calendar_parse_cron(
	const char *text, struct calendar *ret_calendar, struct calendar_error *ret_error);

/* calendar_next() - the first match after @civil; INT64_MAX when there is none before 2200 */
int64_t calendar_next(const struct calendar *calendar, int64_t civil);
