/* SPDX-License-Identifier: MIT */
/* What of a body is kept: nothing, its SHA-256, all of it, or both. */
#pragma once

#include <stddef.h>

#include <fetch/fetch.h>

#include "lib/base/buffer.h"

#define FETCH_SHA256_LEN 32

/*
 * Zeroed keeps nothing.
 *
 * kind      what the caller gets
 * is_kept   the bytes are wanted here, too
 * bytes     the body, if it is kept
 * digest    after fetch_body_end() of FETCH_CAPTURE_SHA256
 * hash      its calculation, or NULL
 */
struct fetch_body {
	enum fetch_capture kind;
	bool is_kept;
	struct buffer bytes;
	unsigned char digest[FETCH_SHA256_LEN];
	void *hash;
};

/* fetch_body_begin() - 0 or -ENOMEM */
int fetch_body_begin(struct fetch_body *body, enum fetch_capture kind, bool is_kept);

/* fetch_body_add() - 0 or -ENOMEM */
int fetch_body_add(struct fetch_body *body, const void *data, size_t len);

/* fetch_body_end() - the body is whole; 0 or -ENOMEM */
int fetch_body_end(struct fetch_body *body);

/* fetch_body_bytes() - what is kept of it; of an empty one not NULL either */
const void *fetch_body_bytes(const struct fetch_body *body);

/* fetch_body_fini() - accepts zeroed, leaves it zeroed */
void fetch_body_fini(struct fetch_body *body);
