/* SPDX-License-Identifier: MIT */
/*
 * Who may do what. The kernel notes the effective user and groups of whoever connects, so a test that is root is
 * anybody for as long as it connects; without root there is nobody else to be, and those tests are passed over.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/integration/api_kit.h"

#define NOBODY          65534
#define READER          64001
#define SUBMITTER       64002
#define ADMIN           64003
#define OTHER_SUBMITTER 64004
#define READERS         64010

#define RULES \
	"listen: {mode: '0666'}\n" \
	"access: [{user: 64001, level: read}, {user: 64002, level: submit}, {user: 64003, level: " \
	"admin},\n" \
	"  {user: 64004, level: submit}, {group: 64010, level: read}, {user: no-such-user, " \
	"level: admin}]\n"

static bool
can_be_others(void)
{
	return geteuid() == 0;
}

static struct t_http
connect_as(uid_t uid, gid_t gid, gid_t group)
{
	struct t_http http;

	ck_assert_int_eq(chmod(t_daemon_folder(api_daemon()), 0755), 0);
	ck_assert_int_eq(setgroups(1, &group), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
	http = api_connect();
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	return http;
}

static void
call_as(uid_t uid, const char *method_and_target, const char *body, struct api_answer *answer)
{
	_cleanup_(t_http_close) struct t_http http = connect_as(uid, NOBODY, NOBODY);

	api_send(&http, method_and_target, NULL, body);
	api_read(&http, answer);
}

static void
check_call(uid_t uid, const char *method_and_target, const char *body, int status)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	call_as(uid, method_and_target, body, &answer);

	if (status == 403) {
		api_check_problem(&answer, 403, "forbidden");
	}
	ck_assert_msg(answer.http.status == status, "%s as %u: %d, not %d", method_and_target,
		(unsigned)uid, answer.http.status, status);
}

/* nobody, reader, submitter, admin */
static const struct {
	const char *call;
	const char *body;
	int status[4];
} calls[] = {
	{ "GET /v1/health/live", NULL, { 200, 200, 200, 200 } },
	{ "GET /v1/health/ready", NULL, { 200, 200, 200, 200 } },
	{ "GET /v1/version", NULL, { 200, 200, 200, 200 } },
	{ "GET /metrics", NULL, { 403, 200, 200, 200 } },
	{ "GET /v1/tree", NULL, { 403, 200, 200, 200 } },
	{ "GET /v1/batches", NULL, { 403, 200, 200, 200 } },
	{ "GET /v1/batches/x", NULL, { 403, 404, 404, 404 } },
	{ "GET /v1/jobs", NULL, { 403, 200, 200, 200 } },
	{ "GET /v1/jobs/x", NULL, { 403, 404, 404, 404 } },
	{ "POST /v1/batches", "{'urls':['$O/ok']}", { 403, 403, 200, 200 } },
	{ "POST /v1/batches/x/cancel", "", { 403, 403, 404, 404 } },
	{ "POST /v1/jobs/x/run", "", { 403, 403, 403, 404 } },
	{ "POST /v1/jobs/x/pause", "", { 403, 403, 403, 404 } },
	{ "POST /v1/jobs/x/resume", "", { 403, 403, 403, 404 } },
	{ "GET /v1/config", NULL, { 403, 403, 403, 200 } },
	{ "POST /v1/reload", "", { 403, 403, 403, 200 } },
};

START_TEST(a_call_needs_its_level)
{
	static const uid_t users[] = { NOBODY, READER, SUBMITTER, ADMIN };

	for (size_t i = 0; can_be_others() && i < ARRAY_LEN(users); i++) {
		check_call(users[i], calls[_i].call, calls[_i].body, calls[_i].status[i]);
	}
}
END_TEST

