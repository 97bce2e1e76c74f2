/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#define DATA T_SOURCE_ROOT "/tests/data/config/"

static char folder[] = "/tmp/test_config.XXXXXX";
static struct config *config;
static struct faults faults;
static struct buffer report;

static void
setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	ck_assert_int_eq(unsetenv("FETCHD_TEST_NOTHING"), 0);
	faults = (struct faults)FAULTS_INIT;
	report = (struct buffer)BUFFER_INIT;
	config = NULL;
}

/* The files of a test: named here, written by write_file(), removed afterwards. */
static const char *const file_names[] = { "fetchd.yaml", "conf.d/10-a.yaml", "conf.d/20-b.yaml",
	"conf.d/30-c.yml", "jobs.d/a.yaml", "jobs.d/b.yaml", "jobs.d/50-p.yaml", "token" };

static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
teardown(void)
{
	config_unref(config);
	faults_fini(&faults);
	buffer_fini(&report);
	for (size_t i = 0; i < ARRAY_LEN(file_names); i++) {
		(void)unlink(path_of(file_names[i]));
	}
	(void)rmdir(path_of("conf.d/40-d.yaml"));
	(void)rmdir(path_of("conf.d"));
	(void)rmdir(path_of("jobs.d"));
	(void)rmdir(folder);
}

