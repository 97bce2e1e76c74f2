/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/fetch/transfer/certificate_time.h"
#include "lib/fetch/transfer/handle.h"
#include "lib/fetch/transfer/multi.h"

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

/* Of a connection or a stream that ended by a reset: what had come of the response decides. */
static enum fetch_error
judge_reset(const struct fetch_transfer *transfer)
{
	return transfer->head.is_whole && fetch_head_has_body(transfer->status, transfer->method)
		       ? FETCH_ERROR_TRUNCATED
		       : FETCH_ERROR_RESET;
}

/*
 * Its connection was shut down in this call of libcurl's. Others that fail in the same call have not come to asking:
 * it looks at one socket, and beside it at the timers of those that connect.
 */
static bool
is_flooded(const struct fetch_transfer *transfer)
{
	return transfer->handle->is_tls && transfer->handle->has_asked &&
	       transfer->transfers->flood.cut_fd >= 0;
}

static enum fetch_error
judge_code(struct fetch_transfer *transfer, CURLcode code)
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
	if (is_flooded(transfer)) {
		(void)snprintf(transfer->detail, sizeof(transfer->detail),
			"a flood of frames without content");
		return FETCH_ERROR_PROTOCOL;
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

static enum fetch_error
judge(struct fetch_transfer *transfer, CURLcode code)
{
	enum fetch_error error = judge_code(transfer, code);

	return error == FETCH_ERROR_RESET ? judge_reset(transfer) : error;
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

void
fetch_outcome_collect(struct fetch_transfer *transfer, CURLcode code)
{
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
}

void
fetch_outcome_note(struct fetch_transfer *transfer, enum fetch_error error, const char *format, ...)
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
