/* SPDX-License-Identifier: MIT */
#include "daemon/descriptors.h"

#include <sys/resource.h>

#include "daemon/config/config.h"
#include "daemon/ops/log.h"

void
descriptors_fit(struct config *config)
{
	enum {
		for_ourselves = 64,
		for_a_further_worker = 16,
		idle_connections = 256
	};
	struct rlimit limit;
	rlim_t reserved = for_ourselves + idle_connections + config->max_connections +
			  (rlim_t)for_a_further_worker * (config_n_workers(config) - 1);

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		return;
	}
	if (limit.rlim_cur >= reserved + config->in_flight) {
		return;
	}
	config->in_flight = limit.rlim_cur > reserved + for_ourselves
				    ? (unsigned)(limit.rlim_cur - reserved)
				    : for_ourselves;
	log_notice("%llu descriptors allowed: limits.in_flight is %u (raise LimitNOFILE= or ulimit "
		   "-n)",
		(unsigned long long)limit.rlim_cur, config->in_flight);
}
