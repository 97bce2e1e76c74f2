/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include <assert.h>
#include <fetch/fetch.h>
#include <inttypes.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/connection.h"
#include "daemon/batches/batches.h"
#include "daemon/callers.h"
#include "daemon/config/config.h"
#include "daemon/entrance.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/tell.h"
#include "daemon/jobs/wall_clock.h"
#include "daemon/ops/events.h"
#include "daemon/ops/histogram.h"
#include "daemon/ops/log.h"
#include "daemon/ops/notify.h"
#include "daemon/ops/wall_now.h"
#include "daemon/pauses.h"
#include "daemon/quiet_poll.h"
#include "daemon/signals.h"
#include "daemon/stop.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"
#include "lib/base/cleanup.h"

enum {
	max_kept_batches = 200,
	max_kept_bytes = 64 * 1024 * 1024,
};

static const nur_time stop_credit = NUR_SEC(3);

/*
 * struct server
 *
 * store        of detached batches; NULL: there is none
 * own          the daemon's user
 * generation   configurations that have been in effect, this one included
 * is_reload_refused  the last one was
 * loop_lag     how late the watchdog wakes
 * counts       of the API
 */
struct server {
	const struct server_options *options;
	struct config *config;
	struct fetch_engine *engine;
	struct store_queue *store;
	struct batches *batches;
	struct jobs *jobs;
	struct pauses pauses;
	unsigned generation;
	int64_t started_ns;
	int64_t loaded_ns;
	bool is_reload_refused;
	struct histogram loop_lag;
	struct api_counts counts;
	struct nur_lock reload_lock;
	uid_t own;
	struct entrance front;
	struct entrance metrics;
	struct callers callers;
	struct stop stop;
	uint64_t next_request;
	char request_id[32];
};

struct config *
server_config(const struct server *server)
{
	return server->config;
}

const struct config *
server_started_config(const struct server *server)
{
	return server->options->config;
}

unsigned
server_generation(const struct server *server)
{
	return server->generation;
}

const char *
server_config_path(const struct server *server)
{
	return server->options->config_path;
}

struct nur_lock *
server_reload_lock(struct server *server)
{
	return &server->reload_lock;
}

struct jobs *
server_jobs(const struct server *server)
{
	return server->jobs;
}

void
server_keep_pauses(struct server *server)
{
	pauses_keep(&server->pauses);
}

struct batches *
server_batches(const struct server *server)
{
	return server->batches;
}

struct fetch_engine *
server_engine(const struct server *server)
{
	return server->engine;
}

bool
server_is_draining(const struct server *server)
{
	return server->stop.step != STOP_NOT;
}

struct stop *
server_stop(struct server *server)
{
	return &server->stop;
}

struct notify *
server_notify(const struct server *server)
{
	return server->options->notify;
}

struct api_counts *
server_counts(struct server *server)
{
	return &server->counts;
}

struct server_state
server_state(const struct server *server)
{
	return (struct server_state){
		.started_ns = server->started_ns,
		.loaded_ns = server->loaded_ns,
		.is_reload_refused = server->is_reload_refused,
		.n_connections = server->callers.n,
		.loop_lag = &server->loop_lag,
	};
}

struct access_verdict
server_judge(const struct server *server, const struct access_peer *peer)
{
	const struct access_list *access = &server->config->access;

	return access_judge(access->rules, access->n_rules, server->own, peer);
}

int
server_connection_began(struct server *server, const struct access_peer *peer, uint64_t *ret_number)
{
	const struct callers_limits limits = {
		.max = server->config->max_connections,
		.max_per_user = server->config->max_connections_per_user,
	};
	bool is_admin = server_judge(server, peer).level >= ACCESS_ADMIN;
	int r = callers_add(&server->callers, &limits, peer->uid, is_admin);

	if (r == 0) {
		*ret_number = server->callers.n_ever;
	}
	return r;
}

void
server_connection_ended(struct server *server, uid_t uid)
{
	callers_remove(&server->callers, uid);
}

void
server_connection_rests(struct server *server, struct list *node)
{
	list_append(&server->callers.resting, node);
	if (server->stop.step >= STOP_CLOSING) {
		connection_hang_up(node, server->stop.step == STOP_CLOSING);
	}
}

void
server_hang_up(struct server *server)
{
	struct list *node;

	list_for_each(node, &server->callers.resting) {
		connection_hang_up(node, server->stop.step == STOP_CLOSING);
	}
}

void
server_close(struct server *server)
{
	nur_listener_retire(server->front.listener);
	if (server->metrics.listener) {
		nur_listener_retire(server->metrics.listener);
	}
	server_hang_up(server);
}

const char *
server_next_request_id(struct server *server)
{
	(void)snprintf(server->request_id, sizeof(server->request_id), "%016" PRIx64,
		server->next_request++);
	return server->request_id;
}

/* ---- the service manager ---- */

