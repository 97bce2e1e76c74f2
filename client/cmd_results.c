/* SPDX-License-Identifier: MIT */
/* fetchctl results, and wait: looking on at a batch that goes on by itself. */
#include <string.h>

#include "client/commands.h"
#include "client/problem.h"
#include "client/stream.h"

int
cmd_results(const struct options *options)
{
	const char *format = options_get(options, OPTION_OUTPUT);

	if (options_has(options, OPTION_FOLLOW)) {
		return stream_look_on(options, options->arguments[0], format);
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
	return stream_look_on(options, options->arguments[0], "none");
}
