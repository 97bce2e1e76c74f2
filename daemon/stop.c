/* SPDX-License-Identifier: MIT */
#include "daemon/stop.h"

#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/ops/notify.h"
#include "daemon/server.h"

/* For who has connected in the last moment, and then for what is being answered: more than a head may take. */
static const nur_time first_request_limit = NUR_SEC(1);
static const nur_time last_answers_limit = NUR_SEC(6);

void
stop_init(struct stop *stop, struct server *server)
{
	*stop = (struct stop){ .server = server };
	nur_cancel_scope_init(&stop->serving);
}

void
stop_end(struct stop *stop)
{
	nur_cancel_scope_cancel(&stop->serving, cancel_reason_name(CANCEL_SHUTDOWN));
}

static int
wait_for_batches(void *arg)
{
	struct stop *stop = arg;

	return batches_wait_idle(server_batches(stop->server));
}

/* Ends by cancellation when the last connection is over. */
static int
close_up(struct stop *stop)
{
	int r;

	stop->step = STOP_CLOSING;
	server_close(stop->server);
	r = nur_sleep(first_request_limit);
	if (r < 0) {
		return r;
	}
	stop->step = STOP_HANGING;
	server_hang_up(stop->server);
	return nur_sleep(last_answers_limit);
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
		r = close_up(stop);
	}
	stop_end(stop);
	return r;
}

void
stop_begin(struct stop *stop, struct nur_nursery *nursery)
{
	struct batches *batches = server_batches(stop->server);
	int r;

	log_at(LOG_NOTICE, LOG_FIELDS(EVENT(STOPPING)), "stopping: %zu batches are running",
		batches_n_running(batches));
	stop->step = STOP_DRAINING;
	batches_drain(batches);
	(void)notify_stopping(server_notify(stop->server), "draining");
	r = nur_start_soon(nursery, "drain", drain, stop);
	if (r < 0) {
		log_error("cannot drain, stopping at once: %s", nur_strerror(r));
		stop_end(stop);
	}
}

void
stop_at_once(struct stop *stop)
{
	log_notice("stopping at once");
	batches_cancel_all(server_batches(stop->server), CANCEL_SHUTDOWN);
	stop_end(stop);
}
