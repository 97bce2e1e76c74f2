/* SPDX-License-Identifier: MIT */
/* Rows 155-172: memory channels, their handles, and what closing one does to the others. */
#include <errno.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

DEFINE_CLEANUP(struct nur_send_channel *, nur_send_channel_destroy);
DEFINE_CLEANUP(struct nur_receive_channel *, nur_receive_channel_destroy);

#define _sender_   _cleanup_(nur_send_channel_destroyp) struct nur_send_channel
#define _receiver_ _cleanup_(nur_receive_channel_destroyp) struct nur_receive_channel

static void
open_ints(size_t capacity, struct nur_send_channel **ret_sender,
	struct nur_receive_channel **ret_receiver)
{
	ck_assert_int_eq(nur_channel_open(sizeof(int), capacity, ret_sender, ret_receiver), 0);
}

static int
send_int(struct nur_send_channel *sender, int value)
{
	return nur_channel_send(sender, &value);
}

static int
send_int_nowait(struct nur_send_channel *sender, int value)
{
	return nur_channel_send_nowait(sender, &value);
}

/* The value received, which is positive here, or the error. */
static int
receive_int(struct nur_receive_channel *receiver)
{
	int value = 0;
	int r = nur_channel_receive(receiver, &value);

	return r < 0 ? r : value;
}

static int
receive_int_nowait(struct nur_receive_channel *receiver)
{
	int value = 0;
	int r = nur_channel_receive_nowait(receiver, &value);

	return r < 0 ? r : value;
}

static int
send_and_take_back(struct nur_send_channel *sender, struct nur_receive_channel *receiver)
{
	int r = send_int(sender, 9);

	return r < 0 ? r : receive_int_nowait(receiver);
}

static int
put_and_receive(struct nur_send_channel *sender, struct nur_receive_channel *receiver)
{
	(void)send_int_nowait(
		sender, 9); /* it is in the buffer already if the last receive was cancelled */
	return receive_int(receiver);
}

IN_RUN_TEST(r155_send_and_receive_are_checkpoints_even_when_they_succeed_at_once)
{
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(1, &sender, &receiver);
	t_assert_checkpoint(send_and_take_back(sender, receiver));
	t_assert_checkpoint(put_and_receive(sender, receiver));
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);
}
END_TEST

IN_RUN_TEST(r155_the_nowait_forms_say_would_block)
{
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(2, &sender, &receiver);
	t_assert_no_checkpoint(send_int_nowait(sender, 1));
	ck_assert_int_eq(send_int(sender, 2), 0);
	ck_assert_int_eq(send_int_nowait(sender, 3), NUR_EWOULDBLOCK);
	ck_assert_int_eq(receive_int(receiver), 1);
	ck_assert_int_eq(receive_int_nowait(receiver), 2);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);
}
END_TEST

IN_RUN_TEST(r156_buffered_items_arrive_before_the_end_of_the_channel)
{
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(2, &sender, &receiver);
	ck_assert_int_eq(send_int_nowait(sender, 1), 0);
	ck_assert_int_eq(send_int_nowait(sender, 2), 0);
	nur_send_channel_close(sender);

	ck_assert_int_eq(receive_int(receiver), 1);
	ck_assert_int_eq(receive_int_nowait(receiver), 2);
	ck_assert_int_eq(receive_int(receiver), NUR_EENDOFCHANNEL);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EENDOFCHANNEL);
}
END_TEST

IN_RUN_TEST(r157_every_use_of_a_closed_handle_says_closed)
{
	_sender_ *sender = NULL, *no_sender = NULL;
	_receiver_ *receiver = NULL, *no_receiver = NULL;

	open_ints(2, &sender, &receiver);
	nur_send_channel_close(sender);
	nur_send_channel_close(sender);
	ck_assert_int_eq(send_int(sender, 1), NUR_ECLOSED);
	ck_assert_int_eq(send_int_nowait(sender, 1), NUR_ECLOSED);
	ck_assert_int_eq(nur_send_channel_clone(sender, &no_sender), NUR_ECLOSED);

	nur_receive_channel_close(receiver);
	nur_receive_channel_close(receiver);
	ck_assert_int_eq(receive_int(receiver), NUR_ECLOSED);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_ECLOSED);
	ck_assert_int_eq(nur_receive_channel_clone(receiver, &no_receiver), NUR_ECLOSED);
	ck_assert(!no_sender && !no_receiver);
}
END_TEST

