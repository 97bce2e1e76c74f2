/* SPDX-License-Identifier: MIT */
/* The daemon's own listening socket, when no service manager passed one. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * path   of the socket; its folder exists
 * mode   of the file
 * group  that owns it, or NULL: the process's own
 */
struct listen_options {
	const char *path;
	mode_t mode;
	const char *group;
};

/**
 * listen_open() - a Unix stream socket that listens, put in place at once
 * @ret_fd: given; non-blocking, close-on-exec
 * @why:    what went wrong, for people; @cap bytes
 *
 * The socket is made under a temporary name and renamed, so that nobody meets it half made. One that a dead
 * daemon left is replaced; one that answers is not.
 *
 * Errors: -EADDRINUSE    another process serves there
 *         -ENAMETOOLONG  over 107 bytes
 *         -ENOENT        the group does not exist
 *         -errno         of the system calls
 */
int listen_open(const struct listen_options *options, int *ret_fd, char *why, size_t cap);
