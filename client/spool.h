/* SPDX-License-Identifier: MIT */
/*
 * Results wait here until the batch is over: they come in the order of finishing and are wanted in
 * the order of the URLs. The lines go to a file without name; memory holds only where each begins.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* places  offset of line i, + 1; 0 = it did not come */
struct spool {
	FILE *file;
	long *places;
	size_t n_places;
	char *line;
	size_t line_cap;
};

#define SPOOL_INIT \
	{ \
		NULL, NULL, 0, NULL, 0 \
	}

/* spool_open() - 0, or -errno of the temporary file */
int spool_open(struct spool *spool);

/* spool_add() - keep the @len bytes of line @index (no newline in it). Return: 0, or -errno, -ENOMEM */
int spool_add(struct spool *spool, size_t index, const char *text, size_t len);

/**
 * spool_get() - line @index, which is valid until the next call
 * Return: its length, -ENOENT when there is none, or -errno
 */
ssize_t spool_get(struct spool *spool, size_t index, const char **ret_text);

/* spool_fini() - free; accepts SPOOL_INIT, leaves it */
void spool_fini(struct spool *spool);
