/* SPDX-License-Identifier: MIT */
/*
 * Jobs that are paused stay paused over a restart: the store has their names. They are written as a whole, those of the
 * jobs that there are, so a job that is gone and comes back is a new one. Without a store a pause ends with the daemon.
 */
#pragma once

#include "lib/base/buffer.h"

struct jobs;
struct store_queue;

/*
 * store  NULL: there is none, and nothing is kept
 * kept   the names that were written last, each with its NUL; n_writing of such writes are not on disk yet
 */
struct pauses {
	struct store_queue *store;
	struct jobs *jobs;
	struct buffer kept;
	unsigned n_writing;
};

/**
 * pauses_restore() - pause the jobs that were paused when the daemon ended
 *
 * Checkpoint: always, with a store
 * Errors:     as store_queue_read()
 */
int pauses_restore(struct pauses *pauses);

/**
 * pauses_keep() - write which jobs are paused, and wait until that is on disk; when it is, nothing is written
 *
 * What cannot be written is logged, and holds until the daemon ends.
 *
 * Checkpoint: maybe; jobs may be gone behind it
 */
void pauses_keep(struct pauses *pauses);

/* pauses_fini() - accepts a zeroed one */
void pauses_fini(struct pauses *pauses);
