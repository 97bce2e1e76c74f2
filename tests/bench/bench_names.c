/* SPDX-License-Identifier: MIT */
/*
 * How long the loop stands still while 200 names hang in a resolver and are then cancelled. Prints "what TAB
 * value TAB unit" lines; run.py repeats it and takes medians.
 *
 * A name server that never answers is a socket that nobody reads; the system's resolver is a getaddrinfo() of
 * this program that sleeps, which libcurl calls, too. A task that sleeps a millisecond at a time is the clock:
 * the loop has stood still for as long as it wakes late. Beside the engine's resolvers stands what libcurl does
 * by itself: a thread for each name, which it waits for when the transfer is removed.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fetch/fetch.h>
#include <inttypes.h>
#include <netdb.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define N_NAMES   200
#define TICK      NUR_MSEC(1)
#define HANG      NUR_MSEC(100) /* the names hang so long before they are cancelled */
#define SYSTEM_S  2             /* and getaddrinfo() in all */
#define URL_BYTES 32

static struct fetch_engine_options engine_options;
static char urls[N_NAMES][URL_BYTES];
static int64_t late_ns;

/* In front of libc's. */
int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **ret_list)
{
	(void)sleep(SYSTEM_S);
	return EAI_NONAME;
}

static int64_t
real_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* there is always one */
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
tick(void *unused)
{
	for (;;) {
		int64_t before = real_ns();
		int r = nur_sleep(TICK);
		int64_t late = real_ns() - before - TICK;

		late_ns = late > late_ns ? late : late_ns;
		if (r < 0) {
			return r;
		}
	}
}

static int
run_batch(void *arg)
{
	static struct fetch_url_request requests[N_NAMES];
	const struct fetch_options options = { 0 };
	struct fetch_batch batch = {
		.policy = FETCH_POLICY_COLLECT,
		.accepted_at = nur_now(),
		.concurrency = N_NAMES,
		.requests = requests,
		.n_requests = N_NAMES,
	};
	struct fetch_batch_summary summary;

	for (size_t i = 0; i < N_NAMES; i++) {
		requests[i] = (struct fetch_url_request){ urls[i], &options };
	}
	return fetch_batch_run(arg, &batch, NULL, &summary);
}

static int
hang_and_cancel(struct nur_nursery *nursery, void *engine)
{
	bool is_late;
	int r = nur_start_soon(nursery, "tick", tick, NULL);

	r = r < 0 ? r : nur_move_on_after(HANG, 0, run_batch, engine, &is_late);
	r = r < 0 ? r : nur_sleep(2 * TICK); /* the last one may be late, too */
	nur_nursery_cancel(nursery, "measured");
	return r;
}

static int
measure_engine(void *what)
{
	struct fetch_engine *engine;
	int r = fetch_engine_create(&engine_options, &engine);

	if (r < 0) {
		return r;
	}
	late_ns = 0;
	r = nur_nursery_run(hang_and_cancel, engine, NULL);
	fetch_engine_destroy(engine);
	(void)printf("%s\t%.2f\tms\n", (const char *)what, (double)late_ns / 1e6);
	return r;
}

/* The longest of libcurl's calls, with a transfer for each name. */
static int
measure_libcurl(const char *what)
{
	CURLM *multi = curl_multi_init();
	CURL *easies[N_NAMES];
	int64_t longest_ns = 0;
	int n_running;

	for (size_t i = 0; i < N_NAMES; i++) {
		easies[i] = curl_easy_init();
		(void)curl_easy_setopt(easies[i], CURLOPT_URL, urls[i]);
		(void)curl_easy_setopt(easies[i], CURLOPT_NOSIGNAL, 1L);
		(void)curl_multi_add_handle(multi, easies[i]);
	}
	(void)curl_multi_perform(multi, &n_running);
	for (size_t i = 0; i < N_NAMES; i++) {
		int64_t before = real_ns();

		(void)curl_multi_remove_handle(multi, easies[i]);
		curl_easy_cleanup(easies[i]);
		longest_ns = real_ns() - before > longest_ns ? real_ns() - before : longest_ns;
	}
	(void)curl_multi_cleanup(multi);
	(void)printf("%s\t%.2f\tms\n", what, (double)longest_ns / 1e6);
	return 0;
}

/* Return: a socket, for as long as nothing is to be answered. */
static int
open_silence(char *ret_address, size_t cap)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
		getsockname(fd, (struct sockaddr *)&in, &len) < 0) {
		return -errno;
	}
	(void)snprintf(ret_address, cap, "127.0.0.1:%u", (unsigned)ntohs(in.sin_port));
	return fd;
}

int
main(void)
{
	static char builtin[] = "builtin", of_system[] = "system";
	char silent[32];
	_cleanup_(closep) int fd = open_silence(silent, sizeof(silent));
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < N_NAMES; i++) {
		(void)snprintf(urls[i], sizeof(urls[i]), "http://n%zu.test/", i);
	}
	engine_options.dns_servers = silent;
	r = r < 0 ? r : nur_run(measure_engine, builtin, NULL, NULL);
	engine_options.resolver = FETCH_RESOLVER_SYSTEM;
	r = r < 0 ? r : nur_run(measure_engine, of_system, NULL, NULL);
	r = r < 0 ? r : measure_libcurl("libcurl's own, one thread a name");
	if (r < 0) {
		(void)fprintf(stderr, "bench_names: %s\n", nur_strerror(r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