static void
write_file(const char *name, const char *text)
{
	_cleanup_(fclosep) FILE *file = NULL;

	(void)mkdir(path_of("conf.d"), 0700);
	(void)mkdir(path_of("jobs.d"), 0700);
	file = fopen(path_of(name), "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
}

/* Loads @path and prints what is wrong with it into report. */
static int
load(const char *path)
{
	int r = config_load(path, &config, &faults);

	config_print_faults(&faults, &report);
	buffer_puts(&report, "");
	return r;
}

static int
load_folder(void)
{
	return load(path_of("fetchd.yaml"));
}

static int
load_text(const char *text)
{
	struct buffer bytes = BUFFER_INIT;
	int r;

	buffer_puts(&bytes, text);
	r = config_load_text("text", &bytes, &config, &faults);
	buffer_fini(&bytes);
	config_print_faults(&faults, &report);
	buffer_puts(&report, "");
	return r;
}

static void
assert_reported(const char *text)
{
	ck_assert_msg(strstr(report.data, text), "no \"%s\" in\n%s", text, report.data);
}

/* ---- what is right ---- */

START_TEST(without_a_file_there_are_the_defaults)
{
	const struct batch_defaults expected = BATCH_DEFAULTS_INIT;
	const struct batch_limits limits = BATCH_LIMITS_INIT;

	ck_assert_int_eq(load(NULL), 0);

	ck_assert_str_eq(config->socket_path, "/run/fetchd/api.sock");
	ck_assert_uint_eq(config->socket_mode, 0660);
	ck_assert_ptr_null(config->socket_group);
	ck_assert_uint_eq(config->in_flight, 16384);
	ck_assert_uint_eq(config->per_origin, 16384);
	ck_assert_uint_eq(config->max_batches, 1000);
	ck_assert_int_eq(config->max_request, 64 << 20);
	ck_assert_uint_eq(config->max_connections, 1024);
	ck_assert_uint_eq(config->max_connections_per_user, 256);
	ck_assert_int_eq(config->batch_defaults.deadline_ns, expected.deadline_ns);
	ck_assert_int_eq(config->batch_defaults.timeout_ns, expected.timeout_ns);
	ck_assert_int_eq(config->batch_defaults.connect_timeout_ns, expected.connect_timeout_ns);
	ck_assert_uint_eq(config->batch_defaults.concurrency, expected.concurrency);
	ck_assert_uint_eq(config->batch_defaults.per_origin, expected.per_origin);
	ck_assert_uint_eq(config->batch_defaults.redirects, expected.redirects);
	ck_assert_uint_eq(config->batch_limits.urls, limits.urls);
	ck_assert_uint_eq(config->batch_limits.in_flight, limits.in_flight);
	ck_assert_uint_eq(config->batch_limits.per_origin, limits.per_origin);
	ck_assert_int_eq(config->batch_limits.body, limits.body);
	ck_assert_ptr_nonnull(config->batch_limits.check_url);
	ck_assert_str_eq(config->user_agent, "fetchd/1.0");
	ck_assert_int_eq(config->policy.profile, FETCH_PROFILE_DEFAULT);
	ck_assert_uint_eq(config->policy.allow.n_items, 0);
	ck_assert_int_eq(config->http_version, FETCH_HTTP_AUTO);
	ck_assert_int_eq(config->resolver, FETCH_RESOLVER_BUILTIN);
	ck_assert_int_eq(config->idle_check, IDLE_CHECK_LOOP);
	ck_assert_int_eq(config->drain_timeout_ns, 30 * UNITS_NS_PER_S);
	ck_assert_int_eq(config->log_format, LOG_PLAIN);
	ck_assert_int_eq(LOG_ERR + config->log_level, LOG_INFO);
	ck_assert_uint_eq(config->n_jobs, 0);
}
END_TEST

START_TEST(the_shipped_file_is_good)
{
	ck_assert_int_eq(load(T_SOURCE_ROOT "/conf/fetchd.yaml"), 0);

	ck_assert_str_eq(report.data, "");
	ck_assert_str_eq(config->socket_group, "fetchd");
}
END_TEST

START_TEST(every_setting_is_taken)
{
	const char *text =
		"listen: {socket: /tmp/s, mode: \"0600\", group: web, metrics: \"[::1]:9464\"}\n"
		"limits: {in_flight: 9, per_origin: 8, batch_urls: 7, batches: 6,\n"
		"  body: 5B, request: 4KiB, connections: 3, connections_per_user: 2,\n"
		"  batches_per_user: 4, urls_per_user: 12, stored_per_user: 5MiB}\n"
		"defaults: {deadline: 6s, timeout: 5s, concurrency: 4, per_origin: 3,\n"
		"  redirects: 0, user_agent: me}\n"
		"network: {policy: public_only, allow: [10.0.0.0/8, \"fd00::/8\"],\n"
		"  deny: [10.1.0.0/16], http_version: 1.1, resolver: system,\n"
		"  idle_check: kernel}\n"
		"drain: {timeout: 0s}\n"
		"log: {format: json, level: debug}\n";

	ck_assert_int_eq(load_text(text), 0);

	ck_assert_str_eq(config->socket_path, "/tmp/s");
	ck_assert_uint_eq(config->socket_mode, 0600);
	ck_assert_str_eq(config->socket_group, "web");
	ck_assert_int_eq(config->metrics.address.family, AF_INET6);
	ck_assert_uint_eq(config->metrics.port, 9464);
	ck_assert_uint_eq(config->in_flight, 9);
	ck_assert_uint_eq(config->batch_limits.in_flight, 9);
	ck_assert_uint_eq(config->per_origin, 8);
	ck_assert_uint_eq(config->batch_limits.per_origin, 8);
	ck_assert_uint_eq(config->batch_limits.urls, 7);
	ck_assert_uint_eq(config->max_batches, 6);
	ck_assert_uint_eq(config->max_batches_per_user, 4);
	ck_assert_uint_eq(config->max_urls_per_user, 12);
	ck_assert_int_eq(config->max_stored_per_user, 5 * 1024 * 1024);
	ck_assert_int_eq(config->batch_limits.body, 5);
	ck_assert_int_eq(config->max_request, 4096);
	ck_assert_uint_eq(config->max_connections, 3);
	ck_assert_uint_eq(config->max_connections_per_user, 2);
	ck_assert_int_eq(config->batch_defaults.deadline_ns, 6 * UNITS_NS_PER_S);
	ck_assert_int_eq(config->batch_defaults.timeout_ns, 5 * UNITS_NS_PER_S);
	ck_assert_uint_eq(config->batch_defaults.concurrency, 4);
	ck_assert_uint_eq(config->batch_defaults.per_origin, 3);
	ck_assert_uint_eq(config->batch_defaults.redirects, 0);
	ck_assert_str_eq(config->user_agent, "me");
	ck_assert_int_eq(config->policy.profile, FETCH_PROFILE_PUBLIC_ONLY);
	ck_assert_uint_eq(config->policy.allow.n_items, 2);
	ck_assert_uint_eq(config->policy.deny.n_items, 1);
	ck_assert_int_eq(config->http_version, FETCH_HTTP_1_1);
	ck_assert_int_eq(config->resolver, FETCH_RESOLVER_SYSTEM);
	ck_assert_int_eq(config->idle_check, IDLE_CHECK_KERNEL);
	ck_assert_int_eq(config->drain_timeout_ns, 0);
	ck_assert_int_eq(config->log_format, LOG_JSON);
	ck_assert_int_eq(LOG_ERR + config->log_level, LOG_DEBUG);
}
END_TEST

static int
judge(enum access_level level, const char *text)
{
	const struct fetch_address_policy *policy = config_policy(config, level);
	struct fetch_address address;

	ck_assert(fetch_address_parse(text, &address));
	return fetch_address_policy_check(policy ? policy : &config->policy, &address, NULL);
}

START_TEST(a_level_has_what_is_different_for_it)
{
	ck_assert_int_eq(load_text("network: {policy: public_only, allow: [10.0.0.0/8],\n"
				   "  deny: [10.1.0.0/16], submit: {deny: [10.2.0.0/16],\n"
				   "  allow: [10.1.0.0/16, 192.168.1.0/24]},\n"
				   "  admin: {policy: default}}\n"),
		0);

	ck_assert_int_eq(judge(ACCESS_NONE, "10.2.0.1"), 0);
	ck_assert_int_eq(judge(ACCESS_NONE, "192.168.1.1"), -EACCES);
	ck_assert_int_eq(judge(ACCESS_SUBMIT, "10.3.0.1"), 0);
	ck_assert_int_eq(judge(ACCESS_SUBMIT, "10.2.0.1"), -EACCES);
	ck_assert_int_eq(judge(ACCESS_SUBMIT, "10.1.0.1"), -EACCES);
	ck_assert_int_eq(judge(ACCESS_SUBMIT, "192.168.1.1"), 0);
	ck_assert_int_eq(judge(ACCESS_SUBMIT, "192.168.2.1"), -EACCES);
	ck_assert_int_eq(judge(ACCESS_ADMIN, "192.168.2.1"), 0);
	ck_assert_int_eq(judge(ACCESS_ADMIN, "10.1.0.1"), -EACCES);
}
END_TEST

START_TEST(a_level_of_which_nothing_is_said_has_none_of_its_own)
{
	ck_assert_int_eq(load_text("network: {policy: public_only, admin: {policy: same}}\n"), 0);

	ck_assert_ptr_null(config_policy(config, ACCESS_NONE));
	ck_assert_ptr_null(config_policy(config, ACCESS_SUBMIT));
	ck_assert_ptr_null(config_policy(config, ACCESS_ADMIN));
}
END_TEST

START_TEST(workers_are_a_number_or_as_many_as_cores)
{
	ck_assert_int_eq(load_text("workers: 3\n"), 0);
	ck_assert_uint_eq(config_n_workers(config), 3);
	config_unref(steal(&config));

	ck_assert_int_eq(load_text("workers: auto\n"), 0);
	ck_assert_uint_eq(config->workers, 0);
	ck_assert_uint_ge(config_n_workers(config), 1);
	ck_assert_uint_le(config_n_workers(config), FETCH_WORKERS_MAX);
}
END_TEST

START_TEST(a_proxy_may_be_given)
{
	ck_assert_int_eq(load_text("network: {proxy: \"http://me:secret@[::1]:3128/\"}\n"), 0);

	ck_assert_str_eq(config->proxy, "http://me:secret@[::1]:3128/");
}
END_TEST

START_TEST(access_is_a_list_of_rules)
{
	ck_assert_int_eq(
		load_text("access: [{group: web, level: read}, {user: 1000, level: admin},\n"
			  "  {user: ann, level: submit}]\n"),
		0);

	ck_assert_uint_eq(config->access.n_rules, 3);
	ck_assert(!config->access.is_default);
	ck_assert(config->access.rules[0].is_group);
	ck_assert_str_eq(config->access.rules[0].name, "web");
	ck_assert(!config->access.rules[0].is_known); /* accounts_find() asks for it */
	ck_assert_int_eq(config->access.rules[0].level, ACCESS_READ);
	ck_assert(!config->access.rules[1].is_group);
	ck_assert(config->access.rules[1].is_known);
	ck_assert_uint_eq(config->access.rules[1].id, 1000);
	ck_assert_int_eq(config->access.rules[2].level, ACCESS_SUBMIT);
}
END_TEST

START_TEST(access_may_be_closed)
{
	ck_assert_int_eq(load_text("access: []\n"), 0);

	ck_assert_uint_eq(config->access.n_rules, 0);
}
END_TEST

START_TEST(without_access_there_is_a_default)
{
	ck_assert_int_eq(load_text("{}\n"), 0);

	ck_assert_uint_eq(config->access.n_rules, 2);
	ck_assert(config->access.is_default);
}
END_TEST

START_TEST(empty_files_and_sections_say_nothing)
{
	ck_assert_int_eq(load_text("limits:\n#  in_flight: 3\njobs:\n"), 0);

	ck_assert_uint_eq(config->in_flight, 16384);
}
END_TEST

START_TEST(a_job_has_its_schedule_and_its_batch)
{
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;

	ck_assert_int_eq(load_text("defaults: {timeout: 3s}\n"
				   "jobs:\n"
				   "  - {name: one, every: 30s, urls: [\"http://127.0.0.1/\"]}\n"
				   "  - name: two\n"
				   "    every: 1m\n"
				   "    jitter: 5s\n"
				   "    overlap: replace\n"
				   "    missed: run_once\n"
				   "    policy: collect\n"
				   "    deadline: 5s\n"
				   "    urls: [http://127.0.0.1/a, {url: http://127.0.0.1/b, "
				   "method: HEAD}]\n"),
		0);

	ck_assert_uint_eq(config->n_jobs, 2);
	ck_assert_int_eq(config->jobs[0].overlap, JOB_OVERLAP_SKIP);
	ck_assert_int_eq(config->jobs[0].missed, JOB_MISSED_SKIP);
	ck_assert_str_eq(config->jobs[1].name, "two");
	ck_assert_int_eq(config->jobs[1].every_ns, 60 * UNITS_NS_PER_S);
	ck_assert_int_eq(config->jobs[1].jitter_ns, 5 * UNITS_NS_PER_S);
	ck_assert_int_eq(config->jobs[1].overlap, JOB_OVERLAP_REPLACE);
	ck_assert_int_eq(config->jobs[1].missed, JOB_MISSED_RUN_ONCE);
	ck_assert_int_eq(config_job_batch(config, 1, &batch), 0);
	ck_assert_str_eq(batch->name, "two");
	ck_assert_int_eq(batch->policy, BATCH_COLLECT);
	ck_assert_int_eq(batch->deadline_ns, 5 * UNITS_NS_PER_S);
	ck_assert_uint_eq(batch->n_urls, 2);
	ck_assert_str_eq(batch->urls[1].options->method, "HEAD");
	ck_assert_int_eq(batch->urls[1].options->timeout_ns, 3 * UNITS_NS_PER_S);
}
END_TEST

START_TEST(a_job_tells_whom_it_names)
{
	const struct config_job *job;

	ck_assert_int_eq(load_text("jobs:\n"
				   "  - name: one\n"
				   "    calendar: Mon..Fri 02:30 Europe/Berlin\n"
				   "    start_deadline: 10m\n"
				   "    report: {file: /var/lib/fetchd/one}\n"
				   "    notify: {url: \"http://127.0.0.1/\", on: change}\n"
				   "    urls: [\"http://127.0.0.1/\"]\n"),
		0);

	job = &config->jobs[0];
	ck_assert_int_eq(job->every_ns, 0);
	ck_assert_ptr_nonnull(job->timetable);
	ck_assert_int_eq(job->start_deadline_ns, 600 * UNITS_NS_PER_S);
	ck_assert_str_eq(job->report.file, "/var/lib/fetchd/one");
	ck_assert_int_eq(job->report.when, JOB_ALWAYS);
	ck_assert_int_eq(job->report.max_size, 10 * 1024 * 1024);
	ck_assert_uint_eq(job->report.keep, 5);
	ck_assert_str_eq(job->notify.url, "http://127.0.0.1/");
	ck_assert_int_eq(job->notify.when, JOB_ON_CHANGE);
}
END_TEST

START_TEST(a_job_over_limits_that_became_stricter_gives_no_batch)
{
	struct batch_description *batch = NULL;

	ck_assert_int_eq(load_text("jobs:\n  - {name: one, every: 30s, concurrency: 100,\n"
				   "     urls: [\"http://127.0.0.1/\"]}\n"),
		0);

	config->batch_limits.in_flight = 99;

	ck_assert_int_eq(config_job_batch(config, 0, &batch), -EINVAL);
	ck_assert_ptr_null(batch);
}
END_TEST

/* ---- several files ---- */

START_TEST(later_files_win_and_jobs_add_up)
{
	write_file("fetchd.yaml",
		"limits: {batches: 1, connections: 1}\nnetwork: {deny: [\"::1\"]}\n");
	write_file("conf.d/20-b.yaml", "limits: {batches: 3}\n");
	write_file("conf.d/10-a.yaml", "limits: {batches: 2}\nnetwork: {deny: [10.0.0.1]}\n");
	write_file("conf.d/30-c.yml", "limits: {batches: 4}\n");
	write_file(
		"jobs.d/b.yaml", "jobs: [{name: b, every: 1s, urls: [\"http://127.0.0.1/\"]}]\n");
	write_file(
		"jobs.d/a.yaml", "jobs: [{name: a, every: 1s, urls: [\"http://127.0.0.1/\"]}]\n");

	ck_assert_int_eq(load_folder(), 0);

	ck_assert_uint_eq(config->max_batches, 3);
	ck_assert_uint_eq(config->max_connections, 1);
	ck_assert_uint_eq(config->policy.deny.n_items, 1);
	ck_assert_int_eq(config->policy.deny.items[0].address.family, AF_INET);
	ck_assert_uint_eq(config->n_jobs, 2);
	ck_assert_str_eq(config->jobs[0].name, "a");
	ck_assert_str_eq(config->jobs[1].name, "b");
}
END_TEST

START_TEST(the_faults_of_all_files_are_reported_in_order)
{
	const char *first, *second, *third, *fourth;

	write_file("fetchd.yaml", "jobs: [{name: a}]\nlimits: {batches: 0}\n");
	write_file("conf.d/10-a.yaml", "limits: [");
	write_file("conf.d/20-b.yaml", "drain: {timeout: 5}\n");
	write_file("jobs.d/a.yaml", "limits: {batches: 5}\n");

	ck_assert_int_eq(load_folder(), -EINVAL);

	ck_assert_ptr_null(config);
	first = strstr(report.data, "fetchd.yaml:1:8: /jobs/0: the field");
	second = strstr(report.data, "fetchd.yaml:2:19: /limits/batches: must be from 1");
	third = strstr(report.data, "conf.d/20-b.yaml:1:18: /drain/timeout: must be");
	fourth =
		strstr(report.data, "jobs.d/a.yaml:1:1: /limits: belongs in fetchd.yaml or conf.d");
	ck_assert_msg(first && second && third && fourth, "%s", report.data);
	ck_assert(first < second && second < third && third < fourth);
	assert_reported("conf.d/10-a.yaml:");
}
END_TEST

START_TEST(a_name_used_twice_is_reported_with_both_places)
{
	const char *job = "\njobs: [{name: a, every: 1s, urls: [\"http://127.0.0.1/\"]}]\n";

	write_file("fetchd.yaml", job);
	write_file("jobs.d/a.yaml", job);

	ck_assert_int_eq(load_folder(), -EINVAL);

	assert_reported("jobs.d/a.yaml:2:15: /jobs/0/name: there is a job \"a\" already, at ");
	assert_reported("fetchd.yaml:2\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_a_fault)
{
	write_file("fetchd.yaml", "");
	ck_assert_int_eq(mkdir(path_of("conf.d/40-d.yaml"), 0700), 0);
	ck_assert_int_eq(mkfifo(path_of("jobs.d/50-p.yaml"), 0600), 0);

	ck_assert_int_eq(load_folder(), -EINVAL);

	assert_reported("conf.d/40-d.yaml: cannot be read: Is a directory\n");
	assert_reported("jobs.d/50-p.yaml: cannot be read: it is a pipe\n");
}
END_TEST

START_TEST(a_main_file_that_is_missing_is_a_fault)
{
	ck_assert_int_eq(load_folder(), -EINVAL);

	assert_reported("/fetchd.yaml: cannot be read: No such file or directory\n");
}
END_TEST

START_TEST(a_file_of_more_than_a_mebibyte_is_refused)
{
	_cleanup_(freep) char *text = malloc((1 << 20) + 2);

	memset(text, '\n', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	write_file("fetchd.yaml", text);

	ck_assert_int_eq(load_folder(), -EINVAL);

	ck_assert_uint_eq(faults_count(&faults), 1);
}
END_TEST

/* ---- what is wrong ---- */

static const struct {
	const char *place;
	const char *suggestion;
} mistakes[] = {
	{ ":3:11: /listen/socket: must be an absolute path", NULL },
	{ ":4:9: /listen/mode: ", NULL },
	{ ":6:3: /limits/in_fligt: unknown field", "in_flight" },
	{ ":7:9: /limits/body: ", NULL },
	{ ":9:13: /defaults/deadline: ", "60s" },
	{ ":10:16: /defaults/concurrency: must be from 1 to 1000000, found 0", NULL },
	{ ":12:11: /network/policy: ", "public_only" },
	{ ":13:10: /network/deny/0: ", NULL },
	{ ":14:10: /workers: must be from 1 to 64, found 65", NULL },
	{ ":18:5: /jobs/0/timout: unknown field", "timeout" },
};

START_TEST(ten_mistakes_give_ten_faults)
{
	ck_assert_int_eq(load(DATA "ten-mistakes.yaml"), -EINVAL);

	ck_assert_uint_eq(faults_count(&faults), ARRAY_LEN(mistakes));
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		assert_reported(mistakes[i].place);
		if (mistakes[i].suggestion) {
			ck_assert_str_eq(faults.items[i].suggestion, mistakes[i].suggestion);
		}
	}
}
END_TEST

START_TEST(the_source_line_stands_below_with_a_caret)
{
	ck_assert_int_eq(load(DATA "ten-mistakes.yaml"), -EINVAL);

	assert_reported("\t  in_fligt: 1000\n\t  ^\n");
	assert_reported("\t  deny: [10.0.0.1/8]\n\t         ^\n");
}
END_TEST

START_TEST(the_caret_counts_characters)
{
	write_file("fetchd.yaml", "defaults: {user_agent: \"äöü\", timeout: 5}\n");

	ck_assert_int_eq(load_folder(), -EINVAL);

	assert_reported("\n\t                                       ^\n");
}
END_TEST

/* Each file of the folder begins with a comment: a part of the report it must get. */
static void
check_bad_file(const char *name)
{
	_cleanup_(fclosep) FILE *file = NULL;
	char path[512], expected[256];

	(void)snprintf(path, sizeof(path), DATA "bad/%s", name);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(expected, sizeof(expected), file));
	expected[strcspn(expected, "\n")] = '\0';
	ck_assert_mem_eq(expected, "# ", 2);

	ck_assert_msg(load(path) == -EINVAL, "%s was taken", name);
	assert_reported(expected + 2);
	ck_assert_msg(faults_count(&faults) == 1, "%s: one fault is meant\n%s", name, report.data);
	faults_fini(&faults);
	buffer_clear(&report);
}

START_TEST(bad_files_are_refused_with_the_reason)
{
	DIR *dir = opendir(DATA "bad");
	const struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.') {
			check_bad_file(entry->d_name);
			n++;
		}
	}
	(void)closedir(dir);
	ck_assert_int_gt(n, 40);
}
END_TEST

