/* SPDX-License-Identifier: MIT */
#include "daemon/signals.h"

#include <nursery.h>
#include <signal.h>

#include "daemon/ops/log.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "daemon/stop.h"
#include "lib/base/cleanup.h"

/* The verdict is in the log; a failure to reload is no failure of the server. */
static int
reload_by_signal(void *arg)
{
	struct reload_verdict verdict = RELOAD_VERDICT_INIT;
	int r = reload(arg, &verdict);

	reload_verdict_fini(&verdict);
	return r == NUR_ECANCELED ? r : 0;
}

static void
start_reload(struct server *server, struct nur_nursery *nursery)
{
	int r = nur_start_soon(nursery, "reload", reload_by_signal, server);

	if (r < 0) {
		log_error("not reloaded: %s", nur_strerror(r));
	}
}

static int
receive(struct nur_nursery *nursery, struct server *server, struct nur_signal_receiver *receiver)
{
	int r = 0;

	while (r >= 0) {
		int number = 0;

		r = nur_signal_receiver_next(receiver, &number);
		if (r < 0) {
			return r;
		}
		if (number == SIGHUP) {
			start_reload(server, nursery);
		} else if (!server_is_draining(server)) {
			stop_begin(server_stop(server), nursery);
		} else {
			stop_at_once(server_stop(server));
		}
	}
	return r;
}

struct receiving {
	struct server *server;
	struct nur_task_status *status;
};

static int
receive_in(struct nur_nursery *nursery, void *arg)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	const struct receiving *receiving = arg;
	struct nur_signal_receiver *receiver;
	int r = nur_signal_receiver_open(numbers, ARRAY_LEN(numbers), &receiver);

	if (r < 0) {
		return r;
	}
	r = nur_started(receiving->status, NULL);
	if (r >= 0) {
		r = receive(nursery, receiving->server, receiver);
	}
	nur_signal_receiver_close(receiver);
	return r;
}

int
signals(struct nur_task_status *status, void *arg)
{
	struct receiving receiving = { arg, status };

	return nur_nursery_run(receive_in, &receiving, NULL);
}
