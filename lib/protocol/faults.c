/* SPDX-License-Identifier: MIT */
#include "lib/protocol/faults.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buffer.h"

/* Longest word that a suggestion is looked for; no name of ours comes near it. */
#define SUGGESTION_MAX_LEN 40

/* RFC 6901, section 3: "~" is written "~0" and "/" is written "~1". */
static void
print_pointer(const struct value_path *path, struct buffer *out)
{
	size_t i;

	if (!path) {
		return;
	}
	print_pointer(path->parent, out);
	buffer_putc(out, '/');
	if (!path->key) {
		buffer_printf(out, "%zu", path->index);
		return;
	}
	for (i = 0; i < path->key_len; i++) {
		if (path->key[i] == '~') {
			buffer_puts(out, "~0");
		} else if (path->key[i] == '/') {
			buffer_puts(out, "~1");
		} else {
			buffer_putc(out, path->key[i]);
		}
	}
}

/*
 * The buffer's bytes as arena text; NULL when out of memory. Leaves the buffer empty for the next
 * piece.
 */
static const char *
keep_text(struct faults *faults, struct buffer *scratch)
{
	const char *text = NULL;

	if (buffer_reserve(scratch, 0) == 0) {
		text = arena_text(&faults->arena, scratch->data, scratch->len);
	}
	buffer_clear(scratch);
	return text;
}

static void
set_position(struct fault *fault, const struct fault_place *place)
{
	fault->line = place->line;
	fault->column = place->column;
	fault->at_key = place->at_key;
	if (place->at) {
		fault->line = place->at_key ? place->at->key_line : place->at->line;
		fault->column = place->at_key ? place->at->key_column : place->at->column;
	}
}

static int
fill_texts(struct faults *faults, struct fault *fault, const struct fault_place *place,
	struct buffer *detail)
{
	_cleanup_(buffer_fini) struct buffer scratch = BUFFER_INIT;

	fault->detail = keep_text(faults, detail);
	print_pointer(place->path, &scratch);
	fault->pointer = keep_text(faults, &scratch);
	if (place->suggestion) {
		buffer_puts(&scratch, place->suggestion);
		fault->suggestion = keep_text(faults, &scratch);
	}
	if (!fault->detail || !fault->pointer || (place->suggestion && !fault->suggestion)) {
		return -ENOMEM;
	}
	return 0;
}

void
faults_add(struct faults *faults, const struct fault_place *place, const char *format, ...)
{
	_cleanup_(buffer_fini) struct buffer detail = BUFFER_INIT;
	struct fault fault = { .source = faults->source, .code = place->code };
	va_list ap;

	if (!faults->items) {
		faults->items = calloc(FAULTS_MAX, sizeof(*faults->items));
	}
	if (!faults->items || faults->n == FAULTS_MAX) {
		faults->error = faults->items ? faults->error : -ENOMEM;
		faults->n_dropped++;
		return;
	}

	va_start(ap, format);
	buffer_vprintf(&detail, format, ap);
	va_end(ap);
	set_position(&fault, place);
	if (fill_texts(faults, &fault, place, &detail) < 0) {
		faults->error = -ENOMEM;
		faults->n_dropped++;
		return;
	}
	faults->items[faults->n++] = fault;
}

void
fault_print(const struct fault *fault, struct buffer *out)
{
	if (fault->source) {
		buffer_printf(out, "%s:", fault->source);
	}
	if (fault->line > 0) {
		buffer_printf(out, "%u:%u:", fault->line, fault->column);
	}
	if (fault->source || fault->line > 0) {
		buffer_putc(out, ' ');
	}
	if (fault->code) {
		buffer_puts(out, "warning: ");
	}
	if (fault->pointer[0]) {
		buffer_printf(out, "%s: ", fault->pointer);
	}
	buffer_puts(out, fault->detail);
	if (fault->suggestion) {
		buffer_printf(out, " (did you mean \"%s\"?)", fault->suggestion);
	}
	if (fault->code) {
		buffer_printf(out, " [%s]", fault->code);
	}
	buffer_putc(out, '\n');
}

void
faults_fini(struct faults *faults)
{
	free(faults->items);
	arena_fini(&faults->arena);
	*faults = (struct faults)FAULTS_INIT;
}

static unsigned int
min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Optimal string alignment (Damerau-Levenshtein without edits inside a swap), three rows at a time:
 * the row before last is needed for swaps.
 */
static unsigned int
edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	uint8_t rows[3][SUGGESTION_MAX_LEN + 1];
	size_t i, j;

	for (j = 0; j <= b_len; j++) {
		rows[0][j] = (uint8_t)j;
	}
	for (i = 1; i <= a_len; i++) {
		uint8_t *row = rows[i % 3];
		const uint8_t *above = rows[(i + 2) % 3];
		const uint8_t *two_above = rows[(i + 1) % 3];

		row[0] = (uint8_t)i;
		for (j = 1; j <= b_len; j++) {
			unsigned int change = !same_letter(a[i - 1], b[j - 1]);
			unsigned int least =
				min3(above[j - 1] + change, above[j] + 1u, row[j - 1] + 1u);

			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
				same_letter(a[i - 2], b[j - 1]) && two_above[j - 2] + 1u < least) {
				least = two_above[j - 2] + 1u;
			}
			row[j] = (uint8_t)least;
		}
	}
	return rows[a_len % 3][b_len];
}

void
suggestion_offer(struct suggestion *suggestion, const char *word, size_t len, const char *candidate)
{
	size_t candidate_len = strlen(candidate);
	unsigned int enough = len < 6 ? 1 : (unsigned int)(len / 3);
	unsigned int distance;

	if (len > SUGGESTION_MAX_LEN || candidate_len > SUGGESTION_MAX_LEN) {
		return;
	}
	distance = edit_distance(word, len, candidate, candidate_len);
	if (distance <= enough && (!suggestion->name || distance < suggestion->distance)) {
		suggestion->name = candidate;
		suggestion->distance = distance;
	}
}
