/* SPDX-License-Identifier: MIT */
/*
 * Cancel scopes and the cancel status tree.
 *
 * Each entered scope is a node: its parent is the scope around it, its children are the scopes
 * entered inside, in the same task or, through a nursery's scope, in other tasks. Each task hangs
 * on exactly one node, its innermost scope. A node is effectively cancelled when its own cancel was
 * called, or when it is not shielded and its parent is effectively cancelled. That bit is kept in
 * the node and pushed down the tree when something changes, so that a checkpoint looks at one byte.
 * When a node turns cancelled each task on it gets one delivery attempt.
 *
 * A graceful cancel is a second bit that is pushed down the same way: whether the code is asked to
 * stop. A soft scope that it reaches is cancelled; the others hear of it only if they ask. The end
 * of the grace period is the scope's deadline.
 *
 * Only scopes that are entered, not cancelled and have a finite deadline are in the deadline heap.
 *
 * Leaving an outer scope before an inner one abandons the inner: it is cut off from the tree, and
 * leaving it later is no second error.
 */
#include <nursery/cancel_scope.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"

const char *
nur_cancel_source_name(enum nur_cancel_source source)
{
	static const char *const names[] = {
		[NUR_CANCEL_NONE] = "none",
		[NUR_CANCEL_EXPLICIT] = "explicit",
		[NUR_CANCEL_DEADLINE] = "deadline",
		[NUR_CANCEL_NURSERY] = "nursery",
		[NUR_CANCEL_SHUTDOWN] = "shutdown",
		[NUR_CANCEL_GRACEFUL] = "graceful",
	};

	return (unsigned)source < ARRAY_LEN(names) ? names[source] : "unknown";
}

static struct nur_cancel_scope *
parent_visible_to(const struct nur_cancel_scope *scope)
{
	return scope->is_shielded ? NULL : scope->parent;
}

static bool
should_be_cancelled(const struct nur_cancel_scope *scope)
{
	const struct nur_cancel_scope *parent = parent_visible_to(scope);

	return scope->is_cancel_called || (parent && parent->is_effectively_cancelled);
}

static bool
should_be_stopping(const struct nur_cancel_scope *scope)
{
	const struct nur_cancel_scope *parent = parent_visible_to(scope);

	return scope->is_stop_called || (parent && parent->is_stopping);
}

const struct nur_cancel_reason *
nuri_scope_stop_reason(const struct nur_cancel_scope *scope)
{
	const struct nur_cancel_reason *reason = NULL;

	for (; scope && scope->is_stopping; scope = parent_visible_to(scope)) {
		if (scope->is_stop_called) {
			reason = &scope->reason;
		}
	}
	return reason;
}

/* Looks whether @scope is asked to stop, which cancels a soft one; whether that has changed. */
static bool
update_stopping(struct nur_cancel_scope *scope)
{
	bool was_stopping = scope->is_stopping;

	scope->is_stopping = should_be_stopping(scope);
	if (scope->is_stopping && scope->is_soft && !scope->is_cancel_called) {
		scope->is_cancel_called = true;
		scope->reason = *nuri_scope_stop_reason(scope);
		nuri_deadlines_remove(
			&nuri_run_needed_by("a graceful cancel")->deadlines, &scope->deadline);
	}
	return scope->is_stopping != was_stopping;
}

static void
deliver_to_tasks(struct nur_cancel_scope *scope)
{
	struct list *node;

	/* A delivery queues the task for later: it neither runs nor leaves the scope's list now. */
	list_for_each(node, nuri_list(&scope->tasks)) {
		nuri_task_deliver(list_entry(node, struct nur_task, in_scope));
	}
}

/*
 * The one that comes after @scope in the tree below @top, without what is inside @scope if @skips; or
 * NULL. A parent comes before its children.
 */
