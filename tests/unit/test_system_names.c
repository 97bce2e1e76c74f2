/* SPDX-License-Identifier: MIT */
/*
 * The resolver that asks the system. getaddrinfo() is this program's, and does what the first label says:
 * names that begin with "hold" wait until they may end.
 */
#include "lib/fetch/names/system_names.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/names/resolver.h"
#include "tests/support/in_run.h"

#define N_HELD 200

static struct fetch_resolver *resolver;
static sem_t has_begun, may_end, is_freed;
static atomic_int n_asked, n_lists;

/* clang-format off */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);
void __wrap_freeaddrinfo(struct addrinfo *first);
/* clang-format on */

static struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { 0x07020a0a } };
static struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
static struct sockaddr other = { .sa_family = AF_UNIX };
static struct addrinfo list[] = {
	{ .ai_addr = (void *)&in6, .ai_addrlen = sizeof(in6), .ai_next = &list[1] },
	{ .ai_addr = &other, .ai_addrlen = sizeof(other), .ai_next = &list[2] },
	{ .ai_addr = (void *)&in, .ai_addrlen = sizeof(in) },
};
static struct addrinfo many[FETCH_ANSWER_MAX + 1];

static const struct {
	const char *name;
	int error; /* getaddrinfo()'s */
	struct addrinfo *list;
	int code;
	size_t n_addresses;
} answers[] = {
	{ "ok.test", 0, list, 0, 2 },
	{ "many.test", 0, many, 0, FETCH_ANSWER_MAX },
	{ "other.test", 0, &(struct addrinfo){ .ai_addr = &other, .ai_addrlen = sizeof(other) },
		-ENOENT, 0 },
	{ "none.test", EAI_NONAME, NULL, -ENOENT, 0 },
	{ "nodata.test", EAI_NODATA, NULL, -ENOENT, 0 },
	{ "family.test", EAI_ADDRFAMILY, NULL, -ENOENT, 0 },
	{ "again.test", EAI_AGAIN, NULL, -EHOSTUNREACH, 0 },
	{ "fail.test", EAI_FAIL, NULL, -EHOSTUNREACH, 0 },
	{ "system.test", EAI_SYSTEM, NULL, -EHOSTUNREACH, 0 },
};

static void
wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0) {
		ck_assert_int_eq(errno, EINTR);
	}
}

int
__wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **ret_list)
{
	atomic_fetch_add(&n_asked, 1);
	if (strncmp(host, "hold", 4) == 0) {
		(void)sem_post(&has_begun);
		wait_for(&may_end);
		host = "ok.test";
	}
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		if (strcmp(answers[i].name, host) == 0) {
			*ret_list = answers[i].list;
			atomic_fetch_add(&n_lists, answers[i].list != NULL);
			return answers[i].error;
		}
	}
	return EAI_MEMORY;
}

void
__wrap_freeaddrinfo(struct addrinfo *first)
{
	atomic_fetch_sub(&n_lists, 1);
	(void)sem_post(&is_freed);
}

static void
open_resolver(void)
{
	const struct fetch_resolver_options options = {
		.is_system = true,
		.hosts_path = "/nonexistent/hosts",
		.resolv_path = "/nonexistent/resolv.conf",
		.seed = 7,
	};

	(void)sem_init(&has_begun, 0, 0);
	(void)sem_init(&may_end, 0, 0);
	(void)sem_init(&is_freed, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = list[2];
		many[i].ai_next = i + 1 < ARRAY_LEN(many) ? &many[i + 1] : NULL;
	}
	ck_assert_int_eq(fetch_resolver_create(&options, &resolver), 0);
}

static void
close_resolver(void)
{
	fetch_resolver_destroy(resolver);
	ck_assert_int_eq(atomic_load(&n_lists), 0);
}

static size_t
count_lookups(void)
{
	struct fetch_resolver_statistics statistics;

	fetch_resolver_statistics(resolver, &statistics);
	return statistics.n_lookups;
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

static int
look_up(void *name)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;

	return fetch_resolver_lookup(resolver, name, &answer);
}

static int index_of_answer;

static void
ask_one(void)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	int i = index_of_answer;

	open_resolver();
	ck_assert_int_eq(fetch_resolver_lookup(resolver, answers[i].name, &answer), 0);
	ck_assert_int_eq(answer->error, answers[i].code);
	ck_assert_uint_eq(answer->n_addresses, answers[i].n_addresses);
	close_resolver();
}

START_TEST(each_answer_has_its_code)
{
	index_of_answer = _i;
	t_in_run(ask_one);
}
END_TEST

IN_RUN_TEST(addresses_keep_their_order)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;

	open_resolver();
	ck_assert_int_eq(fetch_resolver_lookup(resolver, "ok.test", &answer), 0);
	ck_assert_int_eq(answer->addresses[0].family, AF_INET6);
	ck_assert_int_eq(answer->addresses[1].family, AF_INET);
	ck_assert_mem_eq(answer->addresses[1].bytes, &in.sin_addr, 4);
	close_resolver();
}

IN_RUN_TEST(without_memory_there_is_no_answer)
{
	static char name[] = "memory.test";

	open_resolver();
	ck_assert_int_eq(look_up(name), -ENOMEM);
	ck_assert_int_eq(find(name), -1);
	close_resolver();
}