START_TEST(too_many_jobs_are_refused)
{
	struct buffer text = BUFFER_INIT;

	buffer_puts(&text, "jobs:\n");
	for (int i = 0; i <= CONFIG_JOBS_MAX; i++) {
		buffer_printf(
			&text, "- {name: j%d, every: 1s, urls: [\"http://127.0.0.1/\"]}\n", i);
	}

	ck_assert_int_eq(load_text(text.data), -EINVAL);

	buffer_fini(&text);
	assert_reported("/jobs/1000: at most 1000 jobs");
}
END_TEST

START_TEST(many_faults_are_counted)
{
	struct buffer text = BUFFER_INIT;

	for (int i = 0; i < FAULTS_MAX + 5; i++) {
		buffer_printf(&text, "key%d: 1\n", i);
	}

	ck_assert_int_eq(load_text(text.data), -EINVAL);

	buffer_fini(&text);
	assert_reported("… and 5 more\n");
}
END_TEST

/* ---- placeholders ---- */

START_TEST(placeholders_stand_for_values)
{
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;

	write_file("token", "s3cret\n");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	ck_assert_int_eq(setenv("FETCHD_TEST_N", "17", 1), 0);
	ck_assert_int_eq(
		load_text("limits:\n"
			  "  batches: ${env:FETCHD_TEST_N}\n"
			  "defaults:\n"
			  "  user_agent: \"${env:FETCHD_TEST_N}\"\n"
			  "jobs:\n"
			  "  - name: a\n"
			  "    every: 1s\n"
			  "    urls: [http://127.0.0.1/]\n"
			  "    headers: {X-Token: \"${credential:token}\", X-Plain: \"$HOME\"}\n"),
		0);

	ck_assert_uint_eq(config->max_batches, 17);
	ck_assert_str_eq(config->user_agent, "17");
	ck_assert_int_eq(config_job_batch(config, 0, &batch), 0);
	ck_assert_str_eq(batch->options->headers[0].value, "s3cret");
	ck_assert_str_eq(batch->options->headers[1].value, "$HOME");
}
END_TEST

