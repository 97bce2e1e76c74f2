/* SPDX-License-Identifier: MIT */
/*
 * What HTTPS costs an engine that verifies against a whole file of certificate authorities: CPU time of a new
 * connection, and resident memory of a request that waits for its response. Prints "what TAB value TAB unit"
 * lines; https.py starts it and repeats it.
 *
 *     bench_https CA_FILE FIRST connect URL COUNT WINDOW    URL/0, URL/1, … of a server that keeps no connection
 *     bench_https CA_FILE FIRST wait URL COUNT              all at once; measures at a line of input, and cancels
 *
 * FIRST is a URL that is fetched before, and not counted: with the first connection the file is read.
 * CA_FILE is "-" where nothing is to be verified.
 */
#include <errno.h>
#include <fetch/fetch.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define URL_CAP 256

struct bench {
	struct fetch_engine_options engine_options;
	struct fetch_engine *engine;
	const char *first;
	const char *what;
	const char *url;
	size_t n;
	size_t window;
	char (*urls)[URL_CAP];
	struct fetch_url_request *requests;
};

static int64_t
cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* there is always one */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
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

static struct fetch_options options = { .timeout = NUR_SEC(600), .connect_timeout = NUR_SEC(300) };

static int
fetch(struct bench *bench, const struct fetch_url_request *requests, size_t n, size_t window)
{
	struct fetch_batch batch = {
		.policy = FETCH_POLICY_COLLECT,
		.accepted_at = nur_now(),
		.concurrency = (unsigned)window,
		.per_origin = (unsigned)window,
		.requests = requests,
		.n_requests = n,
	};
	struct fetch_batch_summary summary;
	int r = fetch_batch_run(bench->engine, &batch, NULL, &summary);

	return r == 0 && summary.n_ok != n ? -EIO : r;
}

static int
connect_all(struct bench *bench)
{
	int64_t before = cpu_ns();
	int r = fetch(bench, bench->requests, bench->n, bench->window);

	(void)printf("CPU time of a new connection, with one request\t%.3f\tms\n",
		(double)(cpu_ns() - before) / 1e6 / (double)bench->n);
	return r;
}

static int
fetch_all(void *arg)
{
	struct bench *bench = arg;

	return fetch(bench, bench->requests, bench->n, bench->n);
}

static int
wait_for_line(struct nur_nursery *nursery, void *arg)
{
	const struct bench *bench = arg;
	long before = resident_kib();
	char byte;
	int r = nur_start_soon(nursery, "fetch all", fetch_all, arg);

	r = r < 0 ? r : nur_wait_readable(STDIN_FILENO);
	if (r < 0 || read(STDIN_FILENO, &byte, 1) != 1) {
		return r < 0 ? r : -EIO;
	}
	(void)printf("resident memory of a waiting request\t%.1f\tKiB\n",
		(double)(resident_kib() - before) / (double)bench->n);
	nur_nursery_cancel(nursery, "measured");
	return 0;
}

static int
measure(void *arg)
{
	struct bench *bench = arg;
	const struct fetch_url_request first = { bench->first, &options };
	int r = fetch_engine_create(&bench->engine_options, &bench->engine);

	if (r < 0) {
		return r;
	}
	r = fetch(bench, &first, 1, 1);
	if (r == 0 && strcmp(bench->what, "connect") == 0) {
		r = connect_all(bench);
	} else if (r == 0) {
		(void)printf("started\n");
		(void)fflush(stdout);
		r = nur_nursery_run(wait_for_line, bench, NULL);
	}
	fetch_engine_destroy(bench->engine);
	return r;
}

static int
run(struct bench *bench)
{
	bench->urls = calloc(bench->n, sizeof(*bench->urls));
	bench->requests = calloc(bench->n, sizeof(*bench->requests));
	if (!bench->urls || !bench->requests) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < bench->n; i++) {
		(void)snprintf(bench->urls[i], sizeof(bench->urls[i]), "%s/%zu", bench->url, i);
		bench->requests[i] = (struct fetch_url_request){ bench->urls[i], &options };
	}
	return nur_run(measure, bench, NULL, NULL);
}

int
main(int argc, char **argv)
{
	struct bench bench = { 0 };
	int r;

	if (argc < 6 || argc > 7) {
		(void)fprintf(stderr,
			"usage: bench_https CA_FILE FIRST connect|wait URL COUNT [WINDOW]\n");
		return 2;
	}
	options.tls.is_unverified = strcmp(argv[1], "-") == 0;
	bench.engine_options.ca_file = options.tls.is_unverified ? NULL : argv[1];
	bench.first = argv[2];
	bench.what = argv[3];
	bench.url = argv[4];
	bench.n = strtoul(argv[5], NULL, 10);
	bench.window = argc == 7 ? strtoul(argv[6], NULL, 10) : bench.n;
	r = run(&bench);
	free(bench.urls);
	free(bench.requests);
	if (r < 0) {
		(void)fprintf(stderr, "bench_https: %s\n", nur_strerror(r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
