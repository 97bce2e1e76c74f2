/* SPDX-License-Identifier: MIT */
#include "client/interrupts.h"

#include <stddef.h>

#include "lib/base/cleanup.h"

static volatile sig_atomic_t n_interrupts;
static sigset_t wait_mask;

static void
count(int signal)
{
	if (signal != SIGWINCH) {
		n_interrupts = n_interrupts + 1;
	}
}

static const sigset_t *
catch_these(const int *signals, size_t n)
{
	struct sigaction action = { .sa_handler = count };
	sigset_t blocked;
	size_t i;

	sigemptyset(&action.sa_mask);
	sigemptyset(&blocked);
	for (i = 0; i < n; i++) {
		sigaddset(&blocked, signals[i]);
	}
	/* None of these can fail: the signals exist and the pointers are good. */
	(void)sigprocmask(SIG_BLOCK, &blocked, &wait_mask);
	for (i = 0; i < n; i++) {
		(void)sigdelset(&wait_mask, signals[i]);
		(void)sigaction(signals[i], &action, NULL);
	}
	return &wait_mask;
}

const sigset_t *
interrupts_catch(void)
{
	static const int signals[] = { SIGINT };

	return catch_these(signals, ARRAY_LEN(signals));
}

const sigset_t *
interrupts_catch_all(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

	return catch_these(signals, ARRAY_LEN(signals));
}

int
interrupts_count(void)
{
	return n_interrupts;
}
