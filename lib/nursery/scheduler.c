/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: who runs next. docs/scheduler.md has the picture of one pass:
 *
 *	entry queue → calls → poll, when due → deadlines → the whole run queue as one batch
 *
 * What becomes runnable during a batch waits for the next pass, so that events and deadlines are
 * looked at between batches. The kernel is polled when nothing is runnable, or when something is
 * watched and 64 passes or 50 µs have gone by: a poll costs a microsecond, twenty times a task.
 *
 * Tasks switch to the loop and the loop to tasks, never task to task. Wakers only put a task into
 * the run queue.
 */
#include "lib/nursery/scheduler.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/deadlock.h"
#include "lib/nursery/fork.h"
#include "lib/nursery/token.h"

enum {
	max_passes_between_polls = 64,
	max_ns_between_polls = 50 * 1000,
};

__thread struct nuri_run *nuri_thread_run __attribute__((tls_model("initial-exec")));

struct nuri_run *
nuri_run_needed_by(const char *call)
{
	/* In a forked child the copy will do: it is memory, and goes no further. */
	struct nuri_run *run = nuri_current_run() ? nuri_current_run() : nuri_fork_left_run();

	if (!run) {
		nuri_die("%s outside a run", call);
	}
	return run;
}

struct nur_task *
nur_current_task(void)
{
	return nuri_current_run() ? nuri_current_run()->current : NULL;
}

bool
nur_in_run(void)
{
	return nuri_current_run() != NULL;
}

bool
nur_in_task(void)
{
	return nur_current_task() != NULL;
}

void
nuri_die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)fputs("libnursery: ", stderr);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	abort();
}

struct nur_task *
nuri_calling_task(void)
{
	struct nuri_run *run = nuri_current_run();

	if (!run) {
		return NULL;
	}
	if (run->no_waiting_in) {
		nuri_die("%s tried to wait", run->no_waiting_in);
	}
	if (!run->current) {
		nuri_die("a loop callback tried to wait: callbacks record and wake, tasks wait");
	}
	return run->current;
}

nur_time
nuri_run_now(struct nuri_run *run)
{
	run->now = run->clock->now(run->clock->user);
	return run->now;
}

nur_time
nur_now(void)
{
	return nuri_current_run() ? nuri_run_now(nuri_current_run()) : NUR_ENOTINTASK;
}

void
nuri_task_deliver(struct nur_task *task)
{
	struct nuri_run *run = task->run;
	const char *outer_reason = run->no_waiting_in;
	nur_abort_fn abort_fn = task->abort;
	enum nur_abort answer;

	if (task->state != NURI_TASK_WAITING || !abort_fn) {
		return;
	}

	task->abort = NULL;
	run->no_waiting_in = "an abort callback";
	answer = abort_fn(task, task->abort_arg);
	run->no_waiting_in = outer_reason;
	switch (answer) {
	case NUR_ABORT_SUCCEEDED:
		nur_reschedule(task, NUR_ECANCELED);
		break;
	case NUR_ABORT_FAILED:
		break;
	default:
		nur_reschedule(task, NUR_EINTERNAL);
		nuri_run_break(run, "an abort callback answered neither NUR_ABORT_SUCCEEDED nor "
				    "NUR_ABORT_FAILED");
		break;
	}
}

void
nur_reschedule(struct nur_task *task, int result)
{
	if (task->state != NURI_TASK_WAITING) {
		nuri_die("task \"%s\" was rescheduled while it was not waiting",
			nur_task_name(task));
	}
	if (task->run->generation != nuri_fork_generation) {
		return; /* it never runs in this process */
	}
	if (task->run != nuri_current_run()) {
		nuri_die("task \"%s\" was woken from outside its run", nur_task_name(task));
	}
	task->result = result;
	nuri_task_make_runnable(task);
}

/* Each task has its own errno: two moves, as no task ever changes its thread. */
static void
switch_to_loop(struct nur_task *task)
{
	int saved_errno = errno;

	nuri_context_switch(&task->context, &task->run->loop_context);
	errno = saved_errno;
}

