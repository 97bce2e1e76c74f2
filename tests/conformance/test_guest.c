/* SPDX-License-Identifier: MIT */
/* Rows 236-241, X19 and X29 on a host's own event_base. What else a guest can do is in tests/unit. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/guest_host.h"

static int
yield_and_return(void *code)
{
	int r = nur_checkpoint();

	return r < 0 ? r : t_return(code);
}

static int
fail_with_text(void *arg)
{
	return nur_fail(-EIO, "whoopsiedaisy");
}

START_TEST(r236_the_result_arrives_in_the_done_callback)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, yield_and_return, T_CODE(7), NULL);
	ck_assert(!host.is_done);
	ck_assert_int_eq(t_host_run(&host), 7);
	ck_assert_uint_eq(host.errors.n, 0);
	t_host_close(&host);
}
END_TEST

START_TEST(r236_the_error_arrives_in_the_done_callback)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, fail_with_text, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), -EIO);
	ck_assert_uint_eq(host.errors.n, 1);
	ck_assert_str_eq(host.errors.items[0].task, "main");
	ck_assert_str_eq(host.errors.items[0].text, "whoopsiedaisy");
	t_host_close(&host);
}
END_TEST

static int
receive_a_byte(void *fd)
{
	char byte;
	int r = nur_wait_readable(*(int *)fd);

	if (r == 0) {
		ck_assert_int_eq(recv(*(int *)fd, &byte, 1, 0), 1);
		t_note("%c", byte);
	}
	return r;
}

static int
talk_over_a_pair(void *arg)
{
	struct nur_nursery nursery;
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	t_open(&nursery);
	t_start(&nursery, receive_a_byte, &pair[0]);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "x");
	ck_assert_int_eq(close(pair[0]), 0);
	ck_assert_int_eq(close(pair[1]), 0);
	return 0;
}

START_TEST(r237_descriptors_work)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, talk_over_a_pair, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	t_host_close(&host);
}
END_TEST

static int
note_main(void *arg)
{
	t_note("main");
	return nur_checkpoint();
}

static int
note_system(void *arg)
{
	t_note("system");
	return nur_checkpoint();
}

static void
note_call(void *arg)
{
	t_note("call");
}

START_TEST(r238_when_starting_returns_nothing_of_main_has_run)
{
	struct nur_call call;
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, note_main, NULL, NULL);
	ck_assert_str_eq(t_notes(), "");
	ck_assert(!nur_in_run());

	ck_assert_int_eq(nur_guest_enter(host.guest), 0);
	ck_assert(nur_in_run());
	ck_assert(!nur_in_task());
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1); /* main, not begun */
	nur_call_init(&call, note_call, NULL);
	nur_call_soon(&call);
	ck_assert_int_eq(nur_spawn_system_task(NULL, note_system, NULL), 0);
	nur_guest_leave(host.guest);
	ck_assert(!nur_in_run());
	ck_assert_str_eq(t_notes(), "");

	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_msg(strcmp(t_notes(), "call main system") == 0 ||
			      strcmp(t_notes(), "call system main") == 0,
		"%s", t_notes());
	t_host_close(&host);
}
END_TEST

static void
never_done(int result, struct nur_errors *errors, void *user)
{
	ck_abort_msg("there was no run");
}

START_TEST(r238_what_is_missing_is_said_by_the_start)
{
	struct nur_run_options run = { .stack_size = 1 };
	struct nur_guest_options options = {
		.base = event_base_new(),
		.fn = note_main,
		.run = &run,
		.done = never_done,
	};
	struct nur_guest *guest = NULL;

	ck_assert_ptr_nonnull(options.base);
	ck_assert_int_eq(nur_guest_start(&options, &guest), -EINVAL);
	ck_assert_ptr_null(guest);
	ck_assert_int_eq(event_base_dispatch(options.base), 1); /* has no events */
	event_base_free(options.base);
}
END_TEST

/* What a host's callback does inside, and whether the task was woken before the host's next turn. */
struct act {
	struct t_host *host;
	struct nur_cancel_scope scope;
	struct nur_event event;
	void (*action)(struct act *act);
	bool is_over;
};

static void
cancel_the_scope(struct act *act)
{
	nur_cancel_scope_cancel(&act->scope, "host");
}

static void
set_the_event(struct act *act)
{
	nur_event_set(&act->event);
}

static void
move_the_deadline(struct act *act)
{
	nur_cancel_scope_set_deadline(&act->scope, NUR_LONG_AGO);
}

static void (*const actions[])(
	struct act *act) = { cancel_the_scope, set_the_event, move_the_deadline };

static void
assert_over(void *arg)
{
	struct act *act = arg;

	ck_assert(act->is_over);
}

static void
act_in_the_host(void *arg)
{
	struct act *act = arg;

	ck_assert_int_eq(nur_guest_enter(act->host->guest), 0);
	act->action(act);
	nur_guest_leave(act->host->guest);
	ck_assert(!act->is_over);
	t_host_call(act->host->base, assert_over, act);
}

static void
act_with_the_host(struct t_host *host, size_t i)
{
	struct act act = { .host = host, .action = actions[i] };

	nur_cancel_scope_init(&act.scope);
	nur_event_init(&act.event);
	t_host_call(host->base, act_in_the_host, &act);
	ck_assert_int_eq(NUR_WITHIN(&act.scope, nur_event_wait(&act.event)), 0);
	act.is_over = true;
	ck_assert_int_eq(nur_sleep(NUR_MSEC(1)), 0); /* the host has its next turn meanwhile */
}

static int
wait_for_each_action(void *host)
{
	for (size_t i = 0; i < 3; i++) {
		act_with_the_host(host, i);
	}
	return 0;
}

