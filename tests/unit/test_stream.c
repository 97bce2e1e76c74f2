/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct nur_stream *left, *right;
static char buffer[4096];

static void
open_pair(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(nur_stream_open(fds[0], &left), 0);
	ck_assert_int_eq(nur_stream_open(fds[1], &right), 0);
}

/* Over TCP, on the loopback. */
static void
open_tcp_pair(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(nur_stream_open(fd, &left), 0);
	ck_assert_int_eq(nur_stream_open(accept(listener, NULL, NULL), &right), 0);
	ck_assert_int_eq(close(listener), 0);
}

/* Closes @stream so that its peer gets a reset. */
static void
reset(struct nur_stream *stream)
{
	const struct linger at_once = { .l_onoff = 1 };

	ck_assert_int_eq(
		setsockopt(nur_stream_fd(stream), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	nur_stream_close(stream);
}

static int
close_pair(void)
{
	nur_stream_destroy(left);
	nur_stream_destroy(right);
	return 0;
}

/* Sends until the peer's buffers are full, without waiting. */
static void
fill(struct nur_stream *stream)
{
	while (send(nur_stream_fd(stream), buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
	}
}

T_TASK_TEST(bytes_arrive)
{
	open_pair();
	ck_assert_int_eq(nur_stream_send_all(left, "hello", 5), 0);

	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 3), 3);
	ck_assert_mem_eq(buffer, "hel", 3);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, sizeof(buffer)), 2);
	return close_pair();
}

static int64_t received;

static int
receive_right(void *arg)
{
	received = nur_stream_receive_some(right, buffer, sizeof(buffer));
	return 0;
}

T_TASK_TEST(a_waiting_receiver_is_woken_again_and_again)
{
	int rc = 0;

	open_pair();
	for (int i = 0; i < 3; i++) {
		NUR_NURSERY(nursery, &rc, NULL);
		received = -1;
		t_start(nursery, receive_right, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(received, -1);
		ck_assert_int_eq(nur_stream_send_all(left, "abc", 3), 0);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(received, 3);
	}
	ck_assert_int_eq(rc, 0);
	return close_pair();
}

/* Stands in the way of libevent's calls, and counts them. */
static int n_epoll_ctl;

int
epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	n_epoll_ctl++;
	return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

T_TASK_TEST(waiting_again_costs_no_registration)
{
	int rc = 0, n_after_first = 0;

	open_pair();
	for (int i = 0; i < 10; i++) {
		{
			NUR_NURSERY(nursery, &rc, NULL);
			t_start(nursery, receive_right, NULL);
			t_wait_all_tasks_blocked();
			ck_assert_int_eq(nur_stream_send_all(left, "abc", 3), 0);
		}
		ck_assert_int_eq(received, 3);
		if (i == 0) {
			n_after_first = n_epoll_ctl;
		}
	}

	ck_assert_int_gt(n_after_first, 0);
	ck_assert_int_eq(n_epoll_ctl, n_after_first);
	ck_assert_int_eq(rc, 0);
	return close_pair();
}

T_TASK_TEST(what_comes_while_nobody_waits_is_kept)
{
	int rc = 0;

	open_pair();
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_right, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_stream_send_all(left, "one", 3), 0);
	}
	/* The registration is still there, and ends when this finds nobody. */
	ck_assert_int_eq(nur_stream_send_all(left, "four", 4), 0);
	ck_assert_int_eq(nur_wait_all_tasks_blocked(NUR_MSEC(1)), 0);

	ck_assert_int_eq(nur_stream_receive_some(right, buffer, sizeof(buffer)), 4);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_right, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_stream_send_all(left, "three", 5), 0);
	}
	ck_assert_int_eq(received, 5);
	ck_assert_int_eq(rc, 0);
	return close_pair();
}

#define N_MANY ((size_t)1024 * 1024)

struct transfer {
	struct nur_stream *stream;
	unsigned char first;
	size_t n;
};

