/* SPDX-License-Identifier: MIT */
/*
 * A lane is in its queue's ready ring exactly when it has records, the batch's limit for it has
 * room, and the origin's has. A lane that was stopped by the origin's limit, or its rest, stands in
 * the origin's blocked list until it has started something: a place given back makes all of them
 * ready, who comes first has it, and who comes too late has kept its place in the order in which
 * they are told the next time. Lanes and origins live as long as something is in them: a batch of a
 * hundred thousand origins holds the few that are under way.
 *
 * Lanes and origins that rest live until they have rested, also with nothing in them. Their rests
 * are two heaps; one alarm is set, for the earliest of both.
 *
 * A place of in_flight that becomes free while queues are hungry is not left for whoever comes
 * first: it is granted to the hungriest queue, which uses it in its next fetch_queue_take() or
 * hands it on there.
 */
#include "lib/fetch/admission.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hash.h"

#define RECORD_NONE UINT32_MAX
#define MIN_BUCKETS 64

struct fetch_origin {
	struct fetch_origin *next; /* of the bucket */
	uint64_t hash;
	size_t n_active;
	struct fetch_rest rest;
	struct list lanes;
	struct list blocked;
	char key[];
};

struct fetch_lane {
	struct fetch_queue *queue;
	struct fetch_origin *origin;
	struct list in_origin;
	struct list in_queue;
	struct list in_ready;
	struct list in_blocked;
	struct list waiters;
	size_t n_active;
	struct fetch_rest rest;
	int64_t next_start; /* not before; 0: nothing was started yet */
	uint32_t first;
	uint32_t last;
};

static void
grow_buckets(struct fetch_admission *admission)
{
	size_t n_buckets = admission->n_buckets * 2;
	struct fetch_origin **origins = calloc(n_buckets, sizeof(*origins));

	if (!origins) {
		return; /* longer chains, no harm */
	}
	for (size_t i = 0; i < admission->n_buckets; i++) {
		struct fetch_origin *origin = admission->origins[i];

		while (origin) {
			struct fetch_origin *next = origin->next;
			struct fetch_origin **bucket = &origins[origin->hash & (n_buckets - 1)];

			origin->next = *bucket;
			*bucket = origin;
			origin = next;
		}
	}
	free(admission->origins);
	admission->origins = origins;
	admission->n_buckets = n_buckets;
}

static struct fetch_origin *
get_origin(struct fetch_admission *admission, const char *key)
{
	uint64_t hash = hash_text_seeded(admission->seed, key);
	struct fetch_origin *origin = admission->origins[hash & (admission->n_buckets - 1)];
	size_t len;

	while (origin && (origin->hash != hash || strcmp(origin->key, key) != 0)) {
		origin = origin->next;
	}
	if (origin) {
		return origin;
	}

	if (admission->n_origins >= admission->n_buckets) {
		grow_buckets(admission);
	}
	len = strlen(key);
	origin = calloc(1, sizeof(*origin) + len + 1);
	if (!origin) {
		return NULL;
	}
	origin->hash = hash;
	list_init(&origin->lanes);
	list_init(&origin->blocked);
	memcpy(origin->key, key, len + 1);
	origin->next = admission->origins[hash & (admission->n_buckets - 1)];
	admission->origins[hash & (admission->n_buckets - 1)] = origin;
	admission->n_origins++;
	return origin;
}

static void
put_origin(struct fetch_admission *admission, struct fetch_origin *origin)
{
	struct fetch_origin **link;

	if (!list_is_empty(&origin->lanes) || fetch_rest_is_set(&origin->rest)) {
		return;
	}
	assert(origin->n_active == 0);
	link = &admission->origins[origin->hash & (admission->n_buckets - 1)];
	while (*link != origin) {
		link = &(*link)->next;
	}
	*link = origin->next;
	admission->n_origins--;
	free(origin);
}

