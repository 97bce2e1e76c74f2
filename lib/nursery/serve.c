/* SPDX-License-Identifier: MIT */
/*
 * The accept loop.
 *
 * The first listener is looked after by the calling task, each other one by a task: so the common server
 * has one task for accepting, and all are in one nursery with the connections unless these go elsewhere.
 * A listener is closed by whoever looks after it, before that nursery waits for the connections.
 */
#include <nursery/checkpoint.h>
#include <nursery/serve.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/listener.h"
#include "lib/nursery/stream.h"

enum {
	accepts_per_turn = 16
};

static const nur_time overload_pause = NUR_MSEC(100);

/*
 * connections  where they go
 * reserve_fd   given up when descriptors run out, to accept one caller and tell it; -1: could not be had
 */
struct serving {
	const struct nur_server *server;
	struct acceptor *acceptors;
	size_t n;
	struct nur_nursery *connections;
	int reserve_fd;
};

struct acceptor {
	struct serving *serving;
	struct nur_listener *listener;
};

/* Outlives the serving when the connections are in a nursery of others. */
struct connection {
	nur_handle_fn handle;
	void *arg;
	struct nur_stream *stream;
};

static int
run_connection(void *arg)
{
	struct connection connection = *(struct connection *)arg;
	int r;

	free(arg);
	r = connection.handle(connection.stream, connection.arg);
	nur_stream_destroy(connection.stream);
	return r;
}

/* Takes @stream on success. */
static int
start_connection(struct serving *serving, struct nur_stream *stream)
{
	const struct nur_server *server = serving->server;
	struct connection *connection = malloc(sizeof(*connection));
	int r;

	if (!connection) {
		return -ENOMEM;
	}
	*connection = (struct connection){ server->handle, server->arg, stream };
	r = nur_start_soon(serving->connections, server->name ? server->name : "connection",
		run_connection, connection);
	if (r < 0) {
		free(connection);
	}
	return r;
}

static bool
is_overload(int error)
{
	switch (error) {
	case -EAGAIN:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
	case -ENOSPC:
	case NUR_ENOSTACK:
		return true;
	default:
		return false;
	}
}

static void
tell_overload(struct serving *serving, int error, int fd)
{
	if (serving->server->overload) {
		serving->server->overload(error, fd, serving->server->arg);
	}
}

/* Takes @fd. An overload has been told. */
static int
welcome(struct acceptor *acceptor, int fd)
{
	struct serving *serving = acceptor->serving;
	struct nur_stream *stream;
	int r = nuri_stream_open_socket(fd, nuri_listener_family(acceptor->listener), &stream);

	if (r < 0) {
		tell_overload(serving, r, fd);
		(void)close(fd); /* gone whatever it says */
		return r;
	}
	if (serving->server->welcome) {
		serving->server->welcome(serving->connections, stream, serving->server->arg);
		return 0;
	}
	r = start_connection(serving, stream);
	if (r < 0) {
		if (is_overload(r)) {
			tell_overload(serving, r, fd);
		}
		nur_stream_destroy(stream);
	}
	return r;
}

/* No caller could be accepted: makes room for one, who learns why. */
static void
turn_one_away(struct acceptor *acceptor, int error)
{
	struct serving *serving = acceptor->serving;
	_cleanup_(closep) int fd = -1;

	if (serving->reserve_fd >= 0) {
		(void)close(steal_fd(&serving->reserve_fd));       /* gone whatever it says */
		(void)nuri_listener_take(acceptor->listener, &fd); /* or nobody is told */
	}
	tell_overload(serving, error, fd);
}

/* Accepts what there is, but not for ever: others want to run too. */
static int
accept_some(struct acceptor *acceptor)
{
	for (int i = 0; i < accepts_per_turn; i++) {
		int fd, r = nuri_listener_take(acceptor->listener, &fd);

		if (r == NUR_EWOULDBLOCK) {
			return 0;
		}
		if (r == -ECONNABORTED) {
			continue;
		}
		if (r < 0) {
			if (is_overload(r)) {
				turn_one_away(acceptor, r);
			}
			return r;
		}
		r = welcome(acceptor, fd);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* At once, before others open what they want to open. */
static void
keep_reserve(struct serving *serving)
{
	if (serving->reserve_fd < 0) {
		serving->reserve_fd =
			open("/dev/null", O_RDONLY | O_CLOEXEC); /* or the next time */
	}
}

/* Never 0. */
static int
run_acceptor(struct acceptor *acceptor)
{
	int r = 0;

	while (r == 0) {
		r = nuri_listener_wait(acceptor->listener);
		if (is_overload(r)) {
			tell_overload(
				acceptor->serving, r, -1); /* the wait could not be registered */
		} else if (r == 0) {
			r = accept_some(acceptor);
		}
		if (is_overload(r)) {
			keep_reserve(acceptor->serving);
			r = nur_sleep(overload_pause);
		}
	}
	nur_listener_close(acceptor->listener);
	return r;
}

static int
acceptor_task(void *arg)
{
	return run_acceptor(arg);
}

static int
serve_in(struct nur_nursery *nursery, void *arg)
{
	struct serving *serving = arg;
	int r = 0;

	if (!serving->connections) {
		serving->connections = nursery;
	}
	for (size_t i = 1; i < serving->n && r == 0; i++) {
		r = nur_start_soon(nursery, "accept", acceptor_task, &serving->acceptors[i]);
	}
	return r < 0 ? r : run_acceptor(&serving->acceptors[0]);
}

int
nur_serve(struct nur_listener *const *listeners, size_t n, const struct nur_server *server)
{
	_cleanup_(freep) struct acceptor *acceptors = NULL;
	struct serving serving = {
		.server = server,
		.n = n,
		.connections = server->nursery,
		.reserve_fd = -1,
	};
	int r;

	if (!nur_in_task()) {
		return NUR_ENOTINTASK;
	}
	if (n == 0 || !server->handle == !server->welcome) {
		return -EINVAL;
	}
	acceptors = calloc(n, sizeof(*acceptors));
	if (!acceptors) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		acceptors[i] = (struct acceptor){ &serving, listeners[i] };
	}
	serving.acceptors = acceptors;
	keep_reserve(&serving);

	r = nur_nursery_run(serve_in, &serving, NULL);
	closep(&serving.reserve_fd);
	for (size_t i = 0; i < n; i++) {
		nur_listener_close(listeners[i]); /* those that nobody came to look after */
	}
	return r;
}
