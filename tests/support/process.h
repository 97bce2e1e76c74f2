/* SPDX-License-Identifier: MIT */
/*
 * Our own programs as children of a test: run to their end with what they wrote, and what /proc
 * says of one that is running. Every child dies with the test program.
 */
#pragma once

#include <lib/base/buffer.h>
#include <stdint.h>
#include <sys/types.h>

/* status   exit code, or 128 + the signal that ended it */
struct t_output {
	int status;
	struct buffer out;
	struct buffer err;
};

#define T_OUTPUT_INIT \
	{ \
		0 \
	}

/**
 * t_program() - the path of fetchd or fetchctl as built beside the test
 * @name:       $FETCHD and $FETCHCTL come first
 *
 * Return: a string to free().
 */
char *t_program(const char *name);

/*
 * argv      NULL-terminated; argv[0] is the path
 * input     standard input, NULL: empty
 * output    descriptors for standard output and error
 * env       "NAME=VALUE" set on top of the test's own environment, or NULL
 */
struct t_spawn {
	const char *const *argv;
	const char *input;
	int out;
	int err;
	const char *env;
};

/* t_spawn() - start a child; its pid, and a pidfd that is readable when it has ended (-1 in valgrind) */
pid_t t_spawn(const struct t_spawn *spawn, int *ret_pidfd);

/**
 * t_wait_exit() - wait for a child's end; kill it and fail the test when it has not come within 20
 * s Return: its exit code, or 128 + the signal.
 */
int t_wait_exit(pid_t pid, int pidfd);

/* t_run() - a child from start to end, with what it wrote */
void t_run(const char *const *argv, const char *input, struct t_output *output);

void t_output_fini(struct t_output *output);

/* t_read_fd() - everything in a file, from its beginning */
void t_read_fd(int fd, struct buffer *buffer);

/* What /proc says of a process. Of CPU time, what all its threads have used, in nanoseconds. */
unsigned int t_proc_n_fds(pid_t pid);
unsigned int t_proc_n_sockets(pid_t pid);
void t_proc_list_fds(pid_t pid, struct buffer *text);
uint64_t t_proc_rss_kib(pid_t pid);
uint64_t t_proc_cpu_ns(pid_t pid);
