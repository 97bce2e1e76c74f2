/* SPDX-License-Identifier: MIT */
/*
 * A report gets the batch as GET /v1/batches/ID shows it, in one line. A notification gets the same, without
 * the results when they are many, by the engine that fetches: its rules about addresses hold, and it tries
 * again.
 */
#include "daemon/jobs/tell.h"

#include <fetch/expect.h>
#include <fetch/fetch.h>
#include <nursery.h>

#include "daemon/batches/batch_object.h"
#include "daemon/batches/batches.h"
#include "daemon/config/config.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/report.h"
#include "daemon/ops/log.h"
#include "lib/base/buffer.h"

enum {
	max_notified_bytes = 64 * 1024
};

static const nur_time notify_timeout = NUR_SEC(30);

static size_t
count_result_bytes(const struct batch *batch)
{
	size_t n = 0;

	for (size_t i = 0; i < batch_n_urls(batch); i++) {
		n += batch_result_of(batch, i).len;
	}
	return n;
}

static void
log_loss(const struct jobs_news *news, const char *what, const char *target, const char *why)
{
	log_at(LOG_WARNING,
		LOG_FIELDS({ "FETCHD_JOB", news->config->name },
			{ "FETCHD_BATCH_ID", batch_id(news->batch) }),
		"job \"%s\": %s %s: %s", news->config->name, what, target, why);
}

/* ---- the report ---- */

struct appending {
	struct report_file file;
	struct buffer line;
};

static int
append(void *arg)
{
	const struct appending *appending = arg;

	return report_append(&appending->file, appending->line.data, appending->line.len);
}

/* On a thread, since a disk may be slow; the end of the daemon waits for it. */
static int
append_shielded(struct appending *appending)
{
	static const struct nur_thread_options options = { .name = "report" };
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_set_shield(&scope, true);
	return NUR_WITHIN(&scope, nur_thread_run(append, appending, &options));
}

static int
write_report(const struct jobs_news *news)
{
	const struct config_report *config = &news->config->report;
	const struct batch_object object = { .batch = news->batch, .has_results = true };
	struct appending appending = {
		.file = { config->file, config->max_size, config->keep },
		.line = BUFFER_INIT,
	};
	int r = batch_object_write(&object, &appending.line);

	if (r == 0) {
		r = append_shielded(&appending);
		if (r < 0) {
			log_loss(news, "no report in", config->file, nur_strerror(r));
		}
		r = 0;
	}
	buffer_fini(&appending.line);
	return r;
}

/* ---- the notification ---- */

static int
keep_result(void *user, const struct fetch_result *result)
{
	const struct jobs_news *news = user;

	if (result->outcome == FETCH_FAILED || result->outcome == FETCH_TIMEOUT) {
		log_loss(news, "nobody was notified at",
			result->final_url ? result->final_url : "its URL",
			result->outcome == FETCH_TIMEOUT ? "no answer in time"
							 : result->error_detail);
	}
	return 0;
}

static int
post(struct fetch_engine *engine, const struct jobs_news *news)
{
	static const struct fetch_header type = { "Content-Type", "application/json" };
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;
	struct fetch_options options = {
		.timeout = notify_timeout,
		.method = "POST",
		.headers = &type,
		.n_headers = 1,
		.retries = { .max = 3,
			.on = FETCH_RETRY_CONNECT | FETCH_RETRY_TIMEOUT | FETCH_RETRY_5XX |
			      FETCH_RETRY_429 },
		.attempt_timeout = notify_timeout / 3,
	};
	const struct fetch_url_request request = { news->config->notify.url, &options };
	const struct fetch_batch batch = {
		.policy = FETCH_POLICY_COLLECT,
		.accepted_at = nur_now(),
		.requests = &request,
		.n_requests = 1,
	};
	const struct fetch_sink sink = { keep_result, (void *)news };
	struct fetch_batch_summary summary;
	const struct batch_object object = {
		.batch = news->batch,
		.has_results = count_result_bytes(news->batch) <= max_notified_bytes,
	};
	int r = batch_object_write(&object, &body);

	if (r < 0) {
		return r;
	}
	options.body = body.data;
	options.body_len = body.len;
	return fetch_batch_run(engine, &batch, &sink, &summary);
}

int
jobs_tell(void *user, const struct jobs_news *news)
{
	int r = news->is_report ? write_report(news) : 0;
	int posted = news->is_notify ? post(user, news) : 0;

	return r < 0 ? r : posted;
}
