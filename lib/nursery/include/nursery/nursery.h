/* SPDX-License-Identifier: MIT */
/*
 * Nurseries: where tasks live. Leaving a nursery waits for every task in it; the first failure
 * cancels the others; all failures come out together.
 *
 * Three faces of the same object:
 *
 *	nur_nursery_run(body, arg, &errors)       a body function; cannot leak a task in plain C
 *	NUR_NURSERY(nursery, &rc, &errors);       a declaration; leaving the block in any way joins
 *	nur_nursery_open(), nur_nursery_close()   by hand, for bindings of other languages
 */
#pragma once

#include <nursery/cancel_scope.h>
#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

struct nuri_failure;
struct nuri_run;

/**
 * struct nur_nursery - lives in the caller's memory, from open to close; all fields are private
 *
 * Must not move while it is open.
 */
struct nur_nursery {
	struct nur_cancel_scope scope;
	struct nuri_run *run;
	struct nur_task *parent;
	struct nur_node in_parent;
	struct nur_node children;
	size_t n_children;
	size_t n_pending_starts;
	struct nur_nursery *start_target;
	struct nur_errors errors;
	struct nuri_failure *outer_failure;
	int first_code;
	uint8_t state;
	bool is_parent_waiting;
	bool is_misnested;
};

/**
 * typedef nur_nursery_fn - the body of a nursery
 *
 * Return: 0 or positive: success; negative: a failure of the nursery like a child's.
 */
typedef int (*nur_nursery_fn)(struct nur_nursery *nursery, void *arg);

/**
 * nur_nursery_run() - open a nursery, run a body in it, wait for all its tasks
 * @body:       runs in the calling task, as a member of the nursery
 * @arg:        passed to @body
 * @errors:     NULL, or where all failures go; an empty group when there were none. With NULL they
 *              become the details of the calling task's own failure, if it returns the same code.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always; with nothing to wait for, others run but no cancellation is looked for
 * Ownership:   gives the contents of @errors
 * Errors:      NUR_ENOTINTASK   the caller is no task; @body did not run
 *              -EINVAL          @body is NULL
 *              NUR_ECANCELED    cancelled from further out, and no failure
 *              NUR_EMISNEST     a task or the body left a nursery or a scope open
 *              NUR_ESTRAYCANCEL a task returned NUR_ECANCELED out of nothing
 *              anything else    the first failure, of a child or of @body
 * Source:      Trio open_nursery()
 *
 * Return: 0, what @body returned if positive, or an error.
 */
NUR_CHECKPOINT int nur_nursery_run(nur_nursery_fn body, void *arg, struct nur_errors *errors);

/**
 * nur_nursery_open() - open a nursery in the caller's memory; every success needs its
 * nur_nursery_close()
 *
 * Checkpoint: never. Errors: NUR_ENOTINTASK the caller is no task; nur_start_soon() in it is
 * refused then. Source: Trio NurseryManager.__aenter__(). Return: 0 or NUR_ENOTINTASK.
 */
int nur_nursery_open(struct nur_nursery *nursery);

/**
 * nur_nursery_close() - wait for all tasks
 * @rc:         the outcome of the code inside; negative: a failure that cancels the tasks
 * @errors:     as nur_nursery_run()
 *
 * Checkpoint, errors, return: as nur_nursery_run(). Source: Trio NurseryManager.__aexit__().
 */
int nur_nursery_close(struct nur_nursery *nursery, int rc, struct nur_errors *errors);

/* What NUR_NURSERY() declares beside the pointer; private. */
struct nur_nursery_guard {
	struct nur_nursery nursery;
	int *rc;
	struct nur_errors *errors;
	int opened;
};

struct nur_nursery *nur_nursery_guard_enter(struct nur_nursery_guard *guard);
void nur_nursery_guard_leave(struct nur_nursery_guard *guard);

/**
 * NUR_NURSERY() - a nursery for the rest of the enclosing block
 * @name:       declared here: struct nur_nursery *
 * @rcp:        int *, or NULL. Its value when the block is left is the outcome of the block
 *              (negative: a failure); afterwards it holds the nursery's. Must outlive the block.
 * @errorsp:    as nur_nursery_run(); may be NULL
 *
 * return, break, continue and goto out of the block all wait for the tasks first. `return *rcp`
 * inside it would read the value before that: read it after the block.
 *
 * Checkpoint: leaving the block is one, as nur_nursery_run().
 */
#define NUR_NURSERY(name, rcp, errorsp) \
	struct nur_nursery_guard name##_guard_ __attribute__((cleanup(nur_nursery_guard_leave))); \
	name##_guard_.rc = (rcp); \
	name##_guard_.errors = (errorsp); \
	struct nur_nursery *const name = nur_nursery_guard_enter(&name##_guard_)

/**
 * nur_start_soon() - start a task in a nursery
 * @nursery:    open, or closing with some task still alive in it or starting
 * @name:       for people; NULL: derived from @fn. Borrowed until the task has ended.
 * @fn:         what it runs
 * @arg:        passed to @fn; borrowed or not as the two agree
 *
 * Queues the task and returns; it never runs inline. Tasks started together run in an unspecified
 * order. In a cancelled nursery the task still starts, and learns of it at its first checkpoint.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      -EINVAL      @fn is NULL
 *              NUR_ECLOSED  the nursery has closed
 *              NUR_ENOSTACK no stack could be had; the record made for the calling task, as by
 *                           nur_fail(), names the limit, and the nursery stays usable
 *              -EAGAIN      max_tasks of nur_run_options are alive
 * Source:      Trio Nursery.start_soon()
 *
 * Return: 0, or an error and nothing was started.
 */
int nur_start_soon(struct nur_nursery *nursery, const char *name, nur_task_fn fn, void *arg);

/*
 * nur_nursery_scope() - the nursery's own cancel scope: cancel it to end all its tasks (no
 * checkpoint)
 */
struct nur_cancel_scope *nur_nursery_scope(struct nur_nursery *nursery);

/* nur_nursery_cancel() - shorthand for cancelling nur_nursery_scope() (no checkpoint) */
void nur_nursery_cancel(struct nur_nursery *nursery, const char *text);

/* nur_nursery_parent_task() - the task that opened it. Trio Nursery.parent_task. (no checkpoint) */
struct nur_task *nur_nursery_parent_task(const struct nur_nursery *nursery);

/*
 * nur_nursery_n_children() - tasks alive in it, the body not counted. Trio child_tasks. (no
 * checkpoint)
 */
size_t nur_nursery_n_children(const struct nur_nursery *nursery);

NUR_END_DECLS
