/* SPDX-License-Identifier: MIT */
/* Batches that are there: listed, shown, followed, cancelled. Running ones, and those that are over. */
#include "daemon/api/batch_routes.h"

#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/batch_answer.h"
#include "daemon/api/connection.h"
#include "daemon/batches/batches.h"
#include "daemon/server.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

enum {
	default_list_limit = 100,
	max_list_limit = 1000,
};

/* ---- query parameters ---- */

/* Those of a call, NULL at their end, and the same in words. */
struct params {
	const char *names[4];
	const char *words;
};

static const struct params list_params = {
	{ "state", "limit", "cursor", NULL },
	"state, limit and cursor",
};
static const struct params results_params = {
	{ "cursor", "limit", NULL },
	"cursor and limit",
};

static bool
is_among(const struct params *params, const char *name)
{
	const char *const *known = params->names;

	while (*known && strcmp(*known, name) != 0) {
		known++;
	}
	return *known != NULL;
}

/*
 * One that nobody looks at would be given in vain: a list of all would answer "stat=running".
 * Return: 1, or what the answer's sending returned.
 */
static int
check_params(struct exchange *exchange, const struct params *params)
{
	const struct http_request *request = exchange->request;
	char detail[160];

	for (size_t i = 0; i < request->n_params; i++) {
		const char *name = request->params[i].name;
		bool is_known = is_among(params, name);

		if (is_known && http_request_param(request, name) == request->params[i].value) {
			continue;
		}
		(void)snprintf(detail, sizeof(detail),
			is_known ? "the query parameter %.40s is given twice"
				 : "\"%.40s\" is none of the query parameters %s",
			name, params->words);
		return response_problem(
			&exchange->response, PROBLEM_BAD_PARAMETER, detail, NULL, NULL);
	}
	return 1;
}

/* ---- the list ---- */

/* Return: whether all of @text is a number. */
static bool
read_number(const char *text, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

/* The last id shown is the cursor. */
static bool
is_id(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len > 0 && !text[len];
}

/* The query parameters of the list. Return: 1, or what the answer's sending returned. */
static int
read_list_query(struct exchange *exchange, struct batches_query *query)
{
	const char *state = http_request_param(exchange->request, "state");
	const char *limit = http_request_param(exchange->request, "limit");
	uint64_t n = default_list_limit;
	int r = check_params(exchange, &list_params);

	if (r <= 0) {
		return r;
	}
	query->before = http_request_param(exchange->request, "cursor");
	if (query->before && !is_id(query->before)) {
		return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
			"cursor is the one of the answer before", NULL, NULL);
	}
	query->state = state ? batch_state_find(state) : -1;
	if (state && query->state < 0) {
		return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
			"state is queued, running, suspended or done", NULL, NULL);
	}
	if (limit && (!read_number(limit, &n) || n < 1 || n > max_list_limit)) {
		return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
			"limit is a number from 1 to 1000", NULL, NULL);
	}
	query->limit = n;
	query->owner =
		access_may(exchange->level, ACCESS_TO_OTHERS) ? -1 : (int64_t)exchange->peer.uid;
	return 1;
}

/* last_id  of those shown */
struct page {
	struct json_writer *w;
	char last_id[24];
};

static void
show_one(void *user, const struct batch_summary *summary)
{
	struct page *page = user;

	batch_answer_summary(page->w, summary);
	(void)snprintf(page->last_id, sizeof(page->last_id), "%s", summary->id);
}

/* Ids sort by time: the list goes on with older ones than the cursor. */
int
batch_route_list(struct exchange *exchange, const char *id)
{
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	struct page page = { .w = &w };
	struct batches_query query = { .show = show_one, .user = &page };
	int r = read_list_query(exchange, &query);

	if (r <= 0) {
		return r;
	}
	json_begin_object(&w);
	json_write_key(&w, "batches");
	json_begin_array(&w);
	r = batches_list(server_batches(exchange->server), &query);
	if (r < 0) {
		return r == NUR_ECANCELED ? r : response_failure(&exchange->response, r);
	}
	json_end_array(&w);
	json_write_key(&w, "cursor");
	json_write_text(&w, (size_t)r == query.limit ? page.last_id : NULL);
	json_end_object(&w);
	json_end_line(&w);
	response_begin(&exchange->response, 200, "application/json", NULL);
	return response_end(&exchange->response);
}

