/* SPDX-License-Identifier: MIT */
/*
 * Byte streams.
 *
 * Every call tries first and waits only when the kernel has nothing. What it waited for stays
 * registered with the loop afterwards: on a connection that carries one request after another the next
 * wait then costs no system call. A registration is given up when the descriptor becomes ready and
 * nobody waits for that. That is possible here, and not for plain descriptors (fd.c), because the
 * stream knows when its descriptor is closed.
 */
#include <nursery/checkpoint.h>
#include <nursery/fd.h>
#include <nursery/stream.h>
#include <nursery/watch.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/socket.h"
#include "lib/nursery/stream.h"

enum {
	max_unsent = 16 * 1024
};

/*
 * One direction: who uses it, and who of them waits.
 *
 * event    NUR_WATCH_READ or NUR_WATCH_WRITE
 * is_busy  a task is inside a call
 * waiting  that task, while it waits
 */
struct direction {
	struct nur_stream *stream;
	const char *why;
	unsigned event;
	bool is_busy;
	struct nur_task *waiting;
};

/*
 * fd          -1: closed
 * watched     the events that are registered
 * is_broken   the connection's error was reported. The kernel says it once, to the first call of either
 *             direction, and lets the end of the input follow: that end must not look like an orderly one.
 */
struct nur_stream {
	int fd;
	unsigned watched;
	struct nur_watch *watch;
	struct direction receiving;
	struct direction sending;
	bool is_socket;
	bool is_eof_sent;
	bool is_broken;
};

/* The watch is asked also when nothing seems to change: the end of its run has switched it off. */
static int
watch_for(struct nur_stream *stream, unsigned events)
{
	int r = nur_watch_set(stream->watch, events);

	stream->watched = r < 0 ? 0 : events;
	return r;
}

static void
wake(struct direction *direction, int result)
{
	struct nur_task *task = direction->waiting;

	if (task) {
		direction->waiting = NULL;
		nur_reschedule(task, result);
	}
}

static void
on_ready(int fd, unsigned events, void *arg)
{
	struct nur_stream *stream = arg;
	unsigned unwanted = 0;

	if ((events & NUR_WATCH_READ) && !stream->receiving.waiting) {
		unwanted |= NUR_WATCH_READ;
	}
	if ((events & NUR_WATCH_WRITE) && !stream->sending.waiting) {
		unwanted |= NUR_WATCH_WRITE;
	}
	if (unwanted) {
		(void)watch_for(stream, stream->watched & ~unwanted); /* wanted again: set again */
	}
	/* Last: a hook may cancel somebody whose abort callback closes the stream. */
	if (events & NUR_WATCH_READ) {
		wake(&stream->receiving, 0);
	}
	if (events & NUR_WATCH_WRITE) {
		wake(&stream->sending, 0);
	}
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	struct direction *direction = arg;

	direction->waiting = NULL;
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_ready(struct direction *direction)
{
	struct nur_stream *stream = direction->stream;
	int r = watch_for(stream, stream->watched | direction->event);

	if (r < 0) {
		return r;
	}
	direction->waiting = nur_current_task();
	r = nur_wait_task_rescheduled(direction->why, abort_wait, direction);
	/* It was ready, and then closed before this task had its turn. */
	return r == 0 && stream->fd < 0 ? NUR_ECLOSED : r;
}

/* What begins every call: look for cancellation, and take the direction. */
static int
enter(struct direction *direction)
{
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	if (direction->stream->fd < 0) {
		return NUR_ECLOSED;
	}
	if (direction->is_busy) {
		return NUR_EBUSY;
	}
	direction->is_busy = true;
	return 0;
}

/* EPIPE says that the peer reads no more; what it sent before can still be received. */
static int
translate(struct nur_stream *stream, int error)
{
	stream->is_broken |= error != EPIPE;
	return error == EPIPE || error == ECONNRESET ? NUR_EBROKEN : -error;
}

static bool
would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK;
}

/* ---- the descriptor ---- */

/*
 * A write to a pipe without readers raises SIGPIPE, and no flag prevents it: the signal is blocked, and
 * taken out if it was not there before.
 */
