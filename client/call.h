/* SPDX-License-Identifier: MIT */
/* A request with a short answer, as most commands make it. */
#pragma once

#include "client/exit_code.h"
#include "client/http.h"
#include "client/options.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/value.h"

/* call_socket() - the path by --socket, $FETCHD_SOCKET, or the usual one */
const char *call_socket(const struct options *options);

/**
 * call() - ask the daemon, and say what went wrong if it did
 * @http: its content is the answer; http_fini() is the caller's
 * Return: EXIT_ALL_OK for a status below 300, else what the program ends with
 */
int call(const struct options *options, const struct http_request *request, struct http *http);

/* call_json() - the same with Accept: application/json, and the answer as a tree, given */
int call_json(const struct options *options, const char *method, const char *target,
	struct value_tree **ret_tree);

/* call_put_id() - an ID or name into a request's target, percent-encoded */
void call_put_id(struct buffer *target, const char *id);

/*
 * call_named() - call_json() about what the first argument names
 * @folder: "/v1/jobs/" and the like
 * @verb:   "/cancel" and the like, which is a POST; "" to look at it, a GET
 */
int call_named(const struct options *options, const char *folder, const char *verb,
	struct value_tree **ret_tree);

/* call_write() - @text to standard output. Return: EXIT_ALL_OK, or EXIT_INTERNAL after saying why */
int call_write(const struct buffer *text);
