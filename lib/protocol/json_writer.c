/* SPDX-License-Identifier: MIT */
#include "lib/protocol/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/protocol/utf8.h"

#define SECONDS_PER_DAY 86400

static void
write_raw(struct json_writer *w, const char *text, size_t len)
{
	char *at = json_begin_value(w, len);

	if (at) {
		memcpy(at, text, len);
		json_end_value(w, at + len);
	}
}

void
json_begin_object(struct json_writer *w)
{
	write_raw(w, "{", 1);
	w->comma = false;
}

void
json_end_object(struct json_writer *w)
{
	buffer_putc(w->out, '}');
	w->comma = true;
}

void
json_begin_array(struct json_writer *w)
{
	write_raw(w, "[", 1);
	w->comma = false;
}

void
json_end_array(struct json_writer *w)
{
	buffer_putc(w->out, ']');
	w->comma = true;
}

void
json_end_line(struct json_writer *w)
{
	buffer_putc(w->out, '\n');
	w->comma = false;
}

void
json_write_name(struct json_writer *w, const char *name, size_t len)
{
	char *at = json_begin_value(w, len + 3);

	if (at) {
		*at++ = '"';
		memcpy(at, name, len);
		at += len;
		*at++ = '"';
		*at++ = ':';
		json_end_value(w, at);
	}
	w->comma = false;
}

void
json_write_name_bytes(struct json_writer *w, const char *name, size_t len)
{
	json_write_bytes(w, name, len);
	buffer_putc(w->out, ':');
	w->comma = false;
}

void
json_write_null(struct json_writer *w)
{
	write_raw(w, "null", 4);
}

void
json_write_bool(struct json_writer *w, bool value)
{
	write_raw(w, value ? "true" : "false", value ? 4 : 5);
}

/* The decimal digits of @value at @at; returns the place behind them. At most 20 bytes. */
static char *
put_digits(char *at, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0) {
		*at++ = digits[--n];
	}
	return at;
}

void
json_write_uint(struct json_writer *w, uint64_t value)
{
	char *at = json_begin_value(w, 20);

	if (at) {
		json_end_value(w, put_digits(at, value));
	}
}

void
json_write_int(struct json_writer *w, int64_t value)
{
	char *at = json_begin_value(w, 21);

	if (!at) {
		return;
	}
	if (value < 0) {
		*at++ = '-';
	}
	json_end_value(w, put_digits(at, value < 0 ? -(uint64_t)value : (uint64_t)value));
}

void
json_write_real(struct json_writer *w, double value)
{
	char text[32];
	char *comma;
	int digits;

	if (!isfinite(value)) {
		json_write_null(w);
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value) {
			break;
		}
	}
	comma = strchr(text, ','); /* a client may run in a locale */
	if (comma) {
		*comma = '.';
	}
	write_raw(w, text, strlen(text));
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/*
 * Eight at a time: without a high bit in any, a byte that is less than another borrows from its
 * own high bit when that is subtracted. One that is not plain may make its neighbour look so, too.
 */
static bool
are_eight_plain(const char *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t bytes;

	memcpy(&bytes, text, sizeof(bytes));
	return ((bytes | (bytes - ones * 0x20) | ((bytes ^ ones * '"') - ones) |
			((bytes ^ ones * '\\') - ones)) &
		       ones * 0x80) == 0;
}

static size_t
count_plain(const char *text, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(uint64_t) && are_eight_plain(text + n)) {
		n += sizeof(uint64_t);
	}
	if (n > 0 && len - n < sizeof(uint64_t) && are_eight_plain(text + len - sizeof(uint64_t))) {
		return len; /* what was left, and some before it once more */
	}
	while (n < len && is_plain((unsigned char)text[n])) {
		n++;
	}
	return n;
}

/* The character at @text that is not plain, escaped or repaired; returns how many bytes it had. */
static size_t
write_special(struct json_writer *w, const char *text, size_t len)
{
	static const char letters[] = "\b\f\n\r\t\"\\";
	static const char escapes[] = "bfnrt\"\\";
	unsigned char c = (unsigned char)*text;
	const char *letter;
	size_t n;

	if (c >= 0x80) {
		n = utf8_sequence(text, len);
		buffer_append(w->out, n ? text : "\xef\xbf\xbd", n ? n : 3);
		return n ? n : 1;
	}
	letter = c ? strchr(letters, c) : NULL;
	if (letter) {
		buffer_putc(w->out, '\\');
		buffer_putc(w->out, escapes[letter - letters]);
	} else {
		buffer_printf(w->out, "\\u%04x", c);
	}
	return 1;
}

void
json_write_bytes(struct json_writer *w, const char *text, size_t len)
{
	size_t i = count_plain(text, len);
	char *at = json_begin_value(w, len + 2);

	if (!at) {
		return;
	}
	*at++ = '"';
	memcpy(at, text, i);
	json_end_value(w, at + i);
	while (i < len) {
		size_t n;

		i += write_special(w, text + i, len - i);
		n = count_plain(text + i, len - i);
		buffer_append(w->out, text + i, n);
		i += n;
	}
	buffer_putc(w->out, '"');
}

void
json_write_base64(struct json_writer *w, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = data;
	char *at = json_begin_value(w, len / 3 * 4 + 6);
	size_t i;

	if (!at) {
		return;
	}
	*at++ = '"';
	for (i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned int group = (unsigned int)from[i] << 16;

		group |= left > 1 ? (unsigned int)from[i + 1] << 8 : 0;
		group |= left > 2 ? from[i + 2] : 0;
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[group & 63] : '=';
	}
	*at++ = '"';
	json_end_value(w, at);
}

void
json_write_ms(struct json_writer *w, int64_t ns)
{
	uint64_t us;
	char *at;

	if (ns < 0) {
		json_write_null(w);
		return;
	}
	us = (uint64_t)ns / 1000 + (ns % 1000 >= 500);
	at = json_begin_value(w, 24);
	if (!at) {
		return;
	}
	at = put_digits(at, us / 1000);
	*at++ = '.';
	*at++ = (char)('0' + us / 100 % 10);
	if (us % 100 != 0) {
		*at++ = (char)('0' + us / 10 % 10);
	}
	if (us % 10 != 0) {
		*at++ = (char)('0' + us % 10);
	}
	json_end_value(w, at);
}

/*
 * The civil date of a day counted from 1970-01-01, in years that begin in March, so that the leap
 * day is the last one (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
static void
date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	*ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

void
json_write_time(struct json_writer *w, int64_t sec, int64_t nsec)
{
	int64_t days = sec / SECONDS_PER_DAY - (sec % SECONDS_PER_DAY < 0);
	int64_t left = sec - days * SECONDS_PER_DAY;
	char text[40];
	int year, month, day;
	int n;

	date_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999) { /* RFC 3339 has four digits for it */
		json_write_null(w);
		return;
	}
	n = snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", year, month,
		day, (int)(left / 3600), (int)(left / 60 % 60), (int)(left % 60),
		(int)(nsec / 1000000));
	write_raw(w, text, (size_t)n);
}
