/* SPDX-License-Identifier: MIT */
/*
 * One URL as straight-line code:
 *
 *	fetch_task      timeout ─ fetch_attempts ─ deliver
 *	fetch_attempts  attempt (hedge.c: or two of them), and again after a back-off
 *	fetch_attempt   hop, and another one after a redirect; then the response is judged
 *	fetch_hop_here  resolve ─ check the addresses ─ transfer (visit.c: or another worker's)
 *
 * What goes wrong with the URL is an outcome: written down as error and detail, and the functions
 * return 0. They return negative codes only for what the task itself meets: cancellation, and
 * things that should not happen, which fetch_task turns into "resources".
 *
 * All state is in the task's frame, which with all that it calls while it waits fits into one page:
 * ten thousand waiting fetches are ten thousand such pages. Whatever needs more stack than that
 * (libcurl, c-ares, printf) runs on the loop's stack, or in functions that are not inlined and over
 * before the task waits.
 */
#include "lib/fetch/fetch.h"

#include <errno.h>
#include <fetch/expect.h>
#include <nursery.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fetch/fetching.h"
#include "lib/fetch/hedge.h"
#include "lib/fetch/rules/request.h"
#include "lib/fetch/rules/retry.h"
#include "lib/fetch/split.h"
#include "lib/fetch/visit.h"

#define REMOTE_CAP (INET6_ADDRSTRLEN + 10) /* "[" address "]:65535" */

/* What a task gets at its start. */
struct seed {
	struct fetch_run *run;
	struct fetch_url *url;
	struct fetch_lane *lane;
	size_t index;
};

static void
set_error(struct fetching *fetching, enum fetch_error error, const char *detail)
{
	size_t len = strlen(detail);

	fetching->error = error;
	if (len >= FETCH_DETAIL_CAP) {
		len = FETCH_DETAIL_CAP - 1;
	}
	memcpy(fetching->transfer.detail, detail, len);
	fetching->transfer.detail[len] = '\0';
}

/* Places. */

void
fetch_leave_lane(struct fetching *fetching)
{
	if (fetching->lane) {
		fetch_lane_leave(fetching->lane);
		fetching->lane = NULL;
	}
}

static void
granted(struct fetch_waiter *waiter)
{
	struct fetching *fetching = container_of(waiter, struct fetching, waiter);

	fetching->lane = waiter->lane;
	nur_reschedule(fetching->waiting, 0);
}

static enum nur_abort
abort_lane(struct nur_task *task, void *arg)
{
	struct fetching *fetching = arg;

	fetch_lane_give_up(&fetching->waiter);
	return NUR_ABORT_SUCCEEDED;
}

int
fetch_enter_own_lane(struct fetching *fetching, const char *origin)
{
	int r;

	fetching->waiter.granted = granted;
	fetching->waiting = nur_current_task();
	r = fetch_lane_enter(fetching->run->queue, origin, &fetching->waiter);
	if (r < 0) {
		return r;
	}
	if (r == 1) {
		fetching->lane = fetching->waiter.lane;
		return 0;
	}
	return nur_wait_task_rescheduled("origin", abort_lane, fetching);
}

int
fetch_enter_lane(struct fetching *fetching, const char *origin)
{
	const struct fetch_part *part = fetching->run->part;

	fetching->host = part ? fetch_part_host(part, origin) : NULL;
	return fetching->host ? 0 : fetch_enter_own_lane(fetching, origin);
}

/* A hop. */

/* 0, or the outcome is "denied": no address may be connected to. */
__attribute__((noinline)) static void
check_addresses(struct fetching *fetching, const struct fetch_answer *answer)
{
	const struct fetch_engine *engine = fetching->run->engine;
	const struct fetch_address_policy *policy =
		fetch_policy_of(engine->policies, fetching->run->batch->address_policy);
	struct fetch_reason reason;

	if (engine->proxy && !fetch_url_is_literal(fetching->url)) {
		return; /* only the proxy knows which they will be */
	}
	if (!answer || engine->proxy) {
		if (fetch_address_policy_check(policy, &fetching->url->address, &reason) < 0) {
			set_error(fetching, FETCH_ERROR_DENIED, reason.text);
		}
		return;
	}
	for (size_t i = 0; i < answer->n_addresses; i++) {
		if (fetch_address_policy_check(policy, &answer->addresses[i], &reason) == 0) {
			return;
		}
	}
	set_error(fetching, FETCH_ERROR_DENIED, reason.text); /* of the last */
}

