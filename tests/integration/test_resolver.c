/* SPDX-License-Identifier: MIT */
/*
 * The resolver alone, against name servers that lie: what it makes of each answer, how long it believes it,
 * whom it asks again, and who has to wait for whom. What fetches make of it is in test_fetch_names.c.
 */
#include "lib/fetch/names/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/fetch_kit.h"
#include "tests/support/name_server.h"
#include "tests/support/test.h"

static struct t_name_server *names;
static struct fetch_resolver_options options;
static struct fetch_resolver *resolver;
static struct nur_mock_clock *mock_clock;
static char hosts_path[64];
static char resolv_path[64];

static void
setup(void)
{
	names = t_name_server_create();
	kit_make_file(hosts_path, sizeof(hosts_path), "");
	kit_make_file(resolv_path, sizeof(resolv_path), "");
	options = (struct fetch_resolver_options){
		.servers = t_name_server_address(names),
		.hosts_path = hosts_path,
		.resolv_path = resolv_path,
		.timeout = NUR_SEC(10),
		.tries = 1,
		.max_wanted = 100,
		.seed = 7,
	};
	ck_assert_int_eq(nur_mock_clock_create(0, NUR_FOREVER, &mock_clock), 0);
}

static void
teardown(void)
{
	t_name_server_destroy(names);
	nur_mock_clock_destroy(mock_clock);
	(void)unlink(hosts_path);
	(void)unlink(resolv_path);
}

/* Runs of one task, which has the resolver. */

static int
run_body(void *arg)
{
	void (**body)(void) = arg;

	ck_assert_int_eq(fetch_resolver_create(&options, &resolver), 0);
	(*body)();
	fetch_resolver_destroy(resolver);
	return 0;
}

static void
run_on(const struct nur_clock *clock, void (*body)(void))
{
	const struct nur_run_options run_options = { .clock = clock };

	ck_assert_int_eq(nur_run(run_body, &body, &run_options, NULL), 0);
}

/* Time stands still but for jump(). */
static void
run_timeless(void (*body)(void))
{
	run_on(nur_mock_clock_clock(mock_clock), body);
}

static void
jump(nur_time by)
{
	ck_assert_int_eq(nur_mock_clock_jump(mock_clock, by), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
}

static void
wait_for_names(const char *condition)
{
	t_name_server_wait_start(names, condition);
	ck_assert_int_eq(nur_wait_readable(t_name_server_fd(names)), 0);
	t_name_server_wait_finish(names);
}

/* What is known of @name without asking: its number of addresses, or -1. */
static int
find(const char *name)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	int r = fetch_resolver_find(resolver, name, &answer);

	ck_assert(r == 0 || r == -ENOENT);
	return r == 0 ? (int)answer->n_addresses : -1;
}

static struct fetch_answer *
look_up(const char *name)
{
	struct fetch_answer *answer = NULL;

	ck_assert_int_eq(fetch_resolver_lookup(resolver, name, &answer), 0);
	return answer;
}

static void
look_up_and_forget(const char *name)
{
	fetch_answer_unref(look_up(name));
}

/* Answers. */

static const struct {
	const char *name;
	int error;
	size_t n_addresses;
	unsigned n_queries; /* at most */
	bool is_over_tcp;
} answers[] = {
	{ "ok.test", 0, 1, 2 },
	{ "v6.test", 0, 1, 2 },
	{ "both.test", 0, 2, 2 },
	{ "alias.test", 0, 1, 2 },
	{ "ttl-0.test", 0, 1, 2 },
	{ "ttl-2147483648.test", 0, 1, 2 },
	{ "truncated.test", 0, 60, 4, true },
	{ "cut.test", -ENOENT, 0, 4, true },
	{ "loop.test", -ENOENT, 0, 2 },
	{ "empty.test", -ENOENT, 0, 2 },
	{ "nxdomain.test", -ENOENT, 0, 2 },
	{ "servfail.test", -EHOSTUNREACH, 0, 2 },
	{ "refused.test", -EHOSTUNREACH, 0, 2 },
	{ "notimp.test", -EHOSTUNREACH, 0, 2 },
	{ "no-edns.test", 0, 1, 4 },
	{ "silent.test", -EHOSTUNREACH, 0, 2 },
	{ "garbage.test", -EHOSTUNREACH, 0, 2 },
	{ "wrong-id.test", -EHOSTUNREACH, 0, 2 },
	{ "wrong-name.test", -EHOSTUNREACH, 0, 2 },
};

