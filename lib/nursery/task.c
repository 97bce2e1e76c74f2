/* SPDX-License-Identifier: MIT */
/*
 * The life of a task: made at the top of its stack, and ended on it. The end looks at what the task left
 * open, tells its nursery, or the run, and gives the stack back after the last switch.
 */
#include <nursery/park.h>
#include <nursery/task.h>

#include <dlfcn.h>
#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fork.h"
#include "lib/nursery/hog.h"
#include "lib/nursery/local.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"

const char *
nuri_function_name(uintptr_t fn)
{
	Dl_info info;

	return dladdr((void *)fn, &info) && info.dli_sname ? info.dli_sname : "task";
}

const char *
nur_task_name(const struct nur_task *task)
{
	return task->name ? task->name : nuri_function_name((uintptr_t)task->fn);
}

void
nur_task_set_name(struct nur_task *task, const char *name)
{
	nuri_hog_hold(task->run);
	task->name = name;
	nuri_hog_release(task->run);
}

struct nur_nursery *
nur_task_parent_nursery(const struct nur_task *task)
{
	struct nur_nursery *nursery = task->parent_nursery;

	return nursery == &task->run->system ? NULL : nursery;
}

struct nur_nursery *
nur_task_eventual_parent_nursery(const struct nur_task *task)
{
	return task->parent_nursery ? task->parent_nursery->start_target : NULL;
}

struct nur_nursery *
nur_task_nursery(const struct nur_task *task, size_t index)
{
	const struct list *head = nuri_list_const(&task->nurseries);
	const struct list *node = head->next;

	while (node != head && index > 0) {
		node = node->next;
		index--;
	}
	return node == head ? NULL : list_entry(node, struct nur_nursery, in_parent);
}

/*
 * A scope or nursery in the dead part of the task's stack was overwritten by now: too late for an
 * error.
 */
static void
refuse_dead_memory(const struct nur_task *task, const void *object, const char *what)
{
	const char *address = object;

	if (address >= (const char *)task->stack->base && address < (const char *)task) {
		nuri_die("task \"%s\" returned without leaving a %s on its stack",
			nur_task_name(task), what);
	}
}

static inline struct nur_cancel_scope *
outermost_scope(const struct nur_task *task)
{
	return task->parent_nursery ? &task->parent_nursery->scope : &task->run->system.scope;
}

/* Leaves the scopes that @task has entered inside @outer, whose memory may go now. */
static void
leave_scopes(struct nur_task *task, const struct nur_cancel_scope *outer)
{
	/* not a nursery further out, which is abandoned in its turn */
	while (task->scope != outer && !task->scope->is_nursery) {
		refuse_dead_memory(task, task->scope, "cancel scope");
		(void)nuri_scope_leave(task->scope, 0); /* the innermost: cannot fail */
	}
}

static void
abandon_nurseries(struct nur_task *task)
{
	struct list *head = nuri_list(&task->nurseries);

	while (!list_is_empty(head)) {
		struct nur_nursery *inner = list_entry(head->prev, struct nur_nursery, in_parent);

		refuse_dead_memory(task, inner, "nursery");
		leave_scopes(task, &inner->scope);
		nuri_nursery_abandon(inner, "its task returned");
	}
}

static int
check_nesting(struct nur_task *task, int rc)
{
	bool had_nurseries = !list_is_empty(nuri_list(&task->nurseries));

	if (had_nurseries || task->scope != outermost_scope(task)) {
		abandon_nurseries(task);
		leave_scopes(task, outermost_scope(task));
		return nur_fail(NUR_EMISNEST, had_nurseries ? "returned with a nursery still open"
							    : "returned inside a cancel scope");
	}
	if (rc == NUR_ECANCELED && !nuri_task_may_be_cancelled(task)) {
		return NUR_ESTRAYCANCEL;
	}
	return rc;
}

/* What only this task would have done, nobody has to wait for any more. */
static void
break_lots(struct nur_task *task)
{
	struct nur_parking_lot_breaker *breaker;

	while ((breaker = task->breakers)) {
		struct nur_parking_lot *lot;

		refuse_dead_memory(task, breaker, "lock or parking lot that it guards");
		lot = breaker->lot;
		refuse_dead_memory(task, lot, "parking lot that it guards");
		(void)nur_parking_lot_breaker_remove(breaker);
		nur_parking_lot_break(lot, task);
	}
}

static void
main_finished(struct nuri_run *run, struct nur_task *task, int rc)
{
	run->main_result = rc;
	run->is_main_done = true;
	if (rc < 0 && rc != NUR_ECANCELED) {
		nuri_errors_add(&run->main_errors, rc, nur_task_name(task), false, task->failure);
	}
	nuri_nursery_end_system(run);
}

static inline void
leave_tree(struct nur_task *task)
{
	list_cut(nuri_list(&task->in_scope));
	task->scope = NULL;
}

/*
 * The end of a task about which there is more to say than that it is over. Cold, so that what it needs
 * is not paid for by those that just end.
 */
static __attribute__((cold, noinline)) void
finish_untidily(struct nur_task *task, int rc)
{
	struct nur_nursery *nursery;

	nuri_locals_clear(&task->locals);
	rc = check_nesting(task, rc);
	nursery = task->parent_nursery; /* now: it may have moved while it waited */
	break_lots(task);
	leave_tree(task);
	if (!nursery) {
		main_finished(task->run, task, rc);
	} else if (rc < 0) {
		nuri_nursery_remove_failed(nursery, task, rc);
	} else {
		nuri_nursery_remove_child(nursery, task);
	}
	nuri_failure_destroy(steal(&task->failure));
}

