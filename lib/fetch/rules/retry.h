/* SPDX-License-Identifier: MIT */
/* Whether a failed attempt is made again, and when. Pure: time and randomness are arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fetch/fetch.h>

/* fetch_retry_is_wanted() - @status is of a response that was not expected; 0: there was none */
bool fetch_retry_is_wanted(const struct fetch_retries *retries, enum fetch_error error, int status);

/* fetch_retry_cause() - which of the counted ones it is; of what fetch_retry_is_wanted() */
enum fetch_retry_cause fetch_retry_cause(enum fetch_error error, int status);

/**
 * fetch_retry_delay() - how long to wait before retry number @n_done + 1
 * @n_done:         retries made
 * @retry_after_s:  what the server asked for, or 0
 * @random:         any 64 bits: the jitter
 *
 * Exponential with full jitter; at least what the server asks for; never more than max_backoff.
 * Return: ns.
 */
nur_time fetch_retry_delay(const struct fetch_retries *retries, unsigned n_done,
	int64_t retry_after_s, uint64_t random);