static int
resolve(struct fetching *fetching, const char *host, struct fetch_answer **ret_answer)
{
	struct fetch_resolver *resolver = fetching->run->engine->resolver;
	nur_time began;
	int r;

	fetching->dns_ns = 0;
	r = fetch_resolver_find(resolver, host, ret_answer);
	if (r == -ENOENT) {
		began = nur_now();
		r = fetch_resolver_lookup(resolver, host, ret_answer);
		fetching->dns_ns = nur_now() - began;
	}
	if (r < 0) {
		return r;
	}
	switch ((*ret_answer)->error) {
	case 0:
		break;
	case -ENOENT:
		set_error(fetching, FETCH_ERROR_DNS_NOT_FOUND, "the name has no address");
		break;
	default:
		set_error(fetching, FETCH_ERROR_DNS_FAILED, "no name server had an answer");
		break;
	}
	return 0;
}

static uint64_t
get_max_body(const struct fetching *fetching)
{
	return fetching->options->max_body ? fetching->options->max_body
					   : fetching->run->engine->max_body;
}

/* RFC 6585, 4 and RFC 9110, 15.6.4: the server is asked for less, by all. */
static void
heed_retry_after(struct fetching *fetching)
{
	const struct fetch_transfer *transfer = &fetching->transfer;
	nur_time longest = fetching->run->engine->max_rest;
	nur_time rest;

	if (transfer->retry_after_s <= 0 || longest < 0 || !fetching->lane ||
		(transfer->status != 429 && transfer->status != 503)) {
		return;
	}
	rest = transfer->retry_after_s < longest / NUR_SEC(1) ? NUR_SEC(transfer->retry_after_s)
							      : longest;
	fetch_lane_rest(fetching->lane, nur_time_add(nur_now(), rest));
}

int
fetch_hop_here(struct fetching *fetching)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	struct fetch_transfer *transfer = &fetching->transfer;
	const struct fetch_url *proxy = fetching->run->engine->proxy;
	const struct fetch_url *peer = proxy ? proxy : fetching->url;
	int r;

	fetch_transfer_fini(transfer);
	fetching->dns_ns = FETCH_ABSENT;
	if (!fetch_url_is_literal(peer)) {
		r = resolve(fetching, peer->host, &answer);
		if (r < 0 || fetching->error) {
			return r;
		}
	}
	check_addresses(fetching, answer);
	if (fetching->error) {
		return 0;
	}

	transfer->url = fetching->url;
	transfer->answer = answer;
	transfer->options = fetching->options;
	transfer->method = fetching->method;
	transfer->with_body = fetching->with_body;
	transfer->is_elsewhere = fetching->is_elsewhere;
	transfer->max_body = get_max_body(fetching);
	transfer->policy = fetching->run->batch->address_policy;
	transfer->fitted = &fetching->run->fitted;
	r = fetch_body_begin(
		&transfer->body, fetching->options->capture, fetching->options->judge.body != NULL);
	if (r < 0) {
		return r;
	}
	r = fetch_transfer_run(fetching->run->engine->transfers, transfer);
	fetching->error = transfer->error;
	heed_retry_after(fetching);
	return r;
}

/* Redirects. */

void
fetch_set_url(struct fetching *fetching, struct fetch_url *url)
{
	if (fetching->url != fetching->first) {
		fetch_url_destroy(fetching->url);
	}
	fetching->url = url;
}

