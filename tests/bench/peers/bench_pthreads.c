/* SPDX-License-Identifier: MIT */
/* Threads of the kernel beside tasks: the figures of bench_nursery.c that exist for them. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_SPAWNS    20000
#define N_MESSAGES  200000
#define N_PARKED    1000 /* a kernel gives no 10,000 everywhere */
#define N_EVENTS    20
#define STACK_BYTES (64 << 10)
#define CAPACITY    64

static pthread_attr_t small;

static int64_t
cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* there is always one */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void
report(const char *what, int64_t elapsed_ns, double n)
{
	(void)printf("%s\t%.2f\tns\n", what, (double)elapsed_ns / n);
}

static void
require(int r)
{
	if (r != 0) {
		(void)fprintf(stderr, "bench_pthreads: %s\n", strerror(r));
		exit(EXIT_FAILURE);
	}
}

static void *
nothing(void *arg)
{
	return NULL;
}

static void
measure_spawn(int batch)
{
	pthread_t threads[1000];
	int64_t start_ns = cpu_ns();
	char what[64];
	int n, i;

	for (n = 0; n < N_SPAWNS; n += batch) {
		for (i = 0; i < batch; i++) {
			require(pthread_create(&threads[i], &small, nothing, NULL));
		}
		for (i = 0; i < batch; i++) {
			(void)pthread_join(threads[i], NULL);
		}
	}
	(void)snprintf(what, sizeof(what), "spawn and join, batches of %d", batch);
	report(what, cpu_ns() - start_ns, n);
}

/* A queue of ints: what a channel is without tasks. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int messages[CAPACITY];
	int n_sent;
	int n_received;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void *
send_all(void *arg)
{
	int i;

	for (i = 0; i < N_MESSAGES; i++) {
		(void)pthread_mutex_lock(&queue.mutex);
		while (queue.n_sent - queue.n_received == CAPACITY) {
			(void)pthread_cond_wait(&queue.changed, &queue.mutex);
		}
		queue.messages[queue.n_sent++ % CAPACITY] = i;
		(void)pthread_cond_signal(&queue.changed);
		(void)pthread_mutex_unlock(&queue.mutex);
	}
	return NULL;
}

static void
receive_all(void)
{
	int i;

	for (i = 0; i < N_MESSAGES; i++) {
		(void)pthread_mutex_lock(&queue.mutex);
		while (queue.n_sent == queue.n_received) {
			(void)pthread_cond_wait(&queue.changed, &queue.mutex);
		}
		queue.n_received++;
		(void)pthread_cond_signal(&queue.changed);
		(void)pthread_mutex_unlock(&queue.mutex);
	}
}

static void
measure_queue(void)
{
	int64_t start_ns = cpu_ns();
	pthread_t sender;

	require(pthread_create(&sender, &small, send_all, NULL));
	receive_all();
	(void)pthread_join(sender, NULL);
	report("message through a channel of 64", cpu_ns() - start_ns, N_MESSAGES);
}

/* Events as counts: who waits for the next one, waits until the count has passed it. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_cond_t all_waiting;
	int n_set;
	int n_waits;
} events = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.all_waiting = PTHREAD_COND_INITIALIZER };

static void *
wait_for_each(void *arg)
{
	int i;

	(void)pthread_mutex_lock(&events.mutex);
	for (i = 0; i < N_EVENTS; i++) {
		if (++events.n_waits % N_PARKED == 0) {
			(void)pthread_cond_signal(&events.all_waiting);
		}
		while (events.n_set <= i) {
			(void)pthread_cond_wait(&events.changed, &events.mutex);
		}
	}
	(void)pthread_mutex_unlock(&events.mutex);
	return NULL;
}

static long
resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file) {
		(void)!fscanf(file, "%*d %ld", &pages);
		(void)fclose(file);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* With the mutex: until everybody waits for event @i. */
static void
wait_until_all_wait_for(int i)
{
	while (events.n_waits < (i + 1) * N_PARKED) {
		(void)pthread_cond_wait(&events.all_waiting, &events.mutex);
	}
}

/* The threads that wait are also the parked ones whose memory is measured. */
static void
measure_event(void)
{
	static pthread_t threads[N_PARKED];
	long before = resident_kib();
	int64_t start_ns;
	int i;

	for (i = 0; i < N_PARKED; i++) {
		require(pthread_create(&threads[i], &small, wait_for_each, NULL));
	}
	(void)pthread_mutex_lock(&events.mutex);
	wait_until_all_wait_for(0);
	(void)printf("resident memory of a parked task\t%.2f\tKiB\n",
		(double)(resident_kib() - before) / N_PARKED);

	start_ns = cpu_ns();
	for (i = 1; i < N_EVENTS; i++) {
		events.n_set++;
		(void)pthread_cond_broadcast(&events.changed);
		wait_until_all_wait_for(i);
	}
	report("wake of one of 10000 waiters", cpu_ns() - start_ns, (N_EVENTS - 1.0) * N_PARKED);
	events.n_set++;
	(void)pthread_cond_broadcast(&events.changed);
	(void)pthread_mutex_unlock(&events.mutex);
	for (i = 0; i < N_PARKED; i++) {
		(void)pthread_join(threads[i], NULL);
	}
}

int
main(void)
{
	require(pthread_attr_init(&small));
	require(pthread_attr_setstacksize(&small, STACK_BYTES));
	measure_event(); /* first: later it would find used stacks */
	measure_spawn(1);
	measure_spawn(20);
	measure_spawn(1000);
	measure_queue();
	return EXIT_SUCCESS;
}
