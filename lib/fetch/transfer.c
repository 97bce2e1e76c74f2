/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface on the run's loop.
 *
 * Tasks never call into it. A task queues its transfer under "adds" and waits; on_call(), on the
 * loop's stack, does the queued work: all removals together first (a batch that fails gives its
 * thousand sockets back before anything new begins), then at most ADDS_A_PASS additions, because
 * libcurl runs all of them at once. Callbacks of sockets and timers enter libcurl, too; each entry
 * is followed by drain(), which takes finished transfers out and wakes their tasks. libcurl's own
 * callbacks only take notes: it refuses to be entered again from them.
 *
 * What a handle is told before a transfer begins is in handle.c.
 */
#include "lib/fetch/transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/fetch/certificate_time.h"
#include "lib/fetch/handle.h"
#include "lib/fetch/sockets.h"

#define ADDS_A_PASS  32
#define REAPS_A_PASS 32
#define REAP_DELAY   NUR_MSEC(20)
#define CROWD        1024

/* What libcurl gets to notice a passed connect timeout by itself. */
#define CONNECT_GRACE_MS 250

struct fetch_transfers {
	CURLM *multi;
	struct fetch_handles handles;
	struct nur_timer timer;
	struct nur_call call;
	struct nur_timer reap_timer;
	struct list adds;    /* transfers */
	struct list removes; /* handles */
	struct list dead;    /* handles without a transfer, until reaped */
	size_t n_dead;
	struct fetch_sockets sockets;
	bool is_inside;        /* libcurl */
	bool is_removing;      /* a transfer that has not finished */
	bool is_reaping;       /* the dead, some each pass */
	bool is_due;           /* libcurl wants to be called at once */
	bool has_other_policy; /* than at the creation, once */
	unsigned max_idle;
	struct fetch_transfers_statistics statistics;
};

/* The errors that say it all. Those of connecting, sending and receiving need a second look. */
static const struct {
	CURLcode code;
	enum fetch_error error;
} code_errors[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, FETCH_ERROR_PROTOCOL }, /* HTTP/0.9 */
	{ CURLE_URL_MALFORMAT, FETCH_ERROR_BAD_URL },
	{ CURLE_COULDNT_RESOLVE_HOST, FETCH_ERROR_DNS_FAILED },
	{ CURLE_WEIRD_SERVER_REPLY, FETCH_ERROR_PROTOCOL },
	{ CURLE_HTTP2, FETCH_ERROR_PROTOCOL },
	{ CURLE_HTTP2_STREAM, FETCH_ERROR_RESET },
	{ CURLE_PARTIAL_FILE, FETCH_ERROR_TRUNCATED },
	{ CURLE_OUT_OF_MEMORY, FETCH_ERROR_RESOURCES },
	{ CURLE_OPERATION_TIMEDOUT, FETCH_ERROR_CONNECT_TIMEOUT }, /* no other time is given */
	{ CURLE_SSL_CONNECT_ERROR, FETCH_ERROR_TLS_HANDSHAKE },
	{ CURLE_SSL_CIPHER, FETCH_ERROR_TLS_HANDSHAKE },
	{ CURLE_SSL_CERTPROBLEM, FETCH_ERROR_TLS_CERTIFICATE },
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_ERROR_TLS_CERTIFICATE },
	{ CURLE_SSL_CACERT_BADFILE, FETCH_ERROR_TLS_CERTIFICATE },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_ERROR_TLS_CERTIFICATE },
	{ CURLE_SSL_INVALIDCERTSTATUS, FETCH_ERROR_TLS_CERTIFICATE },
	{ CURLE_BAD_CONTENT_ENCODING, FETCH_ERROR_PROTOCOL },
	{ CURLE_TOO_MANY_REDIRECTS, FETCH_ERROR_REDIRECT_LIMIT },
	{ CURLE_FILESIZE_EXCEEDED, FETCH_ERROR_BODY_TOO_LARGE },
	{ CURLE_GOT_NOTHING, FETCH_ERROR_RESET },
};

/* The first note stays: what follows is a consequence. */
__attribute__((format(printf, 3, 4))) static void
note(struct fetch_transfer *transfer, enum fetch_error error, const char *format, ...)
{
	va_list ap;

	if (transfer->noted != FETCH_ERROR_NONE) {
		return;
	}
	transfer->noted = error;
	va_start(ap, format);
	(void)vsnprintf(transfer->detail, sizeof(transfer->detail), format, ap); /* cut is fine */
	va_end(ap);
}

