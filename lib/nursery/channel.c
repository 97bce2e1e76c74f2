/* SPDX-License-Identifier: MIT */
/*
 * Memory channels: a ring of values, a queue of senders, a queue of receivers.
 *
 * Never both: receivers wait only while the ring is empty, senders only while it is full. A value goes
 * straight from the one's memory to the other's when somebody waits, so a waiting task never has to
 * look again when it wakes: it has been served, or told why not. The waiters live on the stacks of
 * their tasks; each belongs to the handle that was used, and closing that handle sends it away.
 *
 * The channel is freed with its last handle.
 */
#include <nursery/channel.h>
#include <nursery/checkpoint.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/node.h"

#define RING_CAP_MIN 8

/*
 * ring, cap, first, len  values in use begin at place first and wrap around
 * capacity               the most values that may be in the ring
 * peak                   the most there ever were
 * n_open_…               handles that are not closed
 * n_handles              handles that are not destroyed
 * senders, receivers     struct waiter, the longest waiting first
 */
struct channel {
	char *ring;
	size_t cap;
	size_t first;
	size_t len;
	size_t item_size;
	size_t capacity;
	size_t peak;
	size_t n_open_senders;
	size_t n_open_receivers;
	size_t n_handles;
	struct list senders;
	struct list receivers;
};

struct nur_send_channel {
	struct channel *channel;
	bool is_closed;
};

struct nur_receive_channel {
	struct channel *channel;
	bool is_closed;
};

/*
 * handle  which it waits on, to be compared only
 * source  a sender's value
 * target  where a receiver wants its value
 */
struct waiter {
	struct list node;
	struct nur_task *task;
	const void *handle;
	const void *source;
	void *target;
};

/* ---- the ring ---- */

static char *
ring_place(const struct channel *channel, size_t index)
{
	size_t place = channel->first + index;

	return channel->ring +
	       (place >= channel->cap ? place - channel->cap : place) * channel->item_size;
}

static int
ring_grow(struct channel *channel)
{
	size_t cap = channel->cap ? channel->cap * 2 : RING_CAP_MIN;
	size_t n_front = channel->cap - channel->first;
	char *ring;

	if (cap > channel->capacity) {
		cap = channel->capacity;
	}
	if (cap > SIZE_MAX / channel->item_size) {
		return -ENOMEM;
	}
	ring = malloc(cap * channel->item_size);
	if (!ring) {
		return -ENOMEM;
	}
	if (channel->len > 0) { /* then it is full, and n_front of its values stand at the end */
		memcpy(ring, ring_place(channel, 0), n_front * channel->item_size);
		memcpy(ring + n_front * channel->item_size, channel->ring,
			channel->first * channel->item_size);
	}
	free(channel->ring);
	channel->ring = ring;
	channel->cap = cap;
	channel->first = 0;
	return 0;
}

static int
ring_push(struct channel *channel, const void *item)
{
	if (channel->len == channel->cap) {
		int r = ring_grow(channel);

		if (r < 0) {
			return r;
		}
	}
	memcpy(ring_place(channel, channel->len), item, channel->item_size);
	channel->len++;
	if (channel->len > channel->peak) {
		channel->peak = channel->len;
	}
	return 0;
}

static void
ring_pop(struct channel *channel, void *item)
{
	memcpy(item, ring_place(channel, 0), channel->item_size);
	channel->first = channel->first + 1 == channel->cap ? 0 : channel->first + 1;
	channel->len--;
}

/* ---- waiting ---- */

static struct waiter *
take_first_waiter(struct list *queue)
{
	struct list *node = list_take_first(queue);

	return node ? list_entry(node, struct waiter, node) : NULL;
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	struct waiter *waiter = arg;

	list_unlink(&waiter->node);
	return NUR_ABORT_SUCCEEDED;
}