START_TEST(the_daemons_own_user_may_do_everything)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("GET /v1/config", NULL, NULL, &answer);

	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(a_group_counts_whether_it_is_the_first_or_another)
{
	_cleanup_(api_answer_fini) struct api_answer first = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer other = API_ANSWER_INIT;
	struct t_http http;

	if (!can_be_others()) {
		return;
	}
	http = connect_as(NOBODY, READERS, NOBODY);
	api_send(&http, "GET /v1/tree", NULL, NULL);
	api_read(&http, &first);
	t_http_close(&http);
	http = connect_as(NOBODY, NOBODY, READERS);
	api_send(&http, "GET /v1/tree", NULL, NULL);
	api_read(&http, &other);
	t_http_close(&http);

	ck_assert_int_eq(first.http.status, 200);
	ck_assert_int_eq(other.http.status, 200);
}
END_TEST

START_TEST(many_groups_are_all_looked_at)
{
	gid_t groups[40];
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	struct t_http http;

	if (!can_be_others()) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		groups[i] = (gid_t)(64100 + i);
	}
	groups[39] = READERS;
	ck_assert_int_eq(chmod(t_daemon_folder(api_daemon()), 0755), 0);
	ck_assert_int_eq(setgroups(ARRAY_LEN(groups), groups), 0);
	ck_assert_int_eq(seteuid(NOBODY), 0);
	http = api_connect();
	ck_assert_int_eq(seteuid(0), 0);
	api_send(&http, "GET /v1/tree", NULL, NULL);
	api_read(&http, &answer);
	t_http_close(&http);

	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(a_refusal_says_which_rule_it_was)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	if (!can_be_others()) {
		return;
	}
	call_as(SUBMITTER, "POST /v1/reload", "", &answer);

	api_check_problem(&answer, 403, "forbidden");
	ck_assert_str_eq(api_at(&answer, "/detail")->text,
		"to see and to reload the configuration: needs the level admin; uid 64002 has "
		"submit "
		"(access: user 64002)");
}
END_TEST

START_TEST(a_reload_changes_what_a_connection_may_do)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer after = API_ANSWER_INIT;
	struct t_http http;

	if (!can_be_others()) {
		return;
	}
	http = connect_as(READER, NOBODY, NOBODY);
	api_configure("access: []\n");
	api_call("POST /v1/reload", NULL, "", &answer);
	ck_assert_int_eq(answer.http.status, 200);
	api_send(&http, "GET /v1/tree", NULL, NULL);
	api_read(&http, &after);
	t_http_close(&http);

	api_check_problem(&after, 403, "forbidden");
}
END_TEST

START_TEST(a_rule_that_names_nobody_is_told_of)
{
	_cleanup_(freep) char *log = t_daemon_log(api_daemon());

	ck_assert_ptr_nonnull(strstr(log, "access: there is no user \"no-such-user\""));
}
END_TEST

/* ---- whose batch it is ---- */

/* As the submitter, whose id goes to @ret_id. */
static void
submit_as(uid_t uid, char *ret_id, size_t size)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	call_as(uid, "POST /v1/batches", "{'urls':['$O/ok']}", &answer);
	ck_assert_int_eq(answer.http.status, 200);
	(void)snprintf(ret_id, size, "%s", api_at(&answer, "/id")->text);
}

START_TEST(a_batch_is_there_for_its_owner_and_for_admins)
{
	static const struct {
		uid_t uid;
		int show;
		int cancel;
	} users[] = { { SUBMITTER, 200, 200 }, { ADMIN, 200, 200 }, { 0, 200, 200 },
		{ READER, 404, 403 }, { OTHER_SUBMITTER, 404, 404 } };
	char id[64];
	char show[96];
	char cancel[96];

	if (!can_be_others()) {
		return;
	}
	submit_as(SUBMITTER, id, sizeof(id));
	(void)snprintf(show, sizeof(show), "GET /v1/batches/%s", id);
	(void)snprintf(cancel, sizeof(cancel), "POST /v1/batches/%s/cancel", id);

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		check_call(users[i].uid, show, NULL, users[i].show);
		check_call(users[i].uid, cancel, "", users[i].cancel);
	}
}
END_TEST