static struct fetch_lane *
get_lane(struct fetch_queue *queue, const char *key)
{
	struct fetch_origin *origin = get_origin(queue->admission, key);
	struct fetch_lane *lane;
	struct list *node;

	if (!origin) {
		return NULL;
	}
	list_for_each(node, &origin->lanes) {
		lane = list_entry(node, struct fetch_lane, in_origin);
		if (lane->queue == queue) {
			return lane;
		}
	}

	lane = calloc(1, sizeof(*lane));
	if (!lane) {
		put_origin(queue->admission, origin);
		return NULL;
	}
	lane->queue = queue;
	lane->origin = origin;
	lane->first = RECORD_NONE;
	lane->last = RECORD_NONE;
	list_init(&lane->in_ready);
	list_init(&lane->in_blocked);
	list_init(&lane->waiters);
	list_append(&queue->lanes, &lane->in_queue);
	list_prepend(&origin->lanes, &lane->in_origin); /* found soonest by who adds most */
	return lane;
}

static void
free_lane(struct fetch_lane *lane)
{
	struct fetch_origin *origin = lane->origin;
	struct fetch_admission *admission = lane->queue->admission;

	assert(lane->n_active == 0 && list_is_empty(&lane->waiters));
	list_unlink(&lane->in_ready);
	list_unlink(&lane->in_blocked);
	list_unlink(&lane->in_queue);
	list_unlink(&lane->in_origin);
	fetch_rests_remove(&admission->lane_rests, &lane->rest);
	free(lane);
	put_origin(admission, origin);
}

static void
put_lane(struct fetch_lane *lane)
{
	if (lane->n_active == 0 && lane->first == RECORD_NONE && list_is_empty(&lane->waiters) &&
		!fetch_rest_is_set(&lane->rest)) {
		free_lane(lane);
	}
}

static bool
has_batch_room(const struct fetch_lane *lane)
{
	return lane->n_active < lane->queue->per_origin && !fetch_rest_is_set(&lane->rest);
}

static bool
has_room(const struct fetch_origin *origin, unsigned max_per_origin)
{
	return origin->n_active < max_per_origin && !fetch_rest_is_set(&origin->rest);
}

static bool
has_origin_room(const struct fetch_lane *lane)
{
	return has_room(lane->origin, lane->queue->admission->max_per_origin);
}

/* Rests. */

static void
set_alarm(struct fetch_admission *admission)
{
	const struct fetch_rest *lane = fetch_rests_first(&admission->lane_rests);
	const struct fetch_rest *origin = fetch_rests_first(&admission->origin_rests);

	if (lane && (!origin || lane->until < origin->until)) {
		admission->clock.alarm(admission->clock.user, lane->until);
	} else if (origin) {
		admission->clock.alarm(admission->clock.user, origin->until);
	}
}

static void
begin_rest(struct fetch_admission *admission, struct fetch_rests *rests, struct fetch_rest *rest,
	int64_t until)
{
	fetch_rests_remove(rests, rest);
	if (fetch_rests_add(rests, rest, until) == 0) {
		set_alarm(admission);
	}
}

static void
rest_lane(struct fetch_lane *lane)
{
	struct fetch_admission *admission = lane->queue->admission;
	int64_t now = admission->clock.now(admission->clock.user);
	int64_t start = now;

	if (lane->next_start > 0 && lane->next_start < now) {
		start = lane->next_start > now - FETCH_SPACING_SLACK ? lane->next_start
								     : now - FETCH_SPACING_SLACK;
	}
	lane->next_start = start + lane->queue->spacing;
	if (lane->next_start > now) {
		begin_rest(admission, &admission->lane_rests, &lane->rest, lane->next_start);
	}
}

/* In the origin's order it stands behind all others now. */
static void
enter_lane(struct fetch_lane *lane)
{
	list_unlink(&lane->in_blocked);
	lane->n_active++;
	lane->origin->n_active++;
	if (lane->queue->spacing > 0) {
		rest_lane(lane);
	}
}

