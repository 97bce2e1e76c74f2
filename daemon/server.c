/* SPDX-License-Identifier: MIT */
/*
 * The server's tree, and its end. On the first signal it drains: connections are still accepted and looked
 * after, new batches are refused, running ones end by their own deadlines or, at the drain limit, are
 * cancelled with the reason shutdown. When the last answer has been given the nursery is cancelled and the
 * tree folds. A second signal skips the waiting.
 */
#include "daemon/server.h"

#include <errno.h>
#include <fetch/fetch.h>
#include <inttypes.h>
#include <nursery.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/connection.h"
#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/tell.h"
#include "daemon/jobs/wall_clock.h"
#include "daemon/ops/events.h"
#include "daemon/ops/histogram.h"
#include "daemon/ops/log.h"
#include "daemon/ops/notify.h"
#include "daemon/reload.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"
#include "lib/base/cleanup.h"
#include "lib/base/list.h"

enum {
	max_kept_batches = 200,
	max_kept_bytes = 64 * 1024 * 1024,
};

static const nur_time last_answers_limit = NUR_SEC(5);
static const nur_time stop_credit = NUR_SEC(3);

/* A user's open connections. There are few users, so a list is searched. */
struct user {
	uid_t uid;
	unsigned n_connections;
};

/*
 * struct server
 *
 * store        of detached batches; NULL: there is none
 * serving      around everything; cancelled when the draining is over
 * own          the daemon's user
 * resting      connections that wait for a request, the longest waiting first
 * users        everybody who ever connected
 * generation   configurations that have been in effect, this one included
 * is_reload_refused  the last one was
 * loop_lag     how late the watchdog wakes
 * counts       of the API
 * n_exchanges  requests whose answer has not been given yet
 * answered     the draining waits here until there are none
 */
struct server {
	const struct server_options *options;
	struct config *config;
	struct fetch_engine *engine;
	struct store_queue *store;
	struct batches *batches;
	struct jobs *jobs;
	unsigned generation;
	int64_t started_ns;
	int64_t loaded_ns;
	bool is_reload_refused;
	struct histogram loop_lag;
	struct api_counts counts;
	struct nur_lock reload_lock;
	struct nur_cancel_scope serving;
	uid_t own;
	struct list resting;
	struct user *users;
	size_t n_users;
	size_t n_connections;
	size_t n_exchanges;
	struct nur_parking_lot answered;
	uint64_t n_connections_ever;
	uint64_t next_request;
	char request_id[32];
	bool is_draining;
	int result;
};

struct config *
server_config(const struct server *server)
{
	return server->config;
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
	return server->is_draining;
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
		.n_connections = server->n_connections,
		.loop_lag = &server->loop_lag,
	};
}

static int64_t
wall_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail: the clock exists */
	return (int64_t)ts.tv_sec * NUR_SEC(1) + ts.tv_nsec;
}

static struct user *
find_user(struct server *server, uid_t uid)
{
	struct user *users;

	for (size_t i = 0; i < server->n_users; i++) {
		if (server->users[i].uid == uid) {
			return &server->users[i];
		}
	}
	users = realloc(server->users, (server->n_users + 1) * sizeof(*users));
	if (!users) {
		return NULL;
	}
	server->users = users;
	users[server->n_users] = (struct user){ .uid = uid };
	return &users[server->n_users++];
}

struct access_verdict
server_judge(const struct server *server, const struct access_peer *peer)
{
	const struct access_list *access = &server->config->access;

	return access_judge(access->rules, access->n_rules, server->own, peer);
}

/* Who looks after a daemon that is full must get in: the last place is for admins. */
static bool
has_place(const struct server *server, const struct access_peer *peer)
{
	size_t n_places = server->config->max_connections;

	if (n_places > 1 && server_judge(server, peer).level < ACCESS_ADMIN) {
		n_places--;
	}
	return server->n_connections < n_places;
}

static int
make_place(struct server *server, const struct access_peer *peer)
{
	while (!has_place(server, peer)) {
		if (list_is_empty(&server->resting)) {
			return -EBUSY;
		}
		connection_evict(server->resting.next);
	}
	return 0;
}

int
server_connection_began(struct server *server, const struct access_peer *peer, uint64_t *ret_number)
{
	struct user *user = find_user(server, peer->uid);
	int r;

	if (!user) {
		return -ENOMEM;
	}
	if (user->n_connections >= server->config->max_connections_per_user) {
		return -EDQUOT;
	}
	r = make_place(server, peer);
	if (r < 0) {
		return r;
	}
	user->n_connections++;
	server->n_connections++;
	*ret_number = ++server->n_connections_ever;
	return 0;
}

void
server_connection_ended(struct server *server, uid_t uid)
{
	find_user(server, uid)->n_connections--; /* it is there since the beginning */
	server->n_connections--;
}

void
server_connection_rests(struct server *server, struct list *node)
{
	list_append(&server->resting, node);
}

void
server_exchange_began(struct server *server)
{
	server->n_exchanges++;
}

void
server_exchange_ended(struct server *server)
{
	if (--server->n_exchanges == 0) {
		(void)nur_parking_lot_unpark(&server->answered, SIZE_MAX, 0);
	}
}

