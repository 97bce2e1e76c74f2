/* SPDX-License-Identifier: MIT */
/*
 * A batch is a nursery in its caller's task, inside a scope that ends at the batch's deadline. The
 * nursery's body admits: it reads requests into the queue only as far as it needs to fill the
 * window, starts a task for each one that has all its places, and sleeps until places come back.
 * The tasks (fetch.c) deliver their results here, where the policy decides over the rest.
 *
 * Who is cancelled, and why: the policy cancels the nursery and writes down the reason first. What
 * comes from outside (the deadline is outside of the nursery, too) is found by the first task that
 * notices it, in the reason of the scope it is cancelled by. Whatever had not started then gets its
 * result after the nursery has closed.
 *
 * An engine with several workers has no queue of its own: there the body divides (split.c), and the parts are
 * batches here, each in its worker's run.
 */
#include "lib/fetch/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fetch/fetch.h"
#include "lib/fetch/split.h"

#define PER_ORIGIN 8

static enum fetch_cancel_reason
find_reason(const struct nur_cancel_reason *cancelled)
{
	if (!cancelled) {
		return FETCH_CANCEL_REQUEST;
	}
	for (unsigned i = FETCH_CANCEL_DEADLINE; cancelled->text && i < FETCH_N_CANCEL_REASONS;
		i++) {
		if (strcmp(cancelled->text, fetch_cancel_reason_name(i)) == 0) {
			return i;
		}
	}
	switch (cancelled->source) {
	case NUR_CANCEL_DEADLINE:
		return FETCH_CANCEL_DEADLINE;
	case NUR_CANCEL_SHUTDOWN:
		return FETCH_CANCEL_SHUTDOWN;
	default:
		return FETCH_CANCEL_REQUEST;
	}
}

static void
end_batch(struct fetch_run *run, enum fetch_cancel_reason reason, int64_t cause)
{
	if (run->reason != FETCH_CANCEL_NONE) {
		return;
	}
	run->reason = reason;
	run->cause = cause;
	nur_nursery_cancel(run->nursery, fetch_cancel_reason_name(reason));
}

void
fetch_run_note_reason(struct fetch_run *run)
{
	if (run->reason == FETCH_CANCEL_NONE) {
		run->reason = find_reason(nur_current_cancel_reason());
	}
}

static void
apply_policy(struct fetch_run *run, const struct fetch_result *result)
{
	bool is_failure = result->outcome == FETCH_FAILED || result->outcome == FETCH_TIMEOUT;
	size_t n_failures = run->n_results[FETCH_FAILED] + run->n_results[FETCH_TIMEOUT];

	switch (run->batch->policy) {
	case FETCH_POLICY_FAIL_FAST:
		if (is_failure && n_failures > run->batch->max_failures) {
			end_batch(run, FETCH_CANCEL_SIBLING_FAILED, (int64_t)result->index);
		}
		break;
	case FETCH_POLICY_COLLECT:
		break;
	case FETCH_POLICY_FIRST_SUCCESS:
		if (result->outcome == FETCH_OK) {
			end_batch(run, FETCH_CANCEL_FIRST_SUCCESS, (int64_t)result->index);
		}
		break;
	}
}

static void
deliver(struct fetch_run *run, struct fetch_result *result)
{
	int r;

	result->cancel_cause = -1;
	if (result->outcome == FETCH_CANCELLED) {
		fetch_run_note_reason(run);
		result->cancel_reason = run->reason;
		result->cancel_cause = run->cause;
	}
	result->timing.total = nur_now() - run->batch->accepted_at;

	run->n_results[result->outcome]++;
	run->engine->total_results[result->outcome]++;
	if (run->sink && run->sink->result) {
		r = run->sink->result(run->sink->user, result);
		if (r < 0 && run->error == 0) {
			run->error = r;
			end_batch(run, FETCH_CANCEL_REQUEST, -1);
		}
	}
	apply_policy(run, result);
}

void
fetch_run_leave_queue(struct fetch_run *run, size_t n)
{
	run->n_queued -= n;
	run->engine->n_queued -= n;
}

