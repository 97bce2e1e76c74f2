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
	struct arena_block *block = malloc(sizeof(*block) + len);

	if (!block) {
		return NULL;
	}
	block->len = len;
	if (arena->blocks) {
		block->older = arena->blocks->older;
		arena->blocks->older = block;
	} else {
		block->older = NULL;
		arena->blocks = block;
	}
	return block->data;
}

/* Blocks grow with what the arena holds already. */
static size_t
next_block_len(const struct arena *arena)
{
	size_t len = arena->blocks ? arena->blocks->len * 2 : ARENA_FIRST_BLOCK;

	return len < ARENA_LAST_BLOCK ? len : ARENA_LAST_BLOCK;
}

static int
add_block(struct arena *arena)
{
	size_t len = next_block_len(arena);
	struct arena_block *block;

	block = malloc(sizeof(*block) + len);
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

/* Of any contents. */
static void *
take(struct arena *arena, size_t len)
{
	const size_t align = alignof(max_align_t);
	void *piece;

	if (len > SIZE_MAX / 2) {
		return NULL;
	}
	/* nothing gets a place of its own, too: NULL means that there was no memory */
	len = len > 0 ? (len + align - 1) & ~(align - 1) : align;
	if (len > arena->left) {
		if (len > next_block_len(arena) / 2) {
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

void *
arena_alloc(struct arena *arena, size_t len)
{
	void *piece = take(arena, len);

	return piece ? memset(piece, 0, len) : NULL;
}

char *
arena_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = take(arena, len + 1);

	if (!copy) {
		return NULL;
	}
	if (len > 0) {
		memcpy(copy, text, len);
	}
	copy[len] = '\0';
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
