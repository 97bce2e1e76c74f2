/* SPDX-License-Identifier: MIT */
/* What of a body is kept: nothing, its SHA-256, or all of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <fetch/fetch.h>

#include "lib/base/buffer.h"

#define FETCH_SHA256_LEN 32

/* Zeroed keeps nothing. All fields are private. */
struct fetch_body {
	enum fetch_capture kind;
	struct buffer bytes; /* the body, or the digest after fetch_body_end() */
	void *digest;
};

/* fetch_body_begin() - 0 or -ENOMEM */
int fetch_body_begin(struct fetch_body *body, enum fetch_capture kind);

/* fetch_body_add() - 0 or -ENOMEM */
int fetch_body_add(struct fetch_body *body, const void *data, size_t len);

/* fetch_body_end() - what was kept is in body->bytes; 0 or -ENOMEM */
int fetch_body_end(struct fetch_body *body);

/* fetch_body_fini() - accepts zeroed, leaves it zeroed */
void fetch_body_fini(struct fetch_body *body);
