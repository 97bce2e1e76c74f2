/* SPDX-License-Identifier: MIT */
#include "daemon/batches/batches.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/batches/batch.h"
#include "daemon/store/queue.h"

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
	batches->store = options->store;
	list_init(&batches->all);
	nur_parking_lot_init(&batches->idle);
	nur_parking_lot_init(&batches->expiring);
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
	struct list *node;

	batches->is_draining = true;
	list_for_each(node, &batches->all) {
		struct batch *batch = list_entry(node, struct batch, node);

		if (batch->detachment && batch_is_running(batch)) {
			detachment_suspend(batch);
		}
	}
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

struct batches_usage
batches_usage_of(const struct batches *batches, uid_t uid)
{
	struct batches_usage usage = { 0, 0 };
	const struct list *node;

	list_for_each(node, &batches->all) {
		const struct batch *batch = list_entry(node, struct batch, node);

		if (batch->is_asked_for && batch->uid == uid && batch->state != BATCH_DONE) {
			usage.n_batches++;
			usage.n_urls += batch->n_urls - batch->n_results;
		}
	}
	return usage;
}

bool
batches_have_store(const struct batches *batches)
{
	return batches->store != NULL;
}

const struct store_statistics *
batches_store_statistics(const struct batches *batches)
{
	return batches->store ? store_queue_statistics(batches->store) : NULL;
}

const char *
batches_store_why(const struct batches *batches)
{
	return batches->store && store_queue_error(batches->store) < 0
		       ? store_queue_why(batches->store)
		       : NULL;
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

void
batches_enter(struct batches *batches, struct batch *batch)
{
	if (!batch->id[0]) {
		make_id(batch);
	}
	list_prepend(&batches->all, &batch->node);
	(void)batch_ref(batch);
	batches->n_running++;
}

void
batches_ended(struct batches *batches, struct batch *batch, bool is_kept)
{
	if (--batches->n_running == 0) {
		(void)nur_parking_lot_unpark(&batches->idle, SIZE_MAX, 0);
	}
	if (!is_kept) {
		return;
	}
	batches->n_kept++;
	batches->n_kept_bytes += batch->n_text_bytes;
	trim(batches);
}

int
batches_admit(
	struct batches *batches, struct batch_description *description, struct batch **ret_batch)
{
	int r;

	if (batches->is_draining) {
		return -ESHUTDOWN;
	}
	if (batches->n_running >= batches->options.max_running) {
		return -EAGAIN;
	}
	r = batch_create(batches, description, ret_batch);
	if (r == 0) {
		batches_enter(batches, *ret_batch);
	}
	return r;
}

struct batch *
batches_find(struct batches *batches, const char *id)
{
	struct list *node;

	list_for_each(node, &batches->all) {
		struct batch *batch = list_entry(node, struct batch, node);

		if (strcmp(batch->id, id) == 0) {
			return detachment_is_hidden(batch) ? NULL : batch_ref(batch);
		}
	}
	return NULL;
}

int
batches_look_up(struct batches *batches, const char *id, struct batch **ret_batch)
{
	struct batch *batch = batches_find(batches, id);

	if (batch || !batches->store) {
		*ret_batch = batch;
		return batch ? nur_checkpoint() : -ENOENT;
	}
	return past_find(batches, id, ret_batch);
}

struct batch *
batches_next(struct batches *batches, struct batch *batch)
{
	struct list *node = batch ? &batch->node : &batches->all;

	do {
		node = node->next;
	} while (node != &batches->all &&
		 detachment_is_hidden(list_entry(node, struct batch, node)));
	return node == &batches->all ? NULL : list_entry(node, struct batch, node);
}

/* ---- listing ---- */

static bool
is_wanted(const struct batches_query *query, const struct batch *batch)
{
	return (!query->before || strcmp(batch->id, query->before) < 0) &&
	       (query->owner < 0 || query->owner == (int64_t)batch->uid) &&
	       (query->state < 0 || (int)batch->state == query->state);
}

static struct batch *
next_wanted(struct batches *batches, const struct batches_query *query, struct batch *batch)
{
	do {
		batch = batches_next(batches, batch);
	} while (batch && !is_wanted(query, batch));
	return batch;
}

/* Two lists in one order are merged; a batch that is in both is shown as it is in memory. */
static size_t
show_merged(struct batches *batches, const struct batches_query *query, const struct past *past)
{
	struct batch *batch = next_wanted(batches, query, NULL);
	size_t n_past = 0;
	size_t n = 0;

	for (; n < query->limit && (batch || n_past < past->n); n++) {
		const struct batch_summary *stored =
			n_past < past->n ? &past->summaries[n_past] : NULL;
		int order = !batch ? -1 : !stored ? 1 : strcmp(batch->id, stored->id);

		if (order >= 0) {
			const struct batch_summary summary = batch_describe(batch);

			query->show(query->user, &summary);
			batch = next_wanted(batches, query, batch);
		} else {
			query->show(query->user, stored);
		}
		n_past += order <= 0;
	}
	return n;
}

int
batches_list(struct batches *batches, const struct batches_query *query)
{
	_cleanup_(past_fini) struct past past = PAST_INIT;
	int r;

	if (batches->store && (query->state < 0 || query->state == BATCH_DONE)) {
		r = past_read(batches, query, &past);
	} else {
		r = nur_checkpoint();
	}
	return r < 0 ? r : (int)show_merged(batches, query, &past);
}
