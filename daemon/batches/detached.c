/* SPDX-License-Identifier: MIT */
/*
 * Detached batches, each a task of its own: it accepts the batch, fetches, and ends it, and whoever asked for it
 * may be gone (docs/store.md).
 *
 *	accept ─▶ fetch ─┬─▶ end         done, and on disk
 *	                 └─▶ suspended   the daemon stops first; as after a crash, the next start goes on
 *
 * Results are kept as those of any batch. One piece of work at a time takes what is there to the store, so that
 * many results are one transaction and no memory is needed for it; when it is done they are shown.
 */
#include "daemon/batches/detached.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/ops/wall_now.h"
#include "daemon/store/queue.h"
#include "lib/fetch/rules/request.h"

int
detachment_create(const struct batch *batch, struct detachment **ret_detachment)
{
	_cleanup_(detachment_destroyp) struct detachment *detachment =
		calloc(1, sizeof(*detachment));

	if (!detachment) {
		return -ENOMEM;
	}
	nur_parking_lot_init(&detachment->held);
	detachment->kept = calloc(batch->n_urls, sizeof(*detachment->kept));
	detachment->marks = calloc(batch->n_urls, sizeof(*detachment->marks));
	detachment->picked = calloc(batch->n_urls, sizeof(*detachment->picked));
	if (!detachment->kept || !detachment->marks || !detachment->picked) {
		return -ENOMEM;
	}
	*ret_detachment = steal(&detachment);
	return 0;
}

void
detachment_destroy(struct detachment *detachment)
{
	if (!detachment) {
		return;
	}
	free(detachment->kept);
	free(detachment->marks);
	free(detachment->picked);
	free(detachment->query);
	free(detachment->key);
	buffer_fini(&detachment->body);
	free(detachment);
}

bool
detachment_is_hidden(const struct batch *batch)
{
	return batch->detachment && !batch->detachment->is_accepted;
}

/* The reference of the registry goes, too: nobody has seen it. */
void
detached_withdraw(struct batch *batch)
{
	list_unlink(&batch->node);
	batch_leave(batch, BATCH_SUSPENDED);
	batch_unref(batch);
}

static void
poke_expiring(struct batches *batches)
{
	(void)nur_parking_lot_unpark(&batches->expiring, SIZE_MAX, 0);
}

/* ---- accepting ---- */

static struct store_request
request_of(const struct batch *batch)
{
	const struct detachment *detachment = batch->detachment;
	const struct batch_defaults *defaults = &detachment->defaults;
	const struct batch_limits *limits = &detachment->limits;

	return (struct store_request){
		.kind = detachment->kind,
		.query = detachment->query,
		.body = detachment->body.data,
		.body_len = detachment->body.len,
		.deadline_ns = defaults->deadline_ns,
		.timeout_ns = defaults->timeout_ns,
		.connect_timeout_ns = defaults->connect_timeout_ns,
		.concurrency = defaults->concurrency,
		.per_origin = defaults->per_origin,
		.redirects = defaults->redirects,
		.max_urls = (int64_t)limits->urls,
		.max_in_flight = limits->in_flight,
		.max_per_origin = limits->per_origin,
		.max_body = limits->body,
		.max_stored = detachment->max_stored,
		.level = batch->level,
	};
}

static struct store_batch
row_of(const struct batch *batch)
{
	const struct detachment *detachment = batch->detachment;
	const struct result_counts *counts = &batch->counts;

	return (struct store_batch){
		.number = detachment->number,
		.id = batch->id,
		.uid = detachment->uid,
		.key = detachment->key,
		.key_hash = detachment->key_hash,
		.name = batch->name,
		.policy = batch->policy,
		.accepted_ns = batch->started.tv_sec * NUR_SEC(1) + batch->started.tv_nsec,
		.deadline_ns = batch->deadline_ns,
		.n_urls = (int64_t)batch->n_urls,
		.outcome = batch->outcome,
		.elapsed_ns = batch->elapsed,
		.n_outcomes = { [RESULT_OK] = (int64_t)counts->ok,
			[RESULT_FAILED] = (int64_t)counts->failed,
			[RESULT_TIMEOUT] = (int64_t)counts->timeout,
			[RESULT_CANCELLED] = (int64_t)counts->cancelled },
	};
}

static int
store_acceptance(struct store *store, void *arg)
{
	struct batch *batch = arg;
	struct detachment *detachment = batch->detachment;
	const struct store_batch row = row_of(batch);
	const struct store_request request = request_of(batch);

	return store_accept(store, &row, &request, &detachment->number, &detachment->namesake);
}

