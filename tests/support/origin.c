/* SPDX-License-Identifier: MIT */
/*
 * The test program's end: forks the origin and talks to it in lines over a socket pair (the
 * commands are listed in origin_server.h). The child keeps none of the test's descriptors but its
 * own.
 */
#include "tests/support/origin.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

#define WAIT_MS 20000

struct t_origin {
	pid_t pid;
	int fd;
	uint16_t ports[T_N_PORTS];
	bool has_ipv6;
	char condition[64];
};

static bool
is_ours(const struct t_origin_sockets *sockets, int fd)
{
	int i;

	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		if (sockets->http[i] == fd) {
			return true;
		}
	}
	for (i = 0; i < T_N_PORTS; i++) {
		if (sockets->other[i] == fd) {
			return true;
		}
	}
	return sockets->deaf_filler == fd;
}

/* A test that counts on "the last copy is closed" must not find one in here. */
static void
close_others(const struct t_origin_sockets *sockets, int command_fd)
{
	int last = command_fd > sockets->deaf_filler ? command_fd : sockets->deaf_filler;
	int fd;
	int i;

	for (i = 0; i <= T_ORIGIN_ADDRESSES; i++) {
		last = sockets->http[i] > last ? sockets->http[i] : last;
	}
	for (i = 0; i < T_N_PORTS; i++) {
		last = sockets->other[i] > last ? sockets->other[i] : last;
	}
	for (fd = STDERR_FILENO + 1; fd < last; fd++) {
		if (fd != command_fd && !is_ours(sockets, fd)) {
			(void)close(fd); /* most numbers are not in use */
		}
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0); /* nothing above: nothing to do */
}

static void __attribute__((noreturn))
child(const struct t_origin_sockets *sockets, int command_fd, pid_t parent)
{
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE); /* it died before the line above */
	}
	(void)signal(SIGPIPE, SIG_IGN);
	close_others(sockets, command_fd);
	r = t_origin_serve(sockets, command_fd, command_fd);
	if (r < 0) {
		(void)fprintf(stderr, "origin: %s\n", strerror(-r));
	}
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

struct t_origin *
t_origin_create(void)
{
	struct t_origin *origin = calloc(1, sizeof(*origin));
	struct t_origin_sockets sockets;
	pid_t parent = getpid();
	int pair[2];

	ck_assert_ptr_nonnull(origin);
	ck_assert_int_eq(t_origin_sockets_open(&sockets), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	origin->pid = fork();
	if (origin->pid == 0) {
		/* no assertion here: Check would write it into the file it shares with its parent */
		free(origin); /* valgrind looks at the child, too */
		child(&sockets, pair[1], parent);
	}
	ck_assert_int_gt(origin->pid, 0);

	(void)close(pair[1]);
	origin->fd = pair[0];
	memcpy(origin->ports, sockets.ports, sizeof(origin->ports));
	origin->has_ipv6 = sockets.has_ipv6;
	t_origin_sockets_close(&sockets);
	return origin;
}

void
t_origin_destroy(struct t_origin *origin)
{
	int status;

	if (!origin) {
		return;
	}
	(void)close(origin->fd); /* the end of its commands is the end of the origin */
	while (waitpid(origin->pid, &status, 0) < 0 && errno == EINTR) {
	}
	free(origin);
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

static void __attribute__((format(printf, 2, 3)))
tell(struct t_origin *origin, const char *format, ...)
{
	char line[128];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	ck_assert_int_lt(len, (int)sizeof(line));
	ck_assert_int_eq(send(origin->fd, line, (size_t)len, MSG_NOSIGNAL), len);
}

/* One command, one reply line: so what is read up to the newline is the reply. */
static void
hear(struct t_origin *origin, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(origin->fd, line + len, size - 1 - len);
		ck_assert_msg(n > 0 || (n < 0 && errno == EINTR), "the origin is gone");
		len += n > 0 ? (size_t)n : 0;
		line[len] = '\0';
	} while (!strchr(line, '\n'));
}

unsigned int
t_origin_release(struct t_origin *origin, const char *name)
{
	char line[64];
	unsigned int n;

	tell(origin, "release %s\n", name);
	hear(origin, line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "released %u", &n), 1);
	return n;
}

struct t_origin_counts
t_origin_counts(struct t_origin *origin)
{
	struct t_origin_counts c;
	char line[512];
	int n;

	tell(origin, "counts\n");
	hear(origin, line, sizeof(line));
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

	tell(origin, "forget\n");
	hear(origin, line, sizeof(line));
}

void
t_origin_wait_start(struct t_origin *origin, const char *condition)
{
	(void)snprintf(origin->condition, sizeof(origin->condition), "%s", condition);
	tell(origin, "wait %s %u\n", condition, WAIT_MS);
}

int
t_origin_fd(const struct t_origin *origin)
{
	return origin->fd;
}

void
t_origin_wait_finish(struct t_origin *origin)
{
	struct t_origin_counts counts;
	char line[128];

	hear(origin, line, sizeof(line));
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
