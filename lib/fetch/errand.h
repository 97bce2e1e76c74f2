/* SPDX-License-Identifier: MIT */
/* What a task has done in another run, and waits for. See errand.c. */
#pragma once

#include <nursery.h>

/*
 * struct fetch_site - a run, as the others see it
 *
 * token    open for as long as errands come
 * nursery  where their tasks are started
 */
struct fetch_site {
	struct nur_token *token;
	struct nur_nursery *nursery;
};

/**
 * fetch_errand_call() - have a plain function called on the loop's stack of another run
 * @fn: must not wait
 *
 * Cancellation does not shorten the wait, which is one of a pass of that loop: it is told at the next
 * checkpoint.
 *
 * Checkpoint: always. Ownership: borrows all. Errors: none. The caller's run has a token that stays open.
 */
void fetch_errand_call(const struct fetch_site *site, void (*fn)(void *arg), void *arg);

/**
 * fetch_errand_run() - have a function run as a task of another run
 * @site: neither the caller's own run, nor one that is ending
 * @name: of the task
 *
 * @fn is cancelled when the caller is, and at the deadline that the caller has when it calls; the caller waits for
 * its end in any case. As seen from the caller its tasks are in the caller's scopes. Who moves that deadline to a
 * later time meanwhile has @fn cancelled at the old one, and the call returns at the new one.
 *
 * Checkpoint:  always
 * Ownership:   borrows all; @fn has returned before the call does
 * Errors:      NUR_ECANCELED  cancelled; what @fn did until then is @fn's to say
 *              those of nur_start_soon(): nothing was started
 *              anything else  what @fn returned
 *
 * Return: what @fn returned, or an error.
 */
NUR_CHECKPOINT int fetch_errand_run(
	const struct fetch_site *site, const char *name, nur_task_fn fn, void *arg);
