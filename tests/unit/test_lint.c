/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/lint.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#define MANUAL T_SOURCE_ROOT "/docs/man/fetchd.yaml.5.scd"

static char folder[] = "/tmp/test_lint.XXXXXX";
static struct config *config;
static struct faults faults;
static struct faults warnings;
static struct buffer report;

static void
setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(setenv("FETCHD_TEST_TOKEN", "https://user:secret@example.org/", 1), 0);
	faults = (struct faults)FAULTS_INIT;
	warnings = (struct faults)FAULTS_INIT;
	report = (struct buffer)BUFFER_INIT;
	config = NULL;
}

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
	static const char *const names[] = { "fetchd.yaml", "conf.d/a.json", "jobs.d/b.yml" };

	faults_fini(&warnings);
	faults_fini(&faults);
	config_unref(config);
	buffer_fini(&report);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)unlink(path_of(names[i]));
	}
	(void)rmdir(path_of("conf.d"));
	(void)rmdir(path_of("jobs.d"));
	(void)rmdir(folder);
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	_cleanup_(fclosep) FILE *file = NULL;

	file = fopen(path_of(name), "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fchmod(fileno(file), mode), 0);
}

static void
lint(const char *path)
{
	ck_assert_int_eq(config_lint(config, path, &warnings), 0);
	config_print_faults(&warnings, &report);
	buffer_puts(&report, "");
}

static void
lint_text(const char *text)
{
	struct buffer bytes = BUFFER_INIT;

	buffer_puts(&bytes, text);
	ck_assert_int_eq(config_load_text("text", &bytes, &config, &faults), 0);
	buffer_fini(&bytes);
	lint(NULL);
}

static void
lint_file(const char *text, mode_t mode)
{
	write_file("fetchd.yaml", text, mode);
	ck_assert_int_eq(config_load(path_of("fetchd.yaml"), &config, &faults), 0);
	lint(path_of("fetchd.yaml"));
}

static void
assert_reported(const char *text)
{
	ck_assert_msg(strstr(report.data, text), "no \"%s\" in\n%s", text, report.data);
}

/* ---- what is doubtful ---- */

#define JOB(members)     "jobs:\n- {name: j, urls: [\"https://a.example/\"], " members "}\n"
#define ONE_URL(members) "jobs:\n- {name: j, every: 5m, urls: [{url: " members "}]}\n"

