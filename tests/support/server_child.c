/* SPDX-License-Identifier: MIT */
#include "tests/support/server_child.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"

static bool
is_kept(const int *fds, int fd)
{
	for (; *fds >= 0; fds++) {
		if (*fds == fd) {
			return true;
		}
	}
	return false;
}

/* A test that counts on "the last copy is closed" must not find one in here. */
static void
close_others(const int *fds, int command_fd)
{
	int last = command_fd;
	int fd;
	int i;

	for (i = 0; fds[i] >= 0; i++) {
		last = fds[i] > last ? fds[i] : last;
	}
	for (fd = STDERR_FILENO + 1; fd < last; fd++) {
		if (fd != command_fd && !is_kept(fds, fd)) {
			(void)close(fd); /* most numbers are not in use */
		}
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0); /* nothing above: nothing to do */
}

/* No assertion in the child: Check would write it into the file it shares with its parent. */
static void __attribute__((noreturn)) child(int (*serve)(void *arg, int command_fd), void *arg,
	int command_fd, const int *fds, pid_t parent)
{
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE); /* it died before the line above */
	}
	(void)signal(SIGPIPE, SIG_IGN);
	close_others(fds, command_fd);
	r = serve(arg, command_fd);
	if (r < 0) {
		(void)fprintf(stderr, "server in a child: %s\n", strerror(-r));
	}
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

void
t_server_start(
	struct t_server *server, int (*serve)(void *arg, int command_fd), void *arg, const int *fds)
{
	pid_t parent = getpid();
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	server->pid = fork();
	if (server->pid == 0) {
		child(serve, arg, pair[1], fds, parent);
	}
	ck_assert_int_gt(server->pid, 0);
	(void)close(pair[1]);
	server->fd = pair[0];
}

void
t_server_stop(struct t_server *server)
{
	if (server->pid <= 0) {
		return;
	}
	(void)close(server->fd); /* the end of its commands is its end */
	while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	*server = (struct t_server){ 0 };
}

void
t_server_tell(struct t_server *server, const char *format, ...)
{
	char line[128];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	ck_assert_int_lt(len, (int)sizeof(line));
	ck_assert_int_eq(send(server->fd, line, (size_t)len, MSG_NOSIGNAL), len);
}

/* One command, one reply line: so what is read up to the newline is the reply. */
void
t_server_hear(struct t_server *server, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(server->fd, line + len, size - 1 - len);
		ck_assert_msg(n > 0 || (n < 0 && errno == EINTR), "the server is gone");
		len += n > 0 ? (size_t)n : 0;
		line[len] = '\0';
	} while (!strchr(line, '\n'));
}

unsigned int
t_server_release(struct t_server *server, const char *name)
{
	char line[64];
	unsigned int n;

	t_server_tell(server, "release %s\n", name);
	t_server_hear(server, line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "released %u", &n), 1);
	return n;
}
