/* SPDX-License-Identifier: MIT */
/*
 * Local values: what everybody below can see without being handed it, as the id of the request that
 * is served. Task-local values are inherited by the tasks that a task starts, and private afterwards;
 * run-local values belong to the whole run, where a global would be shared by all runs of a process.
 *
 *	static const struct nur_local request_id = { .destroy = NULL };
 *
 *	r = nur_task_local_set(&request_id, request->id);
 */
#pragma once

#include <nursery/errors.h>

NUR_BEGIN_DECLS

/**
 * struct nur_local - a key: its address is what counts; usually static
 * @destroy:    frees a value that nobody can find any more; must not wait. NULL: values are borrowed
 *              and stay valid as long as a task may look at them.
 *
 * The same key has a value in each task and, apart from these, one in each run. Lives as long as any
 * value that was set with it.
 */
struct nur_local {
	void (*destroy)(void *value);
};

/**
 * nur_task_local_set() - set a value for the calling task and what it starts from now on
 * @value:      replaces the present one; who inherited that keeps it
 *
 * Each task starts with the values of the task that starts it, not of the one that opened its nursery.
 * System tasks, and tasks started by loop callbacks, start with none.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   with a destructor @value is given, and destroyed when the last task that has it sets
 *              another or ends; else borrowed
 * Errors:      NUR_ENOTINTASK  the caller is no task
 *              -ENOMEM         nothing has changed
 *              With an error @value stays the caller's.
 * Source:      contextvars.ContextVar.set()
 *
 * Return: 0 or an error.
 */
int nur_task_local_set(const struct nur_local *local, void *value);

/* nur_task_local_unset() - take the value out of the calling task; errors as nur_task_local_set() */
int nur_task_local_unset(const struct nur_local *local);

/**
 * nur_task_local_find() - the value that the calling task has
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks, which have none)
 * Ownership:   borrowed until the task sets another or ends
 * Errors:      -ENOENT  it has none; *@ret_value is not written
 * Source:      contextvars.ContextVar.get()
 *
 * Return: 0 or -ENOENT.
 */
int nur_task_local_find(const struct nur_local *local, void **ret_value);

/**
 * nur_run_local_set() - set a value for the calling thread's run
 * @value:      replaces the present one
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   with a destructor @value is given, and destroyed when another is set or, after all
 *              tasks, the run ends; else borrowed
 * Errors:      NUR_ENOTINTASK  this thread is not inside a run
 *              -ENOMEM         nothing has changed
 *              With an error @value stays the caller's.
 * Source:      Trio lowlevel.RunVar.set()
 *
 * Return: 0 or an error.
 */
int nur_run_local_set(const struct nur_local *local, void *value);

/* nur_run_local_unset() - take the value out of the run; errors as nur_run_local_set() */
int nur_run_local_unset(const struct nur_local *local);

/**
 * nur_run_local_find() - the value that the calling thread's run has
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   borrowed until another is set or the run ends
 * Errors:      NUR_ENOTINTASK  this thread is not inside a run
 *              -ENOENT         it has none; *@ret_value is not written
 * Source:      Trio lowlevel.RunVar.get()
 *
 * Return: 0 or an error.
 */
int nur_run_local_find(const struct nur_local *local, void **ret_value);

NUR_END_DECLS
