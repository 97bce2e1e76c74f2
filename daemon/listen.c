/* SPDX-License-Identifier: MIT */
#include "daemon/listen.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum {
	backlog = 4096
};

static int
fail(int r, char *why, size_t cap, const char *what, const char *path)
{
	(void)snprintf(why, cap, "%s %s: %s", what, path, strerror(-r));
	return r;
}

/* Whether somebody answers at @address. */
static bool
is_served(const struct sockaddr_un *address)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return false;
	}
	/* EAGAIN: it listens, and its backlog is full. */
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno == EAGAIN;
}

static int
set_owner(const struct listen_options *options, const char *path, char *why, size_t cap)
{
	const struct group *group;

	if (options->group) {
		errno = 0;
		group = getgrnam(options->group);
		if (!group) {
			return fail(
				errno ? -errno : -ENOENT, why, cap, "the group", options->group);
		}
		if (chown(path, (uid_t)-1, group->gr_gid) < 0) {
			return fail(-errno, why, cap, "cannot change the group of", path);
		}
	}
	if (chmod(path, options->mode) < 0) {
		return fail(-errno, why, cap, "cannot change the mode of", path);
	}
	return 0;
}

/* Binds to a name nobody knows yet, makes it what it should be, and moves it to its place. */
static int
bind_in_place(int fd, const struct listen_options *options, char *why, size_t cap)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old_mask;
	int r;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s.%d", options->path,
		    (int)getpid()) >= (int)sizeof(address.sun_path)) {
		return fail(-ENAMETOOLONG, why, cap, "the socket's path", options->path);
	}
	(void)unlink(address.sun_path); /* left by a former process of this number, if at all */
	old_mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(old_mask);
	if (r < 0) {
		return fail(r, why, cap, "cannot bind to", options->path);
	}
	r = set_owner(options, address.sun_path, why, cap);
	if (r == 0 && listen(fd, backlog) < 0) {
		r = fail(-errno, why, cap, "cannot listen on", options->path);
	}
	if (r == 0 && rename(address.sun_path, options->path) < 0) {
		r = fail(-errno, why, cap, "cannot put in place", options->path);
	}
	if (r < 0) {
		(void)unlink(address.sun_path);
	}
	return r;
}

int
listen_open(const struct listen_options *options, int *ret_fd, char *why, size_t cap)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	int r;

	if (strlen(options->path) >= sizeof(address.sun_path)) {
		return fail(-ENAMETOOLONG, why, cap, "the socket's path", options->path);
	}
	memcpy(address.sun_path, options->path, strlen(options->path));
	if (is_served(&address)) {
		return fail(-EADDRINUSE, why, cap, "another process serves", options->path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return fail(-errno, why, cap, "no socket for", options->path);
	}
	r = bind_in_place(fd, options, why, cap);
	if (r < 0) {
		return r;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
