/* SPDX-License-Identifier: MIT */
#include "tests/support/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

static void
write_reply(struct t_commands *commands, const struct buffer *line)
{
	if (buffer_error(line) ||
		write(commands->out, line->data, line->len) != (ssize_t)line->len) {
		commands->is_over = true; /* nobody is there to be served */
	}
}

void
t_commands_reply(struct t_commands *commands, const char *format, ...)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	va_list ap;

	va_start(ap, format);
	buffer_vprintf(&line, format, ap);
	va_end(ap);
	buffer_putc(&line, '\n');
	write_reply(commands, &line);
}

static void
reply_counts(struct t_commands *commands)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	size_t i;

	buffer_puts(&line, "counts");
	for (i = 0; i < commands->n_counters; i++) {
		buffer_printf(&line, " %s=%" PRIu64, commands->counters[i].name,
			*commands->counters[i].value);
	}
	buffer_putc(&line, '\n');
	write_reply(commands, &line);
}

static const uint64_t *
find_counter(const struct t_commands *commands, const char *name)
{
	size_t i;

	for (i = 0; i < commands->n_counters; i++) {
		if (strcmp(commands->counters[i].name, name) == 0) {
			return commands->counters[i].value;
		}
	}
	return NULL;
}

static void
start_wait(struct t_commands *commands, const char *condition, uint64_t now_ms)
{
	char name[24];
	char comparison[2];
	unsigned int ms;

	if (sscanf(condition, "%23[a-z_]%1[<>]=%" SCNu64 " %u", name, comparison, &commands->n,
		    &ms) != 4 ||
		!find_counter(commands, name)) {
		t_commands_reply(commands, "error what to wait for: %s", condition);
		return;
	}
	commands->is_waiting = true;
	commands->at_least = comparison[0] == '>';
	commands->awaited = find_counter(commands, name);
	commands->due_ms = now_ms + ms;
}

static void
run_line(struct t_commands *commands, char *line, uint64_t now_ms)
{
	char *argument = strchr(line, ' ');

	if (argument) {
		*argument++ = '\0';
	}
	if (strcmp(line, "counts") == 0) {
		reply_counts(commands);
	} else if (strcmp(line, "wait") == 0 && argument) {
		start_wait(commands, argument, now_ms);
	} else if (!commands->run(commands->server, line, argument ? argument : "")) {
		t_commands_reply(commands, "error no command: %s", line);
	}
}

static void
run_lines(struct t_commands *commands, uint64_t now_ms)
{
	char *end;
	size_t len;

	while (!commands->is_waiting && commands->lines.len > 0) {
		end = memchr(commands->lines.data, '\n', commands->lines.len);
		if (!end) {
			break;
		}
		*end = '\0';
		len = (size_t)(end - commands->lines.data) + 1;
		run_line(commands, commands->lines.data, now_ms);
		buffer_consume(&commands->lines, len);
	}
}

void
t_commands_read(struct t_commands *commands, uint64_t now_ms)
{
	char bytes[256];
	ssize_t n = read(commands->in, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return;
	}
	if (n <= 0) {
		commands->is_over = true;
		return;
	}
	buffer_append(&commands->lines, bytes, (size_t)n);
	run_lines(commands, now_ms);
}

void
t_commands_look(struct t_commands *commands, uint64_t now_ms)
{
	bool is_reached;

	if (!commands->is_waiting) {
		return;
	}
	is_reached = commands->at_least ? *commands->awaited >= commands->n
					: *commands->awaited <= commands->n;
	if (is_reached || now_ms >= commands->due_ms) {
		commands->is_waiting = false;
		t_commands_reply(commands, is_reached ? "reached" : "timeout");
		run_lines(commands, now_ms);
	}
}

void
t_commands_fini(struct t_commands *commands)
{
	buffer_fini(&commands->lines);
}
