/* SPDX-License-Identifier: MIT */
/*
 * What libnursery itself costs, without any I/O: switches, spawn and join, channels, deadlines, timers,
 * events. Prints "what TAB value TAB unit" lines; run.py repeats it and takes medians.
 *
 * Everything is timed by the process's CPU clock: the tasks never wait for anything but each other, or
 * for time, which is not theirs. Each figure is the mean over at least a hundred milliseconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <nursery.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/context.h"

#define N_SWITCHES      20000000
#define N_SPAWNS        4000000
#define N_YIELDS        4000000
#define N_MESSAGES      2000000
#define N_SCOPES        4000000
#define N_SLEEPERS      1000
#define N_SLEEPS        100
#define N_TIMERS        100000
#define N_TIMER_CHANGES 1000000
#define N_WAITERS       10000
#define N_EVENTS        20
#define STACK_BYTES     (64 << 10)

static int64_t
cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* there is always one */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void
report(const char *what, int64_t start_ns, double n)
{
	(void)printf("%s\t%.2f\tns\n", what, (double)(cpu_ns() - start_ns) / n);
}

/* A bare switch: two contexts, no scheduler. */

static struct nuri_context here;
static struct nuri_context there;

static void
bounce(struct nuri_context *context)
{
	for (;;) {
		nuri_context_switch(&there, &here);
	}
}

static int
measure_switch(void)
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t start_ns;
	int i;

	if (stack == MAP_FAILED) {
		return -ENOMEM;
	}
	nuri_context_init(&there, stack, stack + STACK_BYTES, bounce);
	start_ns = cpu_ns();
	for (i = 0; i < N_SWITCHES / 2; i++) {
		nuri_context_switch(&here, &there);
	}
	report("context switch", start_ns, N_SWITCHES);
	(void)munmap(stack, STACK_BYTES);
	return 0;
}

/* Spawn and join: an empty task in a full nursery, so many a nursery. */

static int
nothing(void *arg)
{
	return 0;
}

static int
spawn_batch(struct nur_nursery *nursery, void *arg)
{
	const unsigned long *n = arg;
	unsigned long i;
	int r = 0;

	for (i = 0; i < *n && r == 0; i++) {
		r = nur_start_soon(nursery, "nothing", nothing, NULL);
	}
	return r;
}

static int
measure_spawn(unsigned long batch)
{
	unsigned long n_batches = N_SPAWNS / (batch < 20 ? 4 : 1) / batch;
	int64_t start_ns;
	unsigned long i;
	char what[64];
	int r = 0;

	r = nur_nursery_run(spawn_batch, &batch, NULL); /* stacks are made once, and not measured */
	start_ns = cpu_ns();
	for (i = 0; i < n_batches && r == 0; i++) {
		r = nur_nursery_run(spawn_batch, &batch, NULL);
	}
	(void)snprintf(what, sizeof(what), "spawn and join, batches of %lu", batch);
	report(what, start_ns, (double)n_batches * (double)batch);
	return r;
}

/* Checkpoints: through the scheduler and back, with so many tasks in turn. */

static int
yield(void *arg)
{
	unsigned long n = *(unsigned long *)arg;
	int r = 0;

	while (n-- > 0 && r == 0) {
		r = nur_checkpoint();
	}
	return r;
}

static int
measure_yield(unsigned long n_tasks)
{
	unsigned long n_each = N_YIELDS / n_tasks;
	int64_t start_ns = cpu_ns();
	unsigned long i;
	char what[64];
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);

		for (i = 0; i < n_tasks && rc == 0; i++) {
			rc = nur_start_soon(nursery, "yield", yield, &n_each);
		}
	}
	(void)snprintf(what, sizeof(what), "checkpoint, %lu tasks in turn", n_tasks);
	report(what, start_ns, N_YIELDS);
	return rc;
}

/* A channel between two tasks. */

static int
send_all(void *arg)
{
	struct nur_send_channel *sender = arg;
	int i;
	int r = 0;

	for (i = 0; i < N_MESSAGES && r == 0; i++) {
		r = nur_channel_send(sender, &i);
	}
	nur_send_channel_close(sender);
	return r;
}

static int
receive_all(void *arg)
{
	int message;
	int r = 0;

	while (r == 0) {
		r = nur_channel_receive(arg, &message);
	}
	return r == NUR_EENDOFCHANNEL ? 0 : r;
}

static int
measure_channel(size_t capacity)
{
	struct nur_send_channel *sender;
	struct nur_receive_channel *receiver;
	int64_t start_ns;
	char what[64];
	int rc;

	rc = nur_channel_open(sizeof(int), capacity, &sender, &receiver);
	if (rc < 0) {
		return rc;
	}
	start_ns = cpu_ns();
	{
		NUR_NURSERY(nursery, &rc, NULL);

		rc = nur_start_soon(nursery, "send", send_all, sender);
		rc = rc < 0 ? rc : nur_start_soon(nursery, "receive", receive_all, receiver);
	}
	(void)snprintf(what, sizeof(what), "message through a channel of %zu", capacity);
	report(what, start_ns, N_MESSAGES);
	nur_send_channel_destroy(sender);
	nur_receive_channel_destroy(receiver);
	return rc;
}