/* The handle may be gone when this returns. */
static int
wait_in(struct list *queue, struct waiter *waiter, const char *why)
{
	waiter->task = nur_current_task();
	list_append(queue, &waiter->node);
	return nur_wait_task_rescheduled(why, abort_wait, waiter);
}

/*
 * Sends away who waits through @handle; NULL: everybody. Chosen first, woken then: a hook may cancel
 * others of them on the way.
 */
static void
dismiss(struct list *queue, const void *handle, int result)
{
	struct list chosen;
	struct list *node, *after;

	list_init(&chosen);
	list_for_each_safe(node, after, queue) {
		if (!handle || list_entry(node, struct waiter, node)->handle == handle) {
			list_cut(node);
			list_append(&chosen, node);
		}
	}
	while ((node = list_take_first(&chosen))) {
		nur_reschedule(list_entry(node, struct waiter, node)->task, result);
	}
}

static size_t
count(const struct list *queue)
{
	const struct list *node;
	size_t n = 0;

	list_for_each(node, queue) {
		n++;
	}
	return n;
}

/* ---- handles ---- */

static void
channel_drop(struct channel *channel)
{
	if (--channel->n_handles == 0) {
		free(channel->ring);
		free(channel);
	}
}

static struct nur_send_channel *
sender_create(struct channel *channel)
{
	struct nur_send_channel *sender = calloc(1, sizeof(*sender));

	if (sender) {
		sender->channel = channel;
		channel->n_open_senders++;
		channel->n_handles++;
	}
	return sender;
}

static struct nur_receive_channel *
receiver_create(struct channel *channel)
{
	struct nur_receive_channel *receiver = calloc(1, sizeof(*receiver));

	if (receiver) {
		receiver->channel = channel;
		channel->n_open_receivers++;
		channel->n_handles++;
	}
	return receiver;
}

int
nur_channel_open(size_t item_size, size_t capacity, struct nur_send_channel **ret_sender,
	struct nur_receive_channel **ret_receiver)
{
	struct channel *channel;
	struct nur_send_channel *sender;
	struct nur_receive_channel *receiver;

	if (item_size == 0) {
		return -EINVAL;
	}
	channel = calloc(1, sizeof(*channel));
	if (!channel) {
		return -ENOMEM;
	}
	channel->item_size = item_size;
	channel->capacity = capacity;
	list_init(&channel->senders);
	list_init(&channel->receivers);

	sender = sender_create(channel);
	if (!sender) {
		free(channel);
		return -ENOMEM;
	}
	receiver = receiver_create(channel);
	if (!receiver) {
		nur_send_channel_destroy(sender);
		return -ENOMEM;
	}
	*ret_sender = sender;
	*ret_receiver = receiver;
	return 0;
}

int
nur_send_channel_clone(const struct nur_send_channel *sender, struct nur_send_channel **ret_sender)
{
	struct nur_send_channel *clone;

	if (sender->is_closed) {
		return NUR_ECLOSED;
	}
	clone = sender_create(sender->channel);
	if (!clone) {
		return -ENOMEM;
	}
	*ret_sender = clone;
	return 0;
}

int
nur_receive_channel_clone(
	const struct nur_receive_channel *receiver, struct nur_receive_channel **ret_receiver)
{
	struct nur_receive_channel *clone;

	if (receiver->is_closed) {
		return NUR_ECLOSED;
	}
	clone = receiver_create(receiver->channel);
	if (!clone) {
		return -ENOMEM;
	}
	*ret_receiver = clone;
	return 0;
}

void
nur_send_channel_close(struct nur_send_channel *sender)
{
	struct channel *channel = sender->channel;

	if (sender->is_closed) {
		return;
	}
	sender->is_closed = true;
	dismiss(&channel->senders, sender, NUR_ECLOSED);
	if (--channel->n_open_senders == 0) {
		dismiss(&channel->receivers, NULL, NUR_EENDOFCHANNEL);
	}
}

