/* SPDX-License-Identifier: MIT */
/*
 * Two attempts of one URL in a nursery of their own:
 *
 *	fetch_hedged_attempt   the first attempt, in the URL's task, is the nursery's body
 *	  second_task          waits for the time, then for a place; then the second attempt
 *
 * Who is answered first cancels the nursery, and with it the other. A first attempt that fails
 * before the second was sent ends the waiting: that is what retries are for. One that fails later
 * leaves the decision to the second.
 *
 * Places: the second attempt waits for a place at the origin as a redirect does, before URLs that
 * have not started. It has no place of the batch's window, being no further URL, but it may hold a
 * descriptor: so it takes one of in_flight, if one is free that nobody asked for, and else is not
 * sent. The first one never waits for it.
 */
#include "lib/fetch/hedge.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fetch/rules/request.h"

/*
 * second   a fetching of its own, with the first one's URL and options
 * winner   who was answered first, or NULL
 * is_sent  the second attempt has its places
 */
struct hedge {
	struct fetching *first;
	struct fetching second;
	struct nur_nursery *nursery;
	struct fetching *winner;
	bool is_sent;
};

bool
fetch_hedge_is_wanted(const struct fetching *fetching)
{
	const struct fetch_options *options = fetching->options;

	return options->hedge > 0 && (!options->method || fetch_method_is_safe(options->method));
}

static void
note_end(struct hedge *hedge, struct fetching *fetching)
{
	if (!hedge->winner && fetch_is_answered(fetching)) {
		hedge->winner = fetching;
		nur_nursery_cancel(hedge->nursery, "the other attempt was answered");
	}
}

/* A body that is on its way is not fetched twice. Of a hop that another worker does nothing is known before its end. */
static bool
is_being_answered(const struct hedge *hedge)
{
	if (hedge->first->host) {
		return true;
	}
	return fetch_is_being_answered(hedge->first);
}

static int
send_second(struct hedge *hedge)
{
	struct fetch_queue *queue = hedge->second.run->queue;
	int r;

	if (is_being_answered(hedge) || !fetch_queue_enter_more(queue)) {
		return 0;
	}
	hedge->is_sent = true;
	hedge->first->attempts++;
	r = fetch_attempt(&hedge->second);
	if (r == 0) {
		note_end(hedge, &hedge->second);
	}
	fetch_queue_leave_more(queue);
	return r;
}

static int
second_task(void *arg)
{
	struct hedge *hedge = arg;
	struct fetching *second = &hedge->second;
	int r;

	r = nur_sleep(second->options->hedge);
	if (r == 0 && !is_being_answered(hedge)) {
		r = fetch_enter_lane(second, second->first->origin);
		if (r == 0) {
			r = send_second(hedge);
		}
		fetch_leave_lane(second);
	}
	return r == NUR_ECANCELED ? r : 0; /* without memory there is no second attempt */
}

static int
first_attempt(struct nur_nursery *nursery, void *arg)
{
	struct hedge *hedge = arg;
	int r;

	hedge->nursery = nursery;
	(void)nur_start_soon(nursery, "hedge", second_task, hedge); /* likewise */
	r = fetch_attempt(hedge->first);
	if (r < 0) {
		return r;
	}
	note_end(hedge, hedge->first);
	if (!hedge->is_sent) {
		nur_nursery_cancel(nursery, "the first attempt has failed");
	}
	return 0;
}

/* The second's outcome becomes that of the URL. */
static void
adopt(struct fetching *first, struct fetching *second)
{
	fetch_transfer_fini(&first->transfer);
	first->transfer = second->transfer;
	memset(&second->transfer, 0, sizeof(second->transfer));
	fetch_set_url(first, second->url);
	second->url = second->first;
	first->error = second->error;
	first->redirects = second->redirects;
	first->dns_ns = second->dns_ns;
}

int
fetch_hedged_attempt(struct fetching *fetching)
{
	struct hedge *hedge = calloc(1, sizeof(*hedge));
	int r;

	if (!hedge) {
		return fetch_attempt(fetching);
	}
	hedge->first = fetching;
	hedge->second = (struct fetching){
		.run = fetching->run,
		.options = fetching->options,
		.index = fetching->index,
		.first = fetching->first,
		.url = fetching->first,
	};
	r = nur_nursery_run(first_attempt, hedge, NULL);
	if (r == 0 && hedge->winner == &hedge->second) {
		adopt(fetching, &hedge->second);
	}
	fetch_transfer_fini(&hedge->second.transfer);
	fetch_set_url(&hedge->second, NULL);
	free(hedge);
	return r;
}
