/* SPDX-License-Identifier: MIT */
#include "daemon/api/job_routes.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/api/connection.h"
#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/server.h"
#include "lib/protocol/json_writer.h"
#include "lib/protocol/units.h"

static void
write_when(struct json_writer *w, int64_t ns)
{
	json_write_time(w, ns / UNITS_NS_PER_S, ns % UNITS_NS_PER_S);
}

static void
write_duration(struct json_writer *w, int64_t ns)
{
	char text[UNITS_TEXT_MAX];

	json_write_text(w, duration_format(ns, text));
}

/* As the configuration has it. */
static void
write_schedule(struct json_writer *w, const struct config_job *config)
{
	if (config->every_ns > 0) {
		json_write_key(w, "every");
		write_duration(w, config->every_ns);
	} else {
		json_write_name(w, config->cron ? "cron" : "calendar", config->cron ? 4 : 8);
		json_write_text(w, config->cron ? config->cron : config->calendar);
	}
	if (config->timezone) {
		json_write_key(w, "timezone");
		json_write_text(w, config->timezone);
	}
	if (config->jitter_ns > 0) {
		json_write_key(w, "jitter");
		write_duration(w, config->jitter_ns);
	}
}

static void
write_run(struct json_writer *w, const struct job_run *run)
{
	int64_t elapsed_us = run->elapsed_ns / 1000;

	json_begin_object(w);
	json_write_key(w, "batch");
	json_write_text(w, run->batch_id);
	json_write_key(w, "outcome");
	json_write_text(w, batch_outcome_name(run->outcome));
	json_write_key(w, "started");
	write_when(w, run->started_ns);
	json_write_key(w, "elapsed_ms");
	json_write_real(w, (double)elapsed_us / 1000.0);
	json_write_key(w, "counts");
	json_begin_object(w);
	json_write_key(w, "ok");
	json_write_uint(w, run->counts.ok);
	json_write_key(w, "failed");
	json_write_uint(w, run->counts.failed);
	json_write_key(w, "timeout");
	json_write_uint(w, run->counts.timeout);
	json_write_key(w, "cancelled");
	json_write_uint(w, run->counts.cancelled);
	json_end_object(w);
	json_end_object(w);
}

/* The members of a job's object, without the history. */
static void
write_members(struct json_writer *w, const struct job_view *view)
{
	json_write_key(w, "name");
	json_write_text(w, view->config->name);
	json_write_key(w, "state");
	json_write_text(w, view->running ? "running" : view->is_paused ? "paused" : "waiting");
	json_write_key(w, "paused");
	json_write_bool(w, view->is_paused);
	write_schedule(w, view->config);
	json_write_key(w, "next");
	if (view->next_ns == INT64_MAX) {
		json_write_null(w);
	} else {
		write_when(w, view->next_ns);
	}
	json_write_key(w, "running");
	json_write_text(w, view->running ? batch_id(view->running) : NULL);
	json_write_key(w, "queued");
	json_write_bool(w, view->is_queued);
	json_write_key(w, "last");
	if (view->n_runs > 0) {
		write_run(w, &view->runs[0]);
	} else {
		json_write_null(w);
	}
}

static int
send_job(struct exchange *exchange, const struct job *job)
{
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);
	struct job_view view;

	job_describe(job, &view);
	response_begin(&exchange->response, 200, "application/json", NULL);
	json_begin_object(&w);
	write_members(&w, &view);
	json_write_key(&w, "runs");
	json_begin_array(&w);
	for (size_t i = 0; i < view.n_runs; i++) {
		write_run(&w, &view.runs[i]);
	}
	json_end_array(&w);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(&exchange->response);
}

/* The job of this name, or NULL and the answer has been begun: *@ret_r is what sending it returned. */
static struct job *
find(struct exchange *exchange, const char *name, int *ret_r)
{
	struct job *job = jobs_find(server_jobs(exchange->server), name);

	if (!job) {
		*ret_r = response_problem(&exchange->response, PROBLEM_NOT_FOUND,
			"the configuration has no job of this name; GET /v1/jobs lists them", NULL,
			NULL);
	}
	return job;
}

int
job_route_list(struct exchange *exchange, const char *name)
{
	struct jobs *jobs = server_jobs(exchange->server);
	struct json_writer w = JSON_WRITER_INIT(&exchange->response.out);

	response_begin(&exchange->response, 200, "application/json", NULL);
	json_begin_object(&w);
	json_write_key(&w, "jobs");
	json_begin_array(&w);
	for (struct job *job = NULL; (job = jobs_next(jobs, job));) {
		struct job_view view;

		job_describe(job, &view);
		json_begin_object(&w);
		write_members(&w, &view);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(&exchange->response);
}

int
job_route_show(struct exchange *exchange, const char *name)
{
	int r = 0;
	const struct job *job = find(exchange, name, &r);

	return job ? send_job(exchange, job) : r;
}

static int
refuse_run(struct exchange *exchange, int error)
{
	struct response *response = &exchange->response;

	switch (error) {
	case -EBUSY:
		return response_problem(response, PROBLEM_CONFLICT,
			"a run of this job is going, and its overlap is \"skip\"", NULL, NULL);
	case -ESHUTDOWN:
		return response_problem(response, PROBLEM_DRAINING,
			"the daemon is stopping and starts no runs", "Retry-After: 5\r\n", NULL);
	case -EAGAIN:
		return response_problem(response, PROBLEM_OVERLOADED,
			"limits.batches of the configuration are running", "Retry-After: 1\r\n",
			NULL);
	default:
		return response_failure(response, error);
	}
}

int
job_route_run(struct exchange *exchange, const char *name)
{
	struct response *response = &exchange->response;
	struct json_writer w = JSON_WRITER_INIT(&response->out);
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	char location[80] = "";
	struct job_view view;
	int r = 0;
	struct job *job = find(exchange, name, &r);

	if (!job) {
		return r;
	}
	r = job_start_run(job, &batch);
	if (r < 0) {
		return refuse_run(exchange, r);
	}
	if (batch) {
		(void)snprintf(location, sizeof(location), "Location: /v1/batches/%s\r\n",
			batch_id(batch));
	}
	job_describe(job, &view);
	response_begin(response, 202, "application/json", *location ? location : NULL);
	json_begin_object(&w);
	json_write_key(&w, "job");
	json_write_text(&w, name);
	json_write_key(&w, "batch");
	json_write_text(&w, batch ? batch_id(batch) : NULL);
	json_write_key(&w, "running");
	json_write_text(&w, view.running ? batch_id(view.running) : NULL);
	json_end_object(&w);
	json_end_line(&w);
	return response_end(response);
}

/* Answers when it is on disk; the job may be gone by then. */
static int
change(struct exchange *exchange, const char *name, void (*act)(struct job *job))
{
	int r = 0;
	struct job *job = find(exchange, name, &r);

	if (!job) {
		return r;
	}
	act(job);
	server_keep_pauses(exchange->server);
	job = find(exchange, name, &r);
	return job ? send_job(exchange, job) : r;
}

int
job_route_pause(struct exchange *exchange, const char *name)
{
	return change(exchange, name, job_pause);
}

int
job_route_resume(struct exchange *exchange, const char *name)
{
	return change(exchange, name, job_resume);
}