void
fetch_run_deliver(struct fetch_run *run, struct fetch_result *result)
{
	deliver(run, result);
	if (!run->twins) {
		return;
	}
	result->is_twin = true;
	result->twin_of = result->index;
	for (uint32_t i = fetch_twins_next(run->twins, (uint32_t)result->index); i != FETCH_NO_TWIN;
		i = fetch_twins_next(run->twins, i)) {
		result->index = i;
		fetch_run_leave_queue(run, 1);
		deliver(run, result);
	}
}

bool
fetch_run_is_later_twin(const struct fetch_run *run, size_t index)
{
	return run->twins && fetch_twins_is_later(run->twins, (uint32_t)index);
}

/* For a URL that never started. */
static void
deliver_unstarted(struct fetch_run *run, size_t index, enum fetch_outcome outcome,
	enum fetch_error error, const char *detail)
{
	struct fetch_result result = {
		.index = index,
		.outcome = outcome,
		.error = error,
		.error_detail = detail,
		.timing = { FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT, FETCH_ABSENT,
			FETCH_ABSENT },
	};

	fetch_run_deliver(run, &result);
}

void
fetch_run_deliver_cancelled(struct fetch_run *run, size_t index)
{
	deliver_unstarted(run, index, FETCH_CANCELLED, FETCH_ERROR_NONE, "");
}

void
fetch_run_deliver_refused(struct fetch_run *run, size_t index, int error, const char *detail)
{
	deliver_unstarted(run, index, FETCH_FAILED,
		error == -EINVAL ? FETCH_ERROR_BAD_URL : FETCH_ERROR_RESOURCES,
		error == -EINVAL ? detail : nur_strerror(error));
}

void
fetch_run_wake(void *user)
{
	struct fetch_run *run = user;
	struct nur_task *task = run->waiting;

	run->is_woken = true;
	if (task) {
		run->waiting = NULL;
		nur_reschedule(task, 0);
	}
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	struct fetch_run *run = arg;

	run->waiting = NULL;
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_for_room(struct fetch_run *run)
{
	int r;

	if (run->is_woken) {
		r = nur_checkpoint();
	} else {
		run->waiting = nur_current_task();
		r = nur_wait_task_rescheduled("admission", abort_wait, run);
	}
	run->is_woken = false;
	return r;
}

/* A part, which others may be waiting for: all that is left of it has to rest. */
static bool
must_rest(const struct fetch_run *run)
{
	return run->part && run->part->share.takes_turns && run->n_read == run->batch->n_requests &&
	       fetch_queue_is_resting(run->queue);
}

static int
rest(struct fetch_run *run)
{
	int r = 0;

	fetch_share_leave_turn(run->part);
	while (r == 0 && !fetch_queue_is_ready(run->queue)) {
		r = wait_for_room(run);
	}
	return r < 0 ? r : fetch_share_enter_turn(run->part);
}

static void
forget_url(struct fetch_run *run)
{
	fetch_url_destroy(run->read_url);
	run->read_url = NULL;
}

/* Most requests start as soon as they are read, and are parsed once. */
__attribute__((noinline)) static void
read_request(struct fetch_run *run, size_t index)
{
	const char *url = run->batch->requests[index].url;
	struct fetch_reason reason;
	int r;

	if (fetch_run_is_later_twin(run, index)) {
		return;
	}
	forget_url(run);
	r = fetch_url_parse(url, strlen(url), &run->read_url, &reason);
	if (r == 0) {
		r = fetch_queue_add(run->queue, (uint32_t)index, run->read_url->origin);
	}
	if (r < 0) {
		fetch_run_leave_queue(run, 1);
		fetch_run_deliver_refused(run, index, r, reason.text);
	}
}

static int
read_requests(struct fetch_run *run)
{
	size_t n = 0;
	int r;

	while (run->n_read < run->batch->n_requests && run->reason == FETCH_CANCEL_NONE &&
		!fetch_queue_is_ready(run->queue) && fetch_queue_has_room(run->queue)) {
		read_request(run, run->n_read++);
		if (++n % FETCH_READS_A_TURN == 0) {
			r = nur_checkpoint();
			if (r < 0) {
				return r;
			}
		}
	}
	return 0;
}

static int
take_url(struct fetch_run *run, size_t index, struct fetch_url **ret_url,
	struct fetch_reason *reason)
{
	const char *url = run->batch->requests[index].url;

	if (run->read_url && index + 1 == run->n_read) {
		*ret_url = steal(&run->read_url);
		return 0;
	}
	return fetch_url_parse(url, strlen(url), ret_url, reason);
}

__attribute__((noinline)) static void
start(struct fetch_run *run, size_t index, struct fetch_lane *lane)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	struct fetch_reason reason;
	int r;

	fetch_run_leave_queue(run, 1);
	r = take_url(run, index, &url, &reason);
	if (r == 0) {
		r = fetch_start(run, index, lane, url);
	}
	if (r == 0) {
		(void)steal(&url);
		return;
	}
	fetch_run_deliver_refused(run, index, r, reason.text);
	fetch_lane_leave(lane);
	fetch_queue_leave(run->queue);
}

