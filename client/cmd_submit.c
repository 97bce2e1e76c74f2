/* SPDX-License-Identifier: MIT */
/*
 * One exchange carries the batch: its content is the URLs, its answer the stream of results. The
 * first Ctrl-C starts a second exchange, which asks the daemon to cancel the batch; the stream is
 * read all the while, for it ends with the cancelled results. The second Ctrl-C hangs up.
 *
 *	stream ──batch──result──result──…──end──► exit code by the outcome
 *	            │ first Ctrl-C                 (no end: the answer was cut)
 *	            └──► cancel ──► answer: looked at only when it is a refusal
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/http.h"
#include "client/input.h"
#include "client/interrupts.h"
#include "client/output.h"
#include "client/problem.h"
#include "client/progress.h"
#include "client/summary.h"
#include "client/terminal.h"
#include "lib/protocol/json.h"
#include "lib/protocol/units.h"

#define REDRAW_MS 100

/*
 * id, end         from the first and last line; NULL before they came
 * summary         what @end says
 * error           a negative code that ended the reading of lines; 0 = none
 * talk            standard error
 * is_drawn        the progress line stands on the terminal
 * draw_at_ns      not before this: every result would be a line too many
 * is_cancelling   the second exchange was started
 */
struct submission {
	const struct options *options;
	const char *socket;
	struct input input;
	struct http_source source;
	struct http stream;
	struct http cancel;
	struct output output;
	struct progress progress;
	struct terminal talk;
	char *id;
	struct value_tree *end;
	struct batch_summary summary;
	int error;
	int64_t draw_at_ns;
	bool is_drawn;
	bool is_cancelling;
};

static int64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there */
	return now.tv_sec * UNITS_NS_PER_S + now.tv_nsec;
}

static void
submission_fini(struct submission *s)
{
	http_fini(&s->stream);
	http_fini(&s->cancel);
	input_fini(&s->input);
	output_fini(&s->output);
	free(s->id);
	value_tree_destroy(s->end);
}

/* ---- the progress line ---- */

static void
erase_progress(struct submission *s)
{
	if (s->is_drawn) {
		(void)fputs("\r\033[K", stderr); /* a failing terminal has nobody to tell */
		(void)fflush(stderr);
		s->is_drawn = false;
	}
}

static void
draw_progress(struct submission *s)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	int64_t now = now_ns();

	if (!s->talk.can_rewrite || !s->id || s->end || now < s->draw_at_ns) {
		return;
	}
	s->draw_at_ns = now + REDRAW_MS * UNITS_NS_PER_MS;
	terminal_look(STDERR_FILENO, &s->talk); /* it may have been resized */
	buffer_puts(&line, "\r");
	/* The last column stays free: some terminals wrap when it is written. */
	progress_put(&s->progress, now, s->talk.width - 1, &s->talk.style, &line);
	buffer_puts(&line, "\033[K");
	if (buffer_error(&line) == 0) {
		(void)fwrite(line.data, 1, line.len, stderr);
		(void)fflush(stderr);
		s->is_drawn = true;
	}
}

/* What is ready for standard output. Return: EXIT_ALL_OK or what the program ends with */
static int
write_output(struct submission *s)
{
	int code;

	if (s->output.text.len == 0 && buffer_error(&s->output.text) == 0) {
		return EXIT_ALL_OK;
	}
	erase_progress(s);
	code = call_write(&s->output.text);
	buffer_clear(&s->output.text);
	return code;
}

/* ---- the lines of the stream ---- */

static int
take_batch(struct submission *s, const struct value *line)
{
	struct batch_summary summary;
	int r = batch_summary_from_value(line, &summary);

	if (r < 0 || s->id) {
		return -EPROTO;
	}
	s->id = strdup(summary.id);
	if (!s->id) {
		return -ENOMEM;
	}
	progress_init(&s->progress, summary.n_urls, now_ns(),
		summary.deadline_ns > 0 ? now_ns() + summary.deadline_ns : -1);
	output_begin(&s->output);
	return 0;
}

static int
take_result(struct submission *s, const struct value *line)
{
	struct result_record record;

	if (!s->id || result_from_value(line, &record) < 0) {
		return -EPROTO;
	}
	progress_count(
		&s->progress, record.outcome == RESULT_FAILED || record.outcome == RESULT_TIMEOUT);
	return output_result(&s->output, line, &record);
}

static int
take_end(struct submission *s, struct value_tree **tree)
{
	int r = batch_summary_from_value((*tree)->root, &s->summary);

	if (r < 0 || !s->id || s->end || s->summary.state != BATCH_DONE) {
		return -EPROTO;
	}
	s->end = steal(tree); /* the summary borrows from it */
	return 0;
}

