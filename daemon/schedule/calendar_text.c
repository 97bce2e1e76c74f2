/* SPDX-License-Identifier: MIT */
#include "daemon/schedule/calendar_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const calendar_day_names[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
	"Friday", "Saturday" };

const struct calendar_unit calendar_year = { "year", CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR,
	CALENDAR_FIRST_YEAR, NULL, 0 };
const struct calendar_unit calendar_month = { "month", 1, 12, 0, NULL, 0 };
const struct calendar_unit calendar_day = { "day", 1, 31, 0, NULL, 0 };
const struct calendar_unit calendar_hour = { "hour", 0, 23, 0, NULL, 0 };
const struct calendar_unit calendar_minute = { "minute", 0, 59, 0, NULL, 0 };
const struct calendar_unit calendar_second = { "second", 0, 59, 0, NULL, 0 };

int
calendar_refuse(struct calendar_error *ret_error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(ret_error->text, sizeof(ret_error->text), format, ap); /* cut is fine */
	va_end(ap);
	return -EINVAL;
}

void
calendar_field_add(
	struct calendar_field *field, const struct calendar_unit *unit, struct calendar_range range)
{
	for (int value = range.start; value <= range.stop; value += range.step) {
		unsigned bit = (unsigned)(value - unit->base);

		field->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
}

void
calendar_field_fill(struct calendar_field *field, const struct calendar_unit *unit)
{
	calendar_field_add(field, unit, (struct calendar_range){ unit->min, unit->max, 1, false });
}

bool
calendar_read_name(const char **at, const struct calendar_unit *unit, int *ret_value)
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
read_value(const char **at, const struct calendar_unit *unit, int *ret_value,
	struct calendar_error *ret_error)
{
	const char *begin = *at;
	int value = 0;

	if (calendar_read_name(at, unit, ret_value)) {
		return 0;
	}
	while (isdigit((unsigned char)**at) && *at - begin < 6) {
		value = value * 10 + (*(*at)++ - '0');
	}
	if (*at == begin) {
		return calendar_refuse(ret_error, "a %s is wanted at \"%s\"", unit->name, begin);
	}
	if (unit == &calendar_year && value < 100) {
		value += value < 70 ? 2000 : 1900;
	}
	if (value < unit->min || value > unit->max) {
		return calendar_refuse(ret_error, "%.*s is no %s: %d to %d", (int)(*at - begin),
			begin, unit->name, unit->min, unit->max);
	}
	*ret_value = value;
	return 0;
}

int
calendar_read_step(const char **at, int *ret_step, struct calendar_error *ret_error)
{
	const char *begin = ++*at; /* behind the slash */

	*ret_step = 0;
	while (isdigit((unsigned char)**at) && *at - begin < 4) {
		*ret_step = *ret_step * 10 + (*(*at)++ - '0');
	}
	if (*ret_step == 0) {
		return calendar_refuse(
			ret_error, "a step of at least 1 is wanted at \"%s\"", begin - 1);
	}
	return 0;
}

int
calendar_read_range(const char **at, const struct calendar_unit *unit, const char *dots,
	struct calendar_range *ret_range, struct calendar_error *ret_error)
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
		return calendar_refuse(ret_error, "a range of %ss goes upwards: %d%s%d", unit->name,
			ret_range->stop, dots, ret_range->start);
	}
	ret_range->is_open = is_single && **at == '/';
	return **at == '/' ? calendar_read_step(at, &ret_range->step, ret_error) : 0;
}

int
calendar_expect_end(const char *at, const char *what, struct calendar_error *ret_error)
{
	return *at == '\0' ? 0
			   : calendar_refuse(ret_error, "\"%s\" does not belong to a %s", at, what);
}