/* NULL: nobody waits for it any more; what libcurl begins for it is refused. */
static struct fetch_transfer *
get_transfer(void *user)
{
	struct fetch_handle *handle = user;

	return handle->transfer;
}

/*
 * The oldest first, whether they come in that order or in its reverse: libcurl searches the
 * connections of an origin from their oldest for the one that it closes.
 */
static void
queue_up(struct list *queue, struct fetch_handle *handle)
{
	struct list *first;

	list_unlink(&handle->node);
	first = queue->next;
	if (first != queue &&
		list_entry(first, struct fetch_handle, node)->serial > handle->serial) {
		list_prepend(queue, &handle->node);
	} else {
		list_append(queue, &handle->node);
	}
}

static void
remove_soon(struct fetch_transfers *transfers, struct fetch_handle *handle)
{
	queue_up(&transfers->removes, handle);
	nur_call_soon(&transfers->call);
}

/*
 * libcurl gives each of several addresses half of the time that is left. When that is less than a
 * millisecond it moves on to the next one and forgets to ask for another call (seen in 7.88.1, of a
 * name with sixty addresses that all refuse).
 */
static void
on_connect_guard(void *arg)
{
	struct fetch_transfer *transfer = arg;

	if (transfer->handle && !transfer->handle->has_asked && !transfer->is_removed) {
		note(transfer, FETCH_ERROR_CONNECT_TIMEOUT, "no connection in time");
		remove_soon(transfer->transfers, transfer->handle);
	}
}

static void
guard_connect(struct fetch_transfer *transfer)
{
	if (!transfer->is_guarded) {
		transfer->is_guarded = true;
		nur_timer_set(&transfer->connect_guard,
			nur_time_add(nur_now(),
				NUR_MSEC(transfer->handle->connect_timeout_ms + CONNECT_GRACE_MS)));
	}
}

/* Descriptors. */

static curl_socket_t
on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch_handle *handle = user;
	struct fetch_transfer *transfer = handle->transfer;
	struct fetch_transfers *transfers = handle->handles->user;
	struct fetch_address ip;
	struct fetch_reason reason;
	int fd;

	if (!transfer) {
		return CURL_SOCKET_BAD;
	}
	handle->has_asked = false; /* another time, when the first connection was dead */
	handle->fd = -1;
	if (!fetch_address_from_sockaddr(&address->addr, address->addrlen, &ip)) {
		note(transfer, FETCH_ERROR_DENIED, "not an IP address");
		return CURL_SOCKET_BAD;
	}
	if (!transfers->handles.proxy &&
		fetch_address_policy_check(transfers->handles.policy, &ip, &reason) < 0) {
		note(transfer, FETCH_ERROR_DENIED, "%s", reason.text);
		return CURL_SOCKET_BAD;
	}

	fd = socket(address->family, address->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		address->protocol);
	if (fd < 0) {
		note(transfer, FETCH_ERROR_RESOURCES, "socket: %s", strerror(errno));
		return CURL_SOCKET_BAD;
	}
	if (fetch_sockets_begin(&transfers->sockets, fd) < 0) {
		(void)close(fd);
		note(transfer, FETCH_ERROR_RESOURCES, "no memory");
		return CURL_SOCKET_BAD;
	}
	transfers->statistics.total_connections++;
	guard_connect(transfer);
	return fd;
}

static int
on_close(void *user, curl_socket_t fd)
{
	struct fetch_transfers *transfers = user;

	fetch_sockets_end(&transfers->sockets, fd);
	return close(fd);
}

/* Responses. */

static size_t
on_body(char *data, size_t size, size_t n_items, void *user)
{
	struct fetch_transfer *transfer = get_transfer(user);
	size_t len = size * n_items;

	if (!transfer) {
		return 0;
	}
	transfer->bytes += len;
	if (transfer->bytes > transfer->max_body) {
		note(transfer, FETCH_ERROR_BODY_TOO_LARGE, "more than %llu bytes",
			(unsigned long long)transfer->max_body);
		return 0;
	}
	if (fetch_body_add(&transfer->body, data, len) < 0) {
		note(transfer, FETCH_ERROR_RESOURCES, "no memory for the body");
		return 0;
	}
	return len;
}

