/* SPDX-License-Identifier: MIT */
/* What is written of a batch, from its acceptance to its end. */
#include <stdio.h>
#include <string.h>

#include "daemon/store/sql.h"
#include "daemon/store/store.h"

static int
find_namesake(
	struct store *store, const struct store_batch *batch, struct store_namesake *ret_namesake)
{
	struct sql_binding binding = sql_use(store, SQL_FIND_NAMESAKE);
	int r;

	sql_bind_integer(&binding, batch->uid);
	sql_bind_text(&binding, batch->key);
	r = sql_step(store, &binding);
	if (r == 1) {
		(void)snprintf(
			ret_namesake->id, sizeof(ret_namesake->id), "%s", sql_text_at(&binding, 0));
		ret_namesake->key_hash = sql_integer_at(&binding, 1);
		sql_leave(&binding);
	}
	return r;
}

int
store_used_by(struct store *store, uid_t uid, int64_t *ret_bytes)
{
	struct sql_binding binding = sql_use(store, SQL_USED_BY);
	int r;

	sql_bind_integer(&binding, uid);
	r = sql_step(store, &binding);
	if (r < 0) {
		return r;
	}
	*ret_bytes = r == 1 ? sql_integer_at(&binding, 0) : 0;
	sql_leave(&binding);
	return 0;
}

static int64_t
len_of(const struct store_request *request)
{
	return (int64_t)(request->body_len + (request->query ? strlen(request->query) : 0));
}

/*
 * Who has nothing there may send what limits.request allows: no waiting would help. Return: STORE_ACCEPTED, why not, or
 * an error.
 */
static int
find_room(struct store *store, const struct store_batch *batch, const struct store_request *request)
{
	int64_t used = 0;
	int r = store_is_full(store);

	if (r != 0) {
		return r < 0 ? r : STORE_FULL;
	}
	r = store_used_by(store, batch->uid, &used);
	if (r < 0) {
		return r;
	}
	return used > 0 && used + len_of(request) > request->max_stored ? STORE_OVER_QUOTA
									: STORE_ACCEPTED;
}

static int
add_batch(struct store *store, const struct store_batch *batch, const struct store_request *request)
{
	struct sql_binding binding = sql_use(store, SQL_ADD_BATCH);

	sql_bind_text(&binding, batch->id);
	sql_bind_integer(&binding, batch->uid);
	sql_bind_text(&binding, batch->key);
	sql_bind_integer(&binding, batch->key_hash);
	sql_bind_text(&binding, batch->name);
	sql_bind_integer(&binding, batch->policy);
	sql_bind_integer(&binding, batch->accepted_ns);
	sql_bind_integer(&binding, batch->deadline_ns);
	sql_bind_integer(&binding, batch->n_urls);
	sql_bind_integer(&binding, len_of(request));
	return sql_step(store, &binding);
}

static int
add_request(struct store *store, int64_t number, const struct store_request *request)
{
	struct sql_binding binding = sql_use(store, SQL_ADD_REQUEST);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, request->kind);
	sql_bind_text(&binding, request->query);
	sql_bind_blob(&binding, request->body, request->body_len);
	sql_bind_integer(&binding, request->deadline_ns);
	sql_bind_integer(&binding, request->timeout_ns);
	sql_bind_integer(&binding, request->connect_timeout_ns);
	sql_bind_integer(&binding, request->concurrency);
	sql_bind_integer(&binding, request->per_origin);
	sql_bind_integer(&binding, request->redirects);
	sql_bind_integer(&binding, request->max_urls);
	sql_bind_integer(&binding, request->max_in_flight);
	sql_bind_integer(&binding, request->max_per_origin);
	sql_bind_integer(&binding, request->max_body);
	sql_bind_integer(&binding, request->level);
	return sql_step(store, &binding);
}

int
store_accept(struct store *store, const struct store_batch *batch,
	const struct store_request *request, int64_t *ret_number,
	struct store_namesake *ret_namesake)
{
	int r = batch->key ? find_namesake(store, batch, ret_namesake) : 0;

	if (r != 0) {
		return r < 0 ? r : STORE_NAMESAKE;
	}
	r = find_room(store, batch, request);
	if (r != STORE_ACCEPTED) {
		return r;
	}
	r = add_batch(store, batch, request);
	if (r < 0) {
		return r;
	}
	*ret_number = sql_last_number(store);
	r = add_request(store, *ret_number, request);
	if (r < 0) {
		return r;
	}
	store->n_unfinished++;
	return STORE_ACCEPTED;
}

int
store_start_url(struct store *store, int64_t number, size_t index)
{
	struct sql_binding binding = sql_use(store, SQL_START_URL);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, (int64_t)index);
	return sql_step(store, &binding);
}

int
store_add_result(struct store *store, int64_t number, const struct store_result *result)
{
	struct sql_binding binding = sql_use(store, SQL_ADD_RESULT);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, (int64_t)result->seq);
	sql_bind_integer(&binding, (int64_t)result->index);
	sql_bind_integer(&binding, result->outcome);
	sql_bind_text_of(&binding, result->text, result->len);
	return sql_step(store, &binding);
}

int
store_charge(struct store *store, int64_t number, int64_t n_bytes)
{
	struct sql_binding binding = sql_use(store, SQL_CHARGE);

	sql_bind_integer(&binding, number);
	sql_bind_integer(&binding, n_bytes);
	return sql_step(store, &binding);
}

int
store_end_batch(struct store *store, const struct store_batch *batch, int64_t ended_ns)
{
	struct sql_binding binding = sql_use(store, SQL_END_BATCH);
	int r;

	store->has_erased = true;
	sql_bind_integer(&binding, batch->number);
	sql_bind_integer(&binding, batch->outcome);
	sql_bind_integer(&binding, batch->elapsed_ns);
	for (size_t i = 0; i < ARRAY_LEN(batch->n_outcomes); i++) {
		sql_bind_integer(&binding, batch->n_outcomes[i]);
	}
	sql_bind_integer(&binding, ended_ns);
	r = sql_step(store, &binding);
	if (r == 0) {
		r = sql_run_for(store, SQL_CREDIT_REQUEST, batch->number);
	}
	if (r == 0) {
		r = sql_run_for(store, SQL_ERASE_REQUEST, batch->number);
	}
	if (r == 0) {
		r = sql_run_for(store, SQL_ERASE_STARTED, batch->number);
	}
	if (r == 0) {
		store->n_unfinished--;
		store->n_done++;
	}
	return r;
}
