/* SPDX-License-Identifier: MIT */
/* Listeners as those that make them and the accept loop see them. */
#pragma once

#include <nursery/listener.h>

/*
 * nuri_listener_create() - of a socket that listens, non-blocking and close-on-exec from birth
 * @family:     its own
 *
 * Ownership: takes @fd on success. Errors: -ENOMEM.
 */
int nuri_listener_create(int fd, int family, struct nur_listener **ret_listener);

/*
 * nuri_listener_own_path() - remove @path with the listener, while it leads to this socket
 *
 * Ownership: takes @path, which is malloc()ed. Errors: as lstat(2); then it is not removed.
 */
int nuri_listener_own_path(struct nur_listener *listener, char *path);

/* nuri_listener_family() - the address family of its connections */
int nuri_listener_family(const struct nur_listener *listener);

/*
 * nuri_listener_take() - a connection that is there, without waiting
 * @ret_fd:     given; non-blocking and close-on-exec
 *
 * Errors: NUR_EWOULDBLOCK nobody is there; -ECONNABORTED one who was has failed; NUR_ECLOSED, also
 * when it is retired and nobody is left; as accept(2).
 */
int nuri_listener_take(struct nur_listener *listener, int *ret_fd);

/* nuri_listener_wait() - until somebody may be there, or nobody is to come; as nur_wait_readable() */
NUR_CHECKPOINT int nuri_listener_wait(struct nur_listener *listener);
