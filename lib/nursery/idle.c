/* SPDX-License-Identifier: MIT */
/*
 * Waiting until everybody waits. The scheduler wakes the list when nothing has happened for long
 * enough.
 */
#include <nursery/testing.h>

#include <errno.h>

#include "lib/nursery/scheduler.h"

static enum nur_abort
abort_idle(struct nur_task *task, void *arg)
{
	struct nuri_idle_waiter *waiter = arg;

	list_unlink(nuri_list(&waiter->node));
	return NUR_ABORT_SUCCEEDED;
}

int
nur_wait_all_tasks_blocked(nur_time cushion)
{
	struct nuri_idle_waiter waiter = { .task = nuri_calling_task(), .cushion = cushion };

	if (!waiter.task) {
		return NUR_ENOTINTASK;
	}
	if (cushion < 0) {
		return -EINVAL;
	}
	list_append(&waiter.task->run->idle_waiters, nuri_list(&waiter.node));
	return nur_wait_task_rescheduled("all tasks blocked", abort_idle, &waiter);
}