static int
wait_for_the_event(void *host)
{
	act_with_the_host(host, 1);
	return 0;
}

START_TEST(r239_a_callback_of_the_host_wakes_a_task)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, wait_for_the_event, &host, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	t_host_close(&host);
}
END_TEST

START_TEST(x29_a_hosts_callback_wakes_tasks_in_the_same_turn)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, wait_for_each_action, &host, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	t_host_close(&host);
}
END_TEST

/* What outlives the abandoned tasks that wait for it, or use it. */
static struct {
	struct nur_event event;
	struct nur_lock lock;
	struct nur_timer timer;
	struct nur_call call;
	struct nur_watch *watch;
	int pair[2];
} outside;

static void
never(void *arg)
{
	ck_abort_msg("an abandoned run called");
}

static void
never_ready(int fd, unsigned events, void *arg)
{
	never(arg);
}

static int
wait_outside(void *arg)
{
	return nur_event_wait(&outside.event);
}

static int
lock_outside(void *arg)
{
	return nur_lock_acquire(&outside.lock);
}

static int
read_outside(void *arg)
{
	return nur_wait_readable(outside.pair[0]);
}

static int
hang_up_outside(void *arg)
{
	return nur_wait_hangup(outside.pair[0]);
}

static int
yield_forever(void *arg)
{
	for (;;) {
		int r = nur_checkpoint();

		if (r < 0) {
			return r;
		}
	}
}

static int
use_everything(void *base)
{
	struct nur_nursery nursery;

	nur_timer_init(&outside.timer, never, NULL);
	nur_timer_set(&outside.timer, nur_time_add(nur_now(), NUR_SEC(3600)));
	ck_assert_int_eq(nur_watch_open(outside.pair[1], never_ready, NULL, &outside.watch), 0);
	ck_assert_int_eq(nur_watch_set(outside.watch, NUR_WATCH_READ), 0);
	t_open(&nursery);
	ck_assert_int_eq(nur_lock_acquire(&outside.lock), 0);
	t_start(&nursery, wait_outside, NULL);
	t_start(&nursery, lock_outside, NULL);
	t_start(&nursery, read_outside, NULL);
	t_start(&nursery, hang_up_outside, NULL);
	t_start(&nursery, t_sleep_forever, NULL);
	t_settle();
	t_start(&nursery, yield_forever, NULL);
	nur_call_init(&outside.call, never, NULL);
	nur_call_soon(&outside.call);
	ck_assert_int_eq(event_base_loopbreak(base), 0);
	return nur_nursery_close(&nursery, 0, NULL);
}

static void
abandon_a_guest(void)
{
	struct t_host host;

	nur_event_init(&outside.event);
	nur_lock_init(&outside.lock);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, outside.pair),
		0);
	t_host_open(&host);
	t_host_start(&host, use_everything, host.base, NULL);
	ck_assert_int_eq(event_base_dispatch(host.base), 0);
	ck_assert(!host.is_done);
	nur_guest_destroy(host.guest);
	host.guest = NULL;

	/* Nobody is there any more, and the base is the host's alone. */
	ck_assert_uint_eq(nur_event_n_waiting(&outside.event), 0);
	nur_event_set(&outside.event);
	ck_assert_ptr_null(nur_lock_owner(&outside.lock));
	nur_timer_stop(&outside.timer);
	nur_call_cancel(&outside.call);
	ck_assert_int_eq(send(outside.pair[1], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(send(outside.pair[0], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(event_base_dispatch(host.base), 1);
	ck_assert_int_eq(nur_watch_set(outside.watch, NUR_WATCH_WRITE), NUR_ERUNFINISHED);
	nur_watch_close(outside.watch);
	ck_assert(!host.is_done);
	t_host_close(&host);
	(void)close(outside.pair[0]);
	(void)close(outside.pair[1]);
}

START_TEST(r241_a_host_that_stops_too_early_gets_a_warning)
{
	char text[4096];
	int status = t_in_child(abandon_a_guest, text, sizeof(text));

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", text);
	ck_assert_str_eq(text,
		"libnursery: a guest's run was abandoned: 7 tasks had not ended, and their cleanup "
		"did not run\n");
}
END_TEST

static void
ignore_the_message(int severity, const char *text)
{
}

static int
run_the_hosts_loop(void *base)
{
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), -1);
	ck_assert_int_eq(nur_run(t_return, T_CODE(0), NULL, NULL), NUR_ENESTEDRUN);
	return nur_checkpoint();
}

START_TEST(x19_a_guests_task_cannot_run_the_hosts_loop)
{
	struct t_host host;

	event_set_log_callback(ignore_the_message); /* libevent's own, on standard error */
	t_host_open(&host);
	t_host_start(&host, run_the_hosts_loop, host.base, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	ck_assert_int_eq(nur_run(t_return, T_CODE(3), NULL, NULL), 3);
	t_host_close(&host);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("guest");
	TCase *tc = tcase_create("guest");

	tcase_add_test(tc, r236_the_result_arrives_in_the_done_callback);
	tcase_add_test(tc, r236_the_error_arrives_in_the_done_callback);
	tcase_add_test(tc, r237_descriptors_work);
	tcase_add_test(tc, r238_when_starting_returns_nothing_of_main_has_run);
	tcase_add_test(tc, r238_what_is_missing_is_said_by_the_start);
	tcase_add_test(tc, r239_a_callback_of_the_host_wakes_a_task);
	tcase_add_test(tc, x29_a_hosts_callback_wakes_tasks_in_the_same_turn);
	tcase_add_test(tc, r241_a_host_that_stops_too_early_gets_a_warning);
	tcase_add_test(tc, x19_a_guests_task_cannot_run_the_hosts_loop);
	suite_add_tcase(suite, tc);
	return suite;
}
