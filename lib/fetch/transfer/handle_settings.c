/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/handle_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/fetch/rules/request.h"

#define BUFFER_LEN      1024L  /* libcurl's least: memory of a waiting transfer */
#define BUFFER_LEN_BULK 16384L /* eight times the throughput; a TLS record */
#define CONNECT_TIMEOUT NUR_SEC(5)

/* "+host:port:address,address": not for longer than DNS_CACHE_TIMEOUT. */
static int
make_resolve(struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	const struct fetch_answer *answer = transfer->answer;
	const struct fetch_url *proxy = handle->handles->proxy;
	const struct fetch_url *peer = proxy ? proxy : transfer->url;
	const struct fetch_address_policy *policy =
		fetch_policy_of(handle->handles->policies, transfer->policy);
	_cleanup_(buffer_fini) struct buffer entry = BUFFER_INIT;
	char text[FETCH_ADDRESS_CAP];
	char separator = ':';

	buffer_printf(&entry, "+%s:%u", peer->host, (unsigned)peer->port);
	for (size_t i = 0; i < answer->n_addresses; i++) {
		const struct fetch_address *address = &answer->addresses[i];
		bool is_6 = address->family == AF_INET6;

		if (!proxy && fetch_address_policy_check(policy, address, NULL) < 0) {
			continue;
		}
		buffer_putc(&entry, separator);
		separator = ',';
		buffer_puts(&entry, is_6 ? "[" : "");
		buffer_puts(&entry, fetch_address_format(address, text));
		buffer_puts(&entry, is_6 ? "]" : "");
	}
	if (buffer_error(&entry) < 0) {
		return -ENOMEM;
	}
	handle->resolve = curl_slist_append(NULL, entry.data);
	return handle->resolve ? 0 : -ENOMEM;
}

int
fetch_fields_append(struct curl_slist **list, const char *name, const char *value)
{
	_cleanup_(buffer_fini) struct buffer line = BUFFER_INIT;
	struct curl_slist *fields;

	/* "Name;" is libcurl's way to send a field with an empty value, "Name:" to send none */
	buffer_puts(&line, name);
	buffer_puts(&line, !value ? ":" : *value ? ": " : ";");
	buffer_puts(&line, value ? value : "");
	if (buffer_error(&line) < 0) {
		return -ENOMEM;
	}
	fields = curl_slist_append(*list, line.data);
	if (!fields) {
		return -ENOMEM;
	}
	*list = fields;
	return 0;
}

/* A redirect may change the method, to GET. */
static bool
has_options_method(const struct fetch_transfer *transfer)
{
	const char *method = transfer->options->method;

	return strcmp(transfer->method, method ? method : "GET") == 0;
}

/* A redirect has taken the body away. */
static bool
has_lost_body(const struct fetch_transfer *transfer)
{
	return !has_options_method(transfer) || (transfer->options->body && !transfer->with_body);
}

static bool
is_sent(const struct fetch_transfer *transfer, const struct fetch_header *header)
{
	if (transfer->is_elsewhere && !fetch_header_is_safe(header->name)) {
		return false;
	}
	return !has_lost_body(transfer) || !fetch_header_is_of_content(header->name);
}

static int
make_fields(struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	const struct fetch_options *options = transfer->options;
	const char *agent = handle->handles->user_agent;
	bool has_agent = false;
	bool has_type = false;
	int r;

	for (size_t i = 0; i < options->n_headers; i++) {
		const struct fetch_header *header = &options->headers[i];

		if (!is_sent(transfer, header)) {
			continue;
		}
		has_agent = has_agent || strcasecmp(header->name, "User-Agent") == 0;
		has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
		r = fetch_fields_append(&handle->fields, header->name, header->value);
		if (r < 0) {
			return r;
		}
	}
	if (!has_agent) {
		r = fetch_fields_append(&handle->fields, "User-Agent", agent);
		if (r < 0) {
			return r;
		}
	}
	if (!transfer->with_body) {
		return 0;
	}
	if (!has_type) {
		/* libcurl would call it a form */
		r = fetch_fields_append(&handle->fields, "Content-Type", NULL);
		if (r < 0) {
			return r;
		}
	}
	return fetch_fields_append(&handle->fields, "Expect", NULL);
}

static int
set_method(struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	const struct fetch_options *options = transfer->options;
	CURL *easy = handle->easy;
	int r = 0;

	if (transfer->with_body || options->n_headers > 0) {
		if (make_fields(handle) < 0) {
			return -ENOMEM;
		}
		r |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle->fields);
	}
	if (transfer->with_body) {
		r |= curl_easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_len);
		r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options->body ? options->body : "");
	}
	if (strcmp(transfer->method, "HEAD") == 0) {
		r |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else {
		r |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
	}
	return r ? -ENOMEM : 0;
}

