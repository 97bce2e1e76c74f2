/* SPDX-License-Identifier: MIT */
/*
 * Tasks: who is running. Tasks are made by nur_start_soon() and nur_start() in a nursery, by nur_run() and by
 * nur_spawn_system_task().
 */
#pragma once

#include <nursery/macros.h>

NUR_BEGIN_DECLS

struct nur_nursery;
struct nur_task;

/**
 * typedef nur_task_fn - what a task runs
 * @arg:        what was given at the start
 *
 * Return: 0 or positive: success; negative: failure, which cancels the siblings; NUR_ECANCELED when
 * a checkpoint said so.
 */
typedef int (*nur_task_fn)(void *arg);

/*
 * nur_current_task() - the calling task, valid until it ends; NULL outside a task. Trio
 * current_task().
 */
struct nur_task *nur_current_task(void);

/*
 * nur_in_run() - whether the calling thread is inside a run: in a task, in a callback of its loop,
 * or after nur_guest_enter()
 */
bool nur_in_run(void);

/*
 * nur_in_task() - whether the caller is a task (true also in an abort callback, false in loop
 * callbacks)
 */
bool nur_in_task(void);

/*
 * nur_task_name() - the name given at the start, or one derived from the function; borrowed until
 * the task ends
 */
const char *nur_task_name(const struct nur_task *task);

/*
 * nur_task_set_name() - another name, borrowed until the task has ended or has got another one; NULL: derived
 * from its function. A task that frees what its name stands in gives it up so (no checkpoint). Trio Task.name.
 */
void nur_task_set_name(struct nur_task *task, const char *name);

/*
 * nur_task_parent_nursery() - the nursery @task runs in; NULL for the main task and system tasks. Trio
 * Task.parent_nursery.
 */
struct nur_nursery *nur_task_parent_nursery(const struct nur_task *task);

/*
 * nur_task_eventual_parent_nursery() - where @task lives once nur_start() has seen it ready; NULL when
 * it is there, or was not started so. Trio Task.eventual_parent_nursery.
 */
struct nur_nursery *nur_task_eventual_parent_nursery(const struct nur_task *task);

/*
 * nur_task_nursery() - the nurseries @task has open, 0 the outermost; NULL past the last. Trio
 * child_nurseries.
 */
struct nur_nursery *nur_task_nursery(const struct nur_task *task, size_t index);

NUR_END_DECLS
