/* SPDX-License-Identifier: MIT */
#include "daemon/ops/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

static int64_t
ns_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000000 + (int64_t)time->tv_usec * 1000;
}

/* Since Linux 6.2 the folder's size is their number; before, it is 0, and they are counted. */
static uint64_t
count_fds(void)
{
	struct stat st;
	uint64_t n = 0;
	DIR *dir;

	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0) {
		return (uint64_t)st.st_size;
	}
	dir = opendir("/proc/self/fd");
	if (!dir) {
		return 0;
	}
	while (readdir(dir)) {
		n++;
	}
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the one this was read from */
}

static void
read_memory(struct usage *usage)
{
	_cleanup_(closep) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long size;
	unsigned long long resident;
	char text[128];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len <= 0) {
		return;
	}
	text[len] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) == 2) {
		usage->virtual_bytes = size * page;
		usage->resident_bytes = resident * page;
	}
}

void
usage_read(struct usage *ret_usage)
{
	struct usage usage = { 0 };
	struct rusage rusage;
	struct rlimit limit;

	if (getrusage(RUSAGE_SELF, &rusage) == 0) {
		usage.cpu_ns = ns_of(&rusage.ru_utime) + ns_of(&rusage.ru_stime);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		usage.max_fds = limit.rlim_cur;
	}
	usage.n_fds = count_fds();
	read_memory(&usage);
	*ret_usage = usage;
}
