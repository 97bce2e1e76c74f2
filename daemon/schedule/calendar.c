/* SPDX-License-Identifier: MIT */
/*
 * A text is cut into weekdays, date, time and zone by what they contain; each part of a date or time is a
 * list of values, ranges and steps, and becomes a set of bits. What is not said is all days, or midnight.
 *
 * The search goes from day to day, over whole months and years that cannot match.
 */
#include "daemon/schedule/calendar.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_S 86400

/* ---- fields ---- */

/*
 * name, min, max   what the values mean, for messages; both limits included
 * base             of the value that is bit 0
 * names            of the values from @min on, NULL: none; their first three letters are enough
 */
struct unit {
	const char *name;
	int min;
	int max;
	int base;
	const char *const *names;
	int n_names;
};

static const char *const month_names[] = { "January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December" };
static const char *const day_names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };

static const struct unit unit_year = { "year", CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR,
	CALENDAR_FIRST_YEAR, NULL, 0 };
static const struct unit unit_month = { "month", 1, 12, 0, NULL, 0 };
static const struct unit unit_day = { "day", 1, 31, 0, NULL, 0 };
static const struct unit unit_hour = { "hour", 0, 23, 0, NULL, 0 };
static const struct unit unit_minute = { "minute", 0, 59, 0, NULL, 0 };
static const struct unit unit_second = { "second", 0, 59, 0, NULL, 0 };
static const struct unit unit_cron_month = { "month", 1, 12, 0, month_names, 12 };
static const struct unit unit_cron_weekday = { "weekday", 0, 7, 0, day_names, 7 };

/*
 * start, stop  both included
 * step         at least 1
 * is_open      the text names no stop, and a step
 */
struct range {
	int start;
	int stop;
	int step;
	bool is_open;
};

