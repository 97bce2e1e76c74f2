/* SPDX-License-Identifier: MIT */
#include "daemon/reload.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>

#include "daemon/accounts.h"
#include "daemon/config/config.h"
#include "daemon/descriptors.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"

void
reload_verdict_fini(struct reload_verdict *verdict)
{
	faults_fini(&verdict->faults);
}

/* ---- what needs a restart ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
compare(const struct config *before, const struct config *after, struct reload_verdict *verdict)
{
	const struct {
		const char *key;
		bool is_same;
	} keys[] = {
		{ "listen.socket", is_same_text(before->socket_path, after->socket_path) },
		{ "listen.mode", before->socket_mode == after->socket_mode },
		{ "listen.group", is_same_text(before->socket_group, after->socket_group) },
		{ "listen.metrics", endpoint_is_equal(&before->metrics, &after->metrics) },
		{ "defaults.user_agent", is_same_text(before->user_agent, after->user_agent) },
		{ "store.path", is_same_text(before->store_path, after->store_path) },
		{ "store.retain", before->store_retain_ns == after->store_retain_ns },
		{ "store.max_size", before->store_max_size == after->store_max_size },
		{ "network.http_version", before->http_version == after->http_version },
		{ "network.proxy", is_same_text(before->proxy, after->proxy) },
		{ "network.resolver", before->resolver == after->resolver },
		{ "network.idle_check", before->idle_check == after->idle_check },
		{ "workers", before->workers == after->workers },
	};

	static_assert(sizeof(keys) / sizeof(keys[0]) <= RELOAD_RESTART_MAX, "one place each");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!keys[i].is_same) {
			verdict->restart[verdict->n_restart++] = keys[i].key;
		}
	}
}

/* ---- telling ---- */

static void
log_faults(const struct faults *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		const struct fault *fault = &faults->items[i];

		log_error("%s:%u:%u: %s: %s", fault->source ? fault->source : "configuration",
			(unsigned)fault->line, (unsigned)fault->column, fault->pointer,
			fault->detail);
	}
}

static void
tell(struct server *server, const struct reload_verdict *verdict)
{
	char status[160];

	if (verdict->error == 0) {
		log_at(LOG_NOTICE, LOG_FIELDS(EVENT(RELOADED)),
			"reloaded: generation %u is in effect", server_generation(server));
		for (size_t i = 0; i < verdict->n_restart; i++) {
			log_warning("%s has changed, which needs a restart", verdict->restart[i]);
		}
		(void)snprintf(status, sizeof(status), "serving, generation %u",
			server_generation(server));
	} else {
		log_faults(&verdict->faults);
		log_at(LOG_ERR, LOG_FIELDS(EVENT(NOT_RELOADED)),
			"not reloaded: %s; generation %u stays in effect",
			verdict->error == -EINVAL ? "the configuration is not valid"
						  : nur_strerror(verdict->error),
			server_generation(server));
		(void)snprintf(status, sizeof(status),
			"serving, generation %u; the reload was refused, the log says why",
			server_generation(server));
	}
	server_tell_reloaded(server, status, verdict->error != 0);
}

/* ---- reading ---- */

struct reading {
	const char *path;
	struct config *config;
	struct faults *faults;
	int r;
};

/* On a thread: files are read, and time zones, and who knows users may be far away. */
static int
read_config(void *arg)
{
	struct reading *reading = arg;

	reading->r = config_load(reading->path, &reading->config, reading->faults);
	if (reading->r == 0) {
		accounts_find(reading->config);
		accounts_log_unknown(reading->config);
	}
	return 0;
}

static int
reload_alone(struct server *server, struct reload_verdict *ret_verdict)
{
	struct reading reading = {
		.path = server_config_path(server),
		.faults = &ret_verdict->faults,
	};
	int r;

	server_tell_reloading(server);
	r = nur_thread_run(read_config, &reading, NULL);
	ret_verdict->error = r < 0 ? r : reading.r;
	if (r >= 0 && reading.r == 0) {
		descriptors_fit(reading.config);
		compare(server_config(server), reading.config, ret_verdict);
		ret_verdict->error = server_set_config(server, reading.config);
		server_keep_pauses(server);
	}
	config_unref(reading.config);
	tell(server, ret_verdict);
	return r < 0 ? r : 0;
}

int
reload(struct server *server, struct reload_verdict *ret_verdict)
{
	struct nur_lock *lock = server_reload_lock(server);
	int r = nur_lock_acquire(lock);

	if (r < 0) {
		return r;
	}
	r = reload_alone(server, ret_verdict);
	(void)nur_lock_release(lock); /* it is ours */
	return r;
}
