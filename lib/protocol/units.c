/* SPDX-License-Identifier: MIT */
#include "lib/protocol/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define NO_UNIT  "a number needs a unit, such as 250ms, 5s or 1m30s"
#define NO_SHAPE "a duration looks like 250ms, 5s, 1m30s or 2h"
#define NO_SIZE  "a size looks like 512B, 64KiB or 10MiB"
#define NO_RATE  "a rate looks like 10/s, 600/m or 5/h"

struct unit {
	const char *name;
	int64_t factor;
};

/* From large to small, the order in which a duration names them. */
static const struct unit duration_units[] = {
	{ "d", UNITS_NS_PER_DAY },
	{ "h", 3600 * UNITS_NS_PER_S },
	{ "m", 60 * UNITS_NS_PER_S },
	{ "s", UNITS_NS_PER_S },
	{ "ms", UNITS_NS_PER_MS },
	{ "us", 1000 },
	{ "ns", 1 },
};

static const struct unit size_units[] = {
	{ "TiB", INT64_C(1) << 40 },
	{ "GiB", INT64_C(1) << 30 },
	{ "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 },
	{ "B", 1 },
};

static const struct unit rate_units[] = {
	{ "h", 3600 * UNITS_NS_PER_S },
	{ "m", 60 * UNITS_NS_PER_S },
	{ "s", UNITS_NS_PER_S },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
fail(int error, const char *why, const char **ret_why)
{
	*ret_why = why;
	return error;
}

/* The number at *@at, which moves behind it: 0, -EINVAL without digits, -ERANGE beyond 63 bits. */
static int
take_number(const char **at, const char *end, int64_t *ret_number)
{
	int64_t number = 0;

	if (*at == end || !is_digit(**at)) {
		return -EINVAL;
	}
	while (*at < end && is_digit(**at)) {
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, **at - '0', &number)) {
			return -ERANGE;
		}
		(*at)++;
	}
	*ret_number = number;
	return 0;
}

/* The index of the unit whose name stands at *@at, which moves behind it; @n when there is none. */
static size_t
take_unit(const char **at, const char *end, const struct unit *units, size_t n)
{
	const char *name = *at;
	size_t i;

	while (*at < end && is_letter(**at)) {
		(*at)++;
	}
	for (i = 0; i < n; i++) {
		if (strlen(units[i].name) == (size_t)(*at - name) &&
			memcmp(units[i].name, name, (size_t)(*at - name)) == 0) {
			return i;
		}
	}
	return n;
}

/*
 * What is wrong with a text that does not begin with a digit, or stops where digits were expected.
 */
static const char *
why_no_number(const char *at, const char *end, const char *shape)
{
	if (at < end && *at == '-') {
		return "must not be negative";
	}
	if (at < end && (*at == '.' || *at == ',')) {
		return "fractions are not understood: use the next smaller unit";
	}
	if (at < end && *at == ' ') {
		return "must not contain spaces";
	}
	return shape;
}

int
duration_parse(const char *text, size_t len, int64_t *ret_ns, const char **ret_why)
{
	const char *at = text;
	const char *end = text + len;
	int64_t sum = 0;
	size_t first_allowed = 0;

	do {
		int64_t number;
		size_t unit;
		int r;

		r = take_number(&at, end, &number);
		if (r == -ERANGE) {
			return fail(r, "too large", ret_why);
		}
		if (r < 0) {
			return fail(r, why_no_number(at, end, NO_SHAPE), ret_why);
		}
		if (at == end) {
			return fail(-EINVAL, NO_UNIT, ret_why);
		}
		if (!is_letter(*at)) {
			return fail(-EINVAL, why_no_number(at, end, NO_SHAPE), ret_why);
		}
		unit = take_unit(&at, end, duration_units, ARRAY_LEN(duration_units));
		if (unit == ARRAY_LEN(duration_units)) {
			return fail(-EINVAL, "the units are d, h, m, s, ms, us and ns", ret_why);
		}
		if (unit < first_allowed) {
			return fail(
				-EINVAL, "units go from large to small, each once: 1m30s", ret_why);
		}
		first_allowed = unit + 1;
		if (__builtin_mul_overflow(number, duration_units[unit].factor, &number) ||
			__builtin_add_overflow(sum, number, &sum)) {
			return fail(-ERANGE, "too large", ret_why);
		}
	} while (at < end);
	*ret_ns = sum;
	return 0;
}

int
size_parse(const char *text, size_t len, int64_t *ret_bytes, const char **ret_why)
{
	const char *at = text;
	const char *end = text + len;
	int64_t number;
	size_t unit;
	int r;

	r = take_number(&at, end, &number);
	if (r == -ERANGE) {
		return fail(r, "too large", ret_why);
	}
	if (r < 0) {
		return fail(r, why_no_number(at, end, NO_SIZE), ret_why);
	}
	if (at == end) {
		return fail(
			-EINVAL, "a number needs a unit, such as 512B, 64KiB or 10MiB", ret_why);
	}
	if (!is_letter(*at)) {
		return fail(-EINVAL, why_no_number(at, end, NO_SIZE), ret_why);
	}
	unit = take_unit(&at, end, size_units, ARRAY_LEN(size_units));
	if (unit == ARRAY_LEN(size_units) || at != end) {
		return fail(-EINVAL, "the units are B, KiB, MiB, GiB and TiB", ret_why);
	}
	if (__builtin_mul_overflow(number, size_units[unit].factor, &number)) {
		return fail(-ERANGE, "too large", ret_why);
	}
	*ret_bytes = number;
	return 0;
}

int
rate_parse(const char *text, size_t len, struct rate *ret_rate, const char **ret_why)
{
	const char *at = text;
	const char *end = text + len;
	int64_t number;
	size_t unit;
	int r;

	r = take_number(&at, end, &number);
	if (r == -ERANGE || (r == 0 && number > UINT32_MAX)) {
		return fail(-ERANGE, "too large", ret_why);
	}
	if (r < 0) {
		return fail(r, why_no_number(at, end, NO_RATE), ret_why);
	}
	if (at == end || *at != '/') {
		return fail(
			-EINVAL, at == end ? NO_RATE : why_no_number(at, end, NO_RATE), ret_why);
	}
	at++;
	unit = take_unit(&at, end, rate_units, ARRAY_LEN(rate_units));
	if (unit == ARRAY_LEN(rate_units) || at != end) {
		return fail(-EINVAL, "a rate is per s, m or h: 10/s", ret_why);
	}
	if (number == 0) {
		return fail(-EINVAL, "a rate is at least 1", ret_why);
	}
	*ret_rate = (struct rate){ (uint32_t)number, rate_units[unit].factor };
	return 0;
}

const char *
duration_format(int64_t ns, char *out)
{
	size_t used = 0;
	size_t i;

	if (ns == 0) {
		return strcpy(out, "0s");
	}
	for (i = 0; i < ARRAY_LEN(duration_units); i++) {
		int64_t count = ns / duration_units[i].factor;

		if (count > 0) {
			used += (size_t)snprintf(out + used, UNITS_TEXT_MAX - used, "%" PRId64 "%s",
				count, duration_units[i].name);
			ns %= duration_units[i].factor;
		}
	}
	return out;
}

const char *
size_format(int64_t bytes, char *out)
{
	size_t i = 0;

	while (bytes == 0 ? size_units[i].factor != 1 : bytes % size_units[i].factor != 0) {
		i++;
	}
	(void)snprintf(out, UNITS_TEXT_MAX, "%" PRId64 "%s", bytes / size_units[i].factor,
		size_units[i].name);
	return out;
}
