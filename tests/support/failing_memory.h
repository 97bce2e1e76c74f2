/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at every single allocation, one run each: the failure must be reported as one, and
 * nothing may leak (AddressSanitizer and valgrind look). The linker puts the allocators of this file in place
 * of libc's for our own code; outside libraries keep theirs.
 */
#pragma once

#include <stdbool.h>

#include "tests/support/test.h"

/* t_fail_after() - let @n allocations succeed and the next one fail, on whatever thread; negative: none does */
void t_fail_after(int n);

/* t_has_failed() - one has, since the last t_fail_after() of 0 or more */
bool t_has_failed(void);

/*
 * t_fail_each_allocation() - run @scenario(@i) with each of its allocations failing, until none is left
 * @expected: what it returns when memory does not run out; else it has to return -ENOMEM
 */
void t_fail_each_allocation(int (*scenario)(int i), int i, int expected);
