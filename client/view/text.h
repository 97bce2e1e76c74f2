/* SPDX-License-Identifier: MIT */
/*
 * Text for people, pure. What comes from outside (URLs, details, names) may hold anything, also what
 * moves a terminal's cursor or retitles its window: control characters never get through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"

/*
 * has_colour  escape sequences for colours may be used
 * has_utf8    characters outside ASCII may be used
 */
struct style {
	bool has_colour;
	bool has_utf8;
};

enum colour {
	COLOUR_NONE,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_BLUE,
	COLOUR_MAGENTA,
	COLOUR_CYAN,
	COLOUR_DIM,
	COLOUR_BOLD,
};

/* text_colour() - from here on in @colour; COLOUR_NONE ends it. Nothing without colours. */
void text_colour(struct buffer *out, enum colour colour, const struct style *style);

/* text_width() - columns that text_put() fills */
size_t text_width(const char *text, const struct style *style);

/* text_put() - all of @text, cleaned */
void text_put(struct buffer *out, const char *text, const struct style *style);

/* text_put_cut() - exactly @width columns: padded with spaces, or cut with an ellipsis */
void text_put_cut(struct buffer *out, const char *text, size_t width, const struct style *style);

/* text_put_right() - the same, padded in front */
void text_put_right(struct buffer *out, const char *text, size_t width, const struct style *style);

#define TEXT_TIME_MAX 24 /* bytes that text_time() writes */

/* text_time() - nanoseconds as "950µs", "25.0ms", "1.53s", "2m05s", "3h02m"; "-" when negative */
const char *text_time(int64_t ns, char *out, const struct style *style);

/* text_left() - what is left to a moment, in whole seconds: "0s", "17s", "2m05s", "14h02m", "12d03h" */
const char *text_left(int64_t seconds, char *out);

#define TEXT_MOMENT_MAX 32 /* bytes that text_moment() writes */

/* text_moment() - seconds since 1970 as "Thu 2026-11-26 02:30:00" in the user's time zone */
const char *text_moment(int64_t seconds, char *out);
