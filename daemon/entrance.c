/* SPDX-License-Identifier: MIT */
#include "daemon/entrance.h"

#include <errno.h>
#include <nursery.h>
#include <sys/socket.h>

#include "daemon/api/api_counts.h"
#include "daemon/config/config.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"

static void
turn_away(int fd)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Content-Length: 0\r\nRetry-After: 1\r\n"
				     "Connection: close\r\n\r\n";

	/* The peer's buffer is empty: it fits, or nobody is there to read it. */
	(void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int
admit(struct entrance *entrance, struct nur_stream *stream, struct connection **ret_connection)
{
	struct server *server = entrance->server;
	struct api_counts *counts = server_counts(server);
	int r = connection_create(server, stream, entrance->door, ret_connection);

	switch (r) {
	case 0:
		break;
	case -EBUSY:
		api_counts_refusal(counts, API_REFUSED_CONNECTIONS);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"limits.connections (%u) reached: a caller was turned away",
			server_config(server)->max_connections);
		break;
	case -EDQUOT:
		api_counts_refusal(counts, API_REFUSED_CONNECTIONS_PER_USER);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"limits.connections_per_user (%u) reached: a caller was turned away",
			server_config(server)->max_connections_per_user);
		break;
	default:
		api_counts_refusal(counts, API_REFUSED_RESOURCES);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)), "a caller was turned away: %s",
			nur_strerror(r));
		break;
	}
	return r;
}

static void
welcome(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	struct connection *connection;
	int r = admit(arg, stream, &connection);

	if (r < 0) {
		turn_away(nur_stream_fd(stream));
		nur_stream_destroy(stream);
		return;
	}
	r = nur_start_soon(nursery, connection_name(connection), connection_serve, connection);
	if (r < 0) {
		log_warning("cannot serve a connection: %s", nur_strerror(r));
		connection_destroy(connection);
	}
}

static void
overload(int error, int fd, void *arg)
{
	struct entrance *entrance = arg;

	api_counts_refusal(server_counts(entrance->server), API_REFUSED_RESOURCES);
	log_warning("cannot accept: %s", nur_strerror(error));
	if (fd >= 0) {
		turn_away(fd);
	}
}

static int
let_in(struct nur_nursery *nursery, void *arg)
{
	struct entrance *entrance = arg;
	const struct nur_server callers = {
		.welcome = welcome,
		.overload = overload,
		.arg = entrance,
		.nursery = nursery,
	};
	int r = nur_serve(&entrance->listener, 1, &callers);

	return r == NUR_ECLOSED ? 0 : r;
}

int
entrance_serve(void *arg)
{
	return nur_nursery_run(let_in, arg, NULL);
}
