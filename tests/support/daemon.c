/* SPDX-License-Identifier: MIT */
#include "tests/support/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

#define NOTIFY_MS 120000 /* only a failure takes that long */

/*
 * pid      -1 once it has been waited for
 * notify   the datagram socket that $NOTIFY_SOCKET names
 * log      its standard error, a file in memory
 */
struct t_daemon {
	char folder[64];
	char socket[96];
	pid_t pid;
	int pidfd;
	int notify;
	int log;
};

static void
open_notify(struct t_daemon *daemon)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/notify", daemon->folder);
	daemon->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(daemon->notify, 0);
	ck_assert_int_eq(bind(daemon->notify, (struct sockaddr *)&un, sizeof(un)), 0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

void
t_daemon_configure(struct t_daemon *daemon, const char *config)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/fetchd.yaml", daemon->folder);
	write_file(path, config);
}

static void
spawn_daemon(struct t_daemon *daemon, const char *config)
{
	_cleanup_(freep) char *program = t_program("fetchd");
	char path[96];
	char env[128];
	const char *argv[] = { program, "--socket", daemon->socket, config ? "--config" : NULL,
		path, NULL };
	const struct t_spawn spawn = {
		.argv = argv, .out = daemon->log, .err = daemon->log, .env = env
	};

	(void)snprintf(path, sizeof(path), "%s/fetchd.yaml", daemon->folder);
	(void)snprintf(env, sizeof(env), "NOTIFY_SOCKET=%s/notify", daemon->folder);
	if (config) {
		t_daemon_configure(daemon, config);
	}
	daemon->pid = t_spawn(&spawn, &daemon->pidfd);
}

char *
t_daemon_log(struct t_daemon *daemon)
{
	struct buffer text = BUFFER_INIT;

	t_read_fd(daemon->log, &text);
	return buffer_take(&text);
}

static void
print_log(struct t_daemon *daemon)
{
	_cleanup_(freep) char *log = t_daemon_log(daemon);

	(void)fprintf(stderr, "---- fetchd said:\n%s----\n", log ? log : "");
}

static bool
has_line(const char *message, const char *line)
{
	size_t len = strlen(line);
	const char *at = message;

	while ((at = strstr(at, line))) {
		if ((at == message || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0')) {
			return true;
		}
		at += len;
	}
	return false;
}

void
t_daemon_wait_notify(struct t_daemon *daemon, const char *line)
{
	struct pollfd fds[] = {
		{ .fd = daemon->notify, .events = POLLIN },
		{ .fd = daemon->pidfd, .events = POLLIN },
	};
	char message[1024] = "";
	ssize_t len;
	int n;

	while (!has_line(message, line)) {
		n = poll(fds, ARRAY_LEN(fds), NOTIFY_MS);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (!(fds[0].revents & POLLIN)) {
			print_log(daemon);
			ck_abort_msg("fetchd %s before it said %s", n ? "ended" : "hung", line);
		}
		len = recv(daemon->notify, message, sizeof(message) - 1, 0);
		ck_assert_int_ge(len, 0);
		message[len] = '\0';
	}
}

struct t_daemon *
t_daemon_start(const char *config)
{
	struct t_daemon *daemon = calloc(1, sizeof(*daemon));

	ck_assert_ptr_nonnull(daemon);
	daemon->pidfd = -1;
	(void)snprintf(daemon->folder, sizeof(daemon->folder), "/tmp/fetchd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	(void)snprintf(daemon->socket, sizeof(daemon->socket), "%s/api.sock", daemon->folder);
	daemon->log = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(daemon->log, 0);
	(void)fcntl(
		daemon->log, F_SETFL, O_APPEND); /* a second writer must not overwrite the first */
	open_notify(daemon);
	spawn_daemon(daemon, config);
	t_daemon_wait_notify(daemon, "READY=1");
	return daemon;
}

const char *
t_daemon_folder(const struct t_daemon *daemon)
{
	return daemon->folder;
}

const char *
t_daemon_socket(const struct t_daemon *daemon)
{
	return daemon->socket;
}

pid_t
t_daemon_pid(const struct t_daemon *daemon)
{
	return daemon->pid;
}

void
t_daemon_signal(struct t_daemon *daemon, int number)
{
	ck_assert_int_gt(daemon->pid, 0);
	ck_assert_int_eq(kill(daemon->pid, number), 0);
}

int
t_daemon_wait(struct t_daemon *daemon)
{
	int status = t_wait_exit(daemon->pid, daemon->pidfd);

	daemon->pid = -1;
	if (status != 0) {
		print_log(daemon);
	}
	return status;
}

/* A service manager that is behind would be waited for. */
static void
hear_it_out(struct t_daemon *daemon)
{
	char message[1024];

	while (recv(daemon->notify, message, sizeof(message), MSG_DONTWAIT) >= 0) {
	}
}

int
t_daemon_stop(struct t_daemon *daemon)
{
	hear_it_out(daemon);
	t_daemon_signal(daemon, SIGTERM);
	return t_daemon_wait(daemon);
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	return remove(path);
}

void
t_daemon_destroy(struct t_daemon *daemon)
{
	if (!daemon) {
		return;
	}
	if (daemon->pid > 0) {
		(void)kill(daemon->pid, SIGKILL);
		(void)waitpid(daemon->pid, NULL, 0);
	}
	closep(&daemon->pidfd);
	closep(&daemon->notify);
	closep(&daemon->log);
	(void)nftw(
		daemon->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* best effort, in /tmp */
	free(daemon);
}
