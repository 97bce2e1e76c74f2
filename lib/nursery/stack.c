/* SPDX-License-Identifier: MIT */
/*
 * Stacks come from slabs of up to 64, one mapping each:
 *
 *	| guard | stack 0        struct nuri_stack | guard | stack 1        struct nuri_stack | …
 *	        base →                   ← grows
 *
 * The guard is 64 KiB of markers in the page tables (MADV_GUARD_INSTALL, Linux 6.13), which cost no
 * mapping; where the kernel refuses them, mprotect() makes the guard out of two mappings a stack. A
 * stack's description lies at its own top, beside what its task touches anyway: a task that waits
 * with shallow frames holds one page. The tops are staggered by some cache lines ("colours"), or all
 * tasks would compete for the same few sets of the processor's caches. (Neighbours three or five colours
 * apart, and a stride of an odd number of pages, were tried: spawn and join took as long.)
 *
 * A stack is in use; or idle, in its slab's LIFO, with whatever memory its tasks have touched; or
 * untouched, without memory and without description. Slabs that have something to give are in pool->open,
 * those with idle stacks first.
 *
 * After a burst the memory goes back: beyond NURI_STACKS_IDLE_MAX idle stacks a slab that is free as a whole is
 * unmapped; and when idle stacks pile up in slabs that are partly in use, those in the slabs used
 * longest ago become untouched again. With that many, batches of a thousand tasks never give back what
 * the next one needs.
 */
#include "lib/nursery/stack.h"

#include <nursery/errors.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/context.h"

#ifdef NURI_VALGRIND
#include <valgrind/valgrind.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define GUARD_SIZE    ((size_t)64 * 1024) /* a frame larger than this is caught by its stack probes */
#define SLAB_SIZE_MAX ((size_t)64 * 1024 * 1024)
#define COLOURS       8
#define COLOUR_SIZE   128

static inline size_t
stride(const struct nuri_stack_pool *pool)
{
	return GUARD_SIZE + pool->stack_size;
}

static inline size_t
slab_size(const struct nuri_stack_pool *pool)
{
	return pool->n_per_slab * stride(pool);
}

static inline char *
stack_base(const struct nuri_stack_pool *pool, const struct nuri_slab *slab, size_t index)
{
	return slab->memory + index * stride(pool) + GUARD_SIZE;
}

static inline struct nuri_stack *
stack_at(const struct nuri_stack_pool *pool, const struct nuri_slab *slab, size_t index)
{
	char *top =
		stack_base(pool, slab, index) + pool->stack_size - (index % COLOURS) * COLOUR_SIZE;

	return (struct nuri_stack *)(void *)(top - sizeof(struct nuri_stack));
}

/* ---- what the tools have to know ---- */

static void
register_stack(struct nuri_slab *slab, struct nuri_stack *stack)
{
#ifdef NURI_VALGRIND
	slab->valgrind_ids[stack->index] = VALGRIND_STACK_REGISTER(stack->base, stack);
#endif
}

static void
deregister_stacks(struct nuri_slab *slab)
{
#ifdef NURI_VALGRIND
	for (size_t i = 0; i < NURI_SLAB_STACKS; i++) {
		if (slab->guarded & UINT64_C(1) << i) {
			VALGRIND_STACK_DEREGISTER(slab->valgrind_ids[i]);
		}
	}
#endif
}

/* ---- why there is no stack ---- */

__attribute__((format(printf, 2, 3))) static int
no_stack(struct nuri_stack_pool *pool, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(pool->error, sizeof(pool->error), format, ap);
	va_end(ap);
	return NUR_ENOSTACK;
}

static int
no_memory(struct nuri_stack_pool *pool)
{
	return no_stack(pool, "out of memory with %zu stacks", pool->n_used);
}

static int
no_address_space(struct nuri_stack_pool *pool)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
		return no_stack(pool,
			"RLIMIT_AS (%llu bytes of address space) leaves no room beside %zu stacks",
			(unsigned long long)limit.rlim_cur, pool->n_used);
	}
	return no_stack(pool,
		"the kernel maps no more memory beside %zu stacks (vm.overcommit_memory, "
		"vm.max_map_count)",
		pool->n_used);
}

static unsigned long
max_map_count(void)
{
	_cleanup_(closep) int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		return 65530; /* the kernel's default */
	}
	return strtoul(text, NULL, 10);
}