/* There was no place for another one to be read, and the queue has asked for one: who takes nothing asks no more. */
static bool
is_held_up(const struct fetch_run *run)
{
	return run->n_read < run->batch->n_requests && !fetch_queue_is_ready(run->queue);
}

static int
admit_all(struct fetch_run *run)
{
	for (;;) {
		struct fetch_lane *lane;
		uint32_t index;
		int r;

		r = read_requests(run);
		if (r < 0) {
			return r;
		}
		if (run->reason == FETCH_CANCEL_NONE && !is_held_up(run) &&
			fetch_queue_take(run->queue, &index, &lane)) {
			start(run, index, lane);
			continue;
		}
		if (run->n_read == run->batch->n_requests && fetch_queue_is_empty(run->queue)) {
			return 0;
		}
		r = must_rest(run) ? rest(run) : wait_for_room(run);
		if (r < 0) {
			return r;
		}
	}
}

int
fetch_run_find_twins(struct fetch_run *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->batch->n_requests; i++) {
		fetch_twins_look(run->twins, (uint32_t)i);
		if ((i + 1) % FETCH_READS_A_TURN == 0) {
			r = nur_checkpoint();
		}
	}
	fetch_twins_are_complete(run->twins);
	return r;
}

static int
admit(struct nur_nursery *nursery, void *arg)
{
	struct fetch_run *run = arg;
	int r = 0;

	run->nursery = nursery;
	if (run->twins) {
		r = fetch_run_find_twins(run);
	}
	if (r == 0) {
		r = admit_all(run);
	}
	if (r == NUR_ECANCELED) {
		fetch_run_note_reason(run);
	}
	return r;
}