static int answer_index;

static void
ask_one(void)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer =
		look_up(answers[answer_index].name);

	ck_assert_msg(answer->error == answers[answer_index].error, "%s: %d",
		answers[answer_index].name, answer->error);
	ck_assert_uint_eq(answer->n_addresses, answers[answer_index].n_addresses);
}

START_TEST(each_answer_is_understood)
{
	struct t_name_counts counts;

	answer_index = _i;
	options.timeout = NUR_MSEC(500);
	run_on(NULL, ask_one);
	counts = t_name_server_counts(names);

	ck_assert_uint_ge(counts.n_a, 1);
	ck_assert_uint_ge(counts.n_aaaa, 1);
	ck_assert_uint_le(counts.n_queries, answers[_i].n_queries);
	ck_assert_int_eq(counts.n_tcp > 0, answers[_i].is_over_tcp);
	ck_assert_uint_ge(counts.n_edns, 1);
}
END_TEST

static void
ask_the_silent(void)
{
	look_up_and_forget("silent.test");
}

START_TEST(a_silent_server_is_asked_so_often)
{
	options.timeout = NUR_MSEC(20);
	options.tries = 3;
	run_on(NULL, ask_the_silent);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 3);
}
END_TEST

/* How long an answer is believed. */

static const struct {
	const char *name;
	nur_time time;
} times[] = {
	{ "ttl-0.test", NUR_SEC(1) },
	{ "ttl-1.test", NUR_SEC(1) },
	{ "ttl-30.test", NUR_SEC(30) },
	{ "ttl-2147483647.test", NUR_SEC(300) },
	{ "ttl-2147483648.test", NUR_SEC(1) }, /* RFC 2181, 8: as zero */
	{ "ttl-4294967295.test", NUR_SEC(1) },
	{ "nxdomain.test", NUR_SEC(5) },
	{ "empty.test", NUR_SEC(5) },
	{ "servfail.test", NUR_SEC(5) },
};

static int time_index;

static void
ask_and_let_time_pass(void)
{
	const char *name = times[time_index].name;

	ck_assert_int_eq(find(name), -1);
	look_up_and_forget(name);
	jump(times[time_index].time - 1);
	ck_assert_int_ge(find(name), 0);
	jump(1);
	ck_assert_int_eq(find(name), -1);
}

START_TEST(an_answer_is_believed_within_bounds)
{
	time_index = _i;
	run_timeless(ask_and_let_time_pass);
}
END_TEST

/* Files. */

static void
change_hosts(void)
{
	ck_assert_int_eq(find("new.test"), -1);
	kit_write_file(hosts_path, "127.0.0.1 new.test\n::1 new.test\n");
	ck_assert_int_eq(find("new.test"), -1); /* it is looked at once a second */
	jump(NUR_SEC(1));
	ck_assert_int_eq(find("new.test"), 2);

	ck_assert_int_eq(unlink(hosts_path), 0);
	jump(NUR_SEC(1));
	ck_assert_int_eq(find("new.test"), -1);
}

START_TEST(a_change_of_the_hosts_file_is_noticed)
{
	run_timeless(change_hosts);

	ck_assert_uint_eq(t_name_server_counts(names).n_queries, 0);
}
END_TEST

