/* SPDX-License-Identifier: MIT */
/*
 * Everything that is wrong with one input, collected, so that its author sees all of it at once.
 * Each fault names a place (JSON pointer, line, column), says what was found and what would be
 * right, and may suggest the word that was meant. The list is bounded: a million bad lines must not
 * become a million messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/protocol/arena.h"
#include "lib/protocol/value.h"

struct buffer;

/* Faults kept in full; later ones are only counted. */
#define FAULTS_MAX 100

/*
 * source        name of the file, or NULL for a request's body
 * pointer       RFC 6901, "" = the whole input
 * line, column  from 1; 0 = not known
 * detail        a sentence without full stop
 * suggestion    what was probably meant (the bare word), or NULL
 * code          NULL: it is an error; else the name of a warning
 * at_key        the fault is with the member's key, not with its value
 */
struct fault {
	const char *source;
	const char *pointer;
	uint32_t line;
	uint32_t column;
	const char *detail;
	const char *suggestion;
	const char *code;
	bool at_key;
};

/*
 * source     borrowed: goes into faults added from now on; NULL by default
 * items, n   the faults kept, in the order they were found
 * n_dropped  how many more there were
 * error      0, or the -ENOMEM that lost a fault
 */
struct faults {
	const char *source;
	struct fault *items;
	size_t n;
	size_t n_dropped;
	int error;
	struct arena arena;
};

#define FAULTS_INIT \
	{ \
		NULL, NULL, 0, 0, 0, ARENA_INIT \
	}

/*
 * path        NULL = the whole input
 * at          the value whose position is reported; NULL = @line and @column are
 * at_key      take the position of the key of @at
 * suggestion  borrowed for the call; NULL = none
 * code        borrowed for as long as the faults; NULL = an error
 */
struct fault_place {
	const struct value_path *path;
	const struct value *at;
	bool at_key;
	uint32_t line;
	uint32_t column;
	const char *suggestion;
	const char *code;
};

/* faults_add() - note one fault; the text is copied. Failures are kept in @faults->error. */
void faults_add(struct faults *faults, const struct fault_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* faults_count() - how many there were, kept or not */
static inline size_t
faults_count(const struct faults *faults)
{
	return faults->n + faults->n_dropped;
}

/*
 * fault_print() - «file:line:col: pointer: detail (did you mean "x"?)» and a newline, for people
 *
 * A warning is «file:line:col: warning: pointer: detail [code]».
 */
void fault_print(const struct fault *fault, struct buffer *out);

/* faults_fini() - free; accepts a zeroed list, leaves one */
void faults_fini(struct faults *faults);

/* The best of the names offered so far for a word that is none of them. */
struct suggestion {
	const char *name;
	unsigned int distance;
};

#define SUGGESTION_INIT \
	{ \
		NULL, 0 \
	}

/*
 * suggestion_offer() - keep @candidate when it is near enough to @word and nearer than those before
 * it
 *
 * Distance is the number of letters changed, added, left out or swapped with their neighbour, case
 * not counted; near enough is a third of the word, at least one.
 */
void suggestion_offer(
	struct suggestion *suggestion, const char *word, size_t len, const char *candidate);
