/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: a deadline that wakes the task. No scope of its own is needed: the deadline takes the
 * task out of its wait, a cancellation takes the deadline out of the heap.
 */
#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

struct sleeper {
	struct nur_deadline deadline;
	struct nur_task *task;
};

static void
wake(struct nur_deadline *deadline)
{
	nur_reschedule(container_of(deadline, struct sleeper, deadline)->task, 0);
}

static enum nur_abort
abort_sleep(struct nur_task *task, void *arg)
{
	struct sleeper *sleeper = arg;

	nuri_deadlines_remove(&task->run->deadlines, &sleeper->deadline);
	return NUR_ABORT_SUCCEEDED;
}

int
nur_sleep_until(nur_time deadline)
{
	struct sleeper sleeper = { .task = nuri_calling_task() };
	struct nuri_run *run;

	if (!sleeper.task) {
		return NUR_ENOTINTASK;
	}
	if (deadline == NUR_FOREVER) {
		return nur_sleep_forever();
	}
	run = sleeper.task->run;
	if (deadline <= nuri_run_now(run)) {
		return nur_checkpoint();
	}
	nuri_deadline_init(&sleeper.deadline, wake);
	nuri_deadlines_insert(&run->deadlines, &sleeper.deadline, deadline);
	return nur_wait_task_rescheduled("sleep", abort_sleep, &sleeper);
}

int
nur_sleep(nur_time timeout)
{
	struct nur_task *task = nuri_calling_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (timeout < 0) {
		return -EINVAL;
	}
	if (timeout == 0) {
		return nur_checkpoint();
	}
	return nur_sleep_until(nur_time_add(nuri_run_now(task->run), timeout));
}

static enum nur_abort
abort_sleep_forever(struct nur_task *task, void *arg)
{
	return NUR_ABORT_SUCCEEDED;
}

int
nur_sleep_forever(void)
{
	int r = nur_wait_task_rescheduled("sleep", abort_sleep_forever, NULL);

	if (r >= 0) {
		return nur_fail(NUR_EINTERNAL, "nur_sleep_forever() was woken by hand");
	}
	return r;
}
