/* SPDX-License-Identifier: MIT */
/*
 * A run: one thread, one loop, one tree of tasks. nur_run() starts the main task and returns when
 * it and everything below it has ended. Several threads may each have a run; they do not disturb
 * each other.
 *
 * A task may fork(2). The child is outside of any run, and can do what other processes can: mostly
 * exec or _exit. Calls of this library answer NUR_ENOTINTASK there, and waking has no effect; for it
 * to return from its task's function, or from a callback, is a bug that ends it with a message.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/instrument.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * struct nur_run_options - zeroed is the default
 * @clock:        NULL: CLOCK_MONOTONIC. Borrowed until the run is over.
 * @stack_size:   bytes of address space for each stack; 0: 64 KiB; at least 16 KiB, rounded up to
 *                pages
 * @max_tasks:    living tasks at one time; 0: no limit of the library's own
 * @is_seeded:    shuffle each batch of the scheduler by @seed, so that a program always runs in one
 *                order
 * @seed:         see @is_seeded
 * @detects_deadlock: when nothing can ever wake the run, end it with NUR_EDEADLOCK instead of waiting
 *                for ever: no task is runnable, no call queued, there is no deadline, no watched
 *                descriptor (a waiting signal receiver and an open stream have one), no token open
 *                outside, and no thread in flight. Costs a comparison before each wait.
 * @hog_after_ns: a task that keeps the loop busy for longer, in one step between two checkpoints, is
 *                named to @report: once a step, while the step lasts. Real time, whatever the clock.
 *                Only tasks are watched, not callbacks of the loop. A thread looks, which sleeps
 *                meanwhile and wakes once in so long; each step costs a mutex taken twice, and a
 *                reading of the clock. 0: no watchdog
 * @measures_stacks: keep count of how much of their stacks tasks use: see nur_stack_use_walk()
 * @instruments:  to watch the run from its beginning, in this order; see nur_instrument_add()
 * @n_instruments: how many
 * @report:       what the runtime has to say to people: a line without newline, "instrument "x"
 *                failed in …", "task "x" has kept the loop busy for 0.100 s". Must not wait; the
 *                second kind comes from the watchdog's thread. NULL: standard error.
 * @report_arg:   passed to @report
 */
struct nur_run_options {
	const struct nur_clock *clock;
	size_t stack_size;
	size_t max_tasks;
	bool is_seeded;
	uint64_t seed;
	bool detects_deadlock;
	nur_time hog_after_ns;
	bool measures_stacks;
	struct nur_instrument *const *instruments;
	size_t n_instruments;
	void (*report)(const char *line, void *arg);
	void *report_arg;
};

/**
 * nur_run() - run a main task, and all that it starts, to the end
 * @fn:         the main task
 * @arg:        passed to @fn
 * @options:    NULL: the defaults
 * @errors:     NULL, or where the details of a failure go: one record with the text of nur_fail()
 *              and, when @fn failed with a nursery's failure, that group nested in it. An empty
 *              group on success.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  no task may call it
 * Ownership:   borrows @arg, @options and the clock until it returns; gives the contents of @errors
 * Errors:      NUR_ENESTEDRUN  this thread is inside a run, or this process was forked inside one
 *              -EINVAL         @fn is NULL, a stack_size below 16 KiB, a negative hog_after_ns
 *              NUR_EBUSY       another run has one of the instruments
 *              -ENOMEM, -EMFILE, …  the loop or the first stack could not be made
 *              -EAGAIN         no thread for the watchdog
 *              NUR_EINTERNAL   the runtime found itself, or a callback, broken, or a system task
 *                              failed: the record holds the group of these failures
 *              NUR_EDEADLOCK   with detects_deadlock: nothing could wake the run any more. The last
 *                              record's text is the task tree of that moment. All tasks were
 *                              cancelled, shielded ones too; when waits refuse to be aborted, the
 *                              process ends with the tree as its message instead.
 *              NUR_EMISNEST    the main task returned with a nursery or scope still open
 *              anything else   what @fn returned, not wrapped
 * Source:      Trio run()
 *
 * Return: what @fn returned, or an error.
 */
int nur_run(nur_task_fn fn, void *arg, const struct nur_run_options *options,
	struct nur_errors *errors);

/**
 * nur_spawn_system_task() - start a task beside the main task, in no nursery of the program's
 * @name:       for people; NULL: derived from @fn. Borrowed until the task has ended.
 * @fn:         what it runs
 * @arg:        passed to @fn; borrowed or not as the two agree
 *
 * For what serves a whole run. It is cancelled when the main task ends, and the run waits for it. Its
 * failure is an internal error of the run: everything is cancelled and nur_run() returns
 * NUR_EINTERNAL.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   none
 * Errors:      NUR_ENOTINTASK  this thread is not inside a run
 *              -EINVAL         @fn is NULL
 *              NUR_ECLOSED     the main task and all system tasks have ended
 *              NUR_ENOSTACK, -EAGAIN  as nur_start_soon()
 * Source:      Trio spawn_system_task()
 *
 * Return: 0, or an error and nothing was started.
 */
int nur_spawn_system_task(const char *name, nur_task_fn fn, void *arg);

/**
 * struct nur_statistics - a run, counted
 * @n_tasks_living:    tasks that have not ended, the main task and system tasks included
 * @n_tasks_runnable:  of these, ready to run
 * @n_waiting_read:    tasks in nur_wait_readable() and its like
 * @n_waiting_write:   tasks in nur_wait_writable() and its like
 * @next_deadline_ns:  until the earliest deadline; NUR_FOREVER when there is none
 * @n_ignored_cancels: checkpoints that reported a cancellation to a task that had been told already
 * @n_stacks:          stacks made and not given back, pooled ones included
 * @n_passes:          scheduler passes so far
 * @n_polls:           times the kernel was asked for events so far
 * @n_wakers:          what outside may wake the run: open tokens, and threads that work for it
 * @n_calls_queued:    calls from outside (nur_token_call_soon() and its like) that no pass has taken
 *                     yet
 */
struct nur_statistics {
	size_t n_tasks_living;
	size_t n_tasks_runnable;
	size_t n_waiting_read;
	size_t n_waiting_write;
	nur_time next_deadline_ns;
	uint64_t n_ignored_cancels;
	size_t n_stacks;
	uint64_t n_passes;
	uint64_t n_polls;
	size_t n_wakers;
	size_t n_calls_queued;
};

/*
 * nur_current_statistics() - count the calling thread's run; 0, or NUR_ENOTINTASK outside one (no
 * checkpoint)
 */
int nur_current_statistics(struct nur_statistics *ret_statistics);

NUR_END_DECLS
