/* SPDX-License-Identifier: MIT */
/* A parking lot: tasks wait in it in the order of their arrival. */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/* struct nur_parking_lot - lives in the caller's memory; all fields are private */
struct nur_parking_lot {
	struct nur_node waiting;
	size_t n_waiting;
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

/* nur_parking_lot_first() - the task that waits longest, or NULL (no checkpoint) */
struct nur_task *nur_parking_lot_first(const struct nur_parking_lot *lot);

NUR_END_DECLS