/* Deadlines: a timeout that does not come, and sleeps that end. */

static int
measure_scope(void)
{
	int64_t start_ns = cpu_ns();
	int r = 0;
	int i;

	for (i = 0; i < N_SCOPES && r == 0; i++) {
		r = nur_move_on_after(NUR_SEC(10), 0, nothing, NULL, NULL);
	}
	report("timeout around a call", start_ns, N_SCOPES);
	return r;
}

static int
sleep_often(void *arg)
{
	int r = 0;
	int i;

	for (i = 0; i < N_SLEEPS && r == 0; i++) {
		r = nur_sleep(NUR_USEC(100));
	}
	return r;
}

static int
measure_sleep(void)
{
	int64_t start_ns = cpu_ns();
	int rc = 0;
	int i;

	{
		NUR_NURSERY(nursery, &rc, NULL);

		for (i = 0; i < N_SLEEPERS && rc == 0; i++) {
			rc = nur_start_soon(nursery, "sleep", sleep_often, NULL);
		}
	}
	report("sleep, 1000 tasks at a time", start_ns, (double)N_SLEEPERS * N_SLEEPS);
	return rc;
}

/* Timers: one of very many is stopped and set anew, to come at another time among the others. */

static void
never(void *arg)
{
}

static uint64_t
next_random(void)
{
	static uint64_t state = 1;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static nur_time
some_time(nur_time now)
{
	return now + NUR_SEC(1000) + (nur_time)(next_random() % (uint64_t)NUR_SEC(10));
}

static int
measure_timers(void)
{
	_cleanup_(freep) struct nur_timer *timers = calloc(N_TIMERS, sizeof(*timers));
	nur_time now = nur_now();
	int64_t start_ns;
	int i;

	if (!timers) {
		return -ENOMEM;
	}
	for (i = 0; i < N_TIMERS; i++) {
		nur_timer_init(&timers[i], never, NULL);
		nur_timer_set(&timers[i], some_time(now));
	}
	start_ns = cpu_ns();
	for (i = 0; i < N_TIMER_CHANGES; i++) {
		struct nur_timer *timer = &timers[next_random() % N_TIMERS];

		nur_timer_stop(timer);
		nur_timer_set(timer, some_time(now));
	}
	report("timer cancelled and added, among 100000", start_ns, N_TIMER_CHANGES);
	for (i = 0; i < N_TIMERS; i++) {
		nur_timer_stop(&timers[i]);
	}
	return 0;
}

/*
 * Events: tasks that wait for one after the other. From the setting of one until all have woken and the
 * last one says so; by then they wait for the next.
 */

struct wakes {
	struct nur_event events[N_EVENTS];
	struct nur_event all_awake[N_EVENTS];
	int n_awake;
};

static int
wait_for_each(void *arg)
{
	struct wakes *wakes = arg;
	int r = 0;
	int i;

	for (i = 0; i < N_EVENTS && r == 0; i++) {
		r = nur_event_wait(&wakes->events[i]);
		if (++wakes->n_awake % N_WAITERS == 0) {
			nur_event_set(&wakes->all_awake[i]);
		}
	}
	return r;
}

static int
set_each(struct wakes *wakes)
{
	int64_t start_ns;
	int r = nur_wait_all_tasks_blocked(0);
	int i;

	start_ns = cpu_ns();
	for (i = 0; i < N_EVENTS && r == 0; i++) {
		nur_event_set(&wakes->events[i]);
		r = nur_event_wait(&wakes->all_awake[i]);
	}
	report("wake of one of 10000 waiters", start_ns, N_EVENTS * N_WAITERS);
	return r;
}

static int
measure_event(void)
{
	struct wakes wakes = { .n_awake = 0 };
	int rc = 0;
	int i;

	for (i = 0; i < N_EVENTS; i++) {
		nur_event_init(&wakes.events[i]);
		nur_event_init(&wakes.all_awake[i]);
	}
	{
		NUR_NURSERY(nursery, &rc, NULL);

		for (i = 0; i < N_WAITERS && rc == 0; i++) {
			rc = nur_start_soon(nursery, "waiter", wait_for_each, &wakes);
		}
		rc = rc < 0 ? rc : set_each(&wakes);
	}
	return rc;
}

static int
measure_all(void *arg)
{
	int r;

	r = measure_spawn(1);
	r = r < 0 ? r : measure_spawn(20);
	r = r < 0 ? r : measure_spawn(1000);
	r = r < 0 ? r : measure_yield(1);
	r = r < 0 ? r : measure_yield(1000);
	r = r < 0 ? r : measure_channel(0);
	r = r < 0 ? r : measure_channel(64);
	r = r < 0 ? r : measure_scope();
	r = r < 0 ? r : measure_sleep();
	r = r < 0 ? r : measure_timers();
	return r < 0 ? r : measure_event();
}

int
main(void)
{
	int r = measure_switch();

	r = r < 0 ? r : nur_run(measure_all, NULL, NULL, NULL);
	if (r < 0) {
		(void)fprintf(stderr, "bench_nursery: %s\n", nur_strerror(r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
