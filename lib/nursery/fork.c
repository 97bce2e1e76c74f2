/* SPDX-License-Identifier: MIT */
/*
 * fork(2) copies one thread, and with it all runs. The copies share their descriptors with the originals:
 * a child that went on in one would take the parent's events away. So it finds itself outside of any run,
 * where each call refuses, and what needs no run compares generations.
 */
#include "lib/nursery/fork.h"

#include <pthread.h>

#include "lib/nursery/scheduler.h"
#include "lib/nursery/thread_cache.h"

unsigned nuri_fork_generation;

static struct nuri_run *left_run;

static void
enter_child(void)
{
	nuri_fork_generation++;
	if (nuri_current_run()) {
		left_run = nuri_current_run();
	}
	nuri_set_current_run(NULL);
	nuri_thread_cache_after_fork(true);
	nuri_signal_after_fork();
}

static void
go_on_in_parent(void)
{
	nuri_thread_cache_after_fork(false);
}

static void
install(void)
{
	/* without memory for it a child is merely not warned */
	(void)pthread_atfork(nuri_thread_cache_before_fork, go_on_in_parent, enter_child);
}

void
nuri_fork_guard(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, install);
}

struct nuri_run *
nuri_fork_left_run(void)
{
	return left_run;
}
