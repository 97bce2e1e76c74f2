/* SPDX-License-Identifier: MIT */
/*
 * The input buffer is the reader's to fill, to compact and to grow; the handler only moves its start. So the
 * memory the reader is receiving into never moves under it. When the buffer is full the reader waits for
 * room and for the hang-up at the same time: a peer that sends without end is held, not buffered, and still
 * seen leaving.
 */
#include "daemon/api/connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/peer.h"
#include "daemon/api/routes.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/result.h"

enum {
	max_input_bytes = 64 * 1024,
	min_receive_bytes = 4 * 1024,
	idle_seconds = 60,
	head_seconds = 5,
	body_seconds = 30,
};

/*
 * struct connection
 *
 * in, in_start  received bytes; those before in_start are used up
 * arrived       the handler waits here for input or its end
 * full          what the reader waits in while the buffer is full; cancelled when there is room
 * handling      around the handler: cancelled when the peer has gone
 * has_ended     the peer will send nothing more
 * resting       in the server's list while it waits for a request
 * is_fresh      it has not asked anything yet
 * is_evicted    another one got its place
 * is_hung_up    nothing more is taken from it
 * is_body_begun  the present request's content is being read, or the reading was given up
 * is_body_done  it has been read
 */
struct connection {
	struct server *server;
	struct nur_stream *stream;
	struct buffer in;
	size_t in_start;
	struct nur_parking_lot arrived;
	struct nur_cancel_scope *full;
	struct nur_cancel_scope handling;
	bool has_ended;
	struct list resting;
	bool is_fresh;
	bool is_evicted;
	bool is_hung_up;
	bool is_body_begun;
	bool is_body_done;
	struct http_parser parser;
	struct exchange exchange;
	char name[48];
};

/* Over TCP all callers are one, whom nobody knows. */
static int
find_peer(struct nur_stream *stream, enum connection_door door, struct access_peer *ret_peer)
{
	if (door == CONNECTION_METRICS) {
		*ret_peer = (struct access_peer){ (uid_t)-1, (gid_t)-1, NULL, 0 };
		return 0;
	}
	return peer_read(nur_stream_fd(stream), ret_peer);
}

static void
name_connection(struct connection *connection, uint64_t number)
{
	const struct exchange *exchange = &connection->exchange;
	char who[24] = "metrics";

	if (!exchange->is_scraper) {
		(void)snprintf(who, sizeof(who), "uid %u", (unsigned)exchange->peer.uid);
	}
	(void)snprintf(connection->name, sizeof(connection->name), "connection %llu, %s",
		(unsigned long long)number, who);
}

int
connection_create(struct server *server, struct nur_stream *stream, enum connection_door door,
	struct connection **ret_connection)
{
	struct connection *connection;
	struct access_peer peer;
	uint64_t number;
	int r = find_peer(stream, door, &peer);

	if (r < 0) {
		return r;
	}
	r = server_connection_began(server, &peer, &number);
	if (r < 0) {
		goto out_peer;
	}
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		r = -ENOMEM;
		goto out_ended;
	}
	r = http_parser_init(&connection->parser);
	if (r < 0) {
		goto out_free;
	}

	connection->server = server;
	connection->stream = stream;
	connection->is_fresh = true;
	connection->exchange.connection = connection;
	connection->exchange.server = server;
	connection->exchange.peer = peer;
	connection->exchange.request = &connection->parser.request;
	list_init(&connection->resting);
	nur_parking_lot_init(&connection->arrived);
	nur_cancel_scope_init(&connection->handling);
	connection->exchange.is_scraper = door == CONNECTION_METRICS;
	name_connection(connection, number);
	*ret_connection = connection;
	return 0;

out_free:
	free(connection);
out_ended:
	server_connection_ended(server, peer.uid);
out_peer:
	peer_fini(&peer);
	return r;
}

const char *
connection_name(const struct connection *connection)
{
	return connection->name;
}

