/* SPDX-License-Identifier: MIT */
/*
 * A lock: one task at a time holds it, and only that task can release it. Between two checkpoints
 * nothing else runs, so a lock is needed only around code that waits.
 *
 * It is handed over strictly in the order of arrival: who asks after having prepared something,
 * without a checkpoint in between, has its turn in the order of the preparations (Trio's
 * StrictFIFOLock). A lock whose owner ends without releasing it is broken: everybody else gets
 * NUR_EBROKEN.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/park.h>

NUR_BEGIN_DECLS

/*
 * struct nur_lock - lives in the caller's memory, where it outlives each task that takes it; all
 * fields are private; nothing to free
 */
struct nur_lock {
	struct nur_parking_lot lot;
	struct nur_parking_lot_breaker owner;
};

/* nur_lock_init() - a free lock (no checkpoint) */
void nur_lock_init(struct nur_lock *lock);

/**
 * nur_lock_acquire() - take the lock, waiting for it in the order of arrival
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, also when the lock is free
 * Ownership:   the lock until nur_lock_release(); @lock stays valid until then
 * Errors:      NUR_ECANCELED   cancelled; the lock was not taken
 *              NUR_EBROKEN     its owner has ended without releasing it, before or meanwhile; the
 *                              failure's text names it
 *              -EALREADY       the caller holds it
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio Lock.acquire()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_lock_acquire(struct nur_lock *lock);

/*
 * nur_lock_acquire_nowait() - as nur_lock_acquire(), or NUR_EWOULDBLOCK when it is held or broken;
 * never a checkpoint
 */
int nur_lock_acquire_nowait(struct nur_lock *lock);

/**
 * nur_lock_release() - give the lock to the task that waits longest, or to nobody
 *
 * The next task owns it from here on, also before it runs: it, not the caller, has to release it.
 *
 * Checkpoint: never. Errors: -EPERM the calling task does not hold it. Source: Trio Lock.release().
 * Return: 0 or -EPERM.
 */
int nur_lock_release(struct nur_lock *lock);

/* nur_lock_is_locked() - whether nobody could take it now; a broken one counts (no checkpoint) */
bool nur_lock_is_locked(const struct nur_lock *lock);

/* nur_lock_owner() - the task that holds it; NULL: free, or the owner has ended (no checkpoint) */
struct nur_task *nur_lock_owner(const struct nur_lock *lock);

/* nur_lock_n_waiting() - tasks that wait for it (no checkpoint) */
size_t nur_lock_n_waiting(const struct nur_lock *lock);

NUR_END_DECLS