/* Return: whether the batch is on disk. */
static bool
accept_batch(struct batch *batch)
{
	struct detachment *detachment = batch->detachment;

	detachment->verdict = store_queue_call(batch->owner->store, store_acceptance, batch);
	detachment->is_decided = true;
	detachment->is_accepted = detachment->verdict == STORE_ACCEPTED;
	free(steal(&detachment->query));
	buffer_fini(&detachment->body);
	(void)nur_parking_lot_unpark(&batch->progress, SIZE_MAX, 0);
	if (detachment->verdict == STORE_FULL) {
		poke_expiring(batch->owner);
	}
	return detachment->is_accepted;
}

/* ---- results ---- */

static int
add_results(struct store *store, const struct batch *batch, size_t first, size_t end)
{
	const struct detachment *detachment = batch->detachment;
	size_t n_bytes = 0;
	int r = 0;

	for (size_t n = first; r >= 0 && n < end; n++) {
		const struct store_result result = {
			.seq = n + 1,
			.index = detachment->kept[n].index,
			.outcome = detachment->kept[n].outcome,
			.text = batch->results[n].data,
			.len = batch->results[n].len,
		};

		n_bytes += result.len;
		r = store_add_result(store, detachment->number, &result);
	}
	return r < 0 || n_bytes == 0 ? r
				     : store_charge(store, detachment->number, (int64_t)n_bytes);
}

static int
store_results(struct store *store, void *arg)
{
	const struct batch *batch = arg;

	return add_results(store, batch, batch->n_shown, batch->detachment->n_written);
}

static void write_results(struct batch *batch);

/* After a failure they are in memory only, and shown all the same. */
static void
results_stored(void *arg, int r)
{
	struct batch *batch = arg;

	batch->detachment->is_writing = false;
	batch_show(batch, batch->detachment->n_written);
	write_results(batch);
	batch_unref(batch);
}

static void
write_results(struct batch *batch)
{
	struct detachment *detachment = batch->detachment;

	if (detachment->is_writing || detachment->is_ending || batch->n_shown == batch->n_results) {
		return;
	}
	detachment->is_writing = true;
	detachment->n_written = batch->n_results;
	detachment->work = (struct store_work){
		.run = store_results, .done = results_stored, .arg = batch_ref(batch)
	};
	store_queue_post(batch->owner->store, &detachment->work);
}

int
detached_keep(struct batch *batch, const struct fetch_result *result)
{
	int r = batch_keep(batch, result);

	if (r == 0) {
		batch->detachment->kept[batch->n_results - 1] =
			(struct kept_result){ (uint32_t)result->index, (uint8_t)result->outcome };
	}
	return r;
}

/* A result of the engine's whose URLs were picked, as one of the batch. */
static struct fetch_result
unpick(const struct detachment *detachment, const struct fetch_result *result)
{
	struct fetch_result mapped = *result;

	mapped.index = detachment->picked[result->index];
	if (result->cancel_cause >= 0) {
		mapped.cancel_cause = detachment->picked[result->cancel_cause];
	}
	if (result->is_twin) {
		mapped.twin_of = detachment->picked[result->twin_of];
	}
	return mapped;
}

/* Cancelled by nobody who meant the batch: the daemon stops. */
static bool
is_suspension(const struct batch *batch, const struct fetch_result *result)
{
	if (result->outcome != FETCH_CANCELLED) {
		return false;
	}
	switch (result->cancel_reason) {
	case FETCH_CANCEL_SIBLING_FAILED:
	case FETCH_CANCEL_FIRST_SUCCESS:
	case FETCH_CANCEL_DEADLINE:
		return false;
	default:
		return batch->cancelled != CANCEL_REQUEST;
	}
}

static void
suspend(struct batch *batch)
{
	batch_cancel(batch, CANCEL_SHUTDOWN);
}

static void
forget_mark(struct batch *batch, size_t index)
{
	struct detachment *detachment = batch->detachment;

	if (detachment->marks[index]) {
		detachment->marks[index] = false;
		if (--detachment->n_marked == 0 && detachment->is_stopping) {
			suspend(batch);
		}
	}
}

static int
on_result(void *user, const struct fetch_result *result)
{
	struct batch *batch = user;
	const struct fetch_result mapped = unpick(batch->detachment, result);
	int r = 0;

	if (is_suspension(batch, &mapped)) {
		batch->detachment->is_suspended = true;
	} else {
		r = detached_keep(batch, &mapped);
		write_results(batch);
	}
	forget_mark(batch, mapped.index);
	return r;
}

/* ---- marks ---- */

struct marking {
	int64_t number;
	size_t index;
};

static int
store_mark(struct store *store, void *arg)
{
	const struct marking *marking = arg;

	return store_start_url(store, marking->number, marking->index);
}

static bool
needs_mark(const struct batch *batch, size_t index)
{
	const struct batch_description *description = batch->description;

	return !description->resume &&
	       !fetch_method_is_idempotent(description->urls[index].options->method);
}

