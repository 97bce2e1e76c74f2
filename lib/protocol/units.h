/* SPDX-License-Identifier: MIT */
/*
 * Durations, sizes and rates as people write them. A number without a unit is refused: "30" has
 * been read as seconds, milliseconds and minutes by three programs that were asked to wait.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UNITS_NS_PER_MS  INT64_C(1000000)
#define UNITS_NS_PER_S   INT64_C(1000000000)
#define UNITS_NS_PER_DAY (86400 * UNITS_NS_PER_S)

/* Room for what the format functions write, NUL included. */
#define UNITS_TEXT_MAX 40

/* count  0 = no rate; per_ns  length of the period */
struct rate {
	uint32_t count;
	int64_t per_ns;
};

/**
 * duration_parse() - read "250ms", "5s", "1m30s", "2h", "7d"
 * @text:    @len bytes
 * @ret_ns:  nanoseconds, 0 or more
 * @ret_why: on failure, static text that says what is wrong and what would be right
 *
 * Shape:   digits and a unit (ns, us, ms, s, m, h, d), several from large to small, each unit once;
 *          no sign, no fraction, no space
 * Units:   nanoseconds
 * Errors:  -EINVAL  not of that shape
 *          -ERANGE  more than fits 63 bits
 * Source:  Go time.ParseDuration, without signs and fractions
 *
 * Return: 0, or a negative error code from the list.
 */
int duration_parse(const char *text, size_t len, int64_t *ret_ns, const char **ret_why);

/**
 * size_parse() - read "512B", "64KiB", "10MiB", "1GiB", "2TiB"
 *
 * Shape:   digits and one unit; "64K", "64KB" and a bare number are refused, they mean two things
 * Units:   bytes
 * Errors:  -EINVAL  not of that shape
 *          -ERANGE  more than fits 63 bits
 *
 * Return: 0, or a negative error code from the list; *@ret_why as duration_parse().
 */
int size_parse(const char *text, size_t len, int64_t *ret_bytes, const char **ret_why);

/**
 * rate_parse() - read "10/s", "600/m", "5/h"
 *
 * Shape:   a number from 1 to 2^32-1, a slash, one of s, m, h
 * Errors:  -EINVAL  not of that shape
 *          -ERANGE  more than 32 bits
 *
 * Return: 0, or a negative error code from the list; *@ret_why as duration_parse().
 */
int rate_parse(const char *text, size_t len, struct rate *ret_rate, const char **ret_why);

/*
 * The way back, exact: parsing the text gives the number again. @out has UNITS_TEXT_MAX bytes;
 * returned.
 */
const char *duration_format(int64_t ns, char *out);
const char *size_format(int64_t bytes, char *out);
