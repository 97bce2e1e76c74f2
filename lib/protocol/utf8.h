/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 as Unicode 15, table 3-7, defines it: no overlong forms, no surrogates, nothing over
 * U+10FFFF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

static inline bool
utf8_is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * utf8_sequence() - bytes of the character at the start of @text, or 0 when they are not UTF-8;
 * @len > 0
 */
static inline size_t
utf8_sequence(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80) {
		return 1;
	}
	if (s[0] < 0xc2 || len < 2 || !utf8_is_tail(s[1])) {
		return 0;
	}
	if (s[0] < 0xe0) {
		return 2;
	}
	if (len < 3 || !utf8_is_tail(s[2]) || (s[0] == 0xe0 && s[1] < 0xa0) ||
		(s[0] == 0xed && s[1] > 0x9f)) {
		return 0;
	}
	if (s[0] < 0xf0) {
		return 3;
	}
	if (s[0] > 0xf4 || len < 4 || !utf8_is_tail(s[3]) || (s[0] == 0xf0 && s[1] < 0x90) ||
		(s[0] == 0xf4 && s[1] > 0x8f)) {
		return 0;
	}
	return 4;
}

/* utf8_is_valid() - whether all of @text is UTF-8 */
static inline bool
utf8_is_valid(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_sequence(text + i, len - i);

		if (n == 0) {
			return false;
		}
		i += n;
	}
	return true;
}

/* utf8_cut() - the largest number of bytes up to @max that does not end within a character */
static inline size_t
utf8_cut(const char *text, size_t len, size_t max)
{
	if (len <= max) {
		return len;
	}
	while (max > 0 && utf8_is_tail((unsigned char)text[max])) {
		max--;
	}
	return max;
}