static int
set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = {
		.data = (char *)pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY
	};

	return curl_easy_setopt(easy, option, &blob);
}

static int
set_tls(CURL *easy, const struct fetch_handles *handles)
{
	int r = 0;

	/*
	 * Debian's libcurl has a default CApath; while one is set it parses the whole bundle for
	 * every connection: 20 ms and 970 KiB each.
	 */
	r |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (handles->ca_file) {
		r |= curl_easy_setopt(easy, CURLOPT_CAINFO, handles->ca_file);
	}
	r |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	r |= curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* its least */
	return r ? -ENOMEM : 0;
}

static int
set_callers_tls(CURL *easy, const struct fetch_transfer *transfer)
{
	const struct fetch_tls *tls = &transfer->options->tls;
	int r = 0;

	if (tls->min_version == FETCH_TLS_1_3) {
		r |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	}
	if (tls->is_unverified) {
		r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->with_report) {
		/* libcurl sees a certificate only when a connection begins */
		r |= curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
		r |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	}
	if (tls->ca_pem) {
		r |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		r |= set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca_pem);
	}
	if (tls->client_cert_pem && !transfer->is_elsewhere) {
		r |= set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->client_cert_pem);
		r |= set_blob(easy, CURLOPT_SSLKEY_BLOB,
			tls->client_key_pem ? tls->client_key_pem : tls->client_cert_pem);
	}
	return r ? -ENOMEM : 0;
}

/* For who asks for HTTP/2: a libcurl that was built without refuses to hear of it. */
long
fetch_http_2(void)
{
	return curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2
		       ? CURL_HTTP_VERSION_2TLS
		       : CURL_HTTP_VERSION_1_1;
}

static int
set_http_version(CURL *easy, long version)
{
	int r = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);

	r |= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, version == CURL_HTTP_VERSION_1_1 ? 0L : 1L);
	return r ? -ENOMEM : 0;
}

/* "" in both options: the environment is not asked. */
static int
set_proxy(CURL *easy, const struct fetch_url *proxy)
{
	int r;

	r = curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy->text : "");
	r |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (proxy) {
		/* a URL without a port means another one to libcurl */
		r |= curl_easy_setopt(easy, CURLOPT_PROXYPORT, (long)proxy->port);
		/* its answer to a CONNECT is not the response */
		r |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	}
	return r ? -ENOMEM : 0;
}

/* What is the same for all. */
int
fetch_handle_set_ours(struct fetch_handle *handle)
{
	const struct fetch_handles *handles = handle->handles;
	const struct fetch_handle_calls *calls = handles->calls;
	CURL *easy = handle->easy;
	int r = 0;

	r |= curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
	r |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	r |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* six system calls */
	r |= set_proxy(easy, handles->proxy);
	r |= set_http_version(easy, handles->http_version);
	r |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handles->fields);
	r |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, calls->body);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, calls->header);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
	r |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, calls->open);
	r |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
	r |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, calls->close);
	r |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, handles->user); /* outlives handles */
	r |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, calls->request);
	r |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle);
	r |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, calls->resolve);
	r |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, handle);
	/* libcurl looks through all names it has after each transfer */
	r |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 2L);
	if (handle->is_tls) {
		r |= set_tls(easy, handles);
	}
	return r ? -ENOMEM : 0;
}

static int
set_names(struct fetch_handle *handle)
{
	if (!handle->transfer->answer) {
		return 0;
	}
	if (make_resolve(handle) < 0) {
		return -ENOMEM;
	}
	return curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, handle->resolve) ? -ENOMEM : 0;
}

bool
fetch_handle_forget_names(struct fetch_handle *handle)
{
	if (handle->resolve && curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, NULL) != CURLE_OK) {
		return false;
	}
	curl_slist_free_all(steal(&handle->resolve));
	return true;
}

static long
get_connect_timeout_ms(const struct fetch_options *options)
{
	nur_time timeout = options->connect_timeout ? options->connect_timeout : CONNECT_TIMEOUT;
	nur_time longest = NUR_SEC(86400); /* libcurl's is a long */

	timeout = timeout < longest ? timeout : longest;
	return (long)((timeout + NUR_MSEC(1) - 1) / NUR_MSEC(1));
}

/*
 * Who keeps bodies wants them quickly, and TLS needs a hundred KiB anyway. For all others what
 * counts is that ten thousand can wait.
 */
static long
get_buffer_len(const struct fetch_transfer *transfer)
{
	return transfer->url->is_https || transfer->options->capture != FETCH_CAPTURE_NONE
		       ? BUFFER_LEN_BULK
		       : BUFFER_LEN;
}

