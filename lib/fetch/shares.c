/* SPDX-License-Identifier: MIT */
/*
 * The window of a batch over several workers. It is shared out by the number of URLs, and all places are in the
 * hands of parts: so what a part has it may use without asking. They move twice:
 *
 * - The places of a part that has ended go to those that are left and have fewer places than URLs.
 * - When there are more parts than places, they take turns. A part has its place as long as it has something to
 *   fetch, and leaves it to the one that has waited longest when nothing of it is under way and all that is left
 *   has to rest.
 *
 * Either way the places are given on after their last result has been judged, and by one who cannot use them any
 * more: never are there more than the window. All of it is decided in the caller's run; a queue is told how wide it
 * is by a call.
 */
#include "lib/fetch/shares.h"

#include "lib/fetch/split.h"

/* One place for each part, and the rest by the number of URLs: all of them, if there is room for that. */
void
fetch_shares_init(
	struct fetch_shares *shares, struct fetch_part *parts, unsigned n_parts, uint64_t window)
{
	uint64_t n_further = 0, n_shared = 0, n_spare;

	*shares = (struct fetch_shares){ .parts = parts, .n_parts = n_parts, .window = window };
	for (unsigned i = 0; i < n_parts; i++) {
		size_t n = parts[i].batch.n_requests;

		shares->n_left += n > 0;
		n_further += n > 0 ? n - 1 : 0;
	}
	n_spare = window > shares->n_left ? window - shares->n_left : 0;
	for (unsigned i = 0; i < n_parts; i++) {
		struct fetch_part *part = &parts[i];
		size_t n = part->batch.n_requests;
		uint64_t before = n_further > 0 ? n_spare * n_shared / n_further : 0;

		n_shared += n > 0 ? n - 1 : 0;
		part->share.n_places = 1;
		if (n_further > 0) {
			part->share.n_places += (unsigned)(n_spare * n_shared / n_further - before);
		}
		part->share.takes_turns = window < shares->n_left;
		part->batch.concurrency = part->share.n_places;
	}
	(void)nur_semaphore_init(&shares->turns, window, window); /* a good value */
}

/* ---- turns ---- */

static int
take_turn(void *arg)
{
	struct fetch_part *part = arg;
	int r = nur_semaphore_acquire(&part->shares->turns);

	part->share.has_turn = r == 0;
	return r;
}

static void
leave_turn(void *arg)
{
	struct fetch_part *part = arg;

	part->share.has_turn = false;
	(void)nur_semaphore_release(&part->shares->turns); /* below its maximum */
}

int
fetch_share_begin(struct fetch_part *part)
{
	return take_turn(part);
}

void
fetch_share_leave_turn(struct fetch_part *part)
{
	fetch_errand_call(part->home, leave_turn, part);
}

int
fetch_share_enter_turn(struct fetch_part *part)
{
	return fetch_errand_run(part->home, "turn", take_turn, part);
}

/* ---- the places of a part that has ended ---- */

static bool
wants_places(const struct fetch_part *part)
{
	return !part->share.is_over && part->share.n_places < part->batch.n_requests;
}

/* To all who want some alike; what one does not need the next one may have. */
static void
give(struct fetch_shares *shares, unsigned n_places)
{
	unsigned n_parts = 0;

	for (unsigned i = 0; i < shares->n_parts; i++) {
		n_parts += wants_places(&shares->parts[i]);
	}
	for (unsigned i = 0; n_parts > 0 && i < shares->n_parts; i++) {
		struct fetch_part *part = &shares->parts[i];
		unsigned n;

		if (!wants_places(part)) {
			continue;
		}
		n = n_places / n_parts--;
		if (n > part->batch.n_requests - part->share.n_places) {
			n = (unsigned)(part->batch.n_requests - part->share.n_places);
		}
		n_places -= n;
		part->share.n_places += n;
		part->share.is_wider = part->share.is_wider || n > 0;
	}
}

struct width {
	struct fetch_part *part;
	unsigned n_places;
};

static void
widen(void *arg)
{
	const struct width *width = arg;
	struct fetch_part *part = width->part;

	part->batch.concurrency = width->n_places; /* for a queue that is opened later */
	if (part->is_open) {
		fetch_queue_set_window(&part->queue, width->n_places);
	}
}

/* Others may end meanwhile, and give: they tell of that, or we do. */
static void
tell(struct fetch_shares *shares)
{
	for (unsigned i = 0; i < shares->n_parts; i++) {
		struct fetch_part *part = &shares->parts[i];
		struct width width = { part, part->share.n_places };

		if (part->share.is_wider && !part->share.is_over) {
			part->share.is_wider = false;
			fetch_errand_call(&part->worker->site, widen, &width);
		}
	}
}

void
fetch_share_end(struct fetch_part *part)
{
	struct fetch_shares *shares = part->shares;
	unsigned n_places = part->share.n_places;

	part->share.is_over = true;
	shares->n_left--;
	if (!part->share.has_turn) {
		n_places--; /* somebody has it, or can */
	} else if (shares->n_left >= shares->window) {
		leave_turn(part);
		n_places--;
	}
	give(shares, n_places);
	tell(shares);
}
