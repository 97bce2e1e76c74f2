/* SPDX-License-Identifier: MIT */
#include "client/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/problem.h"
#include "lib/protocol/json.h"

#define DEFAULT_SOCKET "/run/fetchd/api.sock"

const char *
call_socket(const struct options *options)
{
	const char *given = options_get(options, OPTION_SOCKET);
	const char *env = getenv("FETCHD_SOCKET");

	if (given) {
		return given;
	}
	return env && env[0] ? env : DEFAULT_SOCKET;
}

int
call(const struct options *options, const struct http_request *request, struct http *http)
{
	const char *socket = call_socket(options);
	int r = http_call(http, socket, request);

	if (r < 0) {
		return problem_say_error(r, socket);
	}
	if (http->answer.status >= 300) {
		return problem_say_answer(http, request->target, NULL);
	}
	return EXIT_ALL_OK;
}

int
call_json(const struct options *options, const char *method, const char *target,
	struct value_tree **ret_tree)
{
	_cleanup_(http_fini) struct http http = HTTP_INIT;
	struct http_request request = {
		.method = method,
		.target = target,
		.accept = "application/json, application/problem+json",
	};
	struct json_error error;
	int code = call(options, &request, &http);
	int r;

	if (code != EXIT_ALL_OK) {
		return code;
	}
	r = json_parse(
		http.content.data ? http.content.data : "", http.content.len, ret_tree, &error);
	if (r == -EINVAL) {
		say("the daemon's answer is no JSON: line %u, column %u: %s", error.line,
			error.column, error.text);
		return EXIT_INTERNAL;
	}
	return r < 0 ? problem_say_error(r, call_socket(options)) : EXIT_ALL_OK;
}

void
call_put_id(struct buffer *target, const char *id)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *id; id++) {
		if (strchr(plain, *id)) {
			buffer_putc(target, *id);
		} else {
			buffer_printf(target, "%%%02X", (unsigned int)(unsigned char)*id);
		}
	}
}

int
call_named(const struct options *options, const char *folder, const char *verb,
	struct value_tree **ret_tree)
{
	_cleanup_(buffer_fini) struct buffer target = BUFFER_INIT;

	buffer_puts(&target, folder);
	call_put_id(&target, options->arguments[0]);
	buffer_puts(&target, verb);
	if (buffer_error(&target) < 0) {
		return problem_say_error(buffer_error(&target), call_socket(options));
	}
	return call_json(options, *verb ? "POST" : "GET", target.data, ret_tree);
}

int
call_write(const struct buffer *text)
{
	if (buffer_error(text) < 0) {
		say("out of memory");
		return EXIT_INTERNAL;
	}
	if ((text->len > 0 && fwrite(text->data, 1, text->len, stdout) != text->len) ||
		fflush(stdout) != 0) {
		say("cannot write the output: %s", strerror(errno));
		return EXIT_INTERNAL;
	}
	return EXIT_ALL_OK;
}
