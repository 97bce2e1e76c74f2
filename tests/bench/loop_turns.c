/* SPDX-License-Identifier: MIT */
/*
 * The longest turn of a program's loop, from outside: loaded into it by LD_PRELOAD, this stands in front of
 * epoll_wait() and keeps in a file ($BENCH_TURNS, which stalls.py reads and sets to nothing) the longest time
 * between two looks at the loop's descriptors. The thread's CPU time says what the loop did by itself; the time
 * of the clock has also what it was kept waiting: by a call that blocks, and by others on its processor.
 *
 * The first set that is asked is the loop's.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct turns {
	int64_t longest_ns;
	int64_t longest_cpu_ns;
	int64_t n;
};

typedef int epoll_wait_fn(int epoll, struct epoll_event *events, int max_events, int timeout_ms);

static struct turns *turns;
static epoll_wait_fn *real;
static int loop_epoll = -1;
static int64_t left_ns, left_cpu_ns;

static int64_t
now_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* both clocks exist on every Linux */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void __attribute__((constructor)) open_file(void)
{
	const char *path = getenv("BENCH_TURNS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared = MAP_FAILED;

	real = (epoll_wait_fn *)dlsym(RTLD_NEXT, "epoll_wait");
	if (fd >= 0) {
		shared = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)close(fd);
	}
	turns = shared == MAP_FAILED ? NULL : shared;
}

static void
end_turn(void)
{
	int64_t took_ns = now_ns(CLOCK_MONOTONIC) - left_ns;
	int64_t took_cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - left_cpu_ns;

	turns->n++;
	turns->longest_ns = took_ns > turns->longest_ns ? took_ns : turns->longest_ns;
	turns->longest_cpu_ns =
		took_cpu_ns > turns->longest_cpu_ns ? took_cpu_ns : turns->longest_cpu_ns;
}

int
epoll_wait(int epoll, struct epoll_event *events, int max_events, int timeout_ms)
{
	int n;

	if (!turns || (loop_epoll >= 0 && epoll != loop_epoll)) {
		return real(epoll, events, max_events, timeout_ms);
	}
	if (loop_epoll >= 0) {
		end_turn();
	}
	loop_epoll = epoll;
	n = real(epoll, events, max_events, timeout_ms);
	left_ns = now_ns(CLOCK_MONOTONIC);
	left_cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	return n;
}
