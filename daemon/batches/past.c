/* SPDX-License-Identifier: MIT */
/*
 * Batches that are over and not in memory any more. One that somebody looks at becomes a batch like the others, for
 * as long as he does, but its results stay in the store and are read in pages: a hundred thousand of them need no
 * more memory than a hundred, and a slow reader holds one page.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/batches/batch.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"

enum {
	page_bytes = 256 * 1024, /* of texts; a single one may be longer */
};

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
};

static int
make_batch(void *user, const struct store_batch *row)
{
	struct finding *finding = user;
	struct batch *batch;
	int r = batch_create_past(finding->batches, row->name, row->number, &finding->batch);

	if (r < 0) {
		return r;
	}
	batch = finding->batch;
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
	batch->n_urls = (size_t)row->n_urls;
	batch->counts = counts_of(row);
	batch->n_results = batch->counts.ok + batch->counts.failed + batch->counts.timeout +
			   batch->counts.cancelled;
	batch->n_shown = batch->n_results;
	return 0;
}

/* On the store's thread: nobody else knows the batch. */
static int
read_batch(struct store *store, void *arg)
{
	struct finding *finding = arg;
	int r = store_find_ended(store, finding->id, make_batch, finding);

	return r == 0 ? -ENOENT : r;
}

int
past_find(struct batches *batches, const char *id, struct batch **ret_batch)
{
	struct finding finding = { .batches = batches, .id = id };
	int r = store_queue_read(batches->store, read_batch, &finding);

	if (r < 0) {
		batch_unref(finding.batch);
		return r;
	}
	*ret_batch = finding.batch;
	return 0;
}

/* ---- its results ---- */

struct paging {
	int64_t number;
	enum batch_order order;
	size_t from;
	size_t n_bytes;
	struct batch_page page;
};

/* Return: 1 when the page is full. */
static int
take_result(void *user, const struct store_result *result)
{
	struct paging *paging = user;
	struct batch_page *page = &paging->page;
	char *text = arena_text(&page->texts, result->text, result->len);

	if (!text) {
		return -ENOMEM;
	}
	page->results[page->n++] = (struct batch_page_result){
		.number = paging->order == BATCH_BY_SEQ ? result->seq : result->index,
		.text = { text, result->len },
	};
	paging->n_bytes += result->len;
	return page->n == BATCH_PAGE_MAX || paging->n_bytes >= page_bytes;
}

static int
read_page(struct store *store, void *arg)
{
	struct paging *paging = arg;

	return paging->order == BATCH_BY_SEQ ? store_results_after(store, paging->number,
						       paging->from - 1, take_result, paging)
					     : store_results_from(store, paging->number,
						       paging->from, take_result, paging);
}

int
batch_read_page(
	const struct batch *batch, enum batch_order order, size_t from, struct batch_page *ret_page)
{
	struct paging paging = { .number = batch->stored, .order = order, .from = from };
	int r;

	assert(batch_is_stored(batch) && (order == BATCH_BY_INDEX || from > 0));
	paging.page.results = calloc(BATCH_PAGE_MAX, sizeof(*paging.page.results));
	r = paging.page.results ? store_queue_read(batch->owner->store, read_page, &paging)
				: -ENOMEM;
	if (r >= 0 && paging.page.n == 0) {
		r = -ENOENT;
	}
	if (r < 0) {
		batch_page_fini(&paging.page);
		return r;
	}
	*ret_page = paging.page;
	return 0;
}

void
batch_page_fini(struct batch_page *page)
{
	free(page->results);
	arena_fini(&page->texts);
	*page = (struct batch_page){ .n = 0 };
}
