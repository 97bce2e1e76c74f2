/* SPDX-License-Identifier: MIT */
/*
 * Nurseries.
 *
 * A nursery owns a cancel scope, which its opener is inside of until the close. A child hangs on
 * the nursery's scope (not on the spawner's), so cancelling the nursery, or anything around its
 * opener, reaches it. The body counts as a member. Adding a failure cancels the scope.
 *
 * Closing waits until no child is left. That wait refuses to be aborted: a cancellation from
 * outside reaches the children through the tree, and the opener just keeps waiting; no extra
 * "cancelled" is added for it (trio issue 1457). With nothing to wait for, closing is one shielded
 * checkpoint. A start that will bring a task (start.c) is waited for like a child.
 *
 * The system tasks have a nursery that no task has opened: the run is what waits for it.
 *
 * Failures are kept in the order of their arrival; the first code is kept apart, so that it comes
 * out even when there is no memory for records. Cancelled members are only counted: the nursery's
 * own scope takes them out when the cancellation was its own, else they are passed on as
 * NUR_ECANCELED.
 *
 * What the opener had said about a failure before the opening is put aside until the close: it cannot
 * be the reason why the body fails, and a loop whose nurseries fail again and again would nest each
 * group in the next.
 */
#include <nursery/nursery.h>

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fork.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"

enum nursery_state {
	NURSERY_CLOSED,
	NURSERY_OPEN,
	NURSERY_CLOSING, /* the body is over; tasks may still be added while some are alive */
};

static void
init(struct nur_nursery *nursery)
{
	*nursery = (struct nur_nursery){ .state = NURSERY_CLOSED };
	nur_cancel_scope_init(&nursery->scope);
	nursery->scope.is_nursery = true;
	list_init(nuri_list(&nursery->children));
	list_init(nuri_list(&nursery->in_parent));
}

int
nur_nursery_open(struct nur_nursery *nursery)
{
	struct nur_task *task = nur_current_task();
	int r;

	init(nursery);
	r = nur_cancel_scope_enter(&nursery->scope);
	if (r < 0) {
		return r;
	}
	nursery->run = task->run;
	nursery->parent = task;
	nursery->outer_failure = steal(&task->failure);
	nursery->state = NURSERY_OPEN;
	list_append(nuri_list(&task->nurseries), nuri_list(&nursery->in_parent));
	return 0;
}

/* The cancellations that came with a failure of @task go where the failure goes. */
static void
take_cancelled(struct nur_nursery *nursery, struct nur_task *task, int rc)
{
	if (task->failure && task->failure->code == rc) {
		nursery->errors.n_cancelled += task->failure->n_cancelled;
		task->failure->n_cancelled = 0;
	}
}

void
nuri_nursery_fail(struct nur_nursery *nursery, int code, const char *why)
{
	if (nursery->first_code == 0) {
		nursery->first_code = code;
	}
	nuri_scope_cancel(&nursery->scope, NUR_CANCEL_NURSERY, why);
}

void
nuri_nursery_tolerate(struct nur_nursery *nursery, const char *name, int rc)
{
	struct nur_task *task = nur_current_task();

	nuri_errors_add(&nursery->errors, rc, name, false, task->failure);
	take_cancelled(nursery, task, rc);
}

/* Records the outcome of a member that did not succeed, and cancels the others. */
static void
add_failure(struct nur_nursery *nursery, struct nur_task *task, int rc, bool is_body)
{
	const char *why = is_body ? "the body failed" : "a task failed";

	if (rc == NUR_ECANCELED) {
		nursery->errors.n_cancelled++;
		nuri_scope_cancel(&nursery->scope, NUR_CANCEL_NURSERY, why);
	} else {
		nuri_errors_add(&nursery->errors, rc, nur_task_name(task), is_body, task->failure);
		nuri_nursery_fail(nursery, rc, why);
	}
	take_cancelled(nursery, task, rc);
}

/* Whether nobody is in it or on the way to it. */
static bool
is_empty(const struct nur_nursery *nursery)
{
	return nursery->n_children == 0 && nursery->n_pending_starts == 0;
}

void
nuri_nursery_wake_parent_when_empty(struct nur_nursery *nursery)
{
	if (is_empty(nursery) && nursery->is_parent_waiting) {
		nursery->is_parent_waiting = false;
		nur_reschedule(nursery->parent, 0);
	}
}

void
nuri_nursery_remove_failed(struct nur_nursery *nursery, struct nur_task *task, int rc)
{
	list_cut(nuri_list(&task->in_nursery));
	nursery->n_children--;
	if (!nursery->is_misnested) {
		add_failure(nursery, task, rc, false);
	}
	nuri_nursery_wake_parent_when_empty(nursery);
}

