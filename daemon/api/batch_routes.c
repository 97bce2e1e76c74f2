/* SPDX-License-Identifier: MIT */
/*
 * Batches over the API. A submitted batch is read and checked whole before anything of it is started; then it
 * runs in the handler's own tree, so that the caller's going away cancels it. The answer is either collected
 * at the end or a stream of lines while it runs; both read the results that daemon/batches.c keeps.
 */
#include "daemon/api/batch_routes.h"

#include <errno.h>
#include <fetch/fetch.h>
#include <inttypes.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/connection.h"
#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/server.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

enum {
	heartbeat_seconds = 15,
	default_list_limit = 100,
	max_list_limit = 1000,
};

/* ---- reading a batch ---- */

struct submission {
	struct exchange *exchange;
	enum batch_kind kind;
	bool wants_stream;
	struct batch_reader *reader;
};

static int
find_kind(struct exchange *exchange, enum batch_kind *ret_kind)
{
	const char *type = http_request_field(exchange->request, "Content-Type");

	if (!type || http_media_type_is(type, "application/json") ||
		http_media_type_is(type, "application/x-www-form-urlencoded")) {
		*ret_kind = BATCH_KIND_JSON;
	} else if (http_media_type_is(type, "application/x-ndjson")) {
		*ret_kind = BATCH_KIND_NDJSON;
	} else if (http_media_type_is(type, "text/plain")) {
		*ret_kind = BATCH_KIND_TEXT;
	} else {
		return -EINVAL;
	}
	return 0;
}

static bool
is_encoded(const struct http_request *request)
{
	const char *encoding = http_request_field(request, "Content-Encoding");

	return encoding && strcasecmp(encoding, "identity") != 0;
}

/* Looks at the head. Return: 1 to go on, else what response_problem() returned. */
static int
check_head(struct submission *submission)
{
	static const char *const offers[] = { "application/json", "application/x-ndjson" };
	struct exchange *exchange = submission->exchange;
	struct response *response = &exchange->response;
	int offer = http_request_accepts(exchange->request, offers, ARRAY_LEN(offers));

	if (batches_is_draining(server_batches(exchange->server))) {
		return response_problem(response, PROBLEM_DRAINING,
			"the daemon is stopping and takes no new batches", "Retry-After: 5\r\n",
			NULL);
	}
	if (find_kind(exchange, &submission->kind) < 0) {
		return response_problem(response, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			"send application/json, application/x-ndjson (the batch without urls, then "
			"a URL or an object a line) or text/plain (a URL a line)",
			NULL, NULL);
	}
	if (is_encoded(exchange->request)) {
		return response_problem(response, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			"send the body as it is, without Content-Encoding", NULL, NULL);
	}
	if (offer < 0) {
		return response_problem(response, PROBLEM_NOT_ACCEPTABLE,
			"application/json and application/x-ndjson are there", NULL, NULL);
	}
	if (http_request_prefers(exchange->request, "respond-async")) {
		return response_problem(response, PROBLEM_NO_STORE,
			"this daemon runs attached batches only: leave out Prefer: respond-async",
			NULL, NULL);
	}
	if (http_request_field(exchange->request, "Idempotency-Key")) {
		return response_problem(response, PROBLEM_NO_STORE,
			"Idempotency-Key belongs to detached batches, which this daemon does not "
			"run",
			NULL, NULL);
	}
	submission->wants_stream = offer == 1;
	return 1;
}

static int
feed(void *user, const char *data, size_t len)
{
	struct submission *submission = user;

	return batch_reader_feed(submission->reader, data, len);
}

