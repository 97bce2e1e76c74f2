/* SPDX-License-Identifier: MIT */
/*
 * Stacks, measured by an instrument of the library's own:
 *
 *	base ─── pattern ─── │ overwritten ──── │ not painted │ struct nur_task │ top
 *	                     └ the lowest use               └ makecontext() has written there
 *
 * A new task's stack is painted from its base up to shortly below the task; when the task ends, or
 * somebody asks, the first word from the base that is not paint is how far it came. Pages that the kernel
 * counts as touched would be cheaper, but stacks are used again: they tell of all tasks before.
 */
#include <nursery/stack_use.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/stack_use.h"
#include "lib/nursery/tree.h"
#include "lib/nursery/write_all.h"

#ifdef NURI_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define PAINT_BYTE  0xb5
#define PAINT       UINT64_C(0xb5b5b5b5b5b5b5b5)
#define NOT_PAINTED 1024 /* below the task: the first frame of a context of the C library */

struct figure {
	nur_task_fn fn;
	char name[64];
	size_t n_tasks;
	size_t max_used;
};

struct nuri_stack_use {
	struct nur_instrument instrument;
	struct figure *figures;
	size_t n;
};

static char *
painted_end(const struct nur_task *task)
{
	return (char *)(uintptr_t)task - NOT_PAINTED;
}

/* Reads dead and living frames of another stack, which tools take for a mistake. */
__attribute__((no_sanitize("address", "thread"))) static size_t
measure(const struct nur_task *task)
{
	const uint64_t *base = task->stack->base;
	const uint64_t *end = (const uint64_t *)(void *)painted_end(task);
	const uint64_t *lowest = base;

#ifdef NURI_VALGRIND
	(void)VALGRIND_MAKE_MEM_DEFINED(base, (size_t)(end - base) * sizeof(*base));
#endif
	while (lowest < end && *lowest == PAINT) {
		lowest++;
	}
	return task->run->stacks.stack_size - (size_t)(lowest - base) * sizeof(*base);
}

static struct figure *
find(const struct nuri_stack_use *use, nur_task_fn fn)
{
	for (size_t i = 0; i < use->n; i++) {
		if (use->figures[i].fn == fn) {
			return &use->figures[i];
		}
	}
	return NULL;
}

static const char *
name_of(const struct nur_task *task)
{
	Dl_info info;

	if (dladdr((void *)(uintptr_t)task->fn, &info) && info.dli_sname) {
		return info.dli_sname;
	}
	return nur_task_name(task);
}

/* Room for one more: the capacity is the next power of two, so only powers of two reallocate. */
static struct figure *
add(struct nuri_stack_use *use, const struct nur_task *task)
{
	struct figure *figure;

	if (!(use->n & (use->n - 1))) {
		struct figure *figures =
			realloc(use->figures, (use->n ? 2 * use->n : 1) * sizeof(*figures));

		if (!figures) {
			return NULL;
		}
		use->figures = figures;
	}
	figure = &use->figures[use->n++];
	*figure = (struct figure){ .fn = task->fn };
	(void)snprintf(figure->name, sizeof(figure->name), "%s", name_of(task));
	return figure;
}

static int
begin_task(struct nur_task *task, void *arg)
{
	struct nuri_stack_use *use = arg;
	struct figure *figure = find(use, task->fn);
	char *base = task->stack->base;

	if (!figure) {
		figure = add(use, task);
	}
	if (!figure) {
		return -ENOMEM;
	}
	figure->n_tasks++;
	memset(base, PAINT_BYTE, (size_t)(painted_end(task) - base));
	return 0;
}

static void
look_at(const struct nur_task *task, void *arg)
{
	struct figure *figure = find(arg, task->fn);
	size_t used = measure(task);

	if (figure && used > figure->max_used) {
		figure->max_used = used;
	}
}

static int
end_task(struct nur_task *task, void *arg)
{
	look_at(task, arg);
	return 0;
}

int
nuri_stack_use_begin(struct nuri_run *run)
{
	struct nuri_stack_use *use = calloc(1, sizeof(*use));

	if (!use) {
		return -ENOMEM;
	}
	use->instrument = (struct nur_instrument){
		.name = "stack use",
		.arg = use,
		.task_spawned = begin_task,
		.task_exited = end_task,
	};
	(void)nur_instrument_add(&use->instrument); /* new, and in the current run */
	run->stack_use = use;
	return 0;
}

void
nuri_stack_use_end(struct nuri_run *run)
{
	if (run->stack_use) {
		free(run->stack_use->figures);
		free(steal(&run->stack_use));
	}
}

int
nur_stack_use_walk(nur_stack_use_fn visit, void *arg)
{
	struct nuri_run *run = nuri_current_run();
	struct nuri_stack_use *use;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	use = run->stack_use;
	if (!use || use->instrument.run != run) {
		return -ENODATA;
	}

	nuri_tree_each_task(run, look_at, use);
	for (size_t i = 0; i < use->n; i++) {
		const struct figure *figure = &use->figures[i];
		const struct nur_stack_use entry = {
			.fn = figure->fn,
			.name = figure->name,
			.n_tasks = figure->n_tasks,
			.max_used = figure->max_used,
			.size = run->stacks.stack_size,
		};
		int r = visit(&entry, arg);

		if (r != 0) {
			return r;
		}
	}
	return 0;
}

static int
write_line(const struct nur_stack_use *use, void *fd)
{
	char line[192];
	int len = snprintf(line, sizeof(line), "%s: %zu %s, at most %zu of %zu bytes of stack\n",
		use->name, use->n_tasks, use->n_tasks == 1 ? "task" : "tasks", use->max_used,
		use->size);

	return nuri_write_all(*(int *)fd, line, (size_t)len);
}

int
nur_dump_stack_use(int fd)
{
	return nur_stack_use_walk(write_line, &fd);
}
