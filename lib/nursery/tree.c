/* SPDX-License-Identifier: MIT */
/*
 * The live tree. The walk goes down and up by the objects' own links, without recursion: a tree a
 * thousand nurseries deep is walked on a small stack.
 */
#include <nursery/tree.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
describe_scope(struct nur_tree_entry *entry, const struct nur_cancel_scope *scope)
{
	entry->deadline = nuri_scope_effective_deadline(scope);
	entry->is_cancelled = scope->is_effectively_cancelled;
	entry->reason = nuri_scope_effective_reason(scope);
}

static struct nur_tree_entry
describe_task(const struct nur_task *task, size_t depth)
{
	struct nur_tree_entry entry = {
		.kind = NUR_TREE_TASK,
		.depth = depth,
		.name = nur_task_name(task),
		.state = public_state(task),
		.wait_reason = task->wait_reason,
		.age_ns = nur_time_sub(task->run->now, task->started_at),
		.n_children = count_nurseries(task),
	};

	describe_scope(&entry, task->scope);
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

	describe_scope(&entry, &nursery->scope);
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

/*
 * To the next sibling, or to that of the nearest ancestor that has one; false at the end of the
 * tree.
 */
static bool
advance(struct place *place)
{
	for (;;) {
		if (place->task) {
			const struct nur_nursery *parent = place->task->parent_nursery;

			if (!parent) {
				return false;
			}
			if (place->task->in_nursery.next != &parent->children) {
				place->task = list_entry(place->task->in_nursery.next,
					const struct nur_task, in_nursery);
				return true;
			}
			place->task = NULL;
			place->nursery = parent;
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

int
nur_tree_walk(nur_tree_fn visit, void *arg)
{
	struct nuri_run *run = nuri_current_run();
	struct nur_tree_entry entry = { .kind = NUR_TREE_RUN, .deadline = NUR_FOREVER };
	struct place place;
	int r;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	(void)nuri_run_now(run);
	entry.n_children = run->is_main_done ? 0 : 1;
	r = visit(&entry, arg);
	if (r != 0 || run->is_main_done) {
		return r;
	}

	place = (struct place){ .task = run->main, .depth = 1 };
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

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			return -errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* "name: waiting (sleep), 1.200 s old, deadline in 3.000 s, cancelled (explicit: text, by task)" */
static int
draw(const struct nur_tree_entry *entry, void *arg)
{
	char line[512];
	FILE *out = fmemopen(line, sizeof(line), "w");
	long len;

	if (!out) {
		return -errno;
	}
	(void)fprintf(out, "%*s", (int)(2 * entry->depth), "");
	switch (entry->kind) {
	case NUR_TREE_RUN:
		(void)fputs("run", out);
		break;
	case NUR_TREE_NURSERY:
		(void)fprintf(out, "nursery, %zu tasks", entry->n_children);
		break;
	case NUR_TREE_TASK:
		(void)fprintf(out, "%s: %s", entry->name, nur_task_state_name(entry->state));
		if (entry->wait_reason) {
			(void)fprintf(out, " (%s)", entry->wait_reason);
		}
		(void)fprintf(out, ", %.3f s old", (double)entry->age_ns / 1e9);
		break;
	}
	if (entry->deadline != NUR_FOREVER && entry->deadline != NUR_LONG_AGO) {
		(void)fprintf(out, ", deadline in %.3f s",
			(double)nur_time_sub(entry->deadline, nuri_current_run()->now) / 1e9);
	}
	if (entry->is_cancelled && entry->reason) {
		(void)fprintf(out, ", cancelled (%s%s%s%s%s)",
			nur_cancel_source_name(entry->reason->source),
			entry->reason->text ? ": " : "",
			entry->reason->text ? entry->reason->text : "",
			*entry->reason->task ? ", by " : "", entry->reason->task);
	}
	(void)fputc('\n', out);
	len = ftell(out);
	(void)fclose(out); /* memory only */
	if (len < 0 || (size_t)len > sizeof(line)) {
		len = sizeof(line); /* a very long name: cut */
	}
	return write_all(*(int *)arg, line, (size_t)len);
}

int
nur_dump_task_tree(int fd)
{
	return nur_tree_walk(draw, &fd);
}
