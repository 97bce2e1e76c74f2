/* SPDX-License-Identifier: MIT */
/*
 * The address policy at each of its places: literals, names, redirects, and connections that were opened
 * before it changed. What spellings mean is in test_url.c, what classes are in test_address_policy.c; answers
 * that change are in test_fetch_names.c.
 */
#include "tests/integration/fetch_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct t_origin *origin;
static struct kit *kit;
static struct fetch_address_policy policy;
static char hosts_path[64];

static void
setup(void)
{
	static const char hosts[] = "127.0.0.1 here.test\n127.0.0.2 there.test\n"
				    "127.0.0.2 both.test\n127.0.0.1 both.test\n";

	origin = t_origin_create();
	kit = kit_create();
	kit_make_file(hosts_path, sizeof(hosts_path), hosts);
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->options.max_redirects = 5;
	kit->engine_options.hosts_path = hosts_path;
	kit->engine_options.policy = &policy;
	policy = (struct fetch_address_policy){ 0 };
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	(void)unlink(hosts_path);
	kit_destroy(kit);
	fetch_address_policy_fini(&policy);
}

static void
deny(const char *network)
{
	ck_assert_int_eq(fetch_cidr_list_add(&policy.deny, network, NULL), 0);
}

static void
allow(const char *network)
{
	ck_assert_int_eq(fetch_cidr_list_add(&policy.allow, network, NULL), 0);
}

static char *
url_of(const char *host, const char *path)
{
	char *url = NULL;

	ck_assert_int_gt(
		asprintf(&url, "http://%s:%u%s", host, t_origin_port(origin, T_PORT_HTTP), path),
		0);
	return url;
}

/* With 127.0.0.2 denied; requests: those that reach the origin. */
static const struct {
	const char *host;
	const char *target; /* NULL, or the host of a redirect */
	enum fetch_error error;
	unsigned n_requests;
} places[] = {
	{ "127.0.0.1", NULL, FETCH_ERROR_NONE, 1 },
	{ "127.0.0.2", NULL, FETCH_ERROR_DENIED, 0 },
	{ "0x7f.2", NULL, FETCH_ERROR_DENIED, 0 },
	{ "127.2.", NULL, FETCH_ERROR_DENIED, 0 },
	{ "[::ffff:127.0.0.2]", NULL, FETCH_ERROR_DENIED, 0 },
	{ "[64:ff9b::7f00:2]", NULL, FETCH_ERROR_DENIED, 0 },
	{ "here.test", NULL, FETCH_ERROR_NONE, 1 },
	{ "there.test", NULL, FETCH_ERROR_DENIED, 0 },
	{ "THERE.test.", NULL, FETCH_ERROR_DENIED, 0 },
	{ "both.test", NULL, FETCH_ERROR_NONE, 1 },
	{ "127.0.0.1", "127.0.0.2", FETCH_ERROR_DENIED, 1 },
	{ "127.0.0.1", "2130706434", FETCH_ERROR_DENIED, 1 },
	{ "127.0.0.1", "there.test", FETCH_ERROR_DENIED, 1 },
	{ "127.0.0.1", "here.test", FETCH_ERROR_NONE, 2 },
};

/* The policy is one of several, and the others allow all that is fetched. */
static int
batch_under_number(void *unused)
{
	fetch_engine_set_policy(kit->engine, kit->batch.address_policy, &policy);
	return kit_batch(kit);
}

static void
use_number(unsigned number)
{
	kit->batch.address_policy = number;
	if (number > 0) {
		kit->engine_options.policy = NULL;
		kit->body = batch_under_number;
	}
}

START_TEST(each_place_is_judged)
{
	const size_t place = (size_t)_i % ARRAY_LEN(places);
	const char *target = places[place].target;
	char *path = NULL;
	const struct kit_result *kept;

	deny("127.0.0.2");
	use_number((unsigned)_i / ARRAY_LEN(places));
	ck_assert_int_gt(asprintf(&path, target ? "/redirect-to/302?http://%s:%u/ok" : "/ok",
				 target, t_origin_port(origin, T_PORT_HTTP)),
		0);
	kept = kit_one(kit, url_of(places[place].host, path));
	free(path);

	ck_assert_msg(kept->result.error == places[place].error, "%s: %s, \"%s\"",
		places[place].host, fetch_error_name(kept->result.error), kept->detail);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, places[place].n_requests);
	ck_assert_uint_eq(kit->statistics.total_connections, places[place].n_requests);
}
END_TEST

