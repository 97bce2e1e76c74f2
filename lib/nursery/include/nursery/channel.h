/* SPDX-License-Identifier: MIT */
/*
 * Memory channels: values of one size, copied from senders to receivers in order. Each side has
 * handles; the channel ends when the last handle of a side is closed.
 */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

#define NUR_CHANNEL_UNBOUNDED SIZE_MAX

struct nur_send_channel;
struct nur_receive_channel;

/**
 * nur_channel_open() - make a channel
 * @item_size:  bytes of one value, at least 1
 * @capacity:   values it buffers; 0: a send completes only with a receive; NUR_CHANNEL_UNBOUNDED
 *
 * Checkpoint: never. Ownership: gives one handle of each side, nur_send_channel_destroy() and
 * nur_receive_channel_destroy(). Errors: -EINVAL @item_size is 0; -ENOMEM. Source: Trio
 * open_memory_channel().
 */
int nur_channel_open(size_t item_size, size_t capacity, struct nur_send_channel **ret_sender,
	struct nur_receive_channel **ret_receiver);

/**
 * nur_channel_send() - put a value in
 * @item:       item_size bytes
 *
 * Shape:       exactly item_size bytes
 * Units:       none
 * Checkpoint:  always, also when there is room
 * Ownership:   @item is copied
 * Errors:      NUR_ECANCELED   cancelled; nothing was sent
 *              NUR_EBROKEN     all receivers are closed
 *              NUR_ECLOSED     this handle is closed, before or meanwhile
 *              -ENOMEM         the buffer could not grow; nothing was sent
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio MemorySendChannel.send()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_channel_send(struct nur_send_channel *sender, const void *item);

/*
 * nur_channel_send_nowait() - as nur_channel_send(), or NUR_EWOULDBLOCK; no checkpoint; loop
 * callbacks may
 */
int nur_channel_send_nowait(struct nur_send_channel *sender, const void *item);

/**
 * nur_channel_receive() - take the oldest value out
 * @item:       item_size bytes
 *
 * Shape:       exactly item_size bytes, or none on error
 * Units:       none
 * Checkpoint:  always, also when a value is there
 * Ownership:   @item is borrowed until the call returns
 * Errors:      NUR_ECANCELED      cancelled; nothing was taken
 *              NUR_EENDOFCHANNEL  all senders are closed and nothing is left
 *              NUR_ECLOSED        this handle is closed, before or meanwhile
 *              NUR_ENOTINTASK     the caller is no task
 * Source:      Trio MemoryReceiveChannel.receive()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_channel_receive(struct nur_receive_channel *receiver, void *item);

/*
 * nur_channel_receive_nowait() - as nur_channel_receive(), or NUR_EWOULDBLOCK; never a checkpoint
 */
int nur_channel_receive_nowait(struct nur_receive_channel *receiver, void *item);

/*
 * nur_send_channel_clone(), nur_receive_channel_clone() - one more handle of the same side
 *
 * Checkpoint: never. Ownership: given. Errors: NUR_ECLOSED this handle is closed; -ENOMEM. Source:
 * Trio clone().
 */
int nur_send_channel_clone(
	const struct nur_send_channel *sender, struct nur_send_channel **ret_sender);
int nur_receive_channel_clone(
	const struct nur_receive_channel *receiver, struct nur_receive_channel **ret_receiver);

/*
 * nur_send_channel_close(), nur_receive_channel_close() - no more through this handle
 *
 * Wakes what waits on this handle with NUR_ECLOSED; the last handle of a side also wakes the other
 * side (NUR_EBROKEN, NUR_EENDOFCHANNEL). Closing twice is harmless. The handle lives on until it is
 * destroyed, so that a late user gets NUR_ECLOSED. No checkpoint.
 */
void nur_send_channel_close(struct nur_send_channel *sender);
void nur_receive_channel_close(struct nur_receive_channel *receiver);

/*
 * nur_send_channel_destroy(), nur_receive_channel_destroy() - close and free; accept NULL (no
 * checkpoint)
 */
void nur_send_channel_destroy(struct nur_send_channel *sender);
void nur_receive_channel_destroy(struct nur_receive_channel *receiver);

/**
 * struct nur_channel_statistics - a channel, counted
 * @n_buffered:   values in the buffer
 * @max_buffered: the most there ever were
 * @capacity:     as opened
 */
struct nur_channel_statistics {
	size_t n_buffered;
	size_t max_buffered;
	size_t capacity;
	size_t n_open_senders;
	size_t n_open_receivers;
	size_t n_waiting_senders;
	size_t n_waiting_receivers;
};

/* Count the channel behind a handle (no checkpoint) */
void nur_send_channel_statistics(
	const struct nur_send_channel *sender, struct nur_channel_statistics *ret_statistics);
void nur_receive_channel_statistics(
	const struct nur_receive_channel *receiver, struct nur_channel_statistics *ret_statistics);

NUR_END_DECLS
