/* SPDX-License-Identifier: MIT */
/*
 * Parking lots.
 *
 * A parked task's place in the lot lives on its own stack. Who wakes it, wakes it out of the lot:
 * the lot may be gone when the task runs, so a lot that breaks leaves the name of the task to blame
 * in each place.
 *
 * Breakers hang on their task in a list without a head: a task that guards nothing has one pointer
 * that is NULL.
 */
#include <nursery/park.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/nursery/scheduler.h"

/*
 * lot        where it waits; changes when it is moved
 * broken_by  who broke the lot, if is_broken
 */
struct parked {
	struct nur_node node;
	struct nur_parking_lot *lot;
	struct nur_task *task;
	bool is_broken;
	char broken_by[sizeof(((struct nur_parking_lot *)0)->broken_by)];
};

void
nur_parking_lot_init(struct nur_parking_lot *lot)
{
	*lot = (struct nur_parking_lot){ .n_waiting = 0 };
	list_init(nuri_list(&lot->waiting));
}

static void
enter_lot(struct nur_parking_lot *lot, struct parked *parked)
{
	parked->lot = lot;
	list_append(nuri_list(&lot->waiting), nuri_list(&parked->node));
	lot->n_waiting++;
}

static void
leave_lot(struct parked *parked)
{
	list_unlink(nuri_list(&parked->node));
	parked->lot->n_waiting--;
}

static struct parked *
take_first(struct nur_parking_lot *lot)
{
	struct parked *first;

	if (lot->n_waiting == 0) {
		return NULL;
	}
	first = list_entry(nuri_list(&lot->waiting)->next, struct parked, node);
	leave_lot(first);
	return first;
}

static enum nur_abort
abort_park(struct nur_task *task, void *arg)
{
	leave_lot(arg);
	return NUR_ABORT_SUCCEEDED;
}

static int
fail_broken(const char *why, const char *broken_by)
{
	return nur_fail(
		NUR_EBROKEN, "%s: broken by task \"%s\"", why ? why : "parking lot", broken_by);
}

int
nur_parking_lot_park(struct nur_parking_lot *lot, const char *why)
{
	struct parked parked = { .task = nuri_calling_task() };
	int r;

	if (!parked.task) {
		return NUR_ENOTINTASK;
	}
	if (lot->is_broken) {
		return fail_broken(why, lot->broken_by);
	}
	enter_lot(lot, &parked);
	r = nur_wait_task_rescheduled(why, abort_park, &parked);
	return parked.is_broken ? fail_broken(why, parked.broken_by) : r;
}

size_t
nur_parking_lot_unpark(struct nur_parking_lot *lot, size_t count, int result)
{
	struct parked *first;
	size_t n = 0;

	while (n < count && (first = take_first(lot))) {
		nur_reschedule(first->task, result);
		n++;
	}
	return n;
}

static void
wake_broken(struct parked *parked, const char *broken_by)
{
	parked->is_broken = true;
	memcpy(parked->broken_by, broken_by, sizeof(parked->broken_by));
	nur_reschedule(parked->task, NUR_EBROKEN);
}

size_t
nur_parking_lot_repark(struct nur_parking_lot *lot, struct nur_parking_lot *target, size_t count)
{
	struct parked *first;
	size_t n = 0;

	if (count > lot->n_waiting) {
		count = lot->n_waiting; /* the same lot, as a target, never becomes empty */
	}
	while (n < count && (first = take_first(lot))) {
		if (target->is_broken) {
			wake_broken(first, target->broken_by);
		} else {
			enter_lot(target, first);
		}
		n++;
	}
	return n;
}

void
nur_parking_lot_break(struct nur_parking_lot *lot, const struct nur_task *task)
{
	struct parked *first;

	if (lot->is_broken) {
		return;
	}
	if (!task) {
		task = nur_current_task();
	}
	lot->is_broken = true;
	(void)snprintf(
		lot->broken_by, sizeof(lot->broken_by), "%s", task ? nur_task_name(task) : "");
	while ((first = take_first(lot))) {
		wake_broken(first, lot->broken_by);
	}
}

struct nur_task *
nur_parking_lot_first(const struct nur_parking_lot *lot)
{
	if (lot->n_waiting == 0) {
		return NULL;
	}
	return list_entry(lot->waiting.next, struct parked, node)->task;
}

size_t
nur_parking_lot_n_waiting(const struct nur_parking_lot *lot)
{
	return lot->n_waiting;
}

const char *
nur_parking_lot_broken_by(const struct nur_parking_lot *lot)
{
	return lot->is_broken ? lot->broken_by : NULL;
}

int
nur_parking_lot_breaker_add(
	struct nur_parking_lot_breaker *breaker, struct nur_task *task, struct nur_parking_lot *lot)
{
	if (breaker->task) {
		return -EALREADY;
	}
	if (!task) {
		task = nur_current_task();
	}
	if (!task) {
		return NUR_ENOTINTASK;
	}
	*breaker = (struct nur_parking_lot_breaker){
		.lot = lot,
		.task = task,
		.next = task->breakers,
		.link = &task->breakers,
	};
	if (breaker->next) {
		breaker->next->link = &breaker->next;
	}
	task->breakers = breaker;
	return 0;
}

int
nur_parking_lot_breaker_remove(struct nur_parking_lot_breaker *breaker)
{
	if (!breaker->task) {
		return -ENOENT;
	}
	*breaker->link = breaker->next;
	if (breaker->next) {
		breaker->next->link = breaker->link;
	}
	*breaker = (struct nur_parking_lot_breaker){ .task = NULL };
	return 0;
}