static struct nur_cancel_scope *
next_below(const struct nur_cancel_scope *top, struct nur_cancel_scope *scope, bool skips)
{
	struct list *children = nuri_list(&scope->children);

	if (!skips && !list_is_empty(children)) {
		return list_entry(children->next, struct nur_cancel_scope, sibling);
	}
	for (; scope != top; scope = scope->parent) {
		struct list *next = nuri_list(&scope->sibling)->next;

		if (next != nuri_list(&scope->parent->children)) {
			return list_entry(next, struct nur_cancel_scope, sibling);
		}
	}
	return NULL;
}

/*
 * Pushes a change of @top's state down the tree. What is called on the way, abort callbacks and hooks,
 * may cancel, too: the walk keeps nothing but its place.
 */
static void
update_tree(struct nur_cancel_scope *top)
{
	struct nur_cancel_scope *scope = top;

	while (scope) {
		bool has_changed = update_stopping(scope);
		bool is_cancelled = should_be_cancelled(scope);

		/* a crowd's scopes are on stacks of their own: in no cache */
		__builtin_prefetch(nuri_list(&scope->sibling)->next);
		if (is_cancelled != scope->is_effectively_cancelled) {
			scope->is_effectively_cancelled = is_cancelled;
			has_changed = true;
			if (is_cancelled) {
				deliver_to_tasks(scope);
			}
		}
		scope = next_below(top, scope, !has_changed);
	}
}

static void
expire(struct nur_deadline *deadline)
{
	nuri_scope_cancel(container_of(deadline, struct nur_cancel_scope, deadline),
		NUR_CANCEL_DEADLINE, NULL);
}

void
nur_cancel_scope_init(struct nur_cancel_scope *scope)
{
	*scope = (struct nur_cancel_scope){ .timeout = NUR_FOREVER };
	list_init(nuri_list(&scope->sibling));
	list_init(nuri_list(&scope->children));
	list_init(nuri_list(&scope->tasks));
	nuri_deadline_init(&scope->deadline, expire);
}

void
nur_cancel_scope_init_at(struct nur_cancel_scope *scope, nur_time deadline)
{
	nur_cancel_scope_init(scope);
	scope->deadline.at = deadline;
}

int
nur_cancel_scope_init_after(struct nur_cancel_scope *scope, nur_time timeout)
{
	nur_cancel_scope_init(scope);
	if (timeout < 0) {
		return -EINVAL;
	}
	scope->is_relative = true;
	scope->timeout = timeout;
	return 0;
}

/* Puts the deadline of an active scope where it belongs: into the heap, or into effect. */
static void
register_deadline(struct nuri_run *run, struct nur_cancel_scope *scope, nur_time at)
{
	nuri_deadlines_remove(&run->deadlines, &scope->deadline);
	scope->deadline.at = at;
	if (!scope->is_cancel_called && at != NUR_FOREVER) {
		nuri_deadlines_insert(&run->deadlines, &scope->deadline, at);
	}
}

/* Of a scope that is not entered: a grace period that began before it stays the earliest end. */
static void
set_earlier(struct nur_cancel_scope *scope, nur_time at)
{
	if (at < scope->deadline.at) {
		scope->deadline.at = at;
	}
}

static void
activate(struct nur_cancel_scope *scope, struct nur_cancel_scope *parent)
{
	scope->state = NURI_SCOPE_ACTIVE;
	scope->parent = parent;
	if (parent) {
		list_append(nuri_list(&parent->children), nuri_list(&scope->sibling));
	}
	(void)update_stopping(scope);
	scope->is_effectively_cancelled = should_be_cancelled(scope);
}

void
nuri_scope_enter_root(struct nur_cancel_scope *scope)
{
	activate(scope, NULL);
}

int
nur_cancel_scope_enter(struct nur_cancel_scope *scope)
{
	struct nur_task *task = nur_current_task();
	nur_time now;

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (scope->state != NURI_SCOPE_UNBOUND) {
		return NUR_EUSED;
	}

	activate(scope, task->scope);
	scope->owner = task;
	nuri_task_activate_scope(task, scope);
	if (!scope->is_relative && scope->deadline.at == NUR_FOREVER) {
		return 0;
	}

	now = nuri_run_now(task->run);
	if (scope->is_relative) {
		scope->is_relative = false;
		set_earlier(scope, nur_time_add(now, scope->timeout));
	}
	if (scope->deadline.at <= now) {
		nuri_scope_cancel(scope, NUR_CANCEL_DEADLINE, NULL);
	} else {
		register_deadline(task->run, scope, scope->deadline.at);
	}
	return 0;
}

