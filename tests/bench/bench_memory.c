/* SPDX-License-Identifier: MIT */
/*
 * What libnursery's tasks take of memory: parked ones, as many as a kernel gives, and a million in turn.
 * Prints "what TAB value TAB unit" lines; run.py repeats it and takes medians.
 *
 * Each figure comes from a run of its own: stacks are used again, and would hide what the next one takes.
 */
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define N_PARKED  10000
#define N_MANY    40000
#define N_IN_TURN 1000000
#define N_WARM    1000

static void
report(const char *what, double value, const char *unit)
{
	(void)printf("%s\t%.2f\t%s\n", what, value, unit);
}

static long
resident_kib(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/statm", "re");
	long pages;

	if (!file || fscanf(file, "%*d %ld", &pages) != 1) {
		return -1;
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static long
n_mappings(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/maps", "re");
	long n = 0;
	int c;

	while (file && (c = fgetc(file)) != EOF) {
		n += c == '\n';
	}
	return n;
}

static int
park(void *arg)
{
	return nur_sleep_forever();
}

/* Parks so many tasks, or as many as there are stacks for, and calls @look while they wait. */
static int
park_many(size_t n, void (*look)(size_t n_parked))
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);

		while (rc == 0 && nur_nursery_n_children(nursery) < n) {
			rc = nur_start_soon(nursery, "park", park, NULL);
		}
		(void)!nur_wait_all_tasks_blocked(0); /* nobody cancels it */
		look(nur_nursery_n_children(nursery));
		nur_nursery_cancel(nursery, "measured");
	}
	return rc;
}

static long before_kib;
static long mappings_before;

static void
look_at_memory(size_t n_parked)
{
	report("resident memory of a parked task",
		(double)(resident_kib() - before_kib) / (double)n_parked, "KiB");
	report("mappings of 64 parked tasks",
		(double)(n_mappings() - mappings_before) * 64 / (double)n_parked, "");
}

static int
measure_parked(void *arg)
{
	before_kib = resident_kib();
	mappings_before = n_mappings();
	return park_many(N_PARKED, look_at_memory);
}

static void
look_at_number(size_t n_parked)
{
	report("parked tasks, of 40000 that are wanted", (double)n_parked, "");
}

static int
measure_many(void *arg)
{
	return park_many(N_MANY, look_at_number);
}

static int
nothing(void *arg)
{
	return 0;
}

static int
start_one(struct nur_nursery *nursery, void *arg)
{
	return nur_start_soon(nursery, "nothing", nothing, NULL);
}

static int
run_in_turn(int n)
{
	int r = 0;

	while (n-- > 0 && r == 0) {
		r = nur_nursery_run(start_one, NULL, NULL);
	}
	return r;
}

static int
measure_in_turn(void *arg)
{
	int r = run_in_turn(N_WARM);
	long before = resident_kib();

	r = r < 0 ? r : run_in_turn(N_IN_TURN);
	report("memory that a million tasks in turn leave behind",
		(double)(resident_kib() - before), "KiB");
	return r;
}

/* A kernel that has no room for so many tasks says so, which is a result, too. */
static int
measure(nur_task_fn fn)
{
	_cleanup_(nur_errors_fini) struct nur_errors errors;
	int r = nur_run(fn, NULL, NULL, &errors);
	char text[1024];

	if (r < 0) {
		(void)nur_errors_format(&errors, text, sizeof(text));
		(void)fprintf(stderr, "bench_memory: %s\n%s", nur_strerror(r), text);
	}
	return r == NUR_ENOSTACK ? 0 : r;
}

int
main(void)
{
	int r = measure(measure_parked);

	r = r < 0 ? r : measure(measure_many);
	r = r < 0 ? r : measure(measure_in_turn);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
