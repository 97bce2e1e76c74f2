/* SPDX-License-Identifier: MIT */
/*
 * The fetch engine: batches of URLs over HTTP, each batch one nursery.
 *
 *	struct fetch_url_request requests[] = { { "https://example.org/", &options } };
 *	struct fetch_batch batch = { .policy = FETCH_POLICY_FAIL_FAST, .requests = requests,
 *		.n_requests = 1, .accepted_at = nur_now() };
 *	struct fetch_batch_summary summary;
 *
 *	r = fetch_batch_run(engine, &batch, &sink, &summary);
 *
 * An engine belongs to the run that created it: all its calls are made by tasks of that run. Every
 * URL gets exactly one result, also when its batch is cancelled; when fetch_batch_run() returns,
 * nothing of the batch is alive and the sockets of what was cancelled are closed.
 *
 * An engine may have several workers: threads, each with a run of its own, among which origins are
 * divided. Batches stay one: their tasks there end with the caller's nursery, results come to the
 * caller's run, and whatever is said of a batch here holds.
 *
 * Cancelling a batch is cancelling a scope around fetch_batch_run(). The scope's text says why and
 * becomes the results' reason, when it is one of the words of fetch_cancel_reason_name():
 *
 *	nur_cancel_scope_cancel(&scope, fetch_cancel_reason_name(FETCH_CANCEL_CLIENT_GONE));
 *
 * Without such a text a passed deadline is "deadline", the end of the run "shutdown", and anything
 * else "cancel_request".
 *
 * What belongs to a URL is in struct fetch_options: its times, its request, what counts as success,
 * retries and hedges, certificates. What belongs to all of them together is in struct fetch_batch:
 * policy, deadline, windows, spacing, twins. What belongs to all batches is the engine's: limits, the
 * network policy, name servers, a proxy, rests that servers ask for.
 *
 * Durations are nanoseconds; 0 in an option is "not set". Strings and arrays are borrowed for as
 * long as the object that names them, unless said otherwise.
 */
#pragma once

#include <fetch/address_policy.h>
#include <fetch/expect.h>
#include <fetch/reason.h>
#include <nursery/clock.h>
#include <nursery/macros.h>
#include <nursery/tree.h>

NUR_BEGIN_DECLS

struct fetch_engine;

/* The words of results; each has its name on the wire. */

enum fetch_outcome {
	FETCH_OK,
	FETCH_FAILED,
	FETCH_TIMEOUT,   /* its own timeout passed; a failure for the policy */
	FETCH_CANCELLED, /* see the reason */
};

enum fetch_error {
	FETCH_ERROR_NONE,
	FETCH_ERROR_BAD_URL,
	FETCH_ERROR_DENIED, /* the network policy refuses the address */
	FETCH_ERROR_DNS_NOT_FOUND,
	FETCH_ERROR_DNS_FAILED,
	FETCH_ERROR_CONNECTION_REFUSED,
	FETCH_ERROR_UNREACHABLE,
	FETCH_ERROR_CONNECT_TIMEOUT,
	FETCH_ERROR_ATTEMPT_TIMEOUT,
	FETCH_ERROR_TLS_CERTIFICATE,
	FETCH_ERROR_TLS_HANDSHAKE,
	FETCH_ERROR_PROTOCOL,  /* not HTTP, or HTTP that contradicts itself */
	FETCH_ERROR_TRUNCATED, /* the response ended before its end */
	FETCH_ERROR_STATUS,    /* not one of those expected */
	FETCH_ERROR_REDIRECT_LIMIT,
	FETCH_ERROR_REDIRECT_DENIED, /* https to http, a bad Location, another scheme */
	FETCH_ERROR_BODY_TOO_LARGE,
	FETCH_ERROR_HEADER_TOO_LARGE,
	FETCH_ERROR_ASSERTION, /* see struct fetch_judge */
	FETCH_ERROR_RESET,     /* before anything of a body could come */
	FETCH_ERROR_INTERRUPTED, /* not by this library */
	FETCH_ERROR_RESOURCES,   /* no memory, no stack, no descriptor */
	FETCH_ERROR_INTERNAL,
};

