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
 * @waiting_ns:   of a waiting task: for how long, in ns of the run's clock, as exact as a pass of
 *                the loop; 0 otherwise
 * @age_ns:       since the task was started, likewise; 0 for the others
 * @deadline:     the effective deadline: of a task at its present place, of a nursery inside it;
 *                absolute; NUR_LONG_AGO when it is cancelled
 * @time_left_ns: from now until @deadline, negative when it is past; NUR_FOREVER when there is
 *                none, or it does not matter any more, as all is cancelled
 * @is_shielded:  the innermost scope there keeps cancellations from further out away
 * @is_cancelled: whether a checkpoint there would report cancellation
 * @reason:       why, or NULL
 * @stop_reason:  why the code there is asked to stop (a graceful cancel), or NULL
 * @n_children:   tasks alive in a nursery; nurseries open in a task; of the run, the
 *                main task and system tasks
 *
 * All pointers are borrowed for the visit.
 */
struct nur_tree_entry {
	enum nur_tree_kind kind;
	size_t depth;
	const char *name;
	enum nur_task_state state;
	const char *wait_reason;
	nur_time waiting_ns;
	nur_time age_ns;
	nur_time deadline;
	nur_time time_left_ns;
	bool is_shielded;
	bool is_cancelled;
	const struct nur_cancel_reason *reason;
	const struct nur_cancel_reason *stop_reason;
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

/**
 * nur_tree_format() - an entry as a line of text
 * @entry:      what a visitor of nur_tree_walk() was given
 * @text:       where to; may be NULL when @cap is 0
 * @cap:        bytes available at @text
 *
 * Indented by two blanks a level; times in seconds; a part that says nothing is left out:
 *
 *	run
 *	  main: waiting (nursery) for 5.000 s, 5.000 s old
 *	    nursery, 1 task, deadline in 95.000 s
 *	      worker: waiting (sleep) for 0.200 s, 5.000 s old, deadline in 1.000 s, shielded,
 *	      cancelled (explicit: "enough", by main)
 *
 * (the last two lines are one). A control character of a name or text becomes a question mark.
 *
 * Shape:       NUL-terminated, without newline, cut at @cap
 * Units:       bytes
 * Checkpoint:  never
 * Ownership:   borrowed for the call; takes no memory
 * Errors:      none
 * Source:      none
 *
 * Return: the whole length without the NUL, as snprintf().
 */
size_t nur_tree_format(const struct nur_tree_entry *entry, char *text, size_t cap);

/**
 * nur_dump_task_tree() - draw the tree of the calling thread's run as text on a descriptor
 * @fd:         blocking, or with room for all of it
 *
 * The lines of nur_tree_format(). Takes no memory, so it works where malloc(3) does not. From a task,
 * a loop callback, an instrument or an abort callback; not from a signal's handler, which may have
 * interrupted a change of the tree: let a task wait for the signal (see docs/introspection.md).
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   @fd is borrowed for the call
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -EBADF, -EAGAIN, -EPIPE, …  as write(2); what came before is written. EINTR is none:
 *                              the writing goes on.
 * Source:      none
 *
 * Return: 0, or an error.
 */
int nur_dump_task_tree(int fd);

NUR_END_DECLS
