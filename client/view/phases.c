/* SPDX-License-Identifier: MIT */
#include "client/view/phases.h"

#include <string.h>

const char *
phase_name(enum phase phase)
{
	static const char *const names[N_PHASES] = {
		[PHASE_QUEUE] = "queue",
		[PHASE_EARLIER] = "earlier hops",
		[PHASE_DNS] = "dns",
		[PHASE_CONNECT] = "connect",
		[PHASE_TLS] = "tls",
		[PHASE_WAIT] = "wait",
		[PHASE_CONTENT] = "body",
	};

	return names[phase];
}

static int64_t
at_least_0(int64_t ns)
{
	return ns > 0 ? ns : 0;
}

void
phases_split(const struct result_record *record, int64_t parts[N_PHASES])
{
	const struct result_timing *timing = &record->timing;
	int64_t left = at_least_0(timing->total_ns);
	int64_t rest;
	size_t i;

	memset(parts, 0, N_PHASES * sizeof(parts[0]));
	parts[PHASE_QUEUE] = at_least_0(timing->queue_ns);
	parts[PHASE_DNS] = at_least_0(timing->dns_ns);
	parts[PHASE_CONNECT] = at_least_0(timing->connect_ns);
	parts[PHASE_TLS] = at_least_0(timing->tls_ns);
	/* first_byte counts from the hop's start, with connect and tls. */
	parts[PHASE_WAIT] =
		at_least_0(timing->first_byte_ns - parts[PHASE_CONNECT] - parts[PHASE_TLS]);

	rest = left;
	for (i = 0; i < N_PHASES; i++) {
		rest -= parts[i];
	}
	/* Nobody measures how long the body took: it is what is left, unless there were other hops. */
	if (record->attempts == 0) {
		parts[PHASE_QUEUE] += at_least_0(rest);
	} else if (record->redirects > 0 || record->attempts > 1) {
		parts[PHASE_EARLIER] = at_least_0(rest);
	} else if (timing->first_byte_ns < 0) {
		parts[PHASE_WAIT] += at_least_0(rest);
	} else {
		parts[PHASE_CONTENT] = at_least_0(rest);
	}
	for (i = 0; i < N_PHASES; i++) {
		parts[i] = parts[i] < left ? parts[i] : left;
		left -= parts[i];
	}
}
