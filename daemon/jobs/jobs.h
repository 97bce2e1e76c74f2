/* SPDX-License-Identifier: MIT */
/* Jobs: batches with a schedule. One task per job; each run enters through daemon/batches.h. */
#pragma once

struct batches;
struct config;

/* Both borrowed until jobs_run() has returned. */
struct jobs_context {
	const struct config *config;
	struct batches *batches;
};

/**
 * jobs_run() - a task: run all jobs until cancelled
 * @arg: struct jobs_context *
 *
 * A run that fails, or cannot be started, is logged, and nothing more. When the batches are draining, a job
 * ends at its next start.
 *
 * Checkpoint: always, when there is a job
 * Errors:     NUR_ECANCELED  the caller was cancelled; no run is alive
 *             -ENOMEM        no job was started
 *
 * Return: 0 when all jobs have ended, or an error.
 */
int jobs_run(void *arg);
