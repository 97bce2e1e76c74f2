/* SPDX-License-Identifier: MIT */
/*
 * Reports a task that ran off its stack: "libnursery: stack overflow in task NAME", on standard error,
 * before the process ends as it would have ended anyway.
 */
#pragma once

/*
 * struct nuri_overflow - a thread that wants reports
 *
 * find       the name of the task whose guard @address lies in, or NULL; called in a signal handler
 * alt_stack  what the handler runs on; NULL: the thread had one
 */
struct nuri_overflow {
	const char *(*find)(const void *address, void *arg);
	void *arg;
	void *alt_stack;
};

/* nuri_overflow_begin() - watch the calling thread; 0, -ENOMEM or as sigaction(2) */
int nuri_overflow_begin(struct nuri_overflow *overflow,
	const char *(*find)(const void *address, void *arg), void *arg);

/* nuri_overflow_end() - no longer; on the same thread */
void nuri_overflow_end(struct nuri_overflow *overflow);