static void
change_servers(void)
{
	ck_assert_int_eq(nur_mock_clock_set_rate(mock_clock, 1), 0); /* silence has to end */
	look_up_and_forget("ok.test");
	ck_assert_int_eq(find("ok.test"), 0); /* nobody listens there: an error is remembered */

	kit_write_file(resolv_path, "nameserver 127.0.0.1\n");
	jump(NUR_SEC(1));
	ck_assert_int_eq(find("ok.test"), -1);
	look_up_and_forget("ok.test");
	ck_assert_int_eq(find("ok.test"), 1);
}

static uint16_t
port_of_names(void)
{
	return (uint16_t)strtoul(strchr(t_name_server_address(names), ':') + 1, NULL, 10);
}

START_TEST(a_change_of_resolv_conf_is_noticed)
{
	options.servers = NULL;
	options.port = port_of_names();
	options.timeout = NUR_MSEC(200);
	kit_write_file(resolv_path, "nameserver 127.0.0.9\n");
	run_timeless(change_servers);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 1);
}
END_TEST

static int
look_up_held(void *name)
{
	look_up_and_forget(name);
	return 0;
}

static char held_1[] = "hold-1.test";

static int
change_servers_under_way(struct nur_nursery *nursery, void *unused)
{
	ck_assert_int_eq(nur_start_soon(nursery, "old", look_up_held, held_1), 0);
	wait_for_names("held>=2");
	kit_write_file(resolv_path, "nameserver 127.0.0.1\noptions timeout:1\n");
	jump(NUR_SEC(1));
	ck_assert_int_eq(find("hold-1.test"), -1);
	ck_assert_int_eq(nur_start_soon(nursery, "new", look_up_held, held_1), 0);
	wait_for_names("held>=4"); /* it did not join the old one */
	(void)t_name_server_release(names, "hold-1");
	return 0;
}

static void
change_with_a_lookup_under_way(void)
{
	ck_assert_int_eq(nur_nursery_run(change_servers_under_way, NULL, NULL), 0);
	ck_assert_int_eq(find("hold-1.test"), 1);
}

START_TEST(a_lookup_under_way_ends_where_it_began)
{
	options.servers = NULL;
	options.port = port_of_names();
	kit_write_file(resolv_path, "nameserver 127.0.0.1\n");
	run_timeless(change_with_a_lookup_under_way);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 2);
}
END_TEST

static int
look_up_many(void *prefix)
{
	char name[48];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "nxdomain.%s%d.test", (const char *)prefix, i);
		look_up_and_forget(name);
	}
	return 0;
}

static int
look_up_a_thousand_twice(struct nur_nursery *nursery, void *unused)
{
	static char prefixes[21][4];

	for (int i = 0; i < 21; i++) {
		(void)snprintf(prefixes[i], sizeof(prefixes[i]), "%c", 'a' + i);
		ck_assert_int_eq(nur_start_soon(nursery, NULL, look_up_many, prefixes[i]), 0);
	}
	return 0;
}

static void
wear_out_channels(void)
{
	ck_assert_int_eq(nur_nursery_run(look_up_a_thousand_twice, NULL, NULL), 0);
}

START_TEST(the_source_port_changes_every_thousand_queries)
{
	run_on(NULL, wear_out_channels);

	/* three; the kernel may have given a number twice */
	ck_assert_uint_ge(t_name_server_counts(names).n_ports, 2);
}
END_TEST

/* Who waits for whom. */

static int
look_up_in_vain(void *name)
{
	struct fetch_answer *answer = NULL;

	return fetch_resolver_lookup(resolver, name, &answer);
}

static int
look_up_and_cancel(struct nur_nursery *nursery, void *condition)
{
	static char held[4][16];

	for (int i = 0; i < 4; i++) {
		(void)snprintf(held[i], sizeof(held[i]), "hold.n%d.test", i);
		ck_assert_int_eq(nur_start_soon(nursery, NULL, look_up_in_vain, held[i]), 0);
	}
	wait_for_names(condition);
	nur_nursery_cancel(nursery, NULL);
	return 0;
}

