/* SPDX-License-Identifier: MIT */
#include "daemon/batches.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/batch_request.h"
#include "daemon/tally.h"
#include "lib/base/buffer.h"
#include "lib/base/list.h"
#include "lib/fetch/url.h"
#include "lib/protocol/arena.h"
#include "lib/protocol/json_writer.h"

/*
 * struct batch
 *
 * node         in batches->all, newest first; unlinked once the registry let go
 * name, policy, deadline_ns, n_urls  of the description, for those who look at it later
 * description  what was asked for, until the batch is done: it holds headers and bodies
 * request      the engine's view of it, likewise
 * scope        around the fetching: batch_cancel()
 * texts        memory of the results' texts, which never move
 * results      in the order of finishing
 * by_index     place in @results plus one; 0: not finished
 * fingerprint  of the failures among them
 * progress     those who wait for more results or for the end
 * line         where the next text is written first
 * shown_url    its URL without user info
 */
struct batch {
	struct list node;
	struct batches *owner;
	unsigned n_refs;
	char id[24];
	const char *name;
	enum batch_policy policy;
	int64_t deadline_ns;
	size_t n_urls;
	struct batch_description *description;
	struct batch_request *request;
	struct nur_cancel_scope scope;
	enum batch_state state;
	enum batch_outcome outcome;
	struct result_counts counts;
	struct timespec started;
	nur_time accepted_at;
	nur_time elapsed;
	struct arena texts;
	size_t n_text_bytes;
	struct batch_text *results;
	uint32_t *by_index;
	size_t n_results;
	uint64_t fingerprint;
	struct nur_parking_lot progress;
	struct buffer line;
	struct buffer shown_url;
};

struct batches {
	struct fetch_engine *engine;
	struct batches_options options;
	struct list all;
	struct tally tally;
	size_t n_running;
	size_t n_kept;
	size_t n_kept_bytes;
	uint32_t next_number;
	uint64_t last_ms;
	bool is_draining;
	struct nur_parking_lot idle;
};

int
batches_create(struct fetch_engine *engine, const struct batches_options *options,
	struct batches **ret_batches)
{
	struct batches *batches = calloc(1, sizeof(*batches));

	if (!batches) {
		return -ENOMEM;
	}
	batches->engine = engine;
	batches->options = *options;
	list_init(&batches->all);
	nur_parking_lot_init(&batches->idle);
	/* Only makes ids of two starts differ; without randomness the time in them does. */
	(void)!getrandom(&batches->next_number, sizeof(batches->next_number), GRND_NONBLOCK);
	*ret_batches = batches;
	return 0;
}

static void
forget(struct batch *batch)
{
	list_unlink(&batch->node);
	batch_unref(batch);
}

void
batches_destroy(struct batches *batches)
{
	if (!batches) {
		return;
	}
	assert(batches->n_running == 0);
	while (!list_is_empty(&batches->all)) {
		forget(list_entry(batches->all.next, struct batch, node));
	}
	free(batches);
}

void
batches_drain(struct batches *batches)
{
	batches->is_draining = true;
}

bool
batches_is_draining(const struct batches *batches)
{
	return batches->is_draining;
}

void
batches_set_max_running(struct batches *batches, size_t max_running)
{
	batches->options.max_running = max_running;
}

const struct tally *
batches_tally(const struct batches *batches)
{
	return &batches->tally;
}

size_t
batches_n_running(const struct batches *batches)
{
	return batches->n_running;
}

int
batches_wait_idle(struct batches *batches)
{
	int r = nur_checkpoint();

	while (r == 0 && batches->n_running > 0) {
		r = nur_parking_lot_park(&batches->idle, "running batches");
	}
	return r;
}

void
batches_cancel_all(struct batches *batches, enum cancel_reason reason)
{
	struct list *node;

	list_for_each(node, &batches->all) {
		batch_cancel(list_entry(node, struct batch, node), reason);
	}
}

