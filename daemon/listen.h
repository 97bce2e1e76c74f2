/* SPDX-License-Identifier: MIT */
/* The daemon's own listening socket, when no service manager passed one. */
#pragma once

#include <nursery.h>
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
 * @ret_listener: given
 * @why:    what went wrong, for people; @cap bytes
 *
 * Errors: -ENOENT  the group does not exist
 *         else     as nur_listen_unix()
 */
int listen_open(const struct listen_options *options, struct nur_listener **ret_listener, char *why,
	size_t cap);