struct producer {
	struct nur_send_channel *sender;
	int number;
};

static int
produce_three(void *arg)
{
	struct producer *producer = arg;
	_sender_ *sender = producer->sender;

	for (int i = 0; i < 3; i++) {
		int r = send_int(sender, 3 * producer->number + i + 1);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

IN_RUN_TEST(r159_the_channel_ends_when_the_last_producer_has_closed)
{
	struct producer producers[10];
	bool has_come[31] = { false };
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;
	int r, n = 0;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	for (int i = 0; i < 10; i++) {
		producers[i].number = i;
		ck_assert_int_eq(nur_send_channel_clone(sender, &producers[i].sender), 0);
		t_start(&nursery, produce_three, &producers[i]);
	}
	nur_send_channel_close(sender);
	while ((r = receive_int(receiver)) > 0) {
		ck_assert_int_le(r, 30);
		ck_assert(!has_come[r]);
		has_come[r] = true;
		n++;
	}
	ck_assert_int_eq(r, NUR_EENDOFCHANNEL);
	ck_assert_int_eq(n, 30);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

struct consumer {
	struct nur_receive_channel *receiver;
	int n_received;
	int sum;
};

static int
consume_all(void *arg)
{
	struct consumer *consumer = arg;
	int r;

	while ((r = receive_int(consumer->receiver)) > 0) {
		consumer->n_received++;
		consumer->sum += r;
	}
	return r == NUR_EENDOFCHANNEL ? 0 : r;
}

IN_RUN_TEST(r160_several_consumers_share_the_items)
{
	struct consumer consumers[5] = { { .n_received = 0 } };
	int n = 0, sum = 0;
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(1, &sender, &receiver);
	t_open(&nursery);
	for (int i = 0; i < 5; i++) {
		consumers[i].receiver = receiver;
		t_start(&nursery, consume_all, &consumers[i]);
	}
	t_settle();
	for (int i = 1; i <= 10; i++) {
		ck_assert_int_eq(send_int(sender, i), 0);
	}
	nur_send_channel_close(sender);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	for (int i = 0; i < 5; i++) {
		ck_assert_int_gt(consumers[i].n_received, 0);
		n += consumers[i].n_received;
		sum += consumers[i].sum;
	}
	ck_assert_int_eq(n, 10);
	ck_assert_int_eq(sum, 55);
}
END_TEST

static void
note_outcome(const char *success, int r)
{
	switch (r) {
	case NUR_ECLOSED:
		t_note("closed");
		break;
	case NUR_EBROKEN:
		t_note("broken");
		break;
	case NUR_EENDOFCHANNEL:
		t_note("end");
		break;
	default:
		t_note("%s", r < 0 ? nur_strerror(r) : success);
		break;
	}
}

static int
send_and_note(void *sender)
{
	note_outcome("sent", send_int(sender, 1));
	return 0;
}

static int
receive_and_note(void *receiver)
{
	note_outcome("got", receive_int(receiver));
	return 0;
}

IN_RUN_TEST(r161_closing_a_send_handle_wakes_its_senders)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, send_and_note, sender);
	t_settle();
	nur_send_channel_close(sender);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "closed");
	ck_assert_int_eq(send_int_nowait(sender, 1), NUR_ECLOSED);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EENDOFCHANNEL);
	ck_assert_int_eq(receive_int(receiver), NUR_EENDOFCHANNEL);
}
END_TEST

IN_RUN_TEST(r161_closing_the_last_send_handle_ends_the_receivers)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, receive_and_note, receiver);
	t_start(&nursery, receive_and_note, receiver);
	t_settle();
	nur_send_channel_close(sender);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "end end");
}
END_TEST

IN_RUN_TEST(r162_closing_the_last_receive_handle_breaks_the_senders)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, send_and_note, sender);
	t_settle();
	nur_receive_channel_close(receiver);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "broken");
	ck_assert_int_eq(send_int_nowait(sender, 1), NUR_EBROKEN);
	ck_assert_int_eq(send_int(sender, 1), NUR_EBROKEN);
}
END_TEST

IN_RUN_TEST(r164_closing_is_no_checkpoint)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, receive_and_note, receiver);
	t_settle();
	t_assert_no_checkpoint((nur_receive_channel_close(receiver), 0));
	t_assert_no_checkpoint((nur_send_channel_close(sender), 0));
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "closed");
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_ECLOSED);
	ck_assert_int_eq(receive_int(receiver), NUR_ECLOSED);
}
END_TEST

