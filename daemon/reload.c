/* SPDX-License-Identifier: MIT */
#include "daemon/reload.h"

#include <assert.h>
#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>

#include "daemon/accounts.h"
#include "daemon/config/config.h"
#include "daemon/config/lint.h"
#include "daemon/descriptors.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

void
reload_verdict_fini(struct reload_verdict *verdict)
{
	faults_fini(&verdict->faults);
	faults_fini(&verdict->warnings);
}

/* ---- what needs a restart ---- */

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

size_t
reload_list_pending(const struct config *started, const struct config *now, const char **ret_keys)
{
	const struct {
		const char *key;
		bool is_same;
	} keys[] = {
		{ "listen.socket", is_same_text(started->socket_path, now->socket_path) },
		{ "listen.mode", started->socket_mode == now->socket_mode },
		{ "listen.group", is_same_text(started->socket_group, now->socket_group) },
		{ "listen.metrics", endpoint_is_equal(&started->metrics, &now->metrics) },
		{ "defaults.user_agent", is_same_text(started->user_agent, now->user_agent) },
		{ "store.path", is_same_text(started->store_path, now->store_path) },
		{ "store.retain", started->store_retain_ns == now->store_retain_ns },
		{ "store.max_size", started->store_max_size == now->store_max_size },
		{ "network.http_version", started->http_version == now->http_version },
		{ "network.proxy", is_same_text(started->proxy, now->proxy) },
		{ "network.resolver", started->resolver == now->resolver },
		{ "network.idle_check", started->idle_check == now->idle_check },
		{ "workers", started->workers == now->workers },
	};
	size_t n = 0;

	static_assert(sizeof(keys) / sizeof(keys[0]) <= RELOAD_RESTART_MAX, "one place each");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!keys[i].is_same) {
			ret_keys[n++] = keys[i].key;
		}
	}
	return n;
}

/* ---- telling ---- */

static void
log_faults(const struct faults *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;

		fault_print(&faults->items[i], &text);
		if (buffer_error(&text) == 0) {
			log_error("%.*s", (int)strcspn(text.data, "\n"), text.data);
		}
	}
	if (faults->n_dropped > 0) {
		log_error("and %zu more errors", faults->n_dropped);
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
			log_warning("%s is not as at the start, which needs a restart",
				verdict->restart[i]);
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
	struct faults *warnings;
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
		/* For want of memory some are not said: nothing is wrong with the configuration. */
		(void)config_lint(reading->config, reading->path, reading->warnings);
	}
	return 0;
}

static int
reload_alone(struct server *server, struct reload_verdict *ret_verdict)
{
	struct reading reading = {
		.path = server_config_path(server),
		.faults = &ret_verdict->faults,
		.warnings = &ret_verdict->warnings,
	};
	int r;

	server_tell_reloading(server);
	r = nur_thread_run(read_config, &reading, NULL);
	ret_verdict->error = r < 0 ? r : reading.r;
	if (r >= 0 && reading.r == 0) {
		descriptors_fit(reading.config);
		ret_verdict->n_restart = reload_list_pending(
			server_started_config(server), reading.config, ret_verdict->restart);
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