static char until_all_are_held[] = "held>=8"; /* two types each */
static char until_half_are_held[] = "held>=4";

static void
cancel_all_who_wait(void)
{
	struct fetch_resolver_statistics statistics;

	ck_assert_int_eq(nur_nursery_run(look_up_and_cancel, until_all_are_held, NULL), 0);
	fetch_resolver_statistics(resolver, &statistics);
	ck_assert_uint_eq(statistics.n_lookups, 4);
	(void)t_name_server_release(names, "hold");
	look_up_and_forget("hold.n3.test"); /* joins, or finds it in the cache */
	ck_assert_int_eq(find("hold.n3.test"), 1);
}

START_TEST(a_lookup_that_nobody_waits_for_fills_the_cache)
{
	run_timeless(cancel_all_who_wait);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 4);
}
END_TEST

static void
cancel_those_in_the_queue(void)
{
	struct fetch_resolver_statistics statistics;

	ck_assert_int_eq(nur_nursery_run(look_up_and_cancel, until_half_are_held, NULL), 0);
	fetch_resolver_statistics(resolver, &statistics);
	ck_assert_uint_eq(statistics.n_lookups, 2);
	ck_assert_uint_eq(statistics.total_lookups, 2);

	look_up_and_forget("ok.test"); /* and what is unwanted takes no place from others */
}

START_TEST(a_lookup_in_the_queue_is_forgotten_with_its_last_waiter)
{
	options.max_wanted = 2;
	run_timeless(cancel_those_in_the_queue);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 3);
}
END_TEST

static int
look_up_four(struct nur_nursery *nursery, void *unused)
{
	static char held[4][16];

	for (int i = 0; i < 4; i++) {
		(void)snprintf(held[i], sizeof(held[i]), "hold.n%d.test", i);
		ck_assert_int_eq(nur_start_soon(nursery, NULL, look_up_held, held[i]), 0);
	}
	wait_for_names("held>=4"); /* two types each */
	ck_assert_uint_eq(t_name_server_counts(names).n_a, 2);
	(void)t_name_server_release(names, "hold");
	return 0;
}

static void
crowd(void)
{
	ck_assert_int_eq(nur_nursery_run(look_up_four, NULL, NULL), 0);
}

START_TEST(no_more_are_asked_at_a_time_than_allowed)
{
	options.max_wanted = 2;
	run_timeless(crowd);

	ck_assert_uint_eq(t_name_server_counts(names).n_a, 4);
}
END_TEST

static void
leave_a_lookup_to_itself(void)
{
	ck_assert_int_eq(nur_nursery_run(look_up_and_cancel, until_all_are_held, NULL), 0);
}

START_TEST(a_resolver_can_go_while_names_are_looked_up)
{
	run_timeless(leave_a_lookup_to_itself);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tc = tcase_create("resolver");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_answer_is_understood, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, a_silent_server_is_asked_so_often);
	tcase_add_loop_test(tc, an_answer_is_believed_within_bounds, 0, ARRAY_LEN(times));
	tcase_add_test(tc, a_change_of_the_hosts_file_is_noticed);
	tcase_add_test(tc, a_change_of_resolv_conf_is_noticed);
	tcase_add_test(tc, a_lookup_under_way_ends_where_it_began);
	tcase_add_test(tc, the_source_port_changes_every_thousand_queries);
	tcase_add_test(tc, a_lookup_that_nobody_waits_for_fills_the_cache);
	tcase_add_test(tc, a_lookup_in_the_queue_is_forgotten_with_its_last_waiter);
	tcase_add_test(tc, no_more_are_asked_at_a_time_than_allowed);
	tcase_add_test(tc, a_resolver_can_go_while_names_are_looked_up);
	suite_add_tcase(suite, tc);
	return suite;
}