/* What a checkpoint answers to a task whose scope is cancelled. */
static int
tell_cancelled(struct nur_task *task)
{
	if (task->has_been_told) {
		task->run->n_ignored_cancels++;
	}
	task->has_been_told = true;
	return NUR_ECANCELED;
}

int
nur_wait_task_rescheduled(const char *why, nur_abort_fn abort_fn, void *arg)
{
	struct nur_task *task = nuri_calling_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	task->state = NURI_TASK_WAITING;
	task->wait_reason = why;
	task->waiting_since = task->run->now;
	task->abort = abort_fn;
	task->abort_arg = arg;
	if (task->scope->is_effectively_cancelled) {
		nuri_task_deliver(task);
	}
	switch_to_loop(task);
	return task->result == NUR_ECANCELED ? tell_cancelled(task) : task->result;
}

int
nur_cancel_shielded_checkpoint(void)
{
	struct nur_task *task = nuri_calling_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	nuri_task_make_runnable(task);
	switch_to_loop(task);
	return 0;
}

int
nur_checkpoint(void)
{
	struct nur_task *task = nuri_calling_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	nuri_task_make_runnable(task);
	switch_to_loop(task);
	return task->scope->is_effectively_cancelled ? tell_cancelled(task) : 0;
}

int
nur_checkpoint_if_cancelled(void)
{
	struct nur_task *task = nuri_calling_task();

	if (!task) {
		return NUR_ENOTINTASK;
	}
	return task->scope->is_effectively_cancelled ? nur_checkpoint() : 0;
}

bool
nuri_task_may_be_cancelled(const struct nur_task *task)
{
	return task->scope->is_effectively_cancelled || task->has_been_told;
}

/* ---- one pass ---- */

static uint64_t
next_random(struct nuri_run *run)
{
	/* xorshift64*: enough to keep programs from leaning on an order */
	run->random ^= run->random >> 12;
	run->random ^= run->random << 25;
	run->random ^= run->random >> 27;
	return run->random * UINT64_C(2685821657736338717);
}

static inline void
call_hook(struct nuri_run *run, enum nuri_hook hook, struct nur_task *task)
{
	if (nuri_has_hook(&run->instruments, hook)) {
		nuri_instruments_call(run, hook, task, 0);
	}
}

static __attribute__((cold, noinline)) void
tell_of_step(struct nuri_run *run, struct nur_task *task)
{
	if (task->state == NURI_TASK_DONE) {
		call_hook(run, NURI_TASK_EXITED, task);
	}
	call_hook(run, NURI_AFTER_TASK_STEP, task);
}

/* Inline: the processor predicts a return by the last call, and that was made on another stack. */
static inline __attribute__((always_inline)) void
run_task(struct nuri_run *run, struct nur_task *task)
{
	run->n_runnable--;
	task->state = NURI_TASK_RUNNING;
	run->current = task;
	call_hook(run, NURI_BEFORE_TASK_STEP, task);
	nuri_context_switch(&run->loop_context, &task->context);
	if (run->instruments.hooks) {
		tell_of_step(run, task);
	}
	run->current = NULL;
	if (task->state == NURI_TASK_DONE) {
		nuri_stack_release(&run->stacks, task->stack);
	}
}

/* A seeded run takes the tasks of a batch in an order that only the seed and the program decide. */
static void
run_shuffled(struct nuri_run *run, struct list *batch, size_t n)
{
	while (n > 0) {
		uint64_t index = next_random(run) % n--;
		struct list *node = batch->next;

		while (index-- > 0) {
			node = node->next;
		}
		list_cut(node);
		run_task(run, list_entry(node, struct nur_task, in_queue));
	}
}

/*
 * Has the processor bring what the first instructions of the next step need while this one runs: a
 * thousand stacks are far away. The end of the batch does no harm.
 */
static inline void
prefetch(const struct list *node)
{
	const struct nur_task *next = list_entry(node, struct nur_task, in_queue);

	__builtin_prefetch(&next->context);
	__builtin_prefetch(&next->in_queue); /* leads to the one after it */
	__builtin_prefetch(&next->state);
	__builtin_prefetch((const char *)next - 64); /* where a new task has its first frame */
}

