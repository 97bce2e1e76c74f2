/* SPDX-License-Identifier: MIT */
/* Batches that are too old, or in the way of new ones: hidden at once, and deleted in pieces. */
#include "daemon/store/sql.h"
#include "daemon/store/store.h"

enum {
	results_a_step = 500,
};

/* Return: 1 with the number of a batch that is to go, 0 without, or an error. */
static int
find_expired(struct store *store, int64_t *ret_number)
{
	struct sql_binding binding = sql_use(store, SQL_FIND_EXPIRED);
	int r = sql_step(store, &binding);

	if (r == 1) {
		*ret_number = sql_integer_at(&binding, 0);
		sql_leave(&binding);
	}
	return r;
}

static int
delete_some(struct store *store, int64_t number)
{
	struct sql_binding binding = sql_use(store, SQL_DELETE_RESULTS);
	int r;

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, results_a_step);
	r = sql_step(store, &binding);
	if (r == 0 && sql_n_changed(store) < results_a_step) {
		r = sql_run_for(store, SQL_DELETE_BATCH, number);
	}
	return r < 0 ? r : 1;
}

static int
hide_old(struct store *store, int64_t ended_before)
{
	int r = sql_run_for(store, SQL_EXPIRE_OLD, ended_before);

	store->n_done -= r == 0 ? sql_n_changed(store) : 0;
	return r;
}

/* The oldest, when the store is filling. Return: 1, 0 when it is not, or an error. */
static int
hide_for_room(struct store *store)
{
	int r = store_is_filling(store);

	if (r != 1) {
		return r;
	}
	r = sql_run(store, SQL_EXPIRE_OLDEST);
	store->n_done -= r == 0 ? sql_n_changed(store) : 0;
	return r < 0 ? r : 1;
}

int
store_expire(struct store *store, int64_t ended_before)
{
	int64_t number = 0;
	int r = hide_old(store, ended_before);

	if (r == 0) {
		r = find_expired(store, &number);
	}
	if (r == 0) {
		r = hide_for_room(store);
		r = r == 1 ? find_expired(store, &number) : r;
	}
	return r == 1 ? delete_some(store, number) : r;
}
