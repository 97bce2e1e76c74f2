/* SPDX-License-Identifier: MIT */
#include "daemon/schedule/interval.h"

#include <assert.h>

#include "lib/base/hash.h"

struct interval
interval_of(const char *name, int64_t every_ns)
{
	assert(every_ns > 0);

	return (struct interval){
		.every_ns = every_ns,
		.phase_ns = (int64_t)(hash_mix(hash_text(name)) % (uint64_t)every_ns),
	};
}

/* A point beyond the end of time is the end of time. */
static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t
interval_first(const struct interval *interval, int64_t now)
{
	int64_t into = now % interval->every_ns;

	assert(now >= 0);

	if (into <= interval->phase_ns) {
		return add(now, interval->phase_ns - into);
	}
	return add(now, interval->every_ns - into + interval->phase_ns);
}

int64_t
interval_next(const struct interval *interval, int64_t due, int64_t now)
{
	int64_t next = add(due, interval->every_ns);

	return next >= now ? next : interval_first(interval, now);
}

bool
interval_is_missed(const struct interval *interval, int64_t start, int64_t now)
{
	return now >= add(start, interval->every_ns);
}

int64_t
interval_jitter(int64_t jitter_ns, uint64_t random)
{
	return jitter_ns > 0 ? (int64_t)(random % (uint64_t)jitter_ns) : 0;
}
