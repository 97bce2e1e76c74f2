/* SPDX-License-Identifier: MIT */
/* Serving: accept callers, and run a task for each of them in a nursery. */
#pragma once

#include <nursery/errors.h>
#include <nursery/listener.h>
#include <nursery/nursery.h>
#include <nursery/stream.h>

NUR_BEGIN_DECLS

/**
 * typedef nur_handle_fn - serve one caller
 * @stream:     to the caller; destroyed when this returns
 *
 * Runs in a task of its own. Return: as a task; a failure is one of the nursery, and cancels its
 * other tasks: what one caller did wrong should end here.
 */
typedef int (*nur_handle_fn)(struct nur_stream *stream, void *arg);

/**
 * typedef nur_welcome_fn - decide about a caller before it has a task
 * @nursery:    where the task belongs
 * @stream:     taken: give it to a task, or refuse the caller by destroying it
 *
 * Runs in the task that accepts, and must not wait.
 */
typedef void (*nur_welcome_fn)(struct nur_nursery *nursery, struct nur_stream *stream, void *arg);

/**
 * typedef nur_overload_fn - somebody cannot be served for want of descriptors, memory or tasks
 * @error:      what is wanting: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM, -ENOSPC, -EAGAIN, NUR_ENOSTACK
 * @fd:         the one caller who can be told, without waiting; closed afterwards; -1: not even that
 *
 * Runs in the task that accepts, and must not wait. Accepting pauses for 100 ms afterwards.
 */
typedef void (*nur_overload_fn)(int error, int fd, void *arg);

/**
 * struct nur_server - what to do with callers
 * @handle:     serves each of them in a task. This, or @welcome.
 * @welcome:    decides about each of them
 * @overload:   NULL, or told when somebody cannot be served
 * @arg:        passed to all three
 * @name:       of the tasks of @handle; NULL: "connection"; borrowed until they have ended
 * @nursery:    where the tasks go; NULL: a nursery inside nur_serve(), which waits for them
 */
struct nur_server {
	nur_handle_fn handle;
	nur_welcome_fn welcome;
	nur_overload_fn overload;
	void *arg;
	const char *name;
	struct nur_nursery *nursery;
};

/**
 * nur_serve() - accept callers until cancelled
 * @listeners:  @n of them, at least one
 *
 * Callers wait in the backlog from the moment a listener was opened, so nobody has to be told that
 * this has begun. At most 16 are accepted before other tasks have their turn.
 *
 * When descriptors run out, one that was kept in reserve is given up to accept one caller, who is
 * shown to overload and hung up on; accepting goes on after 100 ms. So does it when there is no
 * stack or no room under max_tasks for the task of @handle.
 *
 * Shape:       none
 * Units:       none
 * Checkpoint:  always
 * Ownership:   @listeners and @server are borrowed until it returns; the listeners are closed then
 * Errors:      NUR_ECANCELED   cancelled: the only orderly end
 *              -EINVAL         @n is 0, or not one of handle and welcome; nothing was closed
 *              NUR_ECLOSED     a listener was closed, or retired and everybody was accepted; or
 *                              server.nursery was closed
 *              NUR_EBUSY       another task accepts from a listener
 *              NUR_ENOTINTASK  the caller is no task; nothing was closed
 *              -ENOMEM         no memory to begin; nothing was closed
 *              anything else   as accept(2); what a handler in the nursery inside has failed with
 * Source:      Trio serve_listeners()
 *
 * Return: an error, always.
 */
NUR_CHECKPOINT int nur_serve(
	struct nur_listener *const *listeners, size_t n, const struct nur_server *server);

NUR_END_DECLS