/*
 * A connection is kept from the moment when a response has come on it: until then libcurl was told
 * to close it (7.88.1 keeps one on which a request could not be sent: a dead socket).
 *
 * For each connection over its limit libcurl looks for the one that has been idle longest, through
 * all of them. After thousands of parallel requests that is most of the work; so a connection that
 * would be one too many in a crowd is closed at once.
 */
static void
decide_reuse(struct fetch_transfer *transfer)
{
	const struct fetch_transfers *transfers = transfer->transfers;
	size_t n_open = transfers->sockets.n_open;
	bool is_crowd =
		n_open > CROWD && n_open > transfers->statistics.n_transfers + transfers->max_idle;

	if (!is_crowd) {
		(void)curl_easy_setopt(transfer->handle->easy, CURLOPT_FORBID_REUSE, 0L);
	}
}

/* Other libraries than the one that we are built with tell by themselves, or have other objects. */
static void *
get_ssl(CURL *easy)
{
	const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;
	struct curl_tlssessioninfo *info = NULL;

	if (!name || strncmp(name, "OpenSSL/3", strlen("OpenSSL/3")) != 0 ||
		curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info ||
		info->backend != CURLSSLBACKEND_OPENSSL) {
		return NULL;
	}
	return info->internals;
}

/* A body that ends with its connection is whole only if the peer has ended that. */
static int
watch_end(struct fetch_transfer *transfer)
{
	CURL *easy = transfer->handle->easy;
	long version = 0;
	void *ssl;

	(void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	if (!transfer->url->is_https || version == CURL_HTTP_VERSION_2_0 ||
		!fetch_head_ends_with_connection(&transfer->head)) {
		return 0;
	}
	ssl = get_ssl(easy);
	if (!ssl) {
		return 0;
	}
	transfer->tls_end = fetch_tls_end_watch(ssl);
	return transfer->tls_end ? 0 : -ENOMEM;
}

static int
end_head(struct fetch_transfer *transfer)
{
	const struct fetch_head *head = &transfer->head;

	decide_reuse(transfer);
	if (fetch_head_has_body(head->status, transfer->method) && watch_end(transfer) < 0) {
		note(transfer, FETCH_ERROR_RESOURCES, "no memory");
		return -ENOMEM;
	}
	if (fetch_head_has_body(head->status, transfer->method) &&
		fetch_head_misses_more(head, transfer->max_body)) {
		note(transfer, FETCH_ERROR_BODY_TOO_LARGE, "%lld bytes, more than %llu",
			(long long)head->announced, (unsigned long long)transfer->max_body);
		return -E2BIG;
	}
	return 0;
}

static size_t
on_header(char *line, size_t size, size_t n_items, void *user)
{
	struct fetch_transfer *transfer = get_transfer(user);
	size_t len = size * n_items;
	bool was_whole;

	if (!transfer) {
		return 0;
	}
	was_whole = transfer->head.is_whole;
	switch (fetch_head_read(&transfer->head, line, len)) {
	case 0:
		break;
	case -EMSGSIZE:
		note(transfer, FETCH_ERROR_HEADER_TOO_LARGE, "more than %d bytes or %d fields",
			FETCH_HEAD_MAX, FETCH_FIELDS_MAX);
		return 0;
	case -EBADMSG:
		note(transfer, FETCH_ERROR_PROTOCOL, "a wrong Content-Length");
		return 0;
	default:
		note(transfer, FETCH_ERROR_RESOURCES, "no memory for a header");
		return 0;
	}
	if (!was_whole && transfer->head.is_whole && end_head(transfer) < 0) {
		return 0;
	}
	return len;
}

/* Also called for connections that are kept, which may have been opened under another policy. */
static int
on_request(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct fetch_handle *handle = user;
	struct fetch_transfer *transfer = handle->transfer;
	struct fetch_address ip;
	struct fetch_reason reason;

	if (!transfer) {
		return CURL_PREREQFUNC_ABORT;
	}
	handle->has_asked = true;
	if (!transfer->transfers->has_other_policy || transfer->transfers->handles.proxy) {
		return CURL_PREREQFUNC_OK; /* on_open() asked the same one, or need not */
	}
	if (!fetch_address_parse(remote_ip, &ip)) {
		note(transfer, FETCH_ERROR_DENIED, "not an IP address");
		return CURL_PREREQFUNC_ABORT;
	}
	if (fetch_address_policy_check(transfer->transfers->handles.policy, &ip, &reason) < 0) {
		note(transfer, FETCH_ERROR_DENIED, "%s", reason.text);
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

static int
on_resolve(void *state, void *reserved, void *user)
{
	struct fetch_transfer *transfer = get_transfer(user);
	const struct fetch_url *proxy;

	if (!transfer) {
		return 1;
	}
	proxy = transfer->transfers->handles.proxy;
	if (fetch_url_is_literal(proxy ? proxy : transfer->url)) {
		return 0; /* asked for addresses, too */
	}
	note(transfer, FETCH_ERROR_INTERNAL, "libcurl was about to resolve a name");
	return 1;
}

/* Results. */

static bool
is_reset_errno(long error)
{
	return error == ECONNRESET || error == EPIPE || error == ECONNABORTED ||
	       error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == ENETDOWN || error == EHOSTDOWN;
}

static enum fetch_error
judge_connect(long error)
{
	switch (error) {
	case ECONNREFUSED:
		return FETCH_ERROR_CONNECTION_REFUSED;
	case ETIMEDOUT:
		return FETCH_ERROR_CONNECT_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		return FETCH_ERROR_RESOURCES;
	case ECONNRESET:
		return FETCH_ERROR_RESET;
	default:
		return FETCH_ERROR_UNREACHABLE;
	}
}

/* An error of receiving or sending is the network's, TLS's, or the parser's of libcurl. */
static enum fetch_error
judge_receive(const struct fetch_transfer *transfer, long error)
{
	if (is_reset_errno(error)) {
		return FETCH_ERROR_RESET;
	}
	if (transfer->head.is_whole && fetch_head_misses_more(&transfer->head, transfer->bytes)) {
		return FETCH_ERROR_TRUNCATED;
	}
	if (error != 0 || strstr(transfer->handle->error, "SSL")) {
		return FETCH_ERROR_RESET;
	}
	return FETCH_ERROR_PROTOCOL;
}

/* HTTP/1.1 has its ends: a length, the last chunk, the connection's. */
static bool
is_end_unknown(const struct fetch_transfer *transfer)
{
	return transfer->http_version && strcmp(transfer->http_version, "2") == 0 &&
	       transfer->head.announced < 0 &&
	       fetch_head_has_body(transfer->status, transfer->method) &&
	       !fetch_handles_has_http2();
}

/* What libcurl calls a success may have been cut: 7.88 says so of a head, and of bodies in HTTP/2. */
static enum fetch_error
judge_end(struct fetch_transfer *transfer)
{
	const struct fetch_head *head = &transfer->head;

	if (!head->is_whole) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail), "cut in its head");
		return FETCH_ERROR_TRUNCATED;
	}
	if (fetch_head_has_body(transfer->status, transfer->method) &&
		fetch_head_misses_more(head, transfer->bytes)) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail), "%llu of %lld bytes",
			(unsigned long long)transfer->bytes, (long long)head->announced);
		return FETCH_ERROR_TRUNCATED;
	}
	if (transfer->tls_end && !fetch_tls_end_is_told(transfer->tls_end)) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail),
			"the connection was cut, or ended without a close_notify");
		return FETCH_ERROR_TRUNCATED;
	}
	if (is_end_unknown(transfer)) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail),
			"HTTP/2 without Content-Length: libcurl %s cannot tell whether it is whole",
			curl_version_info(CURLVERSION_NOW)->version);
		return FETCH_ERROR_PROTOCOL;
	}
	return FETCH_ERROR_NONE;
}

