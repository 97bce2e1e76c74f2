/* SPDX-License-Identifier: MIT */
/* One URL of a batch, from its start to its result. See fetch.c. */
#pragma once

#include "lib/fetch/batch.h"
#include "lib/fetch/rules/reason.h"

/**
 * fetch_start() - start the task that fetches a URL
 * @lane:  has a place for it, as have the window and in_flight; on success the task gives all three
 *         back when it has delivered the result
 * @url:   parsed; taken on success
 *
 * Errors: -ENOMEM and those of nur_start_soon(): nothing was started.
 */
int fetch_start(
	struct fetch_run *run, size_t index, struct fetch_lane *lane, struct fetch_url *url);
