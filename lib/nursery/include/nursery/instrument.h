/* SPDX-License-Identifier: MIT */
/*
 * Instruments: callbacks that watch a run, for profilers, debuggers, and tests. They are called for each
 * step of each task; a run without instruments spends one predictable branch at each place.
 *
 *	static int count_step(struct nur_task *task, void *n_steps)
 *	{
 *		++*(size_t *)n_steps;
 *		return 0;
 *	}
 *
 *	struct nur_instrument counter = { .name = "counter", .before_task_step = count_step, .arg = &n };
 *	nur_instrument_add(&counter);
 *
 * A hook returns 0, or a negative code when it has failed: its instrument is then removed, a line says so
 * (see report in struct nur_run_options), and the run goes on as if it had never been there.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * struct nur_instrument - hooks, each of which may be NULL; zeroed has none
 * @name:             for the line that says that it failed; NULL: "unnamed"
 * @arg:              passed to the hooks
 * @before_run:       nothing has run yet; for instruments of the options only
 * @after_run:        all tasks have ended, or the guest's run was abandoned
 * @task_spawned:     @task was made, and is in its nursery
 * @task_scheduled:   @task may run: it is new, or was woken, or has let others run
 * @before_task_step: @task is about to run
 * @after_task_step:  @task waits, lets others run, or has ended
 * @task_exited:      @task has ended and left its nursery; its name is still there
 * @before_io_wait:   the kernel is about to be asked for events, for at most @timeout: real ns; 0: without
 *                    waiting; NUR_FOREVER: until something happens
 * @after_io_wait:    it has answered, and the watches were called; @timeout is the same
 *
 * In @before_task_step, @after_task_step and @task_exited the current task is @task; in those of the
 * run and of the I/O there is none; @task_spawned and @task_scheduled are called wherever it happens.
 *
 * A hook looks, and may cancel. It must not wait, which ends the process with a message. nur_fail() says
 * nothing in a hook. errno is kept.
 *
 * Lives in the caller's memory, unchanged while it is added. The fields below the hooks are private, and
 * zero before the first use.
 */
struct nur_instrument {
	const char *name;
	void *arg;
	int (*before_run)(void *arg);
	int (*after_run)(void *arg);
	int (*task_spawned)(struct nur_task *task, void *arg);
	int (*task_scheduled)(struct nur_task *task, void *arg);
	int (*before_task_step)(struct nur_task *task, void *arg);
	int (*after_task_step)(struct nur_task *task, void *arg);
	int (*task_exited)(struct nur_task *task, void *arg);
	int (*before_io_wait)(nur_time timeout, void *arg);
	int (*after_io_wait)(nur_time timeout, void *arg);
	struct nur_node node;
	const void *run;
	uint64_t number;
};

/**
 * nur_instrument_add() - have the calling thread's run watched
 * @instrument: which hooks it has, is looked at now; one that is there already stays as it is
 *
 * Instruments are called in the order in which they were added; one that a hook adds, from the next
 * hook on.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   borrowed until nur_instrument_remove(), its failure, or the end of the run
 * Errors:      NUR_ENOTINTASK  outside a run
 *              NUR_EBUSY       another run has it
 * Source:      Trio add_instrument()
 *
 * Return: 0, or an error.
 */
int nur_instrument_add(struct nur_instrument *instrument);

/**
 * nur_instrument_remove() - no longer call it
 * @instrument: also from its own hooks, or another's
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   back to the caller
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -ENOENT         it is not there: never added, removed, or it has failed
 * Source:      Trio remove_instrument()
 *
 * Return: 0, or an error.
 */
int nur_instrument_remove(struct nur_instrument *instrument);

NUR_END_DECLS