const char *
server_next_request_id(struct server *server)
{
	(void)snprintf(server->request_id, sizeof(server->request_id), "%016" PRIx64,
		server->next_request++);
	return server->request_id;
}

/* ---- the listener ---- */

static void
turn_away(int fd)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Content-Length: 0\r\nRetry-After: 1\r\n"
				     "Connection: close\r\n\r\n";

	/* The peer's buffer is empty: it fits, or nobody is there to read it. */
	(void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int
admit(struct server *server, struct nur_stream *stream, enum connection_door door,
	struct connection **ret_connection)
{
	int r = connection_create(server, stream, door, ret_connection);

	switch (r) {
	case 0:
		break;
	case -EBUSY:
		api_counts_refusal(&server->counts, API_REFUSED_CONNECTIONS);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"limits.connections (%u) reached: a caller was turned away",
			server->config->max_connections);
		break;
	case -EDQUOT:
		api_counts_refusal(&server->counts, API_REFUSED_CONNECTIONS_PER_USER);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)),
			"limits.connections_per_user (%u) reached: a caller was turned away",
			server->config->max_connections_per_user);
		break;
	default:
		api_counts_refusal(&server->counts, API_REFUSED_RESOURCES);
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(CALLERS_AWAY)), "a caller was turned away: %s",
			nur_strerror(r));
		break;
	}
	return r;
}

static void
let_in(struct server *server, struct nur_nursery *nursery, struct nur_stream *stream,
	enum connection_door door)
{
	struct connection *connection;
	int r = admit(server, stream, door, &connection);

	if (r < 0) {
		turn_away(nur_stream_fd(stream));
		nur_stream_destroy(stream);
		return;
	}
	r = nur_start_soon(nursery, connection_name(connection), connection_serve, connection);
	if (r < 0) {
		log_warning("cannot serve a connection: %s", nur_strerror(r));
		connection_destroy(connection);
	}
}

static void
welcome(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	let_in(arg, nursery, stream, CONNECTION_API);
}

static void
welcome_scraper(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	let_in(arg, nursery, stream, CONNECTION_METRICS);
}

static void
overload(int error, int fd, void *arg)
{
	struct server *server = arg;

	api_counts_refusal(&server->counts, API_REFUSED_RESOURCES);
	log_warning("cannot accept: %s", nur_strerror(error));
	if (fd >= 0) {
		turn_away(fd);
	}
}

static int
listener(void *arg)
{
	struct server *server = arg;
	const struct nur_server callers = {
		.welcome = welcome,
		.overload = overload,
		.arg = server,
	};

	return nur_serve(&server->options->listener, 1, &callers);
}

static int
metrics_listener(void *arg)
{
	struct server *server = arg;
	const struct nur_server callers = {
		.welcome = welcome_scraper,
		.overload = overload,
		.arg = server,
	};

	return nur_serve(&server->options->metrics_listener, 1, &callers);
}

/* ---- the service manager ---- */

static void
tell_status(struct server *server)
{
	struct fetch_engine_statistics statistics;
	char text[160];

	fetch_engine_statistics(server->engine, &statistics);
	(void)snprintf(text, sizeof(text), "%s; %zu batches, %zu URLs in flight, %zu queued%s",
		server->is_draining ? "draining" : "serving", batches_n_running(server->batches),
		statistics.n_in_flight, statistics.n_queued,
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
		if (server->is_draining) {
			(void)notify_extend_timeout(notify, (uint64_t)stop_credit);
		}
		r = nur_sleep_until(due);
		if (r >= 0) {
			histogram_add(&server->loop_lag, nur_now() - due);
		}
	}
	return r;
}

/* ---- the end ---- */

static int
wait_for_batches(void *arg)
{
	struct server *server = arg;

	return batches_wait_idle(server->batches);
}

static int
wait_for_answers(void *arg)
{
	struct server *server = arg;
	int r = 0;

	while (r == 0 && server->n_exchanges > 0) {
		r = nur_parking_lot_park(&server->answered, "last answers");
	}
	return r;
}

static int
drain(void *arg)
{
	struct server *server = arg;
	bool is_late = false;
	int r = nur_move_on_after(
		server->config->drain_timeout_ns, 0, wait_for_batches, server, &is_late);

	if (is_late) {
		log_at(LOG_WARNING, LOG_FIELDS(EVENT(DRAIN_LATE)),
			"drain.timeout has passed: cancelling %zu batches",
			batches_n_running(server->batches));
		batches_cancel_all(server->batches, CANCEL_SHUTDOWN);
	}
	if (r >= 0) {
		r = nur_move_on_after(last_answers_limit, 0, wait_for_answers, server, NULL);
	}
	nur_cancel_scope_cancel(&server->serving, cancel_reason_name(CANCEL_SHUTDOWN));
	return r;
}

