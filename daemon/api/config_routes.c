/* SPDX-License-Identifier: MIT */
#include "daemon/api/config_routes.h"

#include <nursery.h>

#include "daemon/api/connection.h"
#include "daemon/config/config.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "lib/protocol/json_writer.h"

static void
write_pending(struct json_writer *w, const char *const *keys, size_t n)
{
	json_write_key(w, "needs_restart");
	json_begin_array(w);
	for (size_t i = 0; i < n; i++) {
		json_write_text(w, keys[i]);
	}
	json_end_array(w);
}

int
config_route_show(struct exchange *exchange, const char *unused)
{
	struct response *response = &exchange->response;
	struct json_writer w = JSON_WRITER_INIT(&response->out);
	const struct config *config = server_config(exchange->server);
	const char *keys[RELOAD_RESTART_MAX];
	size_t n = reload_list_pending(server_started_config(exchange->server), config, keys);

	response_begin(response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "generation");
	json_write_uint(&w, server_generation(exchange->server));
	write_pending(&w, keys, n);
	json_write_key(&w, "settings");
	config_write_settings(config, &w);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(response);
}

static int
send_verdict(struct exchange *exchange, const struct reload_verdict *verdict)
{
	struct response *response = &exchange->response;
	struct json_writer w = JSON_WRITER_INIT(&response->out);

	response_begin(response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "generation");
	json_write_uint(&w, server_generation(exchange->server));
	write_pending(&w, verdict->restart, verdict->n_restart);
	json_write_key(&w, "warnings");
	json_begin_array(&w);
	for (size_t i = 0; i < verdict->warnings.n; i++) {
		problem_write_fault(&verdict->warnings.items[i], &w);
	}
	json_end_array(&w);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(response);
}

static int
refuse(struct exchange *exchange, const struct reload_verdict *verdict)
{
	if (faults_count(&verdict->faults) > 0) {
		return response_problem(&exchange->response, PROBLEM_INVALID_CONFIG,
			"the configuration stays as it was; errors has what to change", NULL,
			&verdict->faults);
	}
	return response_failure(&exchange->response, verdict->error);
}

int
config_route_reload(struct exchange *exchange, const char *unused)
{
	struct reload_verdict verdict = RELOAD_VERDICT_INIT;
	int r;

	if (server_is_draining(exchange->server)) {
		return response_problem(&exchange->response, PROBLEM_DRAINING,
			"the daemon is stopping", "Retry-After: 5\r\n", NULL);
	}
	r = reload(exchange->server, &verdict);
	if (r == 0) {
		r = verdict.error == 0 ? send_verdict(exchange, &verdict)
				       : refuse(exchange, &verdict);
	} else if (r != NUR_ECANCELED) {
		r = response_failure(&exchange->response, r);
	}
	reload_verdict_fini(&verdict);
	return r;
}
