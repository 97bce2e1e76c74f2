/* SPDX-License-Identifier: MIT */
/* Which part of a batch has how many of its places. See shares.c. */
#pragma once

#include <nursery.h>

struct fetch_part;

/*
 * struct fetch_shares - of a batch's window; in the caller's run
 *
 * window  places of the batch
 * turns   one place of each part, as far as they go
 * n_left  parts that have not ended
 */
struct fetch_shares {
	struct fetch_part *parts;
	unsigned n_parts;
	unsigned n_left;
	uint64_t window;
	struct nur_semaphore turns;
};

/*
 * struct fetch_share - what a part has
 *
 * n_places     of the window, with that of its turn
 * is_wider     some of them its queue does not know yet
 * is_over      it has ended
 * has_turn     it may fetch
 * takes_turns  there are more parts than places
 */
struct fetch_share {
	unsigned n_places;
	bool is_wider;
	bool is_over;
	bool has_turn;
	bool takes_turns;
};

/* fetch_shares_init() - share @window out by the number of the parts' URLs, before the first one begins */
void fetch_shares_init(
	struct fetch_shares *shares, struct fetch_part *parts, unsigned n_parts, uint64_t window);

/* fetch_share_begin() - wait for the part's first turn. Checkpoint: always. NUR_ECANCELED */
NUR_CHECKPOINT int fetch_share_begin(struct fetch_part *part);

/* fetch_share_end() - the part has ended: others may have its places. May be a checkpoint, which is not cancelled */
void fetch_share_end(struct fetch_part *part);

/*
 * fetch_share_leave_turn() - in the worker's run: nothing of the part is under way, and nothing will be before
 * fetch_share_enter_turn(), which waits for the next turn
 *
 * Checkpoint: always; the first one is not cancelled. Errors: of the second, as fetch_errand_run(); without a turn
 */
void fetch_share_leave_turn(struct fetch_part *part);
NUR_CHECKPOINT int fetch_share_enter_turn(struct fetch_part *part);
