/* SPDX-License-Identifier: MIT */
/*
 * Starts at an interval. A job's starts are due at the points of time that are equal to its phase modulo its
 * interval; the phase is a hash of its name, so that jobs of one interval do not start together, and a
 * restart of the daemon moves no job. Each start is late by a jitter, drawn anew. Pure.
 *
 * Times are nanoseconds of any clock, not negative.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* every_ns  > 0; phase_ns  0 <= phase_ns < every_ns */
struct interval {
	int64_t every_ns;
	int64_t phase_ns;
};

/* interval_of() - that of the job of this name */
struct interval interval_of(const char *name, int64_t every_ns);

/* interval_first() - the first point at or after @now */
int64_t interval_first(const struct interval *interval, int64_t now);

/*
 * interval_next() - the point after @due that has not passed at @now
 *
 * Those between the two are passed over; a point of this very moment has not passed.
 */
int64_t interval_next(const struct interval *interval, int64_t due, int64_t now);

/*
 * interval_is_missed() - whether a start meant for @start is so late at @now that the one after it has
 * come, too
 */
bool interval_is_missed(const struct interval *interval, int64_t start, int64_t now);

/* interval_jitter() - at least 0 and less than @jitter_ns (0: 0), evenly by @random */
int64_t interval_jitter(int64_t jitter_ns, uint64_t random);
