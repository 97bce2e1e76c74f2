/* SPDX-License-Identifier: MIT */
/*
 * The places where a run calls its instruments. A bit for each hook says whether anybody wants it: without
 * instruments a place costs the look at that bit.
 */
#pragma once

#include <nursery/instrument.h>

#include "lib/base/list.h"

struct nuri_run;
struct nur_run_options;

enum nuri_hook {
	NURI_BEFORE_RUN,
	NURI_AFTER_RUN,
	NURI_TASK_SPAWNED,
	NURI_TASK_SCHEDULED,
	NURI_BEFORE_TASK_STEP,
	NURI_AFTER_TASK_STEP,
	NURI_TASK_EXITED,
	NURI_BEFORE_IO_WAIT,
	NURI_AFTER_IO_WAIT,
};

/* A hook being called: which instrument is next. On the stack of the call. */
struct nuri_instrument_walk {
	struct nuri_instrument_walk *outer;
	struct list *next;
};

/*
 * struct nuri_instruments - those of a run, in the order of their adding
 *
 * hooks    a bit for each nuri_hook that at least one of them has
 * n_added  so far; the number of the last one
 * walks    hooks being called, the innermost first: removing moves them on
 * present  the innermost hook being called, or -1
 */
struct nuri_instruments {
	struct list list;
	unsigned hooks;
	int present;
	uint64_t n_added;
	struct nuri_instrument_walk *walks;
};

void nuri_instruments_init(struct nuri_instruments *instruments);

/*
 * nuri_instruments_begin() - add those of the options and call before_run; 0, or NUR_EBUSY and all are
 * removed
 */
int nuri_instruments_begin(struct nuri_run *run, const struct nur_run_options *options);

/* nuri_instruments_end() - call after_run and remove all */
void nuri_instruments_end(struct nuri_run *run);

/* nuri_instruments_call() - call @hook of all that have it */
void nuri_instruments_call(
	struct nuri_run *run, enum nuri_hook hook, struct nur_task *task, nur_time timeout);

/* nuri_instruments_call_io() - call @hook, one of I/O, if somebody has it */
void nuri_instruments_call_io(struct nuri_run *run, enum nuri_hook hook, nur_time timeout);

/* nuri_has_hook() - whether nuri_instruments_call() has to be called for @hook */
static inline bool
nuri_has_hook(const struct nuri_instruments *instruments, enum nuri_hook hook)
{
	return __builtin_expect(instruments->hooks & 1u << hook, 0);
}
