/* SPDX-License-Identifier: MIT */
/*
 * fetchd as a child of a test, in a folder of its own with a socket of its own. It is the program
 * as users get it: found by t_program("fetchd"), told its configuration in a file, known to be
 * ready by its notification (READY=1), not by waiting a while. When it ends badly, its log is
 * printed.
 */
#pragma once

#include <sys/types.h>

struct t_daemon;

/**
 * t_daemon_start() - start fetchd and wait until it is ready
 * @config:     text of the configuration file; NULL: none is given
 *
 * Fails the test with the daemon's log when it ends before it is ready.
 *
 * Return: the daemon, never NULL; to be given to t_daemon_destroy().
 */
struct t_daemon *t_daemon_start(const char *config);

/* t_daemon_configure() - another text for the configuration file it was started with */
void t_daemon_configure(struct t_daemon *daemon, const char *config);

/*
 * t_daemon_folder() - its folder, which holds api.sock and what a test puts there; removed at the
 * end
 */
const char *t_daemon_folder(const struct t_daemon *daemon);
const char *t_daemon_socket(const struct t_daemon *daemon);
pid_t t_daemon_pid(const struct t_daemon *daemon);

void t_daemon_signal(struct t_daemon *daemon, int signal);

/*
 * t_daemon_wait_notify() - wait until it has sent a line such as "STOPPING=1"; fail the test after
 * two minutes
 */
void t_daemon_wait_notify(struct t_daemon *daemon, const char *line);

/* t_daemon_log() - what it wrote to standard error so far, to be freed */
char *t_daemon_log(struct t_daemon *daemon);

/* t_daemon_wait() - its exit code (128 + signal), once it has ended by itself; two minutes */
int t_daemon_wait(struct t_daemon *daemon);

/**
 * t_daemon_stop() - SIGTERM, and its exit code
 *
 * A test ends with ck_assert_int_eq(t_daemon_stop(d), 0): under a sanitizer that includes "no
 * leak".
 */
int t_daemon_stop(struct t_daemon *daemon);

/* t_daemon_destroy() - kill it if it still runs, remove the folder; accepts NULL */
void t_daemon_destroy(struct t_daemon *daemon);
