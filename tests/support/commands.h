/* SPDX-License-Identifier: MIT */
/*
 * What a scripted server is told while it runs: lines in, one line out for each. Every server knows
 *
 *     counts                 counts NAME=N NAME=N …
 *     wait NAME>=N MS        reached | timeout      also NAME<=N; later commands come behind it
 *
 * and its own on top. An unknown command is answered by "error …".
 */
#pragma once

#include <lib/base/buffer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct t_counter {
	const char *name;
	const uint64_t *value;
};

/*
 * in, out     descriptors of commands and replies
 * run         carries out a command of the server's own and replies; false: there is none like that
 * is_over     the commands have ended, and so should the server
 */
struct t_commands {
	int in;
	int out;
	const struct t_counter *counters;
	size_t n_counters;
	bool (*run)(void *server, const char *name, const char *argument);
	void *server;
	bool is_over;
	bool is_waiting;
	bool at_least;
	const uint64_t *awaited;
	uint64_t n;
	uint64_t due_ms;
	struct buffer lines;
};

/* t_commands_read() - when `in` is readable: read, and carry out what is complete */
void t_commands_read(struct t_commands *commands, uint64_t now_ms);

/* t_commands_look() - once a turn: answer a wait that is over, and go on behind it */
void t_commands_look(struct t_commands *commands, uint64_t now_ms);

void t_commands_reply(struct t_commands *commands, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void t_commands_fini(struct t_commands *commands);
