/* SPDX-License-Identifier: MIT */
/* Parking lots. A parked task's place in the lot lives on its own stack. */
#include <nursery/park.h>

#include "lib/nursery/scheduler.h"

struct parked {
	struct nur_node node;
	struct nur_parking_lot *lot;
	struct nur_task *task;
};

void
nur_parking_lot_init(struct nur_parking_lot *lot)
{
	list_init(nuri_list(&lot->waiting));
	lot->n_waiting = 0;
}

static void
leave_lot(struct parked *parked)
{
	list_unlink(nuri_list(&parked->node));
	parked->lot->n_waiting--;
}

static enum nur_abort
abort_park(struct nur_task *task, void *arg)
{
	leave_lot(arg);
	return NUR_ABORT_SUCCEEDED;
}

int
nur_parking_lot_park(struct nur_parking_lot *lot, const char *why)
{
	struct parked parked = { .lot = lot, .task = nuri_calling_task() };

	if (!parked.task) {
		return NUR_ENOTINTASK;
	}
	list_append(nuri_list(&lot->waiting), nuri_list(&parked.node));
	lot->n_waiting++;
	return nur_wait_task_rescheduled(why, abort_park, &parked);
}

size_t
nur_parking_lot_unpark(struct nur_parking_lot *lot, size_t count, int result)
{
	size_t n = 0;

	while (n < count && lot->n_waiting > 0) {
		struct parked *first =
			list_entry(nuri_list(&lot->waiting)->next, struct parked, node);

		leave_lot(first);
		nur_reschedule(first->task, result);
		n++;
	}
	return n;
}

struct nur_task *
nur_parking_lot_first(const struct nur_parking_lot *lot)
{
	if (lot->n_waiting == 0) {
		return NULL;
	}
	return list_entry(lot->waiting.next, struct parked, node)->task;
}
