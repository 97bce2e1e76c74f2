/* SPDX-License-Identifier: MIT */
/* Sockets that listen: TCP addresses, and Unix sockets in the file system. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/listener.h"

enum {
	max_backlog = 0xFFFF, /* the kernel cuts it at net.core.somaxconn */
	owners_only = 0600,
};

DEFINE_CLEANUP(struct nur_listener *, nur_listener_destroy);

static int
start_listening(int fd, int backlog)
{
	if (backlog < 0) {
		return -EINVAL;
	}
	if (backlog == 0 || backlog > max_backlog) {
		backlog = max_backlog;
	}
	return listen(fd, backlog) < 0 ? -errno : 0;
}

/* ---- TCP ---- */

static int
bind_tcp(int fd, const struct nur_address *address)
{
	const int on = 1;

	/* Connections of a former process that linger are no reason to wait for minutes. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
		return -errno;
	}
	/* Or "::" would take the port of "0.0.0.0" as well, depending on the system's settings. */
	if (address->any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) {
		return -errno;
	}
	return bind(fd, &address->any, address->len) < 0 ? -errno : 0;
}

static int
listen_on(const struct nur_address *address, int backlog, struct nur_listener **ret_listener)
{
	int family = address->any.sa_family;
	_cleanup_(closep) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = bind_tcp(fd, address);
	if (r == 0) {
		r = start_listening(fd, backlog);
	}
	if (r == 0) {
		r = nuri_listener_create(fd, family, ret_listener);
	}
	if (r == 0) {
		(void)steal_fd(&fd); /* the listener's */
	}
	return r;
}

int
nur_listen_tcp(const struct nur_address *addresses, size_t n, int backlog,
	struct nur_listener **ret_listeners)
{
	int n_listeners = 0, r = n > 0 ? 0 : -EINVAL;

	for (size_t i = 0; i < n; i++) {
		r = listen_on(&addresses[i], backlog, &ret_listeners[n_listeners]);
		if (r == 0) {
			n_listeners++;
		} else if (r != -EAFNOSUPPORT) {
			break;
		}
	}
	if (r == 0 || (r == -EAFNOSUPPORT && n_listeners > 0)) {
		return n_listeners;
	}
	while (n_listeners-- > 0) {
		nur_listener_destroy(ret_listeners[n_listeners]);
	}
	return r;
}

/* ---- Unix ---- */

/* Whether @address is free to be taken: nothing is there, or a socket behind which nobody answers. */
static int
check_free(const struct nur_address *address)
{
	_cleanup_(closep) int fd = -1;
	struct stat file;

	if (lstat(address->un.sun_path, &file) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(file.st_mode)) {
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, &address->any, address->len) == 0 || errno == EAGAIN) {
		return -EADDRINUSE; /* EAGAIN: it listens, and its backlog is full */
	}
	return 0;
}

static int
make_temporary(const char *path, struct nur_address *ret_address)
{
	char name[sizeof(ret_address->un.sun_path)];

	if (snprintf(name, sizeof(name), "%s.%d", path, (int)getpid()) >= (int)sizeof(name)) {
		return -ENAMETOOLONG;
	}
	return nur_address_unix(name, ret_address);
}

static int
set_owner(const char *path, const struct nur_unix_path *where)
{
	if (where->group && chown(path, (uid_t)-1, *where->group) < 0) {
		return -errno;
	}
	return chmod(path, where->mode ? where->mode : owners_only) < 0 ? -errno : 0;
}

/* Binds to a name nobody knows yet, makes it what it should be, and moves it to its place. */
static int
bind_in_place(int fd, const struct nur_unix_path *where, const struct nur_address *temporary)
{
	const char *path = temporary->un.sun_path;
	int r;

	(void)unlink(path); /* left by a former process of this number, if at all */
	/* The file gets the mode of the socket. The mask would be the whole process's. */
	if (fchmod(fd, owners_only) < 0 || bind(fd, &temporary->any, temporary->len) < 0) {
		return -errno;
	}
	r = set_owner(path, where);
	if (r == 0) {
		r = start_listening(fd, where->backlog);
	}
	if (r == 0 && rename(path, where->path) < 0) {
		r = -errno;
	}
	if (r < 0) {
		(void)unlink(path);
	}
	return r;
}

static int
open_in_place(const struct nur_unix_path *where, struct nur_listener **ret_listener)
{
	_cleanup_(nur_listener_destroyp) struct nur_listener *listener = NULL;
	_cleanup_(freep) char *path = strdup(where->path);
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct nur_address temporary;
	int r;

	if (fd < 0) {
		return -errno;
	}
	if (!path) {
		return -ENOMEM;
	}
	r = make_temporary(where->path, &temporary);
	if (r == 0) {
		r = nuri_listener_create(fd, AF_UNIX, &listener);
	}
	if (r < 0) {
		return r;
	}
	(void)steal_fd(&fd); /* the listener's */

	r = bind_in_place(nur_listener_fd(listener), where, &temporary);
	if (r == 0) {
		r = nuri_listener_own_path(listener, steal(&path));
	}
	if (r == 0) {
		*ret_listener = steal(&listener);
	}
	return r;
}

int
nur_listen_unix(const struct nur_unix_path *where, struct nur_listener **ret_listener)
{
	struct nur_address address;
	int r = nur_address_unix(where->path, &address);

	if (r == 0) {
		r = check_free(&address);
	}
	return r < 0 ? r : open_in_place(where, ret_listener);
}