/* Whether @task, a child, has succeeded and leaves nothing behind. */
static inline bool
is_tidy(const struct nur_task *task, const struct nur_nursery *nursery, int rc)
{
	return nursery && rc >= 0 && task->scope == &nursery->scope && !task->failure &&
	       !task->breakers && !task->locals && list_is_empty(nuri_list_const(&task->nurseries));
}

static inline void
finish(struct nur_task *task, int rc)
{
	struct nur_nursery *nursery = task->parent_nursery;

	if (is_tidy(task, nursery, rc)) {
		leave_tree(task);
		nuri_nursery_remove_child(nursery, task);
	} else {
		finish_untidily(task, rc);
	}
	task->run->n_tasks--;
}

void
nuri_task_abandon(struct nur_task *task)
{
	nur_abort_fn abort_fn =
		steal(&task->abort); /* it may cancel, which must not call it again */

	if (task->state == NURI_TASK_WAITING && abort_fn) {
		(void)abort_fn(task, task->abort_arg); /* who refuses, waits for its own tasks */
	}
	while (task->breakers) {
		struct nur_parking_lot *lot = task->breakers->lot;

		(void)nur_parking_lot_breaker_remove(task->breakers);
		nur_parking_lot_break(lot, task);
	}
	nuri_locals_clear(&task->locals);
	nuri_failure_destroy(steal(&task->failure));
	nuri_context_drop(&task->context);
}

/* The loop it would come back to is its parent's. */
static int
run_function(struct nur_task *task)
{
	int rc = task->fn(task->arg);

	if (task->run->generation != nuri_fork_generation) {
		nuri_die("task \"%s\" returned in a forked child: it may exec or _exit",
			nur_task_name(task));
	}
	return rc;
}

static void
task_entry(struct nuri_context *context)
{
	struct nur_task *task = container_of(context, struct nur_task, context);

	finish(task, run_function(task));
	task->state = NURI_TASK_DONE;
	nuri_context_exit_to(&task->context, &task->run->loop_context);
}

/* Not one assignment to all of it: much would be cleared that is filled in here, or by a wait. */
static inline void
init(struct nur_task *task, struct nuri_run *run, struct nuri_stack *stack)
{
	task->run = run;
	task->stack = stack;
	task->failure = NULL;
	task->breakers = NULL;
	task->locals = NULL;
	task->started_at = run->now;
	task->state = NURI_TASK_RUNNABLE;
	task->has_been_told = false;
	list_init(nuri_list(&task->nurseries));
}

static inline void
enter_tree(struct nur_task *task, struct nur_nursery *nursery)
{
	task->parent_nursery = nursery;
	if (nursery) {
		nuri_nursery_add_child(nursery, task);
		task->scope = &nursery->scope;
	} else {
		task->run->main = task;
		task->scope = &task->run->system.scope;
	}
	list_append(nuri_list(&task->scope->tasks), nuri_list(&task->in_scope));
}

static __attribute__((cold, noinline)) int
refuse_task(const struct nuri_run *run)
{
	return nur_fail(-EAGAIN, "%zu tasks are alive, as many as max_tasks allows", run->n_tasks);
}

static __attribute__((cold, noinline)) int
spawn_on_another_slab(struct nur_nursery *nursery, const char *name, nur_task_fn fn, void *arg,
	struct nuri_run *run)
{
	int r = nuri_stack_pool_open_slab(&run->stacks);

	if (r < 0) {
		return nur_fail(r, "%s", nuri_stack_pool_error(&run->stacks));
	}
	return nuri_task_spawn(nursery, name, fn, arg, run);
}

/* What most programs have no use for: values are inherited, an instrument is told. */
static __attribute__((noinline)) int
start_with_extras(struct nuri_run *run, struct nur_task *task)
{
	if (run->current && run->current->locals) {
		nuri_task_inherit_locals(task, run->current);
	}
	if (nuri_has_hook(&run->instruments, NURI_TASK_SPAWNED)) {
		nuri_instruments_call(run, NURI_TASK_SPAWNED, task, 0);
	}
	nuri_task_make_runnable(task);
	return 0;
}

/*
 * What is seldom is a call with which the start ends: nothing is kept over a call then, so no register has to
 * be saved. That is a twelfth of spawn and join.
 */
int
nuri_task_spawn(struct nur_nursery *nursery, const char *name, nur_task_fn fn, void *arg,
	struct nuri_run *run)
{
	struct nuri_stack *stack;
	struct nur_task *task;

	if (run->n_tasks >= run->max_tasks) {
		return refuse_task(run);
	}
	stack = nuri_stack_take_idle(&run->stacks);
	if (!stack) {
		return spawn_on_another_slab(nursery, name, fn, arg, run);
	}

	task = nuri_task_on(stack);
	init(task, run, stack);
	task->fn = fn;
	task->arg = arg;
	task->name = name;
	nuri_context_init(&task->context, stack->base, task, task_entry);
	enter_tree(task, nursery);
	run->n_tasks++;
	if ((run->current && run->current->locals) || run->instruments.hooks) {
		return start_with_extras(run, task);
	}
	nuri_task_make_runnable(task);
	return 0;
}
