/* SPDX-License-Identifier: MIT */
#include "client/interrupts.h"

#include <stddef.h>

static volatile sig_atomic_t n_interrupts;
static sigset_t wait_mask;

static void
count(int signal)
{
	n_interrupts = n_interrupts + 1;
}

const sigset_t *
interrupts_catch(void)
{
	struct sigaction action = { .sa_handler = count };
	sigset_t blocked;

	sigemptyset(&action.sa_mask);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	/* None of these can fail: the signal exists and the pointers are good. */
	(void)sigprocmask(SIG_BLOCK, &blocked, &wait_mask);
	(void)sigdelset(&wait_mask, SIGINT);
	(void)sigaction(SIGINT, &action, NULL);
	return &wait_mask;
}

int
interrupts_count(void)
{
	return n_interrupts;
}
