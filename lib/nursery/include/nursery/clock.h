/* SPDX-License-Identifier: MIT */
/*
 * Time. A run has one clock; every time in this library is a reading of it, in nanoseconds since an
 * arbitrary start. Arithmetic saturates: now plus a huge timeout is "never", not "in the past".
 */
#pragma once

#include <nursery/macros.h>

NUR_BEGIN_DECLS

/* A point in time, or a span, in nanoseconds of the run's clock. */
typedef int64_t nur_time;

#define NUR_FOREVER  INT64_MAX /* as a deadline: never; as a timeout: none */
#define NUR_LONG_AGO INT64_MIN /* as a deadline: already passed */

#define NUR_USEC(n) ((nur_time)(n)*1000)
#define NUR_MSEC(n) ((nur_time)(n)*1000000)
#define NUR_SEC(n)  ((nur_time)(n)*1000000000)

/* nur_time_add() - @a + @b, saturated; an infinite @a or @b stays infinite (no checkpoint) */
static inline nur_time
nur_time_add(nur_time a, nur_time b)
{
	nur_time sum;

	if (a == NUR_FOREVER || a == NUR_LONG_AGO) {
		return a;
	}
	if (b == NUR_FOREVER || __builtin_add_overflow(a, b, &sum)) {
		return b > 0 ? NUR_FOREVER : NUR_LONG_AGO;
	}
	return sum;
}

/* nur_time_sub() - @a - @b, saturated; an infinite @a stays what it is (no checkpoint) */
static inline nur_time
nur_time_sub(nur_time a, nur_time b)
{
	nur_time difference;

	if (a == NUR_FOREVER || a == NUR_LONG_AGO) {
		return a;
	}
	if (__builtin_sub_overflow(a, b, &difference)) {
		return b < 0 ? NUR_FOREVER : NUR_LONG_AGO;
	}
	return difference;
}

/**
 * struct nur_clock - where a run takes its time from
 * @start:        called once when the run starts; may be NULL
 * @now:          the present time; never goes back
 * @until:        how long to wait in real time (ns of CLOCK_MONOTONIC, >= 0, or NUR_FOREVER) for
 *                a deadline
 * @autojump:     NULL, or the threshold of an autojumping clock in real ns (NUR_FOREVER: switched
 *                off): when all tasks have been blocked for so long, @jump is called with the next
 *                deadline
 * @jump:         move the clock to @deadline; present when @autojump is
 * @user:         passed to all of them
 *
 * The callbacks run on the loop's stack or a task's and are no checkpoints.
 */
struct nur_clock {
	void (*start)(void *user);
	nur_time (*now)(void *user);
	nur_time (*until)(nur_time deadline, void *user);
	nur_time (*autojump)(void *user);
	void (*jump)(nur_time deadline, void *user);
	void *user;
};

/**
 * nur_now() - the run's clock
 *
 * Shape:       none
 * Units:       nanoseconds, not negative on the library's own clocks
 * Checkpoint:  never
 * Ownership:   none
 * Errors:      NUR_ENOTINTASK  called outside a run
 * Source:      Trio current_time()
 *
 * Return: the time, or NUR_ENOTINTASK.
 */
nur_time nur_now(void);

NUR_END_DECLS
