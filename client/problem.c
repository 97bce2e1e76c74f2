/* SPDX-License-Identifier: MIT */
#include "client/problem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/terminal.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"

#define HINT_START \
	"start it: systemctl start fetchd.socket\n" \
	"or, without root: fetchd --socket ./fetchd.sock, and give --socket ./fetchd.sock here"
#define HINT_GROUP \
	"members of the group fetchd may use it: sudo usermod -aG fetchd \"$USER\", then log in " \
	"again"

/* Takes from @out, cleaned: nothing that a server or a URL says may steer the terminal. */
static void
print(const struct buffer *text)
{
	struct terminal terminal;
	struct buffer out = BUFFER_INIT;
	const char *line = text->data;

	terminal_look(STDERR_FILENO, &terminal);
	terminal.style.has_colour = false;
	while (line && *line) {
		size_t len = strcspn(line, "\n");
		struct buffer one = BUFFER_INIT;

		buffer_append(&one, line, len);
		if (one.data) {
			text_put(&out, one.data, &terminal.style);
		}
		buffer_putc(&out, '\n');
		buffer_fini(&one);
		line += len + (line[len] == '\n');
	}
	if (buffer_error(&out) == 0 && out.len > 0) {
		(void)fwrite(out.data, 1, out.len, stderr); /* there is nowhere else to say it */
	}
	buffer_fini(&out);
}

void
say(const char *format, ...)
{
	struct buffer text = BUFFER_INIT;
	va_list ap;

	buffer_puts(&text, "fetchctl: ");
	va_start(ap, format);
	buffer_vprintf(&text, format, ap);
	va_end(ap);
	print(&text);
	buffer_fini(&text);
}

int
problem_say_usage(const char *command, const char *why)
{
	say("%s\nsee: fetchctl %s --help", why, command);
	return EXIT_USAGE;
}

#define HINT_ACCESS \
	"who may do what is said by access in fetchd.yaml(5); root may do all: sudo fetchctl ..."

static const struct {
	int error;
	enum exit_code code;
	const char *what;
	const char *hint;
} errors[] = {
	{ -ENOENT, EXIT_UNREACHABLE, "there is no socket: fetchd does not run here", HINT_START },
	{ -ECONNREFUSED, EXIT_UNREACHABLE, "nobody listens at the socket: fetchd is not running",
		HINT_START },
	{ -EACCES, EXIT_NOT_PERMITTED, "you may not use the socket", HINT_GROUP },
	{ -EPERM, EXIT_NOT_PERMITTED, "you may not use the socket", HINT_GROUP },
	{ -ENAMETOOLONG, EXIT_USAGE,
		"the socket's path is longer than 107 bytes, which no socket can be",
		"go to its folder and give a relative path" },
	{ -ENOTDIR, EXIT_UNREACHABLE, "this is no path of a socket", "give --socket PATH" },
	{ -ECONNRESET, EXIT_UNREACHABLE, "the answer was cut: fetchd went away before its end",
		"look for the reason: journalctl -u fetchd" },
	{ -EPROTO, EXIT_INTERNAL, "what listens at the socket does not answer as fetchd does",
		"check the path of the socket" },
};

int
problem_say_error(int error, const char *socket)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(errors); i++) {
		if (errors[i].error == error) {
			say("%s: %s\n%s", socket, errors[i].what, errors[i].hint);
			return errors[i].code;
		}
	}
	say("%s: %s", socket, strerror(-error));
	return error == -ENOMEM ? EXIT_INTERNAL : EXIT_UNREACHABLE;
}

/* What a status from 300 on means for the caller. */
static enum exit_code
exit_code_of(int status)
{
	switch (status) {
	case 400:
	case 413:
	case 414:
	case 415:
	case 422:
	case 431:
	case 501:
		return EXIT_USAGE;
	case 401:
	case 403:
		return EXIT_NOT_PERMITTED;
	case 404:
		return EXIT_NOT_FOUND;
	case 408:
	case 409:
	case 429:
	case 503:
		return EXIT_REFUSED;
	default:
		return EXIT_INTERNAL;
	}
}

/* "/etc/fetchd/fetchd.yaml:7:3", which editors jump to */
static void
put_file_place(const char *source, const struct value *line, const struct value *column,
	struct buffer *out)
{
	buffer_puts(out, source);
	if (line && line->type == VALUE_INTEGER) {
		buffer_printf(out, ":%" PRId64, line->integer);
		if (column && column->type == VALUE_INTEGER) {
			buffer_printf(out, ":%" PRId64, column->integer);
		}
	}
}

