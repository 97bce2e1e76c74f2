/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows libevent: an event base, the run's own or a host's, a timer descriptor
 * for the wake-up time, and the watches of <nursery/watch.h>. Knows nothing of tasks.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/watch.h>

#include "lib/base/list.h"

struct event_base;
struct event;

/*
 * struct nuri_host - what a run on a host's base wants to be called for
 *
 * base   the host's
 * turn   in a callback of the host's loop, when a pass is due
 * enter  before a watch's callback is made; leave: after it
 */
struct nuri_host {
	struct event_base *base;
	void (*turn)(struct nuri_host *host);
	void (*enter)(struct nuri_host *host);
	void (*leave)(struct nuri_host *host);
};

/*
 * base            libevent's
 * host            whose base it is; NULL: the run's own
 * watches         all that are open
 * turn_event      calls the host's turn; NULL on a base of our own
 * timer_fd        wakes a blocking poll; its event counts as nothing having happened
 * wakeup_event    wakes one, too, and counts; NULL until nuri_loop_add_wakeup()
 * armed_at        what timer_fd is set to, CLOCK_MONOTONIC ns; NUR_FOREVER: not set
 * n_watched       watches that want events: with none of them the kernel is asked only to wait
 * n_happened      callbacks made so far
 * n_polls         times the kernel was asked so far
 * is_in_callback  a watch's callback is running
 */
struct nuri_loop {
	struct event_base *base;
	struct nuri_host *host;
	struct list watches;
	struct event *turn_event;
	struct event *timer_event;
	struct event *wakeup_event;
	int timer_fd;
	nur_time armed_at;
	size_t n_watched;
	uint64_t n_happened;
	uint64_t n_polls;
	bool is_in_callback;
};

/*
 * nuri_loop_init() - on @host's base, or on one of its own when NULL; 0, or -ENOMEM, -EMFILE, … and
 * nothing to free
 */
int nuri_loop_init(struct nuri_loop *loop, struct nuri_host *host);

/* nuri_loop_fini() - watches that are still open never call again, and may be closed later */
void nuri_loop_fini(struct nuri_loop *loop);

/*
 * nuri_loop_add_wakeup() - let an eventfd end a blocking poll; once. It is not among what is watched.
 * 0, or -ENOMEM, … and nothing was added
 */
int nuri_loop_add_wakeup(struct nuri_loop *loop, int fd);

/**
 * nuri_loop_poll() - ask the kernel for events and make the callbacks
 * @timeout:    wait at most so long, real ns; 0: do not wait; NUR_FOREVER: until something happens
 *
 * May return early with nothing having happened. Return: whether callbacks were made.
 */
bool nuri_loop_poll(struct nuri_loop *loop, nur_time timeout);

/* nuri_loop_turn_now() - on a host's base: a turn before the host asks the kernel again */
void nuri_loop_turn_now(struct nuri_loop *loop);

/**
 * nuri_loop_turn_within() - on a host's base: the next turn, after the host has asked the kernel
 * @timeout:    at the latest after so long, real ns; 0: at once; NUR_FOREVER: not on account of time
 *
 * In place of a turn that was asked for before. May come early.
 */
void nuri_loop_turn_within(struct nuri_loop *loop, nur_time timeout);

/* nuri_monotonic() - CLOCK_MONOTONIC in ns, whatever clock the run has */
nur_time nuri_monotonic(void);
