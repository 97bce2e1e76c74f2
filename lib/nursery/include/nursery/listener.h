/* SPDX-License-Identifier: MIT */
/*
 * Listeners: sockets that connections are accepted from. Belonging to no run, they may be opened
 * before one, or come from a service manager. nur_serve() accepts from them in a loop.
 */
#pragma once

#include <nursery/address.h>
#include <nursery/errors.h>
#include <nursery/stream.h>
#include <sys/types.h>

NUR_BEGIN_DECLS

struct nur_listener;

/**
 * nur_listener_open() - make a listener of a socket that listens, such as one from a service manager
 * @fd:         is made non-blocking and close-on-exec
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; needs no run
 * Ownership:   takes @fd on success; the listener is given, nur_listener_destroy()
 * Errors:      -EBADF, -ENOTSOCK  @fd is not open, or no socket
 *              -EPROTOTYPE        not of type SOCK_STREAM
 *              -EINVAL            it does not listen
 *              -ENOMEM            no memory
 * Source:      Trio SocketListener()
 *
 * Return: 0 or an error.
 */
int nur_listener_open(int fd, struct nur_listener **ret_listener);

/**
 * nur_listen_tcp() - listen on TCP addresses
 * @addresses:      @n of them, at least one; nur_address_wildcards() for every interface
 * @backlog:        callers that may wait to be accepted; 0: as many as the system allows
 * @ret_listeners:  room for @n
 *
 * A family that this system does not have is left out if another one works. IPv6 listeners take no
 * IPv4 callers. Port 0 is a free one, another for each address: nur_address_of_socket() tells.
 *
 * Shape:       listeners in the order of their addresses
 * Units:       none
 * Checkpoint:  never; needs no run
 * Ownership:   each listener is given, nur_listener_destroy(); none on error
 * Errors:      -EINVAL        @n is 0, or a negative backlog
 *              -EAFNOSUPPORT  this system has none of the families
 *              -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, …  as bind(2) and listen(2)
 *              -ENOMEM        no memory
 * Source:      Trio open_tcp_listeners()
 *
 * Return: how many listeners, 1 to @n, or an error.
 */
int nur_listen_tcp(const struct nur_address *addresses, size_t n, int backlog,
	struct nur_listener **ret_listeners);

/**
 * struct nur_unix_path - a Unix socket in the file system
 * @path:       its folder exists
 * @mode:       of the file: who may write, may connect; 0: 0600, its owner
 * @group:      that owns the file, or NULL: the process's own
 * @backlog:    as nur_listen_tcp()
 */
struct nur_unix_path {
	const char *path;
	mode_t mode;
	const gid_t *group;
	int backlog;
};

/**
 * nur_listen_unix() - listen on a Unix socket
 *
 * It is made under a temporary name and renamed, so that nobody meets it half made. A socket that a
 * dead process left there is replaced; one that answers is not, and no other file either. Closing
 * the listener removes the file, unless something else is there by then.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never; needs no run
 * Ownership:   @where is borrowed for the call; the listener is given, nur_listener_destroy()
 * Errors:      -EADDRINUSE    somebody serves there
 *              -EEXIST        something that is no socket is there
 *              -ENAMETOOLONG  over 107 bytes, those of the temporary name included: ".", and the
 *                             process's number
 *              -EINVAL        the path is empty, or a negative backlog
 *              -EPERM         the file cannot be given to @group
 *              -ENOENT, -EACCES, …  as bind(2), listen(2) and rename(2)
 *              -ENOMEM        no memory
 * Source:      unix(7)
 *
 * Return: 0 or an error.
 */
int nur_listen_unix(const struct nur_unix_path *where, struct nur_listener **ret_listener);

/**
 * nur_listener_accept() - wait for a connection
 *
 * A connection that failed before it was accepted is passed over: accept(2) reports its error as if
 * it were the listener's.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always, also when somebody is waiting
 * Ownership:   the stream is given, nur_stream_destroy()
 * Errors:      NUR_ECANCELED     cancelled; nobody was accepted
 *              NUR_EBUSY         another task waits to accept
 *              NUR_ECLOSED       the listener was closed, before or meanwhile; or it was retired, and
 *                                nobody is left
 *              -EMFILE, -ENFILE  no descriptor is left; the caller still waits
 *              -ENOBUFS, -ENOMEM no memory; the caller may be lost
 *              NUR_ENOTINTASK    the caller is no task
 * Source:      Trio SocketListener.accept()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_listener_accept(
	struct nur_listener *listener, struct nur_stream **ret_stream);

/* nur_listener_fd() - the descriptor, borrowed; -1 once closed (no checkpoint) */
int nur_listener_fd(const struct nur_listener *listener);

/*
 * nur_listener_close() - close the descriptor, remove the file of nur_listen_unix(); a task that
 * waits gets NUR_ECLOSED; twice is harmless (no checkpoint)
 */
void nur_listener_close(struct nur_listener *listener);

/**
 * nur_listener_retire() - let nobody come any more, but everybody in who has come
 *
 * Who has connected is still accepted; when nobody is left, accepting ends with NUR_ECLOSED. At a
 * Unix socket whoever connects from now on is refused, and the file of nur_listen_unix() is removed.
 * At a TCP port they may be accepted or refused.
 *
 * A socket from nur_listener_open() may be in the hands of others, who accept from it next: those
 * who have connected are left to them, and the listener is closed.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   none; the listener is still to be destroyed. Closed or retired before: no effect
 * Errors:      none
 * Source:      RFC 9112, section 9.6 (who closes owes an answer to what has come)
 */
void nur_listener_retire(struct nur_listener *listener);

/*
 * nur_listener_destroy() - close and free; no task is inside a call of it. Accepts NULL (no
 * checkpoint)
 */
void nur_listener_destroy(struct nur_listener *listener);

NUR_END_DECLS