#define FETCH_N_ERRORS 23

enum fetch_cancel_reason {
	FETCH_CANCEL_NONE,
	FETCH_CANCEL_SIBLING_FAILED, /* with the cause */
	FETCH_CANCEL_FIRST_SUCCESS,  /* with the cause */
	FETCH_CANCEL_DEADLINE,
	FETCH_CANCEL_CLIENT_GONE,
	FETCH_CANCEL_REQUEST,
	FETCH_CANCEL_REPLACED,
	FETCH_CANCEL_SHUTDOWN,
};

#define FETCH_N_CANCEL_REASONS 8

/* "ok" …, "bad_url" …, "sibling_failed" …: static; "" for the NONE values */
const char *fetch_outcome_name(enum fetch_outcome outcome);
const char *fetch_error_name(enum fetch_error error);
const char *fetch_cancel_reason_name(enum fetch_cancel_reason reason);

/* How a URL is fetched. */

enum fetch_capture {
	FETCH_CAPTURE_NONE,
	FETCH_CAPTURE_SHA256, /* 32 bytes */
	FETCH_CAPTURE_BODY,   /* the bytes; text or base64 is the writer's choice */
};

enum fetch_http_version {
	FETCH_HTTP_AUTO, /* 2 where the linked libcurl reports truncated bodies, else 1.1 */
	FETCH_HTTP_1_1,
	/*
	 * Over TLS, when the server agrees. A libcurl that is too old for FETCH_HTTP_AUTO calls
	 * bodies whole that were cut: there a body without Content-Length is FETCH_ERROR_PROTOCOL,
	 * for nobody can tell.
	 */
	FETCH_HTTP_2,
};

enum fetch_tls_version {
	FETCH_TLS_DEFAULT, /* 1.2 */
	FETCH_TLS_1_2,
	FETCH_TLS_1_3,
};

/**
 * struct fetch_header - one field of a request
 * @name:   a token; not Host, Content-Length, Transfer-Encoding, Connection and their like:
 *          fetch_header_check() tells
 * @value:  no control characters
 */
struct fetch_header {
	const char *name;
	const char *value;
};

/**
 * struct fetch_tls - zeroed is: verify against the engine's authorities
 * @is_unverified:    accept any certificate
 * @min_version:      refuse older ones
 * @ca_pem:           NULL, or the authorities to trust instead
 * @client_cert_pem:  NULL, or the certificate to show, with its chain
 * @client_key_pem:   its key; NULL: it is in @client_cert_pem, too. Neither is shown to another
 *                    origin after a redirect.
 * @with_report:      the result says who issued the server's certificate, and until when it is valid:
 *                    each hop over TLS has a connection of its own
 */
struct fetch_tls {
	bool is_unverified;
	enum fetch_tls_version min_version;
	const char *ca_pem;
	const char *client_cert_pem;
	const char *client_key_pem;
	bool with_report;
};

/*
 * What is tried again; statuses are listed by number beside these. CONNECT stands for dns_failed,
 * connection_refused, unreachable, connect_timeout, tls_handshake and reset.
 */
enum {
	FETCH_RETRY_CONNECT = 1 << 0,
	FETCH_RETRY_TIMEOUT = 1 << 1, /* attempt_timeout */
	FETCH_RETRY_5XX = 1 << 2,
	FETCH_RETRY_429 = 1 << 3,
};

/* What was tried again, counted. */
enum fetch_retry_cause {
	FETCH_RETRIED_CONNECT,
	FETCH_RETRIED_TIMEOUT,
	FETCH_RETRIED_5XX,
	FETCH_RETRIED_429,
	FETCH_RETRIED_STATUS, /* another one */
};

#define FETCH_N_RETRY_CAUSES 5

