/* SPDX-License-Identifier: MIT */
/* The jobs of a configuration: their schedules, whom they tell, and that each of them makes a batch. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/loader.h"
#include "daemon/config/schema.h"
#include "daemon/schedule/timetable.h"

static const int64_t report_max_size = 10 * 1024 * 1024;
static const unsigned report_keep = 5;

static const struct value_path jobs_path = { .key = "jobs", .key_len = 4 };

static int
make_batch(const struct config *config, const struct config_job *job, const struct value_path *path,
	struct faults *faults, struct batch_description **ret_description)
{
	const char *skip[16];
	const struct batch_from from = {
		.path = path,
		.skip = skip,
		.defaults = &config->batch_defaults,
		.limits = &config->batch_limits,
	};

	assert(schema_job.n < ARRAY_LEN(skip));
	for (size_t i = 0; i < schema_job.n; i++) {
		skip[i] = schema_job.rows[i].name;
	}
	skip[schema_job.n] = NULL;
	return batch_from_value(job->map, &from, ret_description, faults);
}

/* A fault of a job: at the member @key of @map (the job, or a mapping in it), or, when it is missing, at @map. */
__attribute__((format(printf, 5, 6))) static void
refuse(struct loader *loader, const struct value *map, const struct value_path *path,
	const char *key, const char *format, ...)
{
	const struct value *member = value_get(map, key);
	const struct value_path member_path = { path, key, strlen(key), 0 };
	char text[320];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap); /* cut is fine */
	va_end(ap);
	faults_add(loader->faults,
		&(struct fault_place){
			.path = member ? &member_path : path, .at = member ? member : map },
		"%s", text);
}

/* When it starts: one of three ways to say it. */
static int
check_schedule(struct loader *loader, struct config_job *job, const struct value_path *path)
{
	static const char *const ways[] = { "every", "cron", "calendar" };
	struct calendar_error error;
	const char *way = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (way && value_get(job->map, ways[i])) {
			refuse(loader, job->map, path, ways[i], "\"%s\" says already when to start",
				way);
		} else if (value_get(job->map, ways[i])) {
			way = ways[i];
		}
	}
	if (!way) {
		refuse(loader, job->map, path, "every",
			"the field \"every\", \"cron\" or \"calendar\" is missing: such as "
			"\"every: 30s\"");
		return 0;
	}
	if (strcmp(way, "every") == 0) {
		if (job->timezone) {
			refuse(loader, job->map, path, "timezone", "has no meaning with \"every\"");
		}
		return 0;
	}
	if (!(job->cron ? job->cron : job->calendar)) {
		return 0; /* it is no text, which has been said */
	}
	r = timetable_create(job->cron ? TIMETABLE_CRON : TIMETABLE_CALENDAR,
		job->cron ? job->cron : job->calendar, job->timezone, &job->timetable, &error);
	if (r == -EINVAL) {
		refuse(loader, job->map, path, way, "%s", error.text);
	}
	return r == -ENOMEM ? r : 0;
}

static void
check_targets(struct loader *loader, const struct config_job *job, const struct value_path *path)
{
	const struct value *report = value_get(job->map, "report");
	const struct value *notify = value_get(job->map, "notify");
	const struct value_path report_path = { path, "report", 6, 0 };
	const struct value_path notify_path = { path, "notify", 6, 0 };
	struct fetch_reason reason;

	if (report && report->type == VALUE_MAP && !value_get(report, "file")) {
		refuse(loader, report, &report_path, "file", "the field \"file\" is missing");
	}
	if (notify && notify->type == VALUE_MAP && !value_get(notify, "url")) {
		refuse(loader, notify, &notify_path, "url", "the field \"url\" is missing");
	}
	if (job->notify.url &&
		fetch_url_check(job->notify.url, strlen(job->notify.url), &reason) == -EINVAL) {
		refuse(loader, notify, &notify_path, "url", "%s", reason.text);
	}
}

/* What no single key can say about itself. */
static int
check_job(struct loader *loader, struct config_job *job, const struct value_path *path)
{
	if (!value_get(job->map, "name")) {
		refuse(loader, job->map, path, "name",
			"the field \"name\" is missing: a job is known by its name");
	}
	if (job->every_ns > 0 && job->jitter_ns > job->every_ns) {
		refuse(loader, job->map, path, "jitter", "must not be longer than \"every\"");
	}
	for (size_t i = 0; job->name && i < loader->config->n_jobs; i++) {
		const struct config_job *other = &loader->config->jobs[i];

		if (strcmp(other->name, job->name) == 0) {
			refuse(loader, job->map, path, "name",
				"there is a job \"%s\" already, at %s:%u", job->name, other->source,
				other->line);
			break;
		}
	}
	check_targets(loader, job, path);
	return check_schedule(loader, job, path);
}

static int
take_job(struct loader *loader, const char *source, const struct value *map,
	const struct value_path *path)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	struct config *config = loader->config;
	struct config_job job = {
		.report = { .max_size = report_max_size, .keep = report_keep },
		.map = map,
		.source = source,
		.line = map->line,
	};
	const struct schema_use use = { &loader->fields, NULL, &job };
	int r = 0;

	if (map->type == VALUE_MAP) {
		schema_apply_known(&schema_job, &use, map, path);
		r = check_job(loader, &job, path);
	}
	if (r == 0) {
		r = make_batch(config, &job, path, loader->faults, &description);
	}
	if (r < 0 && r != -EINVAL) {
		timetable_destroy(job.timetable);
		return r;
	}
	if (config->n_jobs == CONFIG_JOBS_MAX) {
		faults_add(loader->faults, &(struct fault_place){ .path = path, .at = map },
			"at most %d jobs", CONFIG_JOBS_MAX);
	} else if (job.name) {
		config->jobs[config->n_jobs++] = job;
		job.timetable = NULL;
	}
	timetable_destroy(job.timetable);
	return loader->fields.error;
}

static int
take_jobs_of(struct loader *loader, const struct config_tree *kept)
{
	const struct value *jobs = value_get(kept->tree->root, "jobs");
	const struct value *map;
	size_t index = 0;
	int r = 0;

	if (!jobs || jobs->type != VALUE_LIST) {
		return 0;
	}
	loader->faults->source = kept->name;
	for (map = jobs->first; map && r == 0 && index <= CONFIG_JOBS_MAX; map = map->next) {
		const struct value_path path = { .parent = &jobs_path, .index = index++ };

		r = take_job(loader, kept->source, map, &path);
	}
	return r;
}

int
loader_take_jobs(struct loader *loader)
{
	struct config *config = loader->config;
	int r = 0;

	config->jobs = arena_alloc(&config->arena, CONFIG_JOBS_MAX * sizeof(*config->jobs));
	if (!config->jobs) {
		return -ENOMEM;
	}
	for (const struct config_tree *kept = config->trees; kept && r == 0; kept = kept->next) {
		r = take_jobs_of(loader, kept);
	}
	return r;
}

int
config_job_batch(
	const struct config *config, size_t job, struct batch_description **ret_description)
{
	_cleanup_(batch_description_destroyp) struct batch_description *description = NULL;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	const char *name = config->jobs[job].name;
	int r;

	r = make_batch(config, &config->jobs[job], NULL, &faults, &description);
	if (r < 0) {
		return r;
	}
	description->name = arena_text(&description->arena, name, strlen(name));
	if (!description->name) {
		return -ENOMEM;
	}
	*ret_description = steal(&description);
	return 0;
}
