/* SPDX-License-Identifier: MIT */
/*
 * libcurl polls one socket for no time twice a request on a kept connection: whether it still lives,
 * and whether the answer is there already. Those were two of a request's four system calls. The
 * dynamic linker takes a program's symbols before a library's, so libcurl calls this poll(): what
 * the engine's sockets say of a quiet one is the answer, and all else is asked of the kernel.
 *
 * "Nothing to read" may be old by one look at epoll. To the second question that is as good as the
 * truth, since the socket is watched next. To the first it means that a request goes out on a
 * connection that was closed meanwhile, as can happen behind any poll(); libcurl repeats it on
 * another, and methods that must not be repeated never use a kept connection.
 */
#include "daemon/quiet_poll.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "lib/fetch/transfer/sockets.h"

/* By its symbol: glibc declares that poll() only writes to @fds, and a compiler believes it. */
int quiet_poll(struct pollfd *fds, nfds_t n, int timeout_ms) __asm__("poll");

static bool asks_always;

void
poll_ask_kernel(bool always)
{
	asks_always = always;
}

static bool
is_quiet(const struct pollfd *fds, nfds_t n, int timeout_ms)
{
	const short reading = POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI;

	return !asks_always && n == 1 && timeout_ms == 0 && (fds->events & ~reading) == 0 &&
	       fetch_sockets_is_quiet(fds->fd);
}

int
quiet_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec timeout = { .tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L };

	if (is_quiet(fds, n, timeout_ms)) {
		fds->revents = 0;
		return 0;
	}
	return ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, NULL);
}