IN_RUN_TEST(r165_sending_works_until_the_last_receive_handle_is_closed)
{
	_sender_ *sender = NULL;
	_receiver_ *first = NULL, *second = NULL, *third = NULL, *none = NULL;

	open_ints(10, &sender, &first);
	ck_assert_int_eq(nur_receive_channel_clone(first, &second), 0);
	ck_assert_int_eq(nur_receive_channel_clone(first, &third), 0);
	ck_assert_int_eq(send_int_nowait(sender, 1), 0);
	nur_receive_channel_close(first);
	nur_receive_channel_close(second);
	ck_assert_int_eq(nur_receive_channel_clone(first, &none), NUR_ECLOSED);
	ck_assert_int_eq(nur_receive_channel_clone(second, &none), NUR_ECLOSED);
	ck_assert_int_eq(send_int_nowait(sender, 2), 0);
	nur_receive_channel_close(third);

	ck_assert_int_eq(send_int_nowait(sender, 3), NUR_EBROKEN);
}
END_TEST

IN_RUN_TEST(r167_closing_one_receive_handle_leaves_the_others_alone)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *first = NULL, *second = NULL;

	open_ints(0, &sender, &first);
	ck_assert_int_eq(nur_receive_channel_clone(first, &second), 0);
	t_open(&nursery);
	t_start(&nursery, receive_and_note, first);
	t_start(&nursery, receive_and_note, second);
	t_settle();
	nur_receive_channel_close(first);
	t_settle();
	ck_assert_str_eq(t_notes(), "closed");
	ck_assert_int_eq(send_int(sender, 1), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "closed got");
}
END_TEST

IN_RUN_TEST(r167_closing_one_send_handle_leaves_the_others_alone)
{
	struct nur_nursery nursery;
	_sender_ *first = NULL, *second = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &first, &receiver);
	ck_assert_int_eq(nur_send_channel_clone(first, &second), 0);
	t_open(&nursery);
	t_start(&nursery, send_and_note, first);
	t_start(&nursery, send_and_note, second);
	t_settle();
	nur_send_channel_close(first);
	t_settle();
	ck_assert_str_eq(t_notes(), "closed");
	ck_assert_int_eq(receive_int(receiver), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "closed sent");
}
END_TEST

IN_RUN_TEST(r168_an_unlimited_channel_never_blocks_the_sender)
{
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(NUR_CHANNEL_UNBOUNDED, &sender, &receiver);
	for (int i = 1; i <= 1000; i++) {
		ck_assert_int_eq(send_int_nowait(sender, i), 0);
	}
	nur_send_channel_close(sender);
	for (int i = 1; i <= 1000; i++) {
		ck_assert_int_eq(receive_int_nowait(receiver), i);
	}
	ck_assert_int_eq(receive_int(receiver), NUR_EENDOFCHANNEL);
}
END_TEST

static struct nur_channel_statistics
counted(const struct nur_send_channel *sender)
{
	struct nur_channel_statistics statistics;

	nur_send_channel_statistics(sender, &statistics);
	return statistics;
}

IN_RUN_TEST(r169_statistics_show_the_buffer_and_the_handles)
{
	_sender_ *sender = NULL, *other_sender = NULL;
	_receiver_ *receiver = NULL, *other_receiver = NULL;
	struct nur_channel_statistics statistics;

	open_ints(2, &sender, &receiver);
	nur_receive_channel_statistics(receiver, &statistics);
	ck_assert_uint_eq(statistics.n_buffered, 0);
	ck_assert_uint_eq(statistics.max_buffered, 0);
	ck_assert_uint_eq(statistics.capacity, 2);
	ck_assert_uint_eq(statistics.n_open_senders, 1);
	ck_assert_uint_eq(statistics.n_open_receivers, 1);
	ck_assert_uint_eq(statistics.n_waiting_senders, 0);
	ck_assert_uint_eq(statistics.n_waiting_receivers, 0);

	ck_assert_int_eq(send_int_nowait(sender, 1), 0);
	ck_assert_int_eq(nur_send_channel_clone(sender, &other_sender), 0);
	ck_assert_int_eq(nur_receive_channel_clone(receiver, &other_receiver), 0);
	ck_assert_uint_eq(counted(sender).n_buffered, 1);
	ck_assert_uint_eq(counted(sender).n_open_senders, 2);
	ck_assert_uint_eq(counted(sender).n_open_receivers, 2);
	nur_send_channel_close(sender);
	nur_receive_channel_close(other_receiver);
	ck_assert_uint_eq(counted(other_sender).n_open_senders, 1);
	ck_assert_uint_eq(counted(other_sender).n_open_receivers, 1);

	ck_assert_int_eq(receive_int_nowait(receiver), 1);
	ck_assert_uint_eq(counted(other_sender).n_buffered, 0);
	ck_assert_uint_eq(counted(other_sender).max_buffered, 1);
}
END_TEST