static void
put_fault(const struct value *fault, const struct input *input, struct buffer *out)
{
	const struct value *line = value_get(fault, "line");
	const struct value *column = value_get(fault, "column");
	const char *pointer = value_get_text(fault, "pointer");
	const char *detail = value_get_text(fault, "detail");
	const char *suggestion = value_get_text(fault, "suggestion");
	const char *code = value_get_text(fault, "code");
	const char *source = value_get_text(fault, "source");
	bool has_line = line && line->type == VALUE_INTEGER && line->integer > 0;

	buffer_puts(out, "  ");
	pointer = pointer ? pointer : "";
	if (input) {
		input_put_place(input, has_line ? (uint32_t)line->integer : 0, pointer, out);
	} else if (source) {
		put_file_place(source, line, column, out);
		buffer_printf(out, "%s%s", pointer[0] ? ": " : "", pointer);
	} else if (has_line) {
		buffer_printf(out, "line %lld", (long long)line->integer);
		if (column && column->type == VALUE_INTEGER) {
			buffer_printf(out, ", column %lld", (long long)column->integer);
		}
	} else {
		buffer_puts(out, pointer[0] ? pointer : "the request");
	}
	buffer_printf(out, ": %s", detail ? detail : "is wrong");
	if (suggestion) {
		buffer_printf(out, " (did you mean \"%s\"?)", suggestion);
	}
	if (code) {
		buffer_printf(out, " [%s]", code);
	}
	buffer_putc(out, '\n');
}

static void
put_faults(const struct value *problem, const struct input *input, struct buffer *out)
{
	const struct value *faults = value_get(problem, "errors");
	const struct value *omitted = value_get(problem, "errors_omitted");
	const struct value *fault;

	if (!faults || faults->type != VALUE_LIST) {
		return;
	}
	value_for_each(fault, faults) {
		put_fault(fault, input, out);
	}
	if (omitted && omitted->type == VALUE_INTEGER) {
		buffer_printf(out, "  ... and %lld more\n", (long long)omitted->integer);
	}
}

void
problem_say_warnings(const struct value *warnings)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const struct value *warning;

	if (!warnings || warnings->type != VALUE_LIST || warnings->n == 0) {
		return;
	}
	buffer_puts(&text, "fetchctl: legal, but perhaps not meant:\n");
	value_for_each(warning, warnings) {
		put_fault(warning, NULL, &text);
	}
	print(&text);
}

/*
 * What to do next, by the problem's code and by what was asked for; the first row that fits counts.
 * target  its beginning
 */
static const struct {
	const char *code;
	const char *target;
	const char *hint;
} hints[] = {
	{ "not_found", "/v1/jobs/", "see: fetchctl jobs list" },
	{ "not_found", "/v1/batches/", "see: fetchctl list" },
	{ "forbidden", "", HINT_ACCESS },
	{ "quota", "", "see: fetchctl list --state running" },
	{ "conflict", "/v1/jobs/", "see: fetchctl jobs list" },
	{ "no_store", "",
		"leave --detach and --idempotency-key away, or set store.path in fetchd.yaml(5)" },
	{ "invalid_config", "", "see: fetchctl config check" },
};

static const char *
find_hint(const char *target, const char *code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(hints); i++) {
		if (code && strcmp(code, hints[i].code) == 0 &&
			strncmp(target, hints[i].target, strlen(hints[i].target)) == 0) {
			return hints[i].hint;
		}
	}
	return NULL;
}

/* The next thing to do about it, and when. */
static void
put_hint(const struct http *http, const char *target, const char *code, const char *request_id,
	struct buffer *out)
{
	const char *after = http->answer.retry_after;
	const char *hint = find_hint(target, code);
	int status = http->answer.status;

	if (hint) {
		buffer_printf(out, "%s\n", hint);
	}
	if (exit_code_of(status) == EXIT_REFUSED && after[0] &&
		strspn(after, "0123456789") == strlen(after)) {
		buffer_printf(out, "try again in %s s\n", after);
	} else if (exit_code_of(status) == EXIT_REFUSED) {
		buffer_puts(out, "try again later\n");
	} else if (status >= 500 && status != 501 && request_id) {
		buffer_printf(
			out, "look for the reason: journalctl -u fetchd --grep %s\n", request_id);
	}
}

int
problem_say_answer(const struct http *http, const char *target, const struct input *input)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const struct value *problem = NULL;
	const char *title = NULL;
	const char *detail = NULL;
	const char *code = NULL;
	struct json_error error;

	if (strcmp(http->answer.content_type, "application/problem+json") == 0 &&
		json_parse(http->content.data, http->content.len, &tree, &error) == 0) {
		problem = tree->root;
		title = value_get_text(problem, "title");
		detail = value_get_text(problem, "detail");
		code = value_get_text(problem, "code");
	}
	buffer_printf(&text, "fetchctl: %s (status %d)\n", title ? title : "fetchd refused",
		http->answer.status);
	if (detail && !value_get(problem, "errors")) { /* the list says more */
		buffer_printf(&text, "%s\n", detail);
	}
	if (problem) {
		put_faults(problem, input, &text);
	}
	put_hint(http, target, code, problem ? value_get_text(problem, "request_id") : NULL, &text);
	print(&text);
	return code && strcmp(code, "invalid_config") == 0 ? EXIT_CONFIG
							   : exit_code_of(http->answer.status);
}