/* Takes the next URL, or writes down why it is not followed. */
__attribute__((noinline)) static int
take_location(struct fetching *fetching)
{
	struct fetch_url *url;
	struct fetch_reason reason;
	bool with_body;
	int r;

	if (fetching->redirects >= fetching->options->max_redirects) {
		set_error(fetching, FETCH_ERROR_REDIRECT_LIMIT, "one redirect more than allowed");
		return 0;
	}
	r = fetch_url_resolve(fetching->url, fetching->transfer.head.location, &url, &reason);
	if (r == -EINVAL) {
		set_error(fetching, FETCH_ERROR_REDIRECT_DENIED, reason.text);
		return 0;
	}
	if (r < 0) {
		return r;
	}
	if (fetching->url->is_https && !url->is_https) {
		fetch_url_destroy(url);
		set_error(fetching, FETCH_ERROR_REDIRECT_DENIED, "from https to http");
		return 0;
	}

	fetching->redirects++;
	fetching->method =
		fetch_redirect_method(fetching->transfer.status, fetching->method, &with_body);
	fetching->with_body = fetching->with_body && with_body;
	fetch_set_url(fetching, url);
	return 0;
}

/* The place at the old origin is given back before the new one's is asked for: two origins that
 * redirect to each other would wait for one another. */
static int
move_lane(struct fetching *fetching, const char *origin)
{
	fetch_leave_lane(fetching);
	return fetch_enter_lane(fetching, origin);
}

static int
follow(struct fetching *fetching)
{
	char *before = strdup(fetching->url->origin);
	bool is_same;
	int r;

	if (!before) {
		return -ENOMEM;
	}
	r = take_location(fetching);
	is_same = strcmp(before, fetching->url->origin) == 0;
	free(before);
	/* where requests are spaced, a hop within the origin waits for its turn */
	if (r < 0 || fetching->error || (is_same && fetching->run->batch->spacing == 0)) {
		return r;
	}
	fetching->is_elsewhere = fetching->is_elsewhere || !is_same;
	return move_lane(fetching, fetching->url->origin);
}

/* The response, of which the head is there, leads to another hop. */
static bool
is_redirected(const struct fetching *fetching)
{
	const struct fetch_head *head = &fetching->transfer.head;

	return fetching->options->max_redirects > 0 && head->location &&
	       fetch_status_is_redirect(head->status);
}

bool
fetch_is_being_answered(const struct fetching *fetching)
{
	return fetching->transfer.head.is_whole && !is_redirected(fetching);
}

__attribute__((noinline)) static void
judge_status(struct fetching *fetching)
{
	static const struct fetch_expect by_default = FETCH_EXPECT_DEFAULT;
	const struct fetch_expect *expect =
		fetching->options->expect ? fetching->options->expect : &by_default;
	int status = fetching->transfer.status;
	struct fetch_reason reason;

	if (!fetch_expect_has(expect, status)) {
		fetch_expect_describe(expect, status, &reason);
		set_error(fetching, FETCH_ERROR_STATUS, reason.text);
	}
}

__attribute__((noinline)) static void
judge_body(struct fetching *fetching)
{
	const struct fetch_judge *judge = &fetching->options->judge;
	const struct fetch_body *body = &fetching->transfer.body;
	struct fetch_reason reason = { "" };

	if (judge->body(judge->user, fetch_body_bytes(body), body->bytes.len, &reason) < 0) {
		set_error(fetching, FETCH_ERROR_ASSERTION, reason.text);
	}
}

/* Attempts. */