START_TEST(what_placeholders_stand_for_is_never_read_as_yaml)
{
	ck_assert_int_eq(setenv("FETCHD_TEST_N", "{batches: 3}", 1), 0);

	ck_assert_int_eq(load_text("limits: \"${env:FETCHD_TEST_N}\"\n"), -EINVAL);

	assert_reported("/limits: must be a mapping; found what ${env:FETCHD_TEST_N} stands for");
}
END_TEST

START_TEST(a_credential_that_is_missing_or_no_text_is_a_fault)
{
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	write_file("token", "\xff\n");

	ck_assert_int_eq(load_text("listen: {group: \"${credential:nothing}\"}\n"
				   "defaults: {user_agent: \"${credential:token}\"}\n"),
		-EINVAL);

	assert_reported("1:17: /listen/group: there is no credential \"nothing\"");
	assert_reported("2:24: /defaults/user_agent: the credential \"token\" is not UTF-8");
}
END_TEST

START_TEST(what_is_wrong_with_a_secret_is_said_without_it)
{
	write_file("token", "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret-s3cret\n");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);

	ck_assert_int_eq(load_text("defaults: {deadline: \"${credential:token}\"}\n"
				   "network: {allow: [\"${credential:token}\"]}\n"
				   "log: {level: loud}\n"
				   "jobs:\n"
				   "  - {name: a, every: 1s, urls: [\"${credential:token}\"],\n"
				   "     expect: [\"${credential:token}\"]}\n"),
		-EINVAL);

	ck_assert_ptr_null(strstr(report.data, "s3cret"));
	assert_reported("1:22: /defaults/deadline: must be a duration such as \"5s\" or \"250ms\"; "
			"found what ${credential:token} stands for\n");
	assert_reported(
		"2:19: /network/allow/0: what ${credential:token} stands for is not right\n");
	assert_reported("3:14: /log/level: ");
	assert_reported("found the string \"loud\"\n");
	assert_reported("5:33: /jobs/0/urls/0: there is no scheme");
	assert_reported("6:15: /jobs/0/expect/0: must be a status");
}
END_TEST

