/* SPDX-License-Identifier: MIT */
/*
 * The end of the server. At a stop it drains: connections are still accepted and looked after, new batches are
 * refused, running ones end by their own deadlines or, at the drain limit, are cancelled with the reason shutdown.
 * When the last answer has been given the server's tree is cancelled and folds.
 */
#pragma once

#include <nursery.h>
#include <stdbool.h>
#include <stddef.h>

struct server;

/*
 * struct stop
 *
 * serving      around everything; cancelled when the draining is over
 * n_exchanges  requests whose answer has not been given yet
 * answered     the draining waits here until there are none
 */
struct stop {
	struct server *server;
	struct nur_cancel_scope serving;
	size_t n_exchanges;
	struct nur_parking_lot answered;
	bool is_draining;
};

void stop_init(struct stop *stop, struct server *server);

/* stop_begin() - drain, in a task of @nursery */
void stop_begin(struct stop *stop, struct nur_nursery *nursery);

/* stop_at_once() - skip the waiting */
void stop_at_once(struct stop *stop);

/* An exchange is open from its request's head to its answer's end: the last thing a stop waits for. */
void stop_exchange_began(struct stop *stop);
void stop_exchange_ended(struct stop *stop);
