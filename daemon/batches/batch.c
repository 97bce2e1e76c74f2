/* SPDX-License-Identifier: MIT */
/* One batch: made, fetched, and its results kept as text. Who runs it, and when, is others' business. */
#include "daemon/batches/batch.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/fetch/rules/url.h"
#include "lib/protocol/json_writer.h"

/* Many small pieces between others': the C library keeps them for itself, unless it is told to look. */
static void
give_memory_back(size_t n_bytes)
{
	enum {
		worth_a_look = 16 * 1024 * 1024
	};

	if (n_bytes >= worth_a_look) {
		(void)malloc_trim(0); /* says whether there was anything */
	}
}

static void
batch_destroy(struct batch *batch)
{
	size_t n_bytes;

	if (!batch) {
		return;
	}
	n_bytes = batch->n_text_bytes;
	list_unlink(&batch->node);
	detachment_destroy(batch->detachment);
	batch_request_destroy(batch->request);
	batch_description_destroy(batch->description);
	arena_fini(&batch->texts);
	free(batch->results);
	free(batch->by_index);
	buffer_fini(&batch->line);
	buffer_fini(&batch->shown_url);
	free(batch);
	give_memory_back(n_bytes);
}

DEFINE_CLEANUP(struct batch *, batch_destroy);

static int
create(struct batches *owner, const char *name, size_t n_urls, struct batch **ret_batch)
{
	_cleanup_(batch_destroyp) struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch) {
		return -ENOMEM;
	}
	list_init(&batch->node);
	nur_cancel_scope_init(&batch->scope);
	nur_parking_lot_init(&batch->progress);
	batch->results = calloc(n_urls, sizeof(*batch->results));
	batch->by_index = calloc(n_urls, sizeof(*batch->by_index));
	if (!batch->results || !batch->by_index) {
		return -ENOMEM;
	}
	if (name) {
		batch->name = arena_text(&batch->texts, name, strlen(name));
		if (!batch->name) {
			return -ENOMEM;
		}
	}
	batch->owner = owner;
	batch->uid = geteuid();
	batch->n_refs = 1;
	batch->n_urls = n_urls;
	batch->counts.pending = n_urls;
	*ret_batch = steal(&batch);
	return 0;
}

int
batch_create(struct batches *owner, struct batch_description *description, struct batch **ret_batch)
{
	_cleanup_(batch_destroyp) struct batch *batch = NULL;
	int r = create(owner, description->name, description->n_urls, &batch);

	if (r == 0) {
		r = batch_request_create(description, &batch->request);
	}
	if (r < 0) {
		return r;
	}
	batch->description = description;
	batch->policy = description->policy;
	batch->deadline_ns = description->deadline_ns;
	batch->state = BATCH_RUNNING;
	batch->accepted_at = nur_now();
	(void)clock_gettime(CLOCK_REALTIME, &batch->started); /* cannot fail */
	*ret_batch = steal(&batch);
	return 0;
}

int
batch_create_past(struct batches *owner, const char *name, int64_t stored, struct batch **ret_batch)
{
	int r = create(
		owner, name, 1, ret_batch); /* nothing is put in: there is always some memory */

	if (r == 0) {
		(*ret_batch)->state = BATCH_DONE;
		(*ret_batch)->stored = stored;
	}
	return r;
}

void
batch_set_owner(struct batch *batch, uid_t uid, enum access_level level)
{
	batch->uid = uid;
	batch->level = level;
	batch->is_asked_for = true;
}

uid_t
batch_owner(const struct batch *batch)
{
	return batch->uid;
}

/* ---- results ---- */

/* Everybody who may list batches sees their results: a URL's user info is not among what is shown. */
static void
hide_user_info(struct batch *batch, struct result_record *record)
{
	if (!strchr(record->url, '@')) {
		return;
	}
	buffer_clear(&batch->shown_url);
	fetch_url_redact(record->url, strlen(record->url), &batch->shown_url);
	record->url = batch->shown_url.data;
}

/* Adds up in any order. What was cancelled says nothing about its URL, and what went well is always alike. */
static uint64_t
fingerprint_of(const struct fetch_result *result)
{
	uint64_t x = (uint64_t)result->index << 32 | (uint64_t)result->status << 16 |
		     (uint64_t)result->outcome << 8 | (uint64_t)result->error;

	if (result->outcome != FETCH_FAILED && result->outcome != FETCH_TIMEOUT) {
		return 0;
	}
	return hash_mix(x);
}

int
batch_keep_text(struct batch *batch, size_t index, enum result_outcome outcome, const char *text,
	size_t len)
{
	char *copy = arena_text(&batch->texts, text, len);

	if (!copy) {
		return -ENOMEM;
	}
	assert(index < batch->n_urls && batch->by_index[index] == 0);
	batch->results[batch->n_results] = (struct batch_text){ copy, len };
	batch->n_text_bytes += len;
	batch->by_index[index] = (uint32_t)++batch->n_results;
	result_counts_add(&batch->counts, outcome);
	batch->counts.pending--;
	return 0;
}