static void
begin_draining(struct server *server, struct nur_nursery *nursery)
{
	int r;

	log_at(LOG_NOTICE, LOG_FIELDS(EVENT(STOPPING)), "stopping: %zu batches are running",
		batches_n_running(server->batches));
	server->is_draining = true;
	batches_drain(server->batches);
	(void)notify_stopping(server->options->notify, "draining");
	r = nur_start_soon(nursery, "drain", drain, server);
	if (r < 0) {
		log_error("cannot drain, stopping at once: %s", nur_strerror(r));
		nur_cancel_scope_cancel(&server->serving, cancel_reason_name(CANCEL_SHUTDOWN));
	}
}

/* The verdict is in the log; a failure to reload is no failure of the server. */
static int
reload_by_signal(void *arg)
{
	struct reload_verdict verdict = RELOAD_VERDICT_INIT;
	int r = reload(arg, &verdict);

	reload_verdict_fini(&verdict);
	return r == NUR_ECANCELED ? r : 0;
}

static void
start_reload(struct server *server, struct nur_nursery *nursery)
{
	int r = nur_start_soon(nursery, "reload", reload_by_signal, server);

	if (r < 0) {
		log_error("not reloaded: %s", nur_strerror(r));
	}
}

static int
receive_signals(
	struct nur_nursery *nursery, struct server *server, struct nur_signal_receiver *receiver)
{
	int r = 0;

	while (r >= 0) {
		int number = 0;

		r = nur_signal_receiver_next(receiver, &number);
		if (r < 0) {
			return r;
		}
		if (number == SIGHUP) {
			start_reload(server, nursery);
		} else if (!server->is_draining) {
			begin_draining(server, nursery);
		} else {
			log_notice("stopping at once");
			batches_cancel_all(server->batches, CANCEL_SHUTDOWN);
			nur_cancel_scope_cancel(
				&server->serving, cancel_reason_name(CANCEL_SHUTDOWN));
		}
	}
	return r;
}

struct signals {
	struct server *server;
	struct nur_task_status *status;
};

static int
signals_body(struct nur_nursery *nursery, void *arg)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	const struct signals *waiting = arg;
	struct nur_signal_receiver *receiver;
	int r = nur_signal_receiver_open(numbers, ARRAY_LEN(numbers), &receiver);

	if (r < 0) {
		return r;
	}
	r = nur_started(waiting->status, NULL);
	if (r >= 0) {
		r = receive_signals(nursery, waiting->server, receiver);
	}
	nur_signal_receiver_close(receiver);
	return r;
}

/* Started when signals are received: whoever has been told that we are ready may send one. */
static int
signals(struct nur_task_status *status, void *arg)
{
	struct signals waiting = { arg, status };

	return nur_nursery_run(signals_body, &waiting, NULL);
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
detached(void *arg)
{
	struct server *server = arg;

	return batches_serve_detached(server->batches);
}

/* ---- another configuration ---- */

int
server_set_config(struct server *server, struct config *config)
{
	int r = jobs_reload(server->jobs, config);

	if (r < 0) {
		return r;
	}
	fetch_engine_set_policy(server->engine, &config->policy);
	fetch_engine_set_limits(server->engine, config->in_flight, config->per_origin);
	batches_set_max_running(server->batches, config->max_batches);
	config_unref(server->config);
	server->config = config_ref(config);
	server->generation++;
	server->loaded_ns = wall_now();
	return 0;
}

void
server_tell_reloading(struct server *server)
{
	if (!server->is_draining) {
		(void)notify_reloading(server->options->notify, (uint64_t)nur_now());
	}
}

void
server_tell_reloaded(struct server *server, const char *status, bool is_refused)
{
	server->is_reload_refused = is_refused;
	if (!server->is_draining) {
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
		{ "listener", listener },
		{ "jobs", jobs },
		{ "wall clock", wall_clock },
	};
	struct server *server = arg;
	int r = nur_start(nursery, "signals", signals, server, NULL);

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(services); i++) {
		r = nur_start_soon(nursery, services[i].name, services[i].fn, server);
	}
	if (r >= 0 && server->options->metrics_listener) {
		r = nur_start_soon(nursery, "metrics", metrics_listener, server);
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
	int r = fetch_engine_create(&engine, &server->engine);

	if (r < 0) {
		return r;
	}
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

	return r < 0 ? r : NUR_WITHIN(&server->serving, nur_nursery_run(serve, server, NULL));
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
		nur_parking_lot_init(&server->answered);
		nur_lock_init(&server->reload_lock);
		nur_cancel_scope_init(&server->serving);
		r = server->store ? store_queue_serve(server->store, serve_all, server)
				  : serve_all(server);
	}
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

	list_init(&server.resting);
	/* Request ids of two starts differ; without randomness they may not, and nothing depends on it. */
	(void)!getrandom(&server.next_request, sizeof(server.next_request), GRND_NONBLOCK);
	r = nur_run(server_main, &server, NULL, &errors);
	if (r < 0) {
		(void)nur_errors_format(&errors, text, sizeof(text));
		log_error("%s: %s", nur_strerror(r), text);
	}
	nur_errors_fini(&errors);
	config_unref(server.config);
	free(server.users);
	nur_listener_destroy(options->listener);
	nur_listener_destroy(options->metrics_listener);
	return r;
}
