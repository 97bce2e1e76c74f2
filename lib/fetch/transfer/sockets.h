/* SPDX-License-Identifier: MIT */
/*
 * The sockets of an engine that opens and closes them itself and says which events it wants: which
 * are open, wanted, and watched, by number.
 *
 * Lazy registration: libcurl wants a socket watched while a transfer runs on it, and not in
 * between. Following it costs two epoll_ctl() for each request on a connection that is kept. So
 * when it takes its wish back, the watch stays as it is, and the next request finds it right. It
 * goes when the socket is closed, or when the idle socket turns readable: then the peer has closed
 * it or sent what nobody asked for, and libcurl will notice before using it again. Two cautions:
 * libcurl 7.88 closes a socket whose connect was abandoned without telling us (fixed in 8.2.0), and
 * the number comes back; so only sockets that were being read from stay watched, never those of a
 * removed transfer, and a number that comes back begins with an empty entry.
 *
 * What is watched and rests is known to be quiet: libcurl asks before each use of a connection
 * whether it still lives, and once more when the request is out, by poll() of one socket for no
 * time. A program that has a poll() of its own may answer both without asking the kernel
 * (docs/decisions/idle-check.md). The answer is as old as the last look at epoll: a connection can
 * turn out dead when the request is on its way.
 *
 * Severing: a socket can be closed before its user knows. Its number must not come back meanwhile,
 * or the user would read and write somebody else's socket; so a descriptor that is never ready and
 * cannot be received from takes its place, until the user closes that.
 */
#pragma once

#include <nursery.h>
#include <stdbool.h>
#include <stddef.h>

struct fetch_socket;

/*
 * ready      called on the loop's stack, with events that are wanted
 * n_open     sockets
 * n_resting  of these, on which nothing goes on: their connections are kept for others
 *
 * All else is private.
 */
struct fetch_sockets {
	void (*ready)(int fd, unsigned events, void *user);
	void *user;
	struct fetch_socket *items; /* by number */
	size_t n_items;
	size_t n_open;
	size_t n_resting;
	int stand_in; /* for severed sockets */
};

/* fetch_sockets_init() - 0 or -EMFILE and the like; fetch_sockets_fini() may follow either */
int fetch_sockets_init(struct fetch_sockets *sockets,
	void (*ready)(int fd, unsigned events, void *user), void *user);

/* fetch_sockets_fini() - watch nothing any more; closes no descriptor */
void fetch_sockets_fini(struct fetch_sockets *sockets);

/* fetch_sockets_begin() - a socket was opened; 0 or -ENOMEM */
int fetch_sockets_begin(struct fetch_sockets *sockets, int fd);

/*
 * fetch_sockets_sever() - close it, and keep its number taken until fetch_sockets_end(); 0, or a
 * negative errno and nothing has happened
 */
int fetch_sockets_sever(struct fetch_sockets *sockets, int fd);

/* fetch_sockets_end() - it is about to be closed */
void fetch_sockets_end(struct fetch_sockets *sockets, int fd);

/* fetch_sockets_want() - NUR_WATCH_READ, NUR_WATCH_WRITE or both; 0, -ENOMEM or as nur_watch_set()
 */
int fetch_sockets_want(struct fetch_sockets *sockets, int fd, unsigned events);

/* fetch_sockets_rest() - nothing is wanted for now; @is_lazy: the watch may stay */
void fetch_sockets_rest(struct fetch_sockets *sockets, int fd, bool is_lazy);

/* fetch_sockets_enter() - on this thread their user runs from now on */
void fetch_sockets_enter(struct fetch_sockets *sockets);

/* fetch_sockets_leave() - it has returned */
void fetch_sockets_leave(void);

/*
 * fetch_sockets_is_quiet() - whether @fd is one of the sockets entered on this thread, rests, and had
 * nothing to say when the loop looked last; false: it is not known
 */
bool fetch_sockets_is_quiet(int fd);
