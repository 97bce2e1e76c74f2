/* SPDX-License-Identifier: MIT */
#include "lib/protocol/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST_BLOCK 1024
#define ARENA_LAST_BLOCK  (64 * 1024)

/* len  bytes of data */
struct arena_block {
	struct arena_block *older;
	size_t len;
	alignas(max_align_t) char data[];
};

/*
 * A piece that would waste most of a fresh block is put behind the newest one, which stays in use.
 */
static void *
alloc_apart(struct arena *arena, size_t len)
{
	struct arena_block *block = calloc(1, sizeof(*block) + len);

	if (!block) {
		return NULL;
	}
	block->len = len;
	if (arena->blocks) {
		block->older = arena->blocks->older;
		arena->blocks->older = block;
	} else {
		arena->blocks = block;
	}
	return block->data;
}

static int
add_block(struct arena *arena)
{
	size_t len = arena->blocks ? arena->blocks->len * 2 : ARENA_FIRST_BLOCK;
	struct arena_block *block;

	if (len > ARENA_LAST_BLOCK) {
		len = ARENA_LAST_BLOCK;
	}
	block = calloc(1, sizeof(*block) + len);
	if (!block) {
		return -1;
	}
	block->len = len;
	block->older = arena->blocks;
	arena->blocks = block;
	arena->next = block->data;
	arena->left = len;
	return 0;
}

void *
arena_alloc(struct arena *arena, size_t len)
{
	const size_t align = alignof(max_align_t);
	void *piece;

	if (len > SIZE_MAX / 2) {
		return NULL;
	}
	/* nothing gets a place of its own, too: NULL means that there was no memory */
	len = len > 0 ? (len + align - 1) & ~(align - 1) : align;
	if (len > arena->left) {
		if (len > ARENA_FIRST_BLOCK / 4) {
			return alloc_apart(arena, len);
		}
		if (add_block(arena) < 0) {
			return NULL;
		}
	}
	piece = arena->next;
	arena->next += len;
	arena->left -= len;
	return piece;
}

char *
arena_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy && len > 0) {
		memcpy(copy, text, len);
	}
	return copy;
}

void
arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *older = block->older;

		free(block);
		block = older;
	}
	*arena = (struct arena)ARENA_INIT;
}
