/* SPDX-License-Identifier: MIT */
/* The names of jobs that are paused: the daemon's only memory of jobs. */
#include "daemon/store/sql.h"
#include "daemon/store/store.h"

int
store_clear_paused(struct store *store)
{
	return sql_run(store, SQL_CLEAR_PAUSED);
}

int
store_add_paused(struct store *store, const char *job)
{
	struct sql_binding binding = sql_use(store, SQL_ADD_PAUSED);

	sql_bind_text(&binding, job);
	return sql_step(store, &binding);
}

int
store_each_paused(struct store *store, store_job_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_EACH_PAUSED);
	int r;

	while ((r = sql_step(store, &binding)) == 1) {
		r = fn(user, sql_text_at(&binding, 0));
		if (r < 0) {
			sql_leave(&binding);
			return r;
		}
	}
	return r;
}
