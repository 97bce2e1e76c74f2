/* SPDX-License-Identifier: MIT */
/* What is doubtful about jobs. Each is made into its batch once more, for what it comes to with the defaults. */
#include <stdio.h>
#include <string.h>

#include "daemon/config/linting.h"
#include "daemon/config/loader.h"
#include "daemon/schedule/timetable.h"
#include "lib/fetch/rules/url.h"

static const struct value_path jobs_path = { .key = "jobs", .key_len = 4 };

/* A job on its way: where it stands, and what it comes to. */
struct looking {
	struct linting *linting;
	size_t job;
	const struct config_job *config;
	const struct value_path *path;
	const struct batch_description *batch;
};

static void
warn_of(struct looking *looking, enum lint_code code, const struct value *map,
	const struct value_path *path, const char *key, const char *text)
{
	lint_warn_member(looking->linting, code, looking->config->source, map, path, key, text);
}

/* ---- times ---- */

/* What @map, of the job or of one of its URLs, says of times that come to nothing. */
static void
look_at_times(struct looking *looking, const struct value *map, const struct value_path *path,
	const struct batch_options *options)
{
	if (value_get(map, "timeout") && options->timeout_ns > looking->batch->deadline_ns) {
		warn_of(looking, LINT_TIMEOUT_OVER_DEADLINE, map, path, "timeout",
			"is more than the deadline of the batch");
	}
	if (value_get(map, "attempt_timeout") &&
		options->attempt_timeout_ns > options->timeout_ns) {
		warn_of(looking, LINT_NEVER_REACHED, map, path, "attempt_timeout",
			"is more than the timeout, which is of all attempts");
	}
	if (value_get(map, "connect_timeout") &&
		options->connect_timeout_ns > options->timeout_ns) {
		warn_of(looking, LINT_NEVER_REACHED, map, path, "connect_timeout",
			"is more than the timeout");
	}
	if (value_get(map, "hedge") && options->hedge_ns >= options->timeout_ns) {
		warn_of(looking, LINT_NEVER_REACHED, map, path, "hedge",
			"is not less than the timeout: there is never a second attempt");
	}
}

/* The time from one start to the next; of a timetable, the shortest of some; INT64_MAX: one start. */
static int64_t
time_between_starts(const struct config_job *config)
{
	int64_t shortest = INT64_MAX;
	int64_t last;

	if (!config->timetable) {
		return config->every_ns;
	}
	last = timetable_next(config->timetable, 0);
	for (int i = 0; i < 10 && last < INT64_MAX; i++) {
		int64_t next = timetable_next(config->timetable, last);

		if (next < INT64_MAX && next - last < shortest) {
			shortest = next - last;
		}
		last = next;
	}
	return shortest < INT64_MAX / UNITS_NS_PER_S ? shortest * UNITS_NS_PER_S : INT64_MAX;
}

/* Whoever has written what happens then knows it. */
static void
look_at_schedule(struct looking *looking)
{
	const struct value *map = looking->config->map;
	const char *key = value_get(map, "every")  ? "every"
			  : value_get(map, "cron") ? "cron"
						   : "calendar";

	if (!value_get(map, "overlap") &&
		time_between_starts(looking->config) < looking->batch->deadline_ns) {
		warn_of(looking, LINT_INTERVAL_UNDER_DEADLINE, map, looking->path, key,
			"is less than the deadline of the batch: the next start is skipped while a "
			"run takes longer; \"overlap\" says what is wanted");
	}
	if (value_get(map, "per_origin") &&
		looking->batch->per_origin > looking->batch->concurrency) {
		warn_of(looking, LINT_NEVER_REACHED, map, looking->path, "per_origin",
			"is more than the concurrency of the batch");
	}
}

/* ---- secrets and certificates ---- */

static bool
is_loopback(const struct fetch_url *url)
{
	static const uint8_t ipv6[16] = { [15] = 1 };

	if (fetch_url_is_literal(url)) {
		return url->address.family == AF_INET
			       ? url->address.bytes[0] == 127
			       : memcmp(url->address.bytes, ipv6, sizeof(ipv6)) == 0;
	}
	return strcmp(url->host, "localhost") == 0;
}

