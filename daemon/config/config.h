/* SPDX-License-Identifier: MIT */
/*
 * The configuration in effect: what the file says, checked whole, with the defaults for what it does not.
 * Immutable once loaded; whoever works with one holds a reference, so that a newer one takes nothing away.
 */
#pragma once

#include <fetch/fetch.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/access_list.h"
#include "daemon/config/endpoint.h"
#include "daemon/ops/log.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/fetch/rules/address_policy.h"
#include "lib/protocol/arena.h"
#include "lib/protocol/batch_fields.h"
#include "lib/protocol/faults.h"

/* Jobs of one configuration: each is a task. */
#define CONFIG_JOBS_MAX 1000

#define JOB_NAME_CAP 101 /* bytes of a name, with its NUL */

/* Who tells whether a connection that is kept without work still lives, before it is used again. */
enum config_idle_check {
	IDLE_CHECK_LOOP,   /* what the loop has seen of it */
	IDLE_CHECK_KERNEL, /* a poll() each time */
};

/* What happens when a job is due while its last run is still going. */
enum job_overlap {
	JOB_OVERLAP_SKIP,
	JOB_OVERLAP_QUEUE,
	JOB_OVERLAP_REPLACE,
};

/* What happens with a run whose time passed while the daemon could not start it. */
enum job_missed {
	JOB_MISSED_SKIP,
	JOB_MISSED_RUN_ONCE,
};

/* After which runs a report is written, or somebody notified. */
enum job_when {
	JOB_ALWAYS,
	JOB_ON_FAILURE,
	JOB_ON_CHANGE, /* its outcome, or what failed in it, is not as in the run before; before the first, all was well */
};

/*
 * file      NULL: none
 * max_size  the file is renamed to FILE.1, and so on up to keep, when it is larger
 */
struct config_report {
	const char *file;
	enum job_when when;
	int64_t max_size;
	unsigned keep;
};

/* url  NULL: none; it gets a POST with the run's summary */
struct config_notify {
	const char *url;
	enum job_when when;
};

/*
 * struct config_job
 *
 * name   unique, of letters, digits, "-", "_" and "."
 * every_ns           0: the timetable says when
 * cron, calendar, timezone  as they stand there, or NULL
 * timetable          of cron or calendar, or NULL
 * jitter_ns          at most every
 * start_deadline_ns  a start that is later than this is missed; 0: only one after which the next is due
 * map    what the file says of it, placeholders replaced
 * source, line  where
 */
struct config_job {
	const char *name;
	int64_t every_ns;
	const char *cron;
	const char *calendar;
	const char *timezone;
	struct timetable *timetable;
	int64_t jitter_ns;
	int64_t start_deadline_ns;
	enum job_overlap overlap;
	enum job_missed missed;
	struct config_report report;
	struct config_notify notify;
	const struct value *map;
	const char *source;
	uint32_t line;
};

/*
 * What is different for callers of a level, beside network's own policy.
 *
 * profile      0: the same, else one more than an enum fetch_profile
 * allow, deny  what stands there
 * in_effect    made of both; has_effect: else it is network's
 */
struct config_level_network {
	unsigned profile;
	struct fetch_cidr_list allow;
	struct fetch_cidr_list deny;
	bool has_effect;
	struct fetch_address_policy in_effect;
};

struct config_tree;
struct json_writer;
struct substitution;
struct timetable; /* daemon/schedule/timetable.h */

/*
 * struct config
 *
 * socket_path, socket_group, store_path  NULL: not set
 * metrics                    zeroed: not set
 * access                     names become numbers by accounts_find()
 * max_request                bytes of a request's body
 * batch_limits.check_url     set
 * policy                     of jobs, and of callers of whom nothing else is said
 * workers                    0: as many as there are cores
 * proxy                      NULL: none; else an http URL
 * log_level                  of syslog(3), from LOG_ERR on
 * jobs                       n_jobs of them; names are unique
 * arena, trees, substitutions  what the strings and the jobs' maps live in
 */
struct config {
	const char *socket_path;
	mode_t socket_mode;
	const char *socket_group;
	struct endpoint metrics;
	struct access_list access;
	unsigned in_flight;
	unsigned per_origin;
	size_t max_batches;
	size_t max_batches_per_user;
	size_t max_urls_per_user;
	int64_t max_stored_per_user;
	int64_t max_request;
	unsigned max_connections;
	unsigned max_connections_per_user;
	struct batch_defaults batch_defaults;
	struct batch_limits batch_limits;
	const char *user_agent;
	struct fetch_address_policy policy;
	struct config_level_network submit_network;
	struct config_level_network admin_network;
	enum fetch_http_version http_version;
	const char *proxy;
	enum fetch_resolver_kind resolver;
	enum config_idle_check idle_check;
	const char *store_path;
	int64_t store_retain_ns;
	int64_t store_max_size;
	int64_t drain_timeout_ns;
	enum log_format log_format;
	unsigned log_level;
	unsigned workers;
	struct config_job *jobs;
	size_t n_jobs;
	size_t n_refs;
	struct arena arena;
	struct config_tree *trees;
	const struct substitution *substitutions;
};

/*
 * config_policy() - what callers of a level may fetch from; NULL: as @config->policy. Lives as long as @config.
 */
const struct fetch_address_policy *config_policy(
	const struct config *config, enum access_level level);

/**
 * config_load() - read and check
 * @path:       NULL: the defaults
 * @ret_config: given, config_unref()
 * @faults:     an empty list; all that is wrong, in order of place, on -EINVAL
 *
 * Beside the file, the *.yaml of conf.d and jobs.d are read, in the order of their names: a later file's
 * setting replaces an earlier one's, jobs are taken together. Those folders need not be there.
 *
 * Errors: -EINVAL  faults says what, also of files that cannot be read
 *         -ENOMEM
 */
int config_load(const char *path, struct config **ret_config, struct faults *faults);

/* config_load_text() - the same of one text, called @name (borrowed) in faults */
int config_load_text(const char *name, const struct buffer *text, struct config **ret_config,
	struct faults *faults);

/*
 * config_print_faults() - "file:line:col: path: message" with the source line and a caret each
 *
 * The lines are read again from the files; of a file that is gone, there are none.
 */
void config_print_faults(const struct faults *faults, struct buffer *out);

/*
 * config_print() - the configuration in effect, as YAML that config_load() reads back. -ENOMEM
 *
 * In place of texts from the environment and credentials, their placeholders are printed.
 */
int config_print(const struct config *config, struct buffer *out);

/* config_write_json_schema() - the grammar of the files, for editors; one line. -ENOMEM */
int config_write_json_schema(struct buffer *out);

/*
 * config_write_settings() - every setting in effect, as an array of objects: key ("limits.in_flight"), value (as it
 * would stand in the file), and where it was set: source and line, which are not there for a default. Jobs come
 * behind the others, one by one: "jobs.NAME".
 */
void config_write_settings(const struct config *config, struct json_writer *w);

/*
 * config_job_batch() - a fresh description for one run of a job; given, batch_description_destroy()
 *
 * Its name is the job's. -ENOMEM; -EINVAL: the limits have become stricter since the loading
 */
int config_job_batch(
	const struct config *config, size_t job, struct batch_description **ret_description);

/* config_n_workers() - how many are meant; auto: of the cores that we may run on */
unsigned config_n_workers(const struct config *config);

struct config *config_ref(struct config *config);

/* config_unref() - the last one frees it; accepts NULL */
void config_unref(struct config *config);

DEFINE_CLEANUP(struct config *, config_unref);
