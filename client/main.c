/* SPDX-License-Identifier: MIT */
/* fetchctl: the table of commands. What a command does stands in the file of its name. */
#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/options.h"
#include "client/output.h"
#include "client/problem.h"
#include "lib/protocol/faults.h"

#define ROWS(rows) (rows), ARRAY_LEN(rows)

static const struct option_row submit_options[] = {
	{ OPTION_FILE, 'f', "file", "FILE",
		"read URLs from FILE, - for standard input; may be repeated" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT",
		OUTPUT_FORMATS " (default: table on a terminal, else lines)" },
	{ OPTION_NAME, 'n', "name", "NAME", "a label for people" },
	{ OPTION_POLICY, 'p', "policy", "POLICY",
		"fail_fast, collect or first_success (default: fail_fast)" },
	{ OPTION_MAX_FAILURES, 0, "max-failures", "N",
		"with fail_fast: how many failures are tolerated (default: 0)" },
	{ OPTION_DEADLINE, 'd', "deadline", "TIME", "of the whole batch, such as 30s" },
	{ OPTION_CONCURRENCY, 'c', "concurrency", "N", "how many URLs at once" },
	{ OPTION_PER_ORIGIN, 0, "per-origin", "N", "of these, how many at one origin" },
	{ OPTION_TIMEOUT, 't', "timeout", "TIME", "of each URL, such as 5s" },
	{ OPTION_CONNECT_TIMEOUT, 0, "connect-timeout", "TIME", "of each connect, TLS included" },
	{ OPTION_METHOD, 'X', "method", "METHOD", "of the requests (default: GET)" },
	{ OPTION_HEADER, 'H', "header", "NAME:VALUE", "send this header; may be repeated" },
	{ OPTION_EXPECT, 'e', "expect", "STATUSES",
		"what counts as success, such as 2xx,404 (default: 200-399)" },
	{ OPTION_REDIRECTS, 0, "redirects", "N", "how many redirects are followed" },
	{ OPTION_MAX_BODY, 0, "max-body", "SIZE", "more is a failure, such as 1MiB" },
	{ OPTION_CAPTURE, 0, "capture", "WHAT",
		"of the body: none, sha256, text or base64 (default: none)" },
	{ OPTION_DETACH, 0, "detach", NULL, "do not wait: the batch goes on by itself" },
	{ OPTION_IDEMPOTENCY_KEY, 0, "idempotency-key", "KEY",
		"with --detach: the same key is the same batch" },
};

static const struct option_row list_options[] = {
	{ OPTION_STATE, 0, "state", "STATE", "queued, running, suspended or done" },
	{ OPTION_LIMIT, 0, "limit", "N", "at most so many" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "table or json (default: table)" },
};

static const struct option_row show_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT",
		"table, lines, json or csv (default: table on a terminal, else lines)" },
};

static const struct option_row tree_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "text or json (default: text)" },
	{ OPTION_WATCH, 0, "watch", NULL, "not in this version" },
};

static const struct command commands[] = {
	{ "submit", "[URL...] [-]", "Fetch URLs as one batch and print the results",
		"URLs come from the command line, from files, and from standard input with -.\n"
		"A file has a URL a line; blank lines and lines with # in front are skipped. A\n"
		"line that begins with { is a URL object, with options of its own:\n"
		"{\"url\": \"https://example.org/\", \"timeout\": \"2s\"}.\n\n"
		"The first Ctrl-C cancels the batch and prints how far it came, the second hangs\n"
		"up.\n\n"
		"Exit status: 0 all ok, 1 some failed, 2 usage, 3 cancelled or deadline,\n"
		"5 not permitted, 6 daemon not reachable, 7 refused for now, 70 internal.",
		ROWS(submit_options), 0, SIZE_MAX, cmd_submit },
	{ "list", "", "List running and recent batches", NULL, ROWS(list_options), 0, 0, cmd_list },
	{ "show", "ID", "Show a batch with its results so far", NULL, ROWS(show_options), 1, 1,
		cmd_show },
	{ "cancel", "ID", "Cancel a batch and wait until nothing of it is alive", NULL, NULL, 0, 1,
		1, cmd_cancel },
	{ "tree", "", "Draw the live tree of tasks", NULL, ROWS(tree_options), 0, 0, cmd_tree },
	{ "health", "", "Ask whether the daemon is alive and ready", NULL, NULL, 0, 0, 0,
		cmd_health },
	{ "version", "", "Print the versions of fetchctl and of the daemon", NULL, NULL, 0, 0, 0,
		cmd_version },
	/* Names that are taken for what comes later. */
	{ .name = "results" },
	{ .name = "wait" },
	{ .name = "jobs" },
	{ .name = "stats" },
	{ .name = "config" },
	{ .name = "reload" },
	{ .name = "completion" },
};

static int
print_overview(void)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	size_t i;

	buffer_puts(&out, "usage: fetchctl COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n");
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *command = &commands[i];

		if (command->run) {
			buffer_printf(&out, "  %-8s %-12s %s\n", command->name, command->synopsis,
				command->summary);
		}
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

static const struct command *
find_command(const char *name)
{
	struct suggestion best = SUGGESTION_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
		suggestion_offer(&best, name, strlen(name), commands[i].name);
	}
	if (best.name) {
		say("there is no command %s (did you mean %s?)\nsee: fetchctl --help", name,
			best.name);
	} else {
		say("there is no command %s\nsee: fetchctl --help", name);
	}
	return NULL;
}

static int
run_command(const struct command *command, int argc, char **argv)
{
	_cleanup_(options_fini) struct options options = OPTIONS_INIT;
	_cleanup_(buffer_fini) struct buffer why = BUFFER_INIT;
	int r;

	if (!command->run) {
		say("%s is not in this version\nsee: fetchctl --help", command->name);
		return EXIT_USAGE;
	}
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

int
main(int argc, char **argv)
{
	const struct command *command;

	(void)setlocale(LC_CTYPE, ""); /* fails for a locale that is not installed: then it is C */
	if (argc < 2) {
		say("which command?\nsee: fetchctl --help");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		return print_overview();
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("fetchctl " FETCHD_VERSION);
		return fflush(stdout) == 0 ? EXIT_ALL_OK : EXIT_INTERNAL;
	}
	command = find_command(argv[1]);
	return command ? run_command(command, argc - 2, argv + 2) : EXIT_USAGE;
}
