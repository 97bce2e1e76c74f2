/* SPDX-License-Identifier: MIT */
/*
 * The shortest client of fetchd: one connection, one request again and again, nothing of the answers
 * looked at but their length and outcome. What it costs itself is in the time of a batch as it is for
 * everybody who is not in the daemon, but not more.
 *
 *     batch_client SOCKET COUNT <REQUEST
 *
 * REQUEST is HTTP, head and body. Prints one JSON object as bare_loop does; its CPU time is its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define MAX_MESSAGE ((size_t)1024 * 1024)

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* both clocks exist on every Linux */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int
connect_to(const char *path, int *ret_fd)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		return -errno;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Bytes of the whole answer that begins at @text, 0 when its head is not yet complete. */
static size_t
answer_len(const char *text)
{
	const char *head_end = strstr(text, "\r\n\r\n");
	const char *field = strcasestr(text, "\r\nContent-Length:");

	if (!head_end || !field || field > head_end) {
		return 0;
	}
	return (size_t)(head_end + 4 - text) +
	       strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

static int
send_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0) {
			return -errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* @answer: of MAX_MESSAGE bytes */
static int
receive(int fd, char *answer)
{
	size_t len = 0;
	size_t wanted = 0;
	ssize_t n;

	while (wanted == 0 || len < wanted) {
		n = recv(fd, answer + len, MAX_MESSAGE - 1 - len, 0);
		if (n <= 0) {
			return n < 0 ? -errno : -EPIPE;
		}
		len += (size_t)n;
		answer[len] = '\0';
		wanted = wanted > 0 ? wanted : answer_len(answer);
	}
	return strstr(answer, "\"outcome\":\"ok\",\"policy\"") ? 0 : -EBADMSG;
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
run(int fd, const char *request, size_t len, char *answer, uint64_t *times, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		times[i] = clock_ns(CLOCK_MONOTONIC);
		r = send_all(fd, request, len);
		if (r == 0) {
			r = receive(fd, answer);
		}
		times[i] = clock_ns(CLOCK_MONOTONIC) - times[i];
	}
	return r;
}

int
main(int argc, char **argv)
{
	_cleanup_(freep) char *request = malloc(MAX_MESSAGE);
	_cleanup_(freep) char *answer = malloc(MAX_MESSAGE);
	_cleanup_(freep) uint64_t *times = NULL;
	_cleanup_(closep) int fd = -1;
	size_t len;
	size_t n;
	int r;

	n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (n == 0) {
		(void)fprintf(stderr, "usage: batch_client SOCKET COUNT <REQUEST\n");
		return 2;
	}
	times = calloc(n, sizeof(*times));
	if (!request || !answer || !times) {
		return 1;
	}
	answer[0] = '\0';
	len = fread(request, 1, MAX_MESSAGE, stdin);
	r = connect_to(argv[1], &fd);
	if (r == 0) {
		r = run(fd, request, len, answer, times, n);
	}
	if (r < 0) {
		(void)fprintf(stderr, "batch_client: %s\n%s\n", strerror(-r), answer);
		return 1;
	}
	qsort(times, n, sizeof(*times), compare_u64);
	(void)printf("{\"n\": %zu, \"cpu_ns\": %" PRIu64 ", \"p50_ns\": %" PRIu64
		     ", \"p99_ns\": %" PRIu64 "}\n",
		n, clock_ns(CLOCK_PROCESS_CPUTIME_ID), times[n / 2], times[n * 99 / 100]);
	return 0;
}
