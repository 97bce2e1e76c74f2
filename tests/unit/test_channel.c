/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>
#include <string.h>

static struct nur_send_channel *sender;
static struct nur_receive_channel *receiver;

static void
open_channel(size_t capacity)
{
	ck_assert_int_eq(nur_channel_open(sizeof(int), capacity, &sender, &receiver), 0);
}

static void
tear_down(void)
{
	nur_send_channel_destroy(sender);
	nur_receive_channel_destroy(receiver);
	sender = NULL;
	receiver = NULL;
}

static struct nur_channel_statistics
statistics(void)
{
	struct nur_channel_statistics counted;

	nur_send_channel_statistics(sender, &counted);
	return counted;
}

static int
receive_one(void)
{
	int value = -1;

	ck_assert_int_eq(nur_channel_receive(receiver, &value), 0);
	return value;
}

/* What a task of these tests did: the result of its call, and the value. */
struct outcome {
	int result;
	int value;
};

static int
send_value(void *arg)
{
	struct outcome *outcome = arg;

	outcome->result = nur_channel_send(sender, &outcome->value);
	return 0;
}

static int
receive_value(void *arg)
{
	struct outcome *outcome = arg;

	outcome->result = nur_channel_receive(receiver, &outcome->value);
	return 0;
}

static int
send_or_fail(void *arg)
{
	return nur_channel_send(sender, arg);
}

static int
receive_or_fail(void *arg)
{
	return nur_channel_receive(receiver, arg);
}

T_TASK_TEST(values_arrive_in_order)
{
	open_channel(3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_channel_send(sender, &i), 0);
	}
	ck_assert_int_eq(nur_channel_send_nowait(sender, &(int){ 3 }), NUR_EWOULDBLOCK);

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(receive_one(), i);
	}
	ck_assert_int_eq(nur_channel_receive_nowait(receiver, &(int){ 0 }), NUR_EWOULDBLOCK);
	return 0;
}

T_TASK_TEST(the_ring_grows_around_its_end)
{
	int next = 0, expected = 0;

	open_channel(NUR_CHANNEL_UNBOUNDED);
	for (int round = 1; round < 40; round++) {
		for (int i = 0; i < round; i++, next++) {
			ck_assert_int_eq(nur_channel_send_nowait(sender, &next), 0);
		}
		for (int i = 0; i < round / 2; i++, expected++) {
			ck_assert_int_eq(receive_one(), expected);
		}
	}

	while (expected < next) {
		ck_assert_int_eq(receive_one(), expected++);
	}
	return 0;
}

T_TASK_TEST(without_buffer_a_send_completes_with_a_receive)
{
	struct outcome sent = { .result = 1, .value = 7 };
	int rc = 0;

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_channel_send_nowait(sender, &(int){ 1 }), NUR_EWOULDBLOCK);
		t_start(nursery, send_value, &sent);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(sent.result, 1);
		ck_assert_int_eq(receive_one(), 7);
	}
	ck_assert_int_eq(sent.result, 0);
	return rc;
}

T_TASK_TEST(waiting_receivers_are_served_in_the_order_of_arrival)
{
	struct outcome received[3] = { 0 };
	int rc = 0;

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, receive_value, &received[i]);
			t_wait_all_tasks_blocked();
		}
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(nur_channel_send_nowait(sender, &i), 0);
		}
		ck_assert_int_eq(nur_channel_send_nowait(sender, &(int){ 9 }), NUR_EWOULDBLOCK);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(received[i].result, 0);
		ck_assert_int_eq(received[i].value, i);
	}
	return rc;
}

T_TASK_TEST(waiting_senders_keep_the_order_of_values)
{
	struct outcome sent[3] = { { 1, 10 }, { 1, 11 }, { 1, 12 } };
	int rc = 0;

	open_channel(1);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			t_start(nursery, send_value, &sent[i]);
			t_wait_all_tasks_blocked();
		}
		ck_assert_uint_eq(statistics().n_waiting_senders, 2);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(receive_one(), 10 + i);
		}
	}
	return rc;
}

static int n_ran;

static int
count(void *arg)
{
	n_ran++;
	return 0;
}

T_TASK_TEST(success_at_once_lets_others_run)
{
	int rc = 0, value = 0;

	open_channel(8);
	n_ran = 0;
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, count, NULL);
		ck_assert_int_eq(
			nur_channel_send(sender, &value), 0); /* in one pass, in any order */
		ck_assert_int_eq(nur_channel_send(sender, &value), 0);
		ck_assert_int_eq(n_ran, 1);
		t_start(nursery, count, NULL);
		ck_assert_int_eq(nur_channel_receive(receiver, &value), 0);
		ck_assert_int_eq(nur_channel_receive(receiver, &value), 0);
		ck_assert_int_eq(n_ran, 2);
	}
	return rc;
}

