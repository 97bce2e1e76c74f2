/* SPDX-License-Identifier: MIT */
/*
 * A host for guests: an event_base, and what the host knows of one guest on it.
 *
 *	t_host_open(&host);
 *	t_host_start(&host, fn, arg, NULL);
 *	ck_assert_int_eq(t_host_run(&host), 0);	// until the guest is done; what its main task returned
 *	t_host_close(&host);
 */
#pragma once

#include <event2/event.h>

#include "tests/support/in_run.h"

struct t_host {
	struct event_base *base;
	struct nur_guest *guest;
	struct nur_errors errors;
	int result;
	bool is_done;
};

void t_host_open(struct t_host *host);

/* t_host_start() - a guest whose end stops the loop; @clock may be NULL; asserts success */
void t_host_start(struct t_host *host, nur_task_fn fn, void *arg, struct nur_mock_clock *clock);

/* t_host_run() - the loop, until the guest's end; what its main task returned */
int t_host_run(struct t_host *host);

/* t_host_close() - the guest, its errors and the base */
void t_host_close(struct t_host *host);

/*
 * t_host_call() - call @fn once, outside of any run, behind what is active on @base: before the loop
 * asks the kernel again; t_host_call_later(): after it has
 */
void t_host_call(struct event_base *base, void (*fn)(void *arg), void *arg);
void t_host_call_later(struct event_base *base, void (*fn)(void *arg), void *arg);
