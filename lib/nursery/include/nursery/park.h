/* SPDX-License-Identifier: MIT */
/*
 * A parking lot: tasks wait in it in the order of their arrival. Locks, semaphores, conditions and
 * events are made of one.
 *
 * A lot can be guarded: when the task that is its breaker ends, the lot is broken, and nobody waits
 * for what only that task would have done.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/* struct nur_parking_lot - lives in the caller's memory; all fields are private */
struct nur_parking_lot {
	struct nur_node waiting;
	size_t n_waiting;
	bool is_broken;
	char broken_by[31];
};

/*
 * struct nur_parking_lot_breaker - a task's guard over a lot; in the caller's memory, zeroed: none;
 * private
 */
struct nur_parking_lot_breaker {
	struct nur_parking_lot *lot;
	struct nur_task *task;
	struct nur_parking_lot_breaker *next;
	struct nur_parking_lot_breaker **link;
};

/* nur_parking_lot_init() - an empty lot; nothing to free (no checkpoint) */
void nur_parking_lot_init(struct nur_parking_lot *lot);

/**
 * nur_parking_lot_park() - wait until unparked
 * @lot:        stays valid until the task has left it
 * @why:        what for, for the task tree; static
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled; it is no longer in
 *                              the lot
 *              NUR_EBROKEN     the lot is broken, before or meanwhile; the failure's text names the
 *                              task that broke it
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio ParkingLot.park()
 *
 * Return: the result given to nur_parking_lot_unpark(), or an error.
 */
NUR_CHECKPOINT int nur_parking_lot_park(struct nur_parking_lot *lot, const char *why);

/**
 * nur_parking_lot_unpark() - wake the longest waiting tasks
 * @count:      how many at most; 0 is harmless, SIZE_MAX wakes all
 * @result:     what their park returns
 *
 * Checkpoint: never (allowed from loop callbacks). Source: Trio ParkingLot.unpark().
 *
 * Return: how many were woken.
 */
size_t nur_parking_lot_unpark(struct nur_parking_lot *lot, size_t count, int result);

/**
 * nur_parking_lot_repark() - move the longest waiting tasks to the end of another lot
 * @target:     when it is broken, they are woken with NUR_EBROKEN instead; may be @lot, whose order changes
 * @count:      how many at most; 0 is harmless, SIZE_MAX moves all
 *
 * Checkpoint: never (allowed from loop callbacks). Ownership: @target stays valid as @lot has to
 * for who waits in it. Source: Trio ParkingLot.repark().
 *
 * Return: how many were moved.
 */
size_t nur_parking_lot_repark(
	struct nur_parking_lot *lot, struct nur_parking_lot *target, size_t count);

/**
 * nur_parking_lot_break() - wake everybody with NUR_EBROKEN, now and for good
 * @task:       who is to blame; NULL: the calling task
 *
 * Who comes later gets NUR_EBROKEN at once. Breaking a broken lot is harmless; the first to blame
 * stays.
 *
 * Checkpoint: never (allowed from loop callbacks). Source: Trio ParkingLot.break_lot().
 */
void nur_parking_lot_break(struct nur_parking_lot *lot, const struct nur_task *task);

/* nur_parking_lot_first() - the task that waits longest, or NULL (no checkpoint) */
struct nur_task *nur_parking_lot_first(const struct nur_parking_lot *lot);

/* nur_parking_lot_n_waiting() - tasks that wait in it (no checkpoint) */
size_t nur_parking_lot_n_waiting(const struct nur_parking_lot *lot);

/*
 * nur_parking_lot_broken_by() - name of the task that broke it, cut, "" when it was no task; NULL:
 * it is not broken (no checkpoint)
 */
const char *nur_parking_lot_broken_by(const struct nur_parking_lot *lot);

/**
 * nur_parking_lot_breaker_add() - break a lot when a task ends
 * @breaker:    zeroed, or removed
 * @task:       alive; NULL: the calling task
 * @lot:        may have other breakers, the same task among them, and may be broken
 *
 * A task that guards nothing does not pay for it.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   borrows @breaker and @lot until it is removed or @task has ended; they may not lie
 *              on the stack of @task itself, which is gone by then
 * Errors:      -EALREADY       @breaker is in use
 *              NUR_ENOTINTASK  @task is NULL and the caller is no task
 * Source:      Trio lowlevel.add_parking_lot_breaker()
 *
 * Return: 0 or an error.
 */
int nur_parking_lot_breaker_add(struct nur_parking_lot_breaker *breaker, struct nur_task *task,
	struct nur_parking_lot *lot);

/**
 * nur_parking_lot_breaker_remove() - the task has done its part
 *
 * Checkpoint: never. Errors: -ENOENT it is not in use, or its task has ended. Source: Trio
 * lowlevel.remove_parking_lot_breaker(). Return: 0 or -ENOENT.
 */
int nur_parking_lot_breaker_remove(struct nur_parking_lot_breaker *breaker);

NUR_END_DECLS
