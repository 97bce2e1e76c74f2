/* SPDX-License-Identifier: MIT */
/*
 * Threads for calls that block: a task hands a function to a thread and waits, others run on. From
 * the thread one can call back into the run. Everybody else's way into a run is its token,
 * <nursery/token.h>.
 *
 *	static int read_all(void *arg) { … read(2) … }
 *
 *	r = nur_thread_run(read_all, &file, NULL);
 *
 * Threads are kept for the next call, and end when there was none for ten seconds.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/limiter.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * typedef nur_thread_fn - what runs on a thread, outside of any run: it may block, and is no task
 * @arg:        what was given
 *
 * Return: what nur_thread_run() returns; NUR_ECANCELED when a call below said so. What it says with
 * nur_fail() is taken along.
 */
typedef int (*nur_thread_fn)(void *arg);

/**
 * struct nur_thread_options - zeroed is the default
 * @name:            of the thread while it works, cut at 15 bytes; NULL: the calling task's
 * @limiter:         where the call takes its token, until the thread is done; NULL: the run's own,
 *                   nur_thread_default_limiter(). Must live as long as the thread works.
 * @is_abandonable:  when the caller is cancelled it goes on at once, and the thread by itself
 * @release:         NULL, or called with the argument if the call ends with NUR_ECANCELED: at once, or
 *                   when the abandoned function has returned; then on the loop's stack, or on the
 *                   thread when the run is over. After any other end the argument is still the
 *                   caller's.
 */
struct nur_thread_options {
	const char *name;
	struct nur_limiter *limiter;
	bool is_abandonable;
	void (*release)(void *arg);
};

/**
 * nur_thread_run() - run a function on a thread and wait for it
 * @fn:         what to run
 * @arg:        passed to @fn
 * @options:    NULL: the defaults
 *
 * Cancellation cannot stop @fn. The caller goes on waiting, and is told at its next checkpoint,
 * unless @fn asked nur_thread_check_cancelled() and returned NUR_ECANCELED. With is_abandonable it
 * does not wait: what @fn does then is seen by nobody, and is no concern of the run, which may end
 * before it.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   borrows @arg until @fn has returned: with is_abandonable that may be any time later,
 *              and release tells
 * Errors:      NUR_ECANCELED   cancelled before a thread was started, or abandoned, or returned by
 *                              @fn
 *              -EINVAL         @fn is NULL
 *              -EAGAIN         no thread could be started; the limiter's token was given back
 *              -ENOMEM, -EMFILE
 *              NUR_ENOTINTASK  the caller is no task
 *              anything else   what @fn returned
 * Source:      Trio to_thread.run_sync()
 *
 * Return: what @fn returned, or an error.
 */
NUR_CHECKPOINT int nur_thread_run(
	nur_thread_fn fn, void *arg, const struct nur_thread_options *options);

/**
 * nur_thread_default_limiter() - what limits nur_thread_run() in this run: 40 at a time
 *
 * Checkpoint: never. Ownership: borrowed until the run is over. Errors: NUR_ENOTINTASK outside a
 * run; -ENOMEM. Source: Trio to_thread.current_default_thread_limiter(). Return: 0 or an error.
 */
int nur_thread_default_limiter(struct nur_limiter **ret_limiter);

/**
 * nur_thread_call_back() - from a thread: have a plain function called in the run, and wait for it
 * @fn:         called as the task that started the thread; must not wait, which ends the process
 * @arg:        passed to @fn
 *
 * From an abandonable thread, whose task may be gone, it is called on the loop's stack.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; blocks the thread
 * Ownership:   borrows @arg
 * Errors:      NUR_ENOTINTASK    no nur_thread_run() is behind this thread
 *              NUR_ERUNFINISHED  the run is over, or this is a forked child
 *              -EDEADLK          the caller is inside a run, which would wait for itself
 *              -EINVAL           @fn is NULL
 * Source:      Trio from_thread.run_sync()
 *
 * Return: what @fn returned, or an error.
 */
int nur_thread_call_back(nur_task_fn fn, void *arg);

/**
 * nur_thread_run_back() - from a thread: have a function that may wait run in the run, and wait for
 * it
 * @fn:         runs as the task that started the thread, in its scopes; it is told when they are
 *              cancelled
 * @arg:        passed to @fn
 *
 * From an abandonable thread it runs as a system task, which is cancelled when the main task ends.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; blocks the thread
 * Ownership:   borrows @arg
 * Errors:      as nur_thread_call_back(), and, of a system task, NUR_ENOSTACK and -EAGAIN
 * Source:      Trio from_thread.run()
 *
 * Return: what @fn returned, NUR_ECANCELED of a cancelled one among it, or an error.
 */
int nur_thread_run_back(nur_task_fn fn, void *arg);

/**
 * nur_thread_check_cancelled() - from a thread: whether its task has been cancelled
 *
 * Asks nobody and costs next to nothing. Says so for good, also after the thread was abandoned.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      NUR_ECANCELED   it has; return that
 *              NUR_ENOTINTASK  no nur_thread_run() is behind this thread
 * Source:      Trio from_thread.check_cancelled()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_thread_check_cancelled(void);

NUR_END_DECLS
