/* SPDX-License-Identifier: MIT */
/*
 * A batch over several workers (docs/workers.md). In the caller's run it is one nursery, as ever:
 *
 *	nursery ─┬─ body       divides the URLs by their origins; then takes the results, of all parts
 *	         ├─ worker 1   waits for its part: an errand, in the worker's run a batch of its own
 *	         └─ worker 2
 *
 * Here is decided, there is fetched. A part's results come through the entry queue to the body, which gives
 * them to the run as if they were its own: counts, twins, the sink, the policy. The URL's task over there waits
 * for that with its places in hand, so nothing starts that the policy would have prevented, and the result
 * needs no copy. Who is cancelled here is a waiting task, whose errand is cancelled with it.
 *
 * Results of URLs that never started are not sent one by one. Whatever has none when the nursery has closed
 * gets it then.
 *
 * The window is shared out (shares.c).
 */
#include "lib/fetch/split.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/url.h"

/*
 * home      the caller's run, with the batch's nursery
 * owners    of each URL, the number of its part; NOBODY when it has its result, or will have a twin's
 * indexes, requests  the parts', one behind the other
 * n_running waiting tasks
 * arrived   results on the stacks of those who wait for them to be taken
 * waiting   the body
 */
struct fetch_split {
	struct fetch_run *run;
	struct fetch_site home;
	uint8_t *owners;
	uint32_t *indexes;
	struct fetch_url_request *requests;
	struct fetch_shares shares;
	size_t n_running;
	struct list arrived;
	struct nur_task *waiting;
	bool is_woken;
	unsigned n_parts;
	struct fetch_part parts[];
};

#define NOBODY UINT8_MAX

static_assert(FETCH_WORKERS_MAX < NOBODY, "each has a number");

/* ---- over there: a part ---- */

/* A result on its way; on the stack of the URL's task, which waits until it is back. */
struct parcel {
	struct list node;
	const struct fetch_part *part;
	const struct fetch_result *result;
	struct nur_task *task;
	struct nur_wakeup there;
	struct nur_wakeup back;
};

static void
wake_body(struct fetch_split *split)
{
	struct nur_task *task = split->waiting;

	split->is_woken = true;
	if (task) {
		split->waiting = NULL;
		nur_reschedule(task, 0);
	}
}

static int
arrive(void *arg)
{
	struct parcel *parcel = arg;
	struct fetch_split *split = parcel->part->split;

	list_append(&split->arrived, &parcel->node);
	wake_body(split);
	return 0;
}

static int
go_on(void *arg)
{
	const struct parcel *parcel = arg;

	nur_reschedule(parcel->task, 0);
	return 0;
}

/* The part's sink. */
static int
hand_over(void *user, const struct fetch_result *result)
{
	const struct fetch_part *part = user;
	struct parcel parcel = { .part = part, .result = result, .task = nur_current_task() };

	if (result->outcome == FETCH_CANCELLED && !result->final_url) {
		return 0; /* it never started */
	}
	list_init(&parcel.node);
	nur_wakeup_init(&parcel.there, part->split->home.token, arrive, &parcel);
	nur_wakeup_init(&parcel.back, part->worker->site.token, go_on, &parcel);
	(void)nur_wakeup_send(&parcel.there); /* that run has a task that waits for us */
	(void)!nur_wait_task_rescheduled("result", NULL, NULL); /* cannot be undone */
	return 0;
}

/* Of a URL before anything of it is sent, and of whoever has to know that first. */
struct announcement {
	const struct fetch_sink *sink;
	size_t index;
};

static int
call_starting(void *arg)
{
	const struct announcement *announcement = arg;

	return announcement->sink->starting(announcement->sink->user, announcement->index);
}

static int
announce(void *user, size_t index)
{
	const struct fetch_part *part = user;
	struct announcement announcement = { part->split->run->sink, part->indexes[index] };

	return fetch_errand_run(&part->split->home, "starting", call_starting, &announcement);
}

static void
wake_run(void *user)
{
	struct fetch_part *part = user;

	if (part->run) {
		fetch_run_wake(part->run);
	}
}

int
fetch_part_enter(struct fetch_part *part)
{
	int r;

	if (!part->is_open) {
		r = fetch_run_init_queue(
			&part->queue, part->worker->engine, &part->batch, wake_run, part);
		if (r < 0) {
			return r;
		}
		part->is_open = true;
	}
	part->n_users++;
	return 0;
}

static void
close_part(void *arg)
{
	struct fetch_part *part = arg;

	fetch_queue_fini(&part->queue);
	part->is_open = false;
}

void
fetch_part_leave(struct fetch_part *part)
{
	/* what has to rest is remembered by the queue */
	if (--part->n_users == 0 && part->batch.spacing == 0) {
		close_part(part);
	}
}