/* Puts the lane where it belongs after its counts or contents changed. Waiters are served here. */
static void
place_lane(struct fetch_lane *lane)
{
	bool is_wanted;

	while (!list_is_empty(&lane->waiters) && has_batch_room(lane) && has_origin_room(lane)) {
		struct fetch_waiter *waiter =
			list_entry(list_take_first(&lane->waiters), struct fetch_waiter, node);

		enter_lane(lane);
		waiter->granted(waiter);
	}

	is_wanted = lane->first != RECORD_NONE || !list_is_empty(&lane->waiters);
	if (!is_wanted || !has_batch_room(lane)) {
		list_unlink(&lane->in_blocked);
	} else if (!has_origin_room(lane) && !list_is_linked(&lane->in_blocked)) {
		list_append(&lane->origin->blocked, &lane->in_blocked);
	}

	if (lane->first == RECORD_NONE || !has_batch_room(lane) || !has_origin_room(lane)) {
		list_unlink(&lane->in_ready);
	} else if (!list_is_linked(&lane->in_ready)) {
		list_append(&lane->queue->ready, &lane->in_ready);
		lane->queue->wake(lane->queue->user);
	}
}

static void
wake_blocked(struct fetch_origin *origin, unsigned max_per_origin)
{
	struct list *node, *after;

	list_for_each_safe(node, after, &origin->blocked) {
		if (!has_room(origin, max_per_origin)) {
			break;
		}
		place_lane(list_entry(node, struct fetch_lane, in_blocked));
	}
}

/* Gives what in_flight has to the queues that asked for it first, in turns as long as they may want
 * more: what they do not need they hand on. */
static void
feed_hungry(struct fetch_admission *admission)
{
	while (!list_is_empty(&admission->hungry) &&
		admission->n_in_flight < admission->max_in_flight) {
		struct fetch_queue *queue =
			list_entry(list_take_first(&admission->hungry), struct fetch_queue, hungry);

		admission->n_in_flight++;
		queue->n_granted++;
		if (queue->n_active + queue->n_granted < queue->window) {
			list_append(&admission->hungry, &queue->hungry);
		}
		queue->wake(queue->user);
	}
}

static void
leave_in_flight(struct fetch_admission *admission)
{
	assert(admission->n_in_flight > 0);
	admission->n_in_flight--;
	feed_hungry(admission);
}

void
fetch_queue_ask_nothing(struct fetch_queue *queue)
{
	list_unlink(&queue->hungry);
	while (queue->n_granted > 0) {
		queue->n_granted--;
		leave_in_flight(queue->admission);
	}
}

int
fetch_admission_init(struct fetch_admission *admission, unsigned max_in_flight,
	unsigned max_per_origin, uint64_t seed)
{
	*admission = (struct fetch_admission){
		.max_in_flight = max_in_flight,
		.max_per_origin = max_per_origin,
		.n_buckets = MIN_BUCKETS,
		.seed = seed,
	};
	list_init(&admission->hungry);
	admission->origins = calloc(MIN_BUCKETS, sizeof(struct fetch_origin *));
	return admission->origins ? 0 : -ENOMEM;
}

void
fetch_admission_set_clock(
	struct fetch_admission *admission, const struct fetch_admission_clock *clock)
{
	admission->clock = *clock;
}

static void
end_lane_rest(struct fetch_admission *admission, struct fetch_rest *rest)
{
	struct fetch_lane *lane = container_of(rest, struct fetch_lane, rest);

	fetch_rests_remove(&admission->lane_rests, rest);
	place_lane(lane);
	put_lane(lane);
}

static void
end_origin_rest(struct fetch_admission *admission, struct fetch_rest *rest)
{
	struct fetch_origin *origin = container_of(rest, struct fetch_origin, rest);

	fetch_rests_remove(&admission->origin_rests, rest);
	wake_blocked(origin, admission->max_per_origin);
	put_origin(admission, origin);
}

void
fetch_admission_wake(struct fetch_admission *admission)
{
	int64_t now = admission->clock.now(admission->clock.user);
	struct fetch_rest *rest;

	while ((rest = fetch_rests_first(&admission->origin_rests)) && rest->until <= now) {
		end_origin_rest(admission, rest);
	}
	while ((rest = fetch_rests_first(&admission->lane_rests)) && rest->until <= now) {
		end_lane_rest(admission, rest);
	}
	set_alarm(admission);
}

void
fetch_admission_fini(struct fetch_admission *admission)
{
	struct fetch_rest *rest;

	while ((rest = fetch_rests_first(&admission->origin_rests))) {
		end_origin_rest(admission, rest);
	}
	fetch_rests_fini(&admission->origin_rests);
	fetch_rests_fini(&admission->lane_rests);
	assert(admission->n_origins == 0);
	free(admission->origins);
	*admission = (struct fetch_admission){ 0 };
}

