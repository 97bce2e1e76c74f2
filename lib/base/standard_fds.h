/* SPDX-License-Identifier: MIT */
/*
 * A program that is started without one of its standard descriptors (">&-") would get that number for its first file or
 * socket, and then write its output or its log into that.
 */
#pragma once

#include <fcntl.h>
#include <unistd.h>

/*
 * standard_fds_hold() - take the numbers of those that are missing, at the beginning of a program
 *
 * What is there then can neither be read nor written (EBADF), as if nothing were there.
 */
static inline void
standard_fds_hold(void)
{
	int fd;

	do {
		fd = open("/", O_PATH | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		(void)close(fd); /* the first that is not needed */
	}
}