void
connection_destroy(struct connection *connection)
{
	if (!connection) {
		return;
	}
	nur_stream_destroy(connection->stream);
	http_parser_fini(&connection->parser);
	response_fini(&connection->exchange.response);
	buffer_fini(&connection->in);
	list_unlink(&connection->resting);
	if (!connection->is_evicted) {
		server_connection_ended(connection->server, connection->exchange.peer.uid);
	}
	peer_fini(&connection->exchange.peer);
	free(connection);
}

void
connection_evict(struct list *node)
{
	struct connection *connection = list_entry(node, struct connection, resting);

	list_unlink(node);
	connection->is_evicted = true;
	server_connection_ended(connection->server, connection->exchange.peer.uid);
	nur_cancel_scope_cancel(&connection->handling, "evicted");
}

/* A Unix socket whose reading end is shut refuses what is sent, under the lock that took in what was sent before. */
void
connection_hang_up(struct list *node, bool is_patient)
{
	struct connection *connection = list_entry(node, struct connection, resting);

	if (connection->is_fresh && is_patient) {
		return;
	}
	connection->is_hung_up = true;
	(void)shutdown(nur_stream_fd(connection->stream), SHUT_RD); /* or it is over already */
}

/* ---- the reader ---- */

static size_t
n_unread(const struct connection *connection)
{
	return connection->in.len - connection->in_start;
}

static const char *
unread(const struct connection *connection)
{
	return connection->in.data ? connection->in.data + connection->in_start : "";
}

/* Returns when there is room again; NUR_EBROKEN when the peer has gone meanwhile. */
static int
wait_for_room(struct connection *connection)
{
	struct nur_cancel_scope scope;
	bool has_room;
	int r;

	nur_cancel_scope_init(&scope);
	connection->full = &scope;
	r = NUR_WITHIN(&scope, nur_wait_hangup(nur_stream_fd(connection->stream)));
	connection->full = NULL;
	has_room = nur_cancel_scope_cancelled_caught(&scope);
	return r < 0 || has_room ? r : NUR_EBROKEN;
}

/* Returns the number of bytes received, 0 at the end of input. */
static int64_t
receive(struct connection *connection)
{
	struct buffer *in = &connection->in;
	int64_t n;
	int r;

	buffer_consume(in, connection->in_start);
	connection->in_start = 0;
	r = buffer_reserve(in, min_receive_bytes);
	if (r < 0) {
		return r;
	}
	n = nur_stream_receive_some(connection->stream, in->data + in->len, in->cap - in->len - 1);
	if (n > 0) {
		in->len += (size_t)n;
	}
	return n;
}

static int
read_until_gone(struct connection *connection)
{
	int64_t n = 1;

	while (n > 0) {
		while (n_unread(connection) >= max_input_bytes) {
			int r = wait_for_room(connection);

			if (r < 0) {
				return r;
			}
		}
		n = receive(connection);
		if (n < 0) {
			return (int)n;
		}
		connection->has_ended = n == 0;
		list_unlink(&connection->resting); /* there is something to do */
		(void)nur_parking_lot_unpark(&connection->arrived, SIZE_MAX, 0);
	}
	return nur_wait_hangup(nur_stream_fd(connection->stream));
}

/* There is no memory even for saying so. */
static void
turn_away(struct connection *connection)
{
	struct response *response = &connection->exchange.response;

	response_turn_away(
		nur_stream_fd(connection->stream), PROBLEM_RESOURCES, nur_strerror(-ENOMEM));
	response->status = problem_status(PROBLEM_RESOURCES);
	response->is_problem = true;
	response->problem = PROBLEM_RESOURCES;
}

static int
reader(void *arg)
{
	struct connection *connection = arg;
	int r = read_until_gone(connection);

	if (r == NUR_ECANCELED) {
		return r;
	}
	/* Nothing more can be read: who has no answer yet gets one for which there is memory. */
	if (r == -ENOMEM && !connection->exchange.response.is_on_its_way) {
		turn_away(connection);
	}
	/* However the reading ended, nobody is there any more. */
	connection->has_ended = true;
	(void)nur_parking_lot_unpark(&connection->arrived, SIZE_MAX, 0);
	nur_cancel_scope_cancel(&connection->handling, cancel_reason_name(CANCEL_CLIENT_GONE));
	return 0;
}

/* ---- the handler ---- */

