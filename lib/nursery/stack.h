/* SPDX-License-Identifier: MIT */
/*
 * Stacks for tasks: address space with a guard below, memory only where it was touched, given out again
 * and again. A pool belongs to one run and one thread. The mechanism is described in stack.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/nursery/overflow.h"

#define NURI_STACK_SIZE_DEFAULT ((size_t)64 * 1024)
#define NURI_STACK_SIZE_MIN     ((size_t)16 * 1024)

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
 * struct nuri_stack_pool
 *
 * slabs, open       all slabs; those with a stack to give, the ones with touched stacks first
 * stack_size        usable bytes of one stack, struct nuri_stack included
 * n_per_slab        stacks in one slab
 * n_used            stacks given out
 * n_idle            free stacks that hold memory
 * name_of           names the task on a stack, from a signal handler
 * has_no_markers    the kernel refused MADV_GUARD_INSTALL: guards are made by mprotect()
 * error             why the last nuri_stack_acquire() failed
 */
struct nuri_stack_pool {
	struct list slabs;
	struct list open;
	size_t stack_size;
	size_t n_per_slab;
	size_t n_used;
	size_t n_idle;
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

/* nuri_stack_acquire() - 0, or NUR_ENOSTACK and the reason in nuri_stack_pool_error() */
int nuri_stack_acquire(struct nuri_stack_pool *pool, struct nuri_stack **ret_stack);

/* nuri_stack_release() - nothing runs on @stack any more, and nobody reads what was in it */
void nuri_stack_release(struct nuri_stack_pool *pool, struct nuri_stack *stack);

/* nuri_stack_pool_error() - names the limit that was met; valid until the next failure */
const char *nuri_stack_pool_error(const struct nuri_stack_pool *pool);

/* nuri_stack_pool_n_stacks() - stacks that hold memory: given out, or kept for the next task */
size_t nuri_stack_pool_n_stacks(const struct nuri_stack_pool *pool);
