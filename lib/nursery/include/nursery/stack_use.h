/* SPDX-License-Identifier: MIT */
/*
 * How much of their stacks tasks use, for choosing stack_size of struct nur_run_options. A run with
 * measures_stacks fills each stack with a pattern before its task begins, and looks later how far down it
 * was overwritten: for test runs and experiments. It costs the memory of whole stacks and microseconds a
 * task.
 */
#pragma once

#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * struct nur_stack_use - the tasks of one function
 * @fn:       what they run
 * @name:     of @fn if it is exported, else of its first task; borrowed for the visit
 * @n_tasks:  started so far
 * @max_used: bytes of stack of the one that used most, up to its end or to now, with what the runtime
 *            keeps there; at least some 2 KiB, as the top is not looked at
 * @size:     bytes that there are
 *
 * What a function reserves and does not write is not seen: a large array used in part. As many bytes more
 * should be free as a signal's handler needs, if some run on the stack.
 */
struct nur_stack_use {
	nur_task_fn fn;
	const char *name;
	size_t n_tasks;
	size_t max_used;
	size_t size;
};

/* typedef nur_stack_use_fn - called for each function; not 0 ends the walk. Must not wait or start tasks. */
typedef int (*nur_stack_use_fn)(const struct nur_stack_use *use, void *arg);

/**
 * nur_stack_use_walk() - visit all functions that ran as tasks in the calling thread's run
 * @visit:      called in the order in which the functions were first started
 * @arg:        passed to @visit
 *
 * Living tasks are looked at now. From a task, a callback of the loop, or after_run of an instrument.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -ENODATA        the run does not measure: measures_stacks is not set, or there was no memory
 *                              for the figures (which was reported)
 * Source:      libdill's census
 *
 * Return: 0, what @visit returned to end it, or an error.
 */
int nur_stack_use_walk(nur_stack_use_fn visit, void *arg);

/**
 * nur_dump_stack_use() - write a line for each function on a descriptor
 * @fd:         blocking, or with room for all of it
 *
 *	parse: 120 tasks, at most 5432 of 65536 bytes of stack
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   @fd is borrowed for the call
 * Errors:      NUR_ENOTINTASK, -ENODATA  as nur_stack_use_walk()
 *              -EBADF, -EAGAIN, -EPIPE, …  as write(2); EINTR is none
 * Source:      none
 *
 * Return: 0, or an error.
 */
int nur_dump_stack_use(int fd);

NUR_END_DECLS