static const struct {
	const char *text;
	const char *place;
	enum lint_code code;
} doubtful[] = {
	{ "defaults: {timeout: 2m}\n",
		"text:1:21: warning: /defaults/timeout: ", LINT_TIMEOUT_OVER_DEADLINE },
	{ "defaults: {concurrency: 90}\nlimits: {in_flight: 80}\n",
		"text:1:25: warning: /defaults/concurrency: ", LINT_NEVER_REACHED },
	{ "defaults: {per_origin: 90}\n",
		"text:1:24: warning: /defaults/per_origin: ", LINT_NEVER_REACHED },
	{ "limits: {per_origin: 90, in_flight: 80}\n",
		"text:1:22: warning: /limits/per_origin: ", LINT_NEVER_REACHED },
	{ "limits: {batches_per_user: 2000}\n",
		"text:1:28: warning: /limits/batches_per_user: ", LINT_NEVER_REACHED },
	{ "limits: {connections_per_user: 2000}\n",
		"text:1:32: warning: /limits/connections_per_user: ", LINT_NEVER_REACHED },
	{ "limits: {body: 2GiB}\n", "text:1:16: warning: /limits/body: ", LINT_LARGE_BODY },
	{ "access: [{user: 7, level: read}, {user: 7, level: submit}]\n",
		"text:1:10: warning: /access/0: ", LINT_RULE_WITHOUT_EFFECT },
	{ "access: [{group: 7, level: read}, {group: 7, level: read}]\n",
		"text:1:35: warning: /access/1: ", LINT_RULE_WITHOUT_EFFECT },
	{ "access: [{group: nobody-has-it, level: read}]\n",
		"text:1:10: warning: /access/0: there is no group \"nobody-has-it\"",
		LINT_RULE_NAMES_NOBODY },
	{ "access: [{user: 7, level: read}]\nlisten: {mode: \"0600\"}\n",
		"text:2:16: warning: /listen/mode: ", LINT_SOCKET_SHUTS_OUT },
	{ "network: {deny: [\"10.0.0.0/8\"], allow: [\"192.0.2.0/24\", \"10.2.0.0/16\"]}\n",
		"text:1:57: warning: /network/allow/1: ", LINT_ALLOWED_BUT_DENIED },
	{ JOB("every: 30s"), "text:2:50: warning: /jobs/0/every: ", LINT_INTERVAL_UNDER_DEADLINE },
	{ JOB("cron: \"* * * * *\", deadline: 2m"),
		"text:2:49: warning: /jobs/0/cron: ", LINT_INTERVAL_UNDER_DEADLINE },
	{ JOB("calendar: \"*:*:0/30\""),
		"warning: /jobs/0/calendar: ", LINT_INTERVAL_UNDER_DEADLINE },
	{ JOB("every: 5m, deadline: 5s, timeout: 6s"),
		"warning: /jobs/0/timeout: ", LINT_TIMEOUT_OVER_DEADLINE },
	{ JOB("every: 5m, attempt_timeout: 11s"),
		"warning: /jobs/0/attempt_timeout: ", LINT_NEVER_REACHED },
	{ JOB("every: 5m, connect_timeout: 11s"),
		"warning: /jobs/0/connect_timeout: ", LINT_NEVER_REACHED },
	{ JOB("every: 5m, hedge: 10s"), "warning: /jobs/0/hedge: ", LINT_NEVER_REACHED },
	{ JOB("every: 5m, concurrency: 2, per_origin: 3"),
		"warning: /jobs/0/per_origin: ", LINT_NEVER_REACHED },
	{ JOB("every: 5m, tls: {verify: false}"),
		"warning: /jobs/0/tls/verify: ", LINT_CERTIFICATE_NOT_VERIFIED },
	{ ONE_URL("\"https://a.example/\", timeout: 90s"),
		"warning: /jobs/0/urls/0/timeout: ", LINT_TIMEOUT_OVER_DEADLINE },
	{ ONE_URL("\"https://a.example/\", tls: {verify: false}"),
		"warning: /jobs/0/urls/0/tls/verify: ", LINT_CERTIFICATE_NOT_VERIFIED },
	{ ONE_URL("\"http://u:p@a.example/\""),
		"warning: /jobs/0/urls/0: ", LINT_SECRET_OVER_HTTP },
	{ ONE_URL("\"http://a.example/\", headers: {Authorization: x}"),
		"warning: /jobs/0/urls/0: ", LINT_SECRET_OVER_HTTP },
	{ "jobs:\n- {name: a, every: 5m, urls: [\"https://a/\"], report: {file: /f}}\n"
	  "- {name: b, every: 5m, urls: [\"https://a/\"], report: {file: /f}}\n",
		"text:3:61: warning: /jobs/1/report/file: is the report of the job \"a\"",
		LINT_SHARED_REPORT },
};

START_TEST(it_is_said_what_was_hardly_meant_and_where)
{
	char name[64];

	lint_text(doubtful[_i].text);

	ck_assert_msg(warnings.n == 1, "%zu warnings:\n%s", warnings.n, report.data);
	(void)snprintf(name, sizeof(name), " [%s]\n", lint_names[doubtful[_i].code]);
	assert_reported(doubtful[_i].place);
	assert_reported(name);
}
END_TEST

static const char *const fine[] = {
	"{}",
	"limits: {in_flight: 4, batches: 2, connections: 3}\n",
	"defaults: {deadline: 5s}\n",
	"access: [{group: 7, level: read}, {user: 7, level: read}]\n",
	"access: [{user: 0, level: admin}]\nlisten: {mode: \"0600\"}\n",
	"network: {deny: [\"10.2.0.0/16\"], allow: [\"10.0.0.0/8\", \"fd00::/8\"]}\n",
	JOB("every: 30s, overlap: skip"),
	JOB("every: 30s, deadline: 5s"),
	JOB("cron: \"* * * * *\""),
	JOB("calendar: \"2099-01-01 00:00\""),
	ONE_URL("\"http://127.1.2.3/\", headers: {Authorization: x}"),
	ONE_URL("\"http://u:p@[::1]/\""),
	ONE_URL("\"http://u:p@localhost/\""),
	ONE_URL("\"https://u:p@a.example/\", tls: {verify: true}"),
};

START_TEST(what_may_well_be_meant_is_let_alone)
{
	lint_text(fine[_i]);

	ck_assert_msg(warnings.n == 0, "%s", report.data);
}
END_TEST

