/* SPDX-License-Identifier: MIT */
/*
 * One exchange carries the results of a batch, line by line; of a submission its content is the URLs. There the
 * first Ctrl-C starts a second exchange, which asks the daemon to cancel the batch; the stream is
 * read all the while, for it ends with the cancelled results. The second Ctrl-C hangs up.
 *
 *	stream ──batch──result──result──…──end──► exit code by the outcome
 *	            │ first Ctrl-C                 (no end: the answer was cut)
 *	            └──► cancel ──► answer: looked at only when it is a refusal

 * Whoever only looks on (results, wait) has the batch's ID from the start, and Ctrl-C hangs up at once.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/http.h"
#include "client/input.h"
#include "client/options.h"
#include "client/output.h"
#include "client/terminal.h"
#include "client/view/progress.h"

/*
 * socket          where the daemon is
 * target          what was asked for
 * input           names places in the request's content; NULL = it has none
 * cancels         the batch belongs to whoever hangs up: Ctrl-C cancels it first
 * id, end         from the first and last line; NULL before they came
 * summary         what @end says
 * error           a negative code that ended the reading of lines; 0 = none
 * talk            standard error
 * is_drawn        the progress line stands on the terminal
 * draw_at_ns      not before this: every result would be a line too many
 * is_cancelling   the second exchange was started
 */
struct stream {
	const struct options *options;
	const char *socket;
	struct input *input;
	const char *target;
	struct http exchange;
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
	bool cancels;
};

/* stream_follow() - read until the stream ends, an error, or Ctrl-C. Return: an exit code; -1 = see the stream */
int stream_follow(struct stream *s, const sigset_t *mask);

/* stream_write() - what is ready for standard output. Return: EXIT_ALL_OK or what the program ends with */
int stream_write(struct stream *s);

/* stream_conclude() - print what had to wait, and the summary. Return: the exit code; @code is stream_follow()'s */
int stream_conclude(struct stream *s, int code);

/**
 * stream_look_on() - the results of a batch that goes on by itself, to its end
 * @format: as output_open()
 * Return: the exit code, that of the batch
 */
int stream_look_on(const struct options *options, const char *id, const char *format);

/* stream_fini() - hang up and free */
void stream_fini(struct stream *s);
