/* SPDX-License-Identifier: MIT */
/*
 * Locks: a parking lot, guarded by the task that holds the lock.
 *
 * The breaker's task is the owner, so that the owner's end leaves no pointer to it behind: the lot
 * is broken and the breaker is free. That differs from a free lock by the lot.
 *
 * Waiting for the lock is being parked in the lot and nothing else: a condition gives its waiters
 * the lock by moving them here.
 */
#include <nursery/checkpoint.h>
#include <nursery/lock.h>

#include <errno.h>

void
nur_lock_init(struct nur_lock *lock)
{
	*lock = (struct nur_lock){ .owner = { .task = NULL } };
	nur_parking_lot_init(&lock->lot);
}

int
nur_lock_acquire_nowait(struct nur_lock *lock)
{
	struct nur_task *task = nur_current_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (lock->owner.task == task) {
		return -EALREADY;
	}
	if (nur_lock_is_locked(lock)) {
		return NUR_EWOULDBLOCK;
	}
	return nur_parking_lot_breaker_add(&lock->owner, task, &lock->lot);
}

int
nur_lock_acquire(struct nur_lock *lock)
{
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = nur_lock_acquire_nowait(lock);
	if (r == NUR_EWOULDBLOCK) {
		return nur_parking_lot_park(&lock->lot, "lock");
	}
	return r < 0 ? r : nur_cancel_shielded_checkpoint();
}

int
nur_lock_release(struct nur_lock *lock)
{
	struct nur_task *task = nur_current_task();
	struct nur_task *next = nur_parking_lot_first(&lock->lot);

	if (!task || lock->owner.task != task) {
		return -EPERM;
	}
	(void)nur_parking_lot_breaker_remove(&lock->owner);
	if (next) {
		(void)nur_parking_lot_breaker_add(&lock->owner, next, &lock->lot);
		(void)nur_parking_lot_unpark(&lock->lot, 1, 0);
	}
	return 0;
}

bool
nur_lock_is_locked(const struct nur_lock *lock)
{
	return lock->owner.task || nur_parking_lot_broken_by(&lock->lot);
}

struct nur_task *
nur_lock_owner(const struct nur_lock *lock)
{
	return lock->owner.task;
}

size_t
nur_lock_n_waiting(const struct nur_lock *lock)
{
	return nur_parking_lot_n_waiting(&lock->lot);
}