static ssize_t
write_quietly(int fd, const void *data, size_t len)
{
	const struct timespec now = { 0, 0 };
	sigset_t sigpipe, before, pending;
	ssize_t n;
	int saved_errno;

	(void)sigemptyset(&sigpipe);
	(void)sigaddset(&sigpipe, SIGPIPE);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	n = write(fd, data, len);
	saved_errno = errno;
	if (n < 0 && saved_errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
		(void)sigtimedwait(&sigpipe, NULL, &now);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
	return n;
}

static ssize_t
receive_now(const struct nur_stream *stream, void *data, size_t len)
{
	ssize_t n;

	do {
		n = stream->is_socket ? recv(stream->fd, data, len, 0)
				      : read(stream->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t
send_now(const struct nur_stream *stream, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = stream->is_socket ? send(stream->fd, data, len, MSG_NOSIGNAL)
				      : write_quietly(stream->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* The family of a stream socket; AF_UNSPEC: no socket. */
static int
find_family(int fd, int *ret_family)
{
	int type, r;

	r = nuri_socket_option(fd, SO_TYPE, &type);
	if (r == -ENOTSOCK) {
		*ret_family = AF_UNSPEC;
		return 0;
	}
	if (r == 0 && type != SOCK_STREAM) {
		return -EPROTOTYPE;
	}
	return r < 0 ? r : nuri_socket_option(fd, SO_DOMAIN, ret_family);
}

static void
tune_tcp(int fd)
{
	const int on = 1, unsent = max_unsent;

	/* Whoever sends, means it; and what has been sent is soon on its way. As good without. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static int
stream_create(int fd, bool is_socket, struct nur_stream **ret_stream)
{
	_cleanup_(freep) struct nur_stream *stream = calloc(1, sizeof(*stream));
	int r;

	if (!stream) {
		return -ENOMEM;
	}
	stream->fd = fd;
	stream->is_socket = is_socket;
	stream->receiving = (struct direction){
		.stream = stream,
		.why = "receive from stream",
		.event = NUR_WATCH_READ,
	};
	stream->sending = (struct direction){
		.stream = stream,
		.why = "send to stream",
		.event = NUR_WATCH_WRITE,
	};

	r = nur_watch_open(fd, on_ready, stream, &stream->watch);
	if (r < 0) {
		return r;
	}
	*ret_stream = steal(&stream);
	return 0;
}

int
nuri_stream_open_socket(int fd, int family, struct nur_stream **ret_stream)
{
	if (family == AF_INET || family == AF_INET6) {
		tune_tcp(fd);
	}
	return stream_create(fd, true, ret_stream);
}

int
nur_stream_open(int fd, struct nur_stream **ret_stream)
{
	int family, r;

	r = find_family(fd, &family);
	if (r == 0) {
		r = nuri_fd_prepare(fd);
	}
	if (r < 0) {
		return r;
	}
	return family == AF_UNSPEC ? stream_create(fd, false, ret_stream)
				   : nuri_stream_open_socket(fd, family, ret_stream);
}

void
nur_stream_close(struct nur_stream *stream)
{
	int fd = stream->fd;

	if (fd < 0) {
		return;
	}
	nur_watch_close(steal(&stream->watch));
	nur_notify_closing(fd);
	stream->fd = -1;
	(void)close(fd); /* gone whatever it says */
	wake(&stream->receiving, NUR_ECLOSED);
	wake(&stream->sending, NUR_ECLOSED);
}

void
nur_stream_destroy(struct nur_stream *stream)
{
	if (stream) {
		nur_stream_close(stream);
		free(stream);
	}
}

int
nur_stream_fd(const struct nur_stream *stream)
{
	return stream->fd;
}

/* ---- bytes ---- */

/* What has come of a try: bytes, the end of a stream that did not break, or an error. */
static int64_t
received(struct nur_stream *stream, ssize_t n)
{
	if (n < 0) {
		return translate(stream, errno);
	}
	return n == 0 && stream->is_broken ? NUR_EBROKEN : n;
}

static int64_t
receive(struct nur_stream *stream, void *data, size_t len)
{
	ssize_t n = receive_now(stream, data, len);
	int r;

	if (n >= 0 || !would_block(errno)) {
		int64_t result = received(stream, n);

		(void)nur_cancel_shielded_checkpoint(); /* in a task it cannot fail */
		return result;
	}
	do {
		r = wait_ready(&stream->receiving);
		if (r < 0) {
			return r;
		}
		n = receive_now(stream, data, len);
	} while (n < 0 && would_block(errno));
	return received(stream, n);
}

int64_t
nur_stream_receive_some(struct nur_stream *stream, void *data, size_t len)
{
	int64_t n;

	if (len == 0) {
		return -EINVAL; /* 0 bytes would look like the end */
	}
	n = enter(&stream->receiving);
	if (n < 0) {
		return n;
	}
	n = receive(stream, data, len);
	stream->receiving.is_busy = false;
	return n;
}

/* All of it, or an error; *@ret_has_waited: whether others have run. */
static int
send_rest(struct nur_stream *stream, const char *data, size_t len, bool *ret_has_waited)
{
	while (len > 0) {
		ssize_t n = send_now(stream, data, len);
		int r;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (!would_block(errno)) {
			return translate(stream, errno);
		}
		*ret_has_waited = true;
		r = wait_ready(&stream->sending);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int
nur_stream_send_all(struct nur_stream *stream, const void *data, size_t len)
{
	bool has_waited = false;
	int r;

	r = enter(&stream->sending);
	if (r < 0) {
		return r;
	}
	r = stream->is_eof_sent ? NUR_ECLOSED : send_rest(stream, data, len, &has_waited);
	if (!has_waited) {
		(void)nur_cancel_shielded_checkpoint(); /* in a task it cannot fail */
	}
	stream->sending.is_busy = false;
	return r;
}

int
nur_stream_wait_send_all_might_not_block(struct nur_stream *stream)
{
	int r = enter(&stream->sending);

	if (r < 0) {
		return r;
	}
	r = wait_ready(&stream->sending);
	stream->sending.is_busy = false;
	return r;
}

/* A connection that is gone is not connected any more. */
static int
end_sending(const struct nur_stream *stream)
{
	if (shutdown(stream->fd, SHUT_WR) == 0) {
		return 0;
	}
	return errno == ENOTCONN ? NUR_EBROKEN : -errno;
}

int
nur_stream_send_eof(struct nur_stream *stream)
{
	int r = enter(&stream->sending);

	if (r < 0) {
		return r;
	}
	if (!stream->is_eof_sent) {
		r = end_sending(stream);
		stream->is_eof_sent = r == 0;
	}
	(void)nur_cancel_shielded_checkpoint(); /* in a task it cannot fail */
	stream->sending.is_busy = false;
	return r;
}