int
batch_keep(struct batch *batch, const struct fetch_result *result)
{
	struct result_record record =
		batch_result_record(result, &batch->description->urls[result->index]);
	struct json_writer writer = JSON_WRITER_INIT(&batch->line);
	int r;

	hide_user_info(batch, &record);
	buffer_clear(&batch->line);
	result_write(&writer, &record);
	if (buffer_error(&batch->line) < 0 || buffer_error(&batch->shown_url) < 0) {
		return -ENOMEM;
	}
	r = batch_keep_text(
		batch, result->index, record.outcome, batch->line.data, batch->line.len);
	if (r == 0) {
		batch->fingerprint += fingerprint_of(result);
		tally_add(&batch->owner->tally, batch->description->urls[result->index].url,
			result);
	}
	return r;
}

void
batch_show(struct batch *batch, size_t n)
{
	batch->n_shown = n;
	(void)nur_parking_lot_unpark(&batch->progress, SIZE_MAX, 0);
}

/* The engine's sink: keep the result and tell those who wait. Must not wait itself. */
static int
on_result(void *user, const struct fetch_result *result)
{
	struct batch *batch = user;
	int r = batch_keep(batch, result);

	if (r == 0) {
		batch_show(batch, batch->n_results);
	}
	return r;
}

/* ---- running ---- */

int
batch_fetch(struct batch *batch, const struct fetch_sink *sink, int *ret_inner,
	struct fetch_batch_summary *ret_summary)
{
	struct fetch_batch *request = batch_request_batch(batch->request);
	int r;

	request->accepted_at = batch->accepted_at;
	request->address_policy = batch->level;
	r = NUR_WITHIN(&batch->scope,
		*ret_inner = fetch_batch_run(batch->owner->engine, request, sink, ret_summary));
	batch->elapsed = nur_time_sub(nur_now(), batch->accepted_at);
	return r;
}

void
batch_leave(struct batch *batch, enum batch_state state)
{
	batch->state = state;
	batch_request_destroy(steal(&batch->request));
	batch_description_destroy(steal(&batch->description));
	buffer_fini(&batch->line);
	buffer_fini(&batch->shown_url);
	(void)nur_parking_lot_unpark(&batch->progress, SIZE_MAX, 0);
	batches_ended(batch->owner, batch, state == BATCH_DONE);
}

int
batch_run(struct batch *batch)
{
	const struct fetch_sink sink = { .result = on_result, .user = batch };
	struct fetch_batch_summary summary = { .outcome = FETCH_BATCH_CANCELLED };
	int r;
	int inner = 0;

	(void)batch_ref(batch); /* leaving may make the registry forget it */
	r = batch_fetch(batch, &sink, &inner, &summary);
	batch->outcome = inner < 0 && inner != NUR_ECANCELED ? BATCH_FAILED
							     : batch_outcome_of(summary.outcome);
	batch_leave(batch, BATCH_DONE);
	batch_unref(batch);
	return r;
}

bool
batch_is_running(const struct batch *batch)
{
	return batch->state == BATCH_RUNNING;
}

void
batch_cancel(struct batch *batch, enum cancel_reason reason)
{
	if (batch_is_running(batch)) {
		if (batch->cancelled == CANCEL_NONE) {
			batch->cancelled = reason;
		}
		nur_cancel_scope_cancel(&batch->scope, cancel_reason_name(reason));
	}
}

int
batch_wait_done(struct batch *batch)
{
	int r = 0;

	if (!batch_is_running(batch)) {
		return nur_checkpoint();
	}
	while (r == 0 && batch_is_running(batch)) {
		r = nur_parking_lot_park(&batch->progress, "batch");
	}
	return r;
}

int
batch_wait_results(struct batch *batch, size_t n_seen)
{
	if (!batch_is_running(batch) || batch->n_shown > n_seen) {
		return nur_checkpoint();
	}
	return nur_parking_lot_park(&batch->progress, "results");
}

const char *
batch_id(const struct batch *batch)
{
	return batch->id;
}

bool
batch_is_done(const struct batch *batch)
{
	return batch->state == BATCH_DONE;
}

size_t
batch_n_results(const struct batch *batch)
{
	return batch->n_shown;
}

bool
batch_is_stored(const struct batch *batch)
{
	return batch->stored != 0;
}

struct batch_text
batch_result(const struct batch *batch, size_t n)
{
	assert(n < batch->n_shown && !batch_is_stored(batch));

	return batch->results[n];
}

struct batch_text
batch_result_of(const struct batch *batch, size_t index)
{
	uint32_t place = batch->by_index[index];

	return place && place <= batch->n_shown ? batch->results[place - 1]
						: (struct batch_text){ NULL, 0 };
}

uint64_t
batch_fingerprint(const struct batch *batch)
{
	return batch->fingerprint;
}

size_t
batch_n_urls(const struct batch *batch)
{
	return batch->n_urls;
}

struct batch_summary
batch_describe(const struct batch *batch)
{
	return (struct batch_summary){
		.id = batch->id,
		.name = batch->name,
		.state = batch->state,
		.outcome = batch->outcome,
		.policy = batch->policy,
		.started_sec = batch->started.tv_sec,
		.started_nsec = batch->started.tv_nsec,
		.elapsed_ns = batch_is_running(batch) ? nur_time_sub(nur_now(), batch->accepted_at)
						      : batch->elapsed,
		.deadline_ns = batch->deadline_ns,
		.n_urls = batch->n_urls,
		.counts = batch->counts,
	};
}

struct batch *
batch_ref(struct batch *batch)
{
	batch->n_refs++;
	return batch;
}

void
batch_unref(struct batch *batch)
{
	if (batch && --batch->n_refs == 0) {
		batch_destroy(batch);
	}
}