/*
 * libcurl takes lines of 100 KiB, and trailers of 4 KiB. 7.88 calls a longer one a lack of memory, as
 * it does a real one; newer ones have a code for it, which the header that we are built with need
 * not know.
 */
static bool
has_long_line(const struct fetch_transfer *transfer, CURLcode code)
{
	const CURLcode too_large = (CURLcode)100;

	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return transfer->handle->has_asked && !transfer->head.is_whole;
	case CURLE_RECV_ERROR:
		return strstr(transfer->handle->error, "Out of memory in chunked") != NULL;
	default:
		return code == too_large;
	}
}

static enum fetch_error
judge(struct fetch_transfer *transfer, CURLcode code)
{
	long error = 0, connect_code = 0;

	if (code == CURLE_OK) {
		return judge_end(transfer);
	}
	if (transfer->noted != FETCH_ERROR_NONE) {
		return transfer->noted;
	}
	if (has_long_line(transfer, code)) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail),
			"a line longer than libcurl takes");
		return FETCH_ERROR_HEADER_TOO_LARGE;
	}

	for (size_t i = 0; i < ARRAY_LEN(code_errors); i++) {
		if (code_errors[i].code == code) {
			return code_errors[i].error;
		}
	}
	(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
	if (connect_code >= 300) {
		return FETCH_ERROR_UNREACHABLE; /* says the proxy */
	}
	(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT) {
		return judge_connect(error);
	}
	if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) {
		return judge_receive(transfer, error);
	}
	return FETCH_ERROR_INTERNAL;
}

