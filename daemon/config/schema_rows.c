/* SPDX-License-Identifier: MIT */
/* The rows: all that can be configured. What a type of value does is in schema_types.c. */
#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "daemon/schedule/calendar.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/units.h"

#define NO_RANGE \
	{ \
		0, 0 \
	}

#define IN_FLIGHT_MAX 1000000 /* URLs */

static const char *const profile_words[] = { "default", "public_only", NULL };
static const char *const level_profile_words[] = { "same", "default", "public_only", NULL };
static const char *const http_version_words[] = { "auto", "1.1", "2", NULL };
static const char *const resolver_words[] = { "builtin", "system", NULL };
static const char *const log_format_words[] = { "plain", "json", NULL };
static const char *const log_level_words[] = { "error", "warning", "notice", "info", "debug",
	NULL };
static const char *const idle_check_words[] = { "loop", "kernel", NULL };
static const char *const overlap_words[] = { "skip", "queue", "replace", NULL };
static const char *const missed_words[] = { "skip", "run_once", NULL };
static const char *const when_words[] = { "always", "failure", "change", NULL };

#define TABLE(rows) \
	{ \
		rows, ARRAY_LEN(rows) \
	}

#define AT(member) offsetof(struct config, member)

static const struct schema_row listen_rows[] = {
	{ "socket", SCHEMA_PATH, NULL, AT(socket_path), "/run/fetchd/api.sock", { 1, 107 },
		.text = "where to listen" },
	{ "mode", SCHEMA_MODE, NULL, AT(socket_mode), "\"0660\"", NO_RANGE,
		.text = "permissions of the socket" },
	{ "group", SCHEMA_OPTIONAL, NULL, AT(socket_group), "null", { 1, 255 },
		.text = "group of the socket" },
	{ "metrics", SCHEMA_LOOPBACK, NULL, AT(metrics), "null", NO_RANGE,
		.text = "address for Prometheus" },
};

static const struct schema_row limits_rows[] = {
	{ "in_flight", SCHEMA_COUNT, "URLs", AT(in_flight), "16384", { 1, IN_FLIGHT_MAX },
		.text = "being fetched at once" },
	{ "per_origin", SCHEMA_COUNT, "URLs", AT(per_origin), "16384", { 1, IN_FLIGHT_MAX },
		.text = "of these, at one origin" },
	{ "batch_urls", SCHEMA_NUMBER, "URLs", AT(batch_limits.urls), "100000", { 1, 10000000 },
		.text = "of one batch" },
	{ "batches", SCHEMA_NUMBER, "batches", AT(max_batches), "1000", { 1, 100000 },
		.text = "at once" },
	{ "batches_per_user", SCHEMA_NUMBER, "batches", AT(max_batches_per_user), "500",
		{ 1, 100000 }, .text = "of one user at once" },
	{ "urls_per_user", SCHEMA_NUMBER, "URLs", AT(max_urls_per_user), "1000000",
		{ 1, 100000000 }, .text = "of one user's batches, fetched or waiting" },
	{ "stored_per_user", SCHEMA_SIZE, NULL, AT(max_stored_per_user), "512MiB",
		{ 1024, INT64_C(1) << 50 }, .text = "of one user's detached batches" },
	{ "body", SCHEMA_SIZE, NULL, AT(batch_limits.body), "10MiB", { 1, INT64_C(1) << 40 },
		.text = "of a response" },
	{ "request", SCHEMA_SIZE, NULL, AT(max_request), "64MiB", { 1024, INT64_C(1) << 40 },
		.text = "of a request's body" },
	{ "connections", SCHEMA_COUNT, "clients", AT(max_connections), "1024", { 1, 65536 },
		.text = "at once" },
	{ "connections_per_user", SCHEMA_COUNT, "clients", AT(max_connections_per_user), "256",
		{ 1, 65536 }, .text = "of one user at once" },
};

static const struct schema_row defaults_rows[] = {
	{ "deadline", SCHEMA_DURATION, NULL, AT(batch_defaults.deadline_ns), "60s",
		{ 1, BATCH_DURATION_MAX }, .text = "of a batch" },
	{ "timeout", SCHEMA_DURATION, NULL, AT(batch_defaults.timeout_ns), "10s",
		{ 1, BATCH_DURATION_MAX }, .text = "of a URL" },
	{ "concurrency", SCHEMA_COUNT, "URLs", AT(batch_defaults.concurrency), "64",
		{ 1, IN_FLIGHT_MAX }, .text = "of one batch in flight at once" },
	{ "per_origin", SCHEMA_COUNT, "URLs", AT(batch_defaults.per_origin), "8",
		{ 1, IN_FLIGHT_MAX }, .text = "of these, at one origin" },
	{ "redirects", SCHEMA_COUNT, "hops", AT(batch_defaults.redirects), "5",
		{ 0, BATCH_REDIRECT_MAX }, .text = "followed" },
	{ "user_agent", SCHEMA_TEXT, NULL, AT(user_agent), "\"fetchd/1.0\"", { 1, 1024 },
		.text = "the User-Agent header" },
};

