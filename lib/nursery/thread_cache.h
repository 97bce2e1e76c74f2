/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for work. There is one cache in a process, for all runs; it has no limit of its
 * own. Knows nothing of runs and tasks.
 */
#pragma once

#include <stdbool.h>

#define NURI_THREAD_NAME_CAP 16 /* the kernel's */

/*
 * struct nuri_thread_work - lives in the memory of whoever has it done
 *
 * run      on a thread
 * deliver  on the same thread, when that is free for other work already: whoever learns from it that
 *          this work is done gets the same thread for the next; must not block
 * name     of the thread meanwhile
 */
struct nuri_thread_work {
	void (*run)(struct nuri_thread_work *work);
	void (*deliver)(struct nuri_thread_work *work);
	char name[NURI_THREAD_NAME_CAP];
};

/*
 * nuri_thread_cache_start() - have it done, by the thread that has been idle for the shortest time,
 * or by a new one. 0, or -EAGAIN, -ENOMEM, … and it is not done
 */
int nuri_thread_cache_start(struct nuri_thread_work *work);

/* Around fork(2): nothing is being changed meanwhile, and in a child no thread is idle. */
void nuri_thread_cache_before_fork(void);
void nuri_thread_cache_after_fork(bool is_child);
