/* SPDX-License-Identifier: MIT */
/*
 * A caller's connection: a nursery of two tasks.
 *
 *	reader   always reads, into a bounded buffer; at the end of input waits for the hang-up
 *	handler  takes requests out of the buffer, works, writes answers
 *
 * The peer's going away ends the reader, which cancels the handler with the reason client_gone: so a batch is
 * cancelled because the tree says so. A half-close ends the input only.
 */
#pragma once

#include <nursery.h>

#include "daemon/api/http_parser.h"
#include "daemon/api/response.h"
#include "daemon/ops/access.h"
#include "lib/base/buffer.h"
#include "lib/base/list.h"

struct connection;
struct server;

/*
 * struct exchange - one request and its answer, as a route sees them; lives in the connection
 * @peer:     who asks, as of the connect
 * @is_scraper: came in where there are metrics only; nothing is known of the peer
 * @level:    what the peer may do, as of the request
 * @route:    number of the route it took, for routes_name()
 */
struct exchange {
	struct connection *connection;
	struct server *server;
	const struct http_request *request;
	struct access_peer peer;
	bool is_scraper;
	enum access_level level;
	unsigned route;
	char request_id[32];
	struct response response;
};

/* Where a caller comes in. */
enum connection_door {
	CONNECTION_API,     /* the Unix socket */
	CONNECTION_METRICS, /* TCP: nobody knows who it is */
};

/**
 * connection_create() - @stream is taken on success
 * Errors: as server_connection_began()
 *         -ENOMEM, -errno
 */
int connection_create(struct server *server, struct nur_stream *stream, enum connection_door door,
	struct connection **ret_connection);

/* connection_name() - for its task */
const char *connection_name(const struct connection *connection);

/* connection_serve() - a task: serve the connection @arg until one side ends, then destroy it; 0 or NUR_ECANCELED */
int connection_serve(void *arg);

void connection_destroy(struct connection *connection);

/*
 * connection_evict() - end the one that rests (server_connection_rests()) at @node, and do not count it any more
 */
void connection_evict(struct list *node);

/*
 * connection_hang_up() - take nothing more from the one that rests at @node; what it has sent before is answered
 * @is_patient:  unless it has not asked anything yet
 */
void connection_hang_up(struct list *node, bool is_patient);

/* typedef connection_take_fn - the next piece of a body; a negative return ends the reading */
typedef int (*connection_take_fn)(void *user, const char *data, size_t len);

/**
 * connection_read_body() - read the request's content
 * @max:  bytes accepted
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED
 *         NUR_ETOOSLOW  not there in time: 408
 *         -EMSGSIZE     more than @max: 413
 *         -EPROTO       broken framing, or the input ended: 400
 *         else          what @take returned
 *         after an error the connection must be closed behind the answer
 */
int connection_read_body(
	struct exchange *exchange, uint64_t max, connection_take_fn take, void *user);
