/* SPDX-License-Identifier: MIT */
/*
 * Everything is read at the moment it is asked for, between two checkpoints: the numbers belong together. The order is
 * that of the rows in daemon/ops/metrics.h.
 */
#include "daemon/api/metrics_route.h"

#include <fetch/fetch.h>
#include <nursery.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/connection.h"
#include "daemon/api/routes.h"
#include "daemon/batches/batches.h"
#include "daemon/batches/tally.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/ops/histogram.h"
#include "daemon/ops/log.h"
#include "daemon/ops/metrics.h"
#include "daemon/ops/usage.h"
#include "daemon/server.h"
#include "daemon/store/queue.h"
#include "lib/base/cleanup.h"

static void
write_process(struct metrics *m, const struct server_state *state)
{
	struct fetch_versions versions;
	struct usage usage;

	fetch_engine_versions(&versions);
	usage_read(&usage);
	metrics_count(m, METRIC_BUILD_INFO,
		METRIC_LABELS(FETCHD_VERSION, versions.curl, versions.ssl, versions.cares), 1);
	metrics_seconds(m, METRIC_START_TIME, NULL, state->started_ns);
	metrics_seconds(m, METRIC_PROCESS_START_TIME, NULL, state->started_ns);
	metrics_seconds(m, METRIC_PROCESS_CPU, NULL, usage.cpu_ns);
	metrics_count(m, METRIC_PROCESS_RESIDENT, NULL, usage.resident_bytes);
	metrics_count(m, METRIC_PROCESS_VIRTUAL, NULL, usage.virtual_bytes);
	metrics_count(m, METRIC_PROCESS_OPEN_FDS, NULL, usage.n_fds);
	metrics_count(m, METRIC_PROCESS_MAX_FDS, NULL, usage.max_fds);
	metrics_count(m, METRIC_FDS, NULL, usage.n_fds);
	metrics_count(m, METRIC_FD_LIMIT, NULL, usage.max_fds);
}

static void
write_batches(struct metrics *m, struct batches *batches)
{
	static const enum batch_state states[] = { BATCH_QUEUED, BATCH_RUNNING, BATCH_SUSPENDED,
		BATCH_DONE };
	uint64_t n[ARRAY_LEN(states)] = { 0 };

	for (struct batch *batch = NULL; (batch = batches_next(batches, batch));) {
		n[batch_describe(batch).state]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		metrics_count(m, METRIC_BATCHES, METRIC_LABELS(batch_state_name(states[i])),
			n[states[i]]);
	}
}

static void
write_work(struct metrics *m, struct server *server, const struct fetch_engine_statistics *engine)
{
	bool is_waiting = engine->oldest_queued != NUR_FOREVER;

	tally_write(batches_tally(server_batches(server)), m);
	metrics_count(m, METRIC_RECEIVED, NULL, engine->total_bytes);
	metrics_count(m, METRIC_IN_FLIGHT, NULL, engine->n_in_flight);
	metrics_count(m, METRIC_IN_FLIGHT_LIMIT, NULL, server_config(server)->in_flight);
	metrics_count(m, METRIC_QUEUE_URLS, NULL, engine->n_queued);
	metrics_seconds(m, METRIC_QUEUE_OLDEST, NULL,
		is_waiting ? nur_time_sub(nur_now(), engine->oldest_queued) : 0);
	write_batches(m, server_batches(server));
}

static void
write_store(struct metrics *m, const struct store_statistics *store)
{
	if (!store) {
		return;
	}
	metrics_count(m, METRIC_SPOOL, NULL, (uint64_t)store->size.n_bytes);
	metrics_count(m, METRIC_SPOOL_LIMIT, NULL, (uint64_t)store->size.max_bytes);
	metrics_count(m, METRIC_STORE_BATCHES, METRIC_LABELS("unfinished"),
		(uint64_t)store->size.n_unfinished);
	metrics_count(m, METRIC_STORE_BATCHES, METRIC_LABELS("done"), (uint64_t)store->size.n_done);
	metrics_count(m, METRIC_STORE_COMMITS, METRIC_LABELS("ok"), store->n_commits);
	metrics_count(m, METRIC_STORE_COMMITS, METRIC_LABELS("failed"), store->n_failures);
	metrics_histogram(m, METRIC_STORE_GROUP, NULL, &store->groups);
	metrics_histogram(m, METRIC_JOURNAL_SYNC, NULL, &store->commits);
}

