/* SPDX-License-Identifier: MIT */
/*
 * What libcurl calls while a transfer runs.
 *
 * All of it happens inside libcurl, which refuses to be entered again from here: the callbacks
 * judge, take notes of what is wrong and keep what comes; a refusal makes libcurl end the transfer,
 * and drain() in transfer.c finds the note. No task runs meanwhile.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fetch/transfer/handle.h"
#include "lib/fetch/transfer/head.h"
#include "lib/fetch/transfer/multi.h"
#include "lib/fetch/transfer/outcome.h"
#include "lib/fetch/transfer/sockets.h"
#include "lib/fetch/transfer/tls_end.h"
#include "lib/fetch/transfer/tls_flood.h"

#define CROWD 1024

/* NULL: nobody waits for it any more; what libcurl begins for it is refused. */
static struct fetch_transfer *
get_transfer(void *user)
{
	struct fetch_handle *handle = user;

	return handle->transfer;
}

/* Descriptors. */

/* Looked up each time: another one may have come. */
static const struct fetch_address_policy *
policy_of(const struct fetch_transfer *transfer)
{
	return fetch_policy_of(transfer->transfers->handles.policies, transfer->policy);
}

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
		fetch_outcome_note(transfer, FETCH_ERROR_DENIED, "not an IP address");
		return CURL_SOCKET_BAD;
	}
	if (!transfers->handles.proxy &&
		fetch_address_policy_check(policy_of(transfer), &ip, &reason) < 0) {
		fetch_outcome_note(transfer, FETCH_ERROR_DENIED, "%s", reason.text);
		return CURL_SOCKET_BAD;
	}

	fd = socket(address->family, address->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		address->protocol);
	if (fd < 0) {
		fetch_outcome_note(transfer, FETCH_ERROR_RESOURCES, "socket: %s", strerror(errno));
		return CURL_SOCKET_BAD;
	}
	if (fetch_sockets_begin(&transfers->sockets, fd) < 0) {
		(void)close(fd);
		fetch_outcome_note(transfer, FETCH_ERROR_RESOURCES, "no memory");
		return CURL_SOCKET_BAD;
	}
	transfers->statistics.total_connections++;
	fetch_transfer_guard_connect(transfer);
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
	fetch_tls_flood_forget(&transfer->transfers->flood);
	transfer->bytes += len;
	if (transfer->bytes > transfer->max_body) {
		fetch_outcome_note(transfer, FETCH_ERROR_BODY_TOO_LARGE, "more than %llu bytes",
			(unsigned long long)transfer->max_body);
		return 0;
	}
	if (fetch_body_add(&transfer->body, data, len) < 0) {
		fetch_outcome_note(transfer, FETCH_ERROR_RESOURCES, "no memory for the body");
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
		fetch_outcome_note(transfer, FETCH_ERROR_RESOURCES, "no memory");
		return -ENOMEM;
	}
	if (fetch_head_has_body(head->status, transfer->method) &&
		fetch_head_misses_more(head, transfer->max_body)) {
		fetch_outcome_note(transfer, FETCH_ERROR_BODY_TOO_LARGE,
			"%lld bytes, more than %llu", (long long)head->announced,
			(unsigned long long)transfer->max_body);
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
	fetch_tls_flood_forget(&transfer->transfers->flood);
	was_whole = transfer->head.is_whole;
	switch (fetch_head_read(&transfer->head, line, len)) {
	case 0:
		break;
	case -EMSGSIZE:
		fetch_outcome_note(transfer, FETCH_ERROR_HEADER_TOO_LARGE,
			"more than %d bytes or %d fields", FETCH_HEAD_MAX, FETCH_FIELDS_MAX);
		return 0;
	case -EBADMSG:
		fetch_outcome_note(transfer, FETCH_ERROR_PROTOCOL, "a wrong Content-Length");
		return 0;
	case -EPROTO:
		fetch_outcome_note(transfer, FETCH_ERROR_PROTOCOL,
			"101, and nobody asked for another protocol");
		return 0;
	default:
		fetch_outcome_note(transfer, FETCH_ERROR_RESOURCES, "no memory for a header");
		return 0;
	}
	if (!was_whole && transfer->head.is_whole && end_head(transfer) < 0) {
		return 0;
	}
	return len;
}

/* A connection that is used again is watched already. */
static void
watch_flood(const struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	struct fetch_transfers *transfers = transfer->transfers;
	bool may_be_2 = transfer->options->http_version == FETCH_HTTP_2 ||
			(transfer->options->http_version == FETCH_HTTP_AUTO &&
				transfers->handles.http_version != CURL_HTTP_VERSION_1_1);
	void *ssl = NULL;

	if (handle->is_tls && may_be_2 && handle->polled_fd >= 0) {
		ssl = get_ssl(handle->easy);
	}
	if (ssl) {
		fetch_tls_flood_watch(&transfers->flood, ssl, handle->polled_fd);
	}
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
	watch_flood(handle);
	if (!transfer->transfers->has_other_policy || transfer->transfers->handles.proxy) {
		return CURL_PREREQFUNC_OK; /* on_open() asked the same one, or need not */
	}
	if (!fetch_address_parse(remote_ip, &ip)) {
		fetch_outcome_note(transfer, FETCH_ERROR_DENIED, "not an IP address");
		return CURL_PREREQFUNC_ABORT;
	}
	if (fetch_address_policy_check(policy_of(transfer), &ip, &reason) < 0) {
		fetch_outcome_note(transfer, FETCH_ERROR_DENIED, "%s", reason.text);
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
	fetch_outcome_note(transfer, FETCH_ERROR_INTERNAL, "libcurl was about to resolve a name");
	return 1;
}

const struct fetch_handle_calls fetch_callbacks = {
	.open = on_open,
	.close = on_close,
	.resolve = on_resolve,
	.request = on_request,
	.header = on_header,
	.body = on_body,
};
