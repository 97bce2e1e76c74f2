/* SPDX-License-Identifier: MIT */
#include "daemon/entrance.h"

#include <errno.h>
#include <nursery.h>
#include <stdio.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/problem.h"
#include "daemon/api/response.h"
#include "daemon/config/config.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"

/* Why a caller is not let in. */
struct refusal {
	enum problem_code code;
	char detail[120];
};

static enum api_refusal
explain(const struct config *config, int r, struct refusal *ret_refusal)
{
	switch (r) {
	case -EBUSY:
		ret_refusal->code = PROBLEM_OVERLOADED;
		(void)snprintf(ret_refusal->detail, sizeof(ret_refusal->detail),
			"limits.connections is %u, and all that are for this user are at work",
			config->max_connections);
		return API_REFUSED_CONNECTIONS;
	case -EDQUOT:
		ret_refusal->code = PROBLEM_QUOTA;
		(void)snprintf(ret_refusal->detail, sizeof(ret_refusal->detail),
			"limits.connections_per_user is %u, and this user has as many",
			config->max_connections_per_user);
		return API_REFUSED_CONNECTIONS_PER_USER;
	default:
		ret_refusal->code = PROBLEM_RESOURCES;
		(void)snprintf(
			ret_refusal->detail, sizeof(ret_refusal->detail), "%s", nur_strerror(r));
		return API_REFUSED_RESOURCES;
	}
}

/* It may go on for long, so each reason is told once a minute. */
static void
write_down(enum api_refusal why, const char *detail)
{
	switch (why) {
	case API_REFUSED_CONNECTIONS:
		log_rarely(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"callers are turned away: %s", detail);
		break;
	case API_REFUSED_CONNECTIONS_PER_USER:
		log_rarely(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"callers are turned away: %s", detail);
		break;
	case API_REFUSED_RESOURCES:
		log_rarely(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"callers are turned away: %s", detail);
		break;
	}
}

/* No caller is let in: count it, write it down, and tell him. */
static void
refuse(struct entrance *entrance, int fd, int r)
{
	struct refusal refusal;
	enum api_refusal why = explain(server_config(entrance->server), r, &refusal);

	api_counts_refusal(server_counts(entrance->server), why);
	write_down(why, refusal.detail);
	if (fd >= 0) {
		response_turn_away(fd, refusal.code, refusal.detail);
	}
}

static void
welcome(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	struct entrance *entrance = arg;
	struct connection *connection;
	int r = connection_create(entrance->server, stream, entrance->door, &connection);

	if (r < 0) {
		refuse(entrance, nur_stream_fd(stream), r);
		nur_stream_destroy(stream);
		return;
	}
	r = nur_start_soon(nursery, connection_name(connection), connection_serve, connection);
	if (r < 0) {
		refuse(entrance, nur_stream_fd(stream), r);
		connection_destroy(connection);
	}
}

static void
overload(int error, int fd, void *arg)
{
	refuse(arg, fd, error);
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
