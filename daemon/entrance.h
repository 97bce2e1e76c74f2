/* SPDX-License-Identifier: MIT */
/* Where callers come in: each is let in, and gets a task, or is told why not. */
#pragma once

#include "daemon/api/connection.h"

struct nur_listener;
struct server;

struct entrance {
	struct server *server;
	struct nur_listener *listener;
	enum connection_door door;
};

/*
 * entrance_serve() - a task: @arg is a struct entrance, borrowed; the connections are tasks below it
 *
 * Return: 0 after the listener was retired, when all connections are over; else an error.
 */
int entrance_serve(void *arg);
