/* SPDX-License-Identifier: MIT */
#include "daemon/api/problem.h"

#include <assert.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/faults.h"
#include "lib/protocol/json_writer.h"

#define TYPE_PREFIX "urn:fetchd:problem:"

struct row {
	const char *name;
	const char *type;
	int status;
	const char *title;
};

static const struct row rows[] = {
#define X(code, name, status, title) { name, TYPE_PREFIX name, status, title },
	PROBLEM_CODES(X)
#undef X
};

static const struct row *
get_row(enum problem_code code)
{
	assert((size_t)code < ARRAY_LEN(rows));
	return &rows[code];
}

/* Unknown positions and absent suggestions are left out, not written as 0 or null. */
void
problem_write_fault(const struct fault *fault, struct json_writer *w)
{
	json_begin_object(w);
	if (fault->source) {
		json_write_key(w, "source");
		json_write_text(w, fault->source);
	}
	json_write_key(w, "pointer");
	json_write_text(w, fault->pointer);
	if (fault->line > 0) {
		json_write_key(w, "line");
		json_write_uint(w, fault->line);
	}
	if (fault->column > 0) {
		json_write_key(w, "column");
		json_write_uint(w, fault->column);
	}
	json_write_key(w, "detail");
	json_write_text(w, fault->detail);
	if (fault->suggestion) {
		json_write_key(w, "suggestion");
		json_write_text(w, fault->suggestion);
	}
	if (fault->code) {
		json_write_key(w, "code");
		json_write_text(w, fault->code);
	}
	json_end_object(w);
}

static void
write_faults(const struct faults *faults, struct json_writer *w)
{
	json_write_key(w, "errors");
	json_begin_array(w);
	for (size_t i = 0; i < faults->n; i++) {
		problem_write_fault(&faults->items[i], w);
	}
	json_end_array(w);
	if (faults->n_dropped > 0) {
		json_write_key(w, "errors_omitted");
		json_write_uint(w, faults->n_dropped);
	}
}

void
problem_write(const struct problem *problem, struct buffer *out)
{
	const struct row *row = get_row(problem->code);
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_write_key(&w, "type");
	json_write_text(&w, row->type);
	json_write_key(&w, "title");
	json_write_text(&w, row->title);
	json_write_key(&w, "status");
	json_write_int(&w, row->status);
	if (problem->detail) {
		json_write_key(&w, "detail");
		json_write_text(&w, problem->detail);
	}
	json_write_key(&w, "code");
	json_write_text(&w, row->name);
	if (problem->request_id) {
		json_write_key(&w, "request_id");
		json_write_text(&w, problem->request_id);
	}
	if (problem->faults && faults_count(problem->faults) > 0) {
		write_faults(problem->faults, &w);
	}
	json_end_object(&w);
	json_end_line(&w);
}

int
problem_status(enum problem_code code)
{
	return get_row(code)->status;
}

const char *
problem_name(enum problem_code code)
{
	return get_row(code)->name;
}

const char *
problem_title(enum problem_code code)
{
	return get_row(code)->title;
}

enum problem_code
problem_of_status(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].status == status) {
			return (enum problem_code)i; /* the general one stands first */
		}
	}
	return PROBLEM_INTERNAL;
}

const char *
problem_reason_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 100, "Continue" },
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (phrases[i].status == status) {
			return phrases[i].phrase;
		}
	}
	return "";
}
