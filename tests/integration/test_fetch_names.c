/* SPDX-License-Identifier: MIT */
/* Fetches by name: name servers that answer, lie, and keep silent. The resolver alone: test_resolver.c */
#include "tests/integration/fetch_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/fetch/engine.h"
#include "tests/support/name_server.h"

static struct t_origin *origin;
static struct t_name_server *names;
static struct kit *kit;
static char hosts_path[64];
static char resolv_path[64];

static void
setup(void)
{
	origin = t_origin_create();
	names = t_name_server_create();
	kit = kit_create();
	kit_make_file(hosts_path, sizeof(hosts_path), "127.0.0.1 here.test\n");
	kit_make_file(resolv_path, sizeof(resolv_path), "");
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.max_redirects = 5;
	kit->engine_options.dns_servers = t_name_server_address(names);
	kit->engine_options.dns_timeout = NUR_MSEC(100);
	kit->engine_options.hosts_path = hosts_path;
	kit->engine_options.resolv_path = resolv_path;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	t_name_server_destroy(names);
	(void)unlink(hosts_path);
	(void)unlink(resolv_path);
	kit_destroy(kit);
}

static char *
url_of(const char *name)
{
	char *url = NULL;

	ck_assert_int_gt(
		asprintf(&url, "http://%s:%u/ok", name, t_origin_port(origin, T_PORT_HTTP)), 0);
	return url;
}

static const struct {
	const char *name;
	enum fetch_error error;
	unsigned n_queries; /* at least */
} lookups[] = {
	{ "ok.test", FETCH_ERROR_NONE, 2 },
	{ "OK.Test", FETCH_ERROR_NONE, 2 },
	{ "both.test", FETCH_ERROR_NONE, 2 },
	{ "alias.test", FETCH_ERROR_NONE, 2 },
	{ "ttl-0.test", FETCH_ERROR_NONE, 2 },
	{ "ttl-2147483648.test", FETCH_ERROR_NONE, 2 },
	{ "loop.test", FETCH_ERROR_DNS_NOT_FOUND, 2 },
	{ "cut.test", FETCH_ERROR_DNS_NOT_FOUND, 2 },
	{ "wrong-id.test", FETCH_ERROR_DNS_FAILED, 2 },
	{ "nxdomain.test", FETCH_ERROR_DNS_NOT_FOUND, 1 },
	{ "empty.test", FETCH_ERROR_DNS_NOT_FOUND, 1 },
	{ "servfail.test", FETCH_ERROR_DNS_FAILED, 1 },
	{ "refused.test", FETCH_ERROR_DNS_FAILED, 1 },
	{ "garbage.test", FETCH_ERROR_DNS_FAILED, 1 },
	{ "silent.test", FETCH_ERROR_DNS_FAILED, 2 },
	{ "ip-169-254-169-254.test", FETCH_ERROR_DENIED, 2 },
	{ "ip-0-0-0-0.test", FETCH_ERROR_DENIED, 2 },
	{ "here.test", FETCH_ERROR_NONE, 0 },
	{ "localhost", FETCH_ERROR_NONE, 0 },
	{ "anything.localhost", FETCH_ERROR_NONE, 0 },
};

START_TEST(each_answer_of_a_name_server_has_its_code)
{
	const struct kit_result *kept = kit_one(kit, url_of(lookups[_i].name));
	uint64_t n_queries = t_name_server_counts(names).n_queries;

	ck_assert_msg(kept->result.error == lookups[_i].error, "%s: %s, \"%s\"", lookups[_i].name,
		fetch_error_name(kept->result.error), kept->detail);
	ck_assert_uint_ge(n_queries, lookups[_i].n_queries);
	ck_assert_uint_eq(
		kit->statistics.total_lookups_failed, lookups[_i].error == FETCH_ERROR_DNS_FAILED);
	if (lookups[_i].n_queries == 0) {
		ck_assert_uint_eq(n_queries, 0);
		ck_assert_int_eq(kept->result.timing.dns, 0);
	} else {
		ck_assert_int_gt(kept->result.timing.dns, 0);
	}
}
END_TEST