static enum nur_abort
refuse_abort(struct nur_task *task, void *arg)
{
	return NUR_ABORT_FAILED;
}

static void
wait_for_children(struct nur_nursery *nursery)
{
	if (is_empty(nursery)) {
		(void)nur_cancel_shielded_checkpoint(); /* in a task: cannot fail */
		return;
	}
	nursery->is_parent_waiting = true;
	(void)!nur_wait_task_rescheduled(
		"nursery", refuse_abort, NULL); /* only the last child wakes it */
}

void
nuri_nursery_abandon(struct nur_nursery *inner, const char *why)
{
	inner->is_misnested = true;
	nuri_scope_cancel(&inner->scope, NUR_CANCEL_NURSERY, why);
	inner->state = NURSERY_CLOSING;
	wait_for_children(inner);
	inner->state = NURSERY_CLOSED;
	list_unlink(nuri_list(&inner->in_parent));
	nur_errors_fini(&inner->errors);
	nuri_failure_destroy(steal(&inner->outer_failure));
	(void)nuri_scope_leave(&inner->scope, 0); /* misnested anyway */
}

/* Whoever closes a nursery with others open inside it abandons those. */
static bool
abandon_inner(struct nur_nursery *nursery)
{
	struct list *head = nuri_list(&nursery->parent->nurseries);
	bool were_any = head->prev != nuri_list(&nursery->in_parent);

	while (head->prev != nuri_list(&nursery->in_parent)) {
		nuri_nursery_abandon(list_entry(head->prev, struct nur_nursery, in_parent),
			"an outer nursery was closed");
	}
	return were_any;
}

/* The members' outcomes as one: a failure, a cancellation, or the body's result. */
static int
outcome(const struct nur_nursery *nursery, int rc)
{
	if (nursery->first_code < 0) {
		return nursery->first_code;
	}
	if (nursery->errors.n_cancelled > 0) {
		return NUR_ECANCELED;
	}
	return rc > 0 ? rc : 0;
}

/*
 * Hands the group to the caller or to its task's record, together with the cancellations that go
 * further; whether there is such a record now.
 */
static bool
give_errors(struct nur_nursery *nursery, int rc, struct nur_errors *errors)
{
	struct nuri_failure *failure = NULL;

	if (rc < 0 && rc != NUR_ECANCELED && (!errors || nursery->errors.n_cancelled > 0)) {
		failure = nuri_task_failure(rc);
	}
	if (failure) {
		failure->n_cancelled = nursery->errors.n_cancelled;
	}
	if (errors) {
		*errors = nursery->errors;
	} else if (failure) {
		failure->nested = nursery->errors;
	} else {
		nur_errors_fini(&nursery->errors);
	}
	nursery->errors = (struct nur_errors)NUR_ERRORS_INIT;
	return failure != NULL;
}

