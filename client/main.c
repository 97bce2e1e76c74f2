/* SPDX-License-Identifier: MIT */
/* fetchctl: which command, with which options. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/options.h"
#include "client/problem.h"
#include "lib/base/cleanup.h"
#include "lib/base/standard_fds.h"

#define OVERVIEW_WIDTH 28 /* columns of a command with its arguments */

/* Of all commands, or (@group) of those that begin with this word. */
static int
print_overview(const char *group)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	size_t i;

	buffer_printf(&out, "usage: fetchctl %s [OPTION...] [ARGUMENT...]\n\nCommands:\n",
		group ? group : "COMMAND");
	for (i = 0; i < n_commands; i++) {
		const struct command *command = &commands[i];
		size_t start = out.len;

		if (group && !command_is_of(command, group)) {
			continue;
		}
		buffer_printf(&out, "  %s %s", command->name, command->synopsis);
		buffer_printf(&out, "%*s  %s%s\n", OVERVIEW_WIDTH - (int)(out.len - start), "",
			command->summary, command->is_default ? " (the default)" : "");
	}
	buffer_puts(&out,
		"\nfetchctl COMMAND --help tells more. The daemon is looked for at --socket PATH,\n"
		"$FETCHD_SOCKET, or /run/fetchd/api.sock.\n");
	return call_write(&out);
}

static int
print_help(const struct command *command)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;

	options_help(command, &out);
	return call_write(&out);
}

static int
run_command(const struct command *command, int argc, char **argv)
{
	_cleanup_(options_fini) struct options options = OPTIONS_INIT;
	_cleanup_(buffer_fini) struct buffer why = BUFFER_INIT;
	int r;

	r = options_parse(command, argc, argv, &options, &why);
	if (r == -EINVAL && buffer_error(&why) == 0) {
		return problem_say_usage(command->name, why.data);
	}
	if (r < 0) {
		say("%s", strerror(-r));
		return EXIT_INTERNAL;
	}
	return options_has(&options, OPTION_HELP) ? print_help(command) : command->run(&options);
}

/* @n_words of the command line name the command. */
static int
run_words(const struct command *command, int n_words, int argc, char **argv)
{
	bool is_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

	if (command->is_default && n_words == 1 && is_help) {
		return print_overview(argv[0]);
	}
	return run_command(command, argc - n_words, argv + n_words);
}

/*
 * "--socket PATH" in front of the command's name is what $FETCHD_SOCKET is: one behind it wins.
 * Return: the number of words it takes.
 */
static int
take_socket(int argc, char **argv)
{
	static const char name[] = "--socket", prefix[] = "--socket=";

	if (argc > 2 && strcmp(argv[1], name) == 0) {
		return setenv("FETCHD_SOCKET", argv[2], 1) == 0 ? 2 : 0;
	}
	if (argc > 1 && strncmp(argv[1], prefix, strlen(prefix)) == 0) {
		return setenv("FETCHD_SOCKET", argv[1] + strlen(prefix), 1) == 0 ? 1 : 0;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	_cleanup_(buffer_fini) struct buffer why = BUFFER_INIT;
	const struct command *command;
	int n_words;

	standard_fds_hold();
	n_words = take_socket(argc, argv);
	argc -= n_words;
	argv += n_words;
	(void)setlocale(LC_CTYPE, ""); /* fails for a locale that is not installed: then it is C */
	if (argc < 2) {
		say("which command?\nsee: fetchctl --help");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		return print_overview(NULL);
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("fetchctl " FETCHD_VERSION);
		return fflush(stdout) == 0 ? EXIT_ALL_OK : EXIT_INTERNAL;
	}
	command = command_find(commands, n_commands, argc - 1, argv + 1, &n_words, &why);
	if (!command) {
		say("%s\nsee: fetchctl --help",
			buffer_error(&why) == 0 ? why.data : "out of memory");
		return EXIT_USAGE;
	}
	return run_words(command, n_words, argc - 1, argv + 1);
}