static int
fetch_part(void *arg)
{
	struct fetch_part *part = arg;
	struct fetch_run run = {
		.engine = part->worker->engine,
		.batch = &part->batch,
		.sink = &part->sink,
		.queue = &part->queue,
		.part = part,
		.cause = -1,
	};
	int r = fetch_part_enter(part);

	if (r < 0) {
		return r;
	}
	part->run = &run;
	fetch_run_begin(&run);
	r = fetch_run_queue(&run);
	fetch_run_end(&run);
	part->run = NULL;
	fetch_queue_ask_nothing(&part->queue);
	fetch_part_leave(part);
	return r;
}

struct fetch_part *
fetch_part_host(const struct fetch_part *part, const char *origin)
{
	struct fetch_split *split = part->split;
	unsigned owner = fetch_workers_owner(split->n_parts, origin);

	return owner == part->worker->number ? NULL : &split->parts[owner];
}

/* ---- here: dividing ---- */

__attribute__((noinline)) static void
find_owner(struct fetch_split *split, size_t index)
{
	struct fetch_run *run = split->run;
	const char *url = run->batch->requests[index].url;
	char origin[FETCH_URL_ORIGIN_CAP];
	struct fetch_reason reason;
	int r;

	if (fetch_run_is_later_twin(run, index)) {
		split->owners[index] = NOBODY;
		return;
	}
	r = fetch_url_origin(url, strlen(url), origin, &reason);
	if (r == 0) {
		split->owners[index] = (uint8_t)fetch_workers_owner(split->n_parts, origin);
		split->parts[split->owners[index]].batch.n_requests++;
		return;
	}
	split->owners[index] = NOBODY;
	fetch_run_leave_queue(run, 1);
	fetch_run_deliver_refused(run, index, r, reason.text);
}

static int
find_owners(struct fetch_split *split)
{
	struct fetch_run *run = split->run;
	int r = 0;

	for (; r == 0 && run->reason == FETCH_CANCEL_NONE &&
		run->n_read < run->batch->n_requests;) {
		find_owner(split, run->n_read++);
		if (run->n_read % FETCH_READS_A_TURN == 0) {
			r = nur_checkpoint();
		}
	}
	return r;
}

static void
fill_parts(struct fetch_split *split)
{
	const struct fetch_batch *batch = split->run->batch;
	size_t ends[FETCH_WORKERS_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < split->n_parts; i++) {
		struct fetch_part *part = &split->parts[i];

		ends[i] = n;
		part->batch.requests = split->requests + n;
		part->indexes = split->indexes + n;
		n += part->batch.n_requests;
	}
	for (size_t i = 0; i < batch->n_requests; i++) {
		if (split->owners[i] != NOBODY) {
			size_t *end = &ends[split->owners[i]];

			split->requests[*end] = batch->requests[i];
			split->indexes[(*end)++] = (uint32_t)i;
		}
	}
}

/* ---- here: waiting ---- */

static void
refuse_rest(struct fetch_part *part, int error)
{
	struct fetch_split *split = part->split;

	for (size_t i = 0; i < part->batch.n_requests; i++) {
		size_t index = part->indexes[i];

		if (split->owners[index] != NOBODY) {
			split->owners[index] = NOBODY;
			fetch_run_deliver_refused(split->run, index, error, "");
		}
	}
}

static void
begin_part(struct fetch_part *part)
{
	part->is_begun = true;
	fetch_run_leave_queue(part->split->run, part->batch.n_requests);
}

/* The task that waits for a part. */
static int
wait_for_part(void *arg)
{
	struct fetch_part *part = arg;
	struct fetch_split *split = part->split;
	int r = fetch_share_begin(part);

	if (r == 0) {
		begin_part(part);
		r = fetch_errand_run(&part->worker->site, "batch", fetch_part, part);
	}
	if (r < 0 && r != NUR_ECANCELED) {
		refuse_rest(part, r);
	}
	split->n_running--;
	wake_body(split);
	if (r == NUR_ECANCELED) {
		return r; /* all are */
	}
	fetch_share_end(part);
	return 0;
}

static void
start_parts(struct fetch_split *split)
{
	for (unsigned i = 0; i < split->n_parts; i++) {
		struct fetch_part *part = &split->parts[i];
		int r;

		if (part->batch.n_requests == 0) {
			continue;
		}
		r = nur_start_soon(split->home.nursery, part->worker->name, wait_for_part, part);
		if (r == 0) {
			split->n_running++;
		} else {
			fetch_share_end(part);
			begin_part(part);
			refuse_rest(part, r);
		}
	}
}

static void
take(struct fetch_split *split, struct parcel *parcel)
{
	struct fetch_run *run = split->run;
	struct fetch_result result = *parcel->result;

	result.index = parcel->part->indexes[result.index];
	split->owners[result.index] = NOBODY;
	if (result.outcome == FETCH_CANCELLED && run->reason == FETCH_CANCEL_NONE &&
		!nur_current_cancel_reason()) {
		run->reason = result.cancel_reason; /* their clock saw the deadline first */
	}
	fetch_run_deliver(run, &result);
	(void)nur_wakeup_send(&parcel->back); /* that run has a task that waits for us */
}

