/* SPDX-License-Identifier: MIT */
/*
 * Listeners.
 *
 * One waits as any descriptor does (fd.c) and is registered with the loop only meanwhile: so it
 * belongs to no run.
 */
#include <nursery/checkpoint.h>
#include <nursery/fd.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/listener.h"
#include "lib/nursery/socket.h"
#include "lib/nursery/stream.h"

/*
 * fd           -1: closed
 * is_passed    somebody else opened it, and may accept from it, too
 * is_retired   nobody is waited for any more
 * path         NULL, or what closing removes while it leads to the file dev, ino
 */
struct nur_listener {
	int fd;
	int family;
	bool is_passed;
	bool is_retired;
	char *path;
	dev_t dev;
	ino_t ino;
};

int
nuri_listener_create(int fd, int family, struct nur_listener **ret_listener)
{
	struct nur_listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		return -ENOMEM;
	}
	listener->fd = fd;
	listener->family = family;
	*ret_listener = listener;
	return 0;
}

int
nuri_listener_own_path(struct nur_listener *listener, char *path)
{
	struct stat file;

	if (lstat(path, &file) < 0) {
		int r = -errno;

		free(path);
		return r;
	}
	listener->path = path;
	listener->dev = file.st_dev;
	listener->ino = file.st_ino;
	return 0;
}

int
nuri_listener_family(const struct nur_listener *listener)
{
	return listener->family;
}

static int
check_listens(int fd)
{
	int type, is_listening, r;

	r = nuri_socket_option(fd, SO_TYPE, &type);
	if (r < 0) {
		return r;
	}
	if (type != SOCK_STREAM) {
		return -EPROTOTYPE;
	}
	r = nuri_socket_option(fd, SO_ACCEPTCONN, &is_listening);
	if (r < 0) {
		return r;
	}
	return is_listening ? 0 : -EINVAL;
}

int
nur_listener_open(int fd, struct nur_listener **ret_listener)
{
	int family, r;

	r = check_listens(fd);
	if (r == 0) {
		r = nuri_socket_option(fd, SO_DOMAIN, &family);
	}
	if (r == 0) {
		r = nuri_fd_prepare(fd);
	}
	if (r == 0) {
		r = nuri_listener_create(fd, family, ret_listener);
	}
	if (r == 0) {
		(*ret_listener)->is_passed = true;
	}
	return r;
}

int
nur_listener_fd(const struct nur_listener *listener)
{
	return listener->fd;
}

static void
remove_path(struct nur_listener *listener)
{
	struct stat file;

	if (lstat(listener->path, &file) == 0 && file.st_dev == listener->dev &&
		file.st_ino == listener->ino) {
		(void)unlink(listener->path); /* gone already is as good */
	}
}

void
nur_listener_close(struct nur_listener *listener)
{
	if (listener->fd < 0) {
		return;
	}
	if (listener->path) {
		remove_path(listener); /* first: nobody shall meet a socket that refuses */
	}
	nur_notify_closing(listener->fd);
	(void)close(steal_fd(&listener->fd)); /* gone whatever it says */
}

/*
 * shutdown() lets connect() fail and accept() take who is in the queue (unix(7) does not say so, but every
 * kernel since 2.6 does it). It would drop the queue of a TCP port.
 */
void
nur_listener_retire(struct nur_listener *listener)
{
	if (listener->fd < 0) {
		return;
	}
	if (listener->is_passed) {
		nur_listener_close(listener);
		return;
	}
	if (listener->path) {
		remove_path(listener);
	}
	if (listener->family == AF_UNIX) {
		(void)shutdown(listener->fd, SHUT_RD); /* cannot fail: it listens */
	}
	listener->is_retired = true;
	nur_notify_closing(listener->fd); /* who waits looks once more */
}

void
nur_listener_destroy(struct nur_listener *listener)
{
	if (listener) {
		nur_listener_close(listener);
		free(listener->path);
		free(listener);
	}
}

/*
 * accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code
 * from accept()." The rest are a firewall's and other kernels'; Trio has the same list.
 */
static bool
is_of_connection(int error)
{
	switch (error) {
	case ECONNABORTED:
	case ECONNRESET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EINTR:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case ENOSR:
	case EOPNOTSUPP:
	case EPERM:
	case EPROTO:
	case EPROTONOSUPPORT:
	case ESOCKTNOSUPPORT:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

int
nuri_listener_take(struct nur_listener *listener, int *ret_fd)
{
	int fd;

	if (listener->fd < 0) {
		return NUR_ECLOSED;
	}
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		return listener->is_retired ? NUR_ECLOSED : NUR_EWOULDBLOCK;
	}
	return is_of_connection(errno) ? -ECONNABORTED : -errno;
}

int
nuri_listener_wait(struct nur_listener *listener)
{
	int r;

	if (listener->fd < 0) {
		return NUR_ECLOSED;
	}
	if (listener->is_retired) {
		return nur_checkpoint();
	}
	r = nur_wait_readable(listener->fd);
	return r == NUR_ECLOSED && listener->is_retired && listener->fd >= 0 ? 0 : r;
}

/* As nuri_listener_take(), but waits; between two tries others run, whatever came of the first. */
static int
take_or_wait(struct nur_listener *listener, int *ret_fd)
{
	int r = nuri_listener_take(listener, ret_fd);

	if (r != NUR_EWOULDBLOCK && r != -ECONNABORTED) {
		(void)nur_cancel_shielded_checkpoint(); /* in a task it cannot fail */
		return r;
	}
	do {
		r = nuri_listener_wait(listener);
		if (r < 0) {
			return r;
		}
		r = nuri_listener_take(listener, ret_fd);
	} while (r == NUR_EWOULDBLOCK || r == -ECONNABORTED);
	return r;
}

int
nur_listener_accept(struct nur_listener *listener, struct nur_stream **ret_stream)
{
	_cleanup_(closep) int fd = -1;
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = take_or_wait(listener, &fd);
	if (r < 0) {
		return r;
	}
	r = nuri_stream_open_socket(fd, listener->family, ret_stream);
	if (r == 0) {
		(void)steal_fd(&fd); /* the stream's */
	}
	return r;
}
