/* SPDX-License-Identifier: MIT */
/* The deadlock report: what to do when nothing can ever wake a run. */
#pragma once

#include <stdbool.h>

struct nuri_run;

/*
 * nuri_deadlock_end() - of a run that has nothing to do: if nothing can wake it either, remember the
 * task tree and cancel everything; whether tasks became runnable by that
 */
bool nuri_deadlock_end(struct nuri_run *run);