static int64_t
since(curl_off_t from_us, curl_off_t to_us)
{
	return to_us > from_us ? (to_us - from_us) * 1000 : 0;
}

static void
collect_times(struct fetch_transfer *transfer, bool has_failed)
{
	curl_off_t name = 0, connect = 0, tls = 0, first_byte = 0;
	CURL *easy = transfer->handle->easy;

	(void)curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
	if (transfer->status > 0 && first_byte > 0) {
		transfer->first_byte_ns = since(0, first_byte);
	}
	/* 7.88 gives wrong times of connects that failed */
	if (transfer->is_reused || (has_failed && transfer->status == 0)) {
		return;
	}
	(void)curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &name);
	(void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect);
	transfer->connect_ns = since(name, connect);
	if (transfer->url->is_https) {
		(void)curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls);
		transfer->tls_ns = since(connect, tls);
	}
}

static const char *
http_version_name(long version)
{
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return "1.0";
	case CURL_HTTP_VERSION_1_1:
		return "1.1";
	case CURL_HTTP_VERSION_2_0:
		return "2";
	default:
		return NULL;
	}
}

/* The server's own certificate, which is the first: "Issuer:CN = a name", "Expire date:…" */
static void
collect_certificate(struct fetch_transfer *transfer)
{
	static const char issuer[] = "Issuer:", expires[] = "Expire date:";
	const struct curl_certinfo *info = NULL;
	const struct curl_slist *field;

	if (curl_easy_getinfo(transfer->handle->easy, CURLINFO_CERTINFO, &info) != CURLE_OK ||
		!info || info->num_of_certs < 1) {
		return;
	}
	for (field = info->certinfo[0]; field; field = field->next) {
		if (strncmp(field->data, issuer, strlen(issuer)) == 0 && !transfer->tls_issuer) {
			transfer->tls_issuer = strdup(field->data + strlen(issuer)); /* or not */
		} else if (strncmp(field->data, expires, strlen(expires)) == 0) {
			transfer->tls_expires =
				fetch_certificate_time(field->data + strlen(expires));
		}
	}
}

/* Takes all that is wanted out of the handle before it is destroyed. */
static void
collect(struct fetch_transfer *transfer, CURLcode code)
{
	struct fetch_transfers_statistics *statistics = &transfer->transfers->statistics;
	CURL *easy = transfer->handle->easy;
	const char *error = transfer->handle->error;
	long value = 0;
	char *ip = NULL;
	curl_off_t retry_after = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &value);
	transfer->status = (int)value;
	value = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &value);
	transfer->http_version = transfer->status ? http_version_name(value) : NULL;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
	if (ip && strlen(ip) < sizeof(transfer->ip)) {
		memcpy(transfer->ip, ip, strlen(ip) + 1);
		(void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &value);
		transfer->port = (uint16_t)value;
	}
	value = 1;
	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &value);
	transfer->is_reused = value == 0 && transfer->status > 0;
	if (transfer->options->retries.max > 0 || transfer->status == 429 ||
		transfer->status == 503) {
		(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
		transfer->retry_after_s = retry_after;
	}
	collect_times(transfer, code != CURLE_OK);
	if (transfer->options->tls.with_report) {
		collect_certificate(transfer);
	}

	transfer->error = judge(transfer, code);
	if (transfer->error == FETCH_ERROR_NONE) {
		transfer->detail[0] = '\0';
		if (fetch_body_end(&transfer->body) < 0) {
			transfer->error = FETCH_ERROR_RESOURCES;
		}
	} else if (transfer->detail[0] == '\0') {
		(void)snprintf(transfer->detail, sizeof(transfer->detail), "%s",
			*error ? error : curl_easy_strerror(code));
	}
	statistics->total_transfers++;
	statistics->total_reused += transfer->is_reused;
	statistics->total_bytes += transfer->bytes;
}

