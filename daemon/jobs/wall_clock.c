/* SPDX-License-Identifier: MIT */
/*
 * A timer that is never due, and that the kernel cancels when the clock is set: timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET. Waking up from suspension sets the clock, too.
 */
#include "daemon/jobs/wall_clock.h"

#include <errno.h>
#include <nursery.h>
#include <sys/timerfd.h>

#include "daemon/jobs/jobs.h"
#include "lib/base/cleanup.h"

static int
arm(int fd)
{
	static const struct itimerspec never = { .it_value = { .tv_sec = INT32_MAX } };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

int
wall_clock_watch(struct jobs *jobs)
{
	_cleanup_(closep) int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd < 0) {
		return -errno;
	}
	for (;;) {
		uint64_t n;

		r = arm(fd);
		if (r == 0) {
			r = nur_wait_readable(fd);
		}
		if (r < 0) {
			return r;
		}
		if (read(fd, &n, sizeof(n)) < 0 && errno == ECANCELED) {
			jobs_clock_was_set(jobs);
		}
	}
}
