/* SPDX-License-Identifier: MIT */
/* Jobs: batches with a schedule. One task per job; each run enters through daemon/batches.h. */
#pragma once

struct batches;
struct config;

struct jobs_context {
	const struct config *config;
	struct batches *batches;
};

/* jobs_run() - a task (struct jobs_context *): run all jobs until cancelled. A failing run is logged, nothing more. */
int jobs_run(void *context);
