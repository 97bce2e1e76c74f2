/* SPDX-License-Identifier: MIT */
/*
 * Who may start next. Pure: tells and asks by callbacks, and knows neither tasks nor clocks.
 *
 *	admission (engine)  in_flight: places over all batches
 *	  queue (batch)     window: places of the batch
 *	    lane            the batch's records for one origin, and its places there
 *	      origin        (engine) places at one scheme, host and port over all batches
 *
 * A record starts when window, in_flight, the lane and the origin have room. Lanes take turns, so
 * that ten thousand slow URLs of one origin do not stand before another's; batches take turns for
 * what in_flight gives. A redirect or a back-off gives the lane's place back, keeps the batch's,
 * and asks for another lane as a waiter; waiters go before records.
 *
 * Politeness: a lane rests after each start for the batch's spacing; an origin rests when its server
 * asked for that, for everybody. Who rests has no room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/fetch/rest.h"

struct fetch_lane;
struct fetch_origin;

/*
 * Times in ns.
 *
 * now    the present time
 * alarm  fetch_admission_wake() is wanted at this time, in place of an earlier wish
 */
struct fetch_admission_clock {
	int64_t (*now)(void *user);
	void (*alarm)(void *user, int64_t at);
	void *user;
};

struct fetch_admission {
	struct fetch_admission_clock clock;
	struct fetch_rests lane_rests;
	struct fetch_rests origin_rests;
	unsigned max_in_flight;
	unsigned max_per_origin;
	size_t n_in_flight;
	struct list hungry;            /* queues that found in_flight full, in order */
	struct fetch_origin **origins; /* hash table */
	size_t n_buckets;
	size_t n_origins;
	uint64_t seed;
};

/*
 * The wake callback says that fetch_queue_take() may succeed now. It must only take a note. All
 * fields are private.
 */
struct fetch_queue {
	struct fetch_admission *admission;
	unsigned window;
	unsigned per_origin;
	int64_t spacing;
	size_t n_active;
	size_t n_queued;
	size_t n_granted; /* places of in_flight that are held for this queue */
	uint32_t *next;   /* of each record, the next in its lane */
	size_t n_records;
	struct list lanes;
	struct list ready; /* lanes with records and room, taking turns */
	struct list hungry;
	void (*wake)(void *user);
	void *user;
};

/* A task that waits for a place of a lane; in the caller's memory. */
struct fetch_waiter {
	struct list node;
	struct fetch_lane *lane;
	void (*granted)(
		struct fetch_waiter *waiter); /* the place is taken; must only take a note */
};

/**
 * fetch_admission_init() - limits are at least 1
 * @seed: random, so that nobody can choose origins that collide
 * Return: 0 or -ENOMEM.
 */
int fetch_admission_init(struct fetch_admission *admission, unsigned max_in_flight,
	unsigned max_per_origin, uint64_t seed);

/* fetch_admission_set_clock() - before the first fetch_queue_set_spacing() or fetch_lane_rest() */
void fetch_admission_set_clock(
	struct fetch_admission *admission, const struct fetch_admission_clock *clock);

/* fetch_admission_wake() - the alarm: some have rested enough */
void fetch_admission_wake(struct fetch_admission *admission);

/* fetch_admission_fini() - all queues are gone; accepts zeroed */
void fetch_admission_fini(struct fetch_admission *admission);

/* fetch_admission_set_limits() - from now on; what is under way stays */
void fetch_admission_set_limits(
	struct fetch_admission *admission, unsigned max_in_flight, unsigned max_per_origin);

/**
 * fetch_queue_init() - an empty queue for records 0 … @n_records-1
 * Return: 0 or -ENOMEM.
 */
int fetch_queue_init(struct fetch_queue *queue, struct fetch_admission *admission, size_t n_records,
	unsigned window, unsigned per_origin, void (*wake)(void *user), void *user);

/*
 * fetch_queue_set_spacing() - so much time between two starts in a lane, before the first record is
 * added; 0: none. What an alarm comes late is made up for, up to FETCH_SPACING_SLACK.
 */
void fetch_queue_set_spacing(struct fetch_queue *queue, int64_t spacing);

#define FETCH_SPACING_SLACK INT64_C(1000000)

/* fetch_queue_set_window() - from now on; what is under way stays */
void fetch_queue_set_window(struct fetch_queue *queue, unsigned window);

/* fetch_queue_fini() - drops records; all places were given back; accepts zeroed */
void fetch_queue_fini(struct fetch_queue *queue);

/**
 * fetch_queue_add() - the record waits in the lane of its origin
 * Return: 0 or -ENOMEM.
 */
int fetch_queue_add(struct fetch_queue *queue, uint32_t record, const char *origin);

/* fetch_queue_is_ready() - some lane has a record that may start, as far as its origin goes */
bool fetch_queue_is_ready(struct fetch_queue *queue);

/* fetch_queue_is_resting() - nothing of it is under way, and nothing is ready */
bool fetch_queue_is_resting(struct fetch_queue *queue);

/* fetch_queue_has_room() - a record of a ready lane would be taken; false: wake() comes when that
 * changes */
bool fetch_queue_has_room(struct fetch_queue *queue);

/* fetch_queue_take() - the next record and its lane, with all places taken; false: wake() comes
 * when that changes */
bool fetch_queue_take(
	struct fetch_queue *queue, uint32_t *ret_record, struct fetch_lane **ret_lane);

/* fetch_queue_is_empty() - no record waits */
bool fetch_queue_is_empty(const struct fetch_queue *queue);

/* fetch_queue_drop() - take any record out without a place; false when none is left */
bool fetch_queue_drop(struct fetch_queue *queue, uint32_t *ret_record);

/* fetch_queue_ask_nothing() - nobody takes records any more: what it was granted of in_flight, others may have */
void fetch_queue_ask_nothing(struct fetch_queue *queue);

/* fetch_queue_leave() - give a place of the window and of in_flight back */
void fetch_queue_leave(struct fetch_queue *queue);

/*
 * fetch_queue_enter_more() - a place of in_flight beyond the window, if one is free that no queue
 * asked for; fetch_queue_leave_more() gives it back
 */
bool fetch_queue_enter_more(struct fetch_queue *queue);
void fetch_queue_leave_more(struct fetch_queue *queue);

/*
 * fetch_lane_rest() - nothing more is started at the lane's origin until then, in no batch; a rest
 * that lasts longer stays; without memory for it there is none
 */
void fetch_lane_rest(struct fetch_lane *lane, int64_t until);

/* fetch_lane_leave() - give the lane's place back; the lane may be gone afterwards */
void fetch_lane_leave(struct fetch_lane *lane);

/**
 * fetch_lane_enter() - ask for a place at an origin, for one who has a place of the window
 * @waiter: granted() is set; linked while it waits
 *
 * Return: 1 when the place is taken, with @waiter->lane; 0 when @waiter waits; -ENOMEM.
 */
int fetch_lane_enter(struct fetch_queue *queue, const char *origin, struct fetch_waiter *waiter);

/* fetch_lane_give_up() - stop waiting; not after granted() */
void fetch_lane_give_up(struct fetch_waiter *waiter);