static int
answer_unread(struct submission *submission, int r)
{
	struct response *response = &submission->exchange->response;

	response->keep_alive = false; /* what follows in the input is the rest of the body */
	switch (r) {
	case NUR_ECANCELED:
		return r;
	case NUR_ETOOSLOW:
		return response_problem(response, PROBLEM_TIMEOUT,
			"the body did not arrive within 30 s", NULL, NULL);
	case -E2BIG:
		return response_problem(response, PROBLEM_TOO_LARGE,
			"a JSON body has 1 MiB at most; send larger batches as "
			"application/x-ndjson or text/plain",
			NULL, NULL);
	case -EMSGSIZE:
		return response_problem(response, PROBLEM_TOO_LARGE,
			"the body is over limits.request of the configuration; split the batch",
			NULL, NULL);
	case -EPROTO:
		return response_problem(response, PROBLEM_BAD_REQUEST,
			"the body's framing is broken, or it ended early", NULL, NULL);
	default:
		return response_problem(response, PROBLEM_INTERNAL, nur_strerror(r), NULL, NULL);
	}
}

/* Where the query begins in the target, or NULL. */
static const char *
query_of(const struct http_request *request)
{
	const char *mark = strchr(request->target, '?');

	return mark ? mark + 1 : NULL;
}

/* Reads and checks the whole body. Return: 1 with a description, or what the answer's sending returned. */
static int
read_batch(struct submission *submission, struct batch_description **ret_description)
{
	struct exchange *exchange = submission->exchange;
	_cleanup_(config_unrefp) struct config *config =
		config_ref(server_config(exchange->server)); /* a reload may come in between */
	const char *query = query_of(exchange->request);
	struct batch_input input = {
		.kind = submission->kind,
		.query = query,
		.query_len = query ? strlen(query) : 0,
		.defaults = &config->batch_defaults,
		.limits = &config->batch_limits,
	};
	_cleanup_(batch_reader_destroyp) struct batch_reader *reader = NULL;
	struct faults faults = FAULTS_INIT;
	int r = batch_reader_open(&input, &reader);

	if (r < 0) {
		return answer_unread(submission, r);
	}
	submission->reader = reader;
	r = connection_read_body(exchange, (uint64_t)config->max_request, feed, submission);
	if (r < 0) {
		return answer_unread(submission, r);
	}
	r = batch_reader_finish(reader, ret_description, &faults);
	if (r == 0) {
		r = 1;
	} else if (r == -EBADMSG || r == -EINVAL) {
		r = response_problem(&exchange->response,
			r == -EINVAL ? PROBLEM_INVALID_BATCH : PROBLEM_BAD_BODY,
			"nothing was started; errors has what to change", NULL, &faults);
	} else {
		r = response_problem(
			&exchange->response, PROBLEM_INTERNAL, nur_strerror(r), NULL, NULL);
	}
	faults_fini(&faults);
	return r;
}

/* ---- answers ---- */

/* A stored result is an object; in a stream it begins with its type and number. */
static void
write_result_line(struct buffer *out, const struct batch *batch, size_t n)
{
	struct batch_text text = batch_result(batch, n);

	buffer_printf(out, "{\"type\":\"result\",\"seq\":%zu,", n + 1);
	buffer_append(out, text.data + 1, text.len - 1);
	buffer_putc(out, '\n');
}

/* What has finished since @n_sent, in pieces. */
static int
send_new_results(struct response *response, const struct batch *batch, size_t *n_sent)
{
	int r = 0;

	while (r >= 0 && *n_sent < batch_n_results(batch)) {
		write_result_line(&response->out, batch, (*n_sent)++);
		r = response_flush_when_large(response);
	}
	if (r >= 0 && response->out.len > 0) {
		r = response_flush(response);
	}
	return r;
}

struct stream {
	struct response *response;
	struct batch *batch;
	size_t n_sent;
};

static int
wait_for_more(void *arg)
{
	struct stream *stream = arg;

	return batch_wait_results(stream->batch, stream->n_sent);
}

