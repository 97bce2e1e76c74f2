/* SPDX-License-Identifier: MIT */
/* Cron schedules, as crontab(5) has them: five lists of values, ranges and steps. */
#include <string.h>
#include <strings.h>

#include "daemon/schedule/calendar_text.h"
#include "lib/base/cleanup.h"

static const char *const month_names[] = { "January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December" };

static const struct calendar_unit unit_month = { "month", 1, 12, 0, month_names, 12 };
static const struct calendar_unit unit_weekday = { "weekday", 0, 7, 0, calendar_day_names, 7 };

static int
read_cron_list(const char *text, const struct calendar_unit *unit, struct calendar_field *ret_field,
	struct calendar_error *ret_error)
{
	const char *at = text;
	int r;

	for (;;) {
		struct calendar_range range = { unit->min, unit->max, 1, false };

		if (*at == '*') {
			at++;
			r = *at == '/' ? calendar_read_step(&at, &range.step, ret_error) : 0;
		} else {
			r = calendar_read_range(&at, unit, "-", &range, ret_error);
			range.stop = range.is_open ? unit->max : range.stop;
		}
		if (r < 0) {
			return r;
		}
		calendar_field_add(ret_field, unit, range);
		if (*at != ',') {
			return calendar_expect_end(at, unit->name, ret_error);
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

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
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
		const struct calendar_unit *unit;
		struct calendar_field *field;
	} parts[] = {
		{ &calendar_minute, &calendar->minutes },
		{ &calendar_hour, &calendar->hours },
		{ &calendar_day, &calendar->days },
		{ &unit_month, &calendar->months },
		{ &unit_weekday, &calendar->weekdays },
	};
	char copy[256];
	char *words[5];
	int r;

	*calendar = (struct calendar){ .either_day = false };
	if (strlen(text) >= sizeof(copy)) {
		return calendar_refuse(
			ret_error, "a cron schedule has less than %zu bytes", sizeof(copy));
	}
	(void)strcpy(copy, cron_long_form(text)); /* it fits */
	if (split(copy, words, 5) != 5) {
		return calendar_refuse(ret_error,
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
	calendar_field_fill(&calendar->years, &calendar_year);
	return 0;
}
