/* SPDX-License-Identifier: MIT */
/*
 * A scripted server in a child process of the test program: its descriptors and memory are not the
 * test's, and it ends with the test, however that ends. Test and server talk in lines, one reply to
 * each command; what they say is the server's affair.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct t_server {
	pid_t pid;
	int fd;
};

/**
 * t_server_start() - fork, and run @serve in the child
 * @serve:      reads commands from and writes replies to its descriptor; ends with the commands
 * @fds:        what the child keeps open besides that, terminated by -1; everything else is closed
 *
 * Call it before the program has threads.
 */
void t_server_start(struct t_server *server, int (*serve)(void *arg, int command_fd), void *arg,
	const int *fds);

/* t_server_stop() - end the commands, wait for the child's end; accepts one that never was started */
void t_server_stop(struct t_server *server);

/* t_server_tell() - send a command line, newline included */
void t_server_tell(struct t_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* t_server_hear() - read a reply line, newline included; fail the test when the server is gone */
void t_server_hear(struct t_server *server, char *line, size_t size);

/* t_server_release() - let go what waits under @name, now and later; how many did. Not every server knows it. */
unsigned int t_server_release(struct t_server *server, const char *name);
