/* SPDX-License-Identifier: MIT */
#include "client/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/call.h"
#include "client/interrupts.h"
#include "client/problem.h"
#include "client/terminal.h"
#include "client/view/progress.h"
#include "client/view/summary.h"
#include "lib/protocol/json.h"
#include "lib/protocol/units.h"

#define REDRAW_MS 100

static int64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there */
	return now.tv_sec * UNITS_NS_PER_S + now.tv_nsec;
}

void
stream_fini(struct stream *s)
{
	http_fini(&s->exchange);
	http_fini(&s->cancel);
	output_fini(&s->output);
	free(s->id);
	value_tree_destroy(s->end);
}

/* ---- the progress line ---- */

static void
erase_progress(struct stream *s)
{
	if (s->is_drawn) {
		(void)fputs("\r\033[K", stderr); /* a failing terminal has nobody to tell */
		(void)fflush(stderr);
		s->is_drawn = false;
	}
}

static void
draw_progress(struct stream *s)
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

int
stream_write(struct stream *s)
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

static void
begin(struct stream *s, size_t n_urls, int64_t deadline_ns)
{
	progress_init(&s->progress, n_urls, now_ns(), deadline_ns);
	output_begin(&s->output);
}

static int
take_batch(struct stream *s, const struct value *line)
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
	begin(s, summary.n_urls, summary.deadline_ns > 0 ? now_ns() + summary.deadline_ns : -1);
	return 0;
}

static int
take_result(struct stream *s, const struct value *line)
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
take_end(struct stream *s, struct value_tree **tree)
{
	int r = batch_summary_from_value((*tree)->root, &s->summary);

	if (r < 0 || !s->id || s->end || s->summary.state != BATCH_DONE) {
		return -EPROTO;
	}
	s->end = steal(tree); /* the summary borrows from it */
	return 0;
}

static int
take_line(struct stream *s, const char *text, size_t len)
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
take_lines(struct stream *s)
{
	struct buffer *content = &s->exchange.content;
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
start_cancel(struct stream *s)
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
look_at_cancel(struct stream *s)
{
	if (s->cancel.fd < 0 || !s->cancel.is_done) {
		return;
	}
	if (!s->end && !s->exchange.is_done) {
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
heed_interrupts(struct stream *s)
{
	int n = interrupts_count();

	if (n == 0) {
		return true;
	}
	if (n > 1 || !s->id || !s->cancels) {
		return false;
	}
	if (!s->is_cancelling) {
		start_cancel(s);
	}
	return true;
}

/* ---- from start to end ---- */

int
stream_follow(struct stream *s, const sigset_t *mask)
{
	int code = EXIT_ALL_OK;

	while (code == EXIT_ALL_OK && !s->exchange.is_done && !s->error) {
		struct http *list[] = { &s->exchange, &s->cancel };
		int r = http_wait(list, s->cancel.fd >= 0 ? 2 : 1,
			s->talk.can_rewrite ? REDRAW_MS : -1, mask);

		if (r < 0 && r != -EINTR) {
			s->error = r;
			break;
		}
		if (s->exchange.answer.status == 200) {
			s->error = take_lines(s);
		}
		code = stream_write(s);
		look_at_cancel(s);
		if (!s->exchange.is_done && !heed_interrupts(s)) {
			erase_progress(s);
			say("%s", !s->cancels ? "hung up: the batch goes on"
				  : s->id     ? "hung up: fetchd cancels what is left"
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
explain_missing_end(struct stream *s)
{
	int status = s->exchange.answer.status;

	if (s->input && s->input->why.len > 0) {
		return problem_say_usage("submit", s->input->why.data);
	}
	if (s->error < 0) {
		return problem_say_error(s->error, s->error == -EPROTO ? s->socket : "results");
	}
	if (s->exchange.error == 0 && status >= 300) {
		return problem_say_answer(&s->exchange, s->target, s->input);
	}
	if (s->exchange.error < 0 && s->exchange.error != -ECONNRESET) {
		return problem_say_error(s->exchange.error, s->socket);
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
write_report(struct stream *s)
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

int
stream_conclude(struct stream *s, int code)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	int r = output_end(&s->output, s->end ? s->end->root : NULL);
	int write_code;

	if (r != 0) {
		return r > 0 ? r : problem_say_error(r, "results");
	}
	write_code = stream_write(s);
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
	return write_code != EXIT_ALL_OK ? write_code : (int)batch_exit_code(&s->summary);
}

static int
put_target(const char *id, struct buffer *target)
{
	buffer_puts(target, "/v1/batches/");
	call_put_id(target, id);
	buffer_puts(target, "/results");
	return buffer_error(target);
}

int
stream_look_on(const struct options *options, const char *id, const char *format)
{
	_cleanup_(buffer_fini) struct buffer target = BUFFER_INIT;
	_cleanup_(stream_fini) struct stream s = {
		.options = options,
		.socket = call_socket(options),
		.exchange = HTTP_INIT,
		.cancel = HTTP_INIT,
	};
	struct http_request request = {
		.method = "GET",
		.accept = "application/x-ndjson, application/problem+json",
	};
	int r = output_open(&s.output, format, false);

	r = r < 0 ? r : put_target(id, &target);
	s.id = r < 0 ? NULL : strdup(id);
	if (!s.id) {
		say("%s", strerror(r < 0 ? -r : ENOMEM));
		return EXIT_INTERNAL;
	}
	request.target = s.target = target.data;
	terminal_look(STDERR_FILENO, &s.talk);
	begin(&s, 0, -1); /* the ID was known before: the stream has no first line */
	r = http_open(&s.exchange, s.socket, &request);
	if (r < 0) {
		return problem_say_error(r, s.socket);
	}
	return stream_conclude(&s, stream_follow(&s, interrupts_catch()));
}
