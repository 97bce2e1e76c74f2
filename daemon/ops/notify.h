/* SPDX-License-Identifier: MIT */
/*
 * What the daemon tells its service manager: sd_notify(3) by hand. With no manager (no
 * $NOTIFY_SOCKET) every call does nothing and returns 0, so callers do not ask.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * fd           datagram socket, -1: nobody listens
 * address, address_len  where the datagrams go
 * watchdog_ns  how long the manager waits for notify_watchdog() before it kills us; 0: no watchdog.
 *              Call it at least twice as often.
 * status_at_ns when status was sent last, on the caller's clock; 0: never
 * status       the text the manager shows
 */
struct notify {
	int fd;
	struct sockaddr_un address;
	socklen_t address_len;
	uint64_t watchdog_ns;
	uint64_t status_at_ns;
	char status[160];
};

#define NOTIFY_INIT \
	{ \
		.fd = -1 \
	}

/**
 * notify_open() - find the service manager
 *
 * Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and removes them from the environment.
 *
 * Errors:      -EAFNOSUPPORT  neither a path nor an abstract name
 *              -E2BIG         longer than a socket address
 *              -EINVAL        $WATCHDOG_USEC is not a number
 *              -errno         of socket()
 *              after an error @notify works as with no manager
 *
 * Return: 1 with a manager, 0 without, or a negative error code from the list.
 */
int notify_open(struct notify *notify);

/* notify_fini() - close; accepts a zeroed or initialised object, leaves an initialised one */
void notify_fini(struct notify *notify);

/*
 * The changes of state wait up to two seconds for a manager that is behind; the others are dropped
 * with -EAGAIN, since the next one says as much. All return 0 or -errno. A text's control
 * characters become spaces: a newline would begin another assignment.
 */
int notify_ready(struct notify *notify, const char *status);
int notify_stopping(struct notify *notify, const char *status);

/*
 * notify_reloading() - @now_ns is CLOCK_MONOTONIC, which the manager compares; end it by
 * notify_ready()
 */
int notify_reloading(struct notify *notify, uint64_t now_ns);

/*
 * notify_status() - show @status; sent when it changed, at most once a second, so call it as it
 * likes
 */
int notify_status(struct notify *notify, uint64_t now_ns, const char *status);

int notify_watchdog(struct notify *notify);

/*
 * notify_extend_timeout() - the manager shall wait @credit_ns more, from now, for the start or stop
 * to end
 */
int notify_extend_timeout(struct notify *notify, uint64_t credit_ns);
