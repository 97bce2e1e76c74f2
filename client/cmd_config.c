/* SPDX-License-Identifier: MIT */
/*
 * fetchctl config. What the daemon goes by is asked of it; a file is checked by a fetchd of our own, which is there
 * when no daemon runs, and is the same program that would read the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/daemon_program.h"
#include "client/output.h"
#include "client/problem.h"
#include "client/terminal.h"

#define FETCHD_EXIT_WARNINGS 9
#define FETCHD_EXIT_CONFIG   78 /* of sysexits.h */

/* What the end of fetchd means here; it said by itself what is wrong. */
static int
exit_code_of(int status)
{
	if (status == 0) {
		return EXIT_ALL_OK;
	}
	if (status == FETCHD_EXIT_CONFIG) {
		return EXIT_CONFIG;
	}
	if (status == FETCHD_EXIT_WARNINGS) {
		return EXIT_WARNINGS;
	}
	if (status == -ENOENT) {
		say("there is no program fetchd here\n"
		    "install it, or put its folder into $PATH");
		return EXIT_UNREACHABLE;
	}
	if (status < 0) {
		say("cannot run fetchd: %s", strerror(-status));
	}
	return EXIT_INTERNAL;
}

int
cmd_config_check(const struct options *options)
{
	const char *file = options->n_arguments > 0 ? options->arguments[0] : NULL;
	/* exec does not write to its words */
	char *argv[6] = { (char *)"fetchd", (char *)"--check" };
	size_t n = 2;
	int code;

	if (options_has(options, OPTION_STRICT)) {
		argv[n++] = (char *)"--strict";
	}
	if (file) {
		argv[n++] = (char *)"--config";
		argv[n++] = (char *)file;
	}
	code = exit_code_of(daemon_program_run(argv));
	if (code == EXIT_ALL_OK) {
		(void)fprintf(stderr, "%s is valid\n", file ? file : "the configuration");
	}
	return code;
}

int
cmd_config_schema(const struct options *options)
{
	char *const argv[] = { (char *)"fetchd", (char *)"--schema", NULL };

	return exit_code_of(daemon_program_run(argv));
}

static size_t
measure_keys(const struct value *settings, const struct style *style)
{
	const struct value *setting;
	size_t max = 0;

	value_for_each(setting, settings) {
		const char *key = value_get_text(setting, "key");
		size_t width = key ? text_width(key, style) : 0;

		max = width > max ? width : max;
	}
	return max;
}

/* "/etc/fetchd/fetchd.yaml:7", or "default" */
static void
put_origin(struct buffer *out, const struct value *setting, const struct style *style)
{
	const char *source = value_get_text(setting, "source");
	const struct value *line = value_get(setting, "line");

	text_put(out, source ? source : "default", style);
	if (source && line && line->type == VALUE_INTEGER) {
		buffer_printf(out, ":%" PRId64, line->integer);
	}
}

static int
put_settings(const struct value *settings, bool has_origin)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	const struct value *setting;
	struct terminal terminal;
	size_t width;

	terminal_look(STDOUT_FILENO, &terminal);
	width = measure_keys(settings, &terminal.style);
	value_for_each(setting, settings) {
		const char *key = value_get_text(setting, "key");
		const char *value = value_get_text(setting, "value");

		text_put_cut(&out, key ? key : "?", width, &terminal.style);
		buffer_puts(&out, "  ");
		text_put(&out, value ? value : "?", &terminal.style);
		if (has_origin) {
			text_colour(&out, COLOUR_DIM, &terminal.style);
			buffer_puts(&out, "  # ");
			put_origin(&out, setting, &terminal.style);
			text_colour(&out, COLOUR_NONE, &terminal.style);
		}
		buffer_putc(&out, '\n');
	}
	return call_write(&out);
}

/* The settings are those of the last reload. */
static void
say_pending(const struct value *keys)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const struct value *key;

	if (!keys || keys->type != VALUE_LIST || keys->n == 0) {
		return;
	}
	value_for_each(key, keys) {
		buffer_printf(&text, "%s%s", text.len > 0 ? ", " : "",
			key->type == VALUE_STRING ? key->text : "?");
	}
	if (buffer_error(&text) == 0) {
		say("these count only after a restart: %s", text.data);
	}
}

int
cmd_config_show(const struct options *options)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	const char *format = options_get(options, OPTION_OUTPUT);
	const struct value *settings;
	int code = call_json(options, "GET", "/v1/config", &tree);

	if (code != EXIT_ALL_OK) {
		return code;
	}
	if (format && strcmp(format, "json") == 0) {
		return output_print_json(tree->root);
	}
	settings = value_get(tree->root, "settings");
	if (!settings || settings->type != VALUE_LIST) {
		say("the daemon's answer is no configuration");
		return EXIT_INTERNAL;
	}
	say_pending(value_get(tree->root, "needs_restart"));
	return put_settings(settings, options_has(options, OPTION_ORIGIN));
}
