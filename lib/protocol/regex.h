/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of callers, over bodies of strangers. regex.c is the only file that knows PCRE2.
 * Compiling and matching are bounded in stack, memory and steps: whoever wrote the expression, it is tried
 * on the loop of a daemon that others use.
 */
#pragma once

#include <stddef.h>

#include "lib/base/cleanup.h"

#define REGEX_PATTERN_MAX 4096 /* bytes of a pattern */

struct regex;

/*
 * offset  in the pattern, in bytes
 * text    what is wrong there
 */
struct regex_error {
	size_t offset;
	char text[120];
};

/**
 * regex_create() - compile a pattern of Perl's syntax; it and its subjects are UTF-8
 * @ret_regex:  given: regex_destroy(); NULL: only check
 * @ret_error:  filled on -EINVAL
 *
 * Errors:  -EINVAL  no pattern, one longer than REGEX_PATTERN_MAX, or nested deeper than 32
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int regex_create(const char *pattern, struct regex **ret_regex, struct regex_error *ret_error);

/* regex_destroy() - accepts NULL */
void regex_destroy(struct regex *regex);

DEFINE_CLEANUP(struct regex *, regex_destroy);

/**
 * regex_match() - whether @text has a match; bytes that are no UTF-8 match nothing
 *
 * Errors:  -E2BIG   it took too many steps or too much memory to tell
 *          -ENOMEM
 *
 * Return: 1, 0, or a negative error code from the list.
 */
int regex_match(const struct regex *regex, const char *text, size_t len);
