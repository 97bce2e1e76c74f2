/* SPDX-License-Identifier: MIT */
/*
 * The nursery of detached batches. Those that have been restored start in it at once, the others as they are accepted;
 * meanwhile old ones expire, in pieces, between which others have the store.
 */
#include "daemon/batches/detached.h"
#include "daemon/ops/log.h"
#include "daemon/ops/wall_now.h"

static const nur_time expire_interval = NUR_SEC(600);

static int
expire(struct store *store, void *arg)
{
	const int64_t *ended_before = arg;

	return store_expire(store, *ended_before);
}

static int
wait_to_expire(void *arg)
{
	struct batches *batches = arg;

	return nur_parking_lot_park(&batches->expiring, "old batches");
}

static int
keep_expiring(struct batches *batches)
{
	int r = 0;

	while (r >= 0) {
		int64_t ended_before = wall_now() - batches->options.retain_ns;

		if (store_queue_call(batches->store, expire, &ended_before) == 1) {
			r = nur_checkpoint();
		} else {
			r = nur_move_on_after(expire_interval, 0, wait_to_expire, batches, NULL);
		}
	}
	return r;
}

static int
serve(struct nur_nursery *nursery, void *arg)
{
	struct batches *batches = arg;
	struct list *node;
	int r;

	batches->detached = nursery;
	list_for_each(node, &batches->all) {
		struct batch *batch = list_entry(node, struct batch, node);

		r = batch->detachment ? detached_start(batch) : 0;
		if (r < 0) {
			log_at(LOG_ERR, LOG_FIELDS({ "FETCHD_BATCH_ID", batch->id }),
				"batch %s stays unfinished until the next start: %s", batch->id,
				nur_strerror(r));
			batch_leave(batch, BATCH_SUSPENDED);
		}
	}
	r = keep_expiring(batches);
	batches->detached = NULL;
	return r;
}

int
batches_serve_detached(struct batches *batches)
{
	return batches->store ? nur_nursery_run(serve, batches, NULL) : nur_checkpoint();
}
