/* SPDX-License-Identifier: MIT */
/*
 * Stacks for tasks: address space with a guard below, memory only where it was touched, given out again
 * and again. A pool belongs to one run and one thread. The mechanism is described in stack.c.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/nursery/context.h"
#include "lib/nursery/overflow.h"

#ifdef NURI_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define NURI_STACK_SIZE_DEFAULT ((size_t)64 * 1024)
#define NURI_STACK_SIZE_MIN     ((size_t)16 * 1024)
#define NURI_SLAB_STACKS        64 /* one bit each */
#define NURI_STACKS_IDLE_MAX    ((size_t)1024)
#define NURI_STACK_TOP_LINES    4 /* cache lines: struct nuri_stack, and a struct nur_task below */

struct nuri_slab;

/*
 * struct nuri_stack - the topmost bytes of the stack that it describes; everything from base up to here
 * may be used
 *
 * next         in the slab's free list; while the stack is in use, itself
 * base         the lowest usable byte; the guard ends here
 * slab, index  where it was cut from
 */
struct nuri_stack {
	struct nuri_stack *next;
	void *base;
	struct nuri_slab *slab;
	size_t index;
};

/*
 * struct nuri_slab - neighbouring stacks in one mapping
 *
 * idle       touched stacks that are free, the last one used first
 * n_used     stacks given out
 * n_touched  stacks that hold memory: given out or idle
 * untouched  a bit for each free stack without memory
 * guarded    a bit for each stack whose guard is made; they are made at the first use
 */
struct nuri_slab {
	struct list in_slabs;
	struct list in_open;
	struct nuri_stack *idle;
	size_t n_used;
	size_t n_touched;
	uint64_t untouched;
	uint64_t guarded;
	char *memory;
#ifdef NURI_VALGRIND
	unsigned valgrind_ids[NURI_SLAB_STACKS];
#endif
};

/*
 * struct nuri_stack_pool
 *
 * slabs, open       all slabs; those with a stack to give, the ones with touched stacks first
 * stack_size        usable bytes of one stack, struct nuri_stack included
 * n_per_slab        stacks in one slab
 * n_used            stacks given out
 * n_touched         stacks that hold memory: given out, or idle
 * name_of           names the task on a stack, from a signal handler
 * has_no_markers    the kernel refused MADV_GUARD_INSTALL: guards are made by mprotect()
 * error             why the last nuri_stack_pool_open_slab() failed
 */
struct nuri_stack_pool {
	struct list slabs;
	struct list open;
	size_t stack_size;
	size_t n_per_slab;
	size_t n_used;
	size_t n_touched;
	const char *(*name_of)(const struct nuri_stack *stack);
	struct nuri_overflow overflow;
	bool has_no_markers;
	char error[192];
};

/*
 * nuri_stack_pool_init() - an empty pool, and a watch for overflows on the calling thread
 * @stack_size: 0: 64 KiB; rounded up to pages
 * @name_of:    what an overflow report calls a stack in use; must be safe in a signal handler
 *
 * Return: 0; -EINVAL below 16 KiB; -ENOMEM.
 */
int nuri_stack_pool_init(struct nuri_stack_pool *pool, size_t stack_size,
	const char *(*name_of)(const struct nuri_stack *stack));

/* nuri_stack_pool_fini() - on the same thread; all stacks are back. Accepts a zeroed pool. */
void nuri_stack_pool_fini(struct nuri_stack_pool *pool);

/*
 * nuri_stack_pool_abandon() - count the stacks in use as given back, after @drop was called for each;
 * only nuri_stack_pool_fini() may follow
 */
void nuri_stack_pool_abandon(struct nuri_stack_pool *pool, void (*drop)(struct nuri_stack *stack));

/*
 * nuri_stack_pool_open_slab() - put a slab with an idle stack to the front; 0, or NUR_ENOSTACK and the reason in
 * nuri_stack_pool_error()
 */