static int
set_path(CURLU *url, const char *path)
{
	const char *query = strchr(path, '?');
	_cleanup_(freep) char *copy = query ? strndup(path, (size_t)(query - path)) : NULL;
	int r;

	if (query && !copy) {
		return -ENOMEM;
	}
	r = curl_url_set(url, CURLUPART_PATH, query ? copy : path, 0) != CURLUE_OK;
	r |= curl_url_set(url, CURLUPART_QUERY, query ? query + 1 : NULL, 0) != CURLUE_OK;
	return r ? -ENOMEM : 0;
}

/* Within an origin only the path changes: reading the whole URL again costs ten times that. */
static int
parse_url(struct fetch_handle *handle, const struct fetch_url *url)
{
	if (url->path && handle->url_origin && strcmp(handle->url_origin, url->origin) == 0) {
		return set_path(handle->url, url->path);
	}
	free(handle->url_origin);
	handle->url_origin = url->path ? strdup(url->origin) : NULL; /* without it, the long way */
	return curl_url_set(handle->url, CURLUPART_URL, url->text, 0) != CURLUE_OK ? -ENOMEM : 0;
}

/*
 * Parsed here and not by libcurl, which would put the text together again from what it has parsed,
 * letter by letter. The text itself is for requests that libcurl repeats.
 */
static int
set_url(struct fetch_handle *handle, const struct fetch_url *url)
{
	int r = parse_url(handle, url);

	r |= curl_easy_setopt(handle->easy, CURLOPT_URL, url->text);
	r |= curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url);
	return r ? -ENOMEM : 0;
}

/*
 * A connection that was kept may die under what must not be sent twice, as libcurl would. And where none
 * rests it need not look at all that are busy, of which only HTTP/2, so TLS, takes more requests.
 */
static bool
wants_new_connection(const struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;

	return transfer->is_afresh || (transfer->is_pool_empty && !handle->is_tls) ||
	       !fetch_method_is_idempotent(transfer->method);
}

/* What every transfer has of its own. */
int
fetch_handle_set_its_own(struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	long timeout_ms = get_connect_timeout_ms(transfer->options);
	long buffer_len = get_buffer_len(transfer);
	long is_fresh = wants_new_connection(handle);
	CURL *easy = handle->easy;
	int r = set_url(handle, transfer->url);

	r |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_fresh);
	r |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L); /* until a response comes */
	if (handle->connect_timeout_ms != timeout_ms) {
		r |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
		handle->connect_timeout_ms = timeout_ms;
	}
	if (handle->buffer_len != buffer_len) {
		r |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_len);
		handle->buffer_len = buffer_len;
	}
	return r ? -ENOMEM : set_names(handle);
}

/* What only some have, and what nobody else may get. */
int
fetch_handle_set_callers(struct fetch_handle *handle)
{
	const struct fetch_transfer *transfer = handle->transfer;
	int r = 0;

	switch (transfer->options->http_version) {
	case FETCH_HTTP_AUTO:
		break;
	case FETCH_HTTP_1_1:
		r = set_http_version(handle->easy, CURL_HTTP_VERSION_1_1);
		break;
	case FETCH_HTTP_2:
		r = set_http_version(handle->easy, fetch_http_2());
		break;
	}
	if (r == 0 && handle->is_tls) {
		r = set_callers_tls(handle->easy, transfer);
	}
	return r < 0 ? r : set_method(handle);
}

/* Whether there is anything for fetch_handle_set_callers() to do. */
static bool
has_callers_settings(const struct fetch_transfer *transfer)
{
	const struct fetch_options *options = transfer->options;
	const struct fetch_tls *tls = &options->tls;

	return strcmp(transfer->method, "GET") != 0 || options->n_headers > 0 ||
	       options->http_version != FETCH_HTTP_AUTO || tls->is_unverified || tls->ca_pem ||
	       tls->client_cert_pem || tls->min_version == FETCH_TLS_1_3;
}

/* A redirect changes what the options say: the method, and which fields go to another origin. */
static bool
is_as_options_say(const struct fetch_transfer *transfer)
{
	return !transfer->is_elsewhere && has_options_method(transfer);
}

enum fetch_handle_use
fetch_handle_find_use(const struct fetch_transfer *transfer)
{
	if (transfer->with_body || transfer->url->has_userinfo ||
		transfer->options->tls.with_report) {
		return FETCH_HANDLE_ONCE;
	}
	if (!has_callers_settings(transfer)) {
		return FETCH_HANDLE_PLAIN;
	}
	return transfer->fitted && is_as_options_say(transfer) ? FETCH_HANDLE_FITTED
							       : FETCH_HANDLE_ONCE;
}
