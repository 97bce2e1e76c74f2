/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/batches. A batch is read and checked whole before anything of it is started. An attached one then runs
 * in the handler's own tree, so that the caller's going away cancels it, and is answered collected or as a stream; a
 * detached one is answered when it is on disk.
 */
#include "daemon/api/submit_route.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/batch_answer.h"
#include "daemon/api/connection.h"
#include "daemon/api/quota.h"
#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/server.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

#define KEY_MAX 255 /* bytes of an Idempotency-Key */

/* ---- reading a batch ---- */

/* body  of a detached batch, as it came */
struct submission {
	struct exchange *exchange;
	enum batch_kind kind;
	bool wants_stream;
	bool is_detached;
	const char *key;
	struct buffer body;
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

/* What a detached batch needs. Return: 1 to go on, else what response_problem() returned. */
static int
check_detached(struct submission *submission)
{
	struct exchange *exchange = submission->exchange;
	struct response *response = &exchange->response;
	const char *why = batches_store_why(server_batches(exchange->server));
	const char *key = http_request_field(exchange->request, "Idempotency-Key");

	submission->is_detached = http_request_prefers(exchange->request, "respond-async");
	submission->key = key;
	if (!submission->is_detached && !key) {
		return 1;
	}
	if (!batches_have_store(server_batches(exchange->server))) {
		return response_problem(response, PROBLEM_NO_STORE,
			"this daemon has no store.path and runs attached batches only: leave out "
			"Prefer: respond-async and Idempotency-Key",
			NULL, NULL);
	}
	if (!submission->is_detached) {
		return response_problem(response, PROBLEM_BAD_PARAMETER,
			"Idempotency-Key belongs to detached batches: send Prefer: respond-async, "
			"too",
			NULL, NULL);
	}
	if (key && (!*key || strlen(key) > KEY_MAX)) {
		return response_problem(response, PROBLEM_BAD_PARAMETER,
			"Idempotency-Key has 1 to 255 characters", NULL, NULL);
	}
	return why ? response_problem(response, PROBLEM_STORE_FULL, why, NULL, NULL) : 1;
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
	submission->wants_stream = offer == 1;
	return check_detached(submission);
}

static int
feed(void *user, const char *data, size_t len)
{
	struct submission *submission = user;

	if (submission->is_detached) {
		buffer_append(&submission->body, data, len);
		if (buffer_error(&submission->body) < 0) {
			return -ENOMEM;
		}
	}
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
		return response_failure(response, r);
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
		r = response_failure(&exchange->response, r);
	}
	faults_fini(&faults);
	return r;
}

/* ---- attached ---- */

static int
run_batch(void *arg)
{
	return batch_run(arg);
}

struct stream {
	struct response *response;
	struct batch *batch;
};