/**
 * struct fetch_retries - zeroed is: none
 * @max:          attempts after the first
 * @on:           FETCH_RETRY_… flags
 * @statuses:     further statuses that are tried again
 * @backoff:      of the first retry; doubles with each, jittered over its full length; 0: 250 ms
 * @max_backoff:  the longest wait, also when Retry-After asks for more; 0: 30 s
 *
 * A wait that would pass the URL's timeout or the batch's deadline is not begun: the last result
 * stands.
 */
struct fetch_retries {
	unsigned max;
	unsigned on;
	const uint16_t *statuses;
	size_t n_statuses;
	nur_time backoff;
	nur_time max_backoff;
};

/**
 * struct fetch_judge - a second opinion on a response whose status counts as success
 * @body:  called with the whole body, which then is kept in memory up to max_body; must not wait.
 *         A negative return makes the URL FETCH_FAILED with FETCH_ERROR_ASSERTION and @reason as its
 *         detail. NULL: the status alone decides. With several workers it is called on their
 *         threads, also for several URLs at the same time.
 * @user:  passed to it
 */
struct fetch_judge {
	int (*body)(void *user, const void *data, size_t len, struct fetch_reason *reason);
	void *user;
};

/**
 * struct fetch_options - how to fetch; shared by many URLs; zeroed is a plain GET without redirects
 * @timeout:          from admission to the last byte, redirects, retries and their waits included
 * @attempt_timeout:  of one attempt, its redirects included
 * @connect_timeout:  of one connect with TLS; 0: 5 s
 * @method:           NULL: GET. fetch_method_check() tells which may be used.
 * @headers:          sent to the first origin; to others only those that carry no secret
 * @body:             NULL: none
 * @expect:           NULL: 200-399
 * @max_redirects:    hops followed; 0: none, a 3xx is judged as it is
 * @max_body:         bytes; 0: the engine's
 * @capture:          what of the body comes back
 * @judge:            of the body
 * @hedge:            when an attempt has got no head of a response after so long, a second one is
 *                    made beside it; whose response is whole first counts, the other is cancelled.
 *                    It counts as an attempt, and not as a retry. Only of GET, HEAD and OPTIONS.
 *                    It waits for a place at the origin, and is not made when in_flight is used up.
 *                    0: none
 */
struct fetch_options {
	nur_time timeout;
	nur_time attempt_timeout;
	nur_time connect_timeout;
	const char *method;
	const struct fetch_header *headers;
	size_t n_headers;
	const void *body;
	size_t body_len;
	const struct fetch_expect *expect;
	unsigned max_redirects;
	uint64_t max_body;
	enum fetch_capture capture;
	enum fetch_http_version http_version;
	struct fetch_tls tls;
	struct fetch_retries retries;
	struct fetch_judge judge;
	nur_time hedge;
};

#define FETCH_URL_MAX 65536 /* bytes */

/**
 * fetch_url_check() - may this be fetched, as far as its text tells
 * @text:    @len bytes, no termination needed
 * @reason:  on -EINVAL, what is wrong and what would be right; never contains the user info; may be
 *           NULL
 *
 * Keeps nothing, and allocates nothing for URLs of the usual form. Addresses of names are judged when the
 * URL is fetched.
 *
 * Checkpoint: never. Ownership: none. Source: RFC 3986, and the WHATWG's spellings of addresses.
 * Errors:      -EINVAL  refused
 *              -ENOMEM
 *
 * Return: 0 or an error.
 */
int fetch_url_check(const char *text, size_t len, struct fetch_reason *reason);

/**
 * fetch_method_check() - may this method be sent
 * Errors: -EINVAL  not a token of at most 20 capital letters, or CONNECT or TRACE
 */
int fetch_method_check(const char *method);

/**
 * fetch_header_check() - may this field be sent
 * Errors: -EINVAL  not a token, or a value with control characters (CR, LF, NUL …)
 *         -EPERM   a field that the engine sets itself or that steers the connection: Host,
 *                  Content-Length, Transfer-Encoding, Connection, Keep-Alive, Proxy-*, Expect, TE,
 *                  Trailer, Upgrade, HTTP2-Settings
 */
