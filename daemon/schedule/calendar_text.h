/* SPDX-License-Identifier: MIT */
/*
 * What the two languages of calendars have in common (calendar_event.c, calendar_cron.c): units, values and
 * ranges of them, and the fields they become.
 */
#pragma once

#include "daemon/schedule/calendar.h"

/*
 * name, min, max   what the values mean, for messages; both limits included
 * base             of the value that is bit 0
 * names            of the values from @min on, NULL: none; their first three letters are enough
 */
struct calendar_unit {
	const char *name;
	int min;
	int max;
	int base;
	const char *const *names;
	int n_names;
};

extern const char *const calendar_day_names[7]; /* from Sunday on */

extern const struct calendar_unit calendar_year;
extern const struct calendar_unit calendar_month;
extern const struct calendar_unit calendar_day;
extern const struct calendar_unit calendar_hour;
extern const struct calendar_unit calendar_minute;
extern const struct calendar_unit calendar_second;

/*
 * start, stop  both included
 * step         at least 1
 * is_open      the text names no stop, and a step
 */
struct calendar_range {
	int start;
	int stop;
	int step;
	bool is_open;
};

/* calendar_refuse() - say what is wrong. -EINVAL */
int calendar_refuse(struct calendar_error *ret_error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* calendar_field_add() - the values of a range match */
void calendar_field_add(struct calendar_field *field, const struct calendar_unit *unit,
	struct calendar_range range);

/* calendar_field_fill() - all values match */
void calendar_field_fill(struct calendar_field *field, const struct calendar_unit *unit);

/* calendar_read_name() - a name of a value: all of it, or its first three letters; whether there is one at @at */
bool calendar_read_name(const char **at, const struct calendar_unit *unit, int *ret_value);

/* calendar_read_step() - @at: the slash. 0 or -EINVAL */
int calendar_read_step(const char **at, int *ret_step, struct calendar_error *ret_error);

/*
 * calendar_read_range() - one value or two, and maybe a step. 0 or -EINVAL
 * @dots: what stands between the two
 */
int calendar_read_range(const char **at, const struct calendar_unit *unit, const char *dots,
	struct calendar_range *ret_range, struct calendar_error *ret_error);

/* calendar_expect_end() - nothing follows; @what: of what this is the end. 0 or -EINVAL */
int calendar_expect_end(const char *at, const char *what, struct calendar_error *ret_error);
