/* SPDX-License-Identifier: MIT */
/*
 * Conditions: a parking lot beside a lock.
 *
 * A notification moves waiters from the one lot to the other's end; the release that wakes them
 * there gives them the lock. So nobody wakes only to wait again, and a wait that succeeds holds the
 * lock.
 */
#include <nursery/cancel_scope.h>
#include <nursery/condition.h>

#include <errno.h>

void
nur_condition_init(struct nur_condition *condition, struct nur_lock *lock)
{
	nur_parking_lot_init(&condition->lot);
	condition->lock = lock;
}

static bool
is_held(const struct nur_condition *condition)
{
	struct nur_task *owner = nur_lock_owner(condition->lock);

	return owner && owner == nur_current_task();
}

/* The caller of a wait that failed still has to release the lock, so it gets it first. */
static int
take_back(struct nur_lock *lock, int rc)
{
	struct nur_cancel_scope shield;
	int r;

	nur_cancel_scope_init(&shield);
	nur_cancel_scope_set_shield(&shield, true);
	r = NUR_WITHIN(&shield, nur_lock_acquire(lock));
	return r < 0 ? r : rc;
}

int
nur_condition_wait(struct nur_condition *condition)
{
	int r = nur_lock_release(condition->lock);

	if (r < 0) {
		return r;
	}
	r = nur_parking_lot_park(&condition->lot, "condition");
	return r < 0 ? take_back(condition->lock, r) : 0;
}

int
nur_condition_notify(struct nur_condition *condition, size_t count)
{
	if (!is_held(condition)) {
		return -EPERM;
	}
	(void)nur_parking_lot_repark(&condition->lot, &condition->lock->lot, count);
	return 0;
}

size_t
nur_condition_n_waiting(const struct nur_condition *condition)
{
	return nur_parking_lot_n_waiting(&condition->lot);
}
