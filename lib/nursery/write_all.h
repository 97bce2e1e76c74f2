/* SPDX-License-Identifier: MIT */
/* write(2) as its callers mean it: all of a text, or an error. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* nuri_write_all() - write(2) until all is written, over interruptions; 0 or a negative errno */
static inline int
nuri_write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}
