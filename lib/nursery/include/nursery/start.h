/* SPDX-License-Identifier: MIT */
/*
 * Starting a task and waiting until it is ready.
 *
 *	static int
 *	serve(struct nur_task_status *status, void *arg)
 *	{
 *		int r = listen_on(arg);
 *
 *		if (r == 0) {
 *			r = nur_started(status, NULL);
 *		}
 *		return r < 0 ? r : accept_for_ever(arg);
 *	}
 *
 * A failure to listen comes out of nur_start(), one to accept out of the nursery. The same function can
 * be called directly, with NUR_TASK_STATUS_IGNORED.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/nursery.h>

NUR_BEGIN_DECLS

/* Where a task says that it is ready; valid until the task has ended. */
struct nur_task_status;

/* For a direct call of a nur_start_fn: nobody waits for it to be ready. */
#define NUR_TASK_STATUS_IGNORED ((struct nur_task_status *)NULL)

/**
 * typedef nur_start_fn - what a task runs that is waited for until it is ready
 * @status:     for nur_started(); valid until the task has ended
 * @arg:        what was given at the start
 *
 * Return: as nur_task_fn.
 */
typedef int (*nur_start_fn)(struct nur_task_status *status, void *arg);

/**
 * nur_start() - start a task and wait until it is ready
 * @nursery:    where it lives once it is ready; open, or closing with some task still alive in it or
 *              starting. It stays open meanwhile.
 * @name:       for people; NULL: derived from @fn. Borrowed until the task has ended.
 * @fn:         what it runs
 * @arg:        passed to @fn; borrowed or not as the two agree
 * @ret_value:  NULL, or what the task gave to nur_started()
 *
 * Until it is ready the task is below the caller: cancelled with it, and its failure is the caller's.
 * Afterwards it is a task of @nursery like any other.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always; none when refused with -EINVAL, NUR_ECLOSED or NUR_ENOTINTASK
 * Ownership:   *@ret_value as the task and the caller agree; the task may have ended by then
 * Errors:      -EINVAL          @fn is NULL
 *              NUR_ECLOSED      @nursery has closed
 *              NUR_ENOTINTASK   the caller is no task
 *              NUR_ENOSTACK, -EAGAIN  as nur_start_soon()
 *              NUR_ECANCELED    the caller was cancelled, the task ended with that
 *              NUR_ENOTSTARTED  the task returned success without having been ready
 *              NUR_EINTERNAL    several tasks failed that were started in the task's own parent
 *                               nursery before it was ready; the record holds them all
 *              anything else    the task's failure before it was ready, or after the caller was
 *                               cancelled; its details become those of the calling task's own
 *                               failure, if that returns the same code
 *              With an error nothing that was started here is alive, and *@ret_value is not written.
 * Source:      Trio Nursery.start()
 *
 * Return: 0, or an error.
 */
NUR_CHECKPOINT int nur_start(struct nur_nursery *nursery, const char *name, nur_start_fn fn,
	void *arg, void **ret_value);

/**
 * nur_started() - the calling task is ready
 * @status:     what its function was given
 * @value:      what nur_start() hands to its caller
 *
 * The task, with all that it has started, moves to the nursery that nur_start() was called for, and
 * nur_start() returns. Where nobody may wait (an abort callback, a hook of an instrument, a plain call
 * from a thread) the move is put off to the next pass.
 * If the caller of nur_start() is cancelled already, nothing moves: the task ends below nur_start().
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   @value is passed on as it is, and dropped when nur_start() fails: what it points to stays
 *              the task's until the caller has it
 * Errors:      -EALREADY  it said so before
 * Source:      Trio TaskStatus.started()
 *
 * Return: 0 or -EALREADY; always 0 with NUR_TASK_STATUS_IGNORED.
 */
int nur_started(struct nur_task_status *status, void *value);

NUR_END_DECLS