START_TEST(a_list_has_what_is_there_for_who_asks)
{
	_cleanup_(api_answer_fini) struct api_answer mine = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer all = API_ANSWER_INIT;
	char id[64];
	char other_id[64];

	if (!can_be_others()) {
		return;
	}
	submit_as(SUBMITTER, id, sizeof(id));
	submit_as(OTHER_SUBMITTER, other_id, sizeof(other_id));
	call_as(SUBMITTER, "GET /v1/batches", NULL, &mine);
	call_as(ADMIN, "GET /v1/batches", NULL, &all);

	ck_assert_str_eq(api_at(&mine, "/batches/0/id")->text, id);
	api_check(&mine, "/batches/1=-");
	ck_assert_str_eq(api_at(&all, "/batches/0/id")->text, other_id);
	ck_assert_str_eq(api_at(&all, "/batches/1/id")->text, id);
}
END_TEST

/* ---- where to ---- */

#define NETWORKS \
	RULES \
	"network: {submit: {deny: [127.0.0.0/8, '::1']}, admin: {deny: [127.0.0.2]}}\n" \
	"jobs: [{name: j, every: 1d, urls: ['http://127.0.0.2:$P/ok']}]\n"

/* Ways to write what is denied; each is fetched by an admin first, whose connection stays open. */
static const char *const spellings[] = { "127.0.0.1", "127.1", "0x7f.0.0.1", "017700000001",
	"2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST." };

static void
check_fetch(uid_t uid, const char *url, const char *outcome)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;
	char body[200];

	(void)snprintf(body, sizeof(body), "{'urls':['%s']}", url);
	call_as(uid, "POST /v1/batches", body, &answer);

	ck_assert_int_eq(answer.http.status, 200);
	ck_assert_msg(strcmp(api_at(&answer, "/results/0/outcome")->text, outcome) == 0,
		"%s as %u: %s", url, (unsigned)uid, answer.http.body.data);
	if (strcmp(outcome, "failed") == 0) {
		ck_assert_str_eq(api_at(&answer, "/results/0/error/code")->text, "denied");
	}
}

START_TEST(a_level_may_fetch_from_what_its_policy_allows)
{
	char url[160];

	if (!can_be_others()) {
		return;
	}
	(void)snprintf(url, sizeof(url), "http://%s:$P/ok", spellings[_i]);
	if (strncmp(spellings[_i], "[::", 3) != 0) { /* which the origin does not listen at */
		check_fetch(ADMIN, url, "ok");
	}
	check_fetch(SUBMITTER, url, "failed");
	check_fetch(ADMIN, "http://127.0.0.1:$P/redirect-to/302?http://127.0.0.2:$P/ok", "failed");
}
END_TEST

START_TEST(a_job_is_under_the_policy_of_all)
{
	_cleanup_(api_answer_fini) struct api_answer run = API_ANSWER_INIT;
	_cleanup_(api_answer_fini) struct api_answer ended = API_ANSWER_INIT;

	if (!can_be_others()) {
		return;
	}
	check_fetch(ADMIN, "http://127.0.0.2:$P/ok", "failed");
	call_as(ADMIN, "POST /v1/jobs/j/run", "", &run);
	ck_assert_int_eq(run.http.status, 202);
	do {
		api_answer_fini(&ended);
		call_as(ADMIN, "GET /v1/jobs/j", NULL, &ended);
	} while (api_at(&ended, "/last")->type == VALUE_NULL);
	api_check(&ended, "/last/outcome=ok");
}
END_TEST

START_TEST(a_reload_changes_where_a_level_may_fetch_from)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	if (!can_be_others()) {
		return;
	}
	check_fetch(SUBMITTER, "$O/ok", "failed");
	api_configure(RULES);
	api_call("POST /v1/reload", NULL, "", &answer);
	ck_assert_int_eq(answer.http.status, 200);
	check_fetch(SUBMITTER, "$O/ok", "ok");
}
END_TEST

/* ---- quotas ---- */

#define QUOTAS \
	"listen: {mode: '0666'}\nlimits: {batches_per_user: 2, urls_per_user: 5}\n" \
	"access: [{user: 64002, level: submit}]\n" \
	"jobs: [{name: j, every: 1d, urls: ['$O/never']}]\n"