void
fetch_admission_set_limits(
	struct fetch_admission *admission, unsigned max_in_flight, unsigned max_per_origin)
{
	admission->max_in_flight = max_in_flight;
	admission->max_per_origin = max_per_origin;
	feed_hungry(admission);
	for (size_t i = 0; i < admission->n_buckets; i++) {
		struct fetch_origin *origin = admission->origins[i];

		for (; origin; origin = origin->next) {
			struct list *node;

			wake_blocked(origin, max_per_origin);
			list_for_each(node, &origin->lanes) {
				place_lane(list_entry(node, struct fetch_lane, in_origin));
			}
		}
	}
}

int
fetch_queue_init(struct fetch_queue *queue, struct fetch_admission *admission, size_t n_records,
	unsigned window, unsigned per_origin, void (*wake)(void *user), void *user)
{
	*queue = (struct fetch_queue){
		.admission = admission,
		.window = window,
		.per_origin = per_origin,
		.n_records = n_records,
		.wake = wake,
		.user = user,
	};
	list_init(&queue->lanes);
	list_init(&queue->ready);
	list_init(&queue->hungry);
	queue->next = malloc(n_records * sizeof(*queue->next));
	return queue->next || n_records == 0 ? 0 : -ENOMEM;
}

void
fetch_queue_set_spacing(struct fetch_queue *queue, int64_t spacing)
{
	queue->spacing = spacing;
}

void
fetch_queue_set_window(struct fetch_queue *queue, unsigned window)
{
	queue->window = window;
	queue->wake(queue->user);
}

void
fetch_queue_fini(struct fetch_queue *queue)
{
	uint32_t record;

	if (!queue->admission) {
		return;
	}
	assert(queue->n_active == 0);
	fetch_queue_ask_nothing(queue);
	while (fetch_queue_drop(queue, &record)) {
	}
	while (!list_is_empty(&queue->lanes)) { /* those that rest */
		free_lane(list_entry(queue->lanes.next, struct fetch_lane, in_queue));
	}
	free(queue->next);
	*queue = (struct fetch_queue){ 0 };
}

int
fetch_queue_add(struct fetch_queue *queue, uint32_t record, const char *origin)
{
	struct fetch_lane *lane = get_lane(queue, origin);

	if (!lane) {
		return -ENOMEM;
	}
	assert(record < queue->n_records);
	queue->next[record] = RECORD_NONE;
	if (lane->first == RECORD_NONE) {
		lane->first = record;
	} else {
		queue->next[lane->last] = record;
	}
	lane->last = record;
	queue->n_queued++;
	place_lane(lane);
	return 0;
}

static uint32_t
take_record(struct fetch_lane *lane)
{
	uint32_t record = lane->first;

	assert(record != RECORD_NONE);
	lane->first = lane->queue->next[record];
	lane->queue->n_queued--;
	return record;
}

static bool
has_free_place(const struct fetch_admission *admission)
{
	return admission->n_in_flight < admission->max_in_flight &&
	       list_is_empty(&admission->hungry);
}

/* A place of in_flight: one granted, or a free one when nobody else asked before. */
static bool
has_place(struct fetch_queue *queue)
{
	struct fetch_admission *admission = queue->admission;

	if (queue->n_granted > 0) {
		return true;
	}
	if (has_free_place(admission)) {
		return true;
	}
	if (!list_is_linked(&queue->hungry)) {
		list_append(&admission->hungry, &queue->hungry);
	}
	return false;
}

/* Another batch may have taken the origin's last place since the lane became ready. */
static struct fetch_lane *
first_ready(struct fetch_queue *queue)
{
	while (!list_is_empty(&queue->ready)) {
		struct fetch_lane *lane =
			list_entry(queue->ready.next, struct fetch_lane, in_ready);

		if (has_origin_room(lane)) {
			return lane;
		}
		place_lane(lane);
	}
	return NULL;
}

bool
fetch_queue_is_ready(struct fetch_queue *queue)
{
	return first_ready(queue) != NULL;
}

