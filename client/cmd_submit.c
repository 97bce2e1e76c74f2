/* SPDX-License-Identifier: MIT */
/* fetchctl submit. The input is sent as it is read; what comes back is followed by stream.c. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/input.h"
#include "client/interrupts.h"
#include "client/problem.h"
#include "client/stream.h"
#include "lib/protocol/json.h"

struct submission {
	const struct options *options;
	struct input input;
	struct http_source source;
	struct stream stream;
};

static void
submission_fini(struct submission *s)
{
	stream_fini(&s->stream);
	input_fini(&s->input);
}

static int
put_detached(struct submission *s, const struct value *batch)
{
	struct buffer *out = &s->stream.output.text;
	const char *id = value_get_text(batch, "id");

	if (!id) {
		say("the daemon's answer is no batch");
		return EXIT_INTERNAL;
	}
	text_put(out, id, &s->stream.output.terminal.style);
	buffer_putc(out, '\n');
	say("see: fetchctl results %s --follow", id);
	return stream_write(&s->stream);
}

/* Accepted to run by itself: the answer is the batch, of which its ID is what one wants to keep. */
static int
show_detached(struct submission *s)
{
	const struct buffer *content = &s->stream.exchange.content;
	_cleanup_(value_tree_destroyp) struct value_tree *tree = NULL;
	struct json_error error;
	int r = json_parse(content->data ? content->data : "", content->len, &tree, &error);

	if (r < 0) {
		return problem_say_error(r == -EINVAL ? -EPROTO : r, s->stream.socket);
	}
	if (output_is(&s->stream.output, "json") || output_is(&s->stream.output, "ndjson")) {
		return output_print_json(tree->root);
	}
	return put_detached(s, tree->root);
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
	int r = output_open(&s->stream.output,
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
	terminal_look(STDERR_FILENO, &s->stream.talk);
	return 0;
}

int
cmd_submit(const struct options *options)
{
	_cleanup_(submission_fini) struct submission s = {
		.options = options,
		.input = INPUT_INIT,
		.stream = {
			.options = options,
			.socket = call_socket(options),
			.target = "/v1/batches",
			.exchange = HTTP_INIT,
			.cancel = HTTP_INIT,
			.cancels = true,
		},
	};
	struct http_request request = {
		.method = "POST",
		.target = s.stream.target,
		.accept = "application/x-ndjson, application/problem+json",
		.content_type = "application/x-ndjson",
		.prefer = options_has(options, OPTION_DETACH) ? "respond-async" : NULL,
		.idempotency_key = options_get(options, OPTION_IDEMPOTENCY_KEY),
		.source = &s.source,
	};
	int code;
	int r;

	s.stream.input = &s.input;
	r = prepare(&s);
	if (r < 0) {
		return problem_say_usage(
			"submit", s.input.why.len > 0 ? s.input.why.data : strerror(-r));
	}
	r = http_open(&s.stream.exchange, s.stream.socket, &request);
	if (r < 0) {
		return problem_say_error(r, s.stream.socket);
	}
	code = stream_follow(&s.stream, interrupts_catch());
	if (code < 0 && s.stream.exchange.error == 0 && s.stream.exchange.answer.status == 202) {
		return show_detached(&s);
	}
	return stream_conclude(&s.stream, code);
}