static bool
has_secret(const struct fetch_url *url, const struct batch_options *options)
{
	for (size_t i = 0; i < options->n_headers; i++) {
		if (lint_is_secret_header(options->headers[i].name)) {
			return true;
		}
	}
	return url->has_userinfo;
}

static int
look_at_secret(struct looking *looking, const struct batch_url *url, const struct value *at,
	const struct value_path *path)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *parsed = NULL;
	struct fetch_reason reason;
	int r = fetch_url_parse(url->url, strlen(url->url), &parsed, &reason);

	if (r < 0) {
		return r;
	}
	if (!parsed->is_https && !is_loopback(parsed) && has_secret(parsed, url->options)) {
		lint_warn(looking->linting, LINT_SECRET_OVER_HTTP, looking->config->source,
			&(struct fault_place){ .path = path, .at = at },
			"gets a secret without TLS: everybody on the way can read it");
	}
	return 0;
}

static void
look_at_certificate(struct looking *looking, const struct value *map, const struct value_path *path)
{
	const struct value_path tls_path = { path, "tls", 3, 0 };
	const struct value *tls = value_get(map, "tls");
	const struct value *verify = value_get(tls, "verify");

	if (verify && verify->type == VALUE_BOOL && !verify->boolean) {
		warn_of(looking, LINT_CERTIFICATE_NOT_VERIFIED, tls, &tls_path, "verify",
			"takes every server for the right one; \"ca\" names whom to trust");
	}
}

static int
look_at_urls(struct looking *looking)
{
	const struct value_path urls_path = { looking->path, "urls", 4, 0 };
	const struct value *at = value_get(looking->config->map, "urls")->first;
	int r = 0;

	for (size_t i = 0; r == 0 && i < looking->batch->n_urls; i++, at = at->next) {
		const struct batch_url *url = &looking->batch->urls[i];
		const struct value_path path = { .parent = &urls_path, .index = i };

		look_at_times(looking, at, &path, url->options);
		look_at_certificate(looking, at, &path);
		r = look_at_secret(looking, url, at, &path);
	}
	return r;
}

/* ---- jobs ---- */

static void
look_at_report(struct looking *looking)
{
	static const char key[] = "report";
	const struct config *config = looking->linting->config;
	const struct value_path path = { looking->path, key, strlen(key), 0 };
	const char *file = looking->config->report.file;
	char text[JOB_NAME_CAP + 64];

	for (size_t i = 0; file && i < looking->job; i++) {
		const struct config_job *other = &config->jobs[i];

		if (other->report.file && strcmp(other->report.file, file) == 0) {
			(void)snprintf(text, sizeof(text),
				"is the report of the job \"%s\", too: they rotate it for each "
				"other",
				other->name);
			warn_of(looking, LINT_SHARED_REPORT, value_get(looking->config->map, key),
				&path, "file", text);
			return;
		}
	}
}

static int
look_at_job(struct linting *linting, size_t job, size_t index)
{
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;
	const struct value_path path = { .parent = &jobs_path, .index = index };
	struct looking looking = { linting, job, &linting->config->jobs[job], &path, NULL };
	int r = config_job_batch(linting->config, job, &batch);

	if (r < 0) {
		return r;
	}
	looking.batch = batch;
	look_at_schedule(&looking);
	look_at_times(&looking, looking.config->map, &path, batch->options);
	look_at_certificate(&looking, looking.config->map, &path);
	look_at_report(&looking);
	return look_at_urls(&looking);
}

/* Jobs stand in the order of their files; their places are within each. */
int
lint_jobs(struct linting *linting)
{
	const struct config *config = linting->config;
	size_t index = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_jobs; i++) {
		bool is_first = i == 0 || config->jobs[i].source != config->jobs[i - 1].source;

		index = is_first ? 0 : index + 1;
		r = look_at_job(linting, i, index);
	}
	return r;
}