void
nur_receive_channel_close(struct nur_receive_channel *receiver)
{
	struct channel *channel = receiver->channel;

	if (receiver->is_closed) {
		return;
	}
	receiver->is_closed = true;
	dismiss(&channel->receivers, receiver, NUR_ECLOSED);
	if (--channel->n_open_receivers == 0) {
		dismiss(&channel->senders, NULL, NUR_EBROKEN);
		channel->len = 0; /* nobody can read them any more */
	}
}

void
nur_send_channel_destroy(struct nur_send_channel *sender)
{
	if (sender) {
		nur_send_channel_close(sender);
		channel_drop(sender->channel);
		free(sender);
	}
}

void
nur_receive_channel_destroy(struct nur_receive_channel *receiver)
{
	if (receiver) {
		nur_receive_channel_close(receiver);
		channel_drop(receiver->channel);
		free(receiver);
	}
}

/* ---- values ---- */

int
nur_channel_send_nowait(struct nur_send_channel *sender, const void *item)
{
	struct channel *channel = sender->channel;
	struct waiter *receiver;

	if (sender->is_closed) {
		return NUR_ECLOSED;
	}
	if (channel->n_open_receivers == 0) {
		return NUR_EBROKEN;
	}
	receiver = take_first_waiter(&channel->receivers);
	if (receiver) {
		memcpy(receiver->target, item, channel->item_size);
		nur_reschedule(receiver->task, 0);
		return 0;
	}
	return channel->len < channel->capacity ? ring_push(channel, item) : NUR_EWOULDBLOCK;
}

int
nur_channel_send(struct nur_send_channel *sender, const void *item)
{
	struct waiter waiter = { .handle = sender, .source = item };
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = nur_channel_send_nowait(sender, item);
	if (r == NUR_EWOULDBLOCK) {
		return wait_in(&sender->channel->senders, &waiter, "send");
	}
	return r < 0 ? r : nur_cancel_shielded_checkpoint();
}

int
nur_channel_receive_nowait(struct nur_receive_channel *receiver, void *item)
{
	struct channel *channel = receiver->channel;
	struct waiter *sender;

	if (receiver->is_closed) {
		return NUR_ECLOSED;
	}
	sender = take_first_waiter(&channel->senders);
	if (channel->len > 0) {
		ring_pop(channel, item);
		if (sender) {
			(void)ring_push(channel, sender->source); /* into the place just left */
		}
	} else if (sender) {
		memcpy(item, sender->source, channel->item_size);
	} else {
		return channel->n_open_senders == 0 ? NUR_EENDOFCHANNEL : NUR_EWOULDBLOCK;
	}
	if (sender) {
		nur_reschedule(sender->task, 0);
	}
	return 0;
}

int
nur_channel_receive(struct nur_receive_channel *receiver, void *item)
{
	struct waiter waiter = { .handle = receiver, .target = item };
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = nur_channel_receive_nowait(receiver, item);
	if (r == NUR_EWOULDBLOCK) {
		return wait_in(&receiver->channel->receivers, &waiter, "receive");
	}
	return r < 0 ? r : nur_cancel_shielded_checkpoint();
}

static struct nur_channel_statistics
statistics_of(const struct channel *channel)
{
	return (struct nur_channel_statistics){
		.n_buffered = channel->len,
		.max_buffered = channel->peak,
		.capacity = channel->capacity,
		.n_open_senders = channel->n_open_senders,
		.n_open_receivers = channel->n_open_receivers,
		.n_waiting_senders = count(&channel->senders),
		.n_waiting_receivers = count(&channel->receivers),
	};
}

void
nur_send_channel_statistics(
	const struct nur_send_channel *sender, struct nur_channel_statistics *ret_statistics)
{
	*ret_statistics = statistics_of(sender->channel);
}

void
nur_receive_channel_statistics(
	const struct nur_receive_channel *receiver, struct nur_channel_statistics *ret_statistics)
{
	*ret_statistics = statistics_of(receiver->channel);
}
