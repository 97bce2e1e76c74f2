/* SPDX-License-Identifier: MIT */
#include "daemon/stop.h"

#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/ops/notify.h"
#include "daemon/server.h"

static const nur_time last_answers_limit = NUR_SEC(5);

void
stop_init(struct stop *stop, struct server *server)
{
	*stop = (struct stop){ .server = server };
	nur_parking_lot_init(&stop->answered);
	nur_cancel_scope_init(&stop->serving);
}

void
stop_exchange_began(struct stop *stop)
{
	stop->n_exchanges++;
}

void
stop_exchange_ended(struct stop *stop)
{
	if (--stop->n_exchanges == 0) {
		(void)nur_parking_lot_unpark(&stop->answered, SIZE_MAX, 0);
	}
}

static void
end_serving(struct stop *stop)
{
	nur_cancel_scope_cancel(&stop->serving, cancel_reason_name(CANCEL_SHUTDOWN));
}

static int
wait_for_batches(void *arg)
{
	struct stop *stop = arg;

	return batches_wait_idle(server_batches(stop->server));
}

static int
wait_for_answers(void *arg)
{
	struct stop *stop = arg;
	int r = 0;

	while (r == 0 && stop->n_exchanges > 0) {
		r = nur_parking_lot_park(&stop->answered, "last answers");
	}
	return r;
}

static int
drain(void *arg)
{
	struct stop *stop = arg;
	struct batches *batches = server_batches(stop->server);
	bool is_late = false;
	int r = nur_move_on_after(
		server_config(stop->server)->drain_timeout_ns, 0, wait_for_batches, stop, &is_late);

	if (is_late) {
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(DRAIN_LATE)),
			"drain.timeout has passed: cancelling %zu batches",
			batches_n_running(batches));
		batches_cancel_all(batches, CANCEL_SHUTDOWN);
	}
	if (r >= 0) {
		r = nur_move_on_after(last_answers_limit, 0, wait_for_answers, stop, NULL);
	}
	end_serving(stop);
	return r;
}

void
stop_begin(struct stop *stop, struct nur_nursery *nursery)
{
	struct batches *batches = server_batches(stop->server);
	int r;

	log_at(LOG_NOTICE, LOG_FIELDS(EVENT(STOPPING)), "stopping: %zu batches are running",
		batches_n_running(batches));
	stop->is_draining = true;
	batches_drain(batches);
	(void)notify_stopping(server_notify(stop->server), "draining");
	r = nur_start_soon(nursery, "drain", drain, stop);
	if (r < 0) {
		log_error("cannot drain, stopping at once: %s", nur_strerror(r));
		end_serving(stop);
	}
}

void
stop_at_once(struct stop *stop)
{
	log_notice("stopping at once");
	batches_cancel_all(server_batches(stop->server), CANCEL_SHUTDOWN);
	end_serving(stop);
}
