/* SPDX-License-Identifier: MIT */
#include "daemon/ops/listen_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define MAX_FDS 1024

static int
number_parse(const char *text, long *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtol(text, &end, 10);
	return errno || end == text || *end ? -EINVAL : 0;
}

/* How many descriptors are meant for this process. */
static int
count_parse(int *ret_n)
{
	const char *fds = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	long number;

	*ret_n = 0;
	if (!fds || !pid || number_parse(pid, &number) < 0 || number != getpid()) {
		return 0;
	}
	if (number_parse(fds, &number) < 0 || number < 0 || number > MAX_FDS) {
		return -EINVAL;
	}
	*ret_n = (int)number;
	return 0;
}

/* Compares the name before the next colon of @names with @name, and moves @names behind it. */
static bool
name_matches(const char **names, const char *name)
{
	size_t len = strcspn(*names, ":");
	bool same = len == strlen(name) && !memcmp(*names, name, len);

	*names += len + ((*names)[len] == ':');
	return same;
}

static int
option_get(int fd, int option, int *ret_value)
{
	socklen_t len = sizeof(*ret_value);

	return getsockopt(fd, SOL_SOCKET, option, ret_value, &len) < 0 ? -errno : 0;
}

static int
listener_check(int fd)
{
	static const struct {
		int option;
		int value;
	} wanted[] = {
		{ SO_DOMAIN, AF_UNIX },
		{ SO_TYPE, SOCK_STREAM },
		{ SO_ACCEPTCONN, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int value;
		int r = option_get(fd, wanted[i].option, &value);

		if (r < 0) {
			return r;
		}
		if (value != wanted[i].value) {
			return -EPROTOTYPE;
		}
	}
	return 0;
}

/* The manager passes them without close-on-exec, and a socket unit's are blocking. */
static int
listener_prepare(int fd)
{
	int flags;

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		return -errno;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -errno;
	}
	return listener_check(fd);
}

static int
take_named(int first, int n_fds, const char *name, int *ret_fd)
{
	const char *names = getenv("LISTEN_FDNAMES") ?: "";
	_cleanup_(closep) int fd = -1;
	bool is_twice = false;
	int r;

	for (int i = 0; i < n_fds; i++) {
		bool is_wanted = name_matches(&names, name);

		if (is_wanted && fd < 0) {
			fd = first + i;
		} else {
			is_twice |= is_wanted;
			(void)close(first + i); /* of no use to us */
		}
	}
	if (is_twice) {
		return -EEXIST;
	}
	if (fd < 0) {
		return 0;
	}

	r = listener_prepare(fd);
	if (r < 0) {
		return r;
	}
	*ret_fd = steal_fd(&fd);
	return 1;
}

int
listen_fds_take(int first, const char *name, int *ret_fd)
{
	int n_fds;
	int r;

	*ret_fd = -1;
	r = count_parse(&n_fds);
	if (r == 0) {
		r = take_named(first, n_fds, name, ret_fd);
	}
	(void)unsetenv("LISTEN_PID"); /* these fail only for a malformed name */
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return r;
}