#define LEVEL_NETWORK_ROWS(member) \
	{ "policy", SCHEMA_WORD, NULL, AT(member.profile), "same", NO_RANGE, level_profile_words, \
		"\"same\", \"default\" or \"public_only\"", \
		.text = "which addresses may be fetched from" }, \
		{ "allow", SCHEMA_NETWORKS, NULL, AT(member.allow), "[]", NO_RANGE, \
			.text = "networks allowed beside those of all" }, \
	{ \
		"deny", SCHEMA_NETWORKS, NULL, AT(member.deny), "[]", NO_RANGE, \
			.text = "networks denied beside those of all" \
	}

static const struct schema_row submit_network_rows[] = { LEVEL_NETWORK_ROWS(submit_network) };
static const struct schema_row admin_network_rows[] = { LEVEL_NETWORK_ROWS(admin_network) };

static const struct schema_table submit_network_table = TABLE(submit_network_rows);
static const struct schema_table admin_network_table = TABLE(admin_network_rows);

static const struct schema_row network_rows[] = {
	{ "policy", SCHEMA_WORD, NULL, AT(policy.profile), "default", NO_RANGE, profile_words,
		"\"default\" or \"public_only\"", .text = "which addresses may be fetched from" },
	{ "allow", SCHEMA_NETWORKS, NULL, AT(policy.allow), "[]", NO_RANGE,
		.text = "networks allowed besides" },
	{ "deny", SCHEMA_NETWORKS, NULL, AT(policy.deny), "[]", NO_RANGE,
		.text = "networks denied in any case" },
	{ "submit", SCHEMA_SECTION, .section = &submit_network_table,
		.text = "what is different for callers of this level" },
	{ "admin", SCHEMA_SECTION, .section = &admin_network_table,
		.text = "what is different for callers of this level" },
	{ "resolver", SCHEMA_WORD, NULL, AT(resolver), "builtin", NO_RANGE, resolver_words,
		"\"builtin\" or \"system\"", .text = "who looks names up" },
	{ "idle_check", SCHEMA_WORD, NULL, AT(idle_check), "loop", NO_RANGE, idle_check_words,
		"\"loop\" or \"kernel\"", .text = "who tells that a kept connection lives" },
	{ "http_version", SCHEMA_WORD, NULL, AT(http_version), "auto", NO_RANGE, http_version_words,
		"\"auto\", \"1.1\" or \"2\"", .text = "of requests" },
	{ "proxy", SCHEMA_PROXY, NULL, AT(proxy), "null", { 1, FETCH_URL_MAX },
		.text = "that all requests go through" },
};

static const struct schema_row store_rows[] = {
	{ "path", SCHEMA_OPTIONAL_PATH, NULL, AT(store_path), "null", { 1, 4000 },
		.text = "folder of the store" },
	{ "retain", SCHEMA_DURATION, NULL, AT(store_retain_ns), "7d", { 0, BATCH_DURATION_MAX },
		.text = "how long a batch is kept when it is over" },
	{ "max_size", SCHEMA_SIZE, NULL, AT(store_max_size), "1GiB",
		{ 1024 * 1024, INT64_C(1) << 50 }, .text = "of the store" },
};

static const struct schema_row drain_rows[] = {
	{ "timeout", SCHEMA_DURATION, NULL, AT(drain_timeout_ns), "30s", { 0, BATCH_DURATION_MAX },
		.text = "of running batches when the daemon stops" },
};

static const struct schema_row log_rows[] = {
	{ "format", SCHEMA_WORD, NULL, AT(log_format), "plain", NO_RANGE, log_format_words,
		"\"plain\" or \"json\"", .text = "of lines, where there is no journal" },
	{ "level", SCHEMA_WORD, NULL, AT(log_level), "info", NO_RANGE, log_level_words,
		"\"error\", \"warning\", \"notice\", \"info\" or \"debug\"",
		.text = "of the least urgent messages" },
};

#undef AT

static const struct schema_table listen_table = TABLE(listen_rows);
static const struct schema_table limits_table = TABLE(limits_rows);
static const struct schema_table defaults_table = TABLE(defaults_rows);
static const struct schema_table network_table = TABLE(network_rows);
static const struct schema_table store_table = TABLE(store_rows);
static const struct schema_table drain_table = TABLE(drain_rows);
static const struct schema_table log_table = TABLE(log_rows);

