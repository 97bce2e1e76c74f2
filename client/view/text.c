/* SPDX-License-Identifier: MIT */
#include "client/view/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "lib/protocol/utf8.h"

/* One character as it is shown: bytes to copy and the columns they fill. */
struct glyph {
	const char *bytes;
	size_t len;
	size_t width;
};

static wchar_t
decode(const unsigned char *s, size_t len)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned int code = s[0] & first_bits[len];
	size_t i;

	for (i = 1; i < len; i++) {
		code = code << 6 | (s[i] & 0x3f);
	}
	return (wchar_t)code;
}

/* Marks that turn the direction of what follows: a URL could be made to look like another. */
static bool
is_direction_mark(wchar_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The glyph at the start of @text; returns the bytes of @text it stands for. */
static size_t
next_glyph(const char *text, size_t len, const struct style *style, struct glyph *ret_glyph)
{
	size_t n = utf8_sequence(text, len);
	wchar_t c = n > 0 ? decode((const unsigned char *)text, n) : 0;
	int width;

	*ret_glyph = (struct glyph){ "?", 1, 1 };
	if (n == 1 && c >= 0x20 && c < 0x7f) {
		ret_glyph->bytes = text;
	} else if (n > 1 && c >= 0xa0 && style->has_utf8 && !is_direction_mark(c)) {
		width = wcwidth(c);
		*ret_glyph = (struct glyph){ text, n, width < 0 ? 1 : (size_t)width };
	}
	return n > 0 ? n : 1;
}

void
text_colour(struct buffer *out, enum colour colour, const struct style *style)
{
	static const char *const codes[] = {
		[COLOUR_NONE] = "0",
		[COLOUR_RED] = "31",
		[COLOUR_GREEN] = "32",
		[COLOUR_YELLOW] = "33",
		[COLOUR_BLUE] = "34",
		[COLOUR_MAGENTA] = "35",
		[COLOUR_CYAN] = "36",
		[COLOUR_DIM] = "2",
		[COLOUR_BOLD] = "1",
	};

	if (style->has_colour) {
		buffer_printf(out, "\033[%sm", codes[colour]);
	}
}

size_t
text_width(const char *text, const struct style *style)
{
	size_t len = strlen(text);
	size_t width = 0;
	struct glyph glyph;

	while (len > 0) {
		size_t n = next_glyph(text, len, style, &glyph);

		text += n;
		len -= n;
		width += glyph.width;
	}
	return width;
}

/* As many whole glyphs as fit @width; returns the columns filled. */
static size_t
put_up_to(struct buffer *out, const char *text, size_t width, const struct style *style)
{
	size_t len = strlen(text);
	size_t filled = 0;
	struct glyph glyph;

	while (len > 0) {
		size_t n = next_glyph(text, len, style, &glyph);

		if (filled + glyph.width > width) {
			break;
		}
		buffer_append(out, glyph.bytes, glyph.len);
		filled += glyph.width;
		text += n;
		len -= n;
	}
	return filled;
}

void
text_put(struct buffer *out, const char *text, const struct style *style)
{
	(void)put_up_to(out, text, SIZE_MAX / 2, style);
}

static void
pad(struct buffer *out, size_t n)
{
	while (n-- > 0) {
		buffer_putc(out, ' ');
	}
}

/* Cuts when needed; returns the columns filled, at most @width. */
static size_t
put_cut(struct buffer *out, const char *text, size_t width, const struct style *style)
{
	size_t filled;

	if (text_width(text, style) <= width) {
		return put_up_to(out, text, width, style);
	}
	if (width == 0) {
		return 0;
	}
	filled = put_up_to(out, text, width - 1, style);
	buffer_puts(out, style->has_utf8 ? "…" : "~");
	return filled + 1;
}

void
text_put_cut(struct buffer *out, const char *text, size_t width, const struct style *style)
{
	pad(out, width - put_cut(out, text, width, style));
}

void
text_put_right(struct buffer *out, const char *text, size_t width, const struct style *style)
{
	size_t needed = text_width(text, style);

	pad(out, needed < width ? width - needed : 0);
	(void)put_cut(out, text, width, style);
}

const char *
text_time(int64_t ns, char *out, const struct style *style)
{
	const int64_t us = 1000, ms = 1000 * us, s = 1000 * ms;
	int64_t seconds = ns / s + (ns % s >= s / 2);

	if (ns < 0) {
		return strcpy(out, "-");
	}
	/* The borders are where rounding would show a digit more: 999.96ms is 1.00s. */
	if (ns < 999 * us + us / 2) {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "%s", (ns + us / 2) / us,
			style->has_utf8 ? "µs" : "us");
	} else if (ns < 1000 * ms - ms / 20) {
		(void)snprintf(out, TEXT_TIME_MAX, "%.1fms", (double)ns / (double)ms);
	} else if (ns < 60 * s - s / 200) {
		(void)snprintf(out, TEXT_TIME_MAX, "%.2fs", (double)ns / (double)s);
	} else if (seconds < 3600) {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "m%02" PRId64 "s", seconds / 60,
			seconds % 60);
	} else {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "h%02" PRId64 "m", seconds / 3600,
			seconds % 3600 / 60);
	}
	return out;
}

const char *
text_left(int64_t seconds, char *out)
{
	int64_t left = seconds > 0 ? seconds : 0;

	if (left < 60) {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "s", left);
	} else if (left < 3600) {
		(void)snprintf(
			out, TEXT_TIME_MAX, "%" PRId64 "m%02" PRId64 "s", left / 60, left % 60);
	} else if (left < 86400) {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "h%02" PRId64 "m", left / 3600,
			left % 3600 / 60);
	} else {
		(void)snprintf(out, TEXT_TIME_MAX, "%" PRId64 "d%02" PRId64 "h", left / 86400,
			left % 86400 / 3600);
	}
	return out;
}

const char *
text_moment(int64_t seconds, char *out)
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
		strftime(out, TEXT_MOMENT_MAX, "%a %Y-%m-%d %H:%M:%S", &tm) == 0) {
		return strcpy(out, "-");
	}
	return out;
}