static int
no_mapping(struct nuri_stack_pool *pool)
{
	return no_stack(pool,
		"vm.max_map_count (%lu) is reached with %zu stacks: without guard markers (Linux "
		"6.13) each takes two mappings",
		max_map_count(), pool->n_used);
}

/* ---- slabs ---- */

static int
slab_map(struct nuri_stack_pool *pool)
{
	struct nuri_slab *slab = calloc(1, sizeof(*slab));
	void *memory;

	if (!slab) {
		return no_memory(pool);
	}
	memory = mmap(NULL, slab_size(pool), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (memory == MAP_FAILED) {
		free(slab);
		return no_address_space(pool);
	}
	(void)madvise(
		memory, slab_size(pool), MADV_NOHUGEPAGE); /* a kernel may have no huge pages */

	slab->memory = memory;
	slab->untouched = UINT64_MAX >> (NURI_SLAB_STACKS - pool->n_per_slab);
	list_append(&pool->slabs, &slab->in_slabs);
	list_prepend(&pool->open, &slab->in_open);
	return 0;
}

static void
slab_unmap(struct nuri_stack_pool *pool, struct nuri_slab *slab)
{
	deregister_stacks(slab);
	nuri_stack_allow(slab->memory, slab->memory + slab_size(pool));
	(void)munmap(slab->memory, slab_size(pool)); /* whole mappings: cannot fail */
	pool->n_touched -= slab->n_touched;
	list_unlink(&slab->in_slabs);
	list_unlink(&slab->in_open);
	free(slab);
}

static int
guard(struct nuri_stack_pool *pool, char *memory)
{
	if (!pool->has_no_markers) {
		if (madvise(memory, GUARD_SIZE, MADV_GUARD_INSTALL) == 0) {
			return 0;
		}
		if (errno != EINVAL) {
			return no_memory(pool);
		}
		pool->has_no_markers = true;
	}
	return mprotect(memory, GUARD_SIZE, PROT_NONE) < 0 ? no_mapping(pool) : 0;
}

/* slab_touch() - make an idle stack out of an untouched one */
static int
slab_touch(struct nuri_stack_pool *pool, struct nuri_slab *slab)
{
	size_t index = (size_t)__builtin_ctzll(slab->untouched);
	uint64_t bit = UINT64_C(1) << index;
	struct nuri_stack *stack = stack_at(pool, slab, index);
	char *base = stack_base(pool, slab, index);
	bool is_new = !(slab->guarded & bit);

	if (is_new) {
		int r = guard(pool, base - GUARD_SIZE);

		if (r < 0) {
			return r;
		}
		slab->guarded |= bit;
	}

	*stack = (struct nuri_stack){
		.next = slab->idle, .base = base, .slab = slab, .index = index
	};
	if (is_new) {
		register_stack(slab, stack);
	}
	slab->untouched &= ~bit;
	slab->idle = stack;
	slab->n_touched++;
	pool->n_touched++;
	return 0;
}

/* slab_untouch() - give the memory of the idle stacks back, down to NURI_STACKS_IDLE_MAX in the pool */
static void
slab_untouch(struct nuri_stack_pool *pool, struct nuri_slab *slab)
{
	while (slab->idle && nuri_stack_pool_n_idle(pool) > NURI_STACKS_IDLE_MAX) {
		size_t index = slab->idle->index;
		char *base = stack_base(pool, slab, index);

		slab->idle = slab->idle->next;
		nuri_stack_allow(base, base + pool->stack_size);
		(void)madvise(base, pool->stack_size, MADV_DONTNEED); /* or it stays, unharmed */
		slab->untouched |= UINT64_C(1) << index;
		slab->n_touched--;
		pool->n_touched--;
	}
}

static void
trim(struct nuri_stack_pool *pool)
{
	struct list *node = pool->open.prev;

	while (node != &pool->open && nuri_stack_pool_n_idle(pool) > NURI_STACKS_IDLE_MAX) {
		struct nuri_slab *slab = list_entry(node, struct nuri_slab, in_open);

		node = node->prev;
		if (slab->n_used == 0) {
			slab_unmap(pool, slab);
		} else {
			slab_untouch(pool, slab);
		}
	}
}

/* ---- the pool ---- */

/* The name of the task whose guard @address lies in; runs in a signal handler. */
static const char *
find_overflowed(const void *address, void *arg)
{
	const struct nuri_stack_pool *pool = arg;
	struct list *node;

	list_for_each(node, &pool->slabs) {
		const struct nuri_slab *slab = list_entry(node, struct nuri_slab, in_slabs);
		size_t offset = (uintptr_t)address - (uintptr_t)slab->memory;
		const struct nuri_stack *stack;

		if (offset >= slab_size(pool)) {
			continue; /* also below it: the difference wraps around */
		}
		if (offset % stride(pool) >= GUARD_SIZE) {
			return NULL;
		}
		stack = stack_at(pool, slab, offset / stride(pool));
		return stack->next == stack ? pool->name_of(stack) : NULL;
	}
	return NULL;
}

int
nuri_stack_pool_init(struct nuri_stack_pool *pool, size_t stack_size,
	const char *(*name_of)(const struct nuri_stack *stack))
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (stack_size == 0) {
		stack_size = NURI_STACK_SIZE_DEFAULT;
	}
	if (stack_size < NURI_STACK_SIZE_MIN || stack_size > SIZE_MAX / 2 / NURI_SLAB_STACKS) {
		return -EINVAL;
	}

	*pool = (struct nuri_stack_pool){
		.stack_size = (stack_size + page - 1) & ~(page - 1),
		.name_of = name_of,
	};
	pool->n_per_slab = SLAB_SIZE_MAX / stride(pool);
	if (pool->n_per_slab > NURI_SLAB_STACKS) {
		pool->n_per_slab = NURI_SLAB_STACKS;
	} else if (pool->n_per_slab == 0) {
		pool->n_per_slab = 1;
	}
	list_init(&pool->slabs);
	list_init(&pool->open);
	return nuri_overflow_begin(&pool->overflow, find_overflowed, pool);
}

