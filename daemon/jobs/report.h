/* SPDX-License-Identifier: MIT */
/* The file of a job's results: a line a run, older files beside it as FILE.1, FILE.2 and so on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * file      absolute
 * max_size  a line that would make the file longer begins another file
 * keep      older files that are kept
 */
struct report_file {
	const char *file;
	int64_t max_size;
	unsigned keep;
};

/**
 * report_append() - write one line to the end; waits for the disk, so not for the loop
 * @line: with its newline
 *
 * A file that is not there is made, readable for its owner and group. A line is written whole, or, when the
 * disk is full, what was written of it is taken back. Threads may append to one file at once.
 *
 * Errors: as open(2), write(2), rename(2)
 */
int report_append(const struct report_file *report, const char *line, size_t len);
