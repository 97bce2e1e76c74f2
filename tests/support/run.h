/* SPDX-License-Identifier: MIT */
/*
 * Tests that run in a task. The clock is a mock one that jumps when everybody waits: a test that sleeps
 * an hour takes no time, and one that depends on real time is noticed.
 */
#pragma once

#include <nursery.h>

#include "tests/support/test.h"

/* t_run() - run @fn as the main task, on the jumping clock; what nur_run() returns */
static inline int
t_run(nur_task_fn fn, void *arg)
{
	struct nur_run_options options = { 0 };
	struct nur_mock_clock *clock;
	int r;

	ck_assert_int_eq(nur_mock_clock_create(0, 0, &clock), 0);
	options.clock = nur_mock_clock_clock(clock);
	r = nur_run(fn, arg, &options, NULL);
	nur_mock_clock_destroy(clock);
	return r;
}

/* t_wait_all_tasks_blocked() - let all others run until they wait */
static inline void
t_wait_all_tasks_blocked(void)
{
	ck_assert_int_eq(nur_wait_all_tasks_blocked(0), 0);
}

/* t_start() - start_soon(), which succeeds */
static inline void
t_start(struct nur_nursery *nursery, nur_task_fn fn, void *arg)
{
	ck_assert_int_eq(nur_start_soon(nursery, NULL, fn, arg), 0);
}

/* T_TASK_TEST() - a START_TEST whose body is the main task of a run; it ends with `return 0;` */
#define T_TASK_TEST(name)                                                                          \
	static int name##_task(void *arg);                                                         \
	START_TEST(name)                                                                           \
	{                                                                                          \
		ck_assert_int_eq(t_run(name##_task, NULL), 0);                                     \
	}                                                                                          \
	END_TEST                                                                                   \
	static int name##_task(void *arg)