T_TASK_TEST(a_cancelled_task_sends_and_receives_nothing)
{
	struct nur_cancel_scope scope;
	int value = 1;

	open_channel(2);
	ck_assert_int_eq(nur_channel_send(sender, &value), 0);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);

	ck_assert_int_eq(nur_channel_send(sender, &value), NUR_ECANCELED);
	ck_assert_int_eq(nur_channel_receive(receiver, &value), NUR_ECANCELED);
	ck_assert_uint_eq(statistics().n_buffered, 1);
	return nur_cancel_scope_leave(&scope, NUR_ECANCELED);
}

T_TASK_TEST(cancelled_waiters_are_forgotten)
{
	bool has_timed_out;
	int value = 1;

	open_channel(0);
	ck_assert_int_eq(
		nur_move_on_after(NUR_SEC(60), 0, send_or_fail, &value, &has_timed_out), 0);
	ck_assert(has_timed_out);
	ck_assert_int_eq(
		nur_move_on_after(NUR_SEC(60), 0, receive_or_fail, &value, &has_timed_out), 0);
	ck_assert(has_timed_out);

	ck_assert_uint_eq(statistics().n_waiting_senders, 0);
	ck_assert_uint_eq(statistics().n_waiting_receivers, 0);
	ck_assert_int_eq(nur_channel_send_nowait(sender, &value), NUR_EWOULDBLOCK);
	return 0;
}

T_TASK_TEST(what_is_buffered_arrives_before_the_end)
{
	int value = 5;

	open_channel(4);
	ck_assert_int_eq(nur_channel_send(sender, &value), 0);
	nur_send_channel_close(sender);

	ck_assert_int_eq(receive_one(), 5);
	ck_assert_int_eq(nur_channel_receive(receiver, &value), NUR_EENDOFCHANNEL);
	ck_assert_int_eq(nur_channel_receive_nowait(receiver, &value), NUR_EENDOFCHANNEL);
	return 0;
}

T_TASK_TEST(a_closed_handle_says_so)
{
	struct nur_send_channel *send_clone;
	struct nur_receive_channel *receive_clone;
	int value = 0;

	open_channel(1);
	nur_send_channel_close(sender);
	nur_send_channel_close(sender);
	nur_receive_channel_close(receiver);
	nur_receive_channel_close(receiver);

	ck_assert_int_eq(nur_channel_send(sender, &value), NUR_ECLOSED);
	ck_assert_int_eq(nur_channel_send_nowait(sender, &value), NUR_ECLOSED);
	ck_assert_int_eq(nur_send_channel_clone(sender, &send_clone), NUR_ECLOSED);
	ck_assert_int_eq(nur_channel_receive(receiver, &value), NUR_ECLOSED);
	ck_assert_int_eq(nur_channel_receive_nowait(receiver, &value), NUR_ECLOSED);
	ck_assert_int_eq(nur_receive_channel_clone(receiver, &receive_clone), NUR_ECLOSED);
	return 0;
}

T_TASK_TEST(closing_the_sender_wakes_both_sides)
{
	struct outcome sent = { 0 }, received = { 0 };
	int rc = 0;

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, send_value, &sent);
		t_wait_all_tasks_blocked();
		nur_send_channel_close(sender);
	}
	ck_assert_int_eq(sent.result, NUR_ECLOSED);
	tear_down();

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_value, &received);
		t_wait_all_tasks_blocked();
		nur_send_channel_close(sender);
	}
	ck_assert_int_eq(received.result, NUR_EENDOFCHANNEL);
	return rc;
}

T_TASK_TEST(closing_the_receiver_wakes_both_sides)
{
	struct outcome sent = { 0 }, received = { 0 };
	int rc = 0, value = 0;

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_value, &received);
		t_wait_all_tasks_blocked();
		nur_receive_channel_close(receiver);
	}
	ck_assert_int_eq(received.result, NUR_ECLOSED);
	ck_assert_int_eq(nur_channel_send(sender, &value), NUR_EBROKEN);
	ck_assert_int_eq(nur_channel_send_nowait(sender, &value), NUR_EBROKEN);
	tear_down();

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, send_value, &sent);
		t_wait_all_tasks_blocked();
		nur_receive_channel_close(receiver);
	}
	ck_assert_int_eq(sent.result, NUR_EBROKEN);
	return rc;
}

T_TASK_TEST(the_last_of_several_senders_ends_the_channel)
{
	struct nur_send_channel *clone;
	int value = 1;

	open_channel(4);
	ck_assert_int_eq(nur_send_channel_clone(sender, &clone), 0);
	ck_assert_uint_eq(statistics().n_open_senders, 2);
	nur_send_channel_close(sender);
	ck_assert_int_eq(nur_channel_send(clone, &value), 0);
	ck_assert_int_eq(receive_one(), 1);
	ck_assert_int_eq(nur_channel_receive_nowait(receiver, &value), NUR_EWOULDBLOCK);

	nur_send_channel_destroy(clone);
	ck_assert_int_eq(nur_channel_receive_nowait(receiver, &value), NUR_EENDOFCHANNEL);
	return 0;
}