START_TEST(an_answer_that_was_cut_is_asked_for_over_tcp)
{
	const struct kit_result *kept = kit_one(kit, url_of("truncated.test"));

	/* nobody listens at its sixty addresses */
	ck_assert_int_eq(kept->result.error, FETCH_ERROR_CONNECTION_REFUSED);
	ck_assert_uint_gt(t_name_server_counts(names).n_tcp, 0);
}
END_TEST

START_TEST(a_dead_address_is_followed_by_the_next)
{
	const struct kit_result *kept;

	kit_write_file(hosts_path, "127.0.1.1 two.test\n127.0.1.2 two.test\n127.0.0.1 two.test\n");
	kept = kit_one(kit, url_of("two.test"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_ptr_nonnull(strstr(kept->remote, "127.0.0.1:"));
}
END_TEST

START_TEST(addresses_that_refuse_cost_no_time)
{
	const struct kit_result *kept;

	kit->options.connect_timeout = NUR_SEC(100); /* libcurl would wait for half of it */
	kit_write_file(hosts_path, "127.0.1.1 four.test\n127.0.1.2 four.test\n127.0.1.3 four.test\n"
				   "127.0.0.1 four.test\n");
	kept = kit_one(kit, url_of("four.test"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_ptr_nonnull(strstr(kept->remote, "127.0.0.1:"));
}
END_TEST

START_TEST(denied_addresses_of_a_name_are_left_out)
{
	const struct kit_result *kept;

	kit_write_file(hosts_path, "169.254.169.254 two.test\n127.0.0.1 two.test\n");
	kept = kit_one(kit, url_of("two.test"));

	ck_assert_int_eq(kept->result.outcome, FETCH_OK);
	ck_assert_uint_eq(kit->statistics.total_connections, 1);
}
END_TEST

START_TEST(a_name_is_asked_for_once_by_many)
{
	for (int i = 0; i < 20; i++) {
		kit_add(kit, url_of("ok.test"));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 20);
	ck_assert_uint_eq(kit->statistics.total_lookups, 1);
	ck_assert_uint_eq(kit->statistics.total_lookups_found, 1);
	ck_assert_uint_eq(kit->statistics.n_names_cached, 1);
	ck_assert_uint_eq(t_name_server_counts(names).n_a, 1);
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_remembered)
{
	for (int i = 0; i < 20; i++) {
		kit_add(kit, url_of("nxdomain.test"));
	}
	kit->batch.per_origin = 1;

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_failed, 20);
	ck_assert_uint_eq(kit->statistics.total_lookups_absent, 1);
	ck_assert_uint_eq(t_name_server_counts(names).n_a, 1);
}
END_TEST

static void
wait_for_names(const char *condition)
{
	t_name_server_wait_start(names, condition);
	ck_assert_int_eq(nur_wait_readable(t_name_server_fd(names)), 0);
	t_name_server_wait_finish(names);
}

static int
lookup_and_count(void *arg)
{
	struct fetch_answer *answer = NULL;
	int r = fetch_resolver_lookup(kit->engine->resolver, "hold.test", &answer);

	if (r == 0) {
		ck_assert_int_eq(answer->error, 0);
		ck_assert_uint_eq(answer->n_addresses, 1);
		fetch_answer_unref(answer);
		++*(int *)arg;
	}
	return r;
}

static int
cancel_the_first_of_two(void *arg)
{
	struct nur_cancel_scope *leader = arg;

	wait_for_names("held>=1");
	nur_cancel_scope_cancel(leader, NULL);
	ck_assert_int_eq(nur_checkpoint(), 0);
	(void)t_name_server_release(names, "hold");
	return 0;
}

static int
led(void *arg)
{
	struct nur_cancel_scope *scope = arg;
	int n_answers = 0;

	ck_assert_int_eq(NUR_WITHIN(scope, lookup_and_count(&n_answers)), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(scope));
	return n_answers;
}

static int
look_up_twice(struct nur_nursery *nursery, void *arg)
{
	static struct nur_cancel_scope leader;

	nur_cancel_scope_init(&leader);
	ck_assert_int_eq(nur_start_soon(nursery, "leader", led, &leader), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(nur_start_soon(nursery, "follower", lookup_and_count, arg), 0);
	ck_assert_int_eq(nur_start_soon(nursery, "cancel", cancel_the_first_of_two, &leader), 0);
	return 0;
}

static int
leader_and_follower(void *arg)
{
	int n_answers = 0;

	ck_assert_int_eq(nur_nursery_run(look_up_twice, &n_answers, NULL), 0);
	ck_assert_int_eq(n_answers, 1);
	ck_assert_uint_eq(t_name_server_counts(names).n_a, 1);
	return 0;
}

START_TEST(cancelling_who_asked_first_disturbs_nobody)
{
	kit->body = leader_and_follower;

	kit_run(kit);
}
END_TEST

static int
cancel_held_lookups(void *arg)
{
	wait_for_names("held>=400"); /* two types each */
	nur_cancel_scope_cancel(&kit->scope, "client_gone");
	return 0;
}

START_TEST(a_batch_that_waits_for_names_is_cancelled_at_once)
{
	char name[32];

	kit->beside = cancel_held_lookups;
	kit->batch.concurrency = 200;
	kit->batch.per_origin = 200;
	kit->engine_options.dns_timeout = NUR_SEC(30);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "hold-%d.test", i);
		kit_add(kit, url_of(name));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->rc, NUR_ECANCELED);
	ck_assert_uint_eq(kit->summary.n_cancelled, 200);
	ck_assert_uint_eq(t_name_server_counts(names).n_held, 400); /* it waited for none of them */
}
END_TEST

START_TEST(many_names_are_looked_up_over_several_channels)
{
	char name[32];

	kit->batch.concurrency = 128;
	for (int i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "ip-127-0-0-1.n%d.test", i);
		kit_add(kit, url_of(name));
	}
	kit->engine_options.dns_timeout = NUR_SEC(5);

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 1500);
	ck_assert_uint_eq(kit->statistics.total_lookups, 1500);
}
END_TEST

