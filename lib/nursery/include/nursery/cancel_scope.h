/* SPDX-License-Identifier: MIT */
/*
 * Cancel scopes: a piece of code that can be told to stop, by a deadline or by a call.
 *
 *	struct nur_cancel_scope scope;
 *
 *	(void)nur_cancel_scope_init_after(&scope, NUR_SEC(5));
 *	r = NUR_WITHIN(&scope, fetch(url));
 *
 * Cancellation is level triggered: while a scope is cancelled every checkpoint in it reports
 * NUR_ECANCELED, after letting others run. The scope that was cancelled turns the code into success
 * on leaving; an inner one that was cancelled too does not (the outermost cancelled scope absorbs).
 * A shield hides what happens outside.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/* What cancelled a scope; kept from the first cancel. */
enum nur_cancel_source {
	NUR_CANCEL_NONE,     /* nothing */
	NUR_CANCEL_EXPLICIT, /* nur_cancel_scope_cancel() */
	NUR_CANCEL_DEADLINE, /* its deadline passed */
	NUR_CANCEL_NURSERY,  /* a task of the nursery, or its body, failed */
	NUR_CANCEL_SHUTDOWN, /* the run is ending */
	NUR_CANCEL_GRACEFUL, /* nur_cancel_scope_cancel_gracefully() and the end of its grace */
};

/* nur_cancel_source_name() - "explicit", "deadline", …; never NULL */
const char *nur_cancel_source_name(enum nur_cancel_source source);

/**
 * struct nur_cancel_reason - the first cancel of a scope
 * @source:     what did it
 * @text:       what the caller of nur_cancel_scope_cancel(), or …_gracefully(), said, or NULL;
 *              borrowed from that caller, who keeps it until the scope is left. For a nursery: what
 *              failed in it.
 * @task:       name of the task that did it, cut; "" when it was no task
 */
struct nur_cancel_reason {
	enum nur_cancel_source source;
	const char *text;
	char task[32];
};

/* An entry of the run's deadline heap; all of it is private. */
struct nur_deadline {
	nur_time at;
	struct nur_deadline *child;
	struct nur_deadline *next;
	struct nur_deadline *prev;
	void (*expire)(struct nur_deadline *deadline);
};

/**
 * struct nur_cancel_scope - lives in the caller's memory, from init to leave; no allocation
 *
 * All fields are private. Must not move while it is entered.
 */
struct nur_cancel_scope {
	struct nur_cancel_scope *parent;
	struct nur_node sibling;
	struct nur_node children;
	struct nur_node tasks;
	uint8_t state;
	bool is_shielded : 1;
	bool is_relative : 1;
	bool is_cancel_called : 1;
	bool is_cancelled_caught : 1;
	bool is_effectively_cancelled : 1;
	bool is_misnested : 1;
	bool is_soft : 1;
	bool is_stop_called : 1;
	bool is_stopping : 1;
	bool is_nursery : 1;
	struct nur_deadline deadline;
	nur_time timeout;
	struct nur_task *owner;
	struct nur_cancel_reason reason;
};

/* nur_cancel_scope_init() - a scope without deadline (no checkpoint) */
void nur_cancel_scope_init(struct nur_cancel_scope *scope);

/*
 * nur_cancel_scope_init_at() - a scope cancelled at @deadline, which may have passed (no
 * checkpoint)
 */
void nur_cancel_scope_init_at(struct nur_cancel_scope *scope, nur_time deadline);

/**
 * nur_cancel_scope_init_after() - a scope that is cancelled some time after it was entered
 * @scope:      uninitialised
 * @timeout:    counted from the entry; NUR_FOREVER: none
 *
 * Shape:       none
 * Units:       nanoseconds
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      -EINVAL  @timeout is negative; @scope is initialised without a deadline
 * Source:      Trio CancelScope(relative_deadline=…)
 *
 * Return: 0 or -EINVAL.
 */
int nur_cancel_scope_init_after(struct nur_cancel_scope *scope, nur_time timeout);

/**
 * nur_cancel_scope_enter() - the calling task is inside from here on
 * @scope:      initialised, never entered before
 *
 * A scope that was cancelled before takes effect at the first checkpoint inside.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   borrows @scope until it is left
 * Errors:      NUR_ENOTINTASK  the caller is no task
 *              NUR_EUSED       it was entered before
 * Source:      Trio CancelScope.__enter__()
 *
 * Return: 0, or an error; then the scope is not entered and must not be left.
 */
int nur_cancel_scope_enter(struct nur_cancel_scope *scope);