START_TEST(a_placeholder_that_stands_for_nothing_is_one_fault)
{
	ck_assert_int_eq(load_text("defaults: {deadline: \"${env:FETCHD_TEST_NOTHING}\"}\n"
				   "network: {proxy: \"http://${env:FETCHD_TEST_NOTHING}/\"}\n"),
		-EINVAL);

	ck_assert_uint_eq(faults_count(&faults), 2);
	assert_reported("1:22: /defaults/deadline: there is no environment variable");
	assert_reported("2:18: /network/proxy: a placeholder stands alone");
}
END_TEST

START_TEST(secrets_are_not_printed)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;

	write_file("token", "s3cret\n");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	ck_assert_int_eq(load_text("defaults: {user_agent: \"${credential:token}\"}\n"
				   "jobs:\n"
				   "  - {name: a, every: 1s, urls: [\"http://127.0.0.1/\"],\n"
				   "     headers: {X-Token: \"${credential:token}\"}}\n"),
		0);

	ck_assert_int_eq(config_print(config, &text), 0);

	ck_assert_ptr_null(strstr(text.data, "s3cret"));
	ck_assert_ptr_nonnull(strstr(text.data, "user_agent: \"${credential:token}\"\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "{\"X-Token\": \"${credential:token}\"}"));
}
END_TEST

