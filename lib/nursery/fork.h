/* SPDX-License-Identifier: MIT */
/* What becomes of runs and threads in a child made by fork(2). See docs/threads.md. */
#pragma once

struct nuri_run;

/*
 * nuri_fork_generation - how many forks led here; what belongs to another generation is a copy, whose
 * original lives on in another process
 */
extern unsigned nuri_fork_generation __attribute__((visibility("hidden")));

/* nuri_fork_guard() - from now on forks are counted */
void nuri_fork_guard(void);

/* nuri_signal_after_fork() - in a child: handle no signal for the parent */
void nuri_signal_after_fork(void);

/* nuri_fork_left_run() - the copy of the run in which this process was forked, or NULL */
struct nuri_run *nuri_fork_left_run(void);
