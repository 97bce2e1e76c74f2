/* SPDX-License-Identifier: MIT */
/*
 * An engine's multi handle of libcurl and all that hangs on it: what transfer.c, which runs transfers,
 * and callbacks.c, which libcurl calls meanwhile, have in common.
 */
#pragma once

#include <curl/curl.h>
#include <nursery.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/list.h"
#include "lib/fetch/transfer/handle.h"
#include "lib/fetch/transfer/sockets.h"
#include "lib/fetch/transfer/tls_flood.h"
#include "lib/fetch/transfer/transfer.h"

struct fetch_transfers {
	CURLM *multi;
	struct fetch_handles handles;
	struct nur_timer timer;
	struct nur_call call;
	struct nur_timer reap_timer;
	struct list adds;    /* transfers */
	struct list removes; /* handles */
	struct list dead;    /* handles without a transfer, until reaped */
	struct list stuck;   /* handles whose connect failed in this call of libcurl */
	size_t n_dead;
	struct fetch_sockets sockets;
	struct fetch_tls_flood flood;
	bool is_inside;        /* libcurl */
	bool is_removing;      /* a transfer that has not finished */
	bool is_reaping;       /* the dead, some each pass */
	bool is_due;           /* libcurl wants to be called at once */
	bool has_other_policy; /* than one for all since the creation */
	unsigned max_idle;
	struct fetch_transfers_statistics statistics;
};

/* What every handle calls; fetch_handles.user is the struct fetch_transfers. In callbacks.c. */
extern const struct fetch_handle_calls fetch_callbacks;

/* fetch_transfer_guard_connect() - a connection begins; end the transfer if libcurl forgets to */
void fetch_transfer_guard_connect(struct fetch_transfer *transfer);
