/* SPDX-License-Identifier: MIT */
/* Lists of local values, as tasks and runs hold them. NULL is the empty list. */
#pragma once

#include <nursery/local.h>

#include "lib/nursery/scheduler.h"

struct nuri_locals;

/* nuri_locals_clear() - let go of the list, and of what a destructor puts there meanwhile */
void nuri_locals_clear(struct nuri_locals **locals);

/* nuri_task_inherit_locals() - @task, just made, starts with the values of @parent, which has some */
void nuri_task_inherit_locals(struct nur_task *task, const struct nur_task *parent);
