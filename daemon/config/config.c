/* SPDX-License-Identifier: MIT */
/* The built-in defaults. */
#include "daemon/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fetch/url.h"

static int
check_url(const char *url, size_t len, char *why, size_t cap)
{
	struct fetch_reason reason;
	int r = fetch_url_check(url, len, &reason);

	if (r < 0) {
		(void)snprintf(why, cap, "%s", reason.text);
	}
	return r;
}

int
config_load(const char *path, struct config **ret_config, struct faults *faults)
{
	struct config *config;

	if (path) {
		return -EOPNOTSUPP;
	}
	config = calloc(1, sizeof(*config));
	if (!config) {
		return -ENOMEM;
	}
	*config = (struct config){
		.socket_mode = 0660,
		.in_flight = 16384,
		.per_origin = 16384,
		.max_batches = 1000,
		.max_request = INT64_C(64) << 20,
		.max_connections = 1024,
		.max_connections_per_user = 256,
		.batch_defaults = BATCH_DEFAULTS_INIT,
		.batch_limits = BATCH_LIMITS_INIT,
		.drain_timeout_ns = 30 * UNITS_NS_PER_S,
	};
	config->batch_limits.check_url = check_url;
	*ret_config = config;
	return 0;
}

void
config_print_faults(const struct faults *faults, struct buffer *out)
{
	faults_print(faults, out);
}

int
config_print(const struct config *config, struct buffer *out)
{
	buffer_puts(out, "{}\n");
	return buffer_error(out);
}

void
config_destroy(struct config *config)
{
	free(config);
}
