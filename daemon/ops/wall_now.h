/* SPDX-License-Identifier: MIT */
/* The wall clock. It can be set: only what is told to people, written down or planned by the calendar goes by it. */
#pragma once

#include <stdint.h>
#include <time.h>

/* wall_now() - ns since 1970 */
static inline int64_t
wall_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail: the clock exists */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
