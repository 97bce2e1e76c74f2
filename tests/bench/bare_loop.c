/* SPDX-License-Identifier: MIT */
/*
 * The baseline: what libevent and libcurl cost without tasks, without a daemon, without anything
 * that makes a batch one unit. It is tuned as far as those two go, with what fetchd's engine does,
 * too:
 *
 *   - a window of its own, so that libcurl never queues; one easy handle a slot, used again and
 * again
 *   - MAXCONNECTS, without which small batches make libcurl throw its connections away
 *   - NOSIGNAL (six system calls a request), no CA path, no proxy from the environment
 *   - lazy registration: a socket stays in epoll when libcurl says CURL_POLL_REMOVE; it leaves when
 * it is closed, or when it turns readable while idle (then the connection is over)
 *
 *     bare_loop URL COUNT WINDOW [BATCH]
 *
 * fetches URL/0, URL/1, … and prints one JSON object. CPU time counts from the first request, so
 * that the start of the process, which a daemon does not pay, is left out. With BATCH so many are
 * fetched before the next batch begins, and the batches' times are printed as percentiles.
 * Certificates are verified against $BENCH_CA.
 */
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define MAX_SOCKETS 20000

/*
 * is_wanted: libcurl asked for events and has not taken that back. An unused number has events 0.
 */
struct socket_watch {
	struct event read;
	struct event write;
	bool is_reading;
	bool is_writing;
	bool is_wanted;
};

struct loop {
	struct event_base *base;
	struct event timer;
	CURLM *multi;
	struct socket_watch *sockets; /* by number */
	const char *url;
	unsigned long n_all;
	unsigned long n_batch;
	unsigned long n_started;
	unsigned long n_ended;
	unsigned long n_ok;
	unsigned long batch_end; /* no request beyond this one is started yet */
	uint64_t batch_ns;
	uint64_t *batch_times;
	unsigned long n_batches;
	int error;
};

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* both clocks exist on every Linux */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void collect(struct loop *loop);

static void
act(struct loop *loop, curl_socket_t fd, int events)
{
	int n_running;

	if (curl_multi_socket_action(loop->multi, fd, events, &n_running) != CURLM_OK) {
		loop->error = -EIO;
		(void)event_base_loopbreak(loop->base);
		return;
	}
	collect(loop);
}

static void
watch_clear(struct socket_watch *watch)
{
	if (watch->is_reading) {
		(void)event_del(&watch->read);
	}
	if (watch->is_writing) {
		(void)event_del(&watch->write);
	}
	watch->is_reading = watch->is_writing = watch->is_wanted = false;
}

static void
on_readable(evutil_socket_t fd, short events, void *data)
{
	struct loop *loop = data;
	struct socket_watch *watch = &loop->sockets[fd];

	if (!watch->is_wanted) {
		watch_clear(watch); /* idle and readable: closed by the server, libcurl will see */
		return;
	}
	act(loop, fd, CURL_CSELECT_IN);
}

static void
on_writable(evutil_socket_t fd, short events, void *data)
{
	act(data, fd, CURL_CSELECT_OUT);
}

static void
on_timer(evutil_socket_t fd, short events, void *data)
{
	act(data, CURL_SOCKET_TIMEOUT, 0);
}

static int
socket_callback(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	struct loop *loop = data;
	struct socket_watch *watch = &loop->sockets[fd];
	bool wants_write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;

	watch->is_wanted = what != CURL_POLL_REMOVE;
	if (watch->is_wanted && !watch->is_reading) {
		(void)event_assign(
			&watch->read, loop->base, fd, EV_READ | EV_PERSIST, on_readable, loop);
		watch->is_reading = event_add(&watch->read, NULL) == 0;
	}
	if (wants_write && !watch->is_writing) {
		(void)event_assign(
			&watch->write, loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, loop);
		watch->is_writing = event_add(&watch->write, NULL) == 0;
	} else if (!wants_write && watch->is_writing) {
		(void)event_del(&watch->write);
		watch->is_writing = false;
	}
	return 0;
}

static int
timer_callback(CURLM *multi, long timeout_ms, void *data)
{
	struct loop *loop = data;
	struct timeval delay = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	if (timeout_ms < 0) {
		(void)event_del(&loop->timer);
	} else {
		(void)event_add(&loop->timer, &delay);
	}
	return 0;
}

/*
 * A number that comes back may still be believed registered (see socket_watch), so it is forgotten.
 */
static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct loop *loop = data;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	if (fd >= MAX_SOCKETS) {
		(void)close(fd);
		return CURL_SOCKET_BAD;
	}
	if (fd >= 0) {
		watch_clear(&loop->sockets[fd]);
	}
	return fd;
}

static int
close_socket(void *data, curl_socket_t fd)
{
	struct loop *loop = data;

	watch_clear(&loop->sockets[fd]);
	return close(fd);
}

static size_t
discard(char *bytes, size_t size, size_t n, void *data)
{
	return size * n;
}

static CURL *
make_easy(struct loop *loop)
{
	CURL *easy = curl_easy_init();

	if (easy) {
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		if (getenv("BENCH_CA")) {
			curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
		}
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, loop);
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop);
	}
	return easy;
}

