/* SPDX-License-Identifier: MIT */
/*
 * Parks some tasks, starts one and calls everybody_waits(), where test_gdb.py has a breakpoint. With an
 * argument it ends there, and leaves a core file.
 */
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>

void everybody_waits(void);

static bool is_to_abort;

__attribute__((noinline)) void
everybody_waits(void)
{
	if (is_to_abort) {
		abort();
	}
	(void)puts("everybody waits");
}

__attribute__((noinline)) static int
wait_deep_inside(int depth)
{
	int r = depth > 0 ? wait_deep_inside(depth - 1) : nur_sleep_forever();

	return r < 0 ? r : depth; /* no tail call: each level has its frame */
}

static int
dig(void *unused)
{
	int r = wait_deep_inside(3);

	return r < 0 ? r : 0; /* likewise */
}

static int
wait_for_event(void *event)
{
	int r = nur_event_wait(event);

	return r < 0 ? r : 0;
}

static int
park_some(void *unused)
{
	struct nur_event event;
	int rc = 0;

	nur_event_init(&event);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		(void)nur_start_soon(nursery, "digger", dig, NULL);
		(void)nur_start_soon(nursery, NULL, wait_for_event, &event);
		rc = nur_wait_all_tasks_blocked(0);
		(void)nur_start_soon(nursery, "fresh", wait_for_event, &event);
		everybody_waits();
		nur_nursery_cancel(nursery, "seen");
	}
	return rc;
}

int
main(int argc, char **argv)
{
	is_to_abort = argc > 1;
	return nur_run(park_some, NULL, NULL, NULL) < 0;
}