T_TASK_TEST(closing_a_receiver_leaves_its_clone_waiting)
{
	struct nur_receive_channel *clone;
	struct outcome received = { 0 };
	int rc = 0;

	open_channel(0);
	ck_assert_int_eq(nur_receive_channel_clone(receiver, &clone), 0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_value, &received);
		t_wait_all_tasks_blocked();
		nur_receive_channel_destroy(clone);
		t_wait_all_tasks_blocked();
		ck_assert_uint_eq(statistics().n_waiting_receivers, 1);
		ck_assert_int_eq(nur_channel_send(sender, &(int){ 3 }), 0);
	}
	ck_assert_int_eq(received.result, 0);
	ck_assert_int_eq(received.value, 3);
	return rc;
}

struct consumer {
	struct nur_receive_channel *receiver;
	int n;
};

static int
consume(void *arg)
{
	struct consumer *consumer = arg;
	int value, r;

	while ((r = nur_channel_receive(consumer->receiver, &value)) == 0) {
		consumer->n++;
	}
	nur_receive_channel_destroy(consumer->receiver);
	return r == NUR_EENDOFCHANNEL ? 0 : r;
}

T_TASK_TEST(several_consumers_share_the_values)
{
	struct consumer consumers[2] = { 0 };
	int rc = 0;

	open_channel(0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(
				nur_receive_channel_clone(receiver, &consumers[i].receiver), 0);
			t_start(nursery, consume, &consumers[i]);
		}
		for (int i = 0; i < 10; i++) {
			ck_assert_int_eq(nur_channel_send(sender, &i), 0);
		}
		nur_send_channel_close(sender);
	}
	ck_assert_int_eq(consumers[0].n + consumers[1].n, 10);
	ck_assert_int_gt(consumers[0].n, 0);
	ck_assert_int_gt(consumers[1].n, 0);
	return rc;
}

T_TASK_TEST(the_statistics_remember_the_peak)
{
	int value = 0;

	open_channel(5);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(nur_channel_send(sender, &value), 0);
	}
	(void)receive_one();

	ck_assert_uint_eq(statistics().n_buffered, 2);
	ck_assert_uint_eq(statistics().max_buffered, 3);
	ck_assert_uint_eq(statistics().capacity, 5);
	ck_assert_uint_eq(statistics().n_open_receivers, 1);
	return 0;
}

static void
send_from_loop(void *arg)
{
	ck_assert_int_eq(nur_channel_send_nowait(sender, &(int){ 42 }), 0);
}

T_TASK_TEST(a_callback_of_the_loop_may_send)
{
	struct nur_call call;

	open_channel(0);
	nur_call_init(&call, send_from_loop, NULL);
	nur_call_soon(&call);

	/* The call comes in the next pass, when this task waits. */
	ck_assert_int_eq(receive_one(), 42);
	return 0;
}

START_TEST(impossible_channels_are_refused)
{
	ck_assert_int_eq(nur_channel_open(0, 1, &sender, &receiver), -EINVAL);
	nur_send_channel_destroy(NULL);
	nur_receive_channel_destroy(NULL);
}
END_TEST

START_TEST(outside_a_task_nobody_waits)
{
	int value = 0;

	open_channel(1);
	ck_assert_int_eq(nur_channel_send(sender, &value), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_channel_receive(receiver, &value), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = tcase_create("values");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, values_arrive_in_order);
	tcase_add_test(tcase, the_ring_grows_around_its_end);
	tcase_add_test(tcase, without_buffer_a_send_completes_with_a_receive);
	tcase_add_test(tcase, waiting_receivers_are_served_in_the_order_of_arrival);
	tcase_add_test(tcase, waiting_senders_keep_the_order_of_values);
	tcase_add_test(tcase, several_consumers_share_the_values);
	tcase_add_test(tcase, a_callback_of_the_loop_may_send);
	tcase_add_test(tcase, the_statistics_remember_the_peak);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("checkpoints");
	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, success_at_once_lets_others_run);
	tcase_add_test(tcase, a_cancelled_task_sends_and_receives_nothing);
	tcase_add_test(tcase, cancelled_waiters_are_forgotten);
	tcase_add_test(tcase, outside_a_task_nobody_waits);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("closing");
	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, what_is_buffered_arrives_before_the_end);
	tcase_add_test(tcase, a_closed_handle_says_so);
	tcase_add_test(tcase, closing_the_sender_wakes_both_sides);
	tcase_add_test(tcase, closing_the_receiver_wakes_both_sides);
	tcase_add_test(tcase, the_last_of_several_senders_ends_the_channel);
	tcase_add_test(tcase, closing_a_receiver_leaves_its_clone_waiting);
	tcase_add_test(tcase, impossible_channels_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