static void
check_quota(const char *body, const char *name)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_call("POST /v1/batches", NULL, body, &answer);

	api_check_problem(&answer, 429, "quota");
	api_check_field(&answer, "Retry-After", "1");
	ck_assert_ptr_nonnull(strstr(api_at(&answer, "/detail")->text, name));
}

START_TEST(a_user_has_so_many_batches)
{
	struct t_http busy[2];
	_cleanup_(api_answer_fini) struct api_answer run = API_ANSWER_INIT;

	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		busy[i] = api_connect();
		api_send(&busy[i], "POST /v1/batches", NULL, "{'urls':['$O/never']}");
	}
	t_origin_wait(api_origin(), "held>=2");
	check_quota("{'urls':['$O/ok']}", "limits.batches_per_user is 2");
	if (can_be_others()) {
		check_call(SUBMITTER, "POST /v1/batches", "{'urls':['$O/ok']}", 200);
	}
	api_call("POST /v1/jobs/j/run", NULL, "", &run); /* it is nobody's */
	ck_assert_int_eq(run.http.status, 202);

	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		t_http_close(&busy[i]);
	}
}
END_TEST

START_TEST(a_user_has_so_many_urls)
{
	_cleanup_(t_http_close) struct t_http busy = api_connect();
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(&busy, "POST /v1/batches", NULL,
		"{'policy':'collect','urls':['$O/ok','$O/never','$O/never']}");
	t_origin_wait(api_origin(), "held>=2");
	check_quota("{'urls':['$O/ok','$O/ok','$O/ok','$O/ok']}", "limits.urls_per_user is 5");
	api_call("POST /v1/batches", NULL, "{'urls':['$O/ok']}", &answer);

	ck_assert_int_eq(answer.http.status, 200);
}
END_TEST

START_TEST(a_user_with_nothing_going_on_may_send_a_large_batch)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_submit("{'urls':['$O/ok','$O/ok','$O/ok','$O/ok','$O/ok','$O/ok','$O/ok']}", &answer);

	api_check(&answer, "/counts/ok=7");
}
END_TEST

/* ---- places ---- */

/* The kit has one connection open. */
#define FEW \
	"listen: {mode: '0666'}\nlimits: {connections: 4}\naccess: [{user: 64001, level: read}]\n"

static void
check_health(struct t_http *http, int status)
{
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	api_send(http, "GET /v1/health/live", NULL, NULL);
	api_read(http, &answer);
	ck_assert_int_eq(answer.http.status, status);
}

START_TEST(the_longest_idle_gives_its_place_to_a_new_caller)
{
	struct t_http old[3];
	struct t_http young;

	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		old[i] = api_connect();
		check_health(&old[i], 200);
	}
	api_ask_health(); /* now the kit's is the youngest */

	young = api_connect();
	check_health(&young, 200);

	ck_assert(t_http_is_over(&old[0]));
	check_health(&old[1], 200);
	check_health(&old[2], 200);
	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		t_http_close(&old[i]);
	}
	t_http_close(&young);
}
END_TEST

/* Three that work, for which no idle one is left. */
static void
begin_three(struct t_http *https, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		https[i] = api_connect();
		api_send(&https[i], "POST /v1/batches", NULL, "{'urls':['$O/never']}");
	}
	t_origin_wait(api_origin(), "held>=3");
}

/* There was no request, which would have an id. */
static void
check_turned_away(const struct api_answer *answer, int status, const char *code, const char *rule)
{
	ck_assert_int_eq(answer->http.status, status);
	api_check_field(answer, "Content-Type", "application/problem+json");
	api_check_field(answer, "Retry-After", "1");
	ck_assert_str_eq(api_at(answer, "/code")->text, code);
	ck_assert_ptr_nonnull(strstr(api_at(answer, "/detail")->text, rule));
}

START_TEST(a_user_has_so_many_connections)
{
	struct t_http second = api_connect();
	struct t_http third;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	check_health(&second, 200);
	third = api_connect();
	api_read(&third, &answer);

	check_turned_away(&answer, 429, "quota", "limits.connections_per_user is 2");
	t_http_close(&second);
	t_http_close(&third);
	ck_assert_int_eq(t_daemon_stop(api_daemon()), 0);
}
END_TEST

