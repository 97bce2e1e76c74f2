/* SPDX-License-Identifier: MIT */
/* Signals as something to wait for. */
#pragma once

#include <nursery/errors.h>

NUR_BEGIN_DECLS

struct nur_signal_receiver;

/**
 * nur_signal_receiver_open() - catch signals from here on
 * @signals:    signal numbers
 * @n:          how many, at least 1; one named twice counts once
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   given; nur_signal_receiver_close() puts the old handlers back
 * Errors:      -EINVAL         a number that is no signal or cannot be caught; handlers replaced so
 *                              far are put back
 *              NUR_EBUSY       another receiver of the process catches one of them; likewise
 *              NUR_ENOTINTASK  outside a run
 *              -ENOMEM, -EMFILE
 * Source:      Trio open_signal_receiver()
 *
 * Return: 0 or an error.
 */
int nur_signal_receiver_open(
	const int *signals, size_t n, struct nur_signal_receiver **ret_receiver);

/**
 * nur_signal_receiver_next() - wait for a signal
 * @ret_signal: its number
 *
 * A signal that came several times before it was read is reported once.
 *
 * Checkpoint: always. Errors: NUR_ECANCELED cancelled, no signal was taken; NUR_EBUSY another task
 * waits on this receiver; NUR_ENOTINTASK. Source: Trio's receiver as an iterator. Return: 0 or an
 * error.
 */
NUR_CHECKPOINT int nur_signal_receiver_next(struct nur_signal_receiver *receiver, int *ret_signal);

/*
 * nur_signal_receiver_close() - put the old handlers back and free it; no task waits in it. Accepts
 * NULL (no checkpoint). Signals caught and not read are raised again, for the old handlers.
 */
void nur_signal_receiver_close(struct nur_signal_receiver *receiver);

NUR_END_DECLS