static int
take_line(struct submission *s, const char *text, size_t len)
{
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_error error;
	const char *type;
	int r = json_parse(text, len, &tree, &error);

	if (r < 0) {
		return r == -EINVAL ? -EPROTO : r;
	}
	type = value_get_text(tree->root, "type");
	if (!type) {
		return -EPROTO;
	}
	output_raw(&s->output, text, len);
	if (strcmp(type, "batch") == 0) {
		return take_batch(s, tree->root);
	}
	if (strcmp(type, "result") == 0) {
		return take_result(s, tree->root);
	}
	if (strcmp(type, "end") == 0) {
		return take_end(s, &tree);
	}
	return 0; /* a heartbeat, or something a newer daemon knows */
}

static int
take_lines(struct submission *s)
{
	struct buffer *content = &s->stream.content;
	size_t used = 0;
	int r = 0;

	while (r == 0 && used < content->len) {
		const char *text = content->data + used;
		const char *newline = memchr(text, '\n', content->len - used);

		if (!newline) {
			break;
		}
		r = take_line(s, text, (size_t)(newline - text));
		used += (size_t)(newline - text) + 1;
	}
	if (used > 0) {
		buffer_consume(content, used);
	}
	return r;
}

/* ---- Ctrl-C ---- */

static void
start_cancel(struct submission *s)
{
	_cleanup_(buffer_fini) struct buffer target = BUFFER_INIT;
	struct http_request request = { .method = "POST", .accept = "application/json" };
	int r;

	s->is_cancelling = true;
	erase_progress(s);
	say("cancelling batch %s (Ctrl-C again hangs up)", s->id);
	buffer_puts(&target, "/v1/batches/");
	call_put_id(&target, s->id);
	buffer_puts(&target, "/cancel");
	request.target = target.data;
	r = buffer_error(&target);
	r = r < 0 ? r : http_open(&s->cancel, s->socket, &request);
	if (r < 0) {
		(void)problem_say_error(r, s->socket); /* the second Ctrl-C still works */
		http_fini(&s->cancel);
	}
}

/* A refusal is worth knowing while the stream goes on; success shows in the stream. */
static void
look_at_cancel(struct submission *s)
{
	if (s->cancel.fd < 0 || !s->cancel.is_done) {
		return;
	}
	if (!s->end && !s->stream.is_done) {
		erase_progress(s);
		if (s->cancel.error < 0) {
			(void)problem_say_error(s->cancel.error, s->socket);
		} else if (s->cancel.answer.status >= 300) {
			(void)problem_say_answer(&s->cancel, "/v1/batches/", NULL);
		}
	}
	http_fini(&s->cancel);
}

/* Whether to go on after what the user pressed. */
static bool
heed_interrupts(struct submission *s)
{
	int n = interrupts_count();

	if (n == 0) {
		return true;
	}
	if (n > 1 || !s->id) {
		return false;
	}
	if (!s->is_cancelling) {
		start_cancel(s);
	}
	return true;
}

/* ---- from start to end ---- */

/* Reads until the stream ends, an error, or two interrupts. Return: an exit code; -1 = see the stream */
static int
follow(struct submission *s, const sigset_t *mask)
{
	int code = EXIT_ALL_OK;

	while (code == EXIT_ALL_OK && !s->stream.is_done && !s->error) {
		struct http *list[] = { &s->stream, &s->cancel };
		int r = http_wait(list, s->cancel.fd >= 0 ? 2 : 1,
			s->talk.can_rewrite ? REDRAW_MS : -1, mask);

		if (r < 0 && r != -EINTR) {
			s->error = r;
			break;
		}
		if (s->stream.answer.status == 200) {
			s->error = take_lines(s);
		}
		code = write_output(s);
		look_at_cancel(s);
		if (!s->stream.is_done && !heed_interrupts(s)) {
			erase_progress(s);
			say("%s", s->id ? "hung up: fetchd cancels what is left"
					: "hung up before the batch began");
			return EXIT_CANCELLED;
		}
		draw_progress(s);
	}
	erase_progress(s);
	return code == EXIT_ALL_OK ? -1 : code;
}

/* The stream is over without its last line. */
static int
explain_missing_end(struct submission *s)
{
	int status = s->stream.answer.status;

	if (s->input.why.len > 0) {
		return problem_say_usage("submit", s->input.why.data);
	}
	if (s->error < 0) {
		return problem_say_error(s->error, s->error == -EPROTO ? s->socket : "results");
	}
	if (s->stream.error == 0 && status >= 300) {
		return problem_say_answer(&s->stream, "/v1/batches", &s->input);
	}
	if (s->stream.error < 0 && s->stream.error != -ECONNRESET) {
		return problem_say_error(s->stream.error, s->socket);
	}
	if (!s->id) {
		say("the answer was cut: fetchd went away before the batch began\n"
		    "look for the reason: journalctl -u fetchd");
	} else if (s->progress.n_urls > 0) {
		say("the answer was cut: fetchd went away after %zu of %zu results\n"
		    "look for the reason: journalctl -u fetchd",
			s->output.n_results, s->progress.n_urls);
	} else {
		say("the answer was cut: fetchd went away after %zu results\n"
		    "look for the reason: journalctl -u fetchd",
			s->output.n_results);
	}
	return EXIT_UNREACHABLE;
}