static void
use_up(struct connection *connection, size_t len)
{
	connection->in_start += len;
	if (connection->full && n_unread(connection) < max_input_bytes) {
		nur_cancel_scope_cancel(connection->full, "room");
	}
}

static int
wait_for_input(void *arg)
{
	struct connection *connection = arg;

	return nur_parking_lot_park(&connection->arrived, "request");
}

static int
refuse(struct exchange *exchange, enum problem_code code, const char *detail, const char *fields)
{
	int r;

	exchange->response.keep_alive = false;
	r = response_problem(&exchange->response, code, detail, fields, NULL);
	return r < 0 ? r : 0;
}

/* A part of a request's head came, and no more will. */
static int
refuse_part(struct connection *connection)
{
	struct exchange *exchange = &connection->exchange;

	if (!connection->is_hung_up) {
		return refuse(exchange, PROBLEM_BAD_REQUEST,
			"the input ended inside a request's head", NULL);
	}
	return refuse(exchange, PROBLEM_DRAINING,
		"the daemon is stopping, and a part of the request is missing",
		"Retry-After: 5\r\n");
}

static int
refuse_head(struct connection *connection)
{
	return refuse(&connection->exchange, problem_of_status(connection->parser.status),
		connection->parser.reason, NULL);
}

/* A fresh answer for a request whose head may not be known yet. */
static void
begin_exchange(struct connection *connection)
{
	struct exchange *exchange = &connection->exchange;

	response_fini(&exchange->response);
	(void)snprintf(exchange->request_id, sizeof(exchange->request_id), "%s",
		server_next_request_id(connection->server));
	exchange->response = (struct response){
		.stream = connection->stream,
		.request_id = exchange->request_id,
		.can_chunk = true,
	};
	exchange->route = ROUTES_NONE;
	connection->is_body_begun = false;
	connection->is_body_done = false;
}

/* Whatever was asked and whatever was answered. */
static void
count_exchange(const struct exchange *exchange)
{
	const struct response *response = &exchange->response;
	struct api_counts *counts = server_counts(exchange->server);

	if (response->status == 0) {
		return;
	}
	api_counts_answer(counts, exchange->route, response->status);
	if (response->is_problem) {
		if (response->problem == PROBLEM_RESOURCES) {
			log_rarely(LOG_WARNING, NULL,
				"requests are refused: memory or descriptors are lacking");
		}
		api_counts_problem(counts, response->problem);
	}
}

static int
feed_head(struct connection *connection)
{
	nur_time deadline = nur_time_add(nur_now(), NUR_SEC(idle_seconds));
	bool is_idle = true;

	for (;;) {
		size_t n_used = 0;
		int r = http_parser_feed_head(
			&connection->parser, unread(connection), n_unread(connection), &n_used);

		use_up(connection, n_used);
		if (r != HTTP_NEED_MORE) {
			return r == HTTP_HEAD_DONE ? 1 : refuse_head(connection);
		}
		if (is_idle && !http_parser_is_idle(&connection->parser)) {
			is_idle = false;
			list_unlink(&connection->resting);
			deadline = nur_time_add(nur_now(), NUR_SEC(head_seconds));
		}
		if (connection->has_ended) {
			return is_idle ? 0 : refuse_part(connection);
		}
		r = nur_fail_at(deadline, 0, wait_for_input, connection);
		if (r == NUR_ETOOSLOW) {
			return is_idle ? 0
				       : refuse(&connection->exchange, PROBLEM_TIMEOUT,
						 "the request's head did not arrive within 5 s",
						 NULL);
		}
		if (r < 0) {
			return r;
		}
	}
}

/* Feeds the head parser until a head is whole: 1; 0: the connection is over, and what was to say was said. */
static int
read_head(struct connection *connection)
{
	int r;

	server_connection_rests(connection->server, &connection->resting);
	r = feed_head(connection);
	list_unlink(&connection->resting);
	return r;
}

struct body {
	struct connection *connection;
	connection_take_fn take;
	void *user;
};