static int
send_many(void *arg)
{
	struct transfer *transfer = arg;
	unsigned char *data = malloc(N_MANY);
	int r;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < N_MANY; i++) {
		data[i] = (unsigned char)(transfer->first + i * 7);
	}
	r = nur_stream_send_all(transfer->stream, data, N_MANY);
	free(data);
	return r < 0 ? r : nur_stream_send_eof(transfer->stream);
}

static int
receive_many(void *arg)
{
	struct transfer *transfer = arg;
	unsigned char data[1000];
	int64_t n;

	while ((n = nur_stream_receive_some(transfer->stream, data, sizeof(data))) > 0) {
		for (int64_t i = 0; i < n; i++, transfer->n++) {
			if (data[i] != (unsigned char)(transfer->first + transfer->n * 7)) {
				return nur_fail(-EIO, "byte %zu is wrong", transfer->n);
			}
		}
	}
	return (int)n;
}

T_TASK_TEST(a_megabyte_in_both_directions_arrives_whole)
{
	struct transfer transfers[4];
	int rc = 0;

	open_pair();
	transfers[0] = (struct transfer){ left, 1, 0 };
	transfers[1] = (struct transfer){ right, 1, 0 };
	transfers[2] = (struct transfer){ right, 2, 0 };
	transfers[3] = (struct transfer){ left, 2, 0 };
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, send_many, &transfers[0]);
		t_start(nursery, receive_many, &transfers[1]);
		t_start(nursery, send_many, &transfers[2]);
		t_start(nursery, receive_many, &transfers[3]);
	}

	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(transfers[1].n, N_MANY);
	ck_assert_uint_eq(transfers[3].n, N_MANY);
	return close_pair();
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
	int rc = 0;

	open_pair();
	n_ran = 0;
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, count, NULL);
		ck_assert_int_eq(nur_stream_send_all(left, NULL, 0), 0);
		ck_assert_int_eq(nur_stream_send_all(left, "ab", 2), 0);
		ck_assert_int_eq(n_ran, 1);
		t_start(nursery, count, NULL);
		ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), 1);
		ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), 1);
		ck_assert_int_eq(n_ran, 2);
	}
	ck_assert_int_eq(rc, 0);
	return close_pair();
}

T_TASK_TEST(a_cancelled_task_moves_no_bytes)
{
	struct nur_cancel_scope scope;

	open_pair();
	ck_assert_int_eq(nur_stream_send_all(left, "ab", 2), 0);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 2), NUR_ECANCELED);
	ck_assert_int_eq(nur_stream_send_all(right, "cd", 2), NUR_ECANCELED);
	ck_assert_int_eq(nur_stream_send_eof(right), NUR_ECANCELED);
	ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(right), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);

	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 2), 2);
	ck_assert_int_eq(recv(nur_stream_fd(left), buffer, 2, MSG_DONTWAIT), -1);
	return close_pair();
}

static int
receive_or_fail(void *arg)
{
	return (int)nur_stream_receive_some(arg, buffer, sizeof(buffer));
}

static int
send_or_fail(void *arg)
{
	return nur_stream_send_all(arg, buffer, sizeof(buffer));
}

static int
wait_to_send(void *arg)
{
	return nur_stream_wait_send_all_might_not_block(arg);
}

T_TASK_TEST(waits_can_be_cancelled)
{
	bool has_timed_out;

	open_pair();
	ck_assert_int_eq(
		nur_move_on_after(NUR_SEC(60), 0, receive_or_fail, right, &has_timed_out), 0);
	ck_assert(has_timed_out);
	fill(left);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(60), 0, send_or_fail, left, &has_timed_out), 0);
	ck_assert(has_timed_out);
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(60), 0, wait_to_send, left, &has_timed_out), 0);
	ck_assert(has_timed_out);

	ck_assert_int_gt(nur_stream_receive_some(right, buffer, sizeof(buffer)), 0);
	return close_pair();
}