bool
nuri_scope_owns_cancellation(const struct nur_cancel_scope *scope)
{
	const struct nur_cancel_scope *parent = parent_visible_to(scope);

	return scope->is_effectively_cancelled && !(parent && parent->is_effectively_cancelled);
}

/* Takes the cancellations that are @scope's own out of an outcome. */
static int
filter(struct nur_cancel_scope *scope, struct nur_task *task, int rc)
{
	struct nuri_failure *failure = task->failure;

	if (rc >= 0 || !nuri_scope_owns_cancellation(scope)) {
		return rc;
	}
	if (rc == NUR_ECANCELED) {
		scope->is_cancelled_caught = true;
		return 0;
	}
	if (failure && failure->code == rc && failure->n_cancelled > 0) {
		scope->is_cancelled_caught = true;
		failure->n_cancelled = 0;
		nuri_errors_forget_cancelled(&failure->nested);
	}
	return rc;
}

/* Takes the scope out of the tree. Those still inside, which are abandoned, hang on nothing any more. */
static void
deactivate(struct nuri_run *run, struct nur_cancel_scope *scope)
{
	struct list *node;

	while ((node = list_take_first(nuri_list(&scope->children)))) {
		struct nur_cancel_scope *child = list_entry(node, struct nur_cancel_scope, sibling);

		child->parent = NULL;
		update_tree(child);
	}
	nuri_deadlines_remove(&run->deadlines, &scope->deadline);
	list_unlink(nuri_list(&scope->sibling));
	scope->state = NURI_SCOPE_EXITED;
}

/* What @task has entered inside @scope and not left; whether there is any. */
static bool
abandon_inner(const struct nur_cancel_scope *scope, struct nur_task *task)
{
	struct nur_cancel_scope *inner;

	for (inner = task->scope; inner != scope; inner = inner->parent) {
		inner->is_misnested = true;
		nuri_deadlines_remove(&task->run->deadlines, &inner->deadline);
	}
	return task->scope != scope;
}

int
nuri_scope_leave(struct nur_cancel_scope *scope, int rc)
{
	struct nur_task *task = nur_current_task();

	if (!task || scope->state != NURI_SCOPE_ACTIVE || scope->owner != task) {
		return NUR_EMISNEST;
	}
	if (scope->is_misnested) {
		/* Its outer scope was left first; that was the error, and this is no second one. */
		assert(task->scope != scope);
		deactivate(task->run, scope);
		return rc;
	}
	rc = abandon_inner(scope, task) ? NUR_EMISNEST : filter(scope, task, rc);
	nuri_task_activate_scope(task, scope->parent);
	task->has_been_told &= scope->parent->is_effectively_cancelled;
	deactivate(task->run, scope);
	return rc;
}

int
nur_cancel_scope_leave(struct nur_cancel_scope *scope, int rc)
{
	return scope->is_nursery ? NUR_EMISNEST : nuri_scope_leave(scope, rc);
}

static void
set_reason(struct nur_cancel_scope *scope, enum nur_cancel_source source, const char *text)
{
	struct nur_task *task = source == NUR_CANCEL_DEADLINE ? NULL : nur_current_task();

	scope->reason.source = source;
	scope->reason.text = text;
	(void)snprintf(scope->reason.task, sizeof(scope->reason.task), "%s",
		task ? nur_task_name(task) : "");
}

void
nuri_scope_cancel(struct nur_cancel_scope *scope, enum nur_cancel_source source, const char *text)
{
	if (scope->is_cancel_called) {
		return;
	}

	scope->is_cancel_called = true;
	if (!scope->is_stop_called || source != NUR_CANCEL_DEADLINE) {
		set_reason(scope, source, text); /* else its grace is over, which has its reason */
	}
	if (scope->state == NURI_SCOPE_ACTIVE) {
		nuri_deadlines_remove(&nuri_run_needed_by("cancelling an entered scope")->deadlines,
			&scope->deadline);
		update_tree(scope);
	}
}

