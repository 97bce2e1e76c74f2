/* SPDX-License-Identifier: MIT */
/*
 * The seam between the two libraries: a batch as lib/protocol describes it, as the engine in lib/fetch wants
 * it. Options that URLs share are translated once; texts stay where they are.
 */
#pragma once

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/result.h"

struct batch_request;

/**
 * batch_request_create() - translate a description
 * @description: valid; borrowed until the request is destroyed
 * Errors: -ENOMEM
 */
int batch_request_create(
	const struct batch_description *description, struct batch_request **ret_request);

/* batch_request_batch() - for fetch_batch_run(); accepted_at is the caller's to set; borrowed */
struct fetch_batch *batch_request_batch(struct batch_request *request);

/* batch_request_pick() - only these URLs of it, in their order; @indices are borrowed for the call */
void batch_request_pick(struct batch_request *request, const uint32_t *indices, size_t n);

/* batch_request_destroy() - accepts NULL */
void batch_request_destroy(struct batch_request *request);

DEFINE_CLEANUP(struct batch_request *, batch_request_destroy);

/* batch_result_record() - the engine's result as a record; @url and @capture as the description has them */
struct result_record batch_result_record(
	const struct fetch_result *result, const struct batch_url *url);

/* batch_outcome_of() - the engine's outcome in the words of the protocol */
enum batch_outcome batch_outcome_of(enum fetch_batch_outcome outcome);