static uint64_t
n_passes(void)
{
	struct nur_statistics statistics;

	ck_assert_int_eq(nur_current_statistics(&statistics), 0);
	return statistics.n_passes;
}

T_TASK_TEST(room_to_send_can_be_waited_for)
{
	uint64_t before;
	int rc = 0;

	open_pair();
	fill(left);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_to_send, left);
		t_wait_all_tasks_blocked();
		ck_assert_uint_eq(nur_nursery_n_children(nursery), 1);
		while (recv(nur_stream_fd(right), buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
		}
	}
	ck_assert_int_eq(rc, 0);

	before = n_passes();
	ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(left), 0);
	ck_assert_uint_gt(n_passes(), before);
	nur_stream_close(right); /* who is gone takes no bytes, and keeps nobody waiting */
	ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(left), 0);
	return close_pair();
}

T_TASK_TEST(waiting_for_room_conflicts_with_sending)
{
	int rc = 0;

	open_pair();
	fill(left);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_to_send, left);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_stream_send_all(left, "a", 1), NUR_EBUSY);
		ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(left), NUR_EBUSY);
		nur_stream_close(left);
	}
	ck_assert_int_eq(rc, NUR_ECLOSED);
	ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(left), NUR_ECLOSED);
	return close_pair();
}

T_TASK_TEST(one_task_receives_and_one_sends)
{
	int rc = 0;

	open_pair();
	fill(right);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_or_fail, right);
		t_start(nursery, send_or_fail, right);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), NUR_EBUSY);
		ck_assert_int_eq(nur_stream_send_all(right, "a", 1), NUR_EBUSY);
		ck_assert_int_eq(nur_stream_send_eof(right), NUR_EBUSY);
		nur_nursery_cancel(nursery, NULL);
	}
	ck_assert_int_eq(rc, 0);
	return close_pair();
}

T_TASK_TEST(the_end_of_the_stream_is_zero_bytes)
{
	open_pair();
	ck_assert_int_eq(nur_stream_send_eof(left), 0);
	ck_assert_int_eq(nur_stream_send_eof(left), 0);
	ck_assert_int_eq(nur_stream_send_all(left, "a", 1), NUR_ECLOSED);

	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), 0);
	ck_assert_int_eq(nur_stream_send_all(right, "a", 1), 0);
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, 1), 1);
	return close_pair();
}

T_TASK_TEST(a_peer_that_is_gone_breaks_the_stream)
{
	open_pair();
	ck_assert_int_eq(nur_stream_send_all(right, "unread", 6), 0);
	nur_stream_close(left);

	ck_assert_int_eq(nur_stream_send_all(right, "a", 1), NUR_EBROKEN);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), NUR_EBROKEN);
	return close_pair();
}

T_TASK_TEST(a_stream_that_was_reset_does_not_end)
{
	open_tcp_pair();
	ck_assert_int_eq(nur_stream_send_all(right, "last", 4), 0);
	ck_assert_int_eq(nur_wait_readable(nur_stream_fd(left)), 0);
	reset(right);

	/* The kernel tells the sender, and would then show the receiver an end. */
	ck_assert_int_eq(nur_wait_hangup(nur_stream_fd(left)), 0);
	ck_assert_int_eq(nur_stream_send_all(left, "a", 1), NUR_EBROKEN);
	ck_assert_int_eq(nur_stream_send_eof(left), NUR_EBROKEN);
	while (nur_stream_receive_some(left, buffer, sizeof(buffer)) > 0) {
	}
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, 1), NUR_EBROKEN);
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, 1), NUR_EBROKEN);
	ck_assert_int_eq(nur_stream_send_all(left, "a", 1), NUR_EBROKEN);
	return close_pair();
}

T_TASK_TEST(what_came_before_the_peer_closed_is_received)
{
	open_pair();
	ck_assert_int_eq(nur_stream_send_all(left, "ab", 2), 0);
	nur_stream_close(left);

	ck_assert_int_eq(nur_stream_send_all(right, "a", 1), NUR_EBROKEN);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, sizeof(buffer)), 2);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, sizeof(buffer)), 0);
	return close_pair();
}

