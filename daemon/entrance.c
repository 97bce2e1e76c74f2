/* SPDX-License-Identifier: MIT */
#include "daemon/entrance.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/problem.h"
#include "daemon/config/config.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"

/* Why a caller is not let in. */
struct refusal {
	enum problem_code code;
	char detail[120];
};

static void
tell(int fd, const char *text, int len)
{
	/* The peer's buffer is empty: it fits, or nobody is there to read it. */
	(void)!send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Without memory of the heap: there may be none left. The texts have nothing in them that JSON escapes. */
static void
turn_away(int fd, const struct refusal *refusal)
{
	int status = problem_status(refusal->code);
	const char *name = problem_name(refusal->code);
	char body[400];
	char head[240];
	int body_len = snprintf(body, sizeof(body),
		"{\"type\":\"urn:fetchd:problem:%s\",\"title\":\"%s\",\"status\":%d,"
		"\"detail\":\"%s\",\"code\":\"%s\"}\n",
		name, problem_title(refusal->code), status, refusal->detail, name);
	int head_len = snprintf(head, sizeof(head),
		"HTTP/1.1 %d %s\r\nContent-Type: " PROBLEM_CONTENT_TYPE "\r\nContent-Length: %d\r\n"
		"Retry-After: 1\r\nConnection: close\r\n\r\n",
		status, problem_reason_phrase(status), body_len);

	assert(body_len < (int)sizeof(body) && head_len < (int)sizeof(head));
	tell(fd, head, head_len);
	tell(fd, body, body_len);
}

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
		ret_refusal->code = PROBLEM_OVERLOADED;
		(void)snprintf(
			ret_refusal->detail, sizeof(ret_refusal->detail), "%s", nur_strerror(r));
		return API_REFUSED_RESOURCES;
	}
}

/* No caller is let in: count it, write it down, and tell him. */
static void
refuse(struct entrance *entrance, int fd, int r)
{
	struct refusal refusal;

	api_counts_refusal(server_counts(entrance->server),
		explain(server_config(entrance->server), r, &refusal));
	log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)), "a caller was turned away: %s",
		refusal.detail);
	if (fd >= 0) {
		turn_away(fd, &refusal);
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
		log_warning("cannot serve a connection: %s", nur_strerror(r));
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
