/* SPDX-License-Identifier: MIT */
#include "daemon/api/routes.h"

#include <assert.h>
#include <errno.h>
#include <fetch/fetch.h>
#include <nursery.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/api_counts.h"
#include "daemon/api/batch_routes.h"
#include "daemon/api/config_routes.h"
#include "daemon/api/connection.h"
#include "daemon/api/job_routes.h"
#include "daemon/api/metrics_route.h"
#include "daemon/api/submit_route.h"
#include "daemon/api/tree_route.h"
#include "daemon/batches/batches.h"
#include "daemon/ops/events.h"
#include "daemon/ops/log.h"
#include "daemon/server.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

static int
send_json(struct exchange *exchange)
{
	buffer_putc(&exchange->response.out, '\n');
	return response_end(&exchange->response);
}

static int
health_live(struct exchange *exchange, const char *name)
{
	response_begin(&exchange->response, 200, "application/json", NULL);
	buffer_puts(&exchange->response.out, "{\"status\":\"ok\"}");
	return send_json(exchange);
}

/* Attached batches and everything else go on, so this is no reason to send callers away. */
static int
say_degraded(struct exchange *exchange, const char *why)
{
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);

	response_begin(&exchange->response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "status");
	json_write_text(&w, "degraded");
	json_write_key(&w, "store");
	json_write_text(&w, why);
	json_end_object(&w);
	return send_json(exchange);
}

static int
health_ready(struct exchange *exchange, const char *name)
{
	const char *why = batches_store_why(server_batches(exchange->server));

	if (server_is_draining(exchange->server)) {
		return response_problem(&exchange->response, PROBLEM_DRAINING,
			"running batches are ending; new ones are refused", "Retry-After: 5\r\n",
			NULL);
	}
	if (why) {
		return say_degraded(exchange, why);
	}
	return health_live(exchange, name);
}

static int
version(struct exchange *exchange, const char *name)
{
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	struct fetch_versions versions;

	fetch_engine_versions(&versions);
	response_begin(&exchange->response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "version");
	json_write_text(&w, FETCHD_VERSION);
	json_write_key(&w, "libcurl");
	json_write_text(&w, versions.curl);
	json_write_key(&w, "tls");
	json_write_text(&w, versions.ssl);
	json_write_key(&w, "c_ares");
	json_write_text(&w, versions.cares);
	json_end_object(&w);
	return send_json(exchange);
}

/*
 * right   what the caller must have
 * path    "{}" stands for one segment, which the handler gets
 * handle  answers; errors as routes_dispatch()
 */
struct route {
	enum http_method method;
	enum access_right right;
	const char *path;
	int (*handle)(struct exchange *exchange, const char *name);
};

static const struct route routes[] = {
	{ HTTP_POST, ACCESS_TO_SUBMIT, "/v1/batches", submit_route },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/batches", batch_route_list },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/batches/{}", batch_route_show },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/batches/{}/results", batch_route_results },
	{ HTTP_POST, ACCESS_TO_SUBMIT, "/v1/batches/{}/cancel", batch_route_cancel },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/jobs", job_route_list },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/jobs/{}", job_route_show },
	{ HTTP_POST, ACCESS_TO_JOBS, "/v1/jobs/{}/run", job_route_run },
	{ HTTP_POST, ACCESS_TO_JOBS, "/v1/jobs/{}/pause", job_route_pause },
	{ HTTP_POST, ACCESS_TO_JOBS, "/v1/jobs/{}/resume", job_route_resume },
	{ HTTP_GET, ACCESS_TO_CONFIGURE, "/v1/config", config_route_show },
	{ HTTP_POST, ACCESS_TO_CONFIGURE, "/v1/reload", config_route_reload },
	{ HTTP_GET, ACCESS_TO_LOOK, "/v1/tree", tree_route },
	{ HTTP_GET, ACCESS_TO_HEALTH, "/v1/health/live", health_live },
	{ HTTP_GET, ACCESS_TO_HEALTH, "/v1/health/ready", health_ready },
	{ HTTP_GET, ACCESS_TO_HEALTH, "/v1/version", version },
	{ HTTP_GET, ACCESS_TO_LOOK, "/metrics", metrics_route },
};