static int
stream_results(struct stream *stream)
{
	int r = send_new_results(stream->response, stream->batch, &stream->n_sent);

	while (r >= 0 && !(batch_is_done(stream->batch) &&
				 stream->n_sent == batch_n_results(stream->batch))) {
		bool is_quiet = false;

		r = nur_move_on_after(
			NUR_SEC(heartbeat_seconds), 0, wait_for_more, stream, &is_quiet);
		if (r >= 0 && is_quiet) {
			struct json_writer w = JSON_WRITER_INIT(&stream->response->out);

			batch_write_heartbeat_line(&w);
			r = response_flush(stream->response);
		} else if (r >= 0) {
			r = send_new_results(stream->response, stream->batch, &stream->n_sent);
		}
	}
	return r;
}

static int
run_batch(void *arg)
{
	return batch_run(arg);
}

static int
stream_body(struct nur_nursery *nursery, void *arg)
{
	struct stream *stream = arg;
	struct batch_summary summary = batch_describe(stream->batch);
	struct json_writer w = JSON_WRITER_INIT(&stream->response->out);
	int r = nur_start_soon(nursery, "batch", run_batch, stream->batch);

	batch_write_begin_line(&w, &summary);
	if (r < 0) {
		/* No stack for a task: it runs in this one, and its results are told afterwards. */
		r = batch_run(stream->batch);
	}
	if (r >= 0) {
		r = stream_results(stream);
	}
	if (r < 0) {
		/* The caller reads nothing any more. */
		nur_nursery_cancel(nursery, cancel_reason_name(CANCEL_CLIENT_GONE));
	}
	return r;
}

static int
answer_stream(struct exchange *exchange, struct batch *batch)
{
	struct stream stream = { &exchange->response, batch, 0 };
	struct batch_summary summary;
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	int r;

	response_begin(&exchange->response, 200, "application/x-ndjson", NULL);
	r = nur_nursery_run(stream_body, &stream, NULL);
	if (r < 0) {
		return r;
	}
	summary = batch_describe(batch);
	batch_write_end_line(&w, &summary);
	return response_end(&exchange->response);
}

/* The batch's object with its results in the order of the URLs. */
static int
send_batch(struct exchange *exchange, const struct batch *batch)
{
	struct response *response = &exchange->response;
	struct json_writer w = JSON_WRITER_INIT(&response->out);
	struct batch_summary summary = batch_describe(batch);
	bool is_first = true;
	int r = 0;

	response_begin(response, 200, "application/json", NULL);
	if (batch_is_done(batch)) {
		summary.n_urls = 0; /* the results say it */
	}
	json_begin_object(&w);
	batch_summary_write_members(&w, &summary);
	json_write_key(&w, "results");
	json_begin_array(&w);
	for (size_t i = 0; r >= 0 && i < batch_n_urls(batch); i++) {
		struct batch_text text = batch_result_of(batch, i);

		if (!text.data) {
			continue;
		}
		if (!is_first) {
			buffer_putc(&response->out, ',');
		}
		is_first = false;
		buffer_append(&response->out, text.data, text.len);
		r = response_flush_when_large(response);
	}
	if (r < 0) {
		return r;
	}
	json_end_array(&w);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(response);
}

static int
admit(struct exchange *exchange, struct batch_description **description, struct batch **ret_batch)
{
	int r = batches_admit(server_batches(exchange->server), *description, ret_batch);

	switch (r) {
	case 0:
		(void)steal(description);
		return 1;
	case -ESHUTDOWN:
		return response_problem(&exchange->response, PROBLEM_DRAINING,
			"the daemon is stopping and takes no new batches", "Retry-After: 5\r\n",
			NULL);
	case -EAGAIN:
		return response_problem(&exchange->response, PROBLEM_OVERLOADED,
			"limits.batches of the configuration are running", "Retry-After: 1\r\n",
			NULL);
	default:
		return response_problem(
			&exchange->response, PROBLEM_INTERNAL, nur_strerror(r), NULL, NULL);
	}
}

