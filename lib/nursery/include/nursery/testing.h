/* SPDX-License-Identifier: MIT */
/* Tools for tests: a clock that stands still or jumps, and a way to wait until everybody waits. */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>

NUR_BEGIN_DECLS

struct nur_mock_clock;

/**
 * nur_mock_clock_create() - a clock that a test controls
 * @rate:               its seconds per real second; 0: it stands still
 * @autojump_threshold: when all tasks have been blocked for so long (real ns), jump to the next
 * deadline; 0: at once; NUR_FOREVER: never
 *
 * Begins at 0. May be created before the run; serves one run at a time.
 *
 * Checkpoint: never. Ownership: given, nur_mock_clock_destroy(). Errors: -EINVAL a negative rate or
 * threshold; -ENOMEM. Source: Trio testing.MockClock. Return: 0 or an error.
 */
int nur_mock_clock_create(
	double rate, nur_time autojump_threshold, struct nur_mock_clock **ret_clock);

/* nur_mock_clock_destroy() - accepts NULL; not while a run uses it */
void nur_mock_clock_destroy(struct nur_mock_clock *clock);

/* nur_mock_clock_clock() - what goes into nur_run_options.clock; lives as long as @clock */
const struct nur_clock *nur_mock_clock_clock(struct nur_mock_clock *clock);

/* nur_mock_clock_jump() - forward by @by ns; a negative one is -EINVAL (no checkpoint) */
int nur_mock_clock_jump(struct nur_mock_clock *clock, nur_time by);

/* nur_mock_clock_set_rate() - takes effect at once; a negative one is -EINVAL (no checkpoint) */
int nur_mock_clock_set_rate(struct nur_mock_clock *clock, double rate);

/*
 * nur_mock_clock_set_autojump() - takes effect at once, also while tasks sleep; negative is -EINVAL
 * (no checkpoint)
 */
int nur_mock_clock_set_autojump(struct nur_mock_clock *clock, nur_time threshold);

/* nur_mock_clock_now() - its time, also outside a run (no checkpoint) */
nur_time nur_mock_clock_now(const struct nur_mock_clock *clock);

/**
 * nur_wait_all_tasks_blocked() - wait until no other task can run
 * @cushion:    and nothing has happened for so long, real time; of several waiters the shortest is
 *              first
 *
 * Tasks that sleep on the clock count as blocked.
 *
 * Shape:       none
 * Units:       nanoseconds
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              -EINVAL         a negative cushion
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio testing.wait_all_tasks_blocked()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_wait_all_tasks_blocked(nur_time cushion);

NUR_END_DECLS
