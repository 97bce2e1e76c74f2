/* SPDX-License-Identifier: MIT */
/* The live tree, for the library's own walks. */
#pragma once

struct nur_task;
struct nuri_run;

/* nuri_tree_each_task() - visit all living tasks, parents first */
void nuri_tree_each_task(const struct nuri_run *run,
	void (*visit)(const struct nur_task *task, void *arg), void *arg);