/* Forwards or backwards. Only its own turn takes a task out of a batch: the others' links hold. */
static void
run_in_order(struct nuri_run *run, const struct list *batch, bool from_back)
{
	struct list *node = from_back ? batch->prev : batch->next;

	while (node != batch) {
		struct nur_task *task = list_entry(node, struct nur_task, in_queue);

		node = from_back ? node->prev : node->next;
		prefetch(node);
		run_task(run, task);
	}
}

static void
run_batch(struct nuri_run *run)
{
	size_t n = run->n_runnable;
	struct list batch;
	bool from_back;

	if (n == 0) {
		return;
	}
	list_init(&batch);
	list_move_all(&batch, &run->run_queue);
	from_back = next_random(run) >> 63;
	if (run->is_seeded) {
		run_shuffled(run, &batch, n);
	} else {
		run_in_order(run, &batch, from_back);
	}
	run->idle_since = NUR_FOREVER;
}

static void
make_calls(struct nuri_run *run)
{
	struct list calls;
	struct list *node;

	list_init(&calls);
	list_move_all(&calls, &run->calls);
	while ((node = list_take_first(&calls))) {
		struct nur_call *call = list_entry(node, struct nur_call, node);

		call->fn(call->arg);
	}
}

/* What a run that has nothing to do waits for, beside events and the next deadline. */
enum idle {
	IDLE_NOTHING,
	IDLE_WAITERS, /* tasks in nur_wait_all_tasks_blocked() */
	IDLE_AUTOJUMP,
};

static nur_time
shortest_cushion(const struct nuri_run *run)
{
	nur_time shortest = NUR_FOREVER;
	const struct list *node;

	list_for_each(node, &run->idle_waiters) {
		const struct nuri_idle_waiter *waiter =
			list_entry(node, struct nuri_idle_waiter, node);

		if (waiter->cushion < shortest) {
			shortest = waiter->cushion;
		}
	}
	return shortest;
}

static enum idle
idle_kind(const struct nuri_run *run, nur_time *ret_threshold)
{
	const struct nur_clock *clock = run->clock;

	*ret_threshold = NUR_FOREVER;
	if (!list_is_empty(&run->idle_waiters)) {
		*ret_threshold = shortest_cushion(run);
		return IDLE_WAITERS;
	}
	if (clock->autojump && nuri_deadlines_next(&run->deadlines) != NUR_FOREVER) {
		*ret_threshold = clock->autojump(clock->user);
	}
	return *ret_threshold == NUR_FOREVER ? IDLE_NOTHING : IDLE_AUTOJUMP;
}

/* Chosen first, woken then: a hook may cancel others of them on the way. */
static void
wake_idle_waiters(struct nuri_run *run, nur_time cushion)
{
	struct list chosen;
	struct list *node;
	struct list *after;

	list_init(&chosen);
	list_for_each_safe(node, after, &run->idle_waiters) {
		if (list_entry(node, struct nuri_idle_waiter, node)->cushion == cushion) {
			list_cut(node);
			list_append(&chosen, node);
		}
	}
	while ((node = list_take_first(&chosen))) {
		nur_reschedule(list_entry(node, struct nuri_idle_waiter, node)->task, 0);
	}
}

static bool
has_work(const struct nuri_run *run)
{
	return run->n_runnable > 0 || !list_is_empty(&run->calls);
}

static nur_time
until_deadline(const struct nuri_run *run)
{
	nur_time deadline = nuri_deadlines_next(&run->deadlines);

	return deadline == NUR_FOREVER ? NUR_FOREVER
				       : run->clock->until(deadline, run->clock->user);
}

/* Until a deadline, or until the run has been idle for long enough. */
nur_time
nuri_run_time_to_wait(struct nuri_run *run)
{
	nur_time timeout = has_work(run) ? 0 : until_deadline(run);
	nur_time now, threshold, idle_left;

	if (timeout <= 0) {
		return 0;
	}
	if (idle_kind(run, &threshold) == IDLE_NOTHING) {
		return timeout;
	}
	now = nuri_monotonic();
	if (run->idle_since == NUR_FOREVER) {
		run->idle_since = now;
	}
	idle_left = nur_time_sub(nur_time_add(run->idle_since, threshold), now);
	if (idle_left < 0) {
		return 0;
	}
	return idle_left < timeout ? idle_left : timeout;
}