void
nuri_stack_pool_fini(struct nuri_stack_pool *pool)
{
	if (pool->stack_size == 0) {
		return;
	}
	assert(pool->n_used == 0);
	nuri_overflow_end(&pool->overflow);
	while (!list_is_empty(&pool->slabs)) {
		slab_unmap(pool, list_entry(pool->slabs.next, struct nuri_slab, in_slabs));
	}
	*pool = (struct nuri_stack_pool){ 0 };
}

void
nuri_stack_pool_abandon(struct nuri_stack_pool *pool, void (*drop)(struct nuri_stack *stack))
{
	struct list *node;

	list_for_each(node, &pool->slabs) {
		const struct nuri_slab *slab = list_entry(node, struct nuri_slab, in_slabs);

		for (size_t i = 0; i < pool->n_per_slab; i++) {
			struct nuri_stack *stack = stack_at(pool, slab, i);

			if (!(slab->untouched & UINT64_C(1) << i) && stack->next == stack) {
				drop(stack);
			}
		}
	}
	pool->n_used = 0;
}

int
nuri_stack_pool_open_slab(struct nuri_stack_pool *pool)
{
	struct nuri_slab *slab;

	if (list_is_empty(&pool->open)) {
		int r = slab_map(pool);

		if (r < 0) {
			return r;
		}
	}

	/* A slab that ran out of idle stacks is moved back only now that somebody wants one. */
	slab = list_entry(pool->open.next, struct nuri_slab, in_open);
	while (!slab->idle && nuri_stack_pool_n_idle(pool) > 0) {
		list_unlink(&slab->in_open);
		list_append(&pool->open, &slab->in_open);
		slab = list_entry(pool->open.next, struct nuri_slab, in_open);
	}
	return slab->idle ? 0 : slab_touch(pool, slab);
}

void
nuri_stack_pool_prefer(struct nuri_stack_pool *pool, struct nuri_slab *slab)
{
	list_unlink(&slab->in_open);
	list_prepend(&pool->open, &slab->in_open);
}

void
nuri_stack_pool_trim(struct nuri_stack_pool *pool, struct nuri_slab *slab)
{
	size_t n_idle = nuri_stack_pool_n_idle(pool);

	if (slab->n_used == 0 && n_idle - slab->n_touched >= NURI_STACKS_IDLE_MAX) {
		slab_unmap(pool, slab);
	} else if (n_idle > 2 * NURI_STACKS_IDLE_MAX) {
		trim(pool);
	}
}

const char *
nuri_stack_pool_error(const struct nuri_stack_pool *pool)
{
	return pool->error;
}

size_t
nuri_stack_pool_n_stacks(const struct nuri_stack_pool *pool)
{
	return pool->n_touched;
}
