/* SPDX-License-Identifier: MIT */
/*
 * What an earlier start left unfinished. The request is read again as it came; results that are on disk stay,
 * with their numbers; what must not be sent twice is interrupted; the rest is picked to be fetched, unless what
 * is there decides the batch already.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/batches/detached.h"
#include "daemon/ops/log.h"
#include "daemon/ops/wall_now.h"

static const char interrupted_text[] =
	"the daemon ended after it had been started; its method is not idempotent, and the batch "
	"does not say \"resume\": true";

/* A row of the store, copied. */
struct row {
	struct row *next;
	struct store_batch batch;
};

struct rows {
	struct arena arena;
	struct row *first;
	struct row **end;
	char last_id[STORE_ID_CAP];
};

static char *
copy(struct arena *arena, const char *text)
{
	return arena_text(arena, text, strlen(text));
}

static int
take_row(void *user, const struct store_batch *batch)
{
	struct rows *rows = user;
	struct row *row = arena_alloc(&rows->arena, sizeof(*row));

	if (!row) {
		return -ENOMEM;
	}
	row->batch = *batch;
	row->batch.id = copy(&rows->arena, batch->id);
	row->batch.name = NULL; /* the request has it */
	row->batch.key = batch->key ? copy(&rows->arena, batch->key) : NULL;
	if (!row->batch.id || (batch->key && !row->batch.key)) {
		return -ENOMEM;
	}
	*rows->end = row;
	rows->end = &row->next;
	return 0;
}

static int
read_rows(struct store *store, void *arg)
{
	struct rows *rows = arg;
	int r = store_each_unfinished(store, take_row, rows);

	return r < 0 ? r : store_last_id(store, rows->last_id, sizeof(rows->last_id));
}

/* ---- the request ---- */

/*
 * batch        made on the way
 * defaults, limits, kind, query, body, level  of the request
 */
struct restoring {
	struct batches *batches;
	const struct store_batch *row;
	struct batch *batch;
	enum batch_kind kind;
	char *query;
	struct buffer body;
	struct batch_defaults defaults;
	struct batch_limits limits;
	enum access_level level;
};

static void
restoring_fini(struct restoring *restoring)
{
	batch_unref(restoring->batch);
	free(restoring->query);
	buffer_fini(&restoring->body);
}

static int
take_request(void *user, const struct store_request *request)
{
	struct restoring *restoring = user;

	if (request->level < 0 || request->level >= ACCESS_N_LEVELS) {
		return -EBADMSG;
	}
	restoring->kind = (enum batch_kind)request->kind;
	restoring->level = (enum access_level)request->level;
	restoring->query = request->query ? strdup(request->query) : NULL;
	buffer_append(&restoring->body, request->body, request->body_len);
	restoring->defaults = (struct batch_defaults){
		.deadline_ns = request->deadline_ns,
		.timeout_ns = request->timeout_ns,
		.connect_timeout_ns = request->connect_timeout_ns,
		.concurrency = (uint32_t)request->concurrency,
		.per_origin = (uint32_t)request->per_origin,
		.redirects = (uint32_t)request->redirects,
	};
	/* What was accepted has been checked: neither the features nor the URLs are asked about again. */
	restoring->limits = (struct batch_limits){
		.urls = (size_t)request->max_urls,
		.in_flight = (uint32_t)request->max_in_flight,
		.per_origin = (uint32_t)request->max_per_origin,
		.body = request->max_body,
		.features = UINT_MAX,
		.read_credential = restoring->batches->options.read_credential,
	};
	return request->query && !restoring->query ? -ENOMEM : buffer_error(&restoring->body);
}

static int
read_request(struct store *store, void *arg)
{
	struct restoring *restoring = arg;
	int r = store_read_request(store, restoring->row->number, take_request, restoring);

	return r == 0 ? -ENOENT : r;
}

static int
feed(struct batch_reader *reader, const struct buffer *body)
{
	const size_t piece = 64 * 1024;
	int r = 0;

	for (size_t at = 0; r == 0 && at < body->len; at += piece) {
		size_t left = body->len - at;

		r = batch_reader_feed(reader, body->data + at, left < piece ? left : piece);
		if (r == 0) {
			r = nur_checkpoint(); /* a large one must not keep others from running */
		}
	}
	return r;
}

