/* SPDX-License-Identifier: MIT */
/* A byte stream over a connected socket or pipe: what a server's connection or a client stands on. */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

struct nur_stream;

/**
 * nur_stream_open() - make a stream of a descriptor
 * @fd:         a stream socket or a pipe end; is made non-blocking and close-on-exec
 *
 * TCP sockets get TCP_NODELAY, and TCP_NOTSENT_LOWAT of 16 KiB, so that sending waits while the
 * network is behind and not only when megabytes are queued. setsockopt() changes both.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  never
 * Ownership:   takes @fd on success
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -EBADF          @fd is not open
 *              -EPROTOTYPE     a socket, but not of type SOCK_STREAM
 *              -ENOMEM         no memory
 * Source:      Trio SocketStream()
 *
 * Return: 0 or an error.
 */
int nur_stream_open(int fd, struct nur_stream **ret_stream);

/**
 * nur_stream_receive_some() - wait for bytes
 * @data:       where to
 * @len:        bytes available there, at least 1
 *
 * Once a call of either direction has reported an error of the connection, the end of the stream is
 * NUR_EBROKEN: a connection that was reset did not end.
 *
 * Shape:       1 to @len bytes
 * Units:       bytes
 * Checkpoint:  always, also when bytes are there
 * Ownership:   borrowed for the call
 * Errors:      NUR_ECANCELED   cancelled; nothing was taken
 *              NUR_EBUSY       another task receives
 *              NUR_ECLOSED     the stream was closed, before or meanwhile
 *              NUR_EBROKEN     the connection was reset
 *              -EINVAL         @len is 0
 *              NUR_ERUNFINISHED  it would have to wait, and the run in which it was opened is over
 *              NUR_ENOTINTASK  the caller is no task
 *              anything else   as recv(2)
 * Source:      Trio ReceiveStream.receive_some()
 *
 * Return: the number of bytes, 0 at the end of the stream, or an error.
 */
NUR_CHECKPOINT int64_t nur_stream_receive_some(struct nur_stream *stream, void *data, size_t len);

/**
 * nur_stream_send_all() - send all bytes, waiting while the peer is slow
 *
 * Shape:       all @len bytes
 * Units:       bytes
 * Checkpoint:  always, also when @len is 0 or there is room
 * Ownership:   borrowed for the call
 * Errors:      NUR_ECANCELED   cancelled; some bytes may have been sent: the stream is good for
 *                              closing only
 *              NUR_EBUSY       another task sends
 *              NUR_ECLOSED     the stream was closed, or its sending side ended, before or meanwhile
 *              NUR_EBROKEN     the peer is gone
 *              NUR_ERUNFINISHED  it would have to wait, and the run in which it was opened is over
 *              NUR_ENOTINTASK  the caller is no task
 *              anything else   as send(2)
 * Source:      Trio SendStream.send_all()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_stream_send_all(struct nur_stream *stream, const void *data, size_t len);

/**
 * nur_stream_wait_send_all_might_not_block() - wait until there is room for at least one byte
 *
 * For who makes the next bytes as late as possible, of what is newest then. A call to
 * nur_stream_send_all() may wait nevertheless. A peer that is gone ends the wait, too.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   none
 * Errors:      NUR_ECANCELED   cancelled
 *              NUR_EBUSY       another task sends, or waits to
 *              NUR_ECLOSED     the stream was closed, before or meanwhile
 *              NUR_ERUNFINISHED  it would have to wait, and the run in which it was opened is over
 *              NUR_ENOTINTASK  the caller is no task
 *              anything else   as epoll_ctl(2)
 * Source:      Trio SendStream.wait_send_all_might_not_block()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_stream_wait_send_all_might_not_block(struct nur_stream *stream);

/**
 * nur_stream_send_eof() - end the sending side; the peer reads the end of the stream
 *
 * Checkpoint: always. Errors: as nur_stream_send_all(); -ENOTSOCK: a pipe ends by closing it.
 * Harmless when done before.
 * Source: Trio HalfCloseableStream.send_eof(). Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_stream_send_eof(struct nur_stream *stream);

/* nur_stream_fd() - the descriptor, borrowed; -1 once closed (no checkpoint) */
int nur_stream_fd(const struct nur_stream *stream);

/*
 * nur_stream_close() - close the descriptor; tasks that wait on it get NUR_ECLOSED; twice is
 * harmless (no checkpoint, so that cleaning up cannot be cancelled). Trio aclose_forcefully().
 */
void nur_stream_close(struct nur_stream *stream);

/*
 * nur_stream_destroy() - close and free; no task is inside a call of it. Accepts NULL (no
 * checkpoint)
 */
void nur_stream_destroy(struct nur_stream *stream);

NUR_END_DECLS