static void
tell_status(struct server *server)
{
	struct fetch_engine_statistics statistics;
	char text[160];

	fetch_engine_statistics(server->engine, &statistics);
	(void)snprintf(text, sizeof(text), "%s; %zu batches, %zu URLs in flight, %zu queued%s",
		server_is_draining(server) ? "draining" : "serving",
		batches_n_running(server->batches), statistics.n_in_flight, statistics.n_queued,
		batches_store_why(server->batches) ? "; the store has failed" : "");
	(void)notify_status(server->options->notify, (uint64_t)nur_now(), text);
}

/* A task of the loop: it proves that the loop turns, which a thread of its own would not. */
static int
watchdog(void *arg)
{
	struct server *server = arg;
	struct notify *notify = server->options->notify;
	nur_time interval = NUR_SEC(1);
	int r = 0;

	if (notify->watchdog_ns > 0 && (nur_time)notify->watchdog_ns / 3 < interval) {
		interval = (nur_time)notify->watchdog_ns / 3;
	}
	while (r >= 0) {
		nur_time due = nur_time_add(nur_now(), interval);

		/* A manager that is behind gets the next one. */
		(void)notify_watchdog(notify);
		tell_status(server);
		if (server_is_draining(server)) {
			(void)notify_extend_timeout(notify, (uint64_t)stop_credit);
		}
		r = nur_sleep_until(due);
		if (r >= 0) {
			histogram_add(&server->loop_lag, nur_now() - due);
		}
	}
	return r;
}

/* ---- the tree ---- */

static int
jobs(void *arg)
{
	struct server *server = arg;

	return jobs_run(server->jobs);
}

/* Without it, schedules of the wall clock find out late that it was set. */
static int
wall_clock(void *arg)
{
	struct server *server = arg;
	int r = wall_clock_watch(server->jobs);

	if (r < 0 && r != NUR_ECANCELED) {
		log_warning("a change of the clock will not be noticed: %s", nur_strerror(r));
		r = 0;
	}
	return r;
}

static int
open_entrances(struct nur_nursery *nursery, void *arg)
{
	struct server *server = arg;
	int r = nur_start_soon(nursery, "listener", entrance_serve, &server->front);

	if (r >= 0 && server->metrics.listener) {
		r = nur_start_soon(nursery, "metrics", entrance_serve, &server->metrics);
	}
	return r;
}

/* Ends well only after server_close(), with the last connection. */
static int
callers(void *arg)
{
	struct server *server = arg;
	int r = nur_nursery_run(open_entrances, server, NULL);

	if (r == 0) {
		stop_end(&server->stop);
	}
	return r;
}

static int
detached(void *arg)
{
	struct server *server = arg;

	return batches_serve_detached(server->batches);
}

/* ---- another configuration ---- */

static_assert(ACCESS_N_LEVELS <= FETCH_N_ADDRESS_POLICIES, "each level may have one");

/* Beside number 0, which is that of jobs, and of levels that have none of their own. */
static void
set_level_policies(struct fetch_engine *engine, const struct config *config)
{
	fetch_engine_set_policy(engine, ACCESS_SUBMIT, config_policy(config, ACCESS_SUBMIT));
	fetch_engine_set_policy(engine, ACCESS_ADMIN, config_policy(config, ACCESS_ADMIN));
}

int
server_set_config(struct server *server, struct config *config)
{
	struct config *before = server->config;
	int r = jobs_reload(server->jobs, config);

	if (r < 0) {
		return r;
	}
	batches_set_max_running(server->batches, config->max_batches);
	log_set_level(LOG_ERR + (int)config->log_level);
	log_set_format(config->log_format);
	server->config = config_ref(config);
	server->generation++;
	server->loaded_ns = wall_now();
	fetch_engine_set_policy(server->engine, 0, &config->policy);
	set_level_policies(server->engine, config);
	fetch_engine_set_limits(server->engine, config->in_flight, config->per_origin);
	config_unref(before); /* it had the policies */
	return 0;
}

void
server_tell_reloading(struct server *server)
{
	if (!server_is_draining(server)) {
		(void)notify_reloading(server->options->notify, (uint64_t)nur_now());
	}
}

void
server_tell_reloaded(struct server *server, const char *status, bool is_refused)
{
	server->is_reload_refused = is_refused;
	if (!server_is_draining(server)) {
		(void)notify_ready(server->options->notify, status);
	}
}

static int
serve(struct nur_nursery *nursery, void *arg)
{
	static const struct {
		const char *name;
		nur_task_fn fn;
	} services[] = {
		{ "watchdog", watchdog },
		{ "detached", detached },
		{ "callers", callers },
		{ "jobs", jobs },
		{ "wall clock", wall_clock },
	};
	struct server *server = arg;
	int r = nur_start(nursery, "signals", signals, server, NULL);

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(services); i++) {
		r = nur_start_soon(nursery, services[i].name, services[i].fn, server);
	}
	if (r >= 0) {
		(void)notify_ready(server->options->notify, "serving");
		log_at(LOG_INFO, LOG_FIELDS(EVENT(SERVING)), "serving");
	}
	return r;
}