/* Not to be cancelled: where others are, the results come until nobody is left. */
static void
take_results(struct fetch_split *split)
{
	while (split->n_running > 0) {
		struct list *node;

		split->is_woken = false;
		while ((node = list_take_first(&split->arrived))) {
			take(split, list_entry(node, struct parcel, node));
		}
		if (split->n_running > 0 && !split->is_woken) {
			split->waiting = nur_current_task();
			(void)!nur_wait_task_rescheduled(
				"results", NULL, NULL); /* cannot be undone */
		}
	}
}

static int
divide(struct nur_nursery *nursery, void *arg)
{
	struct fetch_split *split = arg;
	struct fetch_run *run = split->run;
	unsigned window = run->batch->concurrency;
	int r = 0;

	run->nursery = nursery;
	split->home.nursery = nursery;
	if (run->twins) {
		r = fetch_run_find_twins(run);
	}
	if (r == 0) {
		r = find_owners(split);
	}
	if (r == 0 && run->reason == FETCH_CANCEL_NONE) {
		fetch_shares_init(&split->shares, split->parts, split->n_parts,
			window ? window : FETCH_CONCURRENCY);
		fill_parts(split);
		start_parts(split);
		take_results(split);
		r = nur_checkpoint();
	}
	if (r == NUR_ECANCELED) {
		fetch_run_note_reason(run);
	}
	return r;
}

/* ---- here: the end ---- */

static void
cancel_unstarted(struct fetch_split *split)
{
	struct fetch_run *run = split->run;

	for (size_t i = 0; i < run->batch->n_requests; i++) {
		if (split->owners[i] != NOBODY && !fetch_run_is_later_twin(run, i)) {
			if (!split->parts[split->owners[i]].is_begun) {
				fetch_run_leave_queue(run, 1);
			}
			fetch_run_deliver_cancelled(run, i);
		}
		if ((i + 1) % FETCH_READS_A_TURN == 0) {
			(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
		}
	}
}

static void
close_parts(struct fetch_split *split)
{
	for (unsigned i = 0; i < split->n_parts; i++) {
		struct fetch_part *part = &split->parts[i];

		if (part->is_open) {
			fetch_errand_call(&part->worker->site, close_part, part);
		}
	}
}

static void
split_destroy(struct fetch_split *split)
{
	if (split) {
		nur_token_close(split->home.token);
		free(split->owners);
		free(split->indexes);
		free(split->requests);
		free(split);
	}
}

DEFINE_CLEANUP(struct fetch_split *, split_destroy);

static void
part_init(struct fetch_part *part, struct fetch_split *split, const struct fetch_worker *worker)
{
	const struct fetch_batch *batch = split->run->batch;
	const struct fetch_sink *sink = split->run->sink;

	part->split = split;
	part->worker = worker;
	part->home = &split->home;
	part->shares = &split->shares;
	part->batch = (struct fetch_batch){
		.policy = FETCH_POLICY_COLLECT,
		.accepted_at = batch->accepted_at,
		.per_origin = batch->per_origin,
		.spacing = batch->spacing,
		.address_policy = batch->address_policy,
	};
	part->sink = (struct fetch_sink){
		.result = hand_over,
		.user = part,
		.starting = sink && sink->starting ? announce : NULL,
	};
}

static int
split_create(struct fetch_run *run, struct fetch_split **ret_split)
{
	_cleanup_(split_destroyp) struct fetch_split *split = NULL;
	const struct fetch_workers *workers = run->engine->workers;
	unsigned n_parts = fetch_workers_count(workers);
	size_t n = run->batch->n_requests + 1; /* nothing is no memory */
	int r;

	split = calloc(1, sizeof(*split) + n_parts * sizeof(struct fetch_part));
	if (!split) {
		return -ENOMEM;
	}
	split->owners = calloc(n, sizeof(*split->owners));
	split->indexes = calloc(n, sizeof(*split->indexes));
	split->requests = calloc(n, sizeof(*split->requests));
	if (!split->owners || !split->indexes || !split->requests) {
		return -ENOMEM;
	}
	r = nur_token_open(&split->home.token);
	if (r < 0) {
		return r;
	}
	split->run = run;
	list_init(&split->arrived);
	split->n_parts = n_parts;
	for (unsigned i = 0; i < n_parts; i++) {
		part_init(&split->parts[i], split, fetch_workers_get(workers, i));
	}
	*ret_split = steal(&split);
	return 0;
}

int
fetch_split_run(struct fetch_run *run)
{
	_cleanup_(split_destroyp) struct fetch_split *split = NULL;
	int r = split_create(run, &split);

	if (r < 0) {
		return r;
	}
	fetch_run_begin(run);
	r = fetch_run_within_deadline(run, divide, split);
	cancel_unstarted(split);
	close_parts(split);
	fetch_run_end(run);
	return r;
}
