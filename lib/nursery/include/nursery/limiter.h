/* SPDX-License-Identifier: MIT */
/* A capacity limiter: at most so many at one time, each token held by a borrower. */
#pragma once

#include <nursery/errors.h>
#include <nursery/park.h>

NUR_BEGIN_DECLS

#define NUR_LIMITER_UNLIMITED SIZE_MAX

struct nur_limiter;

/**
 * nur_limiter_create() - a limiter with @total tokens
 * @total:      NUR_LIMITER_UNLIMITED: no limit, borrowers are still checked; 0: nobody for now
 *
 * Checkpoint: never. Ownership: given, nur_limiter_destroy(). Errors: -ENOMEM. Source: Trio
 * CapacityLimiter().
 */
int nur_limiter_create(size_t total, struct nur_limiter **ret_limiter);

/* nur_limiter_destroy() - free it; nobody waits for it. Accepts NULL (no checkpoint) */
void nur_limiter_destroy(struct nur_limiter *limiter);

/**
 * nur_limiter_acquire() - take a token, waiting for it in the order of arrival
 * @borrower:   who holds it; NULL: the calling task
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, also when a token is free
 * Ownership:   the token until nur_limiter_release() for the same borrower
 * Errors:      NUR_ECANCELED   cancelled; no token was taken
 *              -EALREADY       @borrower holds a token of this limiter, or waits for one
 *              -ENOMEM         the borrower could not be recorded
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio CapacityLimiter.acquire_on_behalf_of()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_limiter_acquire(struct nur_limiter *limiter, const void *borrower);

/*
 * nur_limiter_acquire_nowait() - as nur_limiter_acquire(), or NUR_EWOULDBLOCK; never a checkpoint
 */
int nur_limiter_acquire_nowait(struct nur_limiter *limiter, const void *borrower);

/**
 * nur_limiter_release() - give a token back; it goes to the task that waits longest
 *
 * Checkpoint: never. Errors: -EPERM @borrower (NULL: the calling task) holds none.
 * Source: Trio CapacityLimiter.release_on_behalf_of(). Return: 0 or -EPERM.
 */
int nur_limiter_release(struct nur_limiter *limiter, const void *borrower);

/*
 * nur_limiter_set_total() - change the number of tokens; wakes waiters when there are more (no
 * checkpoint)
 */
void nur_limiter_set_total(struct nur_limiter *limiter, size_t total);

/*
 * Tokens in all, held now, free now (0 also when more are held than there are in all), and tasks
 * waiting for one (no checkpoint)
 */
size_t nur_limiter_total(const struct nur_limiter *limiter);
size_t nur_limiter_n_borrowed(const struct nur_limiter *limiter);
size_t nur_limiter_n_available(const struct nur_limiter *limiter);
size_t nur_limiter_n_waiting(const struct nur_limiter *limiter);

/**
 * nur_limiter_borrowers() - who holds a token
 * @borrowers:  where to, in no order; may be NULL when @cap is 0
 * @cap:        how many fit there
 *
 * Checkpoint: never. Source: Trio CapacityLimiter.statistics().borrowers. Return: how many there
 * are, as nur_limiter_n_borrowed().
 */
size_t nur_limiter_borrowers(const struct nur_limiter *limiter, const void **borrowers, size_t cap);

NUR_END_DECLS
