/* SPDX-License-Identifier: MIT */
/* fetchctl tree. The daemon draws; names of tasks are its own, but URLs are in them: it cleans them. */
#include <string.h>

#include "client/commands.h"
#include "client/problem.h"
#include "client/watch.h"

static int
draw(void *arg, const struct buffer *content, const struct terminal *terminal, struct buffer *out)
{
	buffer_append(out, content->data, content->len);
	return buffer_error(out);
}

int
cmd_tree(const struct options *options)
{
	const char *format = options_get(options, OPTION_OUTPUT);
	bool is_json = format && strcmp(format, "json") == 0;
	struct http_request request = {
		.method = "GET",
		.target = "/v1/tree",
		.accept = is_json ? "application/json" : "text/plain",
	};
	struct watch watch = { &request, draw, NULL };

	if (is_json && options_has(options, OPTION_WATCH)) {
		return problem_say_usage("tree", "--watch draws: it has no json");
	}
	return options_has(options, OPTION_WATCH) ? watch_run(&watch, options)
						  : watch_once(&watch, options);
}