IN_RUN_TEST(r169_cancelled_waiters_disappear_from_the_statistics)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, send_and_note, sender);
	t_start(&nursery, send_and_note, sender);
	t_settle();
	ck_assert_uint_eq(counted(sender).n_waiting_senders, 2);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_uint_eq(counted(sender).n_waiting_senders, 0);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);

	t_open(&nursery);
	t_start(&nursery, receive_and_note, receiver);
	t_settle();
	ck_assert_uint_eq(counted(sender).n_waiting_receivers, 1);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_uint_eq(counted(sender).n_waiting_receivers, 0);
	ck_assert_int_eq(send_int_nowait(sender, 1), NUR_EWOULDBLOCK);
}
END_TEST

IN_RUN_TEST(r172_without_a_buffer_a_send_completes_with_a_receive)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(0, &sender, &receiver);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);
	ck_assert_int_eq(send_int_nowait(sender, 1), NUR_EWOULDBLOCK);
	t_open(&nursery);
	t_start(&nursery, send_and_note, sender);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(receive_int(receiver), 1);
	t_settle();
	ck_assert_str_eq(t_notes(), "sent");
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

/* An item sent belongs to the longest waiting receiver at once, a freed place to the longest waiting sender. */
IN_RUN_TEST(r172_items_and_places_go_to_who_waits_longest)
{
	struct nur_nursery nursery;
	_sender_ *sender = NULL;
	_receiver_ *receiver = NULL;

	open_ints(1, &sender, &receiver);
	t_open(&nursery);
	t_start(&nursery, receive_and_note, receiver);
	t_settle();
	ck_assert_int_eq(send_int_nowait(sender, 1), 0);
	ck_assert_int_eq(receive_int_nowait(receiver), NUR_EWOULDBLOCK);
	t_settle();
	ck_assert_str_eq(t_notes(), "got");

	ck_assert_int_eq(send_int_nowait(sender, 2), 0);
	t_start(&nursery, send_and_note, sender);
	t_settle();
	ck_assert_int_eq(receive_int_nowait(receiver), 2);
	ck_assert_int_eq(send_int_nowait(sender, 3), NUR_EWOULDBLOCK);
	ck_assert_int_eq(receive_int(receiver), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("channels");
	TCase *tc = tcase_create("channels");

	tcase_add_test(tc, r155_send_and_receive_are_checkpoints_even_when_they_succeed_at_once);
	tcase_add_test(tc, r155_the_nowait_forms_say_would_block);
	tcase_add_test(tc, r156_buffered_items_arrive_before_the_end_of_the_channel);
	tcase_add_test(tc, r157_every_use_of_a_closed_handle_says_closed);
	tcase_add_test(tc, r159_the_channel_ends_when_the_last_producer_has_closed);
	tcase_add_test(tc, r160_several_consumers_share_the_items);
	tcase_add_test(tc, r161_closing_a_send_handle_wakes_its_senders);
	tcase_add_test(tc, r161_closing_the_last_send_handle_ends_the_receivers);
	tcase_add_test(tc, r162_closing_the_last_receive_handle_breaks_the_senders);
	tcase_add_test(tc, r164_closing_is_no_checkpoint);
	tcase_add_test(tc, r165_sending_works_until_the_last_receive_handle_is_closed);
	tcase_add_test(tc, r167_closing_one_receive_handle_leaves_the_others_alone);
	tcase_add_test(tc, r167_closing_one_send_handle_leaves_the_others_alone);
	tcase_add_test(tc, r168_an_unlimited_channel_never_blocks_the_sender);
	tcase_add_test(tc, r169_statistics_show_the_buffer_and_the_handles);
	tcase_add_test(tc, r169_cancelled_waiters_disappear_from_the_statistics);
	tcase_add_test(tc, r172_without_a_buffer_a_send_completes_with_a_receive);
	tcase_add_test(tc, r172_items_and_places_go_to_who_waits_longest);
	suite_add_tcase(suite, tc);
	return suite;
}
