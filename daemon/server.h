/* SPDX-License-Identifier: MIT */
/*
 * The daemon's tree: who starts whom.
 *
 *	store           writes for all of them, to the last
 *	server ─┬─ signals      SIGTERM, SIGINT drain
 *	        ├─ watchdog     tells the service manager that the loop turns
 *	        ├─ detached ─── one task per detached batch
 *	        ├─ jobs ─────── one task per job, one per run of it
 *	        ├─ wall clock   tells the jobs that it was set
 *	        └─ callers ─┬─ metrics      connections of whoever reads metrics over TCP
 *	                    └─ listener ─── connections ─┬─ reader
 *	                                                 └─ handler: the batch's nursery, one task per URL
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/ops/access.h"

struct api_counts;
struct batches;
struct config;
struct fetch_engine;
struct histogram;
struct jobs;
struct list;
struct notify;
struct nur_lock;
struct nur_listener;
struct server;
struct stop;

/*
 * config    gets a reference
 * config_path  where it was read from, for reloads; NULL: the defaults
 * state_folder  of the service manager, for the store when store.path is not set; NULL: none
 * notify    borrowed
 * listener  taken
 * metrics_listener  taken, or NULL: none
 */
struct server_options {
	struct config *config;
	const char *config_path;
	const char *state_folder;
	struct notify *notify;
	struct nur_listener *listener;
	struct nur_listener *metrics_listener;
};

/**
 * server_run() - serve until a signal says stop, and everything has been drained
 *
 * Opens a run of its own: no task may call it.
 *
 * Return: 0 after an orderly stop, or what went wrong at the start.
 */
int server_run(const struct server_options *options);

/* server_config() - in effect now: whoever needs it behind a checkpoint takes a reference */
struct config *server_config(const struct server *server);

/* server_generation() - how many configurations have been in effect, this one included */
unsigned server_generation(const struct server *server);

/* server_started_config() - the one that it was started with */
const struct config *server_started_config(const struct server *server);

/* For daemon/reload.c: the file, NULL: the defaults; who may reload; taking another configuration (0, or -ENOMEM
 * and nothing has changed; a checkpoint, when it is in effect already); and what the service manager is told. */
const char *server_config_path(const struct server *server);
struct nur_lock *server_reload_lock(struct server *server);
int server_set_config(struct server *server, struct config *config);
void server_tell_reloading(struct server *server);
void server_tell_reloaded(struct server *server, const char *status, bool is_refused);

struct jobs *server_jobs(const struct server *server);

/* server_keep_pauses() - a job was paused or resumed, or is gone: pauses_keep(). Checkpoint: maybe */
void server_keep_pauses(struct server *server);

struct batches *server_batches(const struct server *server);
struct fetch_engine *server_engine(const struct server *server);
struct notify *server_notify(const struct server *server);
struct stop *server_stop(struct server *server);
bool server_is_draining(const struct server *server);

/* server_counts() - of the API; whoever answers or refuses counts there */
struct api_counts *server_counts(struct server *server);

/*
 * What only the server knows, for metrics.
 *
 * started_ns, loaded_ns  since 1970: of the server, of the configuration in effect
 * is_reload_refused      the last one was
 * n_connections          callers that are there
 * loop_lag               how late a task wakes; borrowed
 */
struct server_state {
	int64_t started_ns;
	int64_t loaded_ns;
	bool is_reload_refused;
	size_t n_connections;
	const struct histogram *loop_lag;
};

struct server_state server_state(const struct server *server);

/* server_judge() - what a caller may do, by the configuration in effect; the verdict is good until the next checkpoint */
struct access_verdict server_judge(const struct server *server, const struct access_peer *peer);

/**
 * server_connection_began() - count a connection until server_connection_ended()
 * @ret_number: for its name
 *
 * When limits.connections are open, the one that has waited for a request the longest is ended. The last place is for
 * admins.
 *
 * Errors: -EDQUOT  limits.connections_per_user of this user are open
 *         -EBUSY   limits.connections are open, and all of them busy
 *         -ENOMEM
 */
int server_connection_began(
	struct server *server, const struct access_peer *peer, uint64_t *ret_number);
void server_connection_ended(struct server *server, uid_t uid);

/* server_connection_rests() - it waits for a request: connection_evict() may be called with @node, until it is unlinked */
void server_connection_rests(struct server *server, struct list *node);

/*
 * server_close() - for the stop: nobody else comes in, and connections that rest are hung up on by its step
 * server_hang_up() - the latter again, by the present step
 */
void server_close(struct server *server);
void server_hang_up(struct server *server);

/* server_next_request_id() - unique in this start; valid until the next call */
const char *server_next_request_id(struct server *server);
