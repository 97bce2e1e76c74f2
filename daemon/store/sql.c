/* SPDX-License-Identifier: MIT */
#include "daemon/store/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/store.h"

static const char *const statement_texts[] = {
#define X(name, sql) sql,
	SQL_STATEMENTS(X)
#undef X
};

/* ---- errors ---- */

static int
code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_TOOBIG:
		return -EFBIG;
	default:
		return sqlite_code == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
	}
}

/* Writes down what SQLite says, while it does. */
static int
fail(struct store *store)
{
	int number = sqlite3_system_errno(store->db);

	(void)snprintf(store->why, sizeof(store->why), "%s%s%s", sqlite3_errmsg(store->db),
		number ? ": " : "", number ? strerror(number) : "");
	return code_of(sqlite3_extended_errcode(store->db));
}

/* ---- statements ---- */

static void
note(struct sql_binding *binding, int r)
{
	if (r != SQLITE_OK) {
		binding->error = r;
	}
}

struct sql_binding
sql_use(struct store *store, enum sql_statement which)
{
	return (struct sql_binding){ store->statements[which], 0, SQLITE_OK };
}

void
sql_bind_integer(struct sql_binding *binding, int64_t value)
{
	note(binding, sqlite3_bind_int64(binding->statement, ++binding->n, value));
}

void
sql_bind_text(struct sql_binding *binding, const char *text)
{
	note(binding, sqlite3_bind_text(binding->statement, ++binding->n, text, -1, SQLITE_STATIC));
}

void
sql_bind_text_of(struct sql_binding *binding, const char *text, size_t len)
{
	note(binding, sqlite3_bind_text64(binding->statement, ++binding->n, text, len,
			      SQLITE_STATIC, SQLITE_UTF8));
}

void
sql_bind_blob(struct sql_binding *binding, const char *data, size_t len)
{
	note(binding, sqlite3_bind_blob64(binding->statement, ++binding->n, len ? data : "", len,
			      SQLITE_STATIC));
}

int
sql_step(struct store *store, struct sql_binding *binding)
{
	int r = binding->error;

	if (r == SQLITE_OK) {
		r = sqlite3_step(binding->statement);
	}
	if (r == SQLITE_ROW) {
		return 1;
	}
	r = r == SQLITE_DONE ? 0 : fail(store);
	(void)sqlite3_reset(binding->statement); /* repeats the error of the step */
	(void)sqlite3_clear_bindings(binding->statement);
	return r;
}

void
sql_leave(struct sql_binding *binding)
{
	(void)sqlite3_reset(binding->statement);
	(void)sqlite3_clear_bindings(binding->statement);
}

int
sql_run(struct store *store, enum sql_statement which)
{
	struct sql_binding binding = sql_use(store, which);
	int r;

	do {
		r = sql_step(store, &binding);
	} while (r == 1);
	return r;
}

int
sql_run_for(struct store *store, enum sql_statement which, int64_t argument)
{
	struct sql_binding binding = sql_use(store, which);

	sql_bind_integer(&binding, argument);
	return sql_step(store, &binding);
}

int64_t
sql_integer_at(const struct sql_binding *binding, int column)
{
	return sqlite3_column_int64(binding->statement, column);
}

const char *
sql_text_at(const struct sql_binding *binding, int column)
{
	return (const char *)sqlite3_column_text(binding->statement, column);
}

const void *
sql_blob_at(const struct sql_binding *binding, int column)
{
	return sqlite3_column_blob(binding->statement, column);
}

size_t
sql_len_at(const struct sql_binding *binding, int column)
{
	return (size_t)sqlite3_column_bytes(binding->statement, column);
}

int64_t
sql_last_number(const struct store *store)
{
	return sqlite3_last_insert_rowid(store->db);
}

int
sql_n_changed(const struct store *store)
{
	return sqlite3_changes(store->db);
}

/* ---- the file ---- */

int
sql_execute(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(store);
}

int
sql_query_integer(struct store *store, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW) {
		r = fail(store);
	} else {
		*ret_value = sqlite3_column_int64(statement, 0);
	}
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return r;
}

int
sql_prepare_all(struct store *store)
{
	for (size_t i = 0; i < SQL_N_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK) {
			return fail(store);
		}
	}
	return 0;
}

int
sql_open(struct store *store, const char *path)
{
	int r = sqlite3_open_v2(path, &store->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			SQLITE_OPEN_EXRESCODE,
		NULL);

	if (!store->db) {
		return -ENOMEM;
	}
	return r == SQLITE_OK ? 0 : fail(store);
}

void
sql_close(struct store *store)
{
	for (size_t i = 0; i < SQL_N_STATEMENTS; i++) {
		(void)sqlite3_finalize(store->statements[i]); /* repeats old errors */
	}
	(void)sqlite3_close(store->db); /* what was committed is in the log, at the least */
}

bool
sql_is_in_transaction(const struct store *store)
{
	return !sqlite3_get_autocommit(store->db);
}
