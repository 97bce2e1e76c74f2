/* SPDX-License-Identifier: MIT */
/*
 * The libcurl handles of an engine: each made ready for one request, most kept for the next one like it.
 *
 * A handle costs a quarter of a request to make and destroy. So handles of plain requests, whose
 * settings are the engine's own and the same for all, are kept for the next plain request, which
 * sets its URL and little else. What got something of a caller's (fields, a method, certificates) is kept
 * for the next request of the same batch that has the same options, and ends with the batch's run. With
 * a body, user info, or a transfer that did not end well it is destroyed: nothing of one caller can reach
 * the next.
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
#include "lib/fetch/transfer/transfer.h"

struct fetch_handles;

enum fetch_handle_use {
	FETCH_HANDLE_ONCE,   /* nobody's */
	FETCH_HANDLE_PLAIN,  /* any plain one */
	FETCH_HANDLE_FITTED, /* one of the same run with the same options */
};

/*
 * A libcurl handle and the transfer it is used for.
 *
 * node                of those who run transfers; with what follows up to is_tls it is all that giving up looks at
 * transfer            NULL when its task has gone on without waiting for libcurl
 * serial              in the order of being used
 * fd                  the socket on which the request was sent, or -1
 * polled_fd           the socket for which it last asked to be woken, or -1: of a new connection that stands, its own
 * has_asked           the request is being sent, on a connection that stands
 * has_body            libcurl borrows the caller's
 * is_tls              for https
 * use                 whose next request may have it
 * next                kept handle
 * url                 of the present or the last request
 * url_origin          its origin, if it has all been read as it stands; else NULL
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
	bool has_body;
	bool is_tls;
	enum fetch_handle_use use;
	CURL *easy;
	struct fetch_handles *handles;
	struct fetch_handle *next;
	CURLU *url;
	char *url_origin;
	struct curl_slist *resolve;
	struct curl_slist *fields;
	long connect_timeout_ms;
	long buffer_len;
	char error[CURL_ERROR_SIZE];
};

/* Handles that wait for their next request. */
struct fetch_kept {
	struct fetch_handle *first;
	size_t n;
};

/* Those of a batch's run, all for the same options: the last ones with which a handle was kept. */
struct fetch_fitted {
	const struct fetch_options *options;
	bool is_tls;
	struct fetch_kept kept;
};

/* fetch_fitted_fini() - the run is over: destroy them; accepts zeroed */
void fetch_fitted_fini(struct fetch_fitted *fitted);

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
 * Handles for plain requests, by scheme, and what all handles have in common.
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
	struct fetch_kept kept[2]; /* http, https */
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
