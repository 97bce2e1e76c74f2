/* SPDX-License-Identifier: MIT */
/* Hooks that cancel, while the run is in the middle of something. */
#include <sys/socket.h>

#include "tests/support/guest_host.h"

/*
 * is_armed  the next hook cancels scope
 * is_over   who was in it has ended
 * victim    of a hook that is called for tasks: its own is not the one
 */
static struct nur_cancel_scope scope;
static struct nur_nursery nursery;
static bool is_armed, is_over;
static struct nur_task *victim;
static int results[2];

static void
set_up(void)
{
	nur_cancel_scope_init(&scope);
	is_armed = is_over = false;
	victim = NULL;
	results[0] = results[1] = -1;
}

static int
cancel_once(nur_time timeout, void *unused)
{
	if (is_armed) {
		is_armed = false;
		nur_cancel_scope_cancel(&scope, "from a hook");
	}
	return 0;
}

static int
cancel_victim(struct nur_task *task, void *unused)
{
	return task == victim ? 0 : cancel_once(0, NULL);
}

static struct nur_instrument before_wait = { .before_io_wait = cancel_once };
static struct nur_instrument after_wait = { .after_io_wait = cancel_once };
static struct nur_instrument scheduled = { .task_scheduled = cancel_victim };

static void
arm(struct nur_instrument *instrument)
{
	ck_assert_int_eq(nur_instrument_add(instrument), 0);
	is_armed = true;
}

/* ---- waiting for the kernel ---- */

static int
sleep_in_scope(void *unused)
{
	return NUR_WITHIN(&scope, nur_sleep_forever());
}

static int
sleep_with_hook(void *unused)
{
	arm(&before_wait);
	return sleep_in_scope(NULL);
}

IN_RUN_TEST(who_is_cancelled_before_the_wait_does_not_wait)
{
	ck_assert_int_eq(sleep_with_hook(NULL), 0);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

START_TEST(nor_does_a_guest)
{
	struct t_host host;

	t_host_open(&host);
	t_host_start(&host, sleep_with_hook, NULL, NULL);
	ck_assert_int_eq(t_host_run(&host), 0);
	t_host_close(&host);
	ck_assert(nur_cancel_scope_cancelled_caught(&scope));
}
END_TEST

static int
sleep_and_clean_up(void *unused)
{
	int r = sleep_in_scope(NULL);

	ck_assert_int_eq(nur_checkpoint(), 0);
	is_over = true;
	return r;
}

static void
wait_for_idleness_under(struct nur_instrument *instrument)
{
	t_open(&nursery);
	t_start(&nursery, sleep_and_clean_up, NULL);
	t_settle();
	arm(instrument);
	t_settle();
	ck_assert(is_over);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}

IN_RUN_TEST(what_a_hook_wakes_before_the_wait_is_no_idleness)
{
	wait_for_idleness_under(&before_wait);
}
END_TEST

IN_RUN_TEST(nor_is_what_it_wakes_after_it)
{
	wait_for_idleness_under(&after_wait);
}
END_TEST

/* ---- waking several ---- */

static struct nur_send_channel *sender;
static struct nur_receive_channel *receiver;

static int
wait_for_idleness(void)
{
	return nur_wait_all_tasks_blocked(0);
}

static int
receive(void)
{
	int value;

	return nur_channel_receive(receiver, &value);
}

struct waiting {
	int (*wait)(void);
};

static int
wait_outside(void *waiting)
{
	results[0] = ((struct waiting *)waiting)->wait();
	return 0;
}

static int
wait_in_scope(void *waiting)
{
	victim = nur_current_task();
	return NUR_WITHIN(&scope, results[1] = ((struct waiting *)waiting)->wait());
}

/* Whose turn comes after this task's in one pass has it before the next but one. */
static void
let_it_wait(void)
{
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_int_eq(nur_checkpoint(), 0);
}

/* Two who wait for the same; the wake-up of the first cancels the second. */
static void
start_two(struct waiting *waiting)
{
	t_open(&nursery);
	t_start(&nursery, wait_outside, waiting);
	let_it_wait();
	t_start(&nursery, wait_in_scope, waiting);
	let_it_wait();
	ck_assert_ptr_nonnull(victim);
	arm(&scheduled);
}

IN_RUN_TEST(waking_one_who_waits_for_idleness_may_cancel_another)
{
	struct waiting waiting = { wait_for_idleness };

	start_two(&waiting);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], NUR_ECANCELED);
}
END_TEST

IN_RUN_TEST(so_may_waking_one_who_receives)
{
	struct waiting waiting = { receive };

	ck_assert_int_eq(nur_channel_open(sizeof(int), 0, &sender, &receiver), 0);
	start_two(&waiting);
	nur_send_channel_destroy(sender);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	nur_receive_channel_destroy(receiver);
	ck_assert_int_eq(results[0], NUR_EENDOFCHANNEL);
	ck_assert_int_eq(results[1], NUR_ECANCELED);
}
END_TEST

/* ---- closing what is being looked at ---- */

static struct nur_stream *left, *right;
static char bytes[4096];

static enum nur_abort
close_left(struct nur_task *task, void *unused)
{
	nur_stream_close(left);
	return NUR_ABORT_SUCCEEDED;
}

static int
close_left_when_cancelled(void *unused)
{
	victim = nur_current_task();
	return NUR_WITHIN(&scope, nur_wait_task_rescheduled("nothing", close_left, NULL));
}

static int
send_left(void *unused)
{
	results[0] = nur_stream_send_all(left, bytes, sizeof(bytes));
	return 0;
}

static int
receive_left(void *unused)
{
	return (int)nur_stream_receive_some(left, bytes, sizeof(bytes));
}

/* Nobody receives any more, but the descriptor is still watched for that. */
static void
open_streams(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(nur_stream_open(fds[0], &left), 0);
	ck_assert_int_eq(nur_stream_open(fds[1], &right), 0);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, receive_left, NULL, NULL), 0);
	while (send(nur_stream_fd(left), bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

IN_RUN_TEST(a_stream_may_be_closed_while_its_sender_is_woken)
{
	open_streams();
	t_open(&nursery);
	t_start(&nursery, send_left, NULL);
	t_start(&nursery, close_left_when_cancelled, NULL);
	t_settle();
	arm(&scheduled);
	ck_assert_int_eq(send(nur_stream_fd(right), "x", 1, MSG_NOSIGNAL), 1);
	while (recv(nur_stream_fd(right), bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(results[0], NUR_ECLOSED);
	nur_stream_destroy(left);
	nur_stream_destroy(right);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("instrument");
	TCase *tc = tcase_create("hooks that cancel");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, who_is_cancelled_before_the_wait_does_not_wait);
	tcase_add_test(tc, nor_does_a_guest);
	tcase_add_test(tc, what_a_hook_wakes_before_the_wait_is_no_idleness);
	tcase_add_test(tc, nor_is_what_it_wakes_after_it);
	tcase_add_test(tc, waking_one_who_waits_for_idleness_may_cancel_another);
	tcase_add_test(tc, so_may_waking_one_who_receives);
	tcase_add_test(tc, a_stream_may_be_closed_while_its_sender_is_woken);
	suite_add_tcase(suite, tc);
	return suite;
}
