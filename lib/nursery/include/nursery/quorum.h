/* SPDX-License-Identifier: MIT */
/*
 * Several ways to one result: run functions at one time, and go on when enough of them have
 * succeeded.
 *
 *	struct nur_branch mirrors[] = {
 *		{ .name = "first", .fn = fetch, .arg = &first },
 *		{ .name = "second", .fn = fetch, .arg = &second },
 *	};
 *	int winner = nur_first_success(mirrors, 2, NULL);
 *
 * Each function runs as a task of a nursery inside the call. The others are cancelled when it is
 * decided, and the call returns when all have ended: nothing is left running. A failure counts when
 * too many have failed for the rest to be enough; else it is data, in the branch's result and in
 * the errors.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * struct nur_branch - one of the functions
 * @name:       for people; NULL: derived from @fn
 * @fn:         what it runs
 * @arg:        passed to @fn
 * @result:     set by the call: what @fn returned; NUR_ECANCELED when it was cancelled or not
 *              started any more; when it could not be started, why, as nur_start_soon()
 * @quorum:     private
 */
struct nur_branch {
	const char *name;
	nur_task_fn fn;
	void *arg;
	int result;
	void *quorum;
};

/**
 * nur_quorum() - run all, until so many have succeeded
 * @branches:   the functions; their results are filled in when this returns
 * @n:          how many
 * @wanted:     how many have to succeed, at least 1
 * @errors:     NULL, or where all failures go, also those of a success; an empty group when there
 *              were none. With NULL they become the details of the calling task's own failure, if
 *              it returns the same code.
 *
 * A branch succeeds when it returns 0 or a positive number. More than @wanted may: who is cancelled
 * can still succeed.
 *
 * Shape:       @branches is @n long
 * Units:       none
 * Checkpoint:  always, as nur_nursery_run()
 * Ownership:   borrows @branches; gives the contents of @errors
 * Errors:      -EINVAL         @wanted is 0 or above @n, or a function is NULL; nothing was run
 *              NUR_ECANCELED   cancelled from further out; @wanted may have succeeded or not
 *              NUR_ENOTINTASK  the caller is no task
 *              NUR_EMISNEST    a branch left a nursery or a scope open
 *              NUR_ESTRAYCANCEL  a branch returned NUR_ECANCELED out of nothing, or cancelled the
 *                              nursery that it runs in
 *              anything else   so many have failed that @wanted cannot succeed any more: the first
 *                              failure
 * Source:      none; Trio's manual builds a race() as an example of a custom supervisor
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_quorum(
	struct nur_branch *branches, size_t n, size_t wanted, struct nur_errors *errors);

/**
 * nur_first_success() - run all, until one has succeeded
 *
 * As nur_quorum() with 1 wanted. Return: the index of the first that succeeded, or an error.
 */
NUR_CHECKPOINT int nur_first_success(
	struct nur_branch *branches, size_t n, struct nur_errors *errors);

/**
 * nur_first_done() - run all, until one has ended, well or not
 *
 * As nur_first_success(), but a failure decides, too: it is in the branch's result and in @errors,
 * and no error of the call. Source: asyncio.wait(FIRST_COMPLETED), without those it leaves running.
 *
 * Return: the index of the first that ended by itself, or an error.
 */
NUR_CHECKPOINT int nur_first_done(struct nur_branch *branches, size_t n, struct nur_errors *errors);

NUR_END_DECLS
