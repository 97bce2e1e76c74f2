/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C as something that is counted. The signal is blocked but while the program waits, so it
 * never arrives between looking at the count and waiting.
 */
#pragma once

#include <signal.h>

/* interrupts_catch() - from now on; returns the mask to wait with */
const sigset_t *interrupts_catch(void);

/*
 * interrupts_catch_all() - the same for whatever would leave a screen behind (SIGTERM, SIGHUP, SIGQUIT), too; a
 * resized window ends the waiting and does not count
 */
const sigset_t *interrupts_catch_all(void);

/* interrupts_count() - how often it came */
int interrupts_count(void);