static_assert(ARRAY_LEN(routes) < API_MAX_ROUTES, "each is counted, and what took none");

const char *
routes_name(unsigned route)
{
	return route == ROUTES_NONE ? "other" : routes[route - 1].path;
}

#define SEGMENT_CAP 128 /* a job's name is the longest */

/* Whether @path is @pattern's; the segment at "{}" is copied to @name. */
static bool
match(const char *pattern, const char *path, char *name, size_t cap)
{
	const char *hole = strstr(pattern, "{}");
	size_t before = hole ? (size_t)(hole - pattern) : 0;
	size_t len;

	if (!hole) {
		return strcmp(pattern, path) == 0;
	}
	if (strncmp(pattern, path, before) != 0) {
		return false;
	}
	len = strcspn(path + before, "/");
	if (len == 0 || len >= cap || strcmp(path + before + len, hole + 2) != 0) {
		return false;
	}
	memcpy(name, path + before, len);
	name[len] = '\0';
	return true;
}

static bool
is_asked_for(const struct route *route, enum http_method method)
{
	return route->method == method || (method == HTTP_HEAD && route->method == HTTP_GET);
}

static int
refuse_method(struct exchange *exchange, const char *path)
{
	char allow[64];
	char name[SEGMENT_CAP];
	bool has_get = false;
	bool has_post = false;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (match(routes[i].path, path, name, sizeof(name))) {
			has_get |= routes[i].method == HTTP_GET;
			has_post |= routes[i].method == HTTP_POST;
		}
	}
	(void)snprintf(allow, sizeof(allow), "Allow: %s%s%s\r\n", has_get ? "GET, HEAD" : "",
		has_get && has_post ? ", " : "", has_post ? "POST" : "");
	return response_problem(&exchange->response, PROBLEM_METHOD_NOT_ALLOWED,
		"the Allow field has the methods of this path", allow, NULL);
}

/* Judged anew for each request: a reload changes what a caller may do. Return: 1, or what the answer's sending returned. */
static int
check_right(struct exchange *exchange, enum access_right right)
{
	const struct access_verdict verdict = server_judge(exchange->server, &exchange->peer);
	char detail[512];
	char uid[12];

	exchange->level = verdict.level;
	if (exchange->is_scraper || access_may(verdict.level, right)) {
		return 1;
	}
	access_explain(&verdict, &exchange->peer, right, detail, sizeof(detail));
	(void)snprintf(uid, sizeof(uid), "%u", (unsigned)exchange->peer.uid);
	log_at(LOG_NOTICE,
		LOG_FIELDS(EVENT(FORBIDDEN), { "FETCHD_PEER_UID", uid },
			{ "FETCHD_REQUEST_ID", exchange->request_id }),
		"refused: %s", detail);
	return response_problem(&exchange->response, PROBLEM_FORBIDDEN, detail, NULL, NULL);
}

int
routes_dispatch(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	bool is_path_known = false;
	char name[SEGMENT_CAP];
	int r;

	if (http_request_field(request, "Origin") || http_request_field(request, "Referer")) {
		return response_problem(&exchange->response, PROBLEM_FROM_BROWSER,
			"a request with Origin or Referer comes from a browser, which has no "
			"business here",
			NULL, NULL);
	}
	if (exchange->is_scraper && strcmp(request->path, "/metrics") != 0) {
		return response_problem(&exchange->response, PROBLEM_NOT_FOUND,
			"this address has /metrics only; all else is at the Unix socket", NULL,
			NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!match(routes[i].path, request->path, name, sizeof(name))) {
			continue;
		}
		is_path_known = true;
		if (is_asked_for(&routes[i], request->method)) {
			exchange->route = (unsigned)i + 1;
			r = check_right(exchange, routes[i].right);
			if (r <= 0) {
				return r;
			}
			return routes[i].handle(exchange, name);
		}
	}
	if (is_path_known) {
		return refuse_method(exchange, request->path);
	}
	return response_problem(&exchange->response, PROBLEM_NOT_FOUND,
		"the calls are /metrics and, below /v1/, batches, jobs, config, reload, tree, "
		"health/live, "
		"health/ready, version",
		NULL, NULL);
}