int
nur_nursery_close(struct nur_nursery *nursery, int rc, struct nur_errors *errors)
{
	struct nur_task *task = nur_current_task();
	bool owns_cancellation;

	if (errors) {
		*errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	if (nursery->state == NURSERY_CLOSED && nursery->is_misnested) {
		return rc; /* it was abandoned; that was the error, and this is no second one */
	}
	if (nursery->state != NURSERY_OPEN || task != nursery->parent) {
		return task ? NUR_EMISNEST : NUR_ENOTINTASK;
	}

	if (rc == NUR_ECANCELED && !nuri_task_may_be_cancelled(task)) {
		rc = NUR_ESTRAYCANCEL;
	}
	if (rc < 0) {
		add_failure(nursery, task, rc, true);
	}
	nursery->state = NURSERY_CLOSING;
	if (abandon_inner(nursery) || task->scope != &nursery->scope) {
		add_failure(nursery, task,
			nur_fail(NUR_EMISNEST, "closed with a nursery or cancel scope open inside"),
			true);
	}
	wait_for_children(nursery);
	nursery->state = NURSERY_CLOSED;
	list_unlink(nuri_list(&nursery->in_parent));

	owns_cancellation = nuri_scope_owns_cancellation(&nursery->scope);
	rc = nuri_scope_leave(&nursery->scope, outcome(nursery, rc));
	if (owns_cancellation && nursery->errors.n_cancelled > 0) {
		nursery->scope.is_cancelled_caught = true;
		nuri_errors_forget_cancelled(&nursery->errors);
	}
	if (!give_errors(nursery, rc, errors)) {
		nuri_failure_destroy(task->failure);
		task->failure = steal(&nursery->outer_failure);
	}
	nuri_failure_destroy(steal(&nursery->outer_failure));
	return rc;
}

int
nur_nursery_run(nur_nursery_fn body, void *arg, struct nur_errors *errors)
{
	struct nur_nursery nursery;
	int r;

	if (errors) {
		*errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	if (!body) {
		return -EINVAL;
	}
	r = nur_nursery_open(&nursery);
	if (r < 0) {
		return r;
	}
	return nur_nursery_close(&nursery, body(&nursery, arg), errors);
}

struct nur_nursery *
nur_nursery_guard_enter(struct nur_nursery_guard *guard)
{
	guard->opened = nur_nursery_open(&guard->nursery);
	return &guard->nursery;
}

void
nur_nursery_guard_leave(struct nur_nursery_guard *guard)
{
	int rc = guard->rc ? *guard->rc : 0;

	if (guard->opened < 0) {
		rc = guard->opened;
		if (guard->errors) {
			*guard->errors = (struct nur_errors)NUR_ERRORS_INIT;
		}
	} else {
		rc = nur_nursery_close(&guard->nursery, rc, guard->errors);
	}
	if (guard->rc) {
		*guard->rc = rc;
	}
}

static bool
is_closed(const struct nur_nursery *nursery)
{
	return nursery->state != NURSERY_OPEN &&
	       (nursery->state == NURSERY_CLOSED || is_empty(nursery));
}

/* In a forked child it is a copy's nursery. */
static int
refuse_outsider(const struct nuri_run *run)
{
	if (run->generation == nuri_fork_generation) {
		nuri_die("a task was started from outside its nursery's run");
	}
	return NUR_ENOTINTASK;
}

int
nur_start_soon(struct nur_nursery *nursery, const char *name, nur_task_fn fn, void *arg)
{
	struct nuri_run *run = nursery->run;

	if (!fn) {
		return -EINVAL;
	}
	if (is_closed(nursery)) {
		return NUR_ECLOSED;
	}
	if (run != nuri_current_run()) {
		return refuse_outsider(run);
	}
	return nuri_task_spawn(nursery, name, fn, arg, run);
}

int
nuri_nursery_open_temporary(struct nur_nursery *nursery, struct nur_nursery *target)
{
	int r;

	if (is_closed(target)) {
		return NUR_ECLOSED;
	}
	r = nur_nursery_open(nursery);
	if (r < 0) {
		return r;
	}
	nursery->start_target = target;
	target->n_pending_starts++;
	return 0;
}

int
nuri_nursery_close_temporary(struct nur_nursery *nursery, int rc, struct nur_errors *errors)
{
	rc = nur_nursery_close(nursery, rc, errors);
	nursery->start_target->n_pending_starts--;
	nuri_nursery_wake_parent_when_empty(nursery->start_target);
	return rc;
}

void
nuri_nursery_graduate(struct nur_nursery *nursery)
{
	struct nur_nursery *target = nursery->start_target;
	struct list *node;

	list_for_each(node, nuri_list(&nursery->children)) {
		list_entry(node, struct nur_task, in_nursery)->parent_nursery = target;
	}
	list_move_all(nuri_list(&target->children), nuri_list(&nursery->children));
	target->n_children += nursery->n_children;
	nursery->n_children = 0;
	nuri_scope_move_contents(&nursery->scope, &target->scope);
	nuri_nursery_wake_parent_when_empty(nursery);
}

int
nur_spawn_system_task(const char *name, nur_task_fn fn, void *arg)
{
	struct nuri_run *run = nuri_current_run();

	return run ? nur_start_soon(&run->system, name, fn, arg) : NUR_ENOTINTASK;
}

void
nuri_nursery_open_system(struct nuri_run *run)
{
	init(&run->system);
	nuri_scope_enter_root(&run->system.scope);
	run->system.run = run;
	run->system.state = NURSERY_OPEN;
}

void
nuri_nursery_end_system(struct nuri_run *run)
{
	run->system.state = NURSERY_CLOSING;
	nuri_scope_cancel(&run->system.scope, NUR_CANCEL_SHUTDOWN, "the main task has ended");
}

struct nur_cancel_scope *
nur_nursery_scope(struct nur_nursery *nursery)
{
	return &nursery->scope;
}

void
nur_nursery_cancel(struct nur_nursery *nursery, const char *text)
{
	nur_cancel_scope_cancel(&nursery->scope, text);
}

struct nur_task *
nur_nursery_parent_task(const struct nur_nursery *nursery)
{
	return nursery->parent;
}

size_t
nur_nursery_n_children(const struct nur_nursery *nursery)
{
	return nursery->n_children;
}