void
nuri_scope_move_contents(struct nur_cancel_scope *from, struct nur_cancel_scope *to)
{
	struct list *node;
	struct list *after;

	/* All is linked anew before anything is delivered: an abort callback may do what it likes. */
	list_for_each_safe(node, after, nuri_list(&from->tasks)) {
		struct nur_task *task = list_entry(node, struct nur_task, in_scope);

		if (task != from->owner) {
			nuri_task_activate_scope(task, to);
		}
	}
	list_for_each(node, nuri_list(&from->children)) {
		list_entry(node, struct nur_cancel_scope, sibling)->parent = to;
	}
	list_move_all(nuri_list(&to->children), nuri_list(&from->children));

	/* Who was in @to before has been told, and is not told a second time. */
	if (to->is_effectively_cancelled) {
		deliver_to_tasks(to);
	}
	list_for_each(node, nuri_list(&to->children)) {
		update_tree(list_entry(node, struct nur_cancel_scope, sibling));
	}
}

void
nur_cancel_scope_cancel(struct nur_cancel_scope *scope, const char *text)
{
	nuri_scope_cancel(scope, NUR_CANCEL_EXPLICIT, text);
}

int
nur_cancel_scope_cancel_gracefully(struct nur_cancel_scope *scope, nur_time grace, const char *text)
{
	struct nuri_run *run = nuri_current_run();
	nur_time end;

	if (grace < 0) {
		return -EINVAL;
	}
	if (!run) {
		return NUR_ENOTINTASK;
	}
	if (scope->is_cancel_called || scope->state == NURI_SCOPE_EXITED) {
		return 0;
	}

	if (!scope->is_stop_called) {
		scope->is_stop_called = true;
		set_reason(scope, NUR_CANCEL_GRACEFUL, text);
	}
	end = nur_time_add(nuri_run_now(run), grace);
	if (grace == 0) {
		nuri_scope_cancel(scope, NUR_CANCEL_DEADLINE, NULL);
	} else if (scope->state == NURI_SCOPE_UNBOUND) {
		set_earlier(scope, end);
	} else {
		if (end < scope->deadline.at) {
			register_deadline(run, scope, end);
		}
		update_tree(scope);
	}
	return 0;
}

void
nur_cancel_scope_set_soft(struct nur_cancel_scope *scope, bool is_soft)
{
	scope->is_soft = is_soft;
	if (scope->state == NURI_SCOPE_ACTIVE) {
		update_tree(scope);
	}
}

const struct nur_cancel_reason *
nur_current_stop_reason(void)
{
	struct nur_task *task = nur_current_task();

	return task ? nuri_scope_stop_reason(task->scope) : NULL;
}

void
nur_cancel_scope_set_deadline(struct nur_cancel_scope *scope, nur_time deadline)
{
	scope->is_relative = false;
	if (scope->state == NURI_SCOPE_ACTIVE) {
		register_deadline(
			nuri_run_needed_by("nur_cancel_scope_set_deadline()"), scope, deadline);
	} else {
		scope->deadline.at = deadline;
	}
}

int
nur_cancel_scope_set_timeout(struct nur_cancel_scope *scope, nur_time timeout)
{
	if (timeout < 0) {
		return -EINVAL;
	}
	if (scope->state == NURI_SCOPE_ACTIVE) {
		struct nuri_run *run = nuri_run_needed_by("nur_cancel_scope_set_timeout()");

		register_deadline(run, scope, nur_time_add(nuri_run_now(run), timeout));
	} else {
		scope->is_relative = true;
		scope->timeout = timeout;
		scope->deadline.at = NUR_FOREVER;
	}
	return 0;
}

