/* SPDX-License-Identifier: MIT */
/*
 * Lines longer than the terminal is wide are cut by the terminal (wrapping is off meanwhile), which knows the width
 * better than we do while its window is being pulled. What is below the last row is left out.
 */
#include "client/watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/interrupts.h"
#include "client/problem.h"
#include "lib/base/cleanup.h"

#define INTERVAL_MS 1000

#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define CURSOR_HOME  "\033[H"
#define ERASE_LINE   "\033[K"
#define ERASE_BELOW  "\033[J"

static void
put_sequence(const char *sequence)
{
	(void)fputs(sequence, stdout); /* a terminal that is gone has nobody to tell */
	(void)fflush(stdout);
}

/* Return: EXIT_ALL_OK and what to show, or what the program ends with, after @leave was written */
static int
ask(const struct watch *watch, const struct options *options, const struct terminal *terminal,
	const char *leave, struct buffer *out)
{
	_cleanup_(http_fini) struct http http = HTTP_INIT;
	const char *socket = call_socket(options);
	int r = http_call(&http, socket, watch->request);

	if (r == 0 && http.answer.status < 300) {
		r = watch->draw(watch->arg, &http.content, terminal, out);
		if (r == 0) {
			return EXIT_ALL_OK;
		}
	}
	put_sequence(leave);
	return r < 0 ? problem_say_error(r, socket)
		     : problem_say_answer(&http, watch->request->target, NULL);
}

/* As many lines as the terminal has rows. */
static void
put_screen(struct buffer *out, const struct buffer *text, size_t n_rows)
{
	const char *line = text->data ? text->data : "";

	buffer_puts(out, CURSOR_HOME);
	for (size_t i = 0; *line && (n_rows == 0 || i < n_rows); i++) {
		size_t len = strcspn(line, "\n");

		buffer_puts(out, i > 0 ? "\r\n" : "");
		buffer_append(out, line, len);
		buffer_puts(out, ERASE_LINE);
		line += len + (line[len] == '\n');
	}
	buffer_puts(out, ERASE_BELOW);
}

static int
draw_once(const struct watch *watch, const struct options *options, struct buffer *text)
{
	_cleanup_(buffer_fini) struct buffer screen = BUFFER_INIT;
	struct terminal terminal;
	int code;

	terminal_look(STDOUT_FILENO, &terminal); /* it may have been resized */
	buffer_clear(text);
	code = ask(watch, options, &terminal, SCREEN_LEAVE, text);
	if (code != EXIT_ALL_OK) {
		return code;
	}
	put_screen(&screen, text, terminal.height);
	return call_write(&screen);
}

int
watch_once(const struct watch *watch, const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct terminal terminal;
	int code;

	terminal_look(STDOUT_FILENO, &terminal);
	code = ask(watch, options, &terminal, "", &text);
	return code == EXIT_ALL_OK ? call_write(&text) : code;
}

int
watch_run(const struct watch *watch, const struct options *options)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct terminal terminal;
	const sigset_t *mask;
	int code;

	terminal_look(STDOUT_FILENO, &terminal);
	if (!terminal.can_rewrite) {
		return watch_once(watch, options);
	}
	mask = interrupts_catch_all();
	put_sequence(SCREEN_ENTER);
	do {
		code = draw_once(watch, options, &text);
		if (code != EXIT_ALL_OK) {
			return code;
		}
		/* A resized window ends the waiting, too: it is drawn anew at once. */
		(void)http_wait(NULL, 0, INTERVAL_MS, mask);
	} while (interrupts_count() == 0);
	put_sequence(SCREEN_LEAVE);
	return EXIT_ALL_OK;
}
