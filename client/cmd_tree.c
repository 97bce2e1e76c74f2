/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/problem.h"

/* The daemon draws; names of tasks are its own, but URLs are in them: it cleans them. */
int
cmd_tree(const struct options *options)
{
	_cleanup_(http_fini) struct http http = HTTP_INIT;
	struct http_request request = {
		.method = "GET",
		.target = "/v1/tree",
		.accept = "text/plain",
	};
	const char *format = options_get(options, OPTION_OUTPUT);
	int code;

	if (options_has(options, OPTION_WATCH)) {
		return problem_say_usage("tree", "--watch is not in this version");
	}
	if (format && strcmp(format, "json") == 0) {
		request.accept = "application/json";
	}
	code = call(options, &request, &http);
	return code == EXIT_ALL_OK ? call_write(&http.content) : code;
}