/* ---- printing ---- */

START_TEST(what_is_printed_reads_back_as_the_same)
{
	_cleanup_(buffer_fini) struct buffer first = BUFFER_INIT;
	_cleanup_(buffer_fini) struct buffer second = BUFFER_INIT;

	ck_assert_int_eq(
		load_text("listen: {group: \"a \\\"b\\\"\", mode: \"0600\"}\n"
			  "limits: {body: 3KiB}\n"
			  "network: {policy: public_only, allow: [10.0.0.0/8, \"fd00::/8\"],\n"
			  "  submit: {policy: default, deny: [10.0.0.0/8]}}\n"
			  "jobs:\n"
			  "  - {name: a, every: 90s, urls: [{url: \"http://127.0.0.1/\",\n"
			  "     headers: {X: \"ä\\u2028\\t\"}, expect: [204, 2xx], method: GET}]}\n"
			  "  - {name: b, every: 1s, urls: [\"http://127.0.0.1/\"],\n"
			  "     tls: {verify: false}}\n"),
		0);
	ck_assert_int_eq(config_print(config, &first), 0);
	config_unref(config);
	config = NULL;

	ck_assert_int_eq(load_text(first.data), 0);
	ck_assert_int_eq(config_print(config, &second), 0);

	ck_assert_str_eq(first.data, second.data);
	ck_assert_ptr_nonnull(strstr(first.data, "  body: 3KiB\n"));
	ck_assert_ptr_nonnull(strstr(first.data, "  allow: [\"10.0.0.0/8\", \"fd00::/8\"]\n"));
	ck_assert_ptr_nonnull(strstr(first.data, "  submit:\n    policy: \"default\"\n"));
	ck_assert_ptr_nonnull(strstr(first.data, "  - name: \"b\"\n    every: \"1s\"\n"));
}
END_TEST

