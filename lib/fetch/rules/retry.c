/* SPDX-License-Identifier: MIT */
#include "lib/fetch/rules/retry.h"

#define BACKOFF     NUR_MSEC(250)
#define MAX_BACKOFF NUR_SEC(30)

static bool
is_connect_error(enum fetch_error error)
{
	switch (error) {
	case FETCH_ERROR_CONNECTION_REFUSED:
	case FETCH_ERROR_UNREACHABLE:
	case FETCH_ERROR_CONNECT_TIMEOUT:
	case FETCH_ERROR_TLS_HANDSHAKE:
	case FETCH_ERROR_RESET:
	case FETCH_ERROR_DNS_FAILED:
		return true;
	default:
		return false;
	}
}

bool
fetch_retry_is_wanted(const struct fetch_retries *retries, enum fetch_error error, int status)
{
	if ((retries->on & FETCH_RETRY_CONNECT) && is_connect_error(error)) {
		return true;
	}
	if ((retries->on & FETCH_RETRY_TIMEOUT) && error == FETCH_ERROR_ATTEMPT_TIMEOUT) {
		return true;
	}
	if (error != FETCH_ERROR_STATUS) {
		return false;
	}
	if ((retries->on & FETCH_RETRY_5XX) && status >= 500 && status <= 599) {
		return true;
	}
	if ((retries->on & FETCH_RETRY_429) && status == 429) {
		return true;
	}
	for (size_t i = 0; i < retries->n_statuses; i++) {
		if (retries->statuses[i] == status) {
			return true;
		}
	}
	return false;
}

enum fetch_retry_cause
fetch_retry_cause(enum fetch_error error, int status)
{
	if (error == FETCH_ERROR_ATTEMPT_TIMEOUT) {
		return FETCH_RETRIED_TIMEOUT;
	}
	if (error != FETCH_ERROR_STATUS) {
		return FETCH_RETRIED_CONNECT;
	}
	if (status == 429) {
		return FETCH_RETRIED_429;
	}
	return status >= 500 && status <= 599 ? FETCH_RETRIED_5XX : FETCH_RETRIED_STATUS;
}

nur_time
fetch_retry_delay(const struct fetch_retries *retries, unsigned n_done, int64_t retry_after_s,
	uint64_t random)
{
	nur_time delay = retries->backoff > 0 ? retries->backoff : BACKOFF;
	nur_time longest = retries->max_backoff > 0 ? retries->max_backoff : MAX_BACKOFF;
	nur_time asked = retry_after_s > 0 && retry_after_s < longest / NUR_SEC(1)
				 ? NUR_SEC(retry_after_s)
				 : longest;

	for (unsigned i = 0; i < n_done && delay < longest; i++) {
		delay = nur_time_add(delay, delay);
	}
	delay = delay < longest ? delay : longest;
	delay = (nur_time)(random % ((uint64_t)delay + 1));
	if (retry_after_s > 0 && delay < asked) {
		delay = asked;
	}
	return delay;
}