/* Lets go of finished batches, oldest first, until what is kept is within its limits. */
static void
trim(struct batches *batches)
{
	struct list *node = batches->all.prev;

	while (node != &batches->all &&
		(batches->n_kept > batches->options.max_kept ||
			batches->n_kept_bytes > batches->options.max_kept_bytes)) {
		struct batch *batch = list_entry(node, struct batch, node);

		node = node->prev;
		if (batch->state == BATCH_DONE) {
			batches->n_kept--;
			batches->n_kept_bytes -= batch->n_text_bytes;
			forget(batch);
		}
	}
}

/*
 * Sorts by time, also when the clock is set back, and is unique within a start; two starts in one millisecond
 * differ by their random part.
 */
static void
make_id(struct batch *batch)
{
	struct batches *owner = batch->owner;
	uint64_t ms =
		(uint64_t)batch->started.tv_sec * 1000 + (uint64_t)batch->started.tv_nsec / 1000000;

	if (ms < owner->last_ms) {
		ms = owner->last_ms;
	}
	owner->last_ms = ms;
	(void)snprintf(batch->id, sizeof(batch->id), "%011llx%08x", (unsigned long long)ms,
		(unsigned)owner->next_number++);
}

static void
batch_destroy(struct batch *batch)
{
	if (!batch) {
		return;
	}
	batch_request_destroy(batch->request);
	batch_description_destroy(batch->description);
	arena_fini(&batch->texts);
	free(batch->results);
	free(batch->by_index);
	buffer_fini(&batch->line);
	buffer_fini(&batch->shown_url);
	free(batch);
}

DEFINE_CLEANUP(struct batch *, batch_destroy);

int
batches_admit(
	struct batches *batches, struct batch_description *description, struct batch **ret_batch)
{
	_cleanup_(batch_destroyp) struct batch *batch = NULL;
	int r;

	if (batches->is_draining) {
		return -ESHUTDOWN;
	}
	if (batches->n_running >= batches->options.max_running) {
		return -EAGAIN;
	}
	batch = calloc(1, sizeof(*batch));
	if (!batch) {
		return -ENOMEM;
	}
	batch->results = calloc(description->n_urls, sizeof(*batch->results));
	batch->by_index = calloc(description->n_urls, sizeof(*batch->by_index));
	if (!batch->results || !batch->by_index) {
		return -ENOMEM;
	}
	if (description->name) {
		batch->name =
			arena_text(&batch->texts, description->name, strlen(description->name));
		if (!batch->name) {
			return -ENOMEM;
		}
	}
	r = batch_request_create(description, &batch->request);
	if (r < 0) {
		return r;
	}

	batch->owner = batches;
	batch->n_refs = 2; /* the registry's and the caller's */
	batch->description = description;
	batch->policy = description->policy;
	batch->deadline_ns = description->deadline_ns;
	batch->n_urls = description->n_urls;
	batch->state = BATCH_RUNNING; /* each is started at once */
	batch->accepted_at = nur_now();
	batch->counts.pending = description->n_urls;
	(void)clock_gettime(CLOCK_REALTIME, &batch->started); /* cannot fail */
	nur_cancel_scope_init(&batch->scope);
	nur_parking_lot_init(&batch->progress);
	make_id(batch);
	list_prepend(&batches->all, &batch->node);
	batches->n_running++;
	*ret_batch = steal(&batch);
	return 0;
}

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
	/* the last step of MurmurHash3 */
	x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ (x >> 33);
}

