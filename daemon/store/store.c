/* SPDX-License-Identifier: MIT */
/* The store as a whole: its file, transactions, and how full it is. What is in it is others' business. */
#include "daemon/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/schema.h"
#include "daemon/store/sql.h"
#include "lib/base/cleanup.h"

enum {
	path_cap = 4096,
};

const char *
store_why(struct store *store)
{
	return store->why;
}

/* ---- transactions ---- */

static int
count(struct store *store)
{
	int r = sql_query_integer(
		store, "SELECT count(*) FROM batch WHERE outcome < 0", &store->n_unfinished);

	return r < 0 ? r
		     : sql_query_integer(store,
			       "SELECT count(*) FROM batch WHERE outcome >= 0 AND NOT is_expired",
			       &store->n_done);
}

int
store_begin(struct store *store)
{
	int r = store->is_miscounted ? count(store) : 0;

	if (r == 0) {
		store->is_miscounted = false;
		r = sql_run(store, SQL_BEGIN);
	}
	store->is_open = r == 0;
	return r;
}

int
store_commit(struct store *store)
{
	int r = sql_run(store, SQL_COMMIT);

	store->is_open = r < 0;
	return r;
}

void
store_rollback(struct store *store)
{
	char why[sizeof(store->why)];

	memcpy(why, store->why, sizeof(why));
	if (store->is_open && sql_is_in_transaction(store)) {
		(void)sql_run(store, SQL_ROLLBACK); /* what fails now is gone by itself */
	}
	store->is_open = false;
	store->is_miscounted = count(store) < 0; /* else what is told is what would have been */
	memcpy(store->why, why, sizeof(why));
}

bool
store_needs_trim(const struct store *store)
{
	return store->has_erased;
}

int
store_trim_log(struct store *store)
{
	store->has_erased = false;
	return sql_run(store, SQL_TRIM_LOG);
}

/* ---- its size ---- */

/* An error may have undone the transaction that is open, and has to be heard: what follows would be outside of it. */
static int
find_used(struct store *store, int64_t *ret_size)
{
	struct sql_binding binding = sql_use(store, SQL_USED);
	int r = sql_step(store, &binding);

	if (r == 1) {
		*ret_size = sql_integer_at(&binding, 0);
		sql_leave(&binding);
	}
	return r < 0 ? r : 0;
}

int
store_is_full(struct store *store)
{
	int64_t used = 0;
	int r = find_used(store, &used);

	return r < 0 ? r : used >= store->max_size;
}

int
store_is_filling(struct store *store)
{
	int64_t used = 0;
	int r = find_used(store, &used);

	return r < 0 ? r : used >= store->max_size / 10 * 9;
}

void
store_size(struct store *store, struct store_size *ret_size)
{
	*ret_size = (struct store_size){ .max_bytes = store->max_size,
		.n_unfinished = store->n_unfinished,
		.n_done = store->n_done };
	(void)find_used(store, &ret_size->n_bytes); /* 0: it is not known */
}

/* ---- opening ---- */

static int
sync_folder(const char *folder)
{
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The files that SQLite makes beside it get its mode. */
static int
make_file(const char *folder, const char *path)
{
	_cleanup_(closep) int fd = -1;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) < 0) {
		return -errno;
	}
	return sync_folder(folder);
}

static int
open_file(struct store *store, const char *path)
{
	int r = sql_open(store, path);

	if (r == 0) {
		r = sql_execute(store, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
				       "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
				       "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
				       "PRAGMA cell_size_check = ON; BEGIN IMMEDIATE");
	}
	if (r == 0) {
		r = schema_bring_up(store);
	}
	if (r == 0) {
		r = sql_execute(store, "COMMIT");
	}
	if (r == 0) {
		r = sql_prepare_all(store);
	}
	return r < 0 ? r : count(store);
}

int
store_open(const char *folder, int64_t max_size, struct store **ret_store, char *why, size_t cap)
{
	_cleanup_(store_closep) struct store *store = calloc(1, sizeof(*store));
	_cleanup_(freep) char *path = malloc(path_cap);
	int r;

	if (!store || !path) {
		(void)snprintf(why, cap, "out of memory");
		return -ENOMEM;
	}
	store->max_size = max_size;
	if ((size_t)snprintf(path, path_cap, "%s/" STORE_FILE, folder) >= path_cap) {
		(void)snprintf(why, cap, "%s: %s", folder, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	r = make_file(folder, path);
	if (r < 0) {
		(void)snprintf(why, cap, "%s: %s", path, strerror(-r));
		return r;
	}
	r = open_file(store, path);
	if (r < 0) {
		(void)snprintf(why, cap, "%s: %s", path,
			r == -EBUSY ? "another process has it" : store->why);
		return r;
	}
	*ret_store = steal(&store);
	return 0;
}

void
store_close(struct store *store)
{
	if (!store) {
		return;
	}
	sql_close(store);
	free(store);
}