T_TASK_TEST(a_peer_that_goes_wakes_the_sender)
{
	int rc = 0;

	open_pair();
	fill(right);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, send_or_fail, right);
		t_wait_all_tasks_blocked();
		nur_stream_close(left);
	}
	ck_assert_int_eq(rc, NUR_EBROKEN);
	return close_pair();
}

static void
close_right(void *arg)
{
	nur_stream_close(right);
}

T_TASK_TEST(a_close_after_the_wakeup_is_seen_by_the_woken)
{
	struct nur_timer timer;
	int rc = 0;

	open_pair();
	received = 0;
	nur_timer_init(&timer, close_right, NULL);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_right, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(send(nur_stream_fd(left), "abc", 3, 0), 3);
		nur_timer_set(&timer, nur_now()); /* deadlines come behind events in a pass */
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(received, NUR_ECLOSED);
	return close_pair();
}

static int results[3];

static int
receive_and_note(void *arg)
{
	results[0] = (int)nur_stream_receive_some(arg, buffer, 1);
	return 0;
}

static int
send_and_note(void *arg)
{
	results[1] = nur_stream_send_all(arg, buffer, sizeof(buffer));
	return 0;
}

static int
wait_for_hangup_and_note(void *arg)
{
	results[2] = nur_wait_hangup(nur_stream_fd(arg));
	return 0;
}

T_TASK_TEST(closing_wakes_everybody_on_the_stream)
{
	int rc = 0;

	open_pair();
	fill(right);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, receive_and_note, right);
		t_start(nursery, send_and_note, right);
		t_start(nursery, wait_for_hangup_and_note, right);
		t_wait_all_tasks_blocked();
		nur_stream_close(right);
		nur_stream_close(right);
	}

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(results[i], NUR_ECLOSED);
	}
	ck_assert_int_eq(nur_stream_fd(right), -1);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), NUR_ECLOSED);
	ck_assert_int_eq(nur_stream_send_all(right, "a", 1), NUR_ECLOSED);
	ck_assert_int_eq(nur_stream_send_all(right, NULL, 0), NUR_ECLOSED);
	ck_assert_int_eq(nur_stream_send_eof(right), NUR_ECLOSED);
	return close_pair();
}

T_TASK_TEST(pipes_are_streams_without_sigpipe)
{
	int fds[2];

	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(nur_stream_open(fds[0], &left), 0);
	ck_assert_int_eq(nur_stream_open(fds[1], &right), 0);
	ck_assert_int_eq(nur_stream_send_all(right, "abc", 3), 0);
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, sizeof(buffer)), 3);

	ck_assert_int_eq(nur_stream_send_eof(right), -ENOTSOCK);

	nur_stream_close(left);
	ck_assert_int_eq(nur_stream_send_all(right, "abc", 3), NUR_EBROKEN);
	return close_pair();
}

T_TASK_TEST(a_stream_prepares_its_descriptor)
{
	open_pair();
	ck_assert_int_ne(fcntl(nur_stream_fd(left), F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(nur_stream_fd(left), F_GETFD) & FD_CLOEXEC, 0);
	nur_stream_destroy(NULL);
	return close_pair();
}

static int
tcp_option(const struct nur_stream *stream, int name)
{
	int value;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(nur_stream_fd(stream), IPPROTO_TCP, name, &value, &len), 0);
	return value;
}

T_TASK_TEST(tcp_sends_at_once_and_queues_little)
{
	open_tcp_pair();
	ck_assert_int_eq(tcp_option(left, TCP_NODELAY), 1);
	ck_assert_int_eq(tcp_option(left, TCP_NOTSENT_LOWAT), 16 * 1024);
	return close_pair();
}

T_TASK_TEST(not_everything_is_a_stream)
{
	int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(nur_stream_open(-1, &left), -EBADF);
	ck_assert_int_eq(nur_stream_open(datagrams, &left), -EPROTOTYPE);
	ck_assert_int_eq(close(datagrams), 0);
	return 0;
}