START_TEST(who_works_is_not_sent_away)
{
	struct t_http busy[4];
	struct t_http turned_away;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	begin_three(busy, 3);
	busy[3] = api_connect(); /* the kit's gives way */
	api_send(&busy[3], "POST /v1/batches", NULL, "{'urls':['$O/never']}");
	t_origin_wait(api_origin(), "held>=4");

	turned_away = api_connect();
	api_read(&turned_away, &answer);

	check_turned_away(&answer, 503, "overloaded", "limits.connections is 4");
	t_http_close(&turned_away);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		t_http_close(&busy[i]);
	}
	ck_assert_int_eq(t_daemon_stop(api_daemon()), 0);
}
END_TEST

START_TEST(the_last_place_is_for_admins)
{
	struct t_http busy[3];
	struct t_http reader;
	struct t_http admin;
	_cleanup_(api_answer_fini) struct api_answer answer = API_ANSWER_INIT;

	if (!can_be_others()) {
		return;
	}
	begin_three(busy, 3);

	reader = connect_as(READER, NOBODY, NOBODY); /* the kit's gives way, which is not enough */
	api_read(&reader, &answer);
	check_turned_away(&answer, 503, "overloaded", "limits.connections is 4");
	admin = api_connect();
	check_health(&admin, 200);

	t_http_close(&reader);
	t_http_close(&admin);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		t_http_close(&busy[i]);
	}
	ck_assert_int_eq(t_daemon_stop(api_daemon()), 0);
}
END_TEST

static void
start_with_rules(void)
{
	api_start_with(RULES);
}

static void
start_with_two(void)
{
	api_start_with("limits: {connections_per_user: 2}\n");
}

static void
start_with_networks(void)
{
	api_start_with(NETWORKS);
}

static void
start_with_quotas(void)
{
	api_start_with(QUOTAS);
}

static void
start_with_few(void)
{
	api_start_with(FEW);
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("api_access");
	TCase *tc = api_case(suite, "levels", start_with_rules, api_stop);

	tcase_add_loop_test(tc, a_call_needs_its_level, 0, ARRAY_LEN(calls));
	tcase_add_test(tc, the_daemons_own_user_may_do_everything);
	tcase_add_test(tc, a_group_counts_whether_it_is_the_first_or_another);
	tcase_add_test(tc, many_groups_are_all_looked_at);
	tcase_add_test(tc, a_refusal_says_which_rule_it_was);
	tcase_add_test(tc, a_reload_changes_what_a_connection_may_do);
	tcase_add_test(tc, a_rule_that_names_nobody_is_told_of);
	tcase_add_test(tc, a_batch_is_there_for_its_owner_and_for_admins);
	tcase_add_test(tc, a_list_has_what_is_there_for_who_asks);

	tc = api_case(suite, "networks", start_with_networks, api_stop);
	tcase_add_loop_test(
		tc, a_level_may_fetch_from_what_its_policy_allows, 0, ARRAY_LEN(spellings));
	tcase_add_test(tc, a_job_is_under_the_policy_of_all);
	tcase_add_test(tc, a_reload_changes_where_a_level_may_fetch_from);

	tc = api_case(suite, "quotas", start_with_quotas, api_clean_up);
	tcase_add_test(tc, a_user_has_so_many_batches);
	tcase_add_test(tc, a_user_has_so_many_urls);
	tcase_add_test(tc, a_user_with_nothing_going_on_may_send_a_large_batch);

	tc = api_case(suite, "places", start_with_few, api_stop);
	tcase_add_test(tc, the_longest_idle_gives_its_place_to_a_new_caller);

	tc = api_case(suite, "full", start_with_few, api_clean_up);
	tcase_add_test(tc, who_works_is_not_sent_away);
	tcase_add_test(tc, the_last_place_is_for_admins);

	tc = api_case(suite, "own places", start_with_two, api_clean_up);
	tcase_add_test(tc, a_user_has_so_many_connections);
	return suite;
}
