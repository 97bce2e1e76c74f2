/* SPDX-License-Identifier: MIT */
/*
 * A poll() of the daemon's own, in front of libc's, for libcurl: what the loop knows already the
 * kernel is not asked. See quiet_poll.c.
 */
#pragma once

#include <stdbool.h>

/* poll_ask_kernel() - every time, or only for what the loop does not know, which is how it begins */
void poll_ask_kernel(bool always);