static int
describe(struct restoring *restoring, struct batch_description **ret_description)
{
	const struct batch_input input = {
		.kind = restoring->kind,
		.query = restoring->query,
		.query_len = restoring->query ? strlen(restoring->query) : 0,
		.defaults = &restoring->defaults,
		.limits = &restoring->limits,
	};
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	struct faults faults = FAULTS_INIT;
	int r = batch_reader_open(&input, &reader);

	if (r == 0) {
		r = feed(reader, &restoring->body);
	}
	if (r == 0) {
		r = batch_reader_finish(reader, ret_description, &faults);
	}
	faults_fini(&faults);
	return r;
}

/* ---- the batch ---- */

static int
make_batch(struct restoring *restoring)
{
	const struct store_batch *row = restoring->row;
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	int64_t elapsed = wall_now() - row->accepted_ns;
	struct batch *batch;
	int r = describe(restoring, &description);

	if (r == 0 && description->n_urls != (size_t)row->n_urls) {
		r = -EBADMSG;
	}
	if (r == 0) {
		r = batch_create(restoring->batches, description, &restoring->batch);
	}
	if (r < 0) {
		return r;
	}
	(void)steal(&description);
	batch = restoring->batch;
	(void)snprintf(batch->id, sizeof(batch->id), "%s", row->id);
	batch->started = (struct timespec){
		.tv_sec = row->accepted_ns / NUR_SEC(1),
		.tv_nsec = row->accepted_ns % NUR_SEC(1),
	};
	batch->accepted_at = nur_now() - (elapsed > 0 ? elapsed : 0);
	batch->deadline_ns = row->deadline_ns;
	return detachment_create(batch, &batch->detachment);
}

static int
take_identity(struct restoring *restoring)
{
	const struct store_batch *row = restoring->row;
	struct detachment *detachment = restoring->batch->detachment;

	detachment->number = row->number;
	detachment->uid = row->uid;
	batch_set_owner(restoring->batch, row->uid, restoring->level);
	detachment->key_hash = row->key_hash;
	detachment->is_decided = true;
	detachment->is_accepted = true;
	detachment->key = row->key ? strdup(row->key) : NULL;
	return row->key && !detachment->key ? -ENOMEM : 0;
}

static int
take_result(void *user, const struct store_result *result)
{
	struct batch *batch = user;

	if (result->index >= batch->n_urls || batch->by_index[result->index] != 0 ||
		result->seq != batch->n_results + 1) {
		return -EBADMSG;
	}
	batch->detachment->kept[batch->n_results] =
		(struct kept_result){ (uint32_t)result->index, (uint8_t)result->outcome };
	return batch_keep_text(batch, result->index, (enum result_outcome)result->outcome,
		result->text, result->len);
}

static int
take_mark(void *user, size_t index)
{
	struct batch *batch = user;

	if (index >= batch->n_urls) {
		return -EBADMSG;
	}
	batch->detachment->marks[index] = true;
	return 0;
}

/* On the store's thread: nobody else knows the batch. */
static int
read_progress(struct store *store, void *arg)
{
	struct batch *batch = arg;
	int64_t number = batch->detachment->number;
	int r = store_each_result(store, number, take_result, batch);

	return r < 0 ? r : store_each_started(store, number, take_mark, batch);
}

/* ---- what is left to do ---- */

static int
keep_unfetched(struct batch *batch, size_t index, const struct fetch_result *like)
{
	struct fetch_result result = *like;

	result.index = index;
	result.timing = (struct fetch_timing){ FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT,
		FETCH_ABSENT, FETCH_ABSENT, nur_time_sub(nur_now(), batch->accepted_at) };
	return detached_keep(batch, &result);
}

/* Those that had been started, and of which nobody knows whether they were sent. */
static int
interrupt_marked(struct batch *batch)
{
	const struct fetch_result interrupted = {
		.outcome = FETCH_FAILED,
		.attempts = 1,
		.error = FETCH_ERROR_INTERRUPTED,
		.error_detail = interrupted_text,
		.cancel_cause = -1,
	};
	bool *marks = batch->detachment->marks;
	int r = 0;

	for (size_t i = 0; r == 0 && i < batch->n_urls; i++) {
		if (marks[i] && batch->by_index[i] == 0) {
			r = keep_unfetched(batch, i, &interrupted);
		}
		marks[i] = false;
	}
	return r;
}

