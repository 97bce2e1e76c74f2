/* SPDX-License-Identifier: MIT */
/*
 * Calendar events, as systemd.time(7) has them. A text is cut into weekdays, date, time and zone by what they contain;
 * each part of a date or time is a list of values, ranges and steps. What is not said is all days, or midnight.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "daemon/schedule/calendar_text.h"
#include "lib/base/cleanup.h"

/* A step without an end goes on to the last value; of days from the end of the month, down to the last day. */
static int
end_range(struct calendar_range *range, const struct calendar_unit *unit, bool is_from_end,
	struct calendar_error *ret_error)
{
	if (range->is_open && is_from_end) {
		range->stop = range->start;
		range->start -= (range->start - 1) / range->step * range->step;
	} else if (range->is_open) {
		range->stop = unit->max;
	}
	if (range->is_open && range->stop - range->start < range->step) {
		return calendar_refuse(ret_error, "a step of %d leads beyond the last %s",
			range->step, unit->name);
	}
	return 0;
}

static int
read_list(const char **at, const struct calendar_unit *unit, bool is_from_end,
	struct calendar_field *ret_field, struct calendar_error *ret_error)
{
	struct calendar_range range;
	int r;

	if (**at == '*') {
		++*at;
		if (**at == '/') {
			return calendar_refuse(ret_error,
				"a step wants a beginning: write \"%d%s\" in place of \"*%s\"",
				unit->min, *at, *at);
		}
		calendar_field_fill(ret_field, unit);
		return 0;
	}
	for (;;) {
		r = calendar_read_range(at, unit, "..", &range, ret_error);
		if (r == 0) {
			r = end_range(&range, unit, is_from_end, ret_error);
		}
		if (r < 0) {
			return r;
		}
		calendar_field_add(ret_field, unit, range);
		if (**at != ',') {
			return 0;
		}
		++*at;
	}
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
		return calendar_refuse(ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
	}
	if (n_parts == 3) {
		r = read_list(&at, &calendar_year, false, &calendar->years, ret_error);
		if (r < 0) {
			return r;
		}
		if (*at++ != '-') {
			return calendar_refuse(
				ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
		}
	} else {
		calendar_field_fill(&calendar->years, &calendar_year);
	}
	r = read_list(&at, &calendar_month, false, &calendar->months, ret_error);
	if (r < 0) {
		return r;
	}
	is_from_end = *at == '~';
	if (*at != '-' && !is_from_end) {
		return calendar_refuse(ret_error, "\"%s\" is no date such as \"*-12-24\"", text);
	}
	at++;
	r = read_list(&at, &calendar_day, is_from_end,
		is_from_end ? &calendar->days_from_end : &calendar->days, ret_error);
	return r < 0 ? r : calendar_expect_end(at, "date", ret_error);
}

/* "02:30", "*:0/15:00" */
static int
read_time(const char *text, struct calendar *calendar, struct calendar_error *ret_error)
{
	const char *at = text;
	int r = read_list(&at, &calendar_hour, false, &calendar->hours, ret_error);

	if (r < 0) {
		return r;
	}
	if (*at++ != ':') {
		return calendar_refuse(ret_error, "\"%s\" is no time such as \"02:30\"", text);
	}
	r = read_list(&at, &calendar_minute, false, &calendar->minutes, ret_error);
	if (r < 0) {
		return r;
	}
	if (*at != ':') {
		calendar_field_add(&calendar->seconds, &calendar_second,
			(struct calendar_range){ 0, 0, 1, false });
		return calendar_expect_end(at, "time", ret_error);
	}
	at++;
	r = read_list(&at, &calendar_second, false, &calendar->seconds, ret_error);
	if (r == 0 && *at == '.') {
		return calendar_refuse(ret_error, "a schedule has no fractions of seconds");
	}
	return r < 0 ? r : calendar_expect_end(at, "time", ret_error);
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
	const struct calendar_unit names = { "weekday", 0, 6, 0, calendar_day_names, 7 };

	if (!isalpha((unsigned char)**at) || !calendar_read_name(at, &names, ret_weekday)) {
		return calendar_refuse(
			ret_error, "a weekday such as \"Mon\" is wanted at \"%s\"", *at);
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
			return calendar_refuse(ret_error,
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
			return calendar_expect_end(at, "list of weekdays", ret_error);
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

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
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
		return calendar_refuse(ret_error,
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
	return (field->bits[0] | field->bits[1] | field->bits[2] | field->bits[3]) == 0;
}

static void
fill_unsaid(struct calendar *calendar)
{
	if (is_empty(&calendar->weekdays)) {
		calendar->weekdays.bits[0] = 0x7f;
	}
	if (is_empty(&calendar->months)) {
		calendar_field_fill(&calendar->years, &calendar_year);
		calendar_field_fill(&calendar->months, &calendar_month);
		calendar_field_fill(&calendar->days, &calendar_day);
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
		return calendar_refuse(
			ret_error, "a calendar event has less than %zu bytes", sizeof(words));
	}
	if (*text == '@') {
		return calendar_refuse(ret_error, "a single point of time is no schedule");
	}
	(void)strcpy(words, text); /* it fits */
	zone = strrchr(words, ' ');
	if (zone && is_zone(zone + 1)) {
		*zone++ = '\0';
		if (strlen(zone) >= CALENDAR_ZONE_CAP) {
			return calendar_refuse(ret_error, "\"%s\" is no time zone", zone);
		}
		(void)strcpy(ret_zone, zone); /* it fits */
	}
	if (long_form(words)) {
		(void)strcpy(words, long_form(words)); /* the longest one fits */
	}
	if (*words == '\0') {
		return calendar_refuse(
			ret_error, "empty; a calendar event is such as \"Mon..Fri 02:30\"");
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
