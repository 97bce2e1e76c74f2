/* SPDX-License-Identifier: MIT */
/* Waiting on descriptors. */
#pragma once

#include <nursery/errors.h>
#include <nursery/task.h>

NUR_BEGIN_DECLS

/**
 * nur_wait_readable() - wait until a descriptor can be read (data, end of file, error, a new
 * connection)
 * @fd:         open; one task at a time
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   @fd stays open until it returns, or nur_notify_closing() is called first
 * Errors:      NUR_ECANCELED   a cancel scope around the caller is cancelled
 *              NUR_EBUSY       another task waits to read it
 *              NUR_ECLOSED     nur_notify_closing() was called meanwhile
 *              -EBADF, -EPERM  as epoll_ctl(2) says; a regular file is -EPERM
 *              -ENOMEM         no memory to register it
 *              NUR_ENOTINTASK  the caller is no task
 * Source:      Trio lowlevel.wait_readable()
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_wait_readable(int fd);

/* nur_wait_writable() - wait until a descriptor can be written; otherwise as nur_wait_readable() */
NUR_CHECKPOINT int nur_wait_writable(int fd);

/**
 * nur_wait_hangup() - wait until the peer of a socket has gone
 * @fd:         a connected stream socket; one task at a time
 *
 * Silent on data and on a half-close (shutdown(SHUT_WR) of the peer); returns when the connection
 * is closed in both directions or reset, also behind unread data.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   as nur_wait_readable()
 * Errors:      as nur_wait_readable()
 * Source:      epoll_ctl(2): EPOLLHUP and EPOLLERR are always reported
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int nur_wait_hangup(int fd);

/**
 * nur_notify_closing() - tell everybody who waits on a descriptor that it is about to be closed
 *
 * They get NUR_ECLOSED. Call it before close(2) whenever a task may be waiting.
 * Checkpoint: never. Source: Trio lowlevel.notify_closing().
 */
void nur_notify_closing(int fd);

NUR_END_DECLS