START_TEST(the_shipped_configuration_is_meant)
{
	ck_assert_int_eq(config_load(T_SOURCE_ROOT "/conf/fetchd.yaml", &config, &faults), 0);
	lint(T_SOURCE_ROOT "/conf/fetchd.yaml");

	ck_assert_msg(warnings.n == 0, "%s", report.data);
}
END_TEST

START_TEST(warnings_come_in_the_order_of_their_places)
{
	lint_text("jobs:\n- {name: j, every: 1s, urls: [\"https://a/\"]}\n"
		  "defaults: {per_origin: 90, timeout: 2m}\n");

	ck_assert_uint_eq(warnings.n, 3);
	ck_assert_uint_eq(warnings.items[0].line, 2);
	ck_assert_uint_eq(warnings.items[1].column, 24);
	ck_assert_uint_eq(warnings.items[2].column, 37);
}
END_TEST

/* ---- the files ---- */

static const char secrets[] =
	"network: {proxy: \"http://u:p@127.0.0.1:3128\"}\n"
	"jobs:\n"
	"- {name: j, every: 5m, headers: {X-Api-Key: k, Accept: a}, urls: [\"https://a/\"]}\n"
	"- {name: k, every: 5m, urls: [\"${env:FETCHD_TEST_TOKEN}\", \"https://a/@\"]}\n";

START_TEST(a_secret_that_everybody_may_read_is_seen)
{
	lint_file(secrets, 0644);

	ck_assert_msg(warnings.n == 2, "%s", report.data);
	assert_reported("fetchd.yaml:1:18: warning: /network/proxy: everybody may read this file");
	assert_reported("fetchd.yaml:3:45: warning: /jobs/0/headers/X-Api-Key: ");
	assert_reported("[readable-secret]\n\tnetwork: {proxy: ");
	assert_reported("\n\t                 ^\n");
}
END_TEST

START_TEST(a_secret_may_stand_in_a_file_of_ones_own)
{
	lint_file(secrets, 0640);

	ck_assert_msg(warnings.n == 0, "%s", report.data);
}
END_TEST

START_TEST(files_that_nobody_reads_are_named)
{
	ck_assert_int_eq(mkdir(path_of("conf.d"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("jobs.d"), 0700), 0);
	write_file("conf.d/a.json", "{}", 0600);
	write_file("jobs.d/b.yml", "{}", 0600);

	lint_file("{}", 0600);

	ck_assert_msg(warnings.n == 2, "%s", report.data);
	assert_reported("conf.d/a.json: warning: is not read");
	assert_reported("jobs.d/b.yml: warning: is not read");
	assert_reported("[file-not-read]");
}
END_TEST

START_TEST(the_manual_explains_every_warning)
{
	_cleanup_(buffer_fini) struct buffer manual = BUFFER_INIT;
	_cleanup_(fclosep) FILE *file = fopen(MANUAL, "re");
	char piece[512];
	size_t n;

	ck_assert_ptr_nonnull(file);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		buffer_append(&manual, piece, n);
	}
	buffer_puts(&manual, "");
	for (size_t i = 0; i < LINT_N_CODES; i++) {
		(void)snprintf(piece, sizeof(piece), "\n*%s*\n\t", lint_names[i]);
		ck_assert_msg(strstr(manual.data, piece), "nothing about %s", lint_names[i]);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("lint");
	TCase *settings = tcase_create("settings");
	TCase *files = tcase_create("files");

	tcase_add_checked_fixture(settings, setup, teardown);
	tcase_add_loop_test(
		settings, it_is_said_what_was_hardly_meant_and_where, 0, ARRAY_LEN(doubtful));
	tcase_add_loop_test(settings, what_may_well_be_meant_is_let_alone, 0, ARRAY_LEN(fine));
	tcase_add_test(settings, the_shipped_configuration_is_meant);
	tcase_add_test(settings, warnings_come_in_the_order_of_their_places);
	suite_add_tcase(suite, settings);

	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, a_secret_that_everybody_may_read_is_seen);
	tcase_add_test(files, a_secret_may_stand_in_a_file_of_ones_own);
	tcase_add_test(files, files_that_nobody_reads_are_named);
	tcase_add_test(files, the_manual_explains_every_warning);
	suite_add_tcase(suite, files);
	return suite;
}