static void
write_network(struct metrics *m, const struct fetch_engine_statistics *engine)
{
	static const char *const causes[FETCH_N_RETRY_CAUSES] = {
		[FETCH_RETRIED_CONNECT] = "connect",
		[FETCH_RETRIED_TIMEOUT] = "timeout",
		[FETCH_RETRIED_5XX] = "5xx",
		[FETCH_RETRIED_429] = "429",
		[FETCH_RETRIED_STATUS] = "status",
	};
	/* Transfers of HTTP/2 share a connection: then there may be more of them. */
	size_t n_active = engine->n_transfers < engine->n_connections ? engine->n_transfers
								      : engine->n_connections;

	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		metrics_count(
			m, METRIC_RETRIES, METRIC_LABELS(causes[i]), engine->total_retries[i]);
	}
	metrics_count(m, METRIC_CONNECTIONS, METRIC_LABELS("active"), n_active);
	metrics_count(
		m, METRIC_CONNECTIONS, METRIC_LABELS("idle"), engine->n_connections - n_active);
	metrics_count(m, METRIC_CONNECTIONS_OPENED, NULL, engine->total_connections);
	metrics_count(m, METRIC_CONNECTION_REUSE, NULL, engine->total_reused);
	metrics_count(m, METRIC_DNS_LOOKUPS, METRIC_LABELS("cached"), engine->total_lookups_cached);
	metrics_count(m, METRIC_DNS_LOOKUPS, METRIC_LABELS("found"), engine->total_lookups_found);
	metrics_count(
		m, METRIC_DNS_LOOKUPS, METRIC_LABELS("not_found"), engine->total_lookups_absent);
	metrics_count(m, METRIC_DNS_LOOKUPS, METRIC_LABELS("failed"), engine->total_lookups_failed);
}

static void
write_jobs(struct metrics *m, struct jobs *jobs)
{
	struct job_view view;

	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		job_describe(job, &view);
		if (view.last_ok_ns > 0) {
			metrics_seconds(m, METRIC_JOB_LAST_SUCCESS,
				METRIC_LABELS(view.config->name), view.last_ok_ns);
		}
	}
	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		job_describe(job, &view);
		metrics_count(
			m, METRIC_JOB_MISSED, METRIC_LABELS(view.config->name), view.n_missed);
	}
}

static void
write_daemon(struct metrics *m, struct server *server, const struct server_state *state)
{
	struct nur_statistics run;

	(void)nur_current_statistics(&run); /* cannot fail: we are in one */
	metrics_count(m, METRIC_CONFIG_RELOAD_OK, NULL, !state->is_reload_refused);
	metrics_seconds(m, METRIC_CONFIG_RELOAD_TIME, NULL, state->loaded_ns);
	metrics_count(m, METRIC_CONFIG_GENERATION, NULL, server_generation(server));
	api_counts_write(server_counts(server), routes_name, m);
	metrics_count(m, METRIC_API_CONNECTIONS, NULL, state->n_connections);
	metrics_count(m, METRIC_LOG_DROPPED, NULL, log_n_dropped());
	metrics_histogram(m, METRIC_LOOP_LAG, NULL, state->loop_lag);
	metrics_count(m, METRIC_TASKS, METRIC_LABELS("runnable"), run.n_tasks_runnable);
	metrics_count(m, METRIC_TASKS, METRIC_LABELS("waiting"),
		run.n_tasks_living - run.n_tasks_runnable);
	metrics_count(m, METRIC_STACKS, NULL, run.n_stacks);
}

int
metrics_route(struct exchange *exchange, const char *unused)
{
	static const char *const offers[] = { "text/plain", "application/openmetrics-text" };
	int offer = http_request_accepts(exchange->request, offers, ARRAY_LEN(offers));
	enum metrics_format format = offer == 1 ? METRICS_OPENMETRICS : METRICS_PROMETHEUS;
	struct metrics m = METRICS_INIT(&exchange->response.out, format);
	const struct server_state state = server_state(exchange->server);
	struct fetch_engine_statistics engine;

	if (offer < 0) {
		return response_problem(&exchange->response, PROBLEM_NOT_ACCEPTABLE,
			"text/plain and application/openmetrics-text are there", NULL, NULL);
	}
	fetch_engine_statistics(server_engine(exchange->server), &engine);
	response_begin(&exchange->response, 200, metrics_content_type(format), NULL);
	write_process(&m, &state);
	write_work(&m, exchange->server, &engine);
	write_store(&m, batches_store_statistics(server_batches(exchange->server)));
	write_network(&m, &engine);
	write_jobs(&m, server_jobs(exchange->server));
	write_daemon(&m, exchange->server, &state);
	metrics_end(&m);
	return response_end(&exchange->response);
}