static void
field_add(struct calendar_field *field, const struct unit *unit, struct range range)
{
	for (int value = range.start; value <= range.stop; value += range.step) {
		unsigned bit = (unsigned)(value - unit->base);

		field->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
}

static void
field_fill(struct calendar_field *field, const struct unit *unit)
{
	field_add(field, unit, (struct range){ unit->min, unit->max, 1, false });
}

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

__attribute__((format(printf, 2, 3))) static int
refuse(struct calendar_error *ret_error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(ret_error->text, sizeof(ret_error->text), format, ap); /* cut is fine */
	va_end(ap);
	return -EINVAL;
}

/* ---- values, ranges, lists ---- */

/* A name of a value: all of it, or its first three letters. */
static bool
read_name(const char **at, const struct unit *unit, int *ret_value)
{
	size_t len = 0;

	while (isalpha((unsigned char)(*at)[len])) {
		len++;
	}
	for (int i = 0; i < unit->n_names; i++) {
		if ((len == 3 || len == strlen(unit->names[i])) &&
			strncasecmp(*at, unit->names[i], len) == 0) {
			*at += len;
			*ret_value = unit->min + i;
			return true;
		}
	}
	return false;
}

static int
read_value(
	const char **at, const struct unit *unit, int *ret_value, struct calendar_error *ret_error)
{
	const char *begin = *at;
	int value = 0;

	if (read_name(at, unit, ret_value)) {
		return 0;
	}
	while (isdigit((unsigned char)**at) && *at - begin < 6) {
		value = value * 10 + (*(*at)++ - '0');
	}
	if (*at == begin) {
		return refuse(ret_error, "a %s is wanted at \"%s\"", unit->name, begin);
	}
	if (unit == &unit_year && value < 100) {
		value += value < 70 ? 2000 : 1900;
	}
	if (value < unit->min || value > unit->max) {
		return refuse(ret_error, "%.*s is no %s: %d to %d", (int)(*at - begin), begin,
			unit->name, unit->min, unit->max);
	}
	*ret_value = value;
	return 0;
}

static int
read_step(const char **at, int *ret_step, struct calendar_error *ret_error)
{
	const char *begin = ++*at; /* behind the slash */

	*ret_step = 0;
	while (isdigit((unsigned char)**at) && *at - begin < 4) {
		*ret_step = *ret_step * 10 + (*(*at)++ - '0');
	}
	if (*ret_step == 0) {
		return refuse(ret_error, "a step of at least 1 is wanted at \"%s\"", begin - 1);
	}
	return 0;
}

/* @dots: what stands between the ends of a range. */
static int
read_range(const char **at, const struct unit *unit, const char *dots, struct range *ret_range,
	struct calendar_error *ret_error)
{
	bool is_single;
	int r;

	r = read_value(at, unit, &ret_range->start, ret_error);
	if (r < 0) {
		return r;
	}
	ret_range->stop = ret_range->start;
	ret_range->step = 1;
	is_single = strncmp(*at, dots, strlen(dots)) != 0;
	if (!is_single) {
		*at += strlen(dots);
		r = read_value(at, unit, &ret_range->stop, ret_error);
		if (r < 0) {
			return r;
		}
	}
	if (ret_range->stop < ret_range->start) {
		return refuse(ret_error, "a range of %ss goes upwards: %d%s%d", unit->name,
			ret_range->stop, dots, ret_range->start);
	}
	ret_range->is_open = is_single && **at == '/';
	return **at == '/' ? read_step(at, &ret_range->step, ret_error) : 0;
}

/* ---- calendar events ---- */

/* A step without an end goes on to the last value; of days from the end of the month, down to the last day. */
static int
close_range(struct range *range, const struct unit *unit, bool is_from_end,
	struct calendar_error *ret_error)
{
	if (range->is_open && is_from_end) {
		range->stop = range->start;
		range->start -= (range->start - 1) / range->step * range->step;
	} else if (range->is_open) {
		range->stop = unit->max;
	}
	if (range->is_open && range->stop - range->start < range->step) {
		return refuse(ret_error, "a step of %d leads beyond the last %s", range->step,
			unit->name);
	}
	return 0;
}

static int
read_list(const char **at, const struct unit *unit, bool is_from_end,
	struct calendar_field *ret_field, struct calendar_error *ret_error)
{
	struct range range;
	int r;

	if (**at == '*') {
		++*at;
		if (**at == '/') {
			return refuse(ret_error,
				"a step wants a beginning: write \"%d%s\" in place of \"*%s\"",
				unit->min, *at, *at);
		}
		field_fill(ret_field, unit);
		return 0;
	}
	for (;;) {
		r = read_range(at, unit, "..", &range, ret_error);
		if (r == 0) {
			r = close_range(&range, unit, is_from_end, ret_error);
		}
		if (r < 0) {
			return r;
		}
		field_add(ret_field, unit, range);
		if (**at != ',') {
			return 0;
		}
		++*at;
	}
}

static int
expect_end(const char *at, const char *what, struct calendar_error *ret_error)
{
	return *at == '\0' ? 0 : refuse(ret_error, "\"%s\" does not belong to a %s", at, what);
}

/* "*-12-24", "12-24", "*-02~03" */
static int
read_date(const char *text, struct calendar *calendar, struct calendar_error *ret_error)
{
	const char *at = text;
	size_t n_parts = 1;
	bool is_from_end;
	int r;

	for (const char *c = text; *c; c++) {
		n_parts += *c == '-' || *c == '~';
	}
	if (n_parts < 2 || n_parts > 3) {
		return refuse(ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
	}
	if (n_parts == 3) {
		r = read_list(&at, &unit_year, false, &calendar->years, ret_error);
		if (r < 0) {
			return r;
		}
		if (*at++ != '-') {
			return refuse(ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
		}
	} else {
		field_fill(&calendar->years, &unit_year);
	}
	r = read_list(&at, &unit_month, false, &calendar->months, ret_error);
	if (r < 0) {
		return r;
	}
	is_from_end = *at == '~';
	if (*at != '-' && !is_from_end) {
		return refuse(ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
	}
	at++;
	r = read_list(&at, &unit_day, is_from_end,
		is_from_end ? &calendar->days_from_end : &calendar->days, ret_error);
	return r < 0 ? r : expect_end(at, "date", ret_error);
}

/* "02:30", "*:0/15:00" */
static int
read_time(const char *text, struct calendar *calendar, struct calendar_error *ret_error)
{
	const char *at = text;
	int r = read_list(&at, &unit_hour, false, &calendar->hours, ret_error);

	if (r < 0) {
		return r;
	}
	if (*at++ != ':') {
		return refuse(ret_error, "\"%s\" is no time such as \"02:30\"", text);
	}
	r = read_list(&at, &unit_minute, false, &calendar->minutes, ret_error);
	if (r < 0) {
		return r;
	}
	if (*at != ':') {
		field_add(&calendar->seconds, &unit_second, (struct range){ 0, 0, 1, false });
		return expect_end(at, "time", ret_error);
	}
	at++;
	r = read_list(&at, &unit_second, false, &calendar->seconds, ret_error);
	if (r == 0 && *at == '.') {
		return refuse(ret_error, "a schedule has no fractions of seconds");
	}
	return r < 0 ? r : expect_end(at, "time", ret_error);
}

/* From Monday to Sunday, as systemd counts a week. */
static int
weekday_place(int weekday)
{
	return (weekday + 6) % 7;
}

static int
read_weekday(const char **at, int *ret_weekday, struct calendar_error *ret_error)
{
	const struct unit names = { "weekday", 0, 6, 0, day_names, 7 };

	if (!isalpha((unsigned char)**at) || !read_name(at, &names, ret_weekday)) {
		return refuse(ret_error, "a weekday such as \"Mon\" is wanted at \"%s\"", *at);
	}
	return 0;
}

/* "Mon..Fri,Sun"; a range may have "-", too, and the list a comma at its end. */
static int
read_weekdays(const char *text, struct calendar *calendar, struct calendar_error *ret_error)
{
	const char *at = text;
	int first = 0;
	int last = 0;
	int r;

	while (*at) {
		r = read_weekday(&at, &first, ret_error);
		if (r < 0) {
			return r;
		}
		last = first;
		if (strncmp(at, "..", 2) == 0 || *at == '-') {
			at += *at == '-' ? 1 : 2;
			r = read_weekday(&at, &last, ret_error);
			if (r < 0) {
				return r;
			}
		}
		if (weekday_place(last) < weekday_place(first)) {
			return refuse(ret_error,
				"a range of weekdays lies within a week that begins with Monday: "
				"\"%s\"",
				text);
		}
		for (int i = weekday_place(first); i <= weekday_place(last); i++) {
			calendar->weekdays.bits[0] |= UINT64_C(1) << ((i + 1) % 7);
		}
		if (*at == ',') {
			at++;
		} else if (*at) {
			return expect_end(at, "list of weekdays", ret_error);
		}
	}
	return 0;
}

/* What a shorthand stands for; NULL: it is none. */
static const char *
long_form(const char *text)
{
	static const struct {
		const char *word;
		const char *means;
	} words[] = {
		{ "minutely", "*-*-* *:*:00" },
		{ "hourly", "*-*-* *:00:00" },
		{ "daily", "*-*-* 00:00:00" },
		{ "weekly", "Mon *-*-* 00:00:00" },
		{ "monthly", "*-*-01 00:00:00" },
		{ "quarterly", "*-01,04,07,10-01 00:00:00" },
		{ "semiannually", "*-01,07-01 00:00:00" },
		{ "semi-annually", "*-01,07-01 00:00:00" },
		{ "biannually", "*-01,07-01 00:00:00" },
		{ "bi-annually", "*-01,07-01 00:00:00" },
		{ "yearly", "*-01-01 00:00:00" },
		{ "annually", "*-01-01 00:00:00" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			return words[i].means;
		}
	}
	return NULL;
}

/* Whether a word may be the name of a zone: it is the last of several, and neither a date nor a time. */
static bool
is_zone(const char *word)
{
	return isalpha((unsigned char)*word) && !strchr(word, ':');
}

/* One of at most three words before the zone. */
static int
read_word(const char *word, struct calendar *calendar, unsigned *place,
	struct calendar_error *ret_error)
{
	enum {
		WEEKDAYS = 1,
		DATE,
		TIME
	};
	unsigned here = strchr(word, ':') ? TIME : isalpha((unsigned char)*word) ? WEEKDAYS : DATE;

	if (here <= *place) {
		return refuse(ret_error,
			"\"%s\" stands at the wrong place: weekdays, date, time and zone, in this "
			"order",
			word);
	}
	*place = here;
	switch (here) {
	case WEEKDAYS:
		return read_weekdays(word, calendar, ret_error);
	case DATE:
		return read_date(word, calendar, ret_error);
	default:
		return read_time(word, calendar, ret_error);
	}
}

static bool
is_empty(const struct calendar_field *field)
{
	return field_from(field, 0) < 0;
}

static void
fill_unsaid(struct calendar *calendar)
{
	if (is_empty(&calendar->weekdays)) {
		calendar->weekdays.bits[0] = 0x7f;
	}
	if (is_empty(&calendar->months)) {
		field_fill(&calendar->years, &unit_year);
		field_fill(&calendar->months, &unit_month);
		field_fill(&calendar->days, &unit_day);
	}
	if (is_empty(&calendar->hours)) {
		calendar->hours.bits[0] = calendar->minutes.bits[0] = calendar->seconds.bits[0] = 1;
	}
}

int
calendar_parse(const char *text, struct calendar *ret_calendar, char *ret_zone,
	struct calendar_error *ret_error)
{
	char words[256];
	char *rest = words;
	char *zone;
	unsigned place = 0;
	int r;

	*ret_calendar = (struct calendar){ .either_day = false };
	*ret_zone = '\0';
	if (strlen(text) >= sizeof(words)) {
		return refuse(ret_error, "a calendar event has less than %zu bytes", sizeof(words));
	}
	if (*text == '@') {
		return refuse(ret_error, "a single point of time is no schedule");
	}
	(void)strcpy(words, text); /* it fits */
	zone = strrchr(words, ' ');
	if (zone && is_zone(zone + 1)) {
		*zone++ = '\0';
		if (strlen(zone) >= CALENDAR_ZONE_CAP) {
			return refuse(ret_error, "\"%s\" is no time zone", zone);
		}
		(void)strcpy(ret_zone, zone); /* it fits */
	}
	if (long_form(words)) {
		(void)strcpy(words, long_form(words)); /* the longest one fits */
	}
	if (*words == '\0') {
		return refuse(ret_error, "empty; a calendar event is such as \"Mon..Fri 02:30\"");
	}
	while (rest) {
		r = read_word(strsep(&rest, " "), ret_calendar, &place, ret_error);
		if (r < 0) {
			return r;
		}
	}
	fill_unsaid(ret_calendar);
	return 0;
}

/* ---- cron ---- */

static int
read_cron_list(const char *text, const struct unit *unit, struct calendar_field *ret_field,
	struct calendar_error *ret_error)
{
	const char *at = text;
	int r;

	for (;;) {
		struct range range = { unit->min, unit->max, 1, false };

		if (*at == '*') {
			at++;
			r = *at == '/' ? read_step(&at, &range.step, ret_error) : 0;
		} else {
			r = read_range(&at, unit, "-", &range, ret_error);
			range.stop = range.is_open ? unit->max : range.stop;
		}
		if (r < 0) {
			return r;
		}
		field_add(ret_field, unit, range);
		if (*at != ',') {
			return expect_end(at, unit->name, ret_error);
		}
		at++;
	}
}

static const char *
cron_long_form(const char *text)
{
	static const char *const words[][2] = {
		{ "@hourly", "0 * * * *" },
		{ "@daily", "0 0 * * *" },
		{ "@midnight", "0 0 * * *" },
		{ "@weekly", "0 0 * * 0" },
		{ "@monthly", "0 0 1 * *" },
		{ "@yearly", "0 0 1 1 *" },
		{ "@annually", "0 0 1 1 *" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i][0]) == 0) {
			return words[i][1];
		}
	}
	return text;
}

/* Cuts at blanks; more words than @max count as @max + 1. */
static size_t
split(char *text, char **words, size_t max)
{
	size_t n = 0;

	for (char *word; (word = strsep(&text, " \t"));) {
		if (*word == '\0') {
			continue;
		}
		if (n == max) {
			return max + 1;
		}
		words[n++] = word;
	}
	return n;
}

int
calendar_parse_cron(
	const char *text, struct calendar *ret_calendar, struct calendar_error *ret_error)
{
	struct calendar *calendar = ret_calendar;
	const struct {
		const struct unit *unit;
		struct calendar_field *field;
	} parts[] = {
		{ &unit_minute, &calendar->minutes },
		{ &unit_hour, &calendar->hours },
		{ &unit_day, &calendar->days },
		{ &unit_cron_month, &calendar->months },
		{ &unit_cron_weekday, &calendar->weekdays },
	};
	char copy[256];
	char *words[5];
	int r;

	*calendar = (struct calendar){ .either_day = false };
	if (strlen(text) >= sizeof(copy)) {
		return refuse(ret_error, "a cron schedule has less than %zu bytes", sizeof(copy));
	}
	(void)strcpy(copy, cron_long_form(text)); /* it fits */
	if (split(copy, words, 5) != 5) {
		return refuse(ret_error,
			"five fields are wanted, minute, hour, day, month and weekday, such as "
			"\"*/5 * * * *\"");
	}
	for (size_t i = 0; i < 5; i++) {
		r = read_cron_list(words[i], parts[i].unit, parts[i].field, ret_error);
		if (r < 0) {
			return r;
		}
	}
	calendar->weekdays.bits[0] |= calendar->weekdays.bits[0] >> 7 & 1;
	calendar->either_day = words[2][0] != '*' && words[4][0] != '*';
	calendar->seconds.bits[0] = 1;
	field_fill(&calendar->years, &unit_year);
	return 0;
}

/* ---- the search ---- */

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