static int
stream_body(struct nur_nursery *nursery, void *arg)
{
	struct stream *stream = arg;
	struct batch_summary summary = batch_describe(stream->batch);
	struct json_writer w = JSON_WRITER_INIT(&stream->response->out);
	size_t n_seen = 0;
	int r = nur_start_soon(nursery, "batch", run_batch, stream->batch);

	batch_write_begin_line(&w, &summary);
	if (r < 0) {
		/* No stack for a task: it runs in this one, and its results are told afterwards. */
		r = batch_run(stream->batch);
	}
	if (r >= 0) {
		r = batch_answer_follow(stream->response, stream->batch, &n_seen, SIZE_MAX);
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
	struct stream stream = { &exchange->response, batch };
	int r;

	response_begin(&exchange->response, 200, "application/x-ndjson", NULL);
	r = nur_nursery_run(stream_body, &stream, NULL);
	return r < 0 ? r : batch_answer_end(&exchange->response, batch);
}

/* Why a batch was not taken. */
static int
answer_refusal(struct exchange *exchange, int r)
{
	struct response *response = &exchange->response;
	const char *why = batches_store_why(server_batches(exchange->server));

	switch (r) {
	case NUR_ECANCELED:
		return r;
	case -ESHUTDOWN:
		return response_problem(response, PROBLEM_DRAINING,
			"the daemon is stopping and takes no new batches", "Retry-After: 5\r\n",
			NULL);
	case -EAGAIN:
		return response_problem(response, PROBLEM_OVERLOADED,
			"limits.batches of the configuration are running", "Retry-After: 1\r\n",
			NULL);
	case -EBUSY:
		return response_problem(response, PROBLEM_IDEMPOTENCY_BUSY,
			"a batch with this Idempotency-Key is being accepted", "Retry-After: 1\r\n",
			NULL);
	case -EEXIST:
		return response_problem(response, PROBLEM_IDEMPOTENCY_MISMATCH,
			"there is a batch with this Idempotency-Key, made of another body", NULL,
			NULL);
	case -EDQUOT:
		return quota_refuse_stored(exchange);
	case -ENOSPC:
		return response_problem(response, PROBLEM_STORE_FULL,
			"the store has reached store.max_size of the configuration",
			"Retry-After: 60\r\n", NULL);
	case -EIO:
		return response_problem(response, PROBLEM_STORE_FULL,
			why ? why : "the store has failed", NULL, NULL);
	default:
		return response_failure(response, r);
	}
}

static int
run_attached(struct submission *submission, struct batch_description **description)
{
	struct exchange *exchange = submission->exchange;
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = batches_admit(server_batches(exchange->server), *description, &batch);

	if (r < 0) {
		return answer_refusal(exchange, r);
	}
	(void)steal(description);
	batch_set_owner(batch, exchange->peer.uid, exchange->level);
	if (submission->wants_stream) {
		return answer_stream(exchange, batch);
	}
	r = batch_run(batch);
	return r < 0 ? answer_refusal(exchange, r) : batch_answer_send(exchange, batch);
}

/* ---- detached ---- */

static int
answer_accepted(struct exchange *exchange, const struct batch *batch)
{
	struct batch_summary summary = batch_describe(batch);
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	char fields[128];

	(void)snprintf(fields, sizeof(fields),
		"Location: /v1/batches/%s\r\nPreference-Applied: respond-async\r\n",
		batch_id(batch));
	response_begin(&exchange->response, 202, "application/json", fields);
	batch_answer_summary(&w, &summary);
	json_end_line(&w);
	return response_end(&exchange->response);
}

static int
accept_detached(struct submission *submission, struct batch_description **description)
{
	struct exchange *exchange = submission->exchange;
	const struct config *config = server_config(exchange->server);
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	struct batch_submission detached = {
		.description = steal(description),
		.kind = submission->kind,
		.query = query_of(exchange->request),
		.body = submission->body,
		.defaults = config->batch_defaults,
		.limits = config->batch_limits,
		.uid = exchange->peer.uid,
		.level = exchange->level,
		.key = submission->key,
		.max_stored = config->max_stored_per_user,
	};
	int r;

	submission->body = (struct buffer)BUFFER_INIT;
	r = batches_accept(server_batches(exchange->server), &detached, &batch);
	return r < 0 ? answer_refusal(exchange, r) : answer_accepted(exchange, batch);
}

static int
submit(struct submission *submission)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	int r = check_head(submission);

	if (r > 0) {
		r = read_batch(submission, &description);
	}
	if (r > 0) {
		assert(description); /* read_batch() says so */
		r = quota_check(submission->exchange, description->n_urls);
	}
	if (r <= 0) {
		return r;
	}
	return submission->is_detached ? accept_detached(submission, &description)
				       : run_attached(submission, &description);
}

int
submit_route(struct exchange *exchange, const char *name)
{
	struct submission submission = { .exchange = exchange, .body = BUFFER_INIT };
	int r = submit(&submission);

	buffer_fini(&submission.body);
	return r;
}
