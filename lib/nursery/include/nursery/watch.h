/* SPDX-License-Identifier: MIT */
/*
 * Callbacks on the loop, for engines that bring their own state machines (libcurl, c-ares). They
 * run on the loop's stack between tasks: they record what happened and wake tasks, and never wait.
 * A checkpoint in one of them ends the process with a message.
 */
#pragma once

#include <nursery/cancel_scope.h>
#include <nursery/clock.h>
#include <nursery/errors.h>

NUR_BEGIN_DECLS

enum {
	NUR_WATCH_READ = 1 << 0,
	NUR_WATCH_WRITE = 1 << 1,
};

struct nur_watch;

/*
 * typedef nur_watch_fn - @events: NUR_WATCH_READ, NUR_WATCH_WRITE or both; may close its own watch
 */
typedef void (*nur_watch_fn)(int fd, unsigned events, void *arg);

/**
 * nur_watch_open() - prepare to be called when a descriptor is ready; off until nur_watch_set()
 *
 * Checkpoint: never. Ownership: given, nur_watch_close(); @fd is borrowed.
 * Errors: NUR_ENOTINTASK outside a run; -ENOMEM; -EBADF @fd is negative. Return: 0 or an error.
 */
int nur_watch_open(int fd, nur_watch_fn fn, void *arg, struct nur_watch **ret_watch);

/**
 * nur_watch_set() - which events are wanted; level triggered; 0: none
 *
 * Checkpoint: never. Errors: as epoll_ctl(2); the watch is off then. NUR_ERUNFINISHED the run has
 * ended; closing is still allowed then. Return: 0 or an error.
 */
int nur_watch_set(struct nur_watch *watch, unsigned events);

/*
 * nur_watch_close() - end it; the descriptor may be closed already, as long as nobody has got its
 * number again and watches that: his watch would stay silent. Accepts NULL (no checkpoint)
 */
void nur_watch_close(struct nur_watch *watch);

/*
 * struct nur_call - a call on the loop's stack, soon; lives in the caller's memory; all fields are
 * private
 */
struct nur_call {
	struct nur_node node;
	void (*fn)(void *arg);
	void *arg;
};

/* nur_call_init() - not queued (no checkpoint) */
void nur_call_init(struct nur_call *call, void (*fn)(void *arg), void *arg);

/**
 * nur_call_soon() - call once, on the loop's stack, in the next pass, before the kernel is asked
 * for events
 *
 * Harmless when it is queued already; a call may queue itself again, for the pass after. When the
 * run ends first it is not called, and is not queued any more.
 * Checkpoint: never; in a run. Ownership: @call stays valid until it was called,
 * nur_call_cancel(), or the end of the run.
 */
void nur_call_soon(struct nur_call *call);

/* nur_call_cancel() - do not call; harmless when not queued (no checkpoint) */
void nur_call_cancel(struct nur_call *call);

/* struct nur_timer - a call at a time; lives in the caller's memory; all fields are private */
struct nur_timer {
	struct nur_deadline deadline;
	struct nur_call call;
};

/* nur_timer_init() - not set (no checkpoint) */
void nur_timer_init(struct nur_timer *timer, void (*fn)(void *arg), void *arg);

/**
 * nur_timer_set() - call at @deadline, in place of an earlier setting; NUR_FOREVER: never
 *
 * One whose call sets it for a time that has come is called at most twice in a pass: tasks have their
 * turn in between. When the run ends first it is not called, and is not set any more.
 * Checkpoint: never; in a run. Ownership: @timer stays valid until it was called,
 * nur_timer_stop(), or the end of the run.
 */
void nur_timer_set(struct nur_timer *timer, nur_time deadline);

/*
 * nur_timer_stop() - do not call; harmless when not set; before the timer's memory goes (no
 * checkpoint)
 */
void nur_timer_stop(struct nur_timer *timer);

NUR_END_DECLS
