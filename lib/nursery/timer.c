/* SPDX-License-Identifier: MIT */
/* Calls on the loop's stack: at a time, and in the next pass. */
#include <nursery/watch.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

static void
expire(struct nur_deadline *deadline)
{
	struct nur_timer *timer = container_of(deadline, struct nur_timer, deadline);

	timer->call.fn(timer->call.arg);
}

void
nur_timer_init(struct nur_timer *timer, void (*fn)(void *arg), void *arg)
{
	nuri_deadline_init(&timer->deadline, expire);
	nur_call_init(&timer->call, fn, arg);
}

void
nur_timer_set(struct nur_timer *timer, nur_time deadline)
{
	struct nuri_run *run = nuri_run_needed_by("nur_timer_set()");

	nuri_deadlines_remove(&run->deadlines, &timer->deadline);
	nur_call_cancel(&timer->call);
	if (deadline == NUR_FOREVER) {
		return;
	}
	if (run->deadlines.is_expiring && deadline <= run->now) {
		/* for the next pass: one that sets itself again and again would not let this one end */
		nur_call_soon(&timer->call);
	} else {
		nuri_deadlines_insert(&run->deadlines, &timer->deadline, deadline);
	}
}

void
nur_timer_stop(struct nur_timer *timer)
{
	if (nuri_deadline_is_queued(&timer->deadline)) {
		nuri_deadlines_remove(
			&nuri_run_needed_by("nur_timer_stop()")->deadlines, &timer->deadline);
	}
	nur_call_cancel(&timer->call);
}

void
nur_call_init(struct nur_call *call, void (*fn)(void *arg), void *arg)
{
	list_init(nuri_list(&call->node));
	call->fn = fn;
	call->arg = arg;
}

void
nur_call_soon(struct nur_call *call)
{
	struct nuri_run *run = nuri_run_needed_by("nur_call_soon()");

	if (!list_is_linked(nuri_list(&call->node))) {
		list_append(&run->calls, nuri_list(&call->node));
	}
}

void
nur_call_cancel(struct nur_call *call)
{
	list_unlink(nuri_list(&call->node));
}