/* The handle goes, and the task goes on. */
static void
finish(struct fetch_transfers *transfers, struct fetch_transfer *transfer, int result)
{
	list_unlink(&transfer->node);
	if (transfer->handle) {
		list_unlink(&transfer->handle->node);
		(void)curl_multi_remove_handle(transfers->multi, transfer->handle->easy);
		fetch_handle_put(steal(&transfer->handle), transfer->is_done);
		transfers->statistics.n_transfers--;
	}
	nur_reschedule(transfer->task, result);
}

/* The end of a handle whose task has gone on: its socket is closed, all the rest goes now. */
static void
reap(struct fetch_transfers *transfers, struct fetch_handle *handle)
{
	bool was_removing = transfers->is_removing;

	list_unlink(&handle->node);
	transfers->n_dead--;
	transfers->is_removing = true;
	(void)curl_multi_remove_handle(transfers->multi, handle->easy);
	transfers->is_removing = was_removing;
	fetch_handle_put(handle, false);
}

static void
reap_some(struct fetch_transfers *transfers, size_t n)
{
	while (n-- > 0 && !list_is_empty(&transfers->dead)) {
		reap(transfers, list_entry(transfers->dead.next, struct fetch_handle, node));
	}
}

/* The loop's side. */

static void
drain(struct fetch_transfers *transfers)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(transfers->multi, &n_left))) {
		struct fetch_handle *handle = NULL;
		struct fetch_transfer *transfer;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
		transfer = handle->transfer;
		if (!transfer) {
			reap(transfers, handle);
			continue;
		}
		transfer->is_done = code == CURLE_OK;
		collect(transfer, code);
		finish(transfers, transfer, 0);
	}
}

/* The one entry: all that runs transfers passes here. */
static void
act(struct fetch_transfers *transfers, int fd, int events)
{
	int n_running;

	assert(!transfers->is_inside);
	transfers->is_inside = true;
	(void)curl_multi_socket_action(transfers->multi, fd, events, &n_running);
	transfers->is_inside = false;
	drain(transfers);
}