static const char *const here[] = { "127.0.0.1", "here.test" };
static const char *host;

static int
fetch_and_deny(void *unused)
{
	kit_add(kit, url_of(host, "/ok"));
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);

	deny("127.0.0.1");
	fetch_engine_set_policy(kit->engine, 0, &policy);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.error, FETCH_ERROR_DENIED);
	return 0;
}

START_TEST(a_connection_that_is_open_does_not_help)
{
	host = here[_i];
	kit->body = fetch_and_deny;
	kit_run(kit);

	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 1);
	ck_assert_uint_eq(kit->statistics.total_connections, 1);
}
END_TEST

/* The connection that is open goes to the other address, and libcurl would use it again. */
static int
fetch_and_deny_one(void *unused)
{
	kit_add(kit, url_of("both.test", "/ok"));
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_ptr_nonnull(strstr(kit->results[0].remote, "127.0.0.2:"));

	deny("127.0.0.2");
	fetch_engine_set_policy(kit->engine, 0, &policy);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.error, FETCH_ERROR_DENIED);
	return 0;
}

START_TEST(nor_does_one_to_another_address_of_the_name)
{
	kit->body = fetch_and_deny_one;
	kit_run(kit);
}
END_TEST

static void
fetch_under(unsigned number, enum fetch_error error)
{
	kit->batch.address_policy = number;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_int_eq(kit->results[0].result.error, error);
}

static int
fetch_under_each(void *unused)
{
	kit_add(kit, url_of(host, "/ok"));
	deny("127.0.0.1");
	fetch_under(0, FETCH_ERROR_NONE);
	fetch_under(1, FETCH_ERROR_NONE);

	fetch_engine_set_policy(kit->engine, 1, &policy);
	fetch_under(1, FETCH_ERROR_DENIED);
	fetch_under(2, FETCH_ERROR_NONE);

	fetch_engine_set_policy(kit->engine, 1, NULL);
	fetch_under(1, FETCH_ERROR_NONE);
	fetch_engine_set_policy(kit->engine, 0, &policy);
	fetch_under(1, FETCH_ERROR_DENIED);
	return 0;
}

START_TEST(what_one_may_use_is_denied_to_another)
{
	host = here[_i];
	kit->engine_options.policy = NULL;
	kit->body = fetch_under_each;
	kit_run(kit);

	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 4);
	ck_assert_uint_eq(kit->statistics.total_connections, 1);
}
END_TEST

START_TEST(what_the_profile_closes_can_be_opened)
{
	policy.profile = FETCH_PROFILE_PUBLIC_ONLY;
	allow("127.0.0.1");
	kit_add(kit, url_of("127.0.0.1", "/ok"));
	kit_add(kit, url_of("127.0.0.3", "/ok"));
	kit_add(kit, url_of("here.test", "/ok"));
	kit_add(kit, url_of("there.test", "/ok"));
	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
	ck_assert_int_eq(kit->results[1].result.error, FETCH_ERROR_DENIED);
	ck_assert_int_eq(kit->results[2].result.outcome, FETCH_OK);
	ck_assert_int_eq(kit->results[3].result.error, FETCH_ERROR_DENIED);
}
END_TEST

START_TEST(what_is_denied_cannot_be_opened)
{
	deny("127.0.0.0/8");
	allow("127.0.0.1");

	ck_assert_int_eq(
		kit_one(kit, url_of("here.test", "/ok"))->result.error, FETCH_ERROR_DENIED);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_policy");
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_place_is_judged, 0, 2 * ARRAY_LEN(places));
	tcase_add_loop_test(tc, a_connection_that_is_open_does_not_help, 0, ARRAY_LEN(here));
	tcase_add_test(tc, nor_does_one_to_another_address_of_the_name);
	tcase_add_loop_test(tc, what_one_may_use_is_denied_to_another, 0, ARRAY_LEN(here));
	tcase_add_test(tc, what_the_profile_closes_can_be_opened);
	tcase_add_test(tc, what_is_denied_cannot_be_opened);
	suite_add_tcase(suite, tc);
	return suite;
}
