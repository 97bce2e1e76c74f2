/* SPDX-License-Identifier: MIT */
/*
 * Batches that are over and not in memory any more. One that somebody looks at becomes a batch like the others,
 * with all its results, for as long as he does; who comes meanwhile gets the same one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/batch.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"

static struct result_counts
counts_of(const struct store_batch *row)
{
	return (struct result_counts){
		.ok = (size_t)row->n_outcomes[RESULT_OK],
		.failed = (size_t)row->n_outcomes[RESULT_FAILED],
		.timeout = (size_t)row->n_outcomes[RESULT_TIMEOUT],
		.cancelled = (size_t)row->n_outcomes[RESULT_CANCELLED],
	};
}

/* ---- the list ---- */

struct listing {
	const struct batches_query *query;
	struct past *past;
};

static int
take_row(void *user, const struct store_batch *row)
{
	struct past *past = user;
	struct batch_summary *summary = &past->summaries[past->n];

	*summary = (struct batch_summary){
		.id = arena_text(&past->arena, row->id, strlen(row->id)),
		.name = row->name ? arena_text(&past->arena, row->name, strlen(row->name)) : NULL,
		.state = BATCH_DONE,
		.outcome = (enum batch_outcome)row->outcome,
		.policy = (enum batch_policy)row->policy,
		.started_sec = row->accepted_ns / NUR_SEC(1),
		.started_nsec = row->accepted_ns % NUR_SEC(1),
		.elapsed_ns = row->elapsed_ns,
		.deadline_ns = row->deadline_ns,
		.n_urls = (size_t)row->n_urls,
		.counts = counts_of(row),
	};
	if (!summary->id || (row->name && !summary->name)) {
		return -ENOMEM;
	}
	past->n++;
	return 0;
}

static int
read_list(struct store *store, void *arg)
{
	struct listing *listing = arg;

	return store_each_ended(
		store, listing->query->before, listing->query->owner, listing->query->limit, take_row, listing->past);
}

int
past_read(struct batches *batches, const struct batches_query *query, struct past *ret_past)
{
	struct listing listing = { query, ret_past };

	ret_past->summaries = calloc(query->limit, sizeof(*ret_past->summaries));
	if (!ret_past->summaries) {
		return -ENOMEM;
	}
	return store_queue_read(batches->store, read_list, &listing);
}

void
past_fini(struct past *past)
{
	free(past->summaries);
	arena_fini(&past->arena);
}

/* ---- one batch ---- */

struct finding {
	struct batches *batches;
	const char *id;
	struct batch *batch;
	int64_t number;
};

static int
make_batch(void *user, const struct store_batch *row)
{
	struct finding *finding = user;
	struct batch *batch;
	int r = batch_create_past(
		finding->batches, row->name, (size_t)row->n_urls, &finding->batch);

	if (r < 0) {
		return r;
	}
	batch = finding->batch;
	finding->number = row->number;
	batch_set_owner(batch, row->uid, ACCESS_NONE);
	(void)snprintf(batch->id, sizeof(batch->id), "%s", row->id);
	batch->policy = (enum batch_policy)row->policy;
	batch->outcome = (enum batch_outcome)row->outcome;
	batch->started = (struct timespec){
		.tv_sec = row->accepted_ns / NUR_SEC(1),
		.tv_nsec = row->accepted_ns % NUR_SEC(1),
	};
	batch->deadline_ns = row->deadline_ns;
	batch->elapsed = row->elapsed_ns;
	return 0;
}

static int
take_result(void *user, const struct store_result *result)
{
	struct finding *finding = user;

	return batch_keep_text(finding->batch, result->index, (enum result_outcome)result->outcome,
		result->text, result->len);
}

/* On the store's thread: nobody else knows the batch. */
static int
read_batch(struct store *store, void *arg)
{
	struct finding *finding = arg;
	int r = store_find_ended(store, finding->id, make_batch, finding);

	if (r == 0) {
		return -ENOENT;
	}
	return r < 0 ? r : store_each_result(store, finding->number, take_result, finding);
}

static struct batch *
find_looked_at(struct batches *batches, const char *id)
{
	struct list *node;

	list_for_each(node, &batches->past) {
		struct batch *batch = list_entry(node, struct batch, node);

		if (strcmp(batch->id, id) == 0) {
			return batch_ref(batch);
		}
	}
	return NULL;
}

int
past_find(struct batches *batches, const char *id, struct batch **ret_batch)
{
	struct finding finding = { .batches = batches, .id = id };
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	struct batch *known = find_looked_at(batches, id);
	int r;

	if (known) {
		*ret_batch = known;
		return nur_cancel_shielded_checkpoint();
	}
	r = store_queue_read(batches->store, read_batch, &finding);
	batch = finding.batch;
	if (r < 0) {
		return r;
	}
	known = find_looked_at(batches, id); /* somebody else was reading it, too */
	if (known) {
		*ret_batch = known;
		return 0;
	}
	batch_show(batch, batch->n_results);
	list_append(&batches->past, &batch->node);
	*ret_batch = steal(&batch);
	return 0;
}
