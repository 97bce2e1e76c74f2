/* SPDX-License-Identifier: MIT */
/*
 * Time for a program that only a test moves: loaded into it by LD_PRELOAD, it answers for the clock with what stands
 * in a file that the test maps, too ($T_CLOCK: nanoseconds). A timer of the kernel never fires by itself, so whoever
 * moves the clock gives the program something to do, too: then it looks. See tests/integration/test_api_reload_load.c.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const int64_t *clock_ns;

static void __attribute__((constructor)) open_clock(void)
{
	const char *path = getenv("T_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *shared;

	if (fd < 0) {
		return;
	}
	shared = mmap(NULL, sizeof(*clock_ns), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (shared != MAP_FAILED) {
		clock_ns = shared;
	}
}

static int
is_moved(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
	       clock == CLOCK_MONOTONIC_RAW;
}

int
clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	int64_t now;

	if (!clock_ns || !is_moved(clock)) {
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	}
	now = __atomic_load_n(clock_ns, __ATOMIC_RELAXED);
	ret_now->tv_sec = (time_t)(now / 1000000000);
	ret_now->tv_nsec = (long)(now % 1000000000);
	return 0;
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *ret_old)
{
	static const struct itimerspec never;

	if (clock_ns && flags == TFD_TIMER_ABSTIME) {
		when = &never;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, when, ret_old);
}