int fetch_header_check(const char *name, const char *value);

/* Batches. */

enum fetch_policy {
	FETCH_POLICY_FAIL_FAST,     /* more than max_failures: the others are cancelled */
	FETCH_POLICY_COLLECT,       /* nobody is */
	FETCH_POLICY_FIRST_SUCCESS, /* the first ok: the others are cancelled */
};

/**
 * struct fetch_url_request - one URL of a batch
 * @url:      NUL-terminated; checked by fetch_url_check() before, else its result is bad_url
 * @options:  shared
 */
struct fetch_url_request {
	const char *url;
	const struct fetch_options *options;
};

/**
 * struct fetch_batch - what to fetch, as one unit
 * @policy:        when siblings are cancelled
 * @max_failures:  how many FETCH_POLICY_FAIL_FAST tolerates
 * @accepted_at:   nur_now() of the acceptance; queue times, total times and @deadline count from it
 * @deadline:      duration from @accepted_at for the whole batch; 0: none
 * @concurrency:   URLs under way at a time; 0: 64
 * @per_origin:    of these, at one scheme, host and port; 0: 8; the engine's limit over all batches
 *                 holds beside it
 * @spacing:       least time between two requests to one origin, redirects and retries included;
 *                 0: none. Late ones are made up for by a millisecond at most.
 * @dedupe:        GETs of one canonical URL with equal options are fetched once, by the first of
 *                 them; the others get its result, each its own
 * @address_policy:  number of the engine's address policy that its URLs are under, redirects and
 *                 connections that are open included; fetch_engine_set_policy()
 * @requests:      the URLs
 */
struct fetch_batch {
	enum fetch_policy policy;
	unsigned max_failures;
	nur_time accepted_at;
	nur_time deadline;
	unsigned concurrency;
	unsigned per_origin;
	nur_time spacing;
	bool dedupe;
	unsigned address_policy;
	const struct fetch_url_request *requests;
	size_t n_requests;
};

#define FETCH_ABSENT INT64_C(-1) /* a duration that never was */

/**
 * struct fetch_timing - durations in ns, or FETCH_ABSENT
 * @queue:       from acceptance to admission
 * @dns:         of the last hop of the last attempt, like the ones below; absent for literals
 * @connect:     absent on a reused connection
 * @tls:         likewise, and for http
 * @first_byte:  from the hop's start (its name known) to the first byte of the answer
 * @total:       from acceptance to the end, queue included
 */
struct fetch_timing {
	int64_t queue;
	int64_t dns;
	int64_t connect;
	int64_t tls;
	int64_t first_byte;
	int64_t total;
};

/**
 * struct fetch_result - how one URL ended
 * @index:          its place in the batch
 * @is_twin:        it was not fetched itself: the result is that of @twin_of
 * @twin_of:        index of an earlier URL
 * @outcome:        how
 * @status:         of the last response; 0: there was none
 * @attempts:       tries made, hedges included; 0: it never started, and the fields up to @is_reused say nothing
 * @redirects:      hops followed
 * @final_url:      where the last hop went, without user info; NULL when it never started
 * @bytes:          of the body, in the last hop
 * @http_version:   "1.0", "1.1" or "2", or NULL
 * @remote:         "192.0.2.7:443", "[2001:db8::1]:80", or NULL
 * @is_reused:      the last hop used a connection that was there before
 * @tls_issuer:     of the certificate in the last hop, with @with_report; "CN = a name"; else NULL
 * @tls_expires:    its last second, since 1970; 0: not known
 * @timing:         see there
 * @error:          of FETCH_FAILED and FETCH_TIMEOUT (which has FETCH_ERROR_NONE when only the time
 *                  ran out)
 * @error_detail:   for people; "" when there is nothing to add
 * @cancel_reason:  of FETCH_CANCELLED
 * @cancel_cause:   index of the URL that caused it, or -1
 * @capture:        what @body is
 * @body:           NULL: nothing was captured
 *
 * All pointers are borrowed for the sink's call.
 */