static void
on_ready(int fd, unsigned events, void *user)
{
	act(user, fd,
		(events & NUR_WATCH_READ ? CURL_CSELECT_IN : 0) |
			(events & NUR_WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_timer_due(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct fetch_transfers *transfers = user;

	if (timeout_ms == 0) {
		/* "at once" must not be from in here */
		nur_timer_stop(&transfers->timer);
		transfers->is_due = true;
		nur_call_soon(&transfers->call);
		return 0;
	}
	nur_timer_set(&transfers->timer,
		timeout_ms < 0 ? NUR_FOREVER : nur_time_add(nur_now(), NUR_MSEC(timeout_ms)));
	return 0;
}

static void
on_reap_due(void *arg)
{
	struct fetch_transfers *transfers = arg;

	transfers->is_reaping = true;
	nur_call_soon(&transfers->call);
}

/*
 * A request that waits for its response is given up in two steps. Its socket is closed here, and
 * its task goes on; taking the handle out of libcurl, which is more work than that, comes when
 * whoever waits for the outcome has got it. Not when libcurl borrows the caller's body, nor with
 * TLS, where a last word is owed and others may share the connection.
 */
static bool
give_up(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	struct fetch_handle *handle = transfer->handle;

	if (transfer->with_body || handle->is_tls || handle->fd < 0 ||
		fetch_sockets_sever(&transfers->sockets, handle->fd) < 0) {
		return false;
	}
	if (transfers->n_dead++ == 0) {
		nur_timer_set(&transfers->reap_timer, nur_time_add(nur_now(), REAP_DELAY));
	}
	queue_up(&transfers->dead, handle);
	handle->transfer = NULL;
	transfer->handle = NULL;
	transfers->statistics.n_transfers--;
	return true;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct fetch_transfers *transfers = user;
	struct fetch_handle *handle = NULL;
	int r;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &handle);
	if (what == CURL_POLL_REMOVE) {
		if (handle && handle->fd == fd) {
			handle->fd = -1;
		}
		fetch_sockets_rest(&transfers->sockets, fd, !transfers->is_removing);
		return 0;
	}
	assert(handle); /* NULL: a handle of libcurl's own, which only closes */
	if (handle->has_asked) {
		handle->fd = fd;
	}
	r = fetch_sockets_want(&transfers->sockets, fd,
		(what & CURL_POLL_IN ? NUR_WATCH_READ : 0) |
			(what & CURL_POLL_OUT ? NUR_WATCH_WRITE : 0));
	if (r < 0 && handle->transfer) {
		/* -1 would end all transfers; this one would wait for ever */
		note(handle->transfer, FETCH_ERROR_RESOURCES, "epoll: %s", nur_strerror(r));
		remove_soon(transfers, handle);
	}
	return 0;
}

static void
add(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	int r;

	reap_some(transfers, 1); /* the dead take up descriptors and memory, too */
	r = fetch_handle_get(&transfers->handles, transfer, &transfer->handle);
	if (r == 0) {
		transfers->statistics.n_transfers++;
	}
	if (r < 0 || curl_multi_add_handle(transfers->multi, transfer->handle->easy) != CURLM_OK) {
		transfer->error = FETCH_ERROR_RESOURCES;
		(void)snprintf(transfer->detail, sizeof(transfer->detail), "no memory");
		finish(transfers, transfer, 0);
	}
}

static void
remove_all(struct fetch_transfers *transfers)
{
	transfers->is_removing = true;
	while (!list_is_empty(&transfers->removes)) {
		struct fetch_transfer *transfer =
			list_entry(transfers->removes.next, struct fetch_handle, node)->transfer;

		transfer->error = transfer->noted;
		finish(transfers, transfer, transfer->is_removed ? NUR_ECANCELED : 0);
	}
	transfers->is_removing = false;
}

static void
on_call(void *arg)
{
	struct fetch_transfers *transfers = arg;
	int n_added = 0;

	remove_all(transfers);
	if (transfers->is_reaping) {
		reap_some(transfers, REAPS_A_PASS);
		transfers->is_reaping = !list_is_empty(&transfers->dead);
	}
	while (n_added < ADDS_A_PASS && !list_is_empty(&transfers->adds)) {
		add(transfers,
			list_entry(list_take_first(&transfers->adds), struct fetch_transfer, node));
		n_added++;
	}
	if (!list_is_empty(&transfers->adds) || transfers->is_reaping) {
		nur_call_soon(&transfers->call);
	}
	/* counts the busy ones, too; with fewer it would close what is still of use */
	(void)curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS,
		(long)(transfers->max_idle + transfers->statistics.n_transfers +
			transfers->n_dead));
	if (transfers->is_due) {
		transfers->is_due = false;
		act(transfers, CURL_SOCKET_TIMEOUT, 0);
	}
}

/* The tasks' side. */

static enum nur_abort
abort_transfer(struct nur_task *task, void *arg)
{
	struct fetch_transfer *transfer = arg;

	list_unlink(&transfer->node);
	if (!transfer->handle || give_up(transfer->transfers, transfer)) {
		return NUR_ABORT_SUCCEEDED;
	}
	transfer->is_removed = true;
	remove_soon(transfer->transfers, transfer->handle);
	return NUR_ABORT_FAILED; /* finish() wakes the task when the socket is closed */
}

int
fetch_transfer_run(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	int r;

	transfer->transfers = transfers;
	transfer->task = nur_current_task();
	nur_timer_init(&transfer->connect_guard, on_connect_guard, transfer);
	list_append(&transfers->adds, &transfer->node);
	nur_call_soon(&transfers->call);
	r = nur_wait_task_rescheduled("transfer", abort_transfer, transfer);
	if (transfer->is_guarded) {
		nur_timer_stop(&transfer->connect_guard);
	}
	return r;
}

void
fetch_transfer_fini(struct fetch_transfer *transfer)
{
	fetch_head_fini(&transfer->head);
	fetch_body_fini(&transfer->body);
	fetch_tls_end_unwatch(transfer->tls_end);
	free(transfer->tls_issuer);
	*transfer = (struct fetch_transfer){
		.connect_ns = FETCH_ABSENT,
		.tls_ns = FETCH_ABSENT,
		.first_byte_ns = FETCH_ABSENT,
		.head = FETCH_HEAD_INIT,
	};
}

void
fetch_transfers_set_policy(
	struct fetch_transfers *transfers, const struct fetch_address_policy *policy)
{
	transfers->handles.policy = policy;
	transfers->has_other_policy = true;
}

void
fetch_transfers_statistics(
	const struct fetch_transfers *transfers, struct fetch_transfers_statistics *ret_statistics)
{
	*ret_statistics = transfers->statistics;
	ret_statistics->n_connections = transfers->sockets.n_open;
}

static const struct fetch_handle_calls handle_calls = {
	.open = on_open,
	.close = on_close,
	.resolve = on_resolve,
	.request = on_request,
	.header = on_header,
	.body = on_body,
};

int
fetch_transfers_create(
	const struct fetch_transfers_options *options, struct fetch_transfers **ret_transfers)
{
	struct fetch_transfers *transfers;
	int r = 0;

	if (!nur_in_run()) {
		return NUR_ENOTINTASK;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return NUR_EINTERNAL;
	}
	transfers = calloc(1, sizeof(*transfers));
	if (!transfers) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	list_init(&transfers->adds);
	list_init(&transfers->removes);
	list_init(&transfers->dead);
	nur_timer_init(&transfers->timer, on_timer_due, transfers);
	nur_timer_init(&transfers->reap_timer, on_reap_due, transfers);
	nur_call_init(&transfers->call, on_call, transfers);
	r = fetch_sockets_init(&transfers->sockets, on_ready, transfers);
	if (r < 0) {
		fetch_transfers_destroy(transfers);
		return r;
	}
	transfers->max_idle = options->max_idle;
	transfers->multi = curl_multi_init();
	r = fetch_handles_init(&transfers->handles, options, &handle_calls, transfers);
	if (r < 0 || !transfers->multi) {
		fetch_transfers_destroy(transfers);
		return -ENOMEM;
	}
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	if (r) {
		fetch_transfers_destroy(transfers);
		return NUR_EINTERNAL;
	}
	*ret_transfers = transfers;
	return 0;
}

void
fetch_transfers_destroy(struct fetch_transfers *transfers)
{
	if (!transfers) {
		return;
	}
	assert(transfers->statistics.n_transfers == 0 && list_is_empty(&transfers->adds));
	transfers->is_removing = true;
	reap_some(transfers, SIZE_MAX);
	fetch_handles_fini(&transfers->handles);
	(void)curl_multi_cleanup(transfers->multi);
	nur_timer_stop(&transfers->timer);
	nur_timer_stop(&transfers->reap_timer);
	nur_call_cancel(&transfers->call);
	fetch_sockets_fini(&transfers->sockets);
	free(transfers);
	curl_global_cleanup();
}

void
fetch_transfers_versions(struct fetch_versions *ret_versions)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	static const struct {
		unsigned first;
		unsigned last;
		const char *warning;
	} known_bad[] = {
		{ 0x080900, 0x080900, "libcurl 8.9.0 never stops watching some sockets" },
		{ 0x081000, 0x081000, "libcurl 8.16.0 hangs when threads are cancelled" },
		{ 0x081500, 0x081500, "libcurl 8.21.0 leaks closed connections" },
	};

	ret_versions->curl = info->version;
	ret_versions->ssl = info->ssl_version ? info->ssl_version : "";
	ret_versions->nghttp2 = info->nghttp2_version ? info->nghttp2_version : "";
	ret_versions->has_http2 = fetch_handles_has_http2();
	ret_versions->warning = NULL;
	for (size_t i = 0; i < ARRAY_LEN(known_bad); i++) {
		if (info->version_num >= known_bad[i].first &&
			info->version_num <= known_bad[i].last) {
			ret_versions->warning = known_bad[i].warning;
		}
	}
}