/**
 * nur_cancel_scope_leave() - the end of the scope
 * @scope:      entered by the calling task, the innermost one it is in
 * @rc:         the outcome of the code inside
 *
 * Takes NUR_ECANCELED out of @rc when the cancellation is this scope's own: it is cancelled, and no
 * cancellation from further out is visible in it now. Out of a group of errors (a nursery that
 * failed with some tasks cancelled) the cancellations are taken and the failure goes on.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   gives @scope back
 * Errors:      NUR_EMISNEST    inner scopes are still open (they are abandoned: leaving them later
 *                              is no second error), or the caller has not entered @scope, or it is
 *                              a nursery's, which its close leaves (nothing changes)
 * Source:      Trio CancelScope.__exit__()
 *
 * Return: @rc, or 0 in place of an NUR_ECANCELED of its own, or NUR_EMISNEST.
 */
int nur_cancel_scope_leave(struct nur_cancel_scope *scope, int rc);

/*
 * NUR_WITHIN() - enter, evaluate an expression of type int, leave; cannot be left half-way. Value:
 * as leave().
 */
#define NUR_WITHIN(scope, expression) \
	__extension__({ \
		struct nur_cancel_scope *nur_within_ = (scope); \
		int nur_rc_ = nur_cancel_scope_enter(nur_within_); \
		nur_rc_ < 0 ? nur_rc_ : nur_cancel_scope_leave(nur_within_, (expression)); \
	})

/**
 * nur_cancel_scope_cancel() - tell everything inside to stop
 * @scope:      before, while or after it is entered
 * @text:       why, for people, or NULL; kept by the caller until the scope is left
 *
 * Idempotent; the first reason stays. Every task inside that waits at an abortable place is woken.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   @text is borrowed
 * Errors:      none
 * Source:      Trio CancelScope.cancel()
 */
void nur_cancel_scope_cancel(struct nur_cancel_scope *scope, const char *text);

/**
 * nur_cancel_scope_cancel_gracefully() - ask everything inside to stop, and cancel it after a while
 * @scope:      before or while it is entered; else nothing happens
 * @grace:      from now; 0: cancel at once; NUR_FOREVER: only ask
 * @text:       why, for people, or NULL; kept by the caller until the scope is left
 *
 * Soft scopes inside (nur_cancel_scope_set_soft()) are cancelled at once: there the code waits for
 * something to do. All other code goes on with what it does, and can ask nur_current_stop_reason()
 * between two pieces of work. When the grace period is over @scope is cancelled.
 *
 * The end of the grace period is the deadline of @scope, unless that is earlier already; tasks see
 * it by nur_current_effective_deadline(), and whoever moves the deadline moves it. Asked again, a
 * shorter grace counts, the first text stays. A cancel of another kind may come first, and then is
 * the reason.
 *
 * Shape:       none
 * Units:       nanoseconds
 * Checkpoint:  never (allowed from loop callbacks)
 * Ownership:   @text is borrowed
 * Errors:      -EINVAL         @grace is negative; nothing happens
 *              NUR_ENOTINTASK  outside a run: there is no time
 * Source:      none; Trio has been looking for it in its issue 147
 *
 * Return: 0 or an error.
 */
int nur_cancel_scope_cancel_gracefully(
	struct nur_cancel_scope *scope, nur_time grace, const char *text);

/*
 * nur_cancel_scope_set_soft() - cancel the scope as soon as the code in it is asked to stop, also
 * when it already is: it only waits for work. Its reason is then the asker's. No longer soft, it
 * stays cancelled if it was. (no checkpoint)
 *
 *	nur_cancel_scope_init(&idle);
 *	nur_cancel_scope_set_soft(&idle, true);
 *	r = NUR_WITHIN(&idle, nur_channel_receive(jobs, &job));
 *	if (r < 0 || nur_cancel_scope_cancelled_caught(&idle)) {
 *		return r;
 *	}
 *	... a graceful cancel lets this job end
 */
void nur_cancel_scope_set_soft(struct nur_cancel_scope *scope, bool is_soft);

/**
 * nur_current_stop_reason() - why the calling task is asked to stop
 *
 * Of several graceful cancels the outermost that no shield hides. Checkpoint: never. Ownership:
 * borrowed until that scope is left. Return: the reason, or NULL when nobody asks, and outside a
 * task.
 */
const struct nur_cancel_reason *nur_current_stop_reason(void);

/**
 * nur_cancel_scope_set_deadline() - move the deadline
 * @deadline:   absolute; NUR_FOREVER: none; one that has passed cancels before the next checkpoint
 *              reports
 *
 * Before entry it replaces a timeout. Checkpoint: never. Units: ns. Source: Trio
 * CancelScope.deadline.
 */
void nur_cancel_scope_set_deadline(struct nur_cancel_scope *scope, nur_time deadline);

/**
 * nur_cancel_scope_set_timeout() - move the deadline, relative to now (entered) or to the entry
 * (not yet)
 *
 * Checkpoint: never. Units: ns. Errors: -EINVAL a negative timeout, nothing changes.
 * Source: Trio CancelScope.relative_deadline.
 */
int nur_cancel_scope_set_timeout(struct nur_cancel_scope *scope, nur_time timeout);

