/* SPDX-License-Identifier: MIT */
/*
 * A redirect may lead to an origin that another worker has. The URL stays where it began: its task, its times, its
 * place in the window and in in_flight. Only the hop is done over there, with that worker's connections, by its
 * view of who may connect how often: a visitor waits for a place at the origin like a redirect of that worker's
 * own.
 *
 * The task over there works on the fetching of the task that waits. Both are never at it at the same time, but for
 * run, which is exchanged: a hedge beside it must not read that.
 */
#include "lib/fetch/visit.h"

#include "lib/fetch/split.h"

static int
hop(struct fetching *fetching)
{
	int r = fetch_enter_own_lane(fetching, fetching->url->origin);

	if (r == 0) {
		r = fetch_hop_here(fetching);
	}
	fetch_leave_lane(fetching);
	return r;
}

static int
visit(void *arg)
{
	struct fetching *fetching = arg;
	struct fetch_part *host = fetching->host;
	struct fetch_run *home = fetching->run;
	struct fetch_run run = {
		.engine = host->worker->engine,
		.batch = &host->batch,
		.queue = &host->queue,
		.part = host,
	};
	int r = fetch_part_enter(host);

	if (r < 0) {
		return r;
	}
	fetching->run = &run;
	r = hop(fetching);
	fetching->run = home;
	fetch_fitted_fini(&run.fitted);
	fetch_part_leave(host);
	return r;
}

int
fetch_visit(struct fetching *fetching)
{
	return fetch_errand_run(
		&fetching->host->worker->site, nur_task_name(nur_current_task()), visit, fetching);
}
