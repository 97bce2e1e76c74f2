/* SPDX-License-Identifier: MIT */
/*
 * Instruments: a list in the run, and a set of the hooks that somebody wants. Hooks may add and remove
 * instruments, their own included, while the list is walked, and a hook may lead to another one (a task is
 * started in one): each walk keeps its next instrument where removing finds it, and does not go on to what
 * was added after it began.
 */
#include <nursery/instrument.h>

#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

static const char *const hook_names[] = {
	[NURI_BEFORE_RUN] = "before_run",
	[NURI_AFTER_RUN] = "after_run",
	[NURI_TASK_SPAWNED] = "task_spawned",
	[NURI_TASK_SCHEDULED] = "task_scheduled",
	[NURI_BEFORE_TASK_STEP] = "before_task_step",
	[NURI_AFTER_TASK_STEP] = "after_task_step",
	[NURI_TASK_EXITED] = "task_exited",
	[NURI_BEFORE_IO_WAIT] = "before_io_wait",
	[NURI_AFTER_IO_WAIT] = "after_io_wait",
};

static struct nur_instrument *
instrument_of(struct list *node)
{
	return list_entry(node, struct nur_instrument, node);
}

static unsigned
hooks_of(const struct nur_instrument *instrument)
{
	return (unsigned)!!instrument->before_run << NURI_BEFORE_RUN |
	       (unsigned)!!instrument->after_run << NURI_AFTER_RUN |
	       (unsigned)!!instrument->task_spawned << NURI_TASK_SPAWNED |
	       (unsigned)!!instrument->task_scheduled << NURI_TASK_SCHEDULED |
	       (unsigned)!!instrument->before_task_step << NURI_BEFORE_TASK_STEP |
	       (unsigned)!!instrument->after_task_step << NURI_AFTER_TASK_STEP |
	       (unsigned)!!instrument->task_exited << NURI_TASK_EXITED |
	       (unsigned)!!instrument->before_io_wait << NURI_BEFORE_IO_WAIT |
	       (unsigned)!!instrument->after_io_wait << NURI_AFTER_IO_WAIT;
}

void
nuri_instruments_init(struct nuri_instruments *instruments)
{
	*instruments = (struct nuri_instruments){ .present = -1 };
	list_init(&instruments->list);
}

static int
add(struct nuri_run *run, struct nur_instrument *instrument)
{
	struct nuri_instruments *instruments = &run->instruments;

	if (instrument->run) {
		return instrument->run == run ? 0 : NUR_EBUSY;
	}
	instrument->run = run;
	instrument->number = ++instruments->n_added;
	instruments->hooks |= hooks_of(instrument);
	list_append(&instruments->list, nuri_list(&instrument->node));
	return 0;
}

static void
take_out(struct nuri_instruments *instruments, struct nur_instrument *instrument)
{
	struct list *gone = nuri_list(&instrument->node);
	struct nuri_instrument_walk *walk;
	struct list *node;

	for (walk = instruments->walks; walk; walk = walk->outer) {
		if (walk->next == gone) {
			walk->next = gone->next;
		}
	}
	list_unlink(gone);
	instrument->run = NULL;
	instruments->hooks = 0;
	list_for_each(node, &instruments->list) {
		instruments->hooks |= hooks_of(instrument_of(node));
	}
}

int
nur_instrument_add(struct nur_instrument *instrument)
{
	struct nuri_run *run = nuri_current_run();

	return run ? add(run, instrument) : NUR_ENOTINTASK;
}

int
nur_instrument_remove(struct nur_instrument *instrument)
{
	struct nuri_run *run = nuri_current_run();

	if (!run) {
		return NUR_ENOTINTASK;
	}
	if (instrument->run != run) {
		return -ENOENT;
	}
	take_out(&run->instruments, instrument);
	return 0;
}

static int
call_of_run(int (*fn)(void *arg), void *arg)
{
	return fn ? fn(arg) : 0;
}

static int
call_of_task(int (*fn)(struct nur_task *task, void *arg), struct nur_task *task, void *arg)
{
	return fn ? fn(task, arg) : 0;
}

