/* SPDX-License-Identifier: MIT */
/*
 * Sequencers.
 *
 * Steps are run strictly one after the other, so what has been claimed needs no table: all positions
 * before the present one are over, the present one is claimed while it runs, and the others that are
 * claimed wait, each with its place on the stack of its task.
 */
#include <nursery/checkpoint.h>
#include <nursery/testing.h>

#include <errno.h>

#include "lib/nursery/scheduler.h"

struct waiter {
	struct nur_node node;
	struct nur_task *task;
	size_t position;
};

void
nur_sequencer_init(struct nur_sequencer *sequencer)
{
	*sequencer = (struct nur_sequencer){ .position = 0 };
	list_init(nuri_list(&sequencer->waiting));
}

static struct waiter *
find_waiter(struct nur_sequencer *sequencer, size_t position)
{
	struct list *node;

	list_for_each(node, nuri_list(&sequencer->waiting)) {
		struct waiter *waiter = list_entry(node, struct waiter, node);

		if (waiter->position == position) {
			return waiter;
		}
	}
	return NULL;
}

static bool
is_claimed(struct nur_sequencer *sequencer, size_t position)
{
	return position < sequencer->position ||
	       (position == sequencer->position && sequencer->is_running) ||
	       find_waiter(sequencer, position);
}

static enum nur_abort
abort_enter(struct nur_task *task, void *arg)
{
	struct waiter *waiter = arg;

	list_unlink(nuri_list(&waiter->node));
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_for_turn(struct nur_sequencer *sequencer, struct nur_task *task, size_t position)
{
	struct waiter waiter = { .task = task, .position = position };

	list_append(nuri_list(&sequencer->waiting), nuri_list(&waiter.node));
	return nur_wait_task_rescheduled("sequencer", abort_enter, &waiter);
}

/* A step that will never be run cannot be left, so none behind it can begin. */
static void
break_sequence(struct nur_sequencer *sequencer)
{
	struct list *node;

	sequencer->is_broken = true;
	while ((node = list_take_first(nuri_list(&sequencer->waiting)))) {
		nur_reschedule(list_entry(node, struct waiter, node)->task, NUR_EBROKEN);
	}
}

static int
fail_broken(size_t position)
{
	return nur_fail(NUR_EBROKEN, "step %zu of a broken sequence", position);
}

int
nur_sequencer_enter(struct nur_sequencer *sequencer, size_t position)
{
	struct nur_task *task = nuri_calling_task();
	int r;

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (is_claimed(sequencer, position)) {
		return nur_fail(-EALREADY, "step %zu of a sequence came twice", position);
	}
	if (sequencer->is_broken) {
		return fail_broken(position);
	}
	if (position == 0) {
		sequencer->is_running = true;
		return nur_cancel_shielded_checkpoint();
	}
	if (position == sequencer->position) {
		sequencer->is_running = true;
		r = nur_checkpoint();
	} else {
		r = wait_for_turn(sequencer, task, position);
	}
	if (r == NUR_ECANCELED) {
		break_sequence(sequencer);
	}
	return sequencer->is_broken ? fail_broken(position) : r;
}

int
nur_sequencer_leave(struct nur_sequencer *sequencer)
{
	struct waiter *next;

	if (!sequencer->is_running) {
		return -EPERM;
	}
	sequencer->position++;
	next = find_waiter(sequencer, sequencer->position);
	sequencer->is_running = next != NULL;
	if (next) {
		list_unlink(nuri_list(&next->node));
		nur_reschedule(next->task, 0);
	}
	return 0;
}
