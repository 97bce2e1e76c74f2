/* SPDX-License-Identifier: MIT */
/*
 * The life of a run: opened, filled with a main task, driven pass by pass until no task is left, counted
 * and closed. What a pass does is the scheduler's; who calls for it is nur_run(), or a guest's host.
 */
#include <nursery/limiter.h>
#include <nursery/run.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fd_table.h"
#include "lib/nursery/fork.h"
#include "lib/nursery/hog.h"
#include "lib/nursery/local.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"
#include "lib/nursery/stack_use.h"
#include "lib/nursery/thread_job.h"
#include "lib/nursery/token.h"

void
nuri_run_break(struct nuri_run *run, const char *what)
{
	if (!run->internal) {
		run->internal = what;
		nuri_scope_cancel(&run->system.scope, NUR_CANCEL_SHUTDOWN, what);
	}
}

void
nuri_run_report(struct nuri_run *run, const char *format, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (run->report) {
		run->report(line, run->report_arg);
	} else {
		(void)fprintf(stderr, "libnursery: %s\n", line);
	}
}

static nur_time
system_now(void *user)
{
	return nuri_monotonic();
}

static nur_time
system_until(nur_time deadline, void *user)
{
	nur_time left = nur_time_sub(deadline, nuri_monotonic());

	return left > 0 ? left : 0;
}

static const struct nur_clock system_clock = { .now = system_now, .until = system_until };

static const char *
name_of_stack(const struct nuri_stack *stack)
{
	const struct nur_task *task = nuri_task_on(stack);

	return task->name ? task->name : "unnamed";
}

int
nuri_run_open(struct nuri_run *run, const struct nur_run_options *options, struct nuri_host *host)
{
	int r;

	if (nuri_fork_left_run()) {
		return NUR_ENESTEDRUN;
	}
	nuri_fork_guard();
	*run = (struct nuri_run){
		.generation = nuri_fork_generation,
		.clock = options->clock ? options->clock : &system_clock,
		.max_tasks = options->max_tasks > 0 ? options->max_tasks : SIZE_MAX,
		.is_seeded = options->is_seeded,
		.detects_deadlock = options->detects_deadlock,
		.idle_since = NUR_FOREVER,
		.report = options->report,
		.report_arg = options->report_arg,
	};
	nuri_instruments_init(&run->instruments);
	list_init(&run->run_queue);
	list_init(&run->calls);
	list_init(&run->idle_waiters);
	list_init(&run->requests);
	nur_parking_lot_init(&run->threads_completed);
	run->random = options->is_seeded ? options->seed ^ UINT64_C(0x9e3779b97f4a7c15)
					 : (uint64_t)nuri_monotonic();
	run->random |= run->random == 0;
	nuri_nursery_open_system(run);

	r = nuri_loop_init(&run->loop, host);
	if (r < 0) {
		return r;
	}
	r = nuri_stack_pool_init(&run->stacks, options->stack_size, name_of_stack);
	if (r < 0) {
		nuri_loop_fini(&run->loop);
	}
	return r;
}

/* What the options want to look at the run; whether it may begin. */
static int
begin_watching(struct nuri_run *run, const struct nur_run_options *options)
{
	int r = nuri_hog_begin(run, options->hog_after_ns);

	if (r == 0 && options->measures_stacks) {
		r = nuri_stack_use_begin(run);
	}
	return r == 0 ? nuri_instruments_begin(run, options) : r;
}

/* What may ask for the run ends while it is the current one; also after a beginning that failed. */
static void
end_current(struct nuri_run *run)
{
	nuri_instruments_end(run);
	nuri_hog_end(run);
	nuri_stack_use_end(run);
	nuri_locals_clear(&run->locals);
}

int
nuri_run_start(
	struct nuri_run *run, const struct nur_run_options *options, nur_task_fn fn, void *arg)
{
	int r;

	if (run->clock->start) {
		run->clock->start(run->clock->user);
	}
	run->polled_at = nuri_monotonic();
	(void)nuri_run_now(run);
	r = begin_watching(run, options);
	if (r == 0) {
		r = nuri_task_spawn(NULL, "main", fn, arg, run);
	}
	if (r < 0) {
		/* with what hooks have begun: a token may be open, system tasks queued */
		nuri_run_abandon(run);
	}
	return r;
}

static void
abandon_task(struct nuri_stack *stack)
{
	nuri_task_abandon(nuri_task_on(stack));
}

