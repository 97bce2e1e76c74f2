/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: a number and a parking lot. Tasks wait only while the number is zero, and a release
 * hands over to them: the number stays zero, so that nobody who comes in between can take what they
 * wait for.
 */
#include <nursery/checkpoint.h>
#include <nursery/semaphore.h>

#include <errno.h>

int
nur_semaphore_init(struct nur_semaphore *semaphore, size_t value, size_t max)
{
	if (value > max) {
		return -EINVAL;
	}
	nur_parking_lot_init(&semaphore->lot);
	semaphore->value = value;
	semaphore->max = max;
	return 0;
}

int
nur_semaphore_acquire_nowait(struct nur_semaphore *semaphore)
{
	if (semaphore->value == 0) {
		return NUR_EWOULDBLOCK;
	}
	semaphore->value--;
	return 0;
}

int
nur_semaphore_acquire(struct nur_semaphore *semaphore)
{
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = nur_semaphore_acquire_nowait(semaphore);
	if (r == NUR_EWOULDBLOCK) {
		return nur_parking_lot_park(&semaphore->lot, "semaphore");
	}
	return nur_cancel_shielded_checkpoint();
}

int
nur_semaphore_release(struct nur_semaphore *semaphore)
{
	if (nur_parking_lot_unpark(&semaphore->lot, 1, 0) == 1) {
		return 0;
	}
	if (semaphore->value == semaphore->max) {
		return -EOVERFLOW;
	}
	semaphore->value++;
	return 0;
}

size_t
nur_semaphore_value(const struct nur_semaphore *semaphore)
{
	return semaphore->value;
}

size_t
nur_semaphore_max(const struct nur_semaphore *semaphore)
{
	return semaphore->max;
}

size_t
nur_semaphore_n_waiting(const struct nur_semaphore *semaphore)
{
	return nur_parking_lot_n_waiting(&semaphore->lot);
}
