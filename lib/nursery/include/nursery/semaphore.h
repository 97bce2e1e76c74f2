/* SPDX-License-Identifier: MIT */
/*
 * A semaphore: a number that is never below zero. To limit how many tasks do something at one time,
 * take a limiter: it knows its borrowers, and so finds who gives back what it never had.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/park.h>

NUR_BEGIN_DECLS

#define NUR_SEMAPHORE_UNBOUNDED SIZE_MAX

/* struct nur_semaphore - lives in the caller's memory; all fields are private; nothing to free */
struct nur_semaphore {
	struct nur_parking_lot lot;
	size_t value;
	size_t max;
};

/**
 * nur_semaphore_init() - a semaphore with a value
 * @value:      what it begins with
 * @max:        what releases may raise it to; NUR_SEMAPHORE_UNBOUNDED: anything
 *
 * Checkpoint: never. Errors: -EINVAL @value is above @max. Source: Trio Semaphore(). Return: 0 or
 * -EINVAL.
 */
int nur_semaphore_init(struct nur_semaphore *semaphore, size_t value, size_t max);

/**
 * nur_semaphore_acquire() - take one off, waiting in the order of arrival while there is nothing to
 * take
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, also when the value is above zero
 * Ownership:   @semaphore stays valid until the wait is over
 * Errors:      NUR_ECANCELED   cancelled; nothing was taken
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio Semaphore.acquire()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_semaphore_acquire(struct nur_semaphore *semaphore);

/*
 * nur_semaphore_acquire_nowait() - as nur_semaphore_acquire(), or NUR_EWOULDBLOCK; no checkpoint;
 * loop callbacks may
 */
int nur_semaphore_acquire_nowait(struct nur_semaphore *semaphore);

/**
 * nur_semaphore_release() - add one; with tasks waiting it goes to the longest waiting one, and the
 * value stays
 *
 * Checkpoint: never (allowed from loop callbacks). Errors: -EOVERFLOW the value is at its maximum;
 * nothing changes. Source: Trio Semaphore.release(). Return: 0 or -EOVERFLOW.
 */
int nur_semaphore_release(struct nur_semaphore *semaphore);

/* The value now, the most it may be, and tasks waiting (no checkpoint) */
size_t nur_semaphore_value(const struct nur_semaphore *semaphore);
size_t nur_semaphore_max(const struct nur_semaphore *semaphore);
size_t nur_semaphore_n_waiting(const struct nur_semaphore *semaphore);

NUR_END_DECLS