void
nuri_run_abandon(struct nuri_run *run)
{
	nuri_token_end(run);
	nuri_stack_pool_abandon(&run->stacks, abandon_task);
	nuri_requests_abandon(run);
	nur_errors_fini(&run->main_errors);
	nur_errors_fini(&run->system.errors);
	end_current(run);
}

/* Calls and timers that are left are not queued any more: their owners may stop them, or use them elsewhere. */
static void
forget_calls(struct nuri_run *run)
{
	while (run->deadlines.root) {
		nuri_deadlines_remove(&run->deadlines, run->deadlines.root);
	}
	while (list_take_first(&run->calls)) {
		; /* never made */
	}
}

void
nuri_run_close(struct nuri_run *run)
{
	forget_calls(run);
	nuri_fd_table_destroy(run->fds);
	nuri_stack_pool_fini(&run->stacks);
	nuri_loop_fini(&run->loop);
	nuri_token_unref(run->token);
	nur_limiter_destroy(run->thread_limiter);
}

/* What is broken: the runtime, a callback, or a system task, whose failures are then the group. */
static void
add_internal_error(struct nuri_run *run)
{
	const char *what = run->internal ? run->internal : "a system task failed";
	struct nuri_failure failure = {
		.code = NUR_EINTERNAL,
		.text = strdup(what),
		.nested = run->system.errors,
	};

	nuri_errors_forget_cancelled(&failure.nested);
	nuri_errors_add(&run->main_errors, NUR_EINTERNAL, "run", false, &failure);
	free(failure.text);
	nur_errors_fini(&failure.nested);
	run->main_result = NUR_EINTERNAL;
}

static void
add_deadlock(struct nuri_run *run)
{
	struct nuri_failure failure = { .code = NUR_EDEADLOCK, .text = steal(&run->deadlock) };

	nuri_errors_add(&run->main_errors, NUR_EDEADLOCK, "run", false, &failure);
	free(failure.text);
	run->main_result = NUR_EDEADLOCK;
}

int
nuri_run_result(struct nuri_run *run, struct nur_errors *errors)
{
	nuri_token_end(run);
	if (run->internal || run->system.first_code < 0) {
		add_internal_error(run);
	}
	if (run->is_deadlocked) {
		add_deadlock(run);
	}
	if (errors) {
		*errors = run->main_errors;
	} else {
		nur_errors_fini(&run->main_errors);
	}
	end_current(run);
	return run->main_result;
}

int
nur_run(nur_task_fn fn, void *arg, const struct nur_run_options *options, struct nur_errors *errors)
{
	static const struct nur_run_options defaults;
	struct nuri_run run;
	int r;

	if (!options) {
		options = &defaults;
	}
	if (errors) {
		*errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	if (nuri_current_run()) {
		return NUR_ENESTEDRUN;
	}
	if (!fn) {
		return -EINVAL;
	}
	r = nuri_run_open(&run, options, NULL);
	if (r < 0) {
		return r;
	}

	nuri_set_current_run(&run);
	r = nuri_run_start(&run, options, fn, arg);
	if (r == 0) {
		while (run.n_tasks > 0) {
			nuri_run_pass(&run);
		}
		r = nuri_run_result(&run, errors);
	}
	nuri_set_current_run(NULL);
	nuri_run_close(&run);
	return r;
}

size_t
nuri_run_n_wakers(const struct nuri_run *run)
{
	return nuri_token_n_open(run->token) + run->n_threads;
}

int
nur_current_statistics(struct nur_statistics *ret_statistics)
{
	struct nuri_run *run = nuri_current_run();
	nur_time next;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	next = nuri_deadlines_next(&run->deadlines);
	*ret_statistics = (struct nur_statistics){
		.n_tasks_living = run->n_tasks,
		.n_tasks_runnable = run->n_runnable,
		.next_deadline_ns = nur_time_sub(next, nuri_run_now(run)),
		.n_ignored_cancels = run->n_ignored_cancels,
		.n_stacks = nuri_stack_pool_n_stacks(&run->stacks),
		.n_passes = run->n_passes,
		.n_polls = run->loop.n_polls,
		.n_wakers = nuri_run_n_wakers(run),
		.n_calls_queued = nuri_token_n_queued(run->token),
	};
	nuri_fd_table_count(
		run->fds, &ret_statistics->n_waiting_read, &ret_statistics->n_waiting_write);
	return 0;
}
