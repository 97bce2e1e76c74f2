/* SPDX-License-Identifier: MIT */
/*
 * Finds where values stand in a JSON text, by one walk over its bytes that keeps the pointer of the
 * place it is at. It trusts nothing: a text that is no JSON leads to "not found", not to trouble.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"
#include "lib/protocol/utf8.h"

/* A place that is looked for; line 0 = not found yet. */
struct wanted {
	const char *pointer;
	size_t len;
	bool at_key;
	uint32_t line;
	uint32_t column;
};

/* parent_len  bytes of the pointer that name the container itself */
struct level {
	bool is_object;
	size_t index;
	size_t parent_len;
};

/*
 * at, line, column          the next byte and its place
 * pointer                   of the value that comes next or is being walked through
 * expect_key                the next string is a member's name
 * key_line, key_column      of the last name
 * levels[0 … depth)         the open containers
 * wanted, n, n_left         what is looked for
 */
struct walk {
	const char *at;
	const char *end;
	uint32_t line;
	uint32_t column;
	struct buffer pointer;
	bool expect_key;
	uint32_t key_line;
	uint32_t key_column;
	struct level levels[VALUE_MAX_DEPTH];
	size_t depth;
	struct wanted *wanted;
	size_t n;
	size_t n_left;
};

static void
step(struct walk *walk)
{
	if (*walk->at == '\n') {
		walk->line++;
		walk->column = 1;
	} else if (!utf8_is_tail((unsigned char)*walk->at)) {
		walk->column++;
	}
	walk->at++;
}

