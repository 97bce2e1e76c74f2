/* SPDX-License-Identifier: MIT */
/*
 * Jobs for people, pure: all of them a row each, or one with its last runs. The clock is an argument.
 *
 *	NAME        STATE    NEXT                      LEFT  LAST    ELAPSED  SCHEDULE
 *	api-health  waiting  Thu 2026-11-26 12:15:51    17s  failed    610µs  every 30s, jitter 3s
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/view/text.h"
#include "lib/protocol/result.h"
#include "lib/protocol/value.h"

/*
 * A job, as the daemon tells it; strings are borrowed from the answer.
 *
 * state     "waiting", "running", "paused"
 * running   ID of the batch that is its present run; NULL = there is none
 * is_paused  also while a run is going
 * is_queued  a run is due that has no batch yet
 * has_next  whether @next_sec (seconds since 1970) is known
 * value     the whole of it, with the schedule and the runs
 */
struct job_record {
	const char *name;
	const char *state;
	const char *running;
	bool is_paused;
	bool is_queued;
	bool has_next;
	int64_t next_sec;
	const struct value *value;
};

/* job_record_from_value() - read a job. Return: 0, or -EINVAL when it is none */
int job_record_from_value(const struct value *value, struct job_record *ret_job);

/* job_put_state() - "waiting, next Thu 2026-11-26 12:15:51 (in 17s)", without newline */
void job_put_state(struct buffer *out, const struct job_record *job, int64_t now_sec,
	const struct style *style);

/* job_find_run_after() - the batch of the run that came after that of @batch; NULL = there is none, or @batch is not known */
const char *job_find_run_after(const struct job_record *job, const char *batch);

/* job_put_table() - a row for each of the list @jobs; what is no job is left out */
void job_put_table(
	struct buffer *out, const struct value *jobs, int64_t now_sec, const struct style *style);

/* job_put() - one job with its last runs */
void job_put(struct buffer *out, const struct job_record *job, int64_t now_sec,
	const struct style *style);
