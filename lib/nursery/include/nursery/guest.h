/* SPDX-License-Identifier: MIT */
/*
 * A run on somebody else's loop: a program that has an event_base of libevent keeps it, and tasks
 * live beside its callbacks, on the same thread. The host's loop makes the run's passes; nothing
 * blocks, nothing is locked.
 *
 *	struct nur_guest_options options = { .base = base, .fn = program, .done = on_done };
 *	struct nur_guest *guest;
 *
 *	r = nur_guest_start(&options, &guest);
 *	event_base_dispatch(base);	// program() runs in here, and on_done() is called at its end
 *	nur_guest_destroy(guest);
 *
 * A callback of the host is outside of the run until it enters it:
 *
 *	nur_guest_enter(guest);
 *	nur_event_set(&clicked);	// and whatever else a callback on a run's own loop may do
 *	nur_guest_leave(guest);
 *
 * Several guests may share a base. All calls are for the thread of the host's loop.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/run.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

struct event_base; /* libevent's */
struct nur_guest;

/**
 * typedef nur_guest_done_fn - the run is over
 * @result:     what nur_run() would have returned
 * @errors:     what nur_run() would have given; freed after the call. To keep the contents, move
 *              them and leave NUR_ERRORS_INIT
 * @user:       what was given at the start
 *
 * Called once, by the host's loop, outside of any run. The guest is off the base by then; it may be
 * destroyed, and another one may be started.
 */
typedef void (*nur_guest_done_fn)(int result, struct nur_errors *errors, void *user);

/**
 * struct nur_guest_options
 * @base:       the host's loop; borrowed until the run is over or the guest destroyed
 * @fn:         the main task
 * @arg:        passed to @fn
 * @run:        NULL: the defaults; the clock and the instruments are borrowed for as long as @base
 *              detects_deadlock has no meaning: a callback of the host may always wake the run
 * @done:       called at the end; not NULL
 * @user:       passed to @done
 */
struct nur_guest_options {
	struct event_base *base;
	nur_task_fn fn;
	void *arg;
	const struct nur_run_options *run;
	nur_guest_done_fn done;
	void *user;
};

/**
 * nur_guest_start() - begin a run that the host's loop drives
 * @options:    which loop, which main task
 * @ret_guest:  the run
 *
 * Nothing of the main task has run when it returns, but the run is there: it may be entered, and
 * calls queued. Its first pass comes with the next turn of the host's loop. While tasks are
 * runnable there is one pass for each turn of the host's loop, so that the host's events have
 * theirs. As long as the run is not over, the base has events and event_base_dispatch() goes on.
 *
 * It may be called inside another run, also by a task that lives on the same base.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   given, nur_guest_destroy(); borrows what @options says
 * Errors:      -EINVAL         no base, main task or done callback; a stack_size below 16 KiB, a negative
 *                              hog_after_ns
 *              -ENOMEM, -EMFILE, …  the run's place on the loop could not be made
 *              -EAGAIN         no thread for the watchdog
 *              NUR_ENOSTACK    no stack for the main task
 *              NUR_EBUSY       another run has one of the instruments
 *              NUR_ENESTEDRUN  this process was forked inside a run
 * Source:      Trio lowlevel.start_guest_run()
 *
 * Return: 0 or an error, and nothing is left on the base.
 */
int nur_guest_start(const struct nur_guest_options *options, struct nur_guest **ret_guest);

/**
 * nur_guest_enter() - from a callback of the host: make the guest's run the thread's current one
 * @guest:      the run
 *
 * Until nur_guest_leave() the caller is in the run, as a callback of a run's own loop is: it may
 * set events, cancel scopes, move deadlines, start tasks in open nurseries, ask the time, and never
 * wait. Inside the run already (a task, a watch) it is allowed and changes nothing. Different
 * guests may be entered one inside the other.
 *
 * Waking a task of a run that is not the current one, or starting one there, ends the process with a
 * message: nobody would tell the host's loop.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      NUR_ERUNFINISHED  the run is over; do not call nur_guest_leave()
 * Source:      Trio's guest mode, where the thread has only one run and is always in it
 *
 * Return: 0 or an error.
 */
int nur_guest_enter(struct nur_guest *guest);

/**
 * nur_guest_leave() - back to where the caller was before nur_guest_enter()
 * @guest:      the run, entered
 *
 * What was woken runs in the same turn of the host's loop, as does what a passed deadline wakes.
 *
 * Checkpoint: never. A call without nur_guest_enter(), or out of order, ends the process with a
 * message.
 */
void nur_guest_leave(struct nur_guest *guest);

/**
 * nur_guest_destroy() - free the guest; when its run is not over, abandon it
 * @guest:      NULL: nothing happens; not entered
 *
 * An abandoned run is a bug of the host, and its report (struct nur_run_options) says so. The host's base is
 * left as if the run had never been there, and the tasks are out of everything that they waited
 * for, but they end where they are: their cleanup does not run, what they own is lost, done is not
 * called. A thread that waits for an answer of the run gets NUR_ERUNFINISHED. To end a run in order,
 * cancel a scope around its main task's work and let the loop go on until done is called. A loop that
 * merely pauses, and goes on later, abandons nothing.
 *
 * Before event_base_free(). Not in one of the guest's own tasks or callbacks; in done it is allowed.
 *
 * Checkpoint: never. Source: Trio's warning "guest run got abandoned".
 */
void nur_guest_destroy(struct nur_guest *guest);

NUR_END_DECLS