static int
write_report(struct submission *s)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	const char *path = options_get(s->options, OPTION_REPORT);
	FILE *file;
	int r;

	if (!path) {
		return EXIT_ALL_OK;
	}
	r = output_report(&s->output, &s->summary, (enum report_kind)report_kind_of(path), &text);
	if (r != 0) {
		return r > 0 ? r : problem_say_error(r, path);
	}
	file = fopen(path, "we");
	if (!file || fwrite(text.data, 1, text.len, file) != text.len) {
		r = errno;
	}
	if (file && fclose(file) != 0) {
		r = errno;
	}
	if (r != 0) {
		say("cannot write %s: %s", path, strerror(r));
		return EXIT_INTERNAL;
	}
	return EXIT_ALL_OK;
}

/* Prints what had to wait, and the summary. */
static int
conclude(struct submission *s, int code)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	int r = output_end(&s->output, s->end ? s->end->root : NULL);
	int write_code;

	if (r != 0) {
		return r > 0 ? r : problem_say_error(r, "results");
	}
	write_code = write_output(s);
	if (write_code != EXIT_ALL_OK) {
		return write_code;
	}
	if (code >= 0) {
		return code;
	}
	if (!s->end) {
		return explain_missing_end(s);
	}
	if (!output_is(&s->output, "json") && !output_is(&s->output, "ndjson")) {
		summary_put(&line, &s->summary, &s->talk.style);
		if (buffer_error(&line) == 0) {
			(void)fprintf(stderr, "%s\n", line.data);
		}
	}
	write_code = write_report(s);
	return write_code != EXIT_ALL_OK ? write_code : (int)summary_exit_code(&s->summary);
}

/* Accepted to run by itself: the answer is the batch. */
static int
show_detached(struct submission *s)
{
	buffer_append(&s->output.text, s->stream.content.data, s->stream.content.len);
	return write_output(s);
}

/* The value goes into a head line: what would end that line is not let through. */
static int
check_key(struct submission *s)
{
	const char *key = options_get(s->options, OPTION_IDEMPOTENCY_KEY);

	for (; key && *key; key++) {
		if (*key <= ' ' || *key > '~') {
			buffer_puts(&s->input.why, "--idempotency-key: visible ASCII only");
			return -EINVAL;
		}
	}
	return 0;
}

static int
prepare(struct submission *s)
{
	const char *report = options_get(s->options, OPTION_REPORT);
	const char *format = options_get(s->options, OPTION_OUTPUT);
	int r = output_open(&s->output,
		options_has(s->options, OPTION_WATERFALL) ? "waterfall" : format, report != NULL);

	if (r < 0) {
		buffer_printf(&s->input.why, "cannot make a temporary file: %s", strerror(-r));
	}
	if (r == 0 && report && report_kind_of(report) < 0) {
		buffer_puts(&s->input.why, "--report: the file's name ends with .html or .svg");
		r = -EINVAL;
	}
	r = r < 0 ? r : check_key(s);
	r = r < 0 ? r : input_open(&s->input, s->options);
	if (r < 0) {
		return r;
	}
	s->source = input_source(&s->input);
	terminal_look(STDERR_FILENO, &s->talk);
	return 0;
}

int
cmd_submit(const struct options *options)
{
	_cleanup_(submission_fini) struct submission s = {
		.options = options,
		.socket = call_socket(options),
		.input = INPUT_INIT,
		.stream = HTTP_INIT,
		.cancel = HTTP_INIT,
	};
	struct http_request request = {
		.method = "POST",
		.target = "/v1/batches",
		.accept = "application/x-ndjson, application/problem+json",
		.content_type = "application/x-ndjson",
		.prefer = options_has(options, OPTION_DETACH) ? "respond-async" : NULL,
		.idempotency_key = options_get(options, OPTION_IDEMPOTENCY_KEY),
		.source = &s.source,
	};
	int code;
	int r;

	r = prepare(&s);
	if (r < 0) {
		return problem_say_usage(
			"submit", s.input.why.len > 0 ? s.input.why.data : strerror(-r));
	}
	r = http_open(&s.stream, s.socket, &request);
	if (r < 0) {
		return problem_say_error(r, s.socket);
	}
	code = follow(&s, interrupts_catch());
	if (code < 0 && s.stream.error == 0 && s.stream.answer.status == 202) {
		return show_detached(&s);
	}
	return conclude(&s, code);
}