/* ---- one ---- */

/* For others but admins a batch is not there: its id says nothing. */
static int
find_visible(const struct exchange *exchange, const char *id, struct batch **ret_batch)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = batches_look_up(server_batches(exchange->server), id, &batch);

	if (r < 0) {
		return r;
	}
	if (batch_owner(batch) != exchange->peer.uid &&
		!access_may(exchange->level, ACCESS_TO_OTHERS)) {
		return -ENOENT;
	}
	*ret_batch = steal(&batch);
	return r;
}

/* Return: 1 with a batch, or what the answer's sending returned. */
static int
look_up(struct exchange *exchange, const char *id, struct batch **ret_batch)
{
	int r = find_visible(exchange, id, ret_batch);

	switch (r) {
	case NUR_ECANCELED:
		return r;
	case -ENOENT:
		return response_problem(&exchange->response, PROBLEM_NOT_FOUND,
			"no running or recent batch has this id; GET /v1/batches lists them", NULL,
			NULL);
	default:
		return r < 0 ? response_failure(&exchange->response, r) : 1;
	}
}

int
batch_route_show(struct exchange *exchange, const char *id)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = look_up(exchange, id, &batch);

	return r <= 0 ? r : batch_answer_send(exchange, batch);
}

/* The query parameters of results. Return: 1, or what the answer's sending returned. */
static int
read_results_query(struct exchange *exchange, uint64_t *ret_n_seen, uint64_t *ret_limit)
{
	const char *cursor = http_request_param(exchange->request, "cursor");
	const char *limit = http_request_param(exchange->request, "limit");
	int r = check_params(exchange, &results_params);

	if (r <= 0) {
		return r;
	}
	*ret_n_seen = 0;
	*ret_limit = SIZE_MAX;
	if (cursor && !read_number(cursor, ret_n_seen)) {
		return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
			"cursor is the seq of the last result seen", NULL, NULL);
	}
	if (limit && (!read_number(limit, ret_limit) || *ret_limit < 1)) {
		return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
			"limit is a number of results", NULL, NULL);
	}
	return 1;
}

int
batch_route_results(struct exchange *exchange, const char *id)
{
	struct response *response = &exchange->response;
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	uint64_t cursor;
	uint64_t limit;
	size_t n_seen;
	int r = read_results_query(exchange, &cursor, &limit);

	if (r > 0) {
		r = look_up(exchange, id, &batch);
	}
	if (r <= 0) {
		return r;
	}
	n_seen = (size_t)cursor;
	response_begin(response, 200, "application/x-ndjson", NULL);
	if (batch_is_running(batch)) {
		r = response_flush(response); /* the next result may take its time */
		if (r < 0 || response->is_head) {
			return r;
		}
	}
	r = batch_answer_follow(response, batch, &n_seen, (size_t)limit);
	if (r < 0) {
		return r;
	}
	if (n_seen - cursor == limit &&
		(!batch_is_done(batch) || n_seen < batch_n_results(batch))) {
		return batch_answer_break(response, n_seen);
	}
	/* Suspended: an answer without its end was cut. */
	return batch_is_done(batch) ? batch_answer_end(response, batch) : -ESHUTDOWN;
}

int
batch_route_cancel(struct exchange *exchange, const char *id)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	struct batch_summary summary;
	int r = look_up(exchange, id, &batch);

	if (r <= 0) {
		return r;
	}
	batch_cancel(batch, CANCEL_REQUEST);
	r = batch_wait_done(batch);
	if (r < 0) {
		return r;
	}
	summary = batch_describe(batch);
	response_begin(&exchange->response, 200, "application/json", NULL);
	batch_answer_summary(&w, &summary);
	json_end_line(&w);
	return response_end(&exchange->response);
}