int
nur_cancel_scope_deadline(const struct nur_cancel_scope *scope, nur_time *ret_deadline)
{
	if (scope->is_relative) {
		return -EINVAL;
	}
	*ret_deadline = scope->deadline.at;
	return 0;
}

int
nur_cancel_scope_timeout(const struct nur_cancel_scope *scope, nur_time *ret_timeout)
{
	if (scope->state == NURI_SCOPE_ACTIVE) {
		*ret_timeout = nur_time_sub(scope->deadline.at,
			nuri_run_now(nuri_run_needed_by("nur_cancel_scope_timeout()")));
		return 0;
	}
	if (!scope->is_relative && scope->deadline.at != NUR_FOREVER) {
		return -EINVAL;
	}
	*ret_timeout = scope->timeout;
	return 0;
}

void
nur_cancel_scope_set_shield(struct nur_cancel_scope *scope, bool is_shielded)
{
	scope->is_shielded = is_shielded;
	if (scope->state == NURI_SCOPE_ACTIVE) {
		update_tree(scope);
	}
}

bool
nur_cancel_scope_cancel_called(struct nur_cancel_scope *scope)
{
	struct nuri_run *run = nuri_current_run();

	if (!scope->is_cancel_called && run && scope->state != NURI_SCOPE_EXITED &&
		!scope->is_relative && scope->deadline.at <= nuri_run_now(run)) {
		nuri_scope_cancel(scope, NUR_CANCEL_DEADLINE, NULL);
	}
	return scope->is_cancel_called;
}

bool
nur_cancel_scope_cancelled_caught(const struct nur_cancel_scope *scope)
{
	return scope->is_cancelled_caught;
}

const struct nur_cancel_reason *
nur_cancel_scope_reason(const struct nur_cancel_scope *scope)
{
	return &scope->reason;
}

size_t
nur_cancel_scope_describe(const struct nur_cancel_scope *scope, char *text, size_t cap)
{
	static const char *const states[] = {
		[NURI_SCOPE_UNBOUND] = "unbound",
		[NURI_SCOPE_ACTIVE] = "active",
		[NURI_SCOPE_EXITED] = "exited",
	};
	char when[64] = "";
	nur_time timeout;
	int n;

	if (!scope->is_cancel_called && nur_cancel_scope_timeout(scope, &timeout) == 0 &&
		timeout != NUR_FOREVER && scope->state != NURI_SCOPE_EXITED) {
		(void)snprintf(when, sizeof(when), ", deadline is %.2f seconds %s",
			(timeout < 0 ? -(double)timeout : (double)timeout) / 1e9,
			timeout < 0 ? "ago" : "from now");
	}
	n = snprintf(text, cap, "cancel scope, %s%s%s", states[scope->state],
		scope->is_cancel_called ? ", cancelled"
		: scope->is_stop_called ? ", asked to stop"
					: "",
		when);
	return n > 0 ? (size_t)n : 0;
}

nur_time
nuri_scope_effective_deadline(const struct nur_cancel_scope *scope)
{
	nur_time deadline = NUR_FOREVER;

	for (; scope; scope = parent_visible_to(scope)) {
		if (scope->is_cancel_called) {
			return NUR_LONG_AGO;
		}
		if (scope->deadline.at < deadline) {
			deadline = scope->deadline.at;
		}
	}
	return deadline;
}

const struct nur_cancel_reason *
nuri_scope_effective_reason(const struct nur_cancel_scope *scope)
{
	const struct nur_cancel_reason *reason = NULL;

	for (; scope && scope->is_effectively_cancelled; scope = parent_visible_to(scope)) {
		if (scope->is_cancel_called) {
			reason = &scope->reason;
		}
	}
	return reason;
}

nur_time
nur_current_effective_deadline(void)
{
	struct nur_task *task = nur_current_task();

	return task ? nuri_scope_effective_deadline(task->scope) : NUR_FOREVER;
}

const struct nur_cancel_reason *
nur_current_cancel_reason(void)
{
	struct nur_task *task = nur_current_task();

	return task ? nuri_scope_effective_reason(task->scope) : NULL;
}
