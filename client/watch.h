/* SPDX-License-Identifier: MIT */
/*
 * A screen that is drawn anew every second, until Ctrl-C. It stands beside the terminal's own, which comes back as it
 * was, however the watching ends; what goes wrong is said only then. Elsewhere than on a terminal that can rewrite
 * (a file, a pipe, TERM=dumb) it is drawn once, plainly.
 */
#pragma once

#include "client/http.h"
#include "client/options.h"
#include "client/terminal.h"
#include "lib/base/buffer.h"

/*
 * request   asked each time; borrowed
 * draw      makes of the answer @content what is shown; with COLOUR as @terminal has it. Return: 0, or a
 *           negative error code: the answer is none
 * arg       of draw
 */
struct watch {
	const struct http_request *request;
	int (*draw)(void *arg, const struct buffer *content, const struct terminal *terminal,
		struct buffer *out);
	void *arg;
};

/* watch_run() - ask and draw until the user has enough. Return: the exit code */
int watch_run(const struct watch *watch, const struct options *options);

/* watch_once() - ask and print */
int watch_once(const struct watch *watch, const struct options *options);
