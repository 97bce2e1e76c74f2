/* SPDX-License-Identifier: MIT */
/*
 * The one door through which every batch enters, whatever its source (a request, a job), and the registry in
 * which it can be found while it runs and for a while after.
 *
 * A batch is held by whoever runs it, by whoever shows it, and by the registry; the last one frees it. Its
 * results are kept as the JSON text they are shown in, in the order of finishing, so that the collected
 * answer, the stream and a later look are three readings of one list.
 */
#pragma once

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/result.h"

struct batch;
struct batches;
struct tally;

/*
 * max_running    batches at one time
 * max_kept       batches that are over and still shown
 * max_kept_bytes of their results together; the oldest go first
 */
struct batches_options {
	size_t max_running;
	size_t max_kept;
	size_t max_kept_bytes;
};

/* batches_create() - @engine is borrowed until batches_destroy(). -ENOMEM */
int batches_create(struct fetch_engine *engine, const struct batches_options *options,
	struct batches **ret_batches);

/* batches_destroy() - no batch is running; accepts NULL */
void batches_destroy(struct batches *batches);

/* batches_drain() - from now on nothing is admitted */
void batches_drain(struct batches *batches);
bool batches_is_draining(const struct batches *batches);

size_t batches_n_running(const struct batches *batches);

/* batches_tally() - what all URLs came to that are over */
const struct tally *batches_tally(const struct batches *batches);

/* batches_set_max_running() - for what is admitted from now on */
void batches_set_max_running(struct batches *batches, size_t max_running);

/* batches_wait_idle() - until none is running. Checkpoint: always. NUR_ECANCELED */
int batches_wait_idle(struct batches *batches);

/* batches_cancel_all() - cancel what is running */
void batches_cancel_all(struct batches *batches, enum cancel_reason reason);

/**
 * batches_admit() - make a batch of a description
 * @description: taken on success
 * @ret_batch:   given, batch_unref(); the caller must batch_run() it
 *
 * Checkpoint: never
 * Errors: -ESHUTDOWN  draining
 *         -EAGAIN     max_running are running
 *         -ENOMEM, -E2BIG
 */
int batches_admit(
	struct batches *batches, struct batch_description *description, struct batch **ret_batch);

/**
 * batch_run() - fetch it in the calling task
 *
 * Whatever happens, the batch is done afterwards and every URL has its result.
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED  the caller was cancelled (a cancel of the batch alone is no error)
 *         -ENOMEM        results were lost for lack of memory
 */
int batch_run(struct batch *batch);

/* batch_cancel() - end it early; harmless when it is over */
void batch_cancel(struct batch *batch, enum cancel_reason reason);

/* batch_wait_done() - until nothing of it is alive. Checkpoint: always. NUR_ECANCELED */
int batch_wait_done(struct batch *batch);

/* batch_wait_results() - until it has more than @n_seen results or is done. Checkpoint: always. NUR_ECANCELED */
int batch_wait_results(struct batch *batch, size_t n_seen);

const char *batch_id(const struct batch *batch);
bool batch_is_done(const struct batch *batch);
size_t batch_n_results(const struct batch *batch);

/* One result as a JSON object; borrowed from the batch. */
struct batch_text {
	const char *data;
	size_t len;
};

/* batch_result() - the @n-th to finish, from 0; n < batch_n_results() */
struct batch_text batch_result(const struct batch *batch, size_t n);

/* batch_result_of() - that of the URL with this index; data NULL: not finished yet */
struct batch_text batch_result_of(const struct batch *batch, size_t index);

size_t batch_n_urls(const struct batch *batch);

/* batch_fingerprint() - the same for two batches of the same URLs of which the same ones failed the same way */
uint64_t batch_fingerprint(const struct batch *batch);

/* batch_describe() - as it is now; strings are borrowed from the batch */
struct batch_summary batch_describe(const struct batch *batch);

struct batch *batch_ref(struct batch *batch);
void batch_unref(struct batch *batch);

DEFINE_CLEANUP(struct batch *, batch_unref);

/* batches_find() - a new reference to the batch of this id, or NULL */
struct batch *batches_find(struct batches *batches, const char *id);

/* batches_next() - from the newest to the oldest: NULL begins; NULL is the end; borrowed, no checkpoint between */
struct batch *batches_next(struct batches *batches, struct batch *batch);
