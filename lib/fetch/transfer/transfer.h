/* SPDX-License-Identifier: MIT */
/* One HTTP request and its response: the only door to libcurl. See transfer.c. */
#pragma once

#include <netinet/in.h>
#include <nursery.h>
#include <stdbool.h>
#include <stdint.h>

#include <fetch/fetch.h>

#include "lib/base/list.h"
#include "lib/fetch/names/answer.h"
#include "lib/fetch/rules/address_policy.h"
#include "lib/fetch/rules/url.h"
#include "lib/fetch/transfer/capture.h"
#include "lib/fetch/transfer/head.h"
#include "lib/fetch/transfer/tls_end.h"

#define FETCH_DETAIL_CAP 256

struct fetch_transfers;
struct fetch_handle;
struct fetch_fitted;

/* Strings are copied; zero is not a default here. */
struct fetch_transfers_options {
	const char *user_agent;
	const char *ca_file; /* NULL: the system's */
	unsigned max_idle;
	enum fetch_http_version http_version;
	const struct fetch_address_policy *const *policies; /* fetch_policy_of(); borrowed */
	const struct fetch_url *proxy;                      /* NULL: none; borrowed */
};

struct fetch_transfers_statistics {
	size_t n_transfers;
	size_t n_connections;
	uint64_t total_transfers;
	uint64_t total_reused;
	uint64_t total_connections;
	uint64_t total_bytes;
};

/*
 * Lives on the stack of the task that fetches, while it waits. The first part says what to do, the
 * second is written before the task goes on, the third is private.
 *
 * answer         addresses of the host, or of the proxy's; NULL for a literal
 * method         static or of the options
 * is_elsewhere   another origin than the caller named: only safe fields are sent
 * policy         number of the address policy
 * fitted         where handles wait for requests with these options; NULL: nowhere
 */
struct fetch_transfer {
	const struct fetch_url *url;
	const struct fetch_answer *answer;
	const struct fetch_options *options;
	const char *method;
	bool with_body;
	bool is_elsewhere;
	uint64_t max_body;
	unsigned policy;
	struct fetch_fitted *fitted;

	enum fetch_error error;
	int status;
	uint64_t bytes;
	const char *http_version;
	bool is_reused;
	uint16_t port;
	char ip[INET6_ADDRSTRLEN];
	int64_t connect_ns;
	int64_t tls_ns;
	int64_t first_byte_ns;
	int64_t retry_after_s; /* 0: not said */
	char *tls_issuer;
	int64_t tls_expires;
	struct fetch_head head;
	struct fetch_body body;
	char detail[FETCH_DETAIL_CAP];

	struct list node;
	struct fetch_transfers *transfers;
	struct nur_task *task;
	struct fetch_handle *handle;
	struct nur_timer connect_guard;
	enum fetch_error noted;
	bool is_afresh;     /* on a connection of its own: those that were kept are dead */
	bool is_pool_empty; /* no connection rests: there is none to be looked for */
	bool is_guarded;
	bool is_removed;
	bool is_done;
	struct fetch_tls_end *tls_end; /* where it tells that a body is whole, or NULL */
};

/**
 * fetch_transfers_create() - inside a run
 * Errors: NUR_ENOTINTASK, -ENOMEM, -EMFILE and the like, NUR_EINTERNAL (libcurl does not start)
 */
int fetch_transfers_create(
	const struct fetch_transfers_options *options, struct fetch_transfers **ret_transfers);

/* fetch_transfers_destroy() - no transfer is under way; accepts NULL */
void fetch_transfers_destroy(struct fetch_transfers *transfers);

/* fetch_transfers_note_policies() - they are others: connections that are open may be denied from now on */
void fetch_transfers_note_policies(struct fetch_transfers *transfers);

void fetch_transfers_statistics(
	const struct fetch_transfers *transfers, struct fetch_transfers_statistics *ret_statistics);

/**
 * fetch_transfer_run() - do it
 *
 * Checkpoint: always. Ownership: @transfer stays where it is until the call returns; afterwards
 * fetch_transfer_fini(). Errors: NUR_ECANCELED cancelled; its socket is closed or was given back
 * unharmed. What became of the request is in @transfer->error.
 */
NUR_CHECKPOINT int fetch_transfer_run(
	struct fetch_transfers *transfers, struct fetch_transfer *transfer);

/* fetch_transfer_fini() - free what came back; accepts zeroed; leaves it ready for the next */
void fetch_transfer_fini(struct fetch_transfer *transfer);

/* fetch_transfers_versions() - the fields about libcurl */
void fetch_transfers_versions(struct fetch_versions *ret_versions);