/* The folder of detached batches, in the configuration or of the service manager; or NULL. */
static const char *
store_folder(const struct server *server)
{
	return server->config->store_path ? server->config->store_path
					  : server->options->state_folder;
}

/* On a thread: a task's stack is too small for it. */
static int
open_store_file(void *arg)
{
	struct server *server = arg;
	struct store *store = NULL;
	char why[512];
	int r = store_open(
		store_folder(server), server->config->store_max_size, &store, why, sizeof(why));

	if (r < 0) {
		log_error("the store cannot be opened: %s", why);
		return r;
	}
	r = store_queue_create(store, &server->store);
	if (r < 0) {
		store_close(store);
	}
	return r;
}

static int
open_store(struct server *server)
{
	return store_folder(server) ? nur_thread_run(open_store_file, server, NULL) : 0;
}

static int
open_engine(struct server *server)
{
	const struct config *config = server->config;
	struct fetch_engine_options engine = {
		.workers = config_n_workers(config),
		.in_flight = config->in_flight,
		.per_origin = config->per_origin,
		.user_agent = config->user_agent,
		.policy = &config->policy,
		.max_body = (uint64_t)config->batch_limits.body,
		.http_version = config->http_version,
		.proxy = config->proxy,
		.resolver = config->resolver,
	};
	struct batches_options batches = {
		.max_running = config->max_batches,
		.max_kept = max_kept_batches,
		.max_kept_bytes = max_kept_bytes,
		.store = server->store,
		.retain_ns = config->store_retain_ns,
		.read_credential = config->batch_limits.read_credential,
	};
	int r;

	poll_ask_kernel(config->idle_check == IDLE_CHECK_KERNEL);
	r = fetch_engine_create(&engine, &server->engine);
	if (r < 0) {
		return r;
	}
	set_level_policies(server->engine, config);
	return batches_create(server->engine, &batches, &server->batches);
}

static int
open_jobs(struct server *server)
{
	const struct jobs_options options = {
		.batches = server->batches,
		.tell = jobs_tell,
		.user = server->engine,
	};

	return jobs_create(&options, server->config, &server->jobs);
}

/* What was left unfinished is there before anybody can ask for it. */
static int
serve_all(void *arg)
{
	struct server *server = arg;
	int r = batches_restore(server->batches);

	if (r >= 0) {
		r = pauses_restore(&server->pauses);
	}
	return r < 0 ? r : NUR_WITHIN(&server->stop.serving, nur_nursery_run(serve, server, NULL));
}

static int
server_main(void *arg)
{
	struct server *server = arg;
	struct nur_token *token = NULL;
	int r;

	/* Threads wake the loop through its descriptor: had now, a reload works when none is left. */
	r = nur_token_open(&token);
	if (r >= 0) {
		r = open_store(server);
	}
	if (r >= 0) {
		r = open_engine(server);
	}
	if (r >= 0) {
		r = open_jobs(server);
	}
	if (r >= 0) {
		nur_lock_init(&server->reload_lock);
		stop_init(&server->stop, server);
		server->pauses = (struct pauses){ server->store, server->jobs, BUFFER_INIT };
		r = server->store ? store_queue_serve(server->store, serve_all, server)
				  : serve_all(server);
	}
	pauses_fini(&server->pauses);
	jobs_destroy(server->jobs);
	batches_destroy(server->batches);
	fetch_engine_destroy(server->engine);
	store_queue_destroy(server->store);
	nur_token_close(token);
	return r;
}

int
server_run(const struct server_options *options)
{
	struct server server = {
		.options = options,
		.config = config_ref(options->config),
		.generation = 1,
		.own = geteuid(),
		.started_ns = wall_now(),
		.loaded_ns = wall_now(),
	};
	struct nur_errors errors = NUR_ERRORS_INIT;
	char text[1024];
	int r;

	server.front = (struct entrance){ &server, options->listener, CONNECTION_API };
	server.metrics =
		(struct entrance){ &server, options->metrics_listener, CONNECTION_METRICS };
	callers_init(&server.callers);
	/* Request ids of two starts differ; without randomness they may not, and nothing depends on it. */
	(void)!getrandom(&server.next_request, sizeof(server.next_request), GRND_NONBLOCK);
	r = nur_run(server_main, &server, NULL, &errors);
	if (r < 0) {
		(void)nur_errors_format(&errors, text, sizeof(text));
		log_error("%s: %s", nur_strerror(r), text);
	}
	nur_errors_fini(&errors);
	config_unref(server.config);
	callers_fini(&server.callers);
	nur_listener_destroy(options->listener);
	nur_listener_destroy(options->metrics_listener);
	return r;
}