static void
put_utf8(struct buffer *out, unsigned int c)
{
	if (c < 0x80) {
		buffer_putc(out, (char)c);
	} else if (c < 0x800) {
		buffer_putc(out, (char)(0xc0 | c >> 6));
		buffer_putc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buffer_putc(out, (char)(0xe0 | c >> 12));
		buffer_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buffer_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buffer_putc(out, (char)(0xf0 | c >> 18));
		buffer_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buffer_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buffer_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Four hexadecimal digits at the walk's place, or 0xfffd. */
static unsigned int
take_hex4(struct walk *walk)
{
	unsigned int c = 0;
	int i;

	for (i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit;

		if (walk->at == walk->end || *walk->at == '\0') {
			return 0xfffd;
		}
		digit = strchr(digits, *walk->at | 0x20);
		if (!digit) {
			return 0xfffd;
		}
		c = c << 4 | (unsigned int)(digit - digits);
		step(walk);
	}
	return c;
}

static unsigned int
take_escaped(struct walk *walk)
{
	static const char letters[] = "bfnrt";
	static const char meant[] = "\b\f\n\r\t";
	const char *letter;
	unsigned int c;
	char kind = *walk->at;

	step(walk);
	if (kind != 'u') {
		letter = kind ? strchr(letters, kind) : NULL;
		return (unsigned char)(letter ? meant[letter - letters] : kind);
	}
	c = take_hex4(walk);
	if (c >= 0xd800 && c < 0xdc00 && walk->end - walk->at >= 6 && walk->at[0] == '\\' &&
		walk->at[1] == 'u') {
		unsigned int low;

		step(walk);
		step(walk);
		low = take_hex4(walk);
		return 0x10000 + ((c - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
	}
	return c;
}

/* One character of a name into the pointer, escaped by RFC 6901. */
static void
put_name_character(struct walk *walk, unsigned int c)
{
	if (c == '~') {
		buffer_puts(&walk->pointer, "~0");
	} else if (c == '/') {
		buffer_puts(&walk->pointer, "~1");
	} else {
		put_utf8(&walk->pointer, c);
	}
}

/* Goes behind the string at the walk's place; with @is_name its characters go into the pointer. */
static void
take_string(struct walk *walk, bool is_name)
{
	step(walk);
	while (walk->at < walk->end && *walk->at != '"') {
		char c = *walk->at;

		step(walk);
		if (c == '\\' && walk->at < walk->end) {
			unsigned int escaped = take_escaped(walk);

			if (is_name) {
				put_name_character(walk, escaped);
			}
		} else if (is_name && (c == '~' || c == '/')) {
			put_name_character(walk, (unsigned char)c);
		} else if (is_name) {
			buffer_putc(&walk->pointer, c);
		}
	}
	if (walk->at < walk->end) {
		step(walk);
	}
}

static void
cut_pointer(struct walk *walk, size_t len)
{
	if (walk->pointer.len > len) {
		walk->pointer.len = len;
		walk->pointer.data[len] = '\0';
	}
}

static void
take_name(struct walk *walk)
{
	cut_pointer(walk, walk->levels[walk->depth - 1].parent_len);
	buffer_putc(&walk->pointer, '/');
	walk->key_line = walk->line;
	walk->key_column = walk->column;
	take_string(walk, true);
	walk->expect_key = false;
}

/* A value begins here: put its index into the pointer, and see whether somebody looks for it. */
static void
enter_value(struct walk *walk)
{
	size_t i;

	if (walk->depth > 0 && !walk->levels[walk->depth - 1].is_object) {
		struct level *list = &walk->levels[walk->depth - 1];

		cut_pointer(walk, list->parent_len);
		buffer_printf(&walk->pointer, "/%zu", list->index);
	}
	for (i = 0; i < walk->n; i++) {
		struct wanted *wanted = &walk->wanted[i];

		if (wanted->line == 0 && wanted->len == walk->pointer.len &&
			memcmp(wanted->pointer, walk->pointer.data, wanted->len) == 0) {
			wanted->line = wanted->at_key ? walk->key_line : walk->line;
			wanted->column = wanted->at_key ? walk->key_column : walk->column;
			walk->n_left--;
		}
	}
}

static int
open_container(struct walk *walk)
{
	if (walk->depth == VALUE_MAX_DEPTH) {
		return -ENOENT;
	}
	walk->expect_key = *walk->at == '{';
	walk->levels[walk->depth++] = (struct level){
		.is_object = walk->expect_key,
		.parent_len = walk->pointer.len,
	};
	return 0;
}

static void
next_in_container(struct walk *walk)
{
	if (walk->depth > 0) {
		walk->levels[walk->depth - 1].index++;
		walk->expect_key = walk->levels[walk->depth - 1].is_object;
	}
}

static void
close_container(struct walk *walk)
{
	if (walk->depth > 0) {
		cut_pointer(walk, walk->levels[--walk->depth].parent_len);
	}
	walk->expect_key = false;
}

static void
take_word(struct walk *walk)
{
	while (walk->at < walk->end && !memchr(" \t\r\n,:[]{}\"", *walk->at, 11)) {
		step(walk);
	}
}

static int
walk_text(struct walk *walk)
{
	while (walk->at < walk->end && walk->n_left > 0 && !buffer_error(&walk->pointer)) {
		switch (*walk->at) {
		case ' ':
		case '\t':
		case '\r':
		case '\n':
		case ':':
			step(walk);
			break;
		case ',':
			next_in_container(walk);
			step(walk);
			break;
		case ']':
		case '}':
			close_container(walk);
			step(walk);
			break;
		case '[':
		case '{':
			enter_value(walk);
			if (open_container(walk) < 0) {
				return 0;
			}
			step(walk);
			break;
		case '"':
			if (walk->expect_key) {
				take_name(walk);
			} else {
				enter_value(walk);
				take_string(walk, false);
			}
			break;
		default:
			enter_value(walk);
			take_word(walk);
			break;
		}
	}
	return buffer_error(&walk->pointer);
}

static int
locate(const char *body, size_t len, uint32_t line, struct wanted *wanted, size_t n)
{
	struct walk walk = {
		.at = body,
		.end = body + len,
		.line = line,
		.column = 1,
		.wanted = wanted,
		.n = n,
		.n_left = n,
	};
	int r;

	buffer_reserve(&walk.pointer, 64);
	r = walk_text(&walk);
	buffer_fini(&walk.pointer);
	return r;
}

int
json_locate_faults(
	const char *body, size_t len, const struct json_locate_from *from, struct faults *faults)
{
	_cleanup_(freep) struct wanted *wanted = NULL;
	size_t n = 0;
	size_t i;
	int r;

	if (from->first >= faults->n) {
		return 0;
	}
	wanted = calloc(faults->n - from->first, sizeof(*wanted));
	if (!wanted) {
		return -ENOMEM;
	}
	for (i = from->first; i < faults->n; i++) {
		const struct fault *fault = &faults->items[i];
		size_t pointer_len = strlen(fault->pointer);

		if (fault->line == 0 && pointer_len >= from->prefix) {
			wanted[n++] = (struct wanted){
				.pointer = fault->pointer + from->prefix,
				.len = pointer_len - from->prefix,
				.at_key = fault->at_key,
			};
		}
	}
	r = locate(body, len, from->line, wanted, n);
	if (r < 0) {
		return r;
	}
	for (n = 0, i = from->first; i < faults->n; i++) {
		struct fault *fault = &faults->items[i];

		if (fault->line == 0 && strlen(fault->pointer) >= from->prefix) {
			fault->line = wanted[n].line;
			fault->column = wanted[n].column;
			n++;
		}
	}
	return 0;
}