struct fetch_result {
	size_t index;
	bool is_twin;
	size_t twin_of;
	enum fetch_outcome outcome;
	int status;
	unsigned attempts;
	unsigned redirects;
	const char *final_url;
	uint64_t bytes;
	const char *http_version;
	const char *remote;
	bool is_reused;
	const char *tls_issuer;
	int64_t tls_expires;
	struct fetch_timing timing;
	enum fetch_error error;
	const char *error_detail;
	enum fetch_cancel_reason cancel_reason;
	int64_t cancel_cause;
	enum fetch_capture capture;
	const void *body;
	size_t body_len;
};

/**
 * struct fetch_sink - where results go
 * @result:  called once for each URL when its result is final, in the order of finishing, by a task
 *           of the batch. Must not wait: it copies what it needs and wakes a writer. That keeps a
 *           slow reader of results from holding sockets and places. A negative return (no memory)
 *           cancels the rest, whose results still come, and is what fetch_batch_run() returns.
 *           NULL: results are only counted.
 * @user:    passed to it
 * @starting: called once for each URL before anything of it is sent, by its task (with several workers
 *           by one in the caller's run for which that waits), for whoever has to know first. May
 *           wait; the URL's timeout runs meanwhile. NUR_ECANCELED is passed on; with another negative
 *           return the URL is FETCH_FAILED with FETCH_ERROR_RESOURCES. NULL: nobody has to know.
 */
struct fetch_sink {
	int (*result)(void *user, const struct fetch_result *result);
	void *user;
	int (*starting)(void *user, size_t index);
};

enum fetch_batch_outcome {
	FETCH_BATCH_OK,
	FETCH_BATCH_FAILED,
	FETCH_BATCH_DEADLINE,
	FETCH_BATCH_CANCELLED,
};

/**
 * struct fetch_batch_summary - how a batch ended
 * @outcome:        see api: ok, failed, deadline, cancelled
 * @cancel_reason:  why, when it was cancelled from outside or by its deadline
 * @n_ok:           URLs by outcome; their sum is the number of requests
 * @elapsed:        from acceptance to the end
 */
struct fetch_batch_summary {
	enum fetch_batch_outcome outcome;
	enum fetch_cancel_reason cancel_reason;
	size_t n_ok;
	size_t n_failed;
	size_t n_timeout;
	size_t n_cancelled;
	nur_time elapsed;
};

/**
 * fetch_batch_run() - fetch all URLs of a batch
 * @engine:       of the caller's run
 * @batch:        validated; stays as it is until the call returns
 * @sink:         takes the results; NULL: nobody wants them
 * @ret_summary:  written on success and on NUR_ECANCELED
 *
 * Each URL that there is room for becomes a child task of the caller's. The batch's deadline and
 * its policy end the batch with an outcome, which is success here.
 *
 * Shape:       any number of URLs, also 0 (then the outcome is ok)
 * Units:       nanoseconds of the run's clock
 * Checkpoint:  always
 * Ownership:   @batch and what it names is borrowed for the call
 * Errors:      NUR_ECANCELED   cancelled from outside; every URL has its result
 *              -ENOMEM         too little memory to begin; no result was given
 *              NUR_ENOTINTASK  the caller is no task; no result was given
 *              anything else   what the sink returned; every URL has been offered to it
 * Source:      Trio open_nursery(), HTTP semantics RFC 9110, framing RFC 9112
 *
 * Return: 0 or an error.
 */
NUR_CHECKPOINT int fetch_batch_run(struct fetch_engine *engine, const struct fetch_batch *batch,
	const struct fetch_sink *sink, struct fetch_batch_summary *ret_summary);

/* Engines. */