int
batch_route_submit(struct exchange *exchange, const char *id)
{
	struct submission submission = { .exchange = exchange };
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = check_head(&submission);

	if (r <= 0) {
		return r;
	}
	r = read_batch(&submission, &description);
	if (r <= 0) {
		return r;
	}
	r = admit(exchange, &description, &batch);
	if (r <= 0) {
		return r;
	}
	if (submission.wants_stream) {
		return answer_stream(exchange, batch);
	}
	r = batch_run(batch);
	if (r == NUR_ECANCELED) {
		return r;
	}
	if (r < 0) {
		return response_problem(
			&exchange->response, PROBLEM_INTERNAL, nur_strerror(r), NULL, NULL);
	}
	return send_batch(exchange, batch);
}

/* ---- looking and cancelling ---- */

/* The query parameters of the list. Return: 1, or what the answer's sending returned. */
struct list_query {
	int state;
	size_t limit;
	const char *cursor;
};

static int
read_list_query(struct exchange *exchange, struct list_query *query)
{
	const char *state = http_request_param(exchange->request, "state");
	const char *limit = http_request_param(exchange->request, "limit");

	query->cursor = http_request_param(exchange->request, "cursor");
	query->state = -1;
	query->limit = default_list_limit;
	if (state) {
		query->state = batch_state_find(state);
		if (query->state < 0) {
			return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
				"state is queued, running, suspended or done", NULL, NULL);
		}
	}
	if (limit) {
		char *end;
		unsigned long n = strtoul(limit, &end, 10);

		if (*limit < '0' || *limit > '9' || *end || n < 1 || n > max_list_limit) {
			return response_problem(&exchange->response, PROBLEM_BAD_PARAMETER,
				"limit is a number from 1 to 1000", NULL, NULL);
		}
		query->limit = n;
	}
	return 1;
}

static void
write_summary(struct json_writer *w, const struct batch *batch)
{
	struct batch_summary summary = batch_describe(batch);

	json_begin_object(w);
	batch_summary_write_members(w, &summary);
	json_end_object(w);
}

/* Ids sort by time, so the cursor is the last id shown: the list goes on with older ones. */
int
batch_route_list(struct exchange *exchange, const char *id)
{
	struct batches *batches = server_batches(exchange->server);
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	struct list_query query;
	struct batch *batch = NULL;
	struct batch *last = NULL;
	size_t n = 0;
	int r = read_list_query(exchange, &query);

	if (r <= 0) {
		return r;
	}
	response_begin(&exchange->response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "batches");
	json_begin_array(&w);
	while (n < query.limit && (batch = batches_next(batches, batch))) {
		if ((query.cursor && strcmp(batch_id(batch), query.cursor) >= 0) ||
			(query.state >= 0 && (int)batch_describe(batch).state != query.state)) {
			continue;
		}
		write_summary(&w, batch);
		last = batch;
		n++;
	}
	json_end_array(&w);
	json_write_key(&w, "cursor");
	json_write_text(&w, batch && last ? batch_id(last) : NULL);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(&exchange->response);
}

static int
no_such_batch(struct exchange *exchange)
{
	return response_problem(&exchange->response, PROBLEM_NOT_FOUND,
		"no running or recent batch has this id; GET /v1/batches lists them", NULL, NULL);
}

int
batch_route_show(struct exchange *exchange, const char *id)
{
	_cleanup_(batch_unrefp) struct batch *batch =
		batches_find(server_batches(exchange->server), id);

	return batch ? send_batch(exchange, batch) : no_such_batch(exchange);
}

int
batch_route_cancel(struct exchange *exchange, const char *id)
{
	_cleanup_(batch_unrefp) struct batch *batch =
		batches_find(server_batches(exchange->server), id);
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	int r;

	if (!batch) {
		return no_such_batch(exchange);
	}
	batch_cancel(batch, CANCEL_REQUEST);
	r = batch_wait_done(batch);
	if (r < 0) {
		return r;
	}
	response_begin(&exchange->response, 200, "application/json", NULL);
	write_summary(&w, batch);
	json_end_line(&w);
	return response_end(&exchange->response);
}
