/* SPDX-License-Identifier: MIT */
/* What is read back: of batches that go on, and of those that are over. */
#include <stdio.h>

#include "daemon/store/sql.h"
#include "daemon/store/store.h"

static struct store_batch
batch_at(const struct sql_binding *row)
{
	return (struct store_batch){
		.number = sql_integer_at(row, 0),
		.id = sql_text_at(row, 1),
		.uid = (uid_t)sql_integer_at(row, 2),
		.key = sql_text_at(row, 3),
		.key_hash = sql_integer_at(row, 4),
		.name = sql_text_at(row, 5),
		.policy = (int)sql_integer_at(row, 6),
		.accepted_ns = sql_integer_at(row, 7),
		.deadline_ns = sql_integer_at(row, 8),
		.n_urls = sql_integer_at(row, 9),
		.outcome = (int)sql_integer_at(row, 10),
		.elapsed_ns = sql_integer_at(row, 11),
		.n_outcomes = { sql_integer_at(row, 12), sql_integer_at(row, 13),
			sql_integer_at(row, 14), sql_integer_at(row, 15) },
	};
}

/* Return: how many there were, or an error. */
static int
each_batch(struct store *store, struct sql_binding *binding, store_batch_fn fn, void *user)
{
	int n = 0;
	int r;

	while ((r = sql_step(store, binding)) == 1) {
		const struct store_batch batch = batch_at(binding);

		r = fn(user, &batch);
		if (r < 0) {
			sql_leave(binding);
			return r;
		}
		n++;
	}
	return r < 0 ? r : n;
}

int
store_each_unfinished(struct store *store, store_batch_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_EACH_UNFINISHED);
	int r = each_batch(store, &binding, fn, user);

	return r < 0 ? r : 0;
}

int
store_each_ended(struct store *store, const char *id, int64_t uid, size_t limit, store_batch_fn fn,
	void *user)
{
	struct sql_binding binding = sql_use(store, uid < 0 ? SQL_EACH_ENDED : SQL_EACH_ENDED_OF);
	int r;

	sql_bind_text(&binding, id ? id : "~"); /* behind all of them: they are hexadecimal */
	sql_bind_integer(&binding, (int64_t)limit);
	if (uid >= 0) {
		sql_bind_integer(&binding, uid);
	}
	r = each_batch(store, &binding, fn, user);
	return r < 0 ? r : 0;
}

int
store_find_ended(struct store *store, const char *id, store_batch_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_FIND_ENDED);

	sql_bind_text(&binding, id);
	return each_batch(store, &binding, fn, user);
}

static int
each_result(struct store *store, struct sql_binding *binding, store_result_fn fn, void *user)
{
	int r;

	while ((r = sql_step(store, binding)) == 1) {
		const struct store_result result = {
			.seq = (size_t)sql_integer_at(binding, 0),
			.index = (size_t)sql_integer_at(binding, 1),
			.outcome = (int)sql_integer_at(binding, 2),
			.text = sql_text_at(binding, 3),
			.len = sql_len_at(binding, 3),
		};

		r = fn(user, &result);
		if (r != 0) {
			sql_leave(binding);
			return r < 0 ? r : 0;
		}
	}
	return r;
}

int
store_results_after(struct store *store, int64_t number, size_t seq, store_result_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_RESULTS_AFTER);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, (int64_t)seq);
	return each_result(store, &binding, fn, user);
}

int
store_results_from(
	struct store *store, int64_t number, size_t index, store_result_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_RESULTS_FROM);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, (int64_t)index);
	return each_result(store, &binding, fn, user);
}

int
store_each_result(struct store *store, int64_t number, store_result_fn fn, void *user)
{
	return store_results_after(store, number, 0, fn, user);
}

int
store_each_started(struct store *store, int64_t number, store_index_fn fn, void *user)
{
	struct sql_binding binding = sql_use(store, SQL_EACH_STARTED);
	int r;

	sql_bind_integer(&binding, number);
	while ((r = sql_step(store, &binding)) == 1) {
		r = fn(user, (size_t)sql_integer_at(&binding, 0));
		if (r < 0) {
			sql_leave(&binding);
			return r;
		}
	}
	return r;
}

int
store_read_request(struct store *store, int64_t number,
	int (*fn)(void *user, const struct store_request *request), void *user)
{
	struct sql_binding binding = sql_use(store, SQL_READ_REQUEST);
	int r;

	sql_bind_integer(&binding, number);
	r = sql_step(store, &binding);
	if (r == 1) {
		const struct store_request request = {
			.kind = (int)sql_integer_at(&binding, 0),
			.query = sql_text_at(&binding, 1),
			.body = sql_blob_at(&binding, 2),
			.body_len = sql_len_at(&binding, 2),
			.deadline_ns = sql_integer_at(&binding, 3),
			.timeout_ns = sql_integer_at(&binding, 4),
			.connect_timeout_ns = sql_integer_at(&binding, 5),
			.concurrency = sql_integer_at(&binding, 6),
			.per_origin = sql_integer_at(&binding, 7),
			.redirects = sql_integer_at(&binding, 8),
			.max_urls = sql_integer_at(&binding, 9),
			.max_in_flight = sql_integer_at(&binding, 10),
			.max_per_origin = sql_integer_at(&binding, 11),
			.max_body = sql_integer_at(&binding, 12),
			.level = (int)sql_integer_at(&binding, 13),
		};

		r = fn(user, &request);
		sql_leave(&binding);
		return r < 0 ? r : 1;
	}
	return r;
}

int
store_last_id(struct store *store, char *id, size_t cap)
{
	struct sql_binding binding = sql_use(store, SQL_LAST_ID);
	int r = sql_step(store, &binding);

	if (r == 1) {
		const char *text = sql_text_at(&binding, 0);

		(void)snprintf(id, cap, "%s", text ? text : "");
		sql_leave(&binding);
		r = 0;
	}
	return r;
}