/**
 * nur_cancel_scope_deadline() - the absolute deadline
 *
 * Checkpoint: never. Errors: -EINVAL a timeout was given and the scope is not entered: there is
 * none yet. Return: 0 and *@ret_deadline, or -EINVAL and nothing written.
 */
int nur_cancel_scope_deadline(const struct nur_cancel_scope *scope, nur_time *ret_deadline);

/**
 * nur_cancel_scope_timeout() - the timeout: what is left (entered), or what was given (not yet)
 *
 * Checkpoint: never. Errors: -EINVAL an absolute deadline was given and the scope is not entered.
 * Return: 0 and *@ret_timeout, or -EINVAL and nothing written.
 */
int nur_cancel_scope_timeout(const struct nur_cancel_scope *scope, nur_time *ret_timeout);

/*
 * nur_cancel_scope_set_shield() - hide cancellations from further out, or no longer; at once (no
 * checkpoint)
 */
void nur_cancel_scope_set_shield(struct nur_cancel_scope *scope, bool is_shielded);

/*
 * nur_cancel_scope_cancel_called() - whether it was cancelled; looks at the clock first (no
 * checkpoint)
 */
bool nur_cancel_scope_cancel_called(struct nur_cancel_scope *scope);

/*
 * nur_cancel_scope_cancelled_caught() - whether leaving it took a cancellation out (no checkpoint)
 */
bool nur_cancel_scope_cancelled_caught(const struct nur_cancel_scope *scope);

/*
 * nur_cancel_scope_reason() - the first cancel, or the graceful one that is asking; its source is
 * NUR_CANCEL_NONE before (no checkpoint)
 */
const struct nur_cancel_reason *nur_cancel_scope_reason(const struct nur_cancel_scope *scope);

/**
 * nur_cancel_scope_describe() - "unbound", "active" or "exited", the time to the deadline,
 * "cancelled" or "asked to stop"
 * @text:       where to; NUL-terminated, cut at @cap
 *
 * Checkpoint: never. Return: the whole length, as snprintf(). Source: Trio CancelScope.__repr__().
 */
size_t nur_cancel_scope_describe(const struct nur_cancel_scope *scope, char *text, size_t cap);

/**
 * nur_current_effective_deadline() - when the calling task's checkpoints are cancelled at the
 * latest
 *
 * The earliest deadline of the scopes around, up to a shield. Checkpoint: never. Units: ns.
 * Source: Trio current_effective_deadline().
 *
 * Return: the time; NUR_LONG_AGO when already cancelled; NUR_FOREVER outside all scopes and outside
 * a task.
 */
nur_time nur_current_effective_deadline(void);

/**
 * nur_current_cancel_reason() - why the calling task is cancelled
 *
 * Looks outwards from the innermost scope for the cancelled one that a checkpoint here reports; of
 * several, the outermost visible. Checkpoint: never. Ownership: borrowed until that scope is left.
 * Source: Trio Cancelled.source, .reason, .source_task.
 *
 * Return: the reason, or NULL when nothing around is cancelled.
 */
const struct nur_cancel_reason *nur_current_cancel_reason(void);

/* Flags of the timeouts below. */
enum {
	NUR_SHIELD =
		1 << 0, /* cancellations from outside are not seen inside; the timeout's own is */
};

/**
 * nur_move_on_after() - run @fn, but not longer than @timeout
 * @timeout:        from now
 * @flags:          0 or NUR_SHIELD
 * @fn:             runs in the calling task
 * @arg:            passed to @fn
 * @ret_timed_out:  NULL, or whether the time ran out and the cancellation was taken out here
 *
 * Shape:       none
 * Units:       nanoseconds
 * Checkpoint:  as @fn
 * Ownership:   none
 * Errors:      -EINVAL         @timeout is negative; @fn did not run
 *              NUR_ENOTINTASK  the caller is no task
 *              anything else   what @fn returned
 * Source:      Trio move_on_after()
 *
 * Return: what @fn returned, or 0 when the time ran out.
 */
int nur_move_on_after(
	nur_time timeout, unsigned flags, nur_task_fn fn, void *arg, bool *ret_timed_out);

/* nur_move_on_at() - as nur_move_on_after(), with an absolute deadline, which may have passed */
int nur_move_on_at(
	nur_time deadline, unsigned flags, nur_task_fn fn, void *arg, bool *ret_timed_out);

/**
 * nur_fail_after() - run @fn, and fail when it takes longer than @timeout
 *
 * As nur_move_on_after(), but the time running out is the error NUR_ETOOSLOW. Source: Trio
 * fail_after().
 *
 * Return: what @fn returned, NUR_ETOOSLOW, -EINVAL or NUR_ENOTINTASK.
 */
int nur_fail_after(nur_time timeout, unsigned flags, nur_task_fn fn, void *arg);

/* nur_fail_at() - as nur_fail_after(), with an absolute deadline, which may have passed */
int nur_fail_at(nur_time deadline, unsigned flags, nur_task_fn fn, void *arg);

NUR_END_DECLS