static int
read_body(void *arg)
{
	struct body *body = arg;
	struct connection *connection = body->connection;
	int r = HTTP_NEED_MORE;

	while (r == HTTP_NEED_MORE) {
		struct http_slice slice = { NULL, 0 };
		size_t n_used = 0;
		int taken = 0;

		r = http_parser_feed_body(&connection->parser, unread(connection),
			n_unread(connection), &n_used, &slice);
		if (r < 0) {
			return connection->parser.status == 413 ? -EMSGSIZE : -EPROTO;
		}
		if (slice.len > 0) {
			taken = body->take(body->user, slice.data, slice.len);
		}
		use_up(connection, n_used);
		if (taken < 0) {
			return taken;
		}
		if (r == HTTP_NEED_MORE && n_used == 0) {
			if (connection->has_ended) {
				return -EPROTO;
			}
			taken = wait_for_input(connection);
		} else {
			taken = nur_checkpoint(); /* a large body must not keep others from running */
		}
		if (taken < 0) {
			return taken;
		}
	}
	connection->is_body_done = true;
	return 0;
}

int
connection_read_body(struct exchange *exchange, uint64_t max, connection_take_fn take, void *user)
{
	struct connection *connection = exchange->connection;
	struct body body = { connection, take, user };

	connection->is_body_begun = true;
	connection->parser.max_body = max;
	/* A body known to be too large is refused before it is sent. */
	if (exchange->request->expects_continue && n_unread(connection) == 0 &&
		exchange->request->content_length <= max) {
		int r = response_continue(&exchange->response);

		if (r < 0) {
			return r;
		}
	}
	return nur_fail_after(NUR_SEC(body_seconds), 0, read_body, &body);
}

static int
ignore_body(void *user, const char *data, size_t len)
{
	return 0;
}

/*
 * A body that the route did not want: a short one is read over, so that the connection can go on, and, where it ends,
 * so that who sends the body behind the head is not told of a broken pipe in place of the answer.
 */
static int
skip_body(struct connection *connection)
{
	int r;

	if (connection->is_body_begun) {
		return 0;
	}
	if (connection->exchange.request->expects_continue) {
		connection->exchange.response.keep_alive =
			false; /* nobody knows whether it comes */
		return 0;
	}
	r = connection_read_body(&connection->exchange, max_input_bytes, ignore_body, NULL);
	if (r == NUR_ECANCELED) {
		return r;
	}
	if (r < 0) {
		connection->exchange.response.keep_alive = false;
	}
	return 0;
}

static int
handle(struct connection *connection)
{
	struct exchange *exchange = &connection->exchange;
	int r;

	do {
		begin_exchange(connection);
		r = read_head(connection);
		if (r <= 0) {
			count_exchange(exchange);
			return r;
		}
		connection->is_fresh = false;
		exchange->response.keep_alive =
			exchange->request->keep_alive && !server_is_draining(connection->server);
		exchange->response.is_head = exchange->request->method == HTTP_HEAD;
		exchange->response.can_chunk = connection->parser.minor_version > 0;
		r = routes_dispatch(exchange);
		if (r == -ENOMEM && !exchange->response.is_on_its_way) {
			turn_away(connection);
		}
		count_exchange(exchange);
		if (r < 0) {
			return r;
		}
		r = skip_body(connection);
		if (r < 0) {
			return r;
		}
		if (connection->is_body_done) {
			http_parser_next(&connection->parser);
		}
	} while (exchange->response.keep_alive);
	return 0;
}

static int
serve(struct nur_nursery *nursery, void *arg)
{
	struct connection *connection = arg;
	int r = nur_start_soon(nursery, "reader", reader, connection);

	if (r < 0) {
		response_turn_away(
			nur_stream_fd(connection->stream), PROBLEM_RESOURCES, nur_strerror(r));
		return r;
	}
	r = NUR_WITHIN(&connection->handling, handle(connection));
	nur_nursery_cancel(nursery, "the connection is over");
	return r;
}

int
connection_serve(void *arg)
{
	struct connection *connection = arg;
	int r = nur_nursery_run(serve, connection, NULL);

	nur_task_set_name(nur_current_task(), "connection"); /* it was in the connection */
	connection_destroy(connection);
	/* A connection that broke is over; that is no failure of the server. */
	return r == NUR_ECANCELED ? r : 0;
}
