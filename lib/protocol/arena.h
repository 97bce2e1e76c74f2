/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back all at once: what a parser makes out of a body lives exactly as long as
 * the result, so nobody frees single pieces. Blocks double up to 64 KiB; a large piece gets a block
 * of its own.
 */
#pragma once

#include <stddef.h>

struct arena_block;

/*
 * blocks all memory, newest first; NULL before the first allocation
 * next   first free byte of the newest block
 * left   bytes left in it
 */
struct arena {
	struct arena_block *blocks;
	char *next;
	size_t left;
};

#define ARENA_INIT \
	{ \
		NULL, NULL, 0 \
	}

/* arena_alloc() - @len zeroed bytes, aligned for anything; NULL when out of memory */
void *arena_alloc(struct arena *arena, size_t len);

/* arena_text() - a copy of @len bytes at @text and a NUL behind them; NULL when out of memory */
char *arena_text(struct arena *arena, const char *text, size_t len);

/* arena_fini() - free everything; accepts a zeroed arena, leaves one */
void arena_fini(struct arena *arena);
