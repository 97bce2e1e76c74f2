/* SPDX-License-Identifier: MIT */
/* Notices when the wall clock is set, and when the machine wakes up. */
#pragma once

struct jobs;

/**
 * wall_clock_watch() - a task: call jobs_clock_was_set() whenever the clock was set
 * @jobs: borrowed
 *
 * Checkpoint: always
 * Errors:     NUR_ECANCELED; as timerfd_create(2)
 */
int wall_clock_watch(struct jobs *jobs);
