/* SPDX-License-Identifier: MIT */
/* The live tree of a run: its tasks, their nurseries, the tasks in these. */
#pragma once

#include <nursery/cancel_scope.h>
#include <nursery/clock.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

enum nur_tree_kind {
	NUR_TREE_RUN,
	NUR_TREE_TASK,
	NUR_TREE_NURSERY,
};

enum nur_task_state {
	NUR_TASK_RUNNING,  /* the caller */
	NUR_TASK_RUNNABLE, /* in the run queue */
	NUR_TASK_WAITING,  /* suspended; see wait_reason */
};

/* nur_task_state_name() - "running", "runnable", "waiting" */
const char *nur_task_state_name(enum nur_task_state state);

/**
 * struct nur_tree_entry - a line of the tree
 * @kind:         run, task or nursery
 * @depth:        0 is the run
 * @name:         of a task; NULL for the others
 * @state:        of a task
 * @wait_reason:  of a waiting task: what for ("sleep", "event", "nursery"); NULL otherwise
 * @age_ns:       since the task was started, in ns of the run's clock; 0 for the others
 * @deadline:     the effective deadline: of a task at its present place, of a nursery inside it;
 *                absolute
 * @is_cancelled: whether a checkpoint there would report cancellation
 * @reason:       why, or NULL
 * @n_children:   tasks alive in a nursery; nurseries open in a task; 1 for the run
 *
 * All pointers are borrowed for the visit.
 */
struct nur_tree_entry {
	enum nur_tree_kind kind;
	size_t depth;
	const char *name;
	enum nur_task_state state;
	const char *wait_reason;
	nur_time age_ns;
	nur_time deadline;
	bool is_cancelled;
	const struct nur_cancel_reason *reason;
	size_t n_children;
};

/*
 * typedef nur_tree_fn - called for each entry, parents first; not 0 ends the walk. Must not wait or
 * change the tree.
 */
typedef int (*nur_tree_fn)(const struct nur_tree_entry *entry, void *arg);

/**
 * nur_tree_walk() - visit the whole tree of the calling thread's run
 *
 * Needs little stack whatever the depth. Checkpoint: never (allowed from loop callbacks).
 * Errors: NUR_ENOTINTASK outside a run. Source: Trio Task.child_nurseries, Nursery.child_tasks.
 *
 * Return: 0, what @visit returned to end it, or NUR_ENOTINTASK.
 */
int nur_tree_walk(nur_tree_fn visit, void *arg);

/*
 * nur_dump_task_tree() - draw the tree as text on a descriptor. 0, NUR_ENOTINTASK, or as write(2)
 * (no checkpoint)
 */
int nur_dump_task_tree(int fd);

NUR_END_DECLS
