/* SPDX-License-Identifier: MIT */
/*
 * Tools for tests: a clock that stands still or jumps, ways to wait until everybody waits, and one to
 * put steps of several tasks in order.
 */
#pragma once

#include <nursery/clock.h>
#include <nursery/errors.h>
#include <nursery/task.h>

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

/**
 * nur_wait_all_threads_completed() - wait until no thread works for this run, abandoned ones included
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio testing.wait_all_threads_completed(), which does not wait for abandoned ones
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_wait_all_threads_completed(void);

/*
 * nur_active_thread_count() - threads that work for this run; 0 outside one. Trio
 * testing.active_thread_count(). (no checkpoint)
 */
size_t nur_active_thread_count(void);

/*
 * nur_thread_set_idle_time() - how long a thread of this process waits for more work before it ends,
 * ns; 10 s at first. Those that wait now look at it, too. From any thread (no checkpoint)
 */
void nur_thread_set_idle_time(nur_time idle_time);

/*
 * struct nur_sequencer - puts steps of several tasks in order; in the caller's memory; all fields
 * are private; nothing to free
 */
struct nur_sequencer {
	struct nur_node waiting;
	size_t position;
	bool is_running;
	bool is_broken;
};

/* nur_sequencer_init() - no step has been run (no checkpoint) */
void nur_sequencer_init(struct nur_sequencer *sequencer);

/**
 * nur_sequencer_enter() - begin a step when its turn has come
 * @position:   0, 1, 2, …; step 0 begins at once, each other when the one before has been left
 *
 * Every success needs its nur_sequencer_leave(), also when the step fails. When a wait is
 * cancelled, the order cannot be kept any more: the sequence is broken for all, and even who was
 * cancelled gets NUR_EBROKEN, so that no test takes it for a cancellation and goes on.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always; step 0 lets others run but looks for no cancellation
 * Ownership:   @sequencer stays valid until the step is left
 * Errors:      NUR_EBROKEN     the wait for a step was cancelled, this one or another
 *              -EALREADY       @position was there before
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio testing.Sequencer
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_sequencer_enter(struct nur_sequencer *sequencer, size_t position);

/**
 * nur_sequencer_leave() - end the present step; the next one may begin
 *
 * Checkpoint: never. Errors: -EPERM no step is being run. Return: 0 or -EPERM.
 */
int nur_sequencer_leave(struct nur_sequencer *sequencer);

NUR_END_DECLS
