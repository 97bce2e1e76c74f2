/* SPDX-License-Identifier: MIT */
/* Looking on: the results of a batch that goes on by itself, and its end. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/interrupts.h"
#include "client/problem.h"
#include "client/stream.h"

static int
put_target(const struct options *options, struct buffer *target)
{
	buffer_puts(target, "/v1/batches/");
	call_put_id(target, options->arguments[0]);
	buffer_puts(target, "/results");
	return buffer_error(target);
}

/* @format: NULL = the usual one */
static int
look_on(const struct options *options, const char *format)
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

	r = r < 0 ? r : put_target(options, &target);
	s.id = r < 0 ? NULL : strdup(options->arguments[0]);
	if (!s.id) {
		say("%s", strerror(r < 0 ? -r : ENOMEM));
		return EXIT_INTERNAL;
	}
	request.target = s.target = target.data;
	terminal_look(STDERR_FILENO, &s.talk);
	stream_begin(&s);
	r = http_open(&s.exchange, s.socket, &request);
	if (r < 0) {
		return problem_say_error(r, s.socket);
	}
	return stream_conclude(&s, stream_follow(&s, interrupts_catch()));
}

int
cmd_results(const struct options *options)
{
	const char *format = options_get(options, OPTION_OUTPUT);

	if (options_has(options, OPTION_FOLLOW)) {
		return look_on(options, format);
	}
	if (format && strcmp(format, "ndjson") == 0) {
		return problem_say_usage("results", "ndjson is a stream: give --follow, too");
	}
	return cmd_show(options);
}

/* The results are not asked for, but their stream tells when the batch is over. */
int
cmd_wait(const struct options *options)
{
	return look_on(options, "none");
}
