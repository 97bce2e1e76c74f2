/* SPDX-License-Identifier: MIT */
/*
 * The floor of every cancellation: what the kernel itself asks for closing COUNT connected TCP
 * sockets with a request under way on each.
 *
 *     close_floor ADDRESS PORT COUNT
 *
 * prints "ready" when all are connected and have sent their request, waits for a line on standard
 * input, closes them, and prints the times of the first and after the last close (CLOCK_MONOTONIC).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

static const char request[] = "GET /never HTTP/1.1\r\nHost: floor\r\n\r\n";

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int
open_one(const struct sockaddr_in *address, int *ret_fd)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
		send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
		return -errno;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void
close_all(const int *fds, size_t n)
{
	uint64_t start_ns = now_ns();
	size_t i;

	for (i = 0; i < n; i++) {
		(void)close(fds[i]); /* nothing was sent that could be lost */
	}
	(void)printf("%" PRIu64 " %" PRIu64 "\n", start_ns, now_ns());
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	_cleanup_(freep) int *fds = NULL;
	size_t n;
	size_t i;
	int r;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
		(void)fprintf(stderr, "usage: close_floor ADDRESS PORT COUNT\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	n = strtoul(argv[3], NULL, 10);
	fds = calloc(n, sizeof(*fds));
	if (!fds) {
		return 1;
	}
	for (i = 0; i < n; i++) {
		r = open_one(&address, &fds[i]);
		if (r < 0) {
			(void)fprintf(stderr, "close_floor: %s\n", strerror(-r));
			return 1;
		}
	}
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)getchar();
	close_all(fds, n);
	return 0;
}
