/* SPDX-License-Identifier: MIT */
/*
 * The libcurl handles of an engine: each made ready for one request, those of plain requests kept
 * for the next one.
 *
 * A handle costs a sixth of a plain request to make and destroy. So handles of plain requests, whose
 * settings are the engine's own and the same for all, are kept for the next plain request, which
 * sets its URL and little else. A handle that got anything of a caller's (fields, a body, user
 * info, certificates), or whose transfer did not end well, is destroyed: nothing of one caller can
 * reach the next.
 *
 * Names never reach libcurl, whose resolver would block the loop when a look-up is cancelled: the
 * answer goes in by CURLOPT_RESOLVE, and a look-up that it begins all the same is vetoed.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/fetch/transfer.h"

struct fetch_handles;

/*
 * A libcurl handle and the transfer it is used for.
 *
 * node                of those who run transfers; with what follows up to is_tls all that giving up looks at
 * transfer            NULL when its task has gone on without waiting for libcurl
 * serial              in the order of being used
 * fd                  the socket on which the request was sent, or -1
 * polled_fd           the socket for which it last asked to be woken, or -1: of a new connection that stands, its own
 * has_asked           the request is being sent, on a connection that stands
 * is_plain            of a plain request, and may be kept; of the kind that is_tls says
 * next                kept handle
 * url                 of the present or the last request
 * resolve, fields     lists that libcurl borrows while the handle is in use, or NULL
 * connect_timeout_ms, buffer_len  as set
 * error               CURLOPT_ERRORBUFFER
 */
struct fetch_handle {
	struct list node;
	struct fetch_transfer *transfer;
	uint64_t serial;
	int fd;
	int polled_fd;
	bool has_asked;
	bool is_plain;
	bool is_tls;
	CURL *easy;
	struct fetch_handles *handles;
	struct fetch_handle *next;
	CURLU *url;
	struct curl_slist *resolve;
	struct curl_slist *fields;
	long connect_timeout_ms;
	long buffer_len;
	char error[CURL_ERROR_SIZE];
};

/* What libcurl calls. All get the handle, but close gets fetch_handles.user, which outlives it. */
struct fetch_handle_calls {
	curl_opensocket_callback open;
	curl_closesocket_callback close;
	curl_resolver_start_callback resolve;
	curl_prereq_callback request;
	curl_write_callback header;
	curl_write_callback body;
};

/*
 * Handles that wait for their next plain request, by scheme, and what all handles have in common.
 *
 * policies  the names' addresses that a transfer's denies are kept from libcurl; borrowed
 * proxy    NULL: none; borrowed
 * fields   User-Agent alone. CURLOPT_USERAGENT would be formatted twice a request, letter by letter.
 */
struct fetch_handles {
	const struct fetch_handle_calls *calls;
	void *user;
	const struct fetch_address_policy *const *policies;
	const struct fetch_url *proxy;
	char *user_agent;
	struct curl_slist *fields;
	char *ca_file;
	long http_version;
	struct fetch_handle *kept[2]; /* http, https */
	size_t n_kept[2];
	uint64_t n_serials;
};

/* fetch_handles_init() - 0 or -ENOMEM, and then fetch_handles_fini() all the same */
int fetch_handles_init(struct fetch_handles *handles, const struct fetch_transfers_options *options,
	const struct fetch_handle_calls *calls, void *user);

/* fetch_handles_fini() - destroy those that are kept; none is in use; accepts zeroed */
void fetch_handles_fini(struct fetch_handles *handles);

/**
 * fetch_handle_get() - one that has all options of @transfer
 *
 * Ownership: of the caller until fetch_handle_put(). Errors: -ENOMEM
 */
int fetch_handle_get(struct fetch_handles *handles, struct fetch_transfer *transfer,
	struct fetch_handle **ret_handle);

/* fetch_handle_put() - it is with no multi handle any more; @is_sound: its transfer ended well */
void fetch_handle_put(struct fetch_handle *handle, bool is_sound);

/* fetch_handles_has_http2() - whether libcurl's can be trusted */
bool fetch_handles_has_http2(void);
