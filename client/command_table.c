/* SPDX-License-Identifier: MIT */
/* The table of commands. What a command does stands in the file of its name. */
#include <stdint.h>

#include "client/commands.h"
#include "client/output.h"
#include "lib/base/cleanup.h"

#define ROWS(rows) (rows), ARRAY_LEN(rows)
#define WORDS(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

#define JOB_NAMES "jobs list --output names"

static const struct option_row submit_options[] = {
	{ OPTION_FILE, 'f', "file", "FILE",
		"read URLs from FILE, - for standard input; may be repeated" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT",
		"table, waterfall, lines, json, ndjson or csv (default: table on a terminal, else "
		"lines)",
		WORDS(OUTPUT_FORMATS) },
	{ OPTION_WATERFALL, 0, "waterfall", NULL, "the same as --output waterfall" },
	{ OPTION_REPORT, 0, "report", "FILE",
		"write a page with the waterfall: FILE.html or FILE.svg" },
	{ OPTION_NAME, 'n', "name", "NAME", "a label for people" },
	{ OPTION_POLICY, 'p', "policy", "POLICY",
		"fail_fast, collect or first_success (default: fail_fast)",
		WORDS("fail_fast", "collect", "first_success") },
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
		"of the body: none, sha256, text or base64 (default: none)",
		WORDS("none", "sha256", "text", "base64") },
	{ OPTION_DETACH, 0, "detach", NULL, "do not wait: the batch goes on by itself" },
	{ OPTION_IDEMPOTENCY_KEY, 0, "idempotency-key", "KEY",
		"with --detach: the same key is the same batch" },
};

static const struct option_row list_options[] = {
	{ OPTION_STATE, 0, "state", "STATE", "queued, running, suspended or done",
		WORDS("queued", "running", "suspended", "done") },
	{ OPTION_LIMIT, 0, "limit", "N", "at most so many" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "table or json (default: table)",
		WORDS("table", "json") },
};

static const struct option_row show_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT",
		"table, waterfall, lines, json or csv (default: table on a terminal, else lines)",
		WORDS("table", "waterfall", "lines", "json", "csv") },
};

static const struct option_row results_options[] = {
	{ OPTION_FOLLOW, 'f', "follow", NULL, "go on as results come, until the batch is over" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT",
		"table, waterfall, lines, json, csv, and with --follow ndjson",
		WORDS(OUTPUT_FORMATS) },
};

static const struct option_row tree_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "text or json (default: text)",
		WORDS("text", "json") },
	{ OPTION_WATCH, 0, "watch", NULL, "draw it anew every second, until Ctrl-C" },
};

static const struct option_row stats_options[] = {
	{ OPTION_WATCH, 0, "watch", NULL, "print it anew every second, with rates, until Ctrl-C" },
};

static const struct option_row jobs_list_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "table, names or json (default: table)",
		WORDS("table", "names", "json") },
};

static const struct option_row jobs_run_options[] = {
	{ OPTION_WAIT, 'w', "wait", NULL, "print its results as submit does, and end as it does" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "with --wait, as of submit; without, json",
		WORDS(OUTPUT_FORMATS) },
};

static const struct option_row jobs_show_options[] = {
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "table or json (default: table)",
		WORDS("table", "json") },
};

static const struct option_row config_check_options[] = {
	{ OPTION_STRICT, 0, "strict", NULL, "exit status 9 when there are warnings" },
};

static const struct option_row config_show_options[] = {
	{ OPTION_ORIGIN, 0, "origin", NULL, "say where each setting was made" },
	{ OPTION_OUTPUT, 'o', "output", "FORMAT", "text or json (default: text)",
		WORDS("text", "json") },
};

const struct command commands[] = {
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
	{ "results", "ID", "Print the results of a batch, those to come as well with --follow",
		"Ctrl-C ends the following and leaves the batch alone. With --follow the exit "
		"status\n"
		"is that of the batch: 0 all ok, 1 some failed, 3 cancelled or deadline.",
		ROWS(results_options), 1, 1, cmd_results },
	{ "wait", "ID", "Wait for the end of a batch; the exit status is that of submit", NULL,
		NULL, 0, 1, 1, cmd_wait },
	{ "cancel", "ID", "Cancel a batch and wait until nothing of it is alive", NULL, NULL, 0, 1,
		1, cmd_cancel },
	{ "jobs list", "", "List the jobs: when they run next, how they ended last", NULL,
		ROWS(jobs_list_options), 0, 0, cmd_jobs_list, .is_default = true },
	{ "jobs show", "NAME", "Show a job with its last runs", NULL, ROWS(jobs_show_options), 1, 1,
		cmd_jobs_show, .words_from = JOB_NAMES },
	{ "jobs run", "NAME", "Start a run of a job now", NULL, ROWS(jobs_run_options), 1, 1,
		cmd_jobs_run, .words_from = JOB_NAMES },
	{ "jobs pause", "NAME", "Start no more runs of a job", NULL, NULL, 0, 1, 1, cmd_jobs_pause,
		.words_from = JOB_NAMES },
	{ "jobs resume", "NAME", "Let a paused job run again", NULL, NULL, 0, 1, 1, cmd_jobs_resume,
		.words_from = JOB_NAMES },
	{ "tree", "", "Draw the live tree of tasks", NULL, ROWS(tree_options), 0, 0, cmd_tree },
	{ "stats", "", "Print what the daemon is doing: rates, queue, connections", NULL,
		ROWS(stats_options), 0, 0, cmd_stats },
	{ "health", "", "Ask whether the daemon is alive and ready", NULL, NULL, 0, 0, 0,
		cmd_health },
	{ "config show", "", "Print the daemon's configuration", NULL, ROWS(config_show_options), 0,
		0, cmd_config_show, .is_default = true },
	{ "config check", "[FILE]", "Say all that is wrong with a configuration",
		"Runs fetchd --check. Without FILE: of the configuration that fetchd would start\n"
		"with. Exit status 8 when it is not valid; warnings do not change it.",
		ROWS(config_check_options), 0, 1, cmd_config_check, .has_files = true },
	{ "config schema", "", "Print the JSON Schema of the configuration", NULL, NULL, 0, 0, 0,
		cmd_config_schema },
	{ "reload", "", "Let the daemon read its configuration again",
		"Prints which keys need a restart. When the configuration is not valid, all that "
		"is\n"
		"wrong with it is said, the daemon goes on with the old one, and the exit status "
		"is 8.",
		NULL, 0, 0, 0, cmd_reload },
	{ "completion", "SHELL", "Print the completion of commands for bash, zsh or fish",
		"For now: source <(fetchctl completion bash). Packages install it.", NULL, 0, 1, 1,
		cmd_completion, .words = WORDS("bash", "zsh", "fish") },
	{ "version", "", "Print the versions of fetchctl and of the daemon", NULL, NULL, 0, 0, 0,
		cmd_version },
};

const size_t n_commands = ARRAY_LEN(commands);