#define SECTION(name, what) \
	{ \
#name, SCHEMA_SECTION, .section = &name##_table, .text = what \
	}

static const struct schema_row root_rows[] = {
	SECTION(listen, "the socket"),
	SECTION(limits, "of the daemon"),
	SECTION(defaults, "of batches"),
	SECTION(network, "where to, and how"),
	{ "access", SCHEMA_ACCESS, .offset = offsetof(struct config, access),
		.initial = "[{group: fetchd, level: submit}, {user: root, level: admin}]",
		.text = "who may do what" },
	SECTION(store, "of detached batches"),
	SECTION(drain, "the end"),
	SECTION(log, "what is written of it all"),
	{ "workers", SCHEMA_COUNT_OR_AUTO, NULL, offsetof(struct config, workers), "1",
		{ 1, FETCH_WORKERS_MAX }, .text = "threads that fetch" },
	{ "jobs", SCHEMA_JOBS, .initial = "[]", .text = "batches with a schedule" },
};

static const struct schema_row jobs_file_rows[] = {
	{ "jobs", SCHEMA_JOBS, .initial = "[]", .text = "batches with a schedule" },
};

#define AT(member) offsetof(struct config_job, member)

#define WHEN "\"always\", \"failure\" or \"change\""

static const struct schema_row report_rows[] = {
	{ "file", SCHEMA_PATH, NULL, AT(report.file), NULL, { 1, 4000 },
		.text = "gets a line a run" },
	{ "on", SCHEMA_WORD, NULL, AT(report.when), "always", NO_RANGE, when_words, WHEN,
		.text = "after which runs" },
	{ "max_size", SCHEMA_SIZE, NULL, AT(report.max_size), "10MiB", { 1024, INT64_C(1) << 40 },
		.text = "of the file before another one is begun" },
	{ "keep", SCHEMA_COUNT, "files", AT(report.keep), "5", { 0, 100 },
		.text = "older ones beside it" },
};

static const struct schema_row notify_rows[] = {
	{ "url", SCHEMA_TEXT, NULL, AT(notify.url), NULL, { 1, FETCH_URL_MAX },
		.text = "gets a POST with the run's summary" },
	{ "on", SCHEMA_WORD, NULL, AT(notify.when), "always", NO_RANGE, when_words, WHEN,
		.text = "after which runs" },
};

static const struct schema_table report_table = TABLE(report_rows);
static const struct schema_table notify_table = TABLE(notify_rows);

static const struct schema_row job_rows[] = {
	{ "name", SCHEMA_NAME, NULL, AT(name), NULL, { 1, JOB_NAME_CAP - 1 }, .text = "unique" },
	{ "every", SCHEMA_DURATION, NULL, AT(every_ns), NULL,
		{ 100 * UNITS_NS_PER_MS, BATCH_DURATION_MAX }, .text = "from start to start" },
	{ "cron", SCHEMA_TEXT, NULL, AT(cron), NULL, { 1, 255 },
		.text = "starts as crontab(5) has them" },
	{ "calendar", SCHEMA_TEXT, NULL, AT(calendar), NULL, { 1, 255 },
		.text = "starts as systemd.time(7) has them" },
	{ "timezone", SCHEMA_TEXT, NULL, AT(timezone), NULL, { 1, CALENDAR_ZONE_CAP - 1 },
		.text = "of cron or calendar" },
	{ "jitter", SCHEMA_DURATION, NULL, AT(jitter_ns), "0s", { 0, BATCH_DURATION_MAX },
		.text = "each start is late by a random part of it" },
	{ "start_deadline", SCHEMA_DURATION, NULL, AT(start_deadline_ns), NULL,
		{ 1, BATCH_DURATION_MAX }, .text = "a later start is missed" },
	{ "overlap", SCHEMA_WORD, NULL, AT(overlap), "skip", NO_RANGE, overlap_words,
		"\"skip\", \"queue\" or \"replace\"", .text = "while the last run is going" },
	{ "missed", SCHEMA_WORD, NULL, AT(missed), "skip", NO_RANGE, missed_words,
		"\"skip\" or \"run_once\"", .text = "runs that could not start in time" },
	SECTION(report, "a file of results"),
	SECTION(notify, "whom to tell"),
};

#undef AT

const struct schema_table schema_root = TABLE(root_rows);
const struct schema_table schema_jobs_file = TABLE(jobs_file_rows);
const struct schema_table schema_job = TABLE(job_rows);
