/* SPDX-License-Identifier: MIT */
#include "daemon/jobs/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

enum {
	reader_ms = 5000 /* that the reader of a full pipe may take nothing */
};

/* FILE.@number; FILE itself is 0. */
static int
name_of(const struct report_file *report, unsigned number, char *ret_name)
{
	int n = number == 0 ? snprintf(ret_name, PATH_MAX, "%s", report->file)
			    : snprintf(ret_name, PATH_MAX, "%s.%u", report->file, number);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Each file takes the name of the one before it; the last one goes. */
static int
rotate(const struct report_file *report)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	int r;

	if (report->keep == 0) {
		return unlink(report->file) < 0 ? -errno : 0;
	}
	for (unsigned number = report->keep; number > 0; number--) {
		r = name_of(report, number - 1, from);
		if (r == 0) {
			r = name_of(report, number, to);
		}
		if (r < 0) {
			return r;
		}
		if (rename(from, to) < 0 && errno != ENOENT) {
			return -errno;
		}
	}
	return 0;
}

/* On a file system without locks, who shares a report with another job goes without. */
static void
lock(int fd)
{
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR) {
	}
}

/* Whether it is still the file of that name: somebody may have rotated it while its lock was waited for. */
static bool
is_current(const struct report_file *report, const struct stat *opened)
{
	struct stat named;

	if (stat(report->file, &named) < 0) {
		return errno != ENOENT;
	}
	return named.st_dev == opened->st_dev && named.st_ino == opened->st_ino;
}

/*
 * Opened, and locked as long as it is open: two jobs may have one report. The end of the daemon waits for us, so nobody
 * is waited for who may never come to read a pipe.
 */
static int
open_file(const struct report_file *report, int64_t *ret_size)
{
	for (;;) {
		int fd = open(
			report->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
		struct stat st;
		int r = 0;

		if (fd < 0) {
			return -errno;
		}
		lock(fd);
		if (fstat(fd, &st) < 0) {
			r = -errno;
		} else if (is_current(report, &st)) {
			*ret_size = S_ISREG(st.st_mode) ? st.st_size : 0;
			return fd;
		}
		(void)close(fd); /* nothing was written */
		if (r < 0) {
			return r;
		}
	}
}

/* A line may be longer than a pipe; who reads it is waited for, but not for ever. */
static bool
has_room(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	return poll(&pollfd, 1, reader_ms) > 0;
}

static int
write_line(int fd, int64_t size, const char *line, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, line + done, len - done);

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && has_room(fd)))) {
			continue;
		}
		if (n < 0) {
			int r = -errno;

			(void)!ftruncate(
				fd, size); /* a reader wants whole lines; it may fail, too */
			return r;
		}
		done += (size_t)n;
	}
	return 0;
}

int
report_append(const struct report_file *report, const char *line, size_t len)
{
	_cleanup_(closep) int fd = -1;
	int64_t size = 0;
	int r;

	fd = open_file(report, &size);
	if (fd < 0) {
		return fd;
	}
	if (size > 0 && size + (int64_t)len > report->max_size) {
		r = rotate(report);
		if (r < 0) {
			return r;
		}
		(void)close(fd); /* nothing was written */
		fd = open_file(report, &size);
		if (fd < 0) {
			return fd;
		}
	}
	return write_line(fd, size, line, len);
}