nur_time
nuri_run_announce_wait(struct nuri_run *run, nur_time timeout)
{
	nur_time left;

	if (!nuri_has_hook(&run->instruments, NURI_BEFORE_IO_WAIT)) {
		return timeout;
	}
	nuri_instruments_call(run, NURI_BEFORE_IO_WAIT, NULL, timeout);
	left = nuri_run_time_to_wait(run);
	return left < timeout ? left : timeout;
}

/* Nothing has happened since somebody waited for it: that may have been long enough. */
static void
end_idleness(struct nuri_run *run)
{
	const struct nur_clock *clock = run->clock;
	nur_time threshold;
	enum idle idle;

	if (run->idle_since == NUR_FOREVER || has_work(run) || until_deadline(run) <= 0) {
		return; /* work, as a hook may have made some, and deadlines come first */
	}
	idle = idle_kind(run, &threshold);
	if (idle == IDLE_NOTHING || nuri_monotonic() < nur_time_add(run->idle_since, threshold)) {
		return; /* woken early */
	}
	run->idle_since = NUR_FOREVER;
	if (idle == IDLE_WAITERS) {
		wake_idle_waiters(run, threshold);
	} else {
		clock->jump(nuri_deadlines_next(&run->deadlines), clock->user);
	}
}

static bool
ask_kernel(struct nuri_run *run, nur_time timeout)
{
	bool has_happened = nuri_loop_poll(&run->loop, nuri_run_announce_wait(run, timeout));

	nuri_instruments_call_io(run, NURI_AFTER_IO_WAIT, timeout);
	return has_happened;
}

/* Nothing is runnable: wait for events, the next deadline, or for having been idle long enough. */
static void
wait_for_something(struct nuri_run *run)
{
	if (ask_kernel(run, nuri_run_time_to_wait(run))) {
		run->idle_since = NUR_FOREVER;
	} else {
		end_idleness(run);
	}
}

static bool
is_poll_due(struct nuri_run *run)
{
	if (run->loop.n_watched == 0) {
		return false;
	}
	if (++run->n_passes_since_poll >= max_passes_between_polls) {
		return true;
	}
	return nuri_monotonic() - run->polled_at >= max_ns_between_polls;
}

static void
poll_events(struct nuri_run *run)
{
	bool is_busy = has_work(run);

	if (is_busy && !is_poll_due(run)) {
		return;
	}
	if (is_busy) {
		(void)ask_kernel(run, 0);
	} else if (run->detects_deadlock && nuri_deadlock_end(run)) {
		return;
	} else {
		wait_for_something(run);
		(void)nuri_run_now(run);
	}
	run->n_passes_since_poll = 0;
	run->polled_at = nuri_monotonic();
}

/* The host has asked the kernel, and waited. */
static void
take_hosts_events(struct nuri_run *run)
{
	end_idleness(run);
	(void)nuri_run_now(run);
}

/* A callback forked, and the child came back from it. */
static void
refuse_child(const struct nuri_run *run)
{
	if (run->generation != nuri_fork_generation) {
		nuri_die("a forked child went on in its parent's run: it may exec or _exit");
	}
}

void
nuri_run_pass(struct nuri_run *run)
{
	run->n_passes++;
	if (run->token) {
		nuri_token_make_calls(run);
	}
	make_calls(run);
	refuse_child(run);
	if (run->loop.host) {
		take_hosts_events(run);
	} else {
		poll_events(run);
	}
	if (run->deadlines.root) {
		nuri_deadlines_expire(&run->deadlines, nuri_run_now(run));
	}
	refuse_child(run);
	run_batch(run);
}

bool
nuri_run_is_due(struct nuri_run *run)
{
	return has_work(run) || nuri_deadlines_next(&run->deadlines) <= nuri_run_now(run);
}
