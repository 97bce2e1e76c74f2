/* SPDX-License-Identifier: MIT */
/*
 * What has become of a transfer, in our words.
 *
 * libcurl's code alone does not say it. Three things are put together: the note that a callback took
 * when it refused something (which stands above what libcurl made of the refusal), what libcurl
 * tells of the handle, and what the head and the end of the body promise. What libcurl calls a
 * success is not one when the response was cut.
 */
#pragma once

#include <curl/curl.h>

#include "lib/fetch/transfer/transfer.h"

/* fetch_outcome_note() - the first note stays: what follows is a consequence */
__attribute__((format(printf, 3, 4))) void fetch_outcome_note(
	struct fetch_transfer *transfer, enum fetch_error error, const char *format, ...);

/*
 * fetch_outcome_collect() - libcurl is through with it and says @code: take all that is wanted out
 * of the handle, before that is destroyed, and judge
 */
void fetch_outcome_collect(struct fetch_transfer *transfer, CURLcode code);