int nuri_stack_pool_open_slab(struct nuri_stack_pool *pool);

/* nuri_stack_pool_prefer() - put @slab, which has got the first of its stacks back, to the front */
void nuri_stack_pool_prefer(struct nuri_stack_pool *pool, struct nuri_slab *slab);

/* nuri_stack_pool_trim() - more is idle than is kept, now that @slab has got a stack back */
void nuri_stack_pool_trim(struct nuri_stack_pool *pool, struct nuri_slab *slab);

/* nuri_stack_pool_n_idle() - free stacks that hold memory */
static inline size_t
nuri_stack_pool_n_idle(const struct nuri_stack_pool *pool)
{
	return pool->n_touched - pool->n_used;
}

/* nuri_stack_allow() - the memory from @base up to @end may be touched again */
static inline void
nuri_stack_allow(void *base, const void *end)
{
#ifdef NURI_ASAN
	ASAN_UNPOISON_MEMORY_REGION(base, (size_t)((const char *)end - (char *)base));
#endif
}

/* nuri_stack_forbid() - nobody may touch the stack of a task that has ended */
static inline void
nuri_stack_forbid(struct nuri_stack *stack)
{
#ifdef NURI_ASAN
	ASAN_POISON_MEMORY_REGION(stack->base, (size_t)((char *)stack - (char *)stack->base));
#endif
}

/*
 * nuri_stack_prefetch() - have the processor bring the top of @stack, which may be NULL
 *
 * The tops of two hundred stacks are more than the first cache holds, so each start waited for the second
 * one, four lines a task. Brought while the task before is started, they are there in time: a sixth less
 * for spawn and join in batches of a thousand.
 */
static inline void
nuri_stack_prefetch(const struct nuri_stack *stack)
{
	for (uintptr_t i = 0; i < NURI_STACK_TOP_LINES; i++) {
		__builtin_prefetch((const void *)((uintptr_t)stack - i * 64), 1);
	}
}

/*
 * nuri_stack_take_idle() - one of the slab in front; NULL: there is none, nuri_stack_pool_open_slab() is next
 *
 * Each task comes by here and by the release, so what is done each time is inline.
 */
static inline struct nuri_stack *
nuri_stack_take_idle(struct nuri_stack_pool *pool)
{
	struct nuri_slab *slab = list_entry(pool->open.next, struct nuri_slab, in_open);
	struct nuri_stack *stack;

	if (list_is_empty(&pool->open) || !slab->idle) {
		return NULL;
	}

	stack = slab->idle;
	slab->idle = stack->next;
	nuri_stack_prefetch(slab->idle);
	nuri_stack_allow(stack->base, stack);
	stack->next = stack;
	pool->n_used++;
	if (++slab->n_used == pool->n_per_slab) {
		list_unlink(&slab->in_open);
	}
	return stack;
}

/* nuri_stack_release() - nothing runs on @stack any more, and nobody reads what was in it */
static inline void
nuri_stack_release(struct nuri_stack_pool *pool, struct nuri_stack *stack)
{
	struct nuri_slab *slab = stack->slab;

	assert(stack->next == stack); /* once only */
	nuri_stack_forbid(stack);
	if (!slab->idle && pool->open.next != &slab->in_open) {
		nuri_stack_pool_prefer(pool, slab);
	}
	stack->next = slab->idle;
	slab->idle = stack;
	slab->n_used--;
	pool->n_used--;
	if (nuri_stack_pool_n_idle(pool) > NURI_STACKS_IDLE_MAX) {
		nuri_stack_pool_trim(pool, slab);
	}
}

/* nuri_stack_pool_error() - names the limit that was met; valid until the next failure */
const char *nuri_stack_pool_error(const struct nuri_stack_pool *pool);

/* nuri_stack_pool_n_stacks() - stacks that hold memory: given out, or kept for the next task */
size_t nuri_stack_pool_n_stacks(const struct nuri_stack_pool *pool);