bool
fetch_queue_is_resting(struct fetch_queue *queue)
{
	return queue->n_active == 0 && !first_ready(queue);
}

bool
fetch_queue_has_room(struct fetch_queue *queue)
{
	if (queue->n_active >= queue->window) {
		fetch_queue_ask_nothing(queue);
		return false;
	}
	return has_place(queue);
}

bool
fetch_queue_take(struct fetch_queue *queue, uint32_t *ret_record, struct fetch_lane **ret_lane)
{
	struct fetch_lane *lane = first_ready(queue);

	if (queue->n_active >= queue->window || !lane) {
		fetch_queue_ask_nothing(queue);
		return false;
	}
	if (!has_place(queue)) {
		return false;
	}
	if (queue->n_granted > 0) {
		queue->n_granted--;
	} else {
		queue->admission->n_in_flight++;
	}
	queue->n_active++;

	list_unlink(&lane->in_ready);
	enter_lane(lane);
	*ret_record = take_record(lane);
	*ret_lane = lane;
	place_lane(lane); /* at the end of the ring: lanes take turns */
	return true;
}

bool
fetch_queue_is_empty(const struct fetch_queue *queue)
{
	return queue->n_queued == 0;
}

bool
fetch_queue_drop(struct fetch_queue *queue, uint32_t *ret_record)
{
	struct fetch_lane *lane = NULL;
	struct list empty;

	list_init(&empty);
	while (!list_is_empty(&queue->lanes) && !lane) {
		lane = list_entry(queue->lanes.next, struct fetch_lane, in_queue);
		if (lane->first == RECORD_NONE) {
			list_unlink(&lane->in_queue);
			list_append(&empty, &lane->in_queue);
			lane = NULL;
		}
	}
	list_move_all(&queue->lanes, &empty); /* to the end: the next call finds one at once */
	if (!lane) {
		return false;
	}
	*ret_record = take_record(lane);
	place_lane(lane);
	put_lane(lane);
	return true;
}

void
fetch_queue_leave(struct fetch_queue *queue)
{
	assert(queue->n_active > 0);
	queue->n_active--;
	leave_in_flight(queue->admission);
	queue->wake(queue->user);
}

bool
fetch_queue_enter_more(struct fetch_queue *queue)
{
	if (!has_free_place(queue->admission)) {
		return false;
	}
	queue->admission->n_in_flight++;
	return true;
}

void
fetch_queue_leave_more(struct fetch_queue *queue)
{
	leave_in_flight(queue->admission);
}

void
fetch_lane_rest(struct fetch_lane *lane, int64_t until)
{
	struct fetch_admission *admission = lane->queue->admission;
	struct fetch_rest *rest = &lane->origin->rest;

	if (!fetch_rest_is_set(rest) || rest->until < until) {
		begin_rest(admission, &admission->origin_rests, rest, until);
	}
}

void
fetch_lane_leave(struct fetch_lane *lane)
{
	struct fetch_origin *origin = lane->origin;
	unsigned max_per_origin = lane->queue->admission->max_per_origin;
	bool was_full = origin->n_active >= max_per_origin;

	assert(lane->n_active > 0 && origin->n_active > 0);
	lane->n_active--;
	origin->n_active--;
	if (was_full) {
		/* those who stood first, before this lane takes its own place back */
		wake_blocked(origin, max_per_origin);
	}
	place_lane(lane);
	put_lane(lane);
}

int
fetch_lane_enter(struct fetch_queue *queue, const char *origin, struct fetch_waiter *waiter)
{
	struct fetch_lane *lane = get_lane(queue, origin);

	if (!lane) {
		return -ENOMEM;
	}
	waiter->lane = lane;
	if (list_is_empty(&lane->waiters) && has_batch_room(lane) && has_origin_room(lane)) {
		enter_lane(lane);
		place_lane(lane);
		return 1;
	}
	list_append(&lane->waiters, &waiter->node);
	place_lane(lane);
	return 0;
}

void
fetch_lane_give_up(struct fetch_waiter *waiter)
{
	struct fetch_lane *lane = waiter->lane;

	list_unlink(&waiter->node);
	waiter->lane = NULL;
	place_lane(lane);
	put_lane(lane);
}
