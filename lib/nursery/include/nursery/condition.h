/* SPDX-License-Identifier: MIT */
/*
 * A condition: wait, with a lock put down meanwhile, until another task that holds the lock says
 * that something has changed.
 *
 *	r = nur_lock_acquire(&lock);
 *	while (r == 0 && !is_ready) {
 *		r = nur_condition_wait(&changed);
 *	}
 *	... also with NUR_ECANCELED the lock is held here
 *
 * A task is woken by a notification only, but others may have had the lock before it: look again.
 */
#pragma once

#include <nursery/lock.h>

NUR_BEGIN_DECLS

/* struct nur_condition - lives in the caller's memory; all fields are private; nothing to free */
struct nur_condition {
	struct nur_parking_lot lot;
	struct nur_lock *lock;
};

/*
 * nur_condition_init() - a condition of what @lock protects; borrows it as long as it is used (no
 * checkpoint)
 */
void nur_condition_init(struct nur_condition *condition, struct nur_lock *lock);

/**
 * nur_condition_wait() - release the lock, wait for a notification, take the lock again
 *
 * Who is cancelled waits for the lock, however long, before it learns of it: the caller's cleanup
 * releases the lock in any case.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, when the caller holds the lock
 * Ownership:   the lock is held again on return, but for NUR_EBROKEN
 * Errors:      NUR_ECANCELED   cancelled; the lock is held
 *              NUR_EBROKEN     another task has ended holding the lock, which is not held now
 *              -EPERM          the caller does not hold the lock; nothing was done
 * Source:      Trio Condition.wait()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_condition_wait(struct nur_condition *condition);

/**
 * nur_condition_notify() - let the longest waiting tasks go on, one by one as they get the lock
 * @count:      how many at most; SIZE_MAX: all
 *
 * They are moved to the end of the queue for the lock.
 *
 * Checkpoint: never. Errors: -EPERM the calling task does not hold the lock. Source: Trio
 * Condition.notify(), notify_all(). Return: 0 or -EPERM.
 */
int nur_condition_notify(struct nur_condition *condition, size_t count);

/*
 * nur_condition_n_waiting() - tasks that wait for a notification; those that wait for the lock
 * count there (no checkpoint)
 */
size_t nur_condition_n_waiting(const struct nur_condition *condition);

NUR_END_DECLS
