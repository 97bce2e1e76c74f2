/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints: where a task lets others run and learns that it was cancelled. Every call of this
 * library that waits is one, always; each header says so. Below them: the one place where a task is
 * suspended.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * nur_checkpoint() - let others run, then look for cancellation
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio lowlevel.checkpoint()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_checkpoint(void);

/*
 * nur_checkpoint_if_cancelled() - if cancelled: let others run and report it; else nothing. Trio's
 * namesake.
 */
NUR_CHECKPOINT int nur_checkpoint_if_cancelled(void);

/*
 * nur_cancel_shielded_checkpoint() - let others run, look for nothing. Trio's namesake. 0 or
 * NUR_ENOTINTASK.
 */
int nur_cancel_shielded_checkpoint(void);

/**
 * nur_sleep() - suspend the calling task for some time
 * @timeout:    0 is a plain checkpoint; NUR_FOREVER waits for cancellation
 *
 * Shape:       none
 * Units:       nanoseconds
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              -EINVAL         @timeout is negative
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio sleep()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_sleep(nur_time timeout);

/**
 * nur_sleep_until() - suspend the calling task until a deadline
 * @deadline:   absolute; NUR_FOREVER waits for cancellation
 *
 * Wakes in the first pass of the loop at or after @deadline.
 *
 * Shape:       none
 * Units:       nanoseconds of the run's clock (nur_now())
 * Checkpoint:  always, also when @deadline has passed
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio sleep_until()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_sleep_until(nur_time deadline);

/*
 * nur_sleep_forever() - wait for cancellation. Woken by hand it returns NUR_EINTERNAL. Trio
 * sleep_forever().
 */
NUR_CHECKPOINT int nur_sleep_forever(void);

/* What an abort callback answers. */
enum nur_abort {
	NUR_ABORT_SUCCEEDED = 1, /* the wait is undone; the task gets NUR_ECANCELED */
	NUR_ABORT_FAILED = 2,    /* it can't be undone now; whoever wakes the task later decides */
};

/**
 * typedef nur_abort_fn - undo a wait because the task was cancelled
 *
 * Called at most once for one wait, from wherever the cancellation came (a task or the loop). Must
 * not wait and must not wake @task. Source: Trio lowlevel.wait_task_rescheduled().
 */
typedef enum nur_abort (*nur_abort_fn)(struct nur_task *task, void *arg);

/**
 * nur_wait_task_rescheduled() - suspend the calling task until somebody calls nur_reschedule()
 * @why:        what it waits for, for the task tree ("event", "receive"); static
 * @abort:      undoes the wait; NULL: it cannot be undone
 * @arg:        passed to @abort
 *
 * The caller has put itself somewhere where a waker will find it. When it is cancelled already,
 * @abort is called at once and the task still lets others run before this returns.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   borrows @arg until it returns
 * Errors:      NUR_ECANCELED   cancelled, and @abort answered NUR_ABORT_SUCCEEDED
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio lowlevel.wait_task_rescheduled()
 *
 * Return: the result given to nur_reschedule(), or an error.
 */
NUR_CHECKPOINT int nur_wait_task_rescheduled(const char *why, nur_abort_fn abort, void *arg);

/**
 * nur_reschedule() - wake a task from nur_wait_task_rescheduled()
 * @task:       waiting, not yet woken; anything else is a bug and ends the process
 * @result:     what its wait returns
 *
 * Checkpoint: never (allowed from loop callbacks). Source: Trio lowlevel.reschedule().
 */
void nur_reschedule(struct nur_task *task, int result);

NUR_END_DECLS
