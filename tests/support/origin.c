/* SPDX-License-Identifier: MIT */
/*
 * The test program's end: forks the origin and talks to it in lines over a socket pair (the
 * commands are listed in origin_server.h). The child keeps none of the test's descriptors but its
 * own.
 */
#include "tests/support/origin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/support/server_child.h"
#include "tests/support/test.h"

#define WAIT_MS 60000

struct t_origin {
	struct t_server server;
	uint16_t ports[T_N_PORTS];
	bool has_ipv6;
	char condition[64];
};

static int
serve(void *arg, int command_fd)
{
	return t_origin_serve(arg, command_fd, command_fd);
}

struct t_origin *
t_origin_create(void)
{
	struct t_origin *origin = calloc(1, sizeof(*origin));
	struct t_origin_sockets sockets;
	int fds[T_MAX_SOCKETS + 1];

	ck_assert_ptr_nonnull(origin);
	ck_assert_int_eq(t_origin_sockets_open(&sockets), 0);
	t_origin_sockets_list(&sockets, fds);
	t_server_start(&origin->server, serve, &sockets, fds);
	memcpy(origin->ports, sockets.ports, sizeof(origin->ports));
	origin->has_ipv6 = sockets.has_ipv6;
	t_origin_sockets_close(&sockets);
	return origin;
}

void
t_origin_destroy(struct t_origin *origin)
{
	if (origin) {
		t_server_stop(&origin->server);
		free(origin);
	}
}

uint16_t
t_origin_port(const struct t_origin *origin, enum t_port port)
{
	return origin->ports[port];
}

bool
t_origin_has_ipv6(const struct t_origin *origin)
{
	return origin->has_ipv6;
}

static char *__attribute__((format(printf, 2, 0)))
make_url(uint16_t port, const char *format, va_list ap)
{
	_cleanup_(freep) char *path = NULL;
	char *url;

	ck_assert_int_ge(vasprintf(&path, format, ap), 0);
	ck_assert_int_ge(asprintf(&url, "http://127.0.0.1:%u%s", port, path), 0);
	return url;
}

char *
t_origin_url(const struct t_origin *origin, const char *format, ...)
{
	va_list ap;
	char *url;

	va_start(ap, format);
	url = make_url(origin->ports[T_PORT_HTTP], format, ap);
	va_end(ap);
	return url;
}

char *
t_origin_url_at(const struct t_origin *origin, enum t_port port, const char *format, ...)
{
	va_list ap;
	char *url;

	va_start(ap, format);
	url = make_url(origin->ports[port], format, ap);
	va_end(ap);
	return url;
}

unsigned int
t_origin_release(struct t_origin *origin, const char *name)
{
	return t_server_release(&origin->server, name);
}

unsigned int
t_origin_drop(struct t_origin *origin, bool by_reset)
{
	char line[64];
	unsigned int n;

	t_server_tell(&origin->server, "drop %s\n", by_reset ? "reset" : "close");
	t_server_hear(&origin->server, line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "dropped %u", &n), 1);
	return n;
}

struct t_origin_counts
t_origin_counts(struct t_origin *origin)
{
	struct t_origin_counts c;
	char line[512];
	int n;

	t_server_tell(&origin->server, "counts\n");
	t_server_hear(&origin->server, line, sizeof(line));
	n = sscanf(line,
		"counts accepted=%" SCNu64 " open=%" SCNu64 " held=%" SCNu64 " requests=%" SCNu64
		" max_open=%" SCNu64 " max_held=%" SCNu64 " failed_ns=%" SCNd64
		" last_close_ns=%" SCNd64,
		&c.n_accepted, &c.n_open, &c.n_held, &c.n_requests, &c.max_open, &c.max_held,
		&c.failed_ns, &c.last_close_ns);
	ck_assert_int_eq(n, 8);
	return c;
}

void
t_origin_forget(struct t_origin *origin)
{
	char line[64];

	t_server_tell(&origin->server, "forget\n");
	t_server_hear(&origin->server, line, sizeof(line));
}

void
t_origin_wait_start(struct t_origin *origin, const char *condition)
{
	(void)snprintf(origin->condition, sizeof(origin->condition), "%s", condition);
	t_server_tell(&origin->server, "wait %s %u\n", condition, WAIT_MS);
}

int
t_origin_fd(const struct t_origin *origin)
{
	return origin->server.fd;
}

void
t_origin_wait_finish(struct t_origin *origin)
{
	struct t_origin_counts counts;
	char line[128];

	t_server_hear(&origin->server, line, sizeof(line));
	if (strcmp(line, "reached\n") == 0) {
		return;
	}
	counts = t_origin_counts(origin);
	ck_abort_msg("origin: waited for %s: %s(open %" PRIu64 ", held %" PRIu64
		     ", requests %" PRIu64 ")",
		origin->condition, line, counts.n_open, counts.n_held, counts.n_requests);
}

void
t_origin_wait(struct t_origin *origin, const char *condition)
{
	t_origin_wait_start(origin, condition);
	t_origin_wait_finish(origin);
}