/* Everybody gets a result; a hundred thousand of them must not hold up the others. */
static void
cancel_unstarted(struct fetch_run *run)
{
	uint32_t index;
	size_t n = 0;

	while (fetch_queue_drop(run->queue, &index) ||
		(run->n_read < run->batch->n_requests && (index = (uint32_t)run->n_read++, true))) {
		if (!fetch_run_is_later_twin(run, index)) {
			fetch_run_leave_queue(run, 1);
			fetch_run_deliver_cancelled(run, index);
		}
		if (++n % FETCH_READS_A_TURN == 0) {
			(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
		}
	}
}

static enum fetch_batch_outcome
judge_results(const struct fetch_run *run)
{
	size_t n_failures = run->n_results[FETCH_FAILED] + run->n_results[FETCH_TIMEOUT];

	switch (run->batch->policy) {
	case FETCH_POLICY_FAIL_FAST:
		return n_failures > run->batch->max_failures ? FETCH_BATCH_FAILED : FETCH_BATCH_OK;
	case FETCH_POLICY_COLLECT:
		return n_failures > 0 ? FETCH_BATCH_FAILED : FETCH_BATCH_OK;
	case FETCH_POLICY_FIRST_SUCCESS:
		return run->n_results[FETCH_OK] > 0 || run->batch->n_requests == 0
			       ? FETCH_BATCH_OK
			       : FETCH_BATCH_FAILED;
	}
	return FETCH_BATCH_FAILED;
}

static enum fetch_batch_outcome
judge(const struct fetch_run *run)
{
	/* a deadline that passes after the last result is no matter */
	if (run->n_results[FETCH_CANCELLED] == 0) {
		return judge_results(run);
	}
	switch (run->reason) {
	case FETCH_CANCEL_NONE:
	case FETCH_CANCEL_SIBLING_FAILED:
	case FETCH_CANCEL_FIRST_SUCCESS:
		return judge_results(run);
	case FETCH_CANCEL_DEADLINE:
		return FETCH_BATCH_DEADLINE;
	default:
		return FETCH_BATCH_CANCELLED;
	}
}

static void
summarise(const struct fetch_run *run, struct fetch_batch_summary *ret_summary)
{
	*ret_summary = (struct fetch_batch_summary){
		.outcome = judge(run),
		.cancel_reason =
			run->n_results[FETCH_CANCELLED] > 0 ? run->reason : FETCH_CANCEL_NONE,
		.n_ok = run->n_results[FETCH_OK],
		.n_failed = run->n_results[FETCH_FAILED],
		.n_timeout = run->n_results[FETCH_TIMEOUT],
		.n_cancelled = run->n_results[FETCH_CANCELLED],
		.elapsed = nur_now() - run->batch->accepted_at,
	};
}

int
fetch_run_within_deadline(struct fetch_run *run, nur_nursery_fn body, void *arg)
{
	const struct fetch_batch *batch = run->batch;
	struct nur_cancel_scope scope;

	nur_cancel_scope_init_at(&scope, batch->deadline > 0
						 ? nur_time_add(batch->accepted_at, batch->deadline)
						 : NUR_FOREVER);
	return NUR_WITHIN(&scope, nur_nursery_run(body, arg, NULL));
}

int
fetch_run_init_queue(struct fetch_queue *queue, struct fetch_engine *engine,
	const struct fetch_batch *batch, void (*wake)(void *user), void *user)
{
	int r = fetch_queue_init(queue, &engine->admission, batch->n_requests,
		batch->concurrency ? batch->concurrency : FETCH_CONCURRENCY,
		batch->per_origin ? batch->per_origin : PER_ORIGIN, wake, user);

	if (r == 0) {
		fetch_queue_set_spacing(queue, batch->spacing);
	}
	return r;
}

void
fetch_run_begin(struct fetch_run *run)
{
	struct fetch_engine *engine = run->engine;

	list_append(&engine->runs, &run->node);
	run->n_queued = run->batch->n_requests;
	engine->n_batches++;
	engine->n_queued += run->n_queued;
}

void
fetch_run_end(struct fetch_run *run)
{
	assert(run->n_queued == 0);
	fetch_fitted_fini(&run->fitted);
	run->engine->n_batches--;
	list_unlink(&run->node);
}

int
fetch_run_queue(struct fetch_run *run)
{
	int r = fetch_run_within_deadline(run, admit, run);

	cancel_unstarted(run);
	forget_url(run);
	return r;
}

/* With a queue in our frame. */
static int
run_whole(struct fetch_run *run)
{
	struct fetch_queue queue;
	int r = fetch_run_init_queue(&queue, run->engine, run->batch, fetch_run_wake, run);

	if (r < 0) {
		return r;
	}
	run->queue = &queue;
	fetch_run_begin(run);
	r = fetch_run_queue(run);
	fetch_run_end(run);
	run->queue = NULL;
	fetch_queue_fini(&queue);
	return r;
}

int
fetch_batch_run(struct fetch_engine *engine, const struct fetch_batch *batch,
	const struct fetch_sink *sink, struct fetch_batch_summary *ret_summary)
{
	struct fetch_run run = {
		.engine = engine,
		.batch = batch,
		.sink = sink,
		.cause = -1,
	};
	int r;

	if (!nur_in_task()) {
		return NUR_ENOTINTASK;
	}
	assert(batch->n_requests < UINT32_MAX);
	assert(batch->address_policy < FETCH_N_ADDRESS_POLICIES);
	if (batch->dedupe) {
		r = fetch_twins_create(batch->requests, batch->n_requests,
			fetch_engine_random(engine), &run.twins);
		if (r < 0) {
			return r;
		}
	}
	r = engine->workers ? fetch_split_run(&run) : run_whole(&run);
	fetch_twins_destroy(run.twins);

	if (run.error < 0) {
		return run.error;
	}
	if (r == 0 || r == NUR_ECANCELED) {
		summarise(&run, ret_summary);
	}
	return r;
}
