/* SPDX-License-Identifier: MIT */
/* Sockets that the service manager opened for us: sd_listen_fds_with_names(3) by hand. */
#pragma once

/* The first descriptor that a manager passes. */
#define LISTEN_FDS_START 3

/**
 * listen_fds_take() - take the passed listening socket of a name
 * @first:      LISTEN_FDS_START; a test has other descriptors there
 * @name:       what FileDescriptorName= of the socket unit says
 * @ret_fd:     the listening socket, or -1 when none was passed
 *
 * Descriptors are known by their names, never by their position. Those of other names are closed,
 * and the variables $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES removed, also after an error.
 * Variables meant for another process ($LISTEN_PID) are removed and nothing else is touched.
 *
 * Shape:       a Unix stream socket that listens
 * Checkpoint:  never
 * Ownership:   @ret_fd is given; close-on-exec and non-blocking
 * Errors:      -EINVAL      $LISTEN_FDS is no number from 0 to 1024
 *              -ENOTSOCK    the descriptor of that name is no socket (or not open: -EBADF)
 *              -EPROTOTYPE  it is no Unix stream socket, or does not listen
 *              -EEXIST      two have that name
 *
 * Return: 1 when taken, 0 when none was passed, or a negative error code from the list.
 */
int listen_fds_take(int first, const char *name, int *ret_fd);