IN_RUN_TEST(answers_are_kept_and_failures_not_so_long)
{
	static char good[] = "ok.test", bad[] = "none.test";

	open_resolver();
	ck_assert_int_eq(look_up(good), 0);
	ck_assert_int_eq(look_up(bad), 0);
	ck_assert_int_eq(nur_sleep(NUR_SEC(5) - 1), 0);
	ck_assert_int_eq(find(bad), 0);
	ck_assert_int_eq(nur_sleep(1), 0);
	ck_assert_int_eq(find(bad), -1);
	ck_assert_int_eq(nur_sleep(NUR_SEC(25) - 1), 0);
	ck_assert_int_eq(find(good), 2);
	ck_assert_int_eq(nur_sleep(1), 0);
	ck_assert_int_eq(find(good), -1);
	close_resolver();
}

IN_RUN_TEST(this_machine_is_not_asked_for)
{
	open_resolver();
	ck_assert_int_eq(find("x.localhost"), 2);
	ck_assert_int_eq(atomic_load(&n_asked), 0);
	close_resolver();
}

static char held[N_HELD][16];

static void
start_held(struct nur_nursery *nursery, size_t n_names)
{
	t_open(nursery);
	for (size_t i = 0; i < N_HELD; i++) {
		(void)snprintf(held[i], sizeof(held[i]), "hold%zu.test", i % n_names);
		t_start(nursery, look_up, held[i]);
	}
	t_settle();
}

static void
let_end(int n)
{
	while (n-- > 0) {
		(void)sem_post(&may_end);
	}
}

IN_RUN_TEST(a_name_is_asked_for_once_by_many)
{
	struct nur_nursery nursery;

	open_resolver();
	start_held(&nursery, 1);
	let_end(1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(atomic_load(&n_asked), 1);
	close_resolver();
}

IN_RUN_TEST(eight_are_asked_for_at_a_time)
{
	struct nur_nursery nursery;

	open_resolver();
	start_held(&nursery, N_HELD);
	for (int i = 0; i < FETCH_SYSTEM_THREADS; i++) {
		wait_for(&has_begun);
	}
	ck_assert_uint_eq(nur_active_thread_count(), FETCH_SYSTEM_THREADS);
	ck_assert_uint_eq(count_lookups(), N_HELD);
	let_end(N_HELD);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(atomic_load(&n_asked), N_HELD);
	close_resolver();
}

/* Cancels all who wait, while eight threads are held. */
static void
cancel_held(void)
{
	struct nur_nursery nursery;

	start_held(&nursery, N_HELD);
	for (int i = 0; i < FETCH_SYSTEM_THREADS; i++) {
		wait_for(&has_begun);
	}
	nur_nursery_cancel(&nursery, "enough");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}

IN_RUN_TEST(who_is_cancelled_does_not_wait_for_a_thread)
{
	int n_found = 0;

	open_resolver();
	cancel_held();
	/* the others are forgotten, and will not be asked for */
	ck_assert_uint_eq(count_lookups(), FETCH_SYSTEM_THREADS);
	ck_assert_uint_eq(nur_active_thread_count(), FETCH_SYSTEM_THREADS);

	let_end(FETCH_SYSTEM_THREADS);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	t_settle();
	ck_assert_uint_eq(count_lookups(), 0);
	for (size_t i = 0; i < N_HELD; i++) {
		n_found += find(held[i]) == 2;
	}
	ck_assert_int_eq(n_found, FETCH_SYSTEM_THREADS);
	ck_assert_int_eq(atomic_load(&n_asked), FETCH_SYSTEM_THREADS);
	close_resolver();
}

IN_RUN_TEST(a_resolver_can_go_before_its_threads)
{
	open_resolver();
	cancel_held();
	fetch_resolver_destroy(resolver);
	let_end(FETCH_SYSTEM_THREADS);
	ck_assert_int_eq(nur_wait_all_threads_completed(), 0);
	ck_assert_int_eq(atomic_load(&n_lists), 0);
}

static int
leave_threads(void *unused)
{
	open_resolver();
	cancel_held();
	fetch_resolver_destroy(resolver);
	return 0;
}

START_TEST(a_run_can_end_before_its_threads)
{
	ck_assert_int_eq(t_run(leave_threads, NULL, NULL), 0);
	let_end(FETCH_SYSTEM_THREADS);
	for (int i = 0; i < FETCH_SYSTEM_THREADS; i++) {
		wait_for(&is_freed);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("system_names");
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, each_answer_has_its_code, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, addresses_keep_their_order);
	tcase_add_test(tc, without_memory_there_is_no_answer);
	tcase_add_test(tc, answers_are_kept_and_failures_not_so_long);
	tcase_add_test(tc, this_machine_is_not_asked_for);
	tcase_add_test(tc, a_name_is_asked_for_once_by_many);
	tcase_add_test(tc, eight_are_asked_for_at_a_time);
	tcase_add_test(tc, who_is_cancelled_does_not_wait_for_a_thread);
	tcase_add_test(tc, a_resolver_can_go_before_its_threads);
	tcase_add_test(tc, a_run_can_end_before_its_threads);
	suite_add_tcase(suite, tc);
	return suite;
}
