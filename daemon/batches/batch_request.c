/* SPDX-License-Identifier: MIT */
#include "daemon/batches/batch_request.h"

#include <assert.h>
#include <errno.h>
#include <fetch/expect.h>

#include "lib/protocol/arena.h"
#include "lib/protocol/assertion.h"

/* In the arena, too. */
struct held_assertion {
	struct held_assertion *next;
	struct assertion *assertion;
};

/*
 * arena       memory of the translated options
 * assertions  what of them is not in the arena
 * urls        of batch
 */
struct batch_request {
	struct arena arena;
	struct held_assertion *assertions;
	struct fetch_url_request *urls;
	struct fetch_batch batch;
};

static int
map_expect(struct arena *arena, const struct batch_statuses *statuses,
	const struct fetch_expect **ret_expect)
{
	struct fetch_expect *expect = arena_alloc(arena, sizeof(*expect));

	static_assert(BATCH_EXPECT_MAX <= FETCH_EXPECT_MAX, "what is read has room");
	assert(statuses->n <= FETCH_EXPECT_MAX);
	if (!expect) {
		return -ENOMEM;
	}
	expect->n_ranges = statuses->n;
	for (size_t i = 0; i < statuses->n; i++) {
		expect->ranges[i].min = statuses->ranges[i].first;
		expect->ranges[i].max = statuses->ranges[i].last;
	}
	*ret_expect = expect;
	return 0;
}

static int
map_headers(struct arena *arena, const struct batch_options *from, struct fetch_options *to)
{
	struct fetch_header *headers;

	if (from->n_headers == 0) {
		return 0;
	}
	headers = arena_alloc(arena, from->n_headers * sizeof(*headers));
	if (!headers) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->n_headers; i++) {
		headers[i].name = from->headers[i].name;
		headers[i].value = from->headers[i].value;
	}
	to->headers = headers;
	to->n_headers = from->n_headers;
	return 0;
}

/* The engine has a flag for all 5xx; other statuses are listed one by one. */
static int
map_retries(struct arena *arena, const struct batch_retries *from, struct fetch_retries *to)
{
	uint16_t *statuses = NULL;
	size_t n = 0;

	*to = (struct fetch_retries){
		.max = from->max,
		.backoff = from->backoff_ns,
		.max_backoff = from->max_backoff_ns,
		.on = (from->on_connect ? FETCH_RETRY_CONNECT : 0u) |
		      (from->on_timeout ? FETCH_RETRY_TIMEOUT : 0u),
	};
	for (size_t i = 0; i < from->on_status.n; i++) {
		const struct batch_status_range *range = &from->on_status.ranges[i];

		n += (size_t)(range->last - range->first) + 1;
	}
	if (n == 0) {
		return 0;
	}
	statuses = arena_alloc(arena, n * sizeof(*statuses));
	if (!statuses) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->on_status.n; i++) {
		const struct batch_status_range *range = &from->on_status.ranges[i];

		if (range->first == 500 && range->last == 599) {
			to->on |= FETCH_RETRY_5XX;
			continue;
		}
		for (unsigned status = range->first; status <= range->last; status++) {
			statuses[to->n_statuses++] = (uint16_t)status;
		}
	}
	to->statuses = statuses;
	return 0;
}

static enum fetch_capture
map_capture(enum batch_capture capture)
{
	switch (capture) {
	case BATCH_CAPTURE_SHA256:
		return FETCH_CAPTURE_SHA256;
	case BATCH_CAPTURE_TEXT:
	case BATCH_CAPTURE_BASE64:
		return FETCH_CAPTURE_BODY;
	case BATCH_CAPTURE_NONE:
		break;
	}
	return FETCH_CAPTURE_NONE;
}

static struct fetch_tls
map_tls(const struct batch_tls *tls)
{
	static const enum fetch_tls_version versions[] = {
		[BATCH_TLS_DEFAULT] = FETCH_TLS_DEFAULT,
		[BATCH_TLS_1_2] = FETCH_TLS_1_2,
		[BATCH_TLS_1_3] = FETCH_TLS_1_3,
	};

	return (struct fetch_tls){
		.is_unverified = !tls->verify,
		.min_version = versions[tls->min],
		.ca_pem = tls->ca,
		.client_cert_pem = tls->client,
		.with_report = tls->report,
	};
}

static int
judge_body(void *user, const void *data, size_t len, struct fetch_reason *reason)
{
	return assertion_check(user, data, len, reason->text, sizeof(reason->text));
}

static int
map_assertion(struct batch_request *request, const struct batch_assert *from,
	struct fetch_judge *ret_judge)
{
	struct held_assertion *held;
	int r;

	if (!from->contains && !from->regex && from->n_json == 0) {
		return 0;
	}
	held = arena_alloc(&request->arena, sizeof(*held));
	if (!held) {
		return -ENOMEM;
	}
	r = assertion_create(from, &held->assertion);
	if (r < 0) {
		return r;
	}
	held->next = request->assertions;
	request->assertions = held;
	*ret_judge = (struct fetch_judge){ judge_body, held->assertion };
	return 0;
}

