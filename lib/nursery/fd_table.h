/* SPDX-License-Identifier: MIT */
/* Which tasks wait on which descriptor. Belongs to a run; made when it is first needed. */
#pragma once

#include <stddef.h>

struct nuri_fd_table;

/* nuri_fd_table_destroy() - nobody waits any more; accepts NULL */
void nuri_fd_table_destroy(struct nuri_fd_table *table);

/* nuri_fd_table_count() - tasks waiting to read and to write; accepts a NULL table */
void nuri_fd_table_count(
	const struct nuri_fd_table *table, size_t *ret_n_reading, size_t *ret_n_writing);
