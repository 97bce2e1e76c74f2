/* SPDX-License-Identifier: MIT */
/* The figures of measured stacks. */
#pragma once

struct nuri_run;

/* nuri_stack_use_begin() - measure the stacks of the calling thread's run; 0 or -ENOMEM */
int nuri_stack_use_begin(struct nuri_run *run);

/* nuri_stack_use_end() - free the figures, if there are any; after nuri_instruments_end() */
void nuri_stack_use_end(struct nuri_run *run);