/* The second name is another one to us, and the same to the name server, which has changed its mind. */
START_TEST(a_name_that_leads_elsewhere_the_second_time_is_denied)
{
	const struct kit_result *kept;
	char *url = NULL;

	ck_assert_int_gt(
		asprintf(&url,
			"http://rebind.one.test:%u/redirect-to/302?http://rebind.two.test:%u/ok",
			t_origin_port(origin, T_PORT_HTTP), t_origin_port(origin, T_PORT_HTTP)),
		0);
	kept = kit_one(kit, url);

	ck_assert_int_eq(kept->result.error, FETCH_ERROR_DENIED);
	ck_assert_ptr_nonnull(strstr(kept->detail, "169.254.169.254"));
	ck_assert_uint_eq(kit->statistics.total_connections, 1);
}
END_TEST

static int
create_with_bad_servers(void *arg)
{
	struct fetch_engine_options options = { .dns_servers = "not an address" };
	struct fetch_engine *engine = NULL;

	ck_assert_int_eq(fetch_engine_create(&options, &engine), -EINVAL);
	ck_assert_ptr_null(engine);
	return 0;
}

START_TEST(servers_that_cannot_be_read_are_refused)
{
	struct fetch_engine *engine = NULL;

	ck_assert_int_eq(nur_run(create_with_bad_servers, NULL, NULL, NULL), 0);
	ck_assert_int_eq(fetch_engine_create(NULL, &engine), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_names");
	TCase *tc = tcase_create("names");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_answer_of_a_name_server_has_its_code, 0, ARRAY_LEN(lookups));
	tcase_add_test(tc, an_answer_that_was_cut_is_asked_for_over_tcp);
	tcase_add_test(tc, a_dead_address_is_followed_by_the_next);
	tcase_add_test(tc, addresses_that_refuse_cost_no_time);
	tcase_add_test(tc, denied_addresses_of_a_name_are_left_out);
	tcase_add_test(tc, a_name_is_asked_for_once_by_many);
	tcase_add_test(tc, a_name_that_does_not_exist_is_remembered);
	tcase_add_test(tc, cancelling_who_asked_first_disturbs_nobody);
	tcase_add_test(tc, a_batch_that_waits_for_names_is_cancelled_at_once);
	tcase_add_test(tc, many_names_are_looked_up_over_several_channels);
	tcase_add_test(tc, a_name_that_leads_elsewhere_the_second_time_is_denied);
	tcase_add_test(tc, servers_that_cannot_be_read_are_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