T_TASK_TEST(room_for_nothing_is_refused)
{
	open_pair();
	ck_assert_int_eq(nur_stream_send_all(left, "a", 1), 0);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 0), -EINVAL);
	ck_assert_int_eq(nur_stream_receive_some(right, buffer, 1), 1);
	return close_pair();
}

START_TEST(outside_a_run_there_is_no_stream)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(nur_stream_open(fds[0], &left), NUR_ENOTINTASK);
	ck_assert_int_eq(close(fds[0]), 0);
	ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

static int
open_and_wait(void *unused)
{
	struct nur_nursery nursery;

	open_pair();
	ck_assert_int_eq(nur_nursery_open(&nursery), 0);
	t_start(&nursery, receive_or_fail, left);
	t_wait_all_tasks_blocked();
	ck_assert_int_eq(nur_stream_send_all(right, "1", 1), 0);
	return nur_nursery_close(&nursery, 0, NULL);
}

static int
use_in_another_run(void *unused)
{
	ck_assert_int_eq(nur_stream_send_all(right, "2", 1), 0);
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, sizeof(buffer)), 1);
	ck_assert_int_eq(nur_stream_receive_some(left, buffer, sizeof(buffer)), NUR_ERUNFINISHED);
	fill(left);
	ck_assert_int_eq(nur_stream_send_all(left, "3", 1), NUR_ERUNFINISHED);
	ck_assert_int_eq(nur_stream_wait_send_all_might_not_block(left), NUR_ERUNFINISHED);
	return close_pair();
}

START_TEST(a_stream_waits_only_in_its_run)
{
	ck_assert_int_eq(t_run(open_and_wait, NULL), 0);
	ck_assert_int_eq(t_run(use_in_another_run, NULL), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("stream");
	TCase *tcase = tcase_create("bytes");

	tcase_add_test(tcase, bytes_arrive);
	tcase_add_test(tcase, a_waiting_receiver_is_woken_again_and_again);
	tcase_add_test(tcase, waiting_again_costs_no_registration);
	tcase_add_test(tcase, what_comes_while_nobody_waits_is_kept);
	tcase_add_test(tcase, a_megabyte_in_both_directions_arrives_whole);
	tcase_add_test(tcase, the_end_of_the_stream_is_zero_bytes);
	tcase_add_test(tcase, pipes_are_streams_without_sigpipe);
	tcase_add_test(tcase, a_stream_prepares_its_descriptor);
	tcase_add_test(tcase, tcp_sends_at_once_and_queues_little);
	tcase_add_test(tcase, not_everything_is_a_stream);
	tcase_add_test(tcase, room_for_nothing_is_refused);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("checkpoints");
	tcase_add_test(tcase, success_at_once_lets_others_run);
	tcase_add_test(tcase, a_cancelled_task_moves_no_bytes);
	tcase_add_test(tcase, waits_can_be_cancelled);
	tcase_add_test(tcase, room_to_send_can_be_waited_for);
	tcase_add_test(tcase, waiting_for_room_conflicts_with_sending);
	tcase_add_test(tcase, one_task_receives_and_one_sends);
	tcase_add_test(tcase, outside_a_run_there_is_no_stream);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("ends");
	tcase_add_test(tcase, a_peer_that_is_gone_breaks_the_stream);
	tcase_add_test(tcase, a_stream_that_was_reset_does_not_end);
	tcase_add_test(tcase, what_came_before_the_peer_closed_is_received);
	tcase_add_test(tcase, a_peer_that_goes_wakes_the_sender);
	tcase_add_test(tcase, a_close_after_the_wakeup_is_seen_by_the_woken);
	tcase_add_test(tcase, closing_wakes_everybody_on_the_stream);
	tcase_add_test(tcase, a_stream_waits_only_in_its_run);
	suite_add_tcase(suite, tcase);
	return suite;
}