static int
map_options(struct batch_request *request, const struct batch_options *from,
	const struct fetch_options **ret_to)
{
	struct arena *arena = &request->arena;
	struct fetch_options *to = arena_alloc(arena, sizeof(*to));
	int r;

	if (!to) {
		return -ENOMEM;
	}
	to->timeout = from->timeout_ns;
	to->attempt_timeout = from->attempt_timeout_ns;
	to->connect_timeout = from->connect_timeout_ns;
	to->hedge = from->hedge_ns;
	to->method = from->method;
	to->body = from->body;
	to->body_len = from->body_len;
	to->max_redirects = from->redirects;
	to->max_body = (uint64_t)from->max_body;
	to->capture = map_capture(from->capture);
	to->http_version = from->http_version == BATCH_HTTP_1_1 ? FETCH_HTTP_1_1
			   : from->http_version == BATCH_HTTP_2 ? FETCH_HTTP_2
								: FETCH_HTTP_AUTO;
	to->tls = map_tls(&from->tls);
	r = map_headers(arena, from, to);
	if (r < 0) {
		return r;
	}
	r = map_expect(arena, &from->expect, &to->expect);
	if (r < 0) {
		return r;
	}
	r = map_retries(arena, &from->retries, &to->retries);
	if (r < 0) {
		return r;
	}
	r = map_assertion(request, &from->assertion, &to->judge);
	if (r < 0) {
		return r;
	}
	*ret_to = to;
	return 0;
}

/* URLs that share options follow each other or use the batch's: two pairs to remember are enough. */
static int
map_urls(struct batch_request *request, const struct batch_description *description)
{
	const struct batch_options *last = description->options;
	const struct fetch_options *shared = NULL;
	const struct fetch_options *mapped = NULL;
	struct fetch_url_request *urls;
	int r;

	urls = arena_alloc(&request->arena, description->n_urls * sizeof(*urls));
	if (!urls) {
		return -ENOMEM;
	}
	r = map_options(request, description->options, &shared);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < description->n_urls; i++) {
		const struct batch_options *options = description->urls[i].options;

		if (options != description->options && options != last) {
			r = map_options(request, options, &mapped);
			if (r < 0) {
				return r;
			}
			last = options;
		}
		urls[i].url = description->urls[i].url;
		urls[i].options = options == description->options ? shared : mapped;
	}
	request->urls = urls;
	request->batch.requests = urls;
	request->batch.n_requests = description->n_urls;
	return 0;
}

int
batch_request_create(
	const struct batch_description *description, struct batch_request **ret_request)
{
	static const enum fetch_policy policies[] = {
		[BATCH_FAIL_FAST] = FETCH_POLICY_FAIL_FAST,
		[BATCH_COLLECT] = FETCH_POLICY_COLLECT,
		[BATCH_FIRST_SUCCESS] = FETCH_POLICY_FIRST_SUCCESS,
	};
	_cleanup_(batch_request_destroyp) struct batch_request *request = NULL;
	int r;

	request = calloc(1, sizeof(*request));
	if (!request) {
		return -ENOMEM;
	}
	request->batch.policy = policies[description->policy];
	request->batch.max_failures = description->max_failures > UINT32_MAX
					      ? UINT32_MAX
					      : (unsigned)description->max_failures;
	request->batch.deadline = description->deadline_ns;
	request->batch.concurrency = description->concurrency;
	request->batch.per_origin = description->per_origin;
	if (description->rate.count > 0) {
		/* rounded up: never more than asked for */
		request->batch.spacing = (description->rate.per_ns + description->rate.count - 1) /
					 description->rate.count;
	}
	request->batch.dedupe = description->dedupe;
	r = map_urls(request, description);
	if (r < 0) {
		return r;
	}
	*ret_request = steal(&request);
	return 0;
}

struct fetch_batch *
batch_request_batch(struct batch_request *request)
{
	return &request->batch;
}

void
batch_request_pick(struct batch_request *request, const uint32_t *indices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		request->urls[i] = request->urls[indices[i]]; /* none is before its place */
	}
	request->batch.n_requests = n;
}

void
batch_request_destroy(struct batch_request *request)
{
	if (!request) {
		return;
	}
	for (struct held_assertion *held = request->assertions; held; held = held->next) {
		assertion_destroy(held->assertion);
	}
	arena_fini(&request->arena);
	free(request);
}

/* The words of both libraries are the same list in the same order; a test compares their names. */
struct result_record
batch_result_record(const struct fetch_result *result, const struct batch_url *url)
{
	return (struct result_record){
		.index = result->index,
		.url = url->url,
		.outcome = (enum result_outcome)result->outcome,
		.is_twin = result->is_twin,
		.twin_of = result->twin_of,
		.status = result->status,
		.attempts = result->attempts,
		.redirects = result->redirects,
		.final_url = result->final_url,
		.bytes = (int64_t)result->bytes,
		.http_version = result->http_version,
		.remote = result->remote,
		.reused = result->is_reused,
		.tls_issuer = result->tls_issuer,
		.tls_expires = result->tls_expires,
		.timing = { result->timing.queue, result->timing.dns, result->timing.connect,
			result->timing.tls, result->timing.first_byte, result->timing.total },
		.error = (enum error_code)result->error,
		.error_detail = result->error_detail,
		.cancel_reason = (enum cancel_reason)result->cancel_reason,
		.cancel_cause = result->cancel_cause,
		.capture = url->options->capture,
		.body = result->body,
		.body_len = result->body_len,
	};
}

enum batch_outcome
batch_outcome_of(enum fetch_batch_outcome outcome)
{
	return (enum batch_outcome)outcome;
}
