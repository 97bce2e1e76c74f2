/* SPDX-License-Identifier: MIT */
/*
 * Start and started; docs/tasks.md has the mechanism. The start lies on the stack of who waits, in a
 * temporary nursery; the status on the stack of the task, which may look at it as long as it lives.
 */
#include <nursery/start.h>
#include <nursery/watch.h>

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

/* graduation  the task's move to the nursery, when that has to come later */
struct start {
	struct nur_nursery temporary;
	struct nur_call graduation;
	nur_start_fn fn;
	void *arg;
	void *value;
	bool is_ready;
};

/* start is NULL once the task is ready: who waited may be gone by then. */
struct nur_task_status {
	struct start *start;
};

static int
run_start(void *arg)
{
	struct start *start = arg;
	struct nur_task_status status = { .start = start };

	return start->fn(&status, start->arg);
}

static void
graduate(void *arg)
{
	struct start *start = arg;

	if (!start->temporary.scope.is_effectively_cancelled) {
		nuri_nursery_graduate(&start->temporary);
	}
}

int
nur_started(struct nur_task_status *status, void *value)
{
	struct nuri_run *run;
	struct start *start;

	if (status == NUR_TASK_STATUS_IGNORED) {
		return 0;
	}
	if (!status->start) {
		return -EALREADY;
	}
	start = steal(&status->start);
	start->value = value;
	start->is_ready = true;
	run = start->temporary.run;
	if (run->no_waiting_in) {
		nur_call_soon(&start->graduation); /* a walk may be in the branch that is to move */
	} else {
		graduate(start);
	}
	return 0;
}

/* What failed in the temporary nursery, as a failure of the calling task itself. */
static int
unwrap(int rc, struct nur_errors *errors)
{
	if (errors->n + errors->n_lost > 1) {
		return nur_fail_with(NUR_EINTERNAL, errors);
	}
	if (errors->n == 1) {
		nuri_fail_as(&errors->items[0], errors->n_cancelled);
	}
	nur_errors_fini(errors);
	return rc;
}

int
nur_start(
	struct nur_nursery *nursery, const char *name, nur_start_fn fn, void *arg, void **ret_value)
{
	struct start start = { .fn = fn, .arg = arg };
	struct nur_errors errors;
	int r;

	if (!fn) {
		return -EINVAL;
	}
	if (!name) {
		name = nuri_function_name((uintptr_t)fn);
	}
	r = nuri_nursery_open_temporary(&start.temporary, nursery);
	if (r < 0) {
		return r;
	}
	nur_call_init(&start.graduation, graduate, &start);
	r = nur_start_soon(&start.temporary, name, run_start, &start);
	r = nuri_nursery_close_temporary(&start.temporary, r, &errors);
	nur_call_cancel(&start.graduation);
	if (r < 0) {
		return unwrap(r, &errors);
	}
	if (!start.is_ready) {
		return nur_fail(NUR_ENOTSTARTED, "\"%s\" returned before it was ready", name);
	}
	if (ret_value) {
		*ret_value = start.value;
	}
	return 0;
}