static int
call_of_wait(int (*fn)(nur_time timeout, void *arg), nur_time timeout, void *arg)
{
	return fn ? fn(timeout, arg) : 0;
}

static int
call(const struct nur_instrument *i, enum nuri_hook hook, struct nur_task *task, nur_time timeout)
{
	switch (hook) {
	case NURI_BEFORE_RUN:
		return call_of_run(i->before_run, i->arg);
	case NURI_AFTER_RUN:
		return call_of_run(i->after_run, i->arg);
	case NURI_TASK_SPAWNED:
		return call_of_task(i->task_spawned, task, i->arg);
	case NURI_TASK_SCHEDULED:
		return call_of_task(i->task_scheduled, task, i->arg);
	case NURI_BEFORE_TASK_STEP:
		return call_of_task(i->before_task_step, task, i->arg);
	case NURI_AFTER_TASK_STEP:
		return call_of_task(i->after_task_step, task, i->arg);
	case NURI_TASK_EXITED:
		return call_of_task(i->task_exited, task, i->arg);
	case NURI_BEFORE_IO_WAIT:
		return call_of_wait(i->before_io_wait, timeout, i->arg);
	case NURI_AFTER_IO_WAIT:
		return call_of_wait(i->after_io_wait, timeout, i->arg);
	}
	return 0;
}

static void
remove_failed(struct nuri_run *run, struct nur_instrument *instrument, enum nuri_hook hook, int r)
{
	if (instrument->run == run) { /* or it has removed itself */
		take_out(&run->instruments, instrument);
	}
	nuri_run_report(run, "instrument \"%s\" failed in %s (%s) and was removed",
		instrument->name ? instrument->name : "unnamed", hook_names[hook], nur_strerror(r));
}

void
nuri_instruments_call(
	struct nuri_run *run, enum nuri_hook hook, struct nur_task *task, nur_time timeout)
{
	struct nuri_instruments *instruments = &run->instruments;
	struct nuri_instrument_walk walk = {
		.outer = instruments->walks,
		.next = instruments->list.next,
	};
	const char *outer_reason = run->no_waiting_in;
	uint64_t n_added = instruments->n_added;
	int outer_hook = instruments->present;
	int saved_errno = errno;

	instruments->walks = &walk;
	instruments->present = (int)hook;
	run->no_waiting_in = "an instrument";
	while (walk.next != &instruments->list) {
		struct nur_instrument *instrument = instrument_of(walk.next);
		int r;

		walk.next = walk.next->next;
		if (instrument->number > n_added) {
			continue;
		}
		r = call(instrument, hook, task, timeout);
		if (r < 0) {
			remove_failed(run, instrument, hook, r);
		}
	}
	run->no_waiting_in = outer_reason;
	instruments->present = outer_hook;
	instruments->walks = walk.outer;
	errno = saved_errno;
}

void
nuri_instruments_call_io(struct nuri_run *run, enum nuri_hook hook, nur_time timeout)
{
	if (nuri_has_hook(&run->instruments, hook)) {
		nuri_instruments_call(run, hook, NULL, timeout);
	}
}

static void
remove_all(struct nuri_instruments *instruments)
{
	while (!list_is_empty(&instruments->list)) {
		take_out(instruments, instrument_of(instruments->list.next));
	}
}

int
nuri_instruments_begin(struct nuri_run *run, const struct nur_run_options *options)
{
	for (size_t i = 0; i < options->n_instruments; i++) {
		int r = add(run, options->instruments[i]);

		if (r < 0) {
			remove_all(&run->instruments);
			return r;
		}
	}
	if (nuri_has_hook(&run->instruments, NURI_BEFORE_RUN)) {
		nuri_instruments_call(run, NURI_BEFORE_RUN, NULL, 0);
	}
	return 0;
}

void
nuri_instruments_end(struct nuri_run *run)
{
	struct nuri_instruments *instruments = &run->instruments;

	if (nuri_has_hook(instruments, NURI_AFTER_RUN)) {
		nuri_instruments_call(run, NURI_AFTER_RUN, NULL, 0);
	}
	remove_all(instruments);
}
