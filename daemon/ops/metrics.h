/* SPDX-License-Identifier: MIT */
/*
 * The daemon's metrics, one row each, and their text: Prometheus' format 0.0.4, or OpenMetrics 1.0. Names, types,
 * labels and help come from the rows; whoever writes a metric gives its numbers. Pure.
 *
 * No label's value is a URL or a host: there would be no end of them.
 */
#pragma once

#include <stdint.h>

struct buffer;
struct histogram;

#define METRIC_MAX_LABELS 4

/* id, name, type, labels (separated by ","), help. Counters end in _total, units are seconds and bytes. */
#define METRICS(X) \
	X(BUILD_INFO, "fetchd_build_info", GAUGE, "version,libcurl,tls,c_ares", \
		"Always 1. The labels have the versions in use.") \
	X(START_TIME, "fetchd_start_time_seconds", GAUGE, "", \
		"When the daemon started, since 1970.") \
	X(PROCESS_START_TIME, "process_start_time_seconds", GAUGE, "", \
		"When the process started, since 1970.") \
	X(PROCESS_CPU, "process_cpu_seconds_total", COUNTER, "", \
		"CPU time used, user and system.") \
	X(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, "", "Memory that is in RAM.") \
	X(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, "", "Address space in use.") \
	X(PROCESS_OPEN_FDS, "process_open_fds", GAUGE, "", "File descriptors that are open.") \
	X(PROCESS_MAX_FDS, "process_max_fds", GAUGE, "", "File descriptors that may be open.") \
	X(FDS, "fetchd_fds", GAUGE, "", "File descriptors that are open.") \
	X(FD_LIMIT, "fetchd_fd_limit", GAUGE, "", "File descriptors that may be open.") \
	X(REQUESTS, "fetchd_requests_total", COUNTER, "outcome,scheme,http_version", \
		"URLs that are over. The version is empty where there was no response.") \
	X(REQUEST_DURATION, "fetchd_request_duration_seconds", HISTOGRAM, "phase", \
		"How long the phases of a URL's last hop took, and its wait for admission.") \
	X(RECEIVED, "fetchd_received_bytes_total", COUNTER, "", "Bytes of bodies received.") \
	X(IN_FLIGHT, "fetchd_in_flight_requests", GAUGE, "", "URLs being fetched.") \
	X(IN_FLIGHT_LIMIT, "fetchd_in_flight_limit", GAUGE, "", \
		"URLs that may be fetched at once.") \
	X(QUEUE_URLS, "fetchd_queue_urls", GAUGE, "", "URLs that wait for admission.") \
	X(QUEUE_OLDEST, "fetchd_queue_oldest_seconds", GAUGE, "", \
		"Age of the oldest batch of which URLs wait for admission.") \
	X(BATCHES, "fetchd_batches", GAUGE, "state", "Batches that are kept, by their state.") \
	X(SPOOL, "fetchd_spool_bytes", GAUGE, "", "Bytes of the store in use.") \
	X(SPOOL_LIMIT, "fetchd_spool_limit_bytes", GAUGE, "", \
		"Bytes at which the store takes no more batches.") \
	X(STORE_BATCHES, "fetchd_store_batches", GAUGE, "state", \
		"Batches in the store: unfinished ones, and those that are done and kept.") \
	X(STORE_COMMITS, "fetchd_store_commits_total", COUNTER, "outcome", \
		"Transactions of the store. One that failed is the last until the next start.") \
	X(STORE_GROUP, "fetchd_store_group_size", SIZES, "", \
		"Acceptances, results, marks and ends that shared a transaction.") \
	X(JOURNAL_SYNC, "fetchd_journal_sync_duration_seconds", HISTOGRAM, "", \
		"How long a transaction's commit to the store took, with its sync.") \
	X(RETRIES, "fetchd_retries_total", COUNTER, "reason", \
		"Attempts made again, by what had failed.") \
	X(CONNECTIONS, "fetchd_connections", GAUGE, "state", "Connections to origins.") \
	X(CONNECTIONS_OPENED, "fetchd_connections_opened_total", COUNTER, "", \
		"Connections to origins that were begun.") \
	X(CONNECTION_REUSE, "fetchd_connection_reuse_total", COUNTER, "", \
		"Hops that went over a connection which was there before.") \
	X(DNS_LOOKUPS, "fetchd_dns_lookups_total", COUNTER, "outcome", \
		"Names looked up: cached, or asked of a name server, and what came of it.") \
	X(JOB_LAST_SUCCESS, "fetchd_job_last_success_timestamp_seconds", GAUGE, "job", \
		"When the job's last run that was ok ended, since 1970. Absent before the first.") \
	X(JOB_MISSED, "fetchd_job_missed_runs_total", COUNTER, "job", \
		"Runs that were skipped: not started in time, or still running.") \
	X(CONFIG_RELOAD_OK, "fetchd_config_last_reload_successful", GAUGE, "", \
		"1, or 0 when the last reload was refused.") \
	X(CONFIG_RELOAD_TIME, "fetchd_config_last_reload_success_timestamp_seconds", GAUGE, "", \
		"When the configuration in effect was loaded, since 1970.") \
	X(CONFIG_GENERATION, "fetchd_config_generation", GAUGE, "", \
		"Configurations that have been in effect, this one included.") \
	X(API_REQUESTS, "fetchd_api_requests_total", COUNTER, "route,code", \
		"Requests answered, by the pattern of their path and the status.") \
	X(API_REJECTED, "fetchd_api_rejected_total", COUNTER, "reason", \
		"Connections turned away, and requests answered with a problem.") \
	X(API_CONNECTIONS, "fetchd_api_connections", GAUGE, "", "Callers that are connected.") \
	X(LOG_DROPPED, "fetchd_log_dropped_total", COUNTER, "", \
		"Messages lost because the log's reader was behind.") \
	X(LOOP_LAG, "fetchd_event_loop_lag_seconds", HISTOGRAM, "", \
		"How late a task was that wakes once a second.") \
	X(TASKS, "fetchd_tasks", GAUGE, "state", "Tasks, by their state.") \
	X(STACKS, "fetchd_stacks", GAUGE, "", "Stacks of tasks, those kept for reuse included.")

