/* SPDX-License-Identifier: MIT */
/* X29, as far as there are callbacks: those on the loop may cancel, wake and move deadlines. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/in_run.h"

struct host {
	struct nur_cancel_scope scope;
	struct nur_event event;
	uint64_t n_passes;
};

static void
cancel_the_scope(void *arg)
{
	struct host *host = arg;

	host->n_passes = t_statistics().n_passes;
	nur_cancel_scope_cancel(&host->scope, "host");
}

static void
set_the_event(void *arg)
{
	struct host *host = arg;

	host->n_passes = t_statistics().n_passes;
	nur_event_set(&host->event);
}

static void
move_the_deadline(void *arg)
{
	struct host *host = arg;

	host->n_passes = t_statistics().n_passes;
	nur_cancel_scope_set_deadline(&host->scope, NUR_LONG_AGO);
}

static void
init_host(struct host *host)
{
	nur_cancel_scope_init(&host->scope);
	nur_event_init(&host->event);
	host->n_passes = 0;
}

/* The task runs in the pass in which the callback was made, or in the one that follows at once. */
static void
assert_woken_at_once(const struct host *host)
{
	ck_assert_uint_gt(host->n_passes, 0);
	ck_assert_uint_le(t_statistics().n_passes, host->n_passes + 1);
}

static void (*const actions[])(void *arg) = { cancel_the_scope, set_the_event, move_the_deadline };

static int
wait_for_the_host(struct host *host)
{
	int r = NUR_WITHIN(&host->scope, nur_event_wait(&host->event));

	assert_woken_at_once(host);
	return r;
}

IN_RUN_TEST(x29_a_call_on_the_loop_wakes_tasks_in_the_same_pass)
{
	for (size_t i = 0; i < 3; i++) {
		struct nur_call call;
		struct host host;

		init_host(&host);
		nur_call_init(&call, actions[i], &host);
		nur_call_soon(&call);
		ck_assert_int_eq(wait_for_the_host(&host), 0);
	}
}
END_TEST

IN_RUN_TEST(x29_a_timer_wakes_tasks_in_the_same_pass)
{
	for (size_t i = 0; i < 3; i++) {
		nur_time start = nur_now();
		struct nur_timer timer;
		struct host host;

		init_host(&host);
		nur_timer_init(&timer, actions[i], &host);
		nur_timer_set(&timer, start + NUR_SEC(3));
		ck_assert_int_eq(wait_for_the_host(&host), 0);
		ck_assert_int_eq(nur_now(), start + NUR_SEC(3));
		nur_timer_stop(&timer);
	}
}
END_TEST

static void
read_and_act(int fd, unsigned events, void *arg)
{
	char byte;

	ck_assert_uint_eq(events, NUR_WATCH_READ);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	actions[(int)byte](arg);
}

IN_RUN_TEST(x29_a_watched_descriptor_wakes_tasks_in_the_same_pass)
{
	struct nur_watch *watch;
	struct host host;
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(nur_watch_open(pair[0], read_and_act, &host, &watch), 0);
	ck_assert_int_eq(nur_watch_set(watch, NUR_WATCH_READ), 0);
	for (char i = 0; i < 3; i++) {
		init_host(&host);
		ck_assert_int_eq(send(pair[1], &i, 1, MSG_NOSIGNAL), 1);
		ck_assert_int_eq(wait_for_the_host(&host), 0);
	}
	nur_watch_close(watch);
	ck_assert_int_eq(close(pair[0]), 0);
	ck_assert_int_eq(close(pair[1]), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("callbacks");
	TCase *tc = tcase_create("callbacks");

	tcase_add_test(tc, x29_a_call_on_the_loop_wakes_tasks_in_the_same_pass);
	tcase_add_test(tc, x29_a_timer_wakes_tasks_in_the_same_pass);
	tcase_add_test(tc, x29_a_watched_descriptor_wakes_tasks_in_the_same_pass);
	suite_add_tcase(suite, tc);
	return suite;
}