/* A URL of which nothing must be sent twice: that it was started is on disk first. */
static int
on_starting(void *user, size_t index)
{
	struct batch *batch = user;
	struct detachment *detachment = batch->detachment;
	struct marking marking = { detachment->number, detachment->picked[index] };
	int r = 0;

	if (!needs_mark(batch, marking.index)) {
		return 0;
	}
	while (r >= 0 && detachment->is_stopping) {
		r = nur_parking_lot_park(&detachment->held, "the next start of the daemon");
	}
	if (r < 0) {
		return r;
	}
	detachment->marks[marking.index] = true;
	detachment->n_marked++;
	return store_queue_call(batch->owner->store, store_mark, &marking);
}

/* ---- fetching ---- */

/* The outcome by what the whole batch has, of which the engine knows a part. */
static enum batch_outcome
judge(const struct batch *batch, int r, const struct fetch_batch_summary *summary)
{
	size_t n_failures = batch->counts.failed + batch->counts.timeout;

	if (r < 0 && r != NUR_ECANCELED) {
		return BATCH_FAILED;
	}
	if (summary->outcome == FETCH_BATCH_DEADLINE || summary->outcome == FETCH_BATCH_CANCELLED) {
		return batch_outcome_of(summary->outcome);
	}
	switch (batch->policy) {
	case BATCH_FAIL_FAST:
		return n_failures > batch->description->max_failures ? BATCH_FAILED : BATCH_OK;
	case BATCH_COLLECT:
		return n_failures > 0 ? BATCH_FAILED : BATCH_OK;
	case BATCH_FIRST_SUCCESS:
		return batch->counts.ok > 0 ? BATCH_OK : BATCH_FAILED;
	}
	return BATCH_FAILED;
}

/* Whatever went wrong, each URL has a result. */
static void
keep_missing(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_urls; i++) {
		const struct fetch_result result = {
			.index = i,
			.outcome = FETCH_FAILED,
			.error = FETCH_ERROR_RESOURCES,
			.error_detail = "out of memory",
			.timing = { FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT,
				FETCH_ABSENT, FETCH_ABSENT },
			.cancel_cause = -1,
		};

		if (batch->by_index[i] == 0 && detached_keep(batch, &result) < 0) {
			return; /* nothing more can be done about it now; the next start can */
		}
	}
}

/* With what of the results has not been given to the store yet. */
static int
store_end(struct store *store, void *arg)
{
	struct batch *batch = arg;
	struct detachment *detachment = batch->detachment;
	const struct store_batch row = row_of(batch);
	int r = add_results(store, batch,
		detachment->is_writing ? detachment->n_written : batch->n_shown, batch->n_results);

	if (r >= 0) {
		r = store_end_batch(store, &row, wall_now());
	}
	if (r >= 0) {
		r = store_is_filling(store);
		detachment->is_store_filling = r == 1;
	}
	return r < 0 ? r : 0;
}

static void
end(struct batch *batch)
{
	struct batches *owner = batch->owner;

	batch->detachment->is_ending = true;
	/* When it fails, that has been said; the batch is over in memory, and run again by the next start. */
	(void)store_queue_call(owner->store, store_end, batch);
	batch_show(batch, batch->n_results);
	if (batch->detachment->is_store_filling) {
		poke_expiring(owner);
	}
	batch_leave(batch, BATCH_DONE);
}

static int
fetch(struct batch *batch)
{
	const struct fetch_sink sink = {
		.result = on_result, .user = batch, .starting = on_starting
	};
	struct fetch_batch_summary summary = { .outcome = FETCH_BATCH_CANCELLED };
	int inner = 0;
	int r = batch_fetch(batch, &sink, &inner, &summary);

	if (batch->detachment->is_suspended) {
		batch_leave(batch, BATCH_SUSPENDED);
		return r;
	}
	keep_missing(batch);
	batch->outcome = judge(batch, inner, &summary);
	end(batch);
	return r;
}

static int
run_detached(void *arg)
{
	struct batch *batch = arg;
	int r = 0;

	if (!batch->detachment->is_accepted && !accept_batch(batch)) {
		detached_withdraw(batch);
	} else {
		write_results(batch); /* those that the restoring made */
		r = fetch(batch);
	}
	batch_unref(batch);
	return r == NUR_ECANCELED ? r : 0; /* a batch's failure is not its siblings' */
}

int
detached_start(struct batch *batch)
{
	int r = nur_start_soon(batch->owner->detached, "detached batch", run_detached, batch);

	if (r >= 0) {
		(void)batch_ref(batch);
	}
	return r;
}

void
detachment_suspend(struct batch *batch)
{
	batch->detachment->is_stopping = true;
	if (batch->detachment->n_marked == 0) {
		suspend(batch);
	}
}
