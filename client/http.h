/* SPDX-License-Identifier: MIT */
/*
 * One exchange with the daemon over its Unix socket. The socket does not block; http_wait() is the
 * only place where the program waits, for one exchange or for two at once: a batch that is being
 * cancelled has to be read meanwhile, or its end would never be written.
 *
 * A request's content comes from a source, piece by piece, as the daemon takes it. An answer may
 * arrive before all of it is sent (413, 422): then the rest is not sent.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/http_answer.h"
#include "lib/base/buffer.h"

/*
 * next  appends the next piece to @out without waiting; returns 1, 0 at the end, or a negative error
 *       code
 */
struct http_source {
	int (*next)(void *arg, struct buffer *out);
	void *arg;
};

/*
 * method, target  visible ASCII
 * accept          NULL = anything
 * content_type    NULL = the request has no content
 * prefer, idempotency_key  NULL = not sent
 * source          of the content; borrowed until the exchange is over
 */
struct http_request {
	const char *method;
	const char *target;
	const char *accept;
	const char *content_type;
	const char *prefer;
	const char *idempotency_key;
	const struct http_source *source;
};

/*
 * answer      head of the answer
 * content     bytes of the answer not yet taken by the caller
 * is_done     the answer is complete, or there is nothing more to expect
 * error       why it is not complete: -ECONNRESET (cut), -EPROTO (no HTTP), -EIO (the source failed),
 *             -ENOMEM or another -errno of the socket; 0 = it is
 * The rest is this module's.
 */
struct http {
	struct http_answer answer;
	struct buffer content;
	bool is_done;
	int error;

	int fd;
	struct buffer out;
	struct buffer piece;
	const struct http_source *source;
};

#define HTTP_INIT \
	{ \
		.answer = HTTP_ANSWER_INIT, .fd = -1 \
	}

/**
 * http_open() - connect to @path and make the request ready to be sent
 *
 * Errors:  -ENAMETOOLONG  the path does not fit a socket address
 *          -errno of connect(2): -ENOENT, -ECONNREFUSED, -EACCES …
 *
 * Return: 0, or a negative error code from the list.
 */
int http_open(struct http *http, const char *path, const struct http_request *request);

/**
 * http_wait() - send, receive, or wait
 * @list:       the exchanges, at most two
 * @timeout_ms: at most so long; -1 = no limit
 * @mask:       signals blocked while waiting, as for ppoll(2); NULL = as they are
 *
 * Returns as soon as one of them has moved. What goes wrong with one ends that one (its error).
 *
 * Errors:  -EINTR  a signal came
 *          -errno of ppoll(2)
 *
 * Return: 1, 0 when the time is over, or a negative error code from the list.
 */
int http_wait(struct http *const *list, size_t n, int timeout_ms, const sigset_t *mask);

/* http_call() - http_open(), then http_wait() until it is done; returns its error */
int http_call(struct http *http, const char *path, const struct http_request *request);

/* http_fini() - hang up and free; accepts HTTP_INIT and half-open ones, leaves HTTP_INIT */
void http_fini(struct http *http);
