/* SPDX-License-Identifier: MIT */
/* An event: something happens once, and everybody who waits for it goes on. */
#pragma once

#include <nursery/park.h>

NUR_BEGIN_DECLS

/* struct nur_event - lives in the caller's memory; all fields are private; nothing to free */
struct nur_event {
	struct nur_parking_lot lot;
	bool is_set;
};

/* nur_event_init() - not set (no checkpoint) */
void nur_event_init(struct nur_event *event);

/*
 * nur_event_set() - set it, for good, and wake all waiters; allowed from loop callbacks. Trio
 * Event.set().
 */
void nur_event_set(struct nur_event *event);

/* nur_event_is_set() - whether it is set (no checkpoint) */
bool nur_event_is_set(const struct nur_event *event);

/* nur_event_n_waiting() - tasks that wait for it (no checkpoint) */
size_t nur_event_n_waiting(const struct nur_event *event);

/**
 * nur_event_wait() - wait until it is set
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, also when it is set
 * Ownership:   @event stays valid until the wait is over
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio Event.wait()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_event_wait(struct nur_event *event);

NUR_END_DECLS
