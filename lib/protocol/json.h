/* SPDX-License-Identifier: MIT */
/*
 * JSON in both directions. json.c is the only file that knows jansson, which is strict where it
 * counts (duplicate keys, UTF-8, NUL, numbers that do not fit) and keeps no positions;
 * json_locate_faults() finds them by a second look when there is a fault to report. Answers are never
 * built as trees: the writer in json_writer.h appends them to a buffer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/protocol/faults.h"
#include "lib/protocol/value.h"

/*
 * line, column  from 1, columns in characters
 * text          what is wrong, UTF-8 or nearly so
 */
struct json_error {
	uint32_t line;
	uint32_t column;
	char text[160];
};

/*
 * json_seed() - once, at start, before threads: a random number that makes hash tables
 * unpredictable
 */
void json_seed(size_t seed);

/**
 * json_parse() - turn a JSON text into a tree without positions
 * @body:      @len bytes; NUL not needed
 * @ret_tree:  given: value_tree_destroy()
 * @ret_error: filled on -EINVAL
 *
 * Any value may stand at the top. Needs less than 12 KiB of stack.
 *
 * Errors:  -EINVAL  no JSON by RFC 8259, or: a byte order mark, bytes behind the value, duplicate
 *                   keys, invalid UTF-8, NUL, integers beyond 64 bits, reals beyond double, depth
 *                   over VALUE_MAX_DEPTH
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int json_parse(
	const char *body, size_t len, struct value_tree **ret_tree, struct json_error *ret_error);

/**
 * json_parse_foreign() - the same of a text that is not for us
 *
 * How large its integers are is others' business: when one is beyond 64 bits, all are doubles (RFC 8259, 6).
 *
 * Errors: as json_parse(), but for such integers
 */
int json_parse_foreign(
	const char *body, size_t len, struct value_tree **ret_tree, struct json_error *ret_error);

/*
 * first   index in @faults of the first fault to look for
 * prefix  bytes of each pointer that do not count: "/urls/7" of "/urls/7/timeout" in a line that
 *         holds only URL 7
 * line    number of the text's first line, from 1
 */
struct json_locate_from {
	size_t first;
	size_t prefix;
	uint32_t line;
};

/*
 * json_locate_faults() - fill in the positions that are missing in @faults, in one pass over the
 * text
 *
 * Works on any bytes; with duplicate keys the first counts. A place that is not there stays without.
 *
 * Return: 0 or -ENOMEM.
 */
int json_locate_faults(
	const char *body, size_t len, const struct json_locate_from *from, struct faults *faults);
