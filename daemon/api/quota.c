/* SPDX-License-Identifier: MIT */
#include "daemon/api/quota.h"

#include <stdio.h>

#include "daemon/api/connection.h"
#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/server.h"
#include "lib/protocol/units.h"

static int
refuse(struct exchange *exchange, const char *quota, size_t limit, size_t n)
{
	char detail[160];

	(void)snprintf(detail, sizeof(detail),
		"limits.%s is %zu, and uid %u has %zu; those that end make room", quota, limit,
		(unsigned)exchange->peer.uid, n);
	return response_problem(
		&exchange->response, PROBLEM_QUOTA, detail, "Retry-After: 1\r\n", NULL);
}

int
quota_refuse_stored(struct exchange *exchange)
{
	char limit[UNITS_TEXT_MAX];
	char detail[160];

	(void)snprintf(detail, sizeof(detail),
		"limits.stored_per_user is %s, and the detached batches of uid %u have no room in "
		"it for one more; those that expire make room",
		size_format(server_config(exchange->server)->max_stored_per_user, limit),
		(unsigned)exchange->peer.uid);
	return response_problem(
		&exchange->response, PROBLEM_QUOTA, detail, "Retry-After: 60\r\n", NULL);
}

int
quota_check(struct exchange *exchange, size_t n_urls)
{
	const struct config *config = server_config(exchange->server);
	const struct batches_usage usage =
		batches_usage_of(server_batches(exchange->server), exchange->peer.uid);

	if (usage.n_batches >= config->max_batches_per_user) {
		return refuse(exchange, "batches_per_user", config->max_batches_per_user,
			usage.n_batches);
	}
	/* With nothing going on any batch is let in that limits.batch_urls allows: to wait would be in vain. */
	if (usage.n_urls > 0 && usage.n_urls + n_urls > config->max_urls_per_user) {
		return refuse(exchange, "urls_per_user", config->max_urls_per_user, usage.n_urls);
	}
	return 1;
}
