/* SPDX-License-Identifier: MIT */
/*
 * Tokens: what other threads, and signal handlers, may hold of a run. Through it they queue calls,
 * which are made soon on the loop's stack, in the run's thread; nothing else of a run may be
 * touched from outside it.
 *
 * A token may be used for as long as it is open, also when its run is over: then it refuses.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

struct nur_token;

/**
 * nur_token_open() - the token of the calling thread's run
 *
 * One run has one token: each call gives the same pointer, which no other run's token has while it
 * is open. Each success needs its nur_token_close().
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   given, nur_token_close(); may outlive the run
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -ENOMEM, -EMFILE
 * Source:      Trio lowlevel.current_trio_token()
 *
 * Return: 0 or an error.
 */
int nur_token_open(struct nur_token **ret_token);

/*
 * nur_token_share() - open it once more, for another holder; from any thread. Returns @token (no
 * checkpoint)
 */
struct nur_token *nur_token_share(struct nur_token *token);

/* nur_token_close() - from any thread; accepts NULL (no checkpoint) */
void nur_token_close(struct nur_token *token);

/**
 * typedef nur_token_fn - a call from outside; on the loop's stack, where nothing may wait
 * @arg:        what was given
 *
 * Return: 0 or positive; negative is a bug, which cancels the whole run and ends it with
 * NUR_EINTERNAL. Later calls are still made.
 */
typedef int (*nur_token_fn)(void *arg);

/**
 * nur_token_call_soon() - have the run make a call
 * @token:      open
 * @fn:         what to call
 * @arg:        passed to @fn; stays valid until then
 *
 * Calls are made in the order in which they were queued, never inline, in the next pass of the
 * loop; one that is waiting for the kernel is woken. Whoever got 0 will be called before nur_run()
 * returns.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; from any thread, not from a signal handler (nur_wakeup_send() is for those)
 * Ownership:   borrows @arg until @fn is called
 * Errors:      NUR_ERUNFINISHED  the run is over, or this is a forked child; @fn is not called
 *              -ENOMEM           likewise
 *              -EINVAL           @fn is NULL
 * Source:      Trio TrioToken.run_sync_soon()
 *
 * Return: 0 or an error.
 */
int nur_token_call_soon(struct nur_token *token, nur_token_fn fn, void *arg);

/**
 * nur_token_call_soon_once() - as nur_token_call_soon(), and equal calls are merged
 *
 * Of calls with the same @fn and @arg that wait together only the first is made. Once it has begun,
 * queueing it again calls again. In order among themselves, not with nur_token_call_soon()'s.
 *
 * Checkpoint, ownership, errors, return: as nur_token_call_soon().
 * Source: Trio TrioToken.run_sync_soon(idempotent=True).
 */
int nur_token_call_soon_once(struct nur_token *token, nur_token_fn fn, void *arg);

/*
 * struct nur_wakeup - a call prepared beforehand, so that queueing it needs no memory; lives in the
 * caller's memory; all fields are private
 */
struct nur_wakeup {
	struct nur_wakeup *next;
	struct nur_token *token;
	nur_token_fn fn;
	void *arg;
	uint8_t kind;
	bool is_queued;
};

/*
 * nur_wakeup_init() - not queued; borrows @token, which stays open for as long as it may be sent (no
 * checkpoint)
 */
void nur_wakeup_init(
	struct nur_wakeup *wakeup, struct nur_token *token, nur_token_fn fn, void *arg);

/**
 * nur_wakeup_send() - have the run make the prepared call
 *
 * Harmless when it is queued already; may be sent again as soon as it is called.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; from any thread, and from signal handlers
 * Ownership:   @wakeup stays valid until it is called
 * Errors:      NUR_ERUNFINISHED  the run is over, or this is a forked child; it is not called
 * Source:      Trio TrioToken.run_sync_soon() in a signal handler
 *
 * Return: 0 or NUR_ERUNFINISHED.
 */
int nur_wakeup_send(struct nur_wakeup *wakeup);

/**
 * nur_token_call() - from another thread: have a plain function called, and wait for it
 * @token:      open
 * @fn:         called on the loop's stack; must not wait, which ends the process
 * @arg:        passed to @fn
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; blocks the thread
 * Ownership:   borrows @arg
 * Errors:      NUR_ERUNFINISHED  the run is over
 *              -EDEADLK          the caller is inside a run, which would wait for itself
 *              -EINVAL           @fn is NULL
 * Source:      Trio from_thread.run_sync(trio_token=...)
 *
 * Return: what @fn returned, negative or not, or an error.
 */
int nur_token_call(struct nur_token *token, nur_task_fn fn, void *arg);

/**
 * nur_token_run() - from another thread: have a function run as a system task, and wait for it
 * @token:      open
 * @fn:         may wait; it is cancelled when the main task ends
 * @arg:        passed to @fn
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; blocks the thread
 * Ownership:   borrows @arg
 * Errors:      NUR_ECANCELED     returned by @fn, because the main task has ended
 *              NUR_ERUNFINISHED  the run is over, or takes no more tasks
 *              NUR_ENOSTACK, -EAGAIN  as nur_start_soon()
 *              -EDEADLK          the caller is inside a run, which would wait for itself
 *              -EINVAL           @fn is NULL
 * Source:      Trio from_thread.run(trio_token=...)
 *
 * Return: what @fn returned, negative or not, or an error.
 */
int nur_token_run(struct nur_token *token, nur_task_fn fn, void *arg);

NUR_END_DECLS
