/* SPDX-License-Identifier: MIT */
/*
 * The live tree. The walk goes down and up by the objects' own links, without recursion: a tree a
 * thousand nurseries deep is walked on a small stack. How it looks as text is tree_text.c's.
 */
#include "lib/nursery/tree.h"

#include <nursery/tree.h>

#include <assert.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"

const char *
nur_task_state_name(enum nur_task_state state)
{
	static const char *const names[] = {
		[NUR_TASK_RUNNING] = "running",
		[NUR_TASK_RUNNABLE] = "runnable",
		[NUR_TASK_WAITING] = "waiting",
	};

	return (unsigned)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

static enum nur_task_state
public_state(const struct nur_task *task)
{
	switch (task->state) {
	case NURI_TASK_RUNNABLE:
		return NUR_TASK_RUNNABLE;
	case NURI_TASK_WAITING:
		return NUR_TASK_WAITING;
	default:
		return NUR_TASK_RUNNING;
	}
}

static size_t
count_nurseries(const struct nur_task *task)
{
	const struct list *head = nuri_list_const(&task->nurseries);
	const struct list *node;
	size_t n = 0;

	list_for_each(node, head) {
		n++;
	}
	return n;
}

static void
describe_scope(struct nur_tree_entry *entry, const struct nur_cancel_scope *scope, nur_time now)
{
	nur_time deadline = nuri_scope_effective_deadline(scope);

	entry->deadline = deadline;
	entry->time_left_ns = deadline == NUR_FOREVER || deadline == NUR_LONG_AGO
				      ? NUR_FOREVER
				      : nur_time_sub(deadline, now);
	entry->is_shielded = scope->is_shielded;
	entry->is_cancelled = scope->is_effectively_cancelled;
	entry->reason = nuri_scope_effective_reason(scope);
	entry->stop_reason = nuri_scope_stop_reason(scope);
}

static struct nur_tree_entry
describe_task(const struct nur_task *task, size_t depth)
{
	struct nur_tree_entry entry = {
		.kind = NUR_TREE_TASK,
		.depth = depth,
		.name = nur_task_name(task),
		.state = public_state(task),
		.age_ns = nur_time_sub(task->run->now, task->started_at),
		.n_children = count_nurseries(task),
	};

	if (task->state == NURI_TASK_WAITING) {
		entry.wait_reason = task->wait_reason;
		entry.waiting_ns = nur_time_sub(task->run->now, task->waiting_since);
	}
	describe_scope(&entry, task->scope, task->run->now);
	return entry;
}

static struct nur_tree_entry
describe_nursery(const struct nur_nursery *nursery, size_t depth)
{
	struct nur_tree_entry entry = {
		.kind = NUR_TREE_NURSERY,
		.depth = depth,
		.n_children = nursery->n_children,
	};

	describe_scope(&entry, &nursery->scope, nursery->parent->run->now);
	return entry;
}

/* Where the walk is: at a task, or at a nursery. */
struct place {
	const struct nur_task *task;
	const struct nur_nursery *nursery;
	size_t depth;
};

static bool
descend(struct place *place)
{
	const struct list *head =
		nuri_list_const(place->task ? &place->task->nurseries : &place->nursery->children);

	if (list_is_empty(head)) {
		return false;
	}
	if (place->task) {
		place->nursery = list_entry(head->next, const struct nur_nursery, in_parent);
		place->task = NULL;
	} else {
		place->task = list_entry(head->next, const struct nur_task, in_nursery);
		place->nursery = NULL;
	}
	place->depth++;
	return true;
}

/* The task after @task among its siblings, or NULL. The system tasks come after the main task. */
static const struct nur_task *
next_sibling(const struct nur_task *task)
{
	const struct nur_nursery *parent = task->parent_nursery;
	const struct list *head =
		nuri_list_const(parent ? &parent->children : &task->run->system.children);
	const struct list *next = parent ? nuri_list_const(&task->in_nursery)->next : head->next;

	return next == head ? NULL : list_entry(next, const struct nur_task, in_nursery);
}

/*
 * To the next sibling, or to that of the nearest ancestor that has one; false at the end of the
 * tree.
 */
static bool
advance(struct place *place)
{
	for (;;) {
		if (place->task) {
			const struct nur_task *next = next_sibling(place->task);

			if (next) {
				place->task = next;
				return true;
			}
			place->nursery = nur_task_parent_nursery(place->task);
			place->task = NULL;
			if (!place->nursery) {
				return false;
			}
		} else {
			const struct nur_task *parent;

			assert(place->nursery);
			parent = place->nursery->parent;
			if (place->nursery->in_parent.next != &parent->nurseries) {
				place->nursery = list_entry(place->nursery->in_parent.next,
					const struct nur_nursery, in_parent);
				return true;
			}
			place->nursery = NULL;
			place->task = parent;
		}
		place->depth--;
	}
}

/* Whether the main task is alive: it is made after the run, and may end before it. */
static bool
has_main(const struct nuri_run *run)
{
	return run->main && !run->is_main_done;
}

/* The main task or a system task; there is one. */
static const struct nur_task *
first_task(const struct nuri_run *run)
{
	return has_main(run)
		       ? run->main
		       : list_entry(run->system.children.next, const struct nur_task, in_nursery);
}

void
nuri_tree_each_task(const struct nuri_run *run,
	void (*visit)(const struct nur_task *task, void *arg), void *arg)
{
	struct place place;

	if (run->system.n_children == 0 && !has_main(run)) {
		return;
	}
	place = (struct place){ .task = first_task(run), .depth = 1 };
	do {
		if (place.task) {
			visit(place.task, arg);
		}
	} while (descend(&place) || advance(&place));
}

int
nur_tree_walk(nur_tree_fn visit, void *arg)
{
	struct nuri_run *run = nuri_current_run();
	struct nur_tree_entry entry = {
		.kind = NUR_TREE_RUN,
		.deadline = NUR_FOREVER,
		.time_left_ns = NUR_FOREVER,
	};
	struct place place;
	int r;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	(void)nuri_run_now(run);
	entry.n_children = run->system.n_children + has_main(run);
	r = visit(&entry, arg);
	if (r != 0 || entry.n_children == 0) {
		return r;
	}

	place = (struct place){ .task = first_task(run), .depth = 1 };
	do {
		assert(place.task || place.nursery);
		entry = place.task ? describe_task(place.task, place.depth)
				   : describe_nursery(place.nursery, place.depth);
		r = visit(&entry, arg);
		if (r != 0) {
			return r;
		}
	} while (descend(&place) || advance(&place));
	return 0;
}