enum metric {
#define X(id, name, type, labels, help) METRIC_##id,
	METRICS(X)
#undef X
	METRIC_N
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of durations */
	METRIC_SIZES,     /* a histogram of sizes */
};

struct metric_row {
	const char *name;
	enum metric_type type;
	const char *labels;
	const char *help;
};

/* metric_row() - for those who list them */
const struct metric_row *metric_row(enum metric metric);

enum metrics_format {
	METRICS_PROMETHEUS,
	METRICS_OPENMETRICS,
};

/* metrics_content_type() - of an answer in this format */
const char *metrics_content_type(enum metrics_format format);

/*
 * struct metrics - a text that is being written
 *
 * out   borrowed; failures are kept in it
 * next  the first metric that may still be written
 */
struct metrics {
	struct buffer *out;
	enum metrics_format format;
	unsigned next;
};

#define METRICS_INIT(buffer, how) \
	{ \
		.out = (buffer), .format = (how) \
	}

/* The values of a sample's labels, in the order of the row; a metric without labels has none. */
#define METRIC_LABELS(...) ((const char *const[METRIC_MAX_LABELS]){ __VA_ARGS__ })

/*
 * metrics_count(), metrics_seconds(), metrics_histogram() - one sample
 *
 * Metrics are written in the order of the rows, all samples of one after another.
 *
 * @labels: NULL for a metric without labels; as many as the row has
 */
void metrics_count(
	struct metrics *metrics, enum metric metric, const char *const *labels, uint64_t n);
void metrics_seconds(
	struct metrics *metrics, enum metric metric, const char *const *labels, int64_t ns);
void metrics_histogram(struct metrics *metrics, enum metric metric, const char *const *labels,
	const struct histogram *histogram);

/* metrics_end() - OpenMetrics has a last line: a text without it was cut */
void metrics_end(struct metrics *metrics);