/* Whether the results that are there decide the batch, as they would have if it had gone on. */
static bool
is_decided(const struct batch *batch, struct fetch_result *ret_cancelled)
{
	const struct kept_result *kept = batch->detachment->kept;
	size_t n_failures = 0;

	*ret_cancelled = (struct fetch_result){ .outcome = FETCH_CANCELLED };
	for (size_t n = 0; n < batch->n_results; n++) {
		bool is_failure =
			kept[n].outcome == RESULT_FAILED || kept[n].outcome == RESULT_TIMEOUT;

		n_failures += is_failure;
		ret_cancelled->cancel_cause = kept[n].index;
		if (batch->policy == BATCH_FAIL_FAST && is_failure &&
			n_failures > batch->description->max_failures) {
			ret_cancelled->cancel_reason = FETCH_CANCEL_SIBLING_FAILED;
			return true;
		}
		if (batch->policy == BATCH_FIRST_SUCCESS && kept[n].outcome == RESULT_OK) {
			ret_cancelled->cancel_reason = FETCH_CANCEL_FIRST_SUCCESS;
			return true;
		}
	}
	return false;
}

static int
cancel_rest(struct batch *batch, const struct fetch_result *cancelled)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < batch->n_urls; i++) {
		if (batch->by_index[i] == 0) {
			r = keep_unfetched(batch, i, cancelled);
		}
	}
	return r;
}

static void
pick_rest(struct batch *batch)
{
	struct fetch_batch *request = batch_request_batch(batch->request);
	uint32_t *picked = batch->detachment->picked;
	size_t n_failures = batch->counts.failed + batch->counts.timeout;
	size_t n = 0;

	for (size_t i = 0; i < batch->n_urls; i++) {
		if (batch->by_index[i] == 0) {
			picked[n++] = (uint32_t)i;
		}
	}
	batch_request_pick(batch->request, picked, n);
	request->max_failures -=
		n_failures < request->max_failures ? (unsigned)n_failures : request->max_failures;
}

static int
plan(struct batch *batch)
{
	struct fetch_result cancelled;
	int r = interrupt_marked(batch);

	if (r == 0 && is_decided(batch, &cancelled)) {
		r = cancel_rest(batch, &cancelled);
	}
	pick_rest(batch);
	return r;
}

static int
restore(struct batches *batches, const struct store_batch *row)
{
	_cleanup_(restoring_fini) struct restoring restoring = {
		.batches = batches, .row = row, .body = BUFFER_INIT
	};
	int r = store_queue_read(batches->store, read_request, &restoring);

	if (r >= 0) {
		r = make_batch(&restoring);
	}
	if (r >= 0) {
		r = take_identity(&restoring);
	}
	if (r >= 0) {
		r = store_queue_read(batches->store, read_progress, restoring.batch);
	}
	if (r < 0) {
		return r;
	}
	restoring.batch->n_shown = restoring.batch->n_results;
	r = plan(restoring.batch);
	if (r == 0) {
		batches_enter(batches, restoring.batch);
	}
	return r;
}

/* A clock that was set back must not make ids that sort before those that are there. */
static void
note_last_id(struct batches *batches, const char *id)
{
	char time[12];

	(void)snprintf(time, sizeof(time), "%.11s", id);
	batches->last_ms = strtoull(time, NULL, 16);
}

int
batches_restore(struct batches *batches)
{
	struct rows rows = { .arena = ARENA_INIT };
	size_t n = 0;
	int r;

	if (!batches->store) {
		return nur_checkpoint();
	}
	rows.end = &rows.first;
	r = store_queue_read(batches->store, read_rows, &rows);
	note_last_id(batches, rows.last_id);
	for (struct row *row = rows.first; r >= 0 && row; row = row->next) {
		r = restore(batches, &row->batch);
		if (r < 0 && r != NUR_ECANCELED) {
			log_at(LOG_ERR, LOG_FIELDS({ "FETCHD_BATCH_ID", row->batch.id }),
				"batch %s cannot be taken up and stays in the store: %s",
				row->batch.id, nur_strerror(r));
			r = 0;
		} else {
			n += r >= 0;
		}
	}
	arena_fini(&rows.arena);
	if (n > 0) {
		log_notice("%zu batches go on where they were", n);
	}
	return r;
}