static void
add_case(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < n; i++) {
		tcase_add_test(tc, a_level_has_what_is_different_for_it);
		tcase_add_test(tc, a_level_of_which_nothing_is_said_has_none_of_its_own);
		tcase_add_test(tc, tests[i]);
	}
	suite_add_tcase(suite, tc);
}

Suite *
test_suite(void)
{
	const TTest *const right[] = { without_a_file_there_are_the_defaults,
		the_shipped_file_is_good, every_setting_is_taken,
		workers_are_a_number_or_as_many_as_cores, a_proxy_may_be_given,
		workers_are_a_number_or_as_many_as_cores, access_is_a_list_of_rules,
		access_may_be_closed, without_access_there_is_a_default,
		empty_files_and_sections_say_nothing, a_job_has_its_schedule_and_its_batch,
		a_job_tells_whom_it_names, a_job_over_limits_that_became_stricter_gives_no_batch };
	const TTest *const files[] = { later_files_win_and_jobs_add_up,
		the_faults_of_all_files_are_reported_in_order,
		a_name_used_twice_is_reported_with_both_places, what_cannot_be_read_is_a_fault,
		a_main_file_that_is_missing_is_a_fault, a_file_of_more_than_a_mebibyte_is_refused };
	const TTest *const wrong[] = { ten_mistakes_give_ten_faults,
		the_source_line_stands_below_with_a_caret, the_caret_counts_characters,
		bad_files_are_refused_with_the_reason, too_many_jobs_are_refused,
		many_faults_are_counted };
	const TTest *const placeholders[] = { placeholders_stand_for_values,
		what_placeholders_stand_for_is_never_read_as_yaml,
		a_credential_that_is_missing_or_no_text_is_a_fault };
	const TTest *const printing[] = { what_is_printed_reads_back_as_the_same,
		what_is_wrong_with_a_secret_is_said_without_it,
		a_placeholder_that_stands_for_nothing_is_one_fault, secrets_are_not_printed };
	Suite *suite = suite_create("config");

	add_case(suite, "right", right, ARRAY_LEN(right));
	add_case(suite, "files", files, ARRAY_LEN(files));
	add_case(suite, "wrong", wrong, ARRAY_LEN(wrong));
	add_case(suite, "placeholders", placeholders, ARRAY_LEN(placeholders));
	add_case(suite, "printing", printing, ARRAY_LEN(printing));
	return suite;
}
