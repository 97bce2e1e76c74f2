/* SPDX-License-Identifier: MIT */
/*
 * The body of a submission: NDJSON, made while it is sent, so that a list of any length needs the
 * memory of one block. The first line is the batch; then every line of the sources becomes exactly
 * one line of the body (blank lines and # comments an empty one, which the daemon skips): a place in
 * the body is a place in a source without any bookkeeping per line.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/http.h"
#include "client/options.h"
#include "lib/base/buffer.h"

#define INPUT_LINE_MAX 65536 /* bytes of a line of a source, as the daemon allows for a line */

/*
 * name        for messages
 * url         the source is this one URL; NULL = it is a file
 * fd          of a file
 * first_line  of the body that is of this source; 0 = not reached yet
 */
struct input_source {
	const char *name;
	const char *url;
	int fd;
	uint32_t first_line;
};

/*
 * sources, at  those before @at are used up
 * pending      bytes read and not yet made into lines
 * line         number of the body's next line, from 1
 * why          set when reading fails: what to tell the user
 */
struct input {
	struct input_source *sources;
	size_t n_sources;
	size_t at;
	struct buffer head;
	struct buffer pending;
	uint32_t line;
	struct buffer why;
};

#define INPUT_INIT \
	{ \
		NULL, 0, 0, BUFFER_INIT, BUFFER_INIT, 0, BUFFER_INIT \
	}

/**
 * input_open() - take URLs and files from a command line; pipes are read to their end
 * @options: those that are fields of a batch make the first line; borrowed until input_fini()
 *
 * Errors:  -EINVAL  an option's value is wrong, or nothing to fetch was named; @input->why says it
 *          -errno   a file cannot be opened; @input->why says which
 *          -ENOMEM
 *
 * Return: 0, or a negative error code from the list; call input_fini() in either case.
 */
int input_open(struct input *input, const struct options *options);

/* input_source() - the body as http.h wants it */
struct http_source input_source(struct input *input);

/**
 * input_put_place() - where a line of the body came from: "urls.txt:7", "argument 2", "--deadline"
 * @pointer: of the fault; names the option when the line is the first
 */
void input_put_place(
	const struct input *input, uint32_t line, const char *pointer, struct buffer *out);

/* input_fini() - close and free; accepts INPUT_INIT */
void input_fini(struct input *input);