static bool
has_default_body(const char *method)
{
	/* RFC 9110, 8.6: a method that anticipates content sends Content-Length: 0 */
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

/* Whether the response came whole, and was not what was wanted. */
static bool
is_judged(const struct fetching *fetching)
{
	return fetching->error == FETCH_ERROR_STATUS || fetching->error == FETCH_ERROR_ASSERTION;
}

bool
fetch_is_answered(const struct fetching *fetching)
{
	return !fetching->error || is_judged(fetching);
}

static int
attempt(struct fetching *fetching)
{
	const struct fetch_options *options = fetching->options;
	int r;

	fetching->redirects = 0;
	fetching->error = FETCH_ERROR_NONE;
	fetching->is_elsewhere = false;
	fetching->method = options->method ? options->method : "GET";
	fetching->with_body = options->body != NULL || has_default_body(fetching->method);
	for (;;) {
		r = fetching->host ? fetch_visit(fetching) : fetch_hop_here(fetching);
		if (r < 0 || fetching->error) {
			return r;
		}
		if (!is_redirected(fetching)) {
			break;
		}
		r = follow(fetching);
		if (r < 0 || fetching->error) {
			return r;
		}
	}
	judge_status(fetching);
	if (!fetching->error && fetching->options->judge.body) {
		judge_body(fetching);
	}
	return 0;
}

__attribute__((noinline)) static int
timed_attempt(struct fetching *fetching)
{
	struct nur_cancel_scope scope;
	int r;

	nur_cancel_scope_init_at(
		&scope, nur_time_add(nur_now(), fetching->options->attempt_timeout));
	r = NUR_WITHIN(&scope, attempt(fetching));
	if (nur_cancel_scope_cancelled_caught(&scope)) {
		set_error(fetching, FETCH_ERROR_ATTEMPT_TIMEOUT,
			fetch_is_being_answered(fetching) ? "the body was not whole"
							  : "no response had begun");
	}
	return r;
}

int
fetch_attempt(struct fetching *fetching)
{
	return fetching->options->attempt_timeout > 0 ? timed_attempt(fetching) : attempt(fetching);
}

/* Return: 1 when there is time for another attempt and a place, 0 when the result stands, or an
 * error. */
static int
back_off(struct fetching *fetching)
{
	const struct fetch_retries *retries = &fetching->options->retries;
	nur_time until;
	int r;

	if (fetching->n_retries >= retries->max ||
		!fetch_retry_is_wanted(retries, fetching->error, fetching->transfer.status)) {
		return 0;
	}
	until = nur_time_add(nur_now(),
		fetch_retry_delay(retries, fetching->n_retries, fetching->transfer.retry_after_s,
			fetch_engine_random(fetching->run->engine)));
	if (until >= nur_current_effective_deadline()) {
		return 0;
	}
	fetching->n_retries++;
	fetching->run->engine
		->total_retries[fetch_retry_cause(fetching->error, fetching->transfer.status)]++;
	fetch_leave_lane(fetching);
	r = nur_sleep_until(until);
	if (r == 0) {
		fetch_set_url(fetching, fetching->first);
		r = fetch_enter_lane(fetching, fetching->first->origin);
	}
	return r < 0 ? r : 1;
}

static int
announce(const struct fetching *fetching)
{
	const struct fetch_sink *sink = fetching->run->sink;

	return sink && sink->starting ? sink->starting(sink->user, fetching->index) : 0;
}

static int
fetch_attempts(struct fetching *fetching)
{
	int r = announce(fetching);

	if (r < 0) {
		return r;
	}
	do {
		fetching->attempts++;
		r = fetch_hedge_is_wanted(fetching) ? fetch_hedged_attempt(fetching)
						    : fetch_attempt(fetching);
		if (r < 0 || !fetching->error) {
			return r;
		}
		r = back_off(fetching);
	} while (r == 1);
	return r;
}

/* Results. */

static void
write_remote(const struct fetch_transfer *transfer, char *text)
{
	bool is_6 = strchr(transfer->ip, ':') != NULL;

	if (is_6) {
		*text++ = '[';
	}
	text = stpcpy(text, transfer->ip);
	if (is_6) {
		*text++ = ']';
	}
	*text++ = ':';
	*fetch_port_format(transfer->port, text) = '\0';
}

static void
add_body(struct fetch_result *result, const struct fetch_body *body)
{
	result->capture = body->kind;
	switch (body->kind) {
	case FETCH_CAPTURE_NONE:
		break;
	case FETCH_CAPTURE_SHA256:
		result->body = body->digest;
		result->body_len = sizeof(body->digest);
		break;
	case FETCH_CAPTURE_BODY:
		result->body = fetch_body_bytes(body);
		result->body_len = body->bytes.len;
		break;
	}
}

__attribute__((noinline)) static void
deliver(struct fetching *fetching, enum fetch_outcome outcome)
{
	const struct fetch_transfer *transfer = &fetching->transfer;
	const struct fetch_head *head = &transfer->head;
	char remote[REMOTE_CAP];
	struct fetch_result result = {
		.index = fetching->index,
		.outcome = outcome,
		.status = !transfer->status && head->is_whole ? head->status : transfer->status,
		.attempts = fetching->attempts,
		.redirects = fetching->redirects,
		.final_url = fetching->url->display,
		.bytes = transfer->bytes,
		.http_version = transfer->http_version,
		.is_reused = transfer->is_reused,
		.tls_issuer = transfer->tls_issuer,
		.tls_expires = transfer->tls_expires,
		.timing = {
			.queue = fetching->queue_ns,
			.dns = fetching->dns_ns,
			.connect = transfer->connect_ns,
			.tls = transfer->tls_ns,
			.first_byte = transfer->first_byte_ns,
		},
		.error_detail = "",
	};

	if (transfer->ip[0] != '\0') {
		write_remote(transfer, remote);
		result.remote = remote;
	}
	if (outcome == FETCH_FAILED || outcome == FETCH_TIMEOUT) {
		result.error = fetching->error;
		result.error_detail = transfer->detail;
	}
	if (outcome == FETCH_OK || (outcome == FETCH_FAILED && is_judged(fetching))) {
		add_body(&result, &transfer->body);
	}
	fetch_run_deliver(fetching->run, &result);
}

static int
fetch_within_timeout(struct fetching *fetching, bool *ret_timed_out)
{
	struct nur_cancel_scope scope;
	int r;

	if (fetching->options->timeout <= 0) {
		*ret_timed_out = false;
		return fetch_attempts(fetching);
	}
	nur_cancel_scope_init_at(&scope, nur_time_add(nur_now(), fetching->options->timeout));
	r = NUR_WITHIN(&scope, fetch_attempts(fetching));
	*ret_timed_out = nur_cancel_scope_cancelled_caught(&scope);
	return r;
}

static void
finish(struct fetching *fetching, int r, bool has_timed_out)
{
	if (r == NUR_ECANCELED) {
		deliver(fetching, FETCH_CANCELLED);
	} else if (r < 0) {
		set_error(fetching, FETCH_ERROR_RESOURCES, nur_strerror(r));
		deliver(fetching, FETCH_FAILED);
	} else if (has_timed_out) {
		set_error(fetching, FETCH_ERROR_NONE, "");
		deliver(fetching, FETCH_TIMEOUT);
	} else {
		deliver(fetching, fetching->error ? FETCH_FAILED : FETCH_OK);
	}
}

static int
fetch_task(void *arg)
{
	struct seed *seed = arg;
	struct fetching fetching = {
		.run = seed->run,
		.options = seed->run->batch->requests[seed->index].options,
		.index = seed->index,
		.first = seed->url,
		.url = seed->url,
		.lane = seed->lane,
		.queue_ns = nur_now() - seed->run->batch->accepted_at,
	};
	bool has_timed_out;
	int r;

	free(seed);
	r = fetch_within_timeout(&fetching, &has_timed_out);
	finish(&fetching, r, has_timed_out);

	fetch_leave_lane(&fetching);
	fetch_queue_leave(fetching.run->queue);
	fetch_transfer_fini(&fetching.transfer);
	fetch_set_url(&fetching, NULL);
	fetch_url_destroy(fetching.first);
	return r == NUR_ECANCELED ? r : 0;
}

/* Trees and logs show it: never with user info. */
static const char *
get_name(const char *url)
{
	return strchr(url, '@') ? "fetch" : url;
}

int
fetch_start(struct fetch_run *run, size_t index, struct fetch_lane *lane, struct fetch_url *url)
{
	struct seed *seed = malloc(sizeof(*seed));
	int r;

	if (!seed) {
		return -ENOMEM;
	}
	*seed = (struct seed){ .run = run, .url = url, .lane = lane, .index = index };
	r = nur_start_soon(
		run->nursery, get_name(run->batch->requests[index].url), fetch_task, seed);
	if (r < 0) {
		free(seed);
	}
	return r;
}
