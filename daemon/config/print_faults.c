/* SPDX-License-Identifier: MIT */
/*
 * Faults for people: the place and the message, the line of the file as it is there now, and a caret below
 * the place. Lines are read from the file again, since a fault keeps no text; of what cannot be read again
 * (a pipe) there is the message alone.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/config/config.h"

#define SHOWN_MAX 160 /* bytes of a line; a caret further right helps nobody */

/* The line of a file without its end, into @ret_text; returns false when there is none. */
static bool
read_line(const char *path, uint32_t number, char **ret_text)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	size_t cap = 0;
	ssize_t len = -1;

	if (!file) {
		return false;
	}
	for (uint32_t i = 0; i < number; i++) {
		len = getline(ret_text, &cap, file);
		if (len < 0) {
			return false;
		}
	}
	if (len > 0 && (*ret_text)[len - 1] == '\n') {
		(*ret_text)[len - 1] = '\0';
	}
	return true;
}

static bool
is_shown(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f) {
			return false;
		}
	}
	return strlen(text) <= SHOWN_MAX;
}

/* Below the character of that number: a tab stays a tab, so that it is as wide in both lines. */
static void
print_caret(const char *text, uint32_t column, struct buffer *out)
{
	uint32_t n = 1;

	for (; *text && n < column; text++) {
		bool is_tail = ((unsigned char)text[1] & 0xc0) == 0x80;

		if (!is_tail) {
			buffer_putc(out, *text == '\t' ? '\t' : ' ');
			n++;
		}
	}
	buffer_puts(out, "^\n");
}

static void
print_source(const struct fault *fault, struct buffer *out)
{
	_cleanup_(freep) char *text = NULL;

	if (!fault->source || fault->line == 0 || !read_line(fault->source, fault->line, &text) ||
		!is_shown(text)) {
		return;
	}
	buffer_printf(out, "\t%s\n\t", text);
	print_caret(text, fault->column, out);
}

void
config_print_faults(const struct faults *faults, struct buffer *out)
{
	for (size_t i = 0; i < faults->n; i++) {
		fault_print(&faults->items[i], out);
		print_source(&faults->items[i], out);
	}
	if (faults->n_dropped > 0) {
		buffer_printf(out, "… and %zu more\n", faults->n_dropped);
	}
}
