/* SPDX-License-Identifier: MIT */
/*
 * The store from inside: what its files share, and SQLite as they see it. Each statement is prepared once and kept; a
 * call uses it, binds, steps and leaves it. A failed call leaves the transaction to its caller, who rolls it back:
 * nothing here goes on after an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/statements.h"

struct sqlite3;
struct sqlite3_stmt;

enum sql_statement {
#define X(name, sql) SQL_##name,
	SQL_STATEMENTS(X)
#undef X
	SQL_N_STATEMENTS,
};

/*
 * is_open     a transaction is
 * is_miscounted  n_unfinished and n_done have to be counted again
 * has_erased  something, since the log was cut
 * n_unfinished, n_done  batches that are in it, but those that are to be deleted
 * why         of the last error
 */
struct store {
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[SQL_N_STATEMENTS];
	int64_t max_size;
	bool is_open;
	bool is_miscounted;
	bool has_erased;
	int64_t n_unfinished;
	int64_t n_done;
	char why[256];
};

/* A statement in use; n of its arguments are bound. An error of binding is told by the step. */
struct sql_binding {
	struct sqlite3_stmt *statement;
	int n;
	int error;
};

struct sql_binding sql_use(struct store *store, enum sql_statement which);

/* sql_bind_… - the next argument, borrowed until the last step; an absent text is NULL, an absent blob an empty one */
void sql_bind_integer(struct sql_binding *binding, int64_t value);
void sql_bind_text(struct sql_binding *binding, const char *text);
void sql_bind_text_of(struct sql_binding *binding, const char *text, size_t len);
void sql_bind_blob(struct sql_binding *binding, const char *data, size_t len);

/* Return: 1 with a row, 0 at the end, or an error; after 0 or an error nothing is bound any more. */
int sql_step(struct store *store, struct sql_binding *binding);

/* sql_leave() - after a row, when no more is wanted */
void sql_leave(struct sql_binding *binding);

/* sql_run() - to its end; sql_run_for() - one with an integer as its argument, and without rows. 0, or an error */
int sql_run(struct store *store, enum sql_statement which);
int sql_run_for(struct store *store, enum sql_statement which, int64_t argument);

/* sql_…_at() - a column of the row; borrowed until the next step */
int64_t sql_integer_at(const struct sql_binding *binding, int column);
const char *sql_text_at(const struct sql_binding *binding, int column);
const void *sql_blob_at(const struct sql_binding *binding, int column);
size_t sql_len_at(const struct sql_binding *binding, int column);

/* sql_last_number() - of the row that was added last; sql_n_changed() - rows, by the last statement */
int64_t sql_last_number(const struct store *store);
int sql_n_changed(const struct store *store);

/* sql_open() - a file that is there; sql_prepare_all() - when it has its tables. Then sql_close(), also after an error */
int sql_open(struct store *store, const char *path);
int sql_prepare_all(struct store *store);
void sql_close(struct store *store);

bool sql_is_in_transaction(const struct store *store);

/* sql_execute() - a script; sql_query_integer() - the first value of a text that is not kept */
int sql_execute(struct store *store, const char *sql);
int sql_query_integer(struct store *store, const char *sql, int64_t *ret_value);