/* Gives a free handle its next URL; a handle with nothing to do is put aside for the next batch. */
static void
start_next(struct loop *loop, CURL *easy)
{
	char url[256];

	if (loop->n_started == loop->batch_end) {
		return;
	}
	(void)snprintf(url, sizeof(url), "%s/%lu", loop->url, loop->n_started++);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	if (curl_multi_add_handle(loop->multi, easy) != CURLM_OK) {
		loop->error = -EIO;
		(void)event_base_loopbreak(loop->base);
	}
}

static void
collect(struct loop *loop)
{
	CURLMsg *message;
	CURL *easy;
	long status;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		easy = message->easy_handle;
		status = 0;
		if (message->data.result == CURLE_OK) {
			(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		}
		loop->n_ok += status == 200;
		loop->n_ended++;
		(void)curl_multi_remove_handle(loop->multi, easy);
		start_next(loop, easy);
	}
	if (loop->n_ended == loop->batch_end) {
		(void)event_base_loopbreak(loop->base);
	}
}

static void
run_batches(struct loop *loop, CURL **handles, unsigned long window)
{
	unsigned long i;

	while (loop->n_ended < loop->n_all && !loop->error) {
		loop->batch_ns = clock_ns(CLOCK_MONOTONIC);
		loop->batch_end += loop->n_batch;
		if (loop->batch_end > loop->n_all) {
			loop->batch_end = loop->n_all;
		}
		for (i = 0; i < window; i++) {
			start_next(loop, handles[i]);
		}
		(void)event_base_dispatch(loop->base);
		loop->batch_times[loop->n_batches++] = clock_ns(CLOCK_MONOTONIC) - loop->batch_ns;
	}
}

static int
loop_init(struct loop *loop, unsigned long window)
{
	struct event_config *config = event_config_new();

	if (!config) {
		return -ENOMEM;
	}
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	loop->multi = curl_multi_init();
	loop->sockets = calloc(MAX_SOCKETS, sizeof(*loop->sockets));
	loop->batch_times = calloc(loop->n_all / loop->n_batch + 1, sizeof(*loop->batch_times));
	if (!loop->base || !loop->multi || !loop->sockets || !loop->batch_times) {
		return -ENOMEM;
	}
	(void)evtimer_assign(&loop->timer, loop->base, on_timer, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)window + 16);
	return 0;
}

static void
loop_fini(struct loop *loop, CURL **handles, unsigned long window)
{
	unsigned long i;

	for (i = 0; i < window; i++) {
		curl_easy_cleanup(handles[i]);
	}
	if (loop->multi) {
		(void)curl_multi_cleanup(loop->multi);
	}
	if (loop->base) {
		event_base_free(loop->base);
	}
	free(loop->sockets);
	free(loop->batch_times);
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
report(struct loop *loop, uint64_t wall_ns, uint64_t cpu_ns)
{
	qsort(loop->batch_times, loop->n_batches, sizeof(*loop->batch_times), compare_u64);
	(void)printf("{\"n\": %lu, \"ok\": %lu, \"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64
		     ", \"batches\": %lu, \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64 "}\n",
		loop->n_ended, loop->n_ok, wall_ns, cpu_ns, loop->n_batches,
		loop->batch_times[loop->n_batches / 2],
		loop->batch_times[loop->n_batches * 99 / 100]);
}

static int
run(struct loop *loop, unsigned long window)
{
	_cleanup_(freep) CURL **handles = calloc(window, sizeof(CURL *));
	uint64_t wall_ns;
	uint64_t cpu_ns;
	unsigned long i;

	if (!handles) {
		return -ENOMEM;
	}
	loop->error = loop_init(loop, window);
	for (i = 0; i < window && !loop->error; i++) {
		handles[i] = make_easy(loop);
		loop->error = handles[i] ? 0 : -ENOMEM;
	}
	wall_ns = clock_ns(CLOCK_MONOTONIC);
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (!loop->error) {
		run_batches(loop, handles, window);
	}
	if (!loop->error) {
		report(loop, clock_ns(CLOCK_MONOTONIC) - wall_ns,
			clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns);
	}
	loop_fini(loop, handles, window);
	return loop->error;
}

int
main(int argc, char **argv)
{
	struct loop loop = { 0 };
	unsigned long window;
	int r;

	if (argc < 4 || argc > 5) {
		(void)fprintf(stderr, "usage: bare_loop URL COUNT WINDOW [BATCH]\n");
		return 2;
	}
	loop.url = argv[1];
	loop.n_all = strtoul(argv[2], NULL, 10);
	window = strtoul(argv[3], NULL, 10);
	loop.n_batch = argc == 5 ? strtoul(argv[4], NULL, 10) : loop.n_all;
	if (loop.n_all == 0 || window == 0 || loop.n_batch == 0 ||
		curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 2;
	}
	r = run(&loop, window);
	curl_global_cleanup();
	if (r < 0) {
		(void)fprintf(stderr, "bare_loop: %s\n", strerror(-r));
		return 1;
	}
	return loop.n_ok == loop.n_all ? 0 : 1;
}
