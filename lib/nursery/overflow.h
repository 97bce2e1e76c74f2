/* SPDX-License-Identifier: MIT */
/*
 * Reports a task that ran off its stack: "libnursery: stack overflow in task NAME", on standard error,
 * before the process ends as it would have ended anyway.
 */
#pragma once

/*
 * struct nuri_overflow - somebody on a thread who wants reports
 *
 * next  another one on the same thread
 * find  the name of the task whose guard @address lies in, or NULL; called in a signal handler
 */
struct nuri_overflow {
	struct nuri_overflow *next;
	const char *(*find)(const void *address, void *arg);
	void *arg;
};

/* nuri_overflow_begin() - watch the calling thread, beside those who do already; 0, -ENOMEM or as sigaction(2) */
int nuri_overflow_begin(struct nuri_overflow *overflow,
	const char *(*find)(const void *address, void *arg), void *arg);

/* nuri_overflow_end() - no longer; on the same thread */
void nuri_overflow_end(struct nuri_overflow *overflow);
