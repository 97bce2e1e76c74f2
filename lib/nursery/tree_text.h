/* SPDX-License-Identifier: MIT */
/* The tree as text, for where neither a descriptor nor the caller's memory is the place. */
#pragma once

struct buffer;

/* nuri_tree_print() - append what nur_dump_task_tree() draws; in a run; see buffer_error() */
void nuri_tree_print(struct buffer *buffer);