enum fetch_resolver_kind {
	FETCH_RESOLVER_BUILTIN, /* name servers, asked by the engine */
	FETCH_RESOLVER_SYSTEM,  /* getaddrinfo(3), 8 at a time a worker; kept for 30 s */
};

#define FETCH_WORKERS_MAX 64

/**
 * struct fetch_engine_options - zeroed is the default
 * @workers:        threads that fetch, at most FETCH_WORKERS_MAX; 0 and 1: none, the tasks of the
 *                  caller's run do. An origin has one of them for itself, chosen by its name. Of
 *                  @in_flight and @max_idle each has an equal share, at least 1, and of a batch's
 *                  concurrency one by the number of its URLs. The run's clock must be the machine's,
 *                  and a deadline around a batch is not to be moved to a later time while it runs.
 * @in_flight:      URLs under way at a time over all batches; 0: 16384
 * @per_origin:     of these, at one origin; 0: as @in_flight
 * @max_idle:       connections kept open without work; 0: 256
 * @max_rest:       the longest time for which a Retry-After in a 429 or 503 keeps all batches from
 *                  its origin; 0: 10 s; negative: it does not
 * @max_body:       bytes of a body when its options do not say; 0: 10 MiB
 * @user_agent:     NULL: "fetchd/1.0"; copied
 * @policy:         which addresses may be connected to, number 0; NULL: the default profile; borrowed
 *                  until the engine is destroyed or has got another
 * @ca_file:        certificate authorities; NULL: the system's; copied
 * @proxy:          NULL: none, whatever the environment says; else an http URL, with user info if the
 *                  proxy asks for it. Everything goes through it, https by CONNECT, and it looks up
 *                  the names: of @policy only what it says of literal addresses holds, and the
 *                  proxy's own is not asked about. fetch_result.remote is the proxy. Copied
 * @http_version:   what FETCH_HTTP_AUTO of the options means
 * @resolver:       who looks names up
 * @dns_servers:    "127.0.0.1:5353,[::1]:53" in place of resolv.conf; NULL: resolv.conf; copied
 * @dns_timeout:    of one query to one server; 0: 2 s
 * @dns_tries:      queries to each server before the name has failed; 0: 2; these three are the
 *                  builtin resolver's
 * @hosts_path:     NULL: /etc/hosts; copied
 * @resolv_path:    NULL: /etc/resolv.conf; a change of either is noticed; copied
 */
struct fetch_engine_options {
	unsigned workers;
	unsigned in_flight;
	unsigned per_origin;
	unsigned max_idle;
	nur_time max_rest;
	uint64_t max_body;
	const char *user_agent;
	const struct fetch_address_policy *policy;
	const char *ca_file;
	const char *proxy;
	enum fetch_http_version http_version;
	enum fetch_resolver_kind resolver;
	const char *dns_servers;
	nur_time dns_timeout;
	unsigned dns_tries;
	const char *hosts_path;
	const char *resolv_path;
};

/**
 * fetch_engine_create() - an engine for the calling thread's run
 * @options:     NULL: the defaults; borrowed for the call, but see @options->policy
 * @ret_engine:  for fetch_engine_destroy(), inside the same run
 *
 * Shape:       none
 * Units:       see struct fetch_engine_options
 * Checkpoint:  never; waits for the threads of workers to begin
 * Ownership:   gives the engine
 * Errors:      NUR_ENOTINTASK  outside a run
 *              -EINVAL         dns_servers cannot be read, proxy is no http URL, or too many workers
 *              -EAGAIN         no thread could be started
 *              NUR_ENOSTACK    or another code of nur_run(): a thread's run could not begin
 *              -ENOMEM         or another code of the resolver's or libcurl's start
 * Source:      none
 *
 * Return: 0 or an error.
 */
int fetch_engine_create(
	const struct fetch_engine_options *options, struct fetch_engine **ret_engine);

/*
 * fetch_engine_destroy() - close what is idle and end the threads; no batch is running. Accepts NULL
 * (no checkpoint)
 */
