/* SPDX-License-Identifier: MIT */
/*
 * The protocol is one datagram of NAME=value lines to a Unix socket, promised stable by systemd's
 * portability page. libsystemd would bring six more libraries into a process that faces the
 * network.
 *
 * The socket is opened once and not connected: the manager may be re-executed behind its name. It
 * has a send timeout for the changes of state, which must not be lost to a full queue; whatever is
 * sent periodically says MSG_DONTWAIT.
 */
#include "daemon/ops/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define STATUS_INTERVAL_NS UINT64_C(1000000000)
#define SEND_TIMEOUT_S     2

/*
 * The length is exact: with the rest of sun_path counted in, an abstract name would be another
 * name.
 */
static int
address_parse(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_len)
{
	size_t len = strlen(path);

	if (path[0] != '/' && path[0] != '@') {
		return -EAFNOSUPPORT;
	}
	if (len >= sizeof(ret_address->sun_path)) {
		return -E2BIG;
	}

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, path, len);
	if (path[0] == '@') {
		ret_address->sun_path[0] = '\0';
	}
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

/* $WATCHDOG_PID names whom the watchdog is meant for; without it everybody is. */
static int
watchdog_parse(uint64_t *ret_ns)
{
	const char *text = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	unsigned long long usec;
	char *end;

	if (!text || (pid && strtol(pid, NULL, 10) != getpid())) {
		*ret_ns = 0;
		return 0;
	}

	errno = 0;
	usec = strtoull(text, &end, 10);
	if (errno || end == text || *end || usec > UINT64_MAX / 1000) {
		return -EINVAL;
	}
	*ret_ns = usec * 1000;
	return 0;
}

static int
socket_open(int *ret_fd)
{
	struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -errno;
	}
	(void)setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)); /* cannot fail here */
	*ret_fd = fd;
	return 0;
}

static int
notify_open_from_environment(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int r;

	if (!path || !*path) {
		return 0;
	}
	r = address_parse(path, &notify->address, &notify->address_len);
	if (r < 0) {
		return r;
	}
	r = watchdog_parse(&notify->watchdog_ns);
	if (r < 0) {
		return r;
	}
	r = socket_open(&notify->fd);
	return r < 0 ? r : 1;
}

int
notify_open(struct notify *notify)
{
	int r;

	*notify = (struct notify)NOTIFY_INIT;
	r = notify_open_from_environment(notify);
	(void)unsetenv("NOTIFY_SOCKET"); /* these fail only for a malformed name */
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return r;
}

void
notify_fini(struct notify *notify)
{
	if (notify->address_len > 0) { /* in a zeroed object 0 is not our descriptor */
		closep(&notify->fd);
	}
	*notify = (struct notify)NOTIFY_INIT;
}

static int
notify_send(struct notify *notify, const char *text, int flags)
{
	ssize_t n;

	if (notify->fd < 0 || notify->address_len == 0) {
		return 0;
	}
	do {
		n = sendto(notify->fd, text, strlen(text), flags | MSG_NOSIGNAL,
			(const struct sockaddr *)&notify->address, notify->address_len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void
status_set(struct notify *notify, const char *status)
{
	(void)snprintf(notify->status, sizeof(notify->status), "%s", status); /* cut, if need be */
	for (char *c = notify->status; *c; c++) {
		if ((unsigned char)*c < ' ') {
			*c = ' ';
		}
	}
}

static int
notify_state(struct notify *notify, const char *state, const char *status)
{
	char text[sizeof(notify->status) + 32];

	status_set(notify, status);
	(void)snprintf(text, sizeof(text), "%s\nSTATUS=%s", state, notify->status);
	return notify_send(notify, text, 0);
}

int
notify_ready(struct notify *notify, const char *status)
{
	return notify_state(notify, "READY=1", status);
}

int
notify_stopping(struct notify *notify, const char *status)
{
	return notify_state(notify, "STOPPING=1", status);
}

int
notify_reloading(struct notify *notify, uint64_t now_ns)
{
	char text[64];

	/* One datagram: a manager that knows Type=notify-reload wants both, an older one takes the
	 * first. */
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ns / 1000);
	return notify_send(notify, text, 0);
}

int
notify_status(struct notify *notify, uint64_t now_ns, const char *status)
{
	char shown[sizeof(notify->status)];
	char text[sizeof(notify->status) + 32];

	if (notify->status_at_ns && now_ns - notify->status_at_ns < STATUS_INTERVAL_NS) {
		return 0;
	}
	memcpy(shown, notify->status, sizeof(shown));
	status_set(notify, status);
	if (!strcmp(shown, notify->status)) {
		return 0;
	}

	notify->status_at_ns = now_ns;
	(void)snprintf(text, sizeof(text), "STATUS=%s", notify->status);
	return notify_send(notify, text, MSG_DONTWAIT);
}

int
notify_watchdog(struct notify *notify)
{
	return notify_send(notify, "WATCHDOG=1", MSG_DONTWAIT);
}

int
notify_extend_timeout(struct notify *notify, uint64_t credit_ns)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%" PRIu64, credit_ns / 1000);
	return notify_send(notify, text, MSG_DONTWAIT);
}