/* The engine's sink: keep the result as text and tell those who wait. Must not wait itself. */
static int
on_result(void *user, const struct fetch_result *result)
{
	struct batch *batch = user;
	struct result_record record =
		batch_result_record(result, &batch->description->urls[result->index]);
	struct json_writer writer = JSON_WRITER_INIT(&batch->line);
	char *text;

	hide_user_info(batch, &record);
	buffer_clear(&batch->line);
	result_write(&writer, &record);
	if (buffer_error(&batch->line) < 0 || buffer_error(&batch->shown_url) < 0) {
		return -ENOMEM;
	}
	text = arena_text(&batch->texts, batch->line.data, batch->line.len);
	if (!text) {
		return -ENOMEM;
	}

	batch->results[batch->n_results] = (struct batch_text){ text, batch->line.len };
	batch->n_text_bytes += batch->line.len;
	batch->by_index[result->index] = (uint32_t)++batch->n_results;
	batch->fingerprint += fingerprint_of(result);
	result_counts_add(&batch->counts, record.outcome);
	tally_add(&batch->owner->tally, batch->description->urls[result->index].url, result);
	batch->counts.pending--;
	(void)nur_parking_lot_unpark(&batch->progress, SIZE_MAX, 0);
	return 0;
}

static void
finish(struct batch *batch, int r, const struct fetch_batch_summary *summary)
{
	struct batches *owner = batch->owner;

	batch->elapsed = nur_time_sub(nur_now(), batch->accepted_at);
	batch->outcome =
		r < 0 && r != NUR_ECANCELED ? BATCH_FAILED : batch_outcome_of(summary->outcome);
	batch->state = BATCH_DONE;
	batch_request_destroy(steal(&batch->request));
	batch_description_destroy(steal(&batch->description));
	buffer_fini(&batch->line);
	buffer_fini(&batch->shown_url);
	if (--owner->n_running == 0) {
		(void)nur_parking_lot_unpark(&owner->idle, SIZE_MAX, 0);
	}
	owner->n_kept++;
	owner->n_kept_bytes += batch->n_text_bytes;
	(void)nur_parking_lot_unpark(&batch->progress, SIZE_MAX, 0);
	trim(owner);
}

int
batch_run(struct batch *batch)
{
	struct fetch_batch *request = batch_request_batch(batch->request);
	struct fetch_sink sink = { .result = on_result, .user = batch };
	struct fetch_batch_summary summary = { .outcome = FETCH_BATCH_CANCELLED };
	int r;
	int inner = 0;

	request->accepted_at = batch->accepted_at;
	(void)batch_ref(batch); /* finish() may make the registry forget it */
	r = NUR_WITHIN(&batch->scope,
		inner = fetch_batch_run(batch->owner->engine, request, &sink, &summary));
	finish(batch, inner, &summary);
	batch_unref(batch);
	return r;
}

void
batch_cancel(struct batch *batch, enum cancel_reason reason)
{
	if (batch->state != BATCH_DONE) {
		nur_cancel_scope_cancel(&batch->scope, cancel_reason_name(reason));
	}
}

int
batch_wait_done(struct batch *batch)
{
	int r = 0;

	if (batch->state == BATCH_DONE) {
		return nur_checkpoint();
	}
	while (r == 0 && batch->state != BATCH_DONE) {
		r = nur_parking_lot_park(&batch->progress, "batch");
	}
	return r;
}

int
batch_wait_results(struct batch *batch, size_t n_seen)
{
	if (batch->state == BATCH_DONE || batch->n_results > n_seen) {
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
	return batch->n_results;
}

struct batch_text
batch_result(const struct batch *batch, size_t n)
{
	assert(n < batch->n_results);

	return batch->results[n];
}

struct batch_text
batch_result_of(const struct batch *batch, size_t index)
{
	uint32_t place = batch->by_index[index];

	return place ? batch->results[place - 1] : (struct batch_text){ NULL, 0 };
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
		.elapsed_ns = batch->state == BATCH_DONE
				      ? batch->elapsed
				      : nur_time_sub(nur_now(), batch->accepted_at),
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

struct batch *
batches_find(struct batches *batches, const char *id)
{
	struct list *node;

	list_for_each(node, &batches->all) {
		struct batch *batch = list_entry(node, struct batch, node);

		if (strcmp(batch->id, id) == 0) {
			return batch_ref(batch);
		}
	}
	return NULL;
}

struct batch *
batches_next(struct batches *batches, struct batch *batch)
{
	struct list *node = batch ? batch->node.next : batches->all.next;

	return node == &batches->all ? NULL : list_entry(node, struct batch, node);
}
