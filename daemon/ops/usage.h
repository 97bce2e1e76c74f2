/* SPDX-License-Identifier: MIT */
/* What this process uses of the machine. */
#pragma once

#include <stdint.h>

/* What cannot be told is 0. */
struct usage {
	int64_t cpu_ns;
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t n_fds;
	uint64_t max_fds;
};

/* usage_read() - read it; does not wait, and costs a few system calls */
void usage_read(struct usage *ret_usage);