void fetch_engine_destroy(struct fetch_engine *engine);

#define FETCH_N_ADDRESS_POLICIES 4

/*
 * The calls that follow are checkpoints, always, for a task of the engine's run: they let others run,
 * and with several workers wait for a pass of their loops. They are not cancelled.
 */

/*
 * fetch_engine_set_policy() - another address policy, also for batches that are running and
 * connections that are open; borrowed. When it returns the one before it is not used any more.
 *
 * @number is below FETCH_N_ADDRESS_POLICIES. NULL is the default profile for number 0, and for
 * another number, which it is at first, that it follows number 0.
 */
void fetch_engine_set_policy(
	struct fetch_engine *engine, unsigned number, const struct fetch_address_policy *policy);

/* fetch_engine_set_limits() - other limits (0: as at creation), for what is admitted from now on */
void fetch_engine_set_limits(struct fetch_engine *engine, unsigned in_flight, unsigned per_origin);

/*
 * fetch_engine_walk() - the trees of the workers' runs, as nur_tree_walk() has that of the caller's,
 * which they go below: each is a NUR_TREE_RUN at depth 1, with a name. Without workers there are none.
 * @visit is called on their threads, one after the other, while the caller waits. Returns 0, or what
 * @visit returned to end it.
 */
int fetch_engine_walk(const struct fetch_engine *engine, nur_tree_fn visit, void *arg);

/**
 * struct fetch_engine_statistics - an engine, counted; n_ without "total" are now, the others since
 * the creation
 * @n_batches:            running
 * @n_in_flight:          URLs that have a task
 * @n_queued:             URLs that wait for admission
 * @oldest_queued:        when the oldest batch of these was accepted, or NUR_FOREVER
 * @n_transfers:          in libcurl
 * @n_connections:        sockets open, idle ones included
 * @n_names_cached:       names with an answer
 * @n_lookups:            queries under way
 * @total_transfers:      hops done
 * @total_reused:         of these, on a connection that was there before
 * @total_connections:    sockets opened
 * @total_lookups:        queries sent
 * @total_lookups_cached: names answered without one
 * @total_lookups_found:  lookups that had an address, likewise absent: there is no such name, and
 *                        failed: no name server could tell
 * @total_bytes:          body bytes received
 * @total_results:        by outcome
 * @total_retries:        by cause
 */
struct fetch_engine_statistics {
	size_t n_batches;
	size_t n_in_flight;
	size_t n_queued;
	nur_time oldest_queued;
	size_t n_transfers;
	size_t n_connections;
	size_t n_names_cached;
	size_t n_lookups;
	uint64_t total_transfers;
	uint64_t total_reused;
	uint64_t total_connections;
	uint64_t total_lookups;
	uint64_t total_lookups_cached;
	uint64_t total_lookups_found;
	uint64_t total_lookups_absent;
	uint64_t total_lookups_failed;
	uint64_t total_bytes;
	uint64_t total_results[4];
	uint64_t total_retries[FETCH_N_RETRY_CAUSES];
};

void fetch_engine_statistics(
	const struct fetch_engine *engine, struct fetch_engine_statistics *ret_statistics);

/**
 * struct fetch_versions - the libraries that are really there, at run time; static strings
 * @curl:       "7.88.1"
 * @ssl:        "OpenSSL/3.0.19", or ""
 * @nghttp2:    "1.52.0", or ""
 * @cares:      "1.18.1"
 * @has_http2:  FETCH_HTTP_AUTO means 2: libcurl is new enough to report truncated bodies
 * @warning:    NULL, or what is known to be wrong with this libcurl
 */
struct fetch_versions {
	const char *curl;
	const char *ssl;
	const char *nghttp2;
	const char *cares;
	bool has_http2;
	const char *warning;
};

/* fetch_engine_versions() - anywhere, also before a run (no checkpoint) */
void fetch_engine_versions(struct fetch_versions *ret_versions);

NUR_END_DECLS
