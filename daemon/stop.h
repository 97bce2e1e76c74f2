/* SPDX-License-Identifier: MIT */
/*
 * The end of the server, in three steps.
 *
 *	draining  callers still come in and are answered, new batches are refused; running ones end by their own
 *	          deadlines or, at the drain limit, are cancelled with the reason shutdown
 *	closing   when none runs: nobody comes in any more. Who has had an answer is hung up on, who has not
 *	          asked yet has a moment to do so
 *	hanging   that moment is over: whoever has not asked is hung up on, too
 *
 * When the last connection is over, the server's tree is cancelled and folds. See docs/connections.md.
 */
#pragma once

#include <nursery.h>

struct server;

enum stop_step {
	STOP_NOT,
	STOP_DRAINING,
	STOP_CLOSING,
	STOP_HANGING,
};

/*
 * struct stop
 *
 * serving  around everything; cancelled at the end
 */
struct stop {
	struct server *server;
	struct nur_cancel_scope serving;
	enum stop_step step;
};

void stop_init(struct stop *stop, struct server *server);

/* stop_begin() - drain and so on, in a task of @nursery */
void stop_begin(struct stop *stop, struct nur_nursery *nursery);

/* stop_at_once() - skip the waiting */
void stop_at_once(struct stop *stop);

/* stop_end() - everybody has gone, nothing is left to wait for */
void stop_end(struct stop *stop);
