/* SPDX-License-Identifier: MIT */
/* Rows 204-212: waiting on descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static void
open_pair(int pair[static 2])
{
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void
close_pair(const int pair[static 2])
{
	ck_assert_int_eq(close(pair[0]), 0);
	ck_assert_int_eq(close(pair[1]), 0);
}

static void
fill(int fd)
{
	static const char bytes[4096];

	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0) {
		; /* until the buffer is full */
	}
	ck_assert_int_eq(errno, EAGAIN);
}

static void
drain(int fd)
{
	static char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
		; /* until nothing is left */
	}
	ck_assert_int_eq(errno, EAGAIN);
}

static void
note_wait(const char *what, int r)
{
	switch (r) {
	case 0:
		t_note("%s", what);
		break;
	case NUR_ECANCELED:
		t_note("cancelled");
		break;
	case NUR_ECLOSED:
		t_note("closed");
		break;
	default:
		t_note("%s", nur_strerror(r));
		break;
	}
}

static int
wait_readable(void *fd)
{
	int r = nur_wait_readable(*(int *)fd);

	note_wait("readable", r);
	return r == NUR_ECLOSED ? 0 : r;
}

static int
wait_writable(void *fd)
{
	int r = nur_wait_writable(*(int *)fd);

	note_wait("writable", r);
	return r == NUR_ECLOSED ? 0 : r;
}

IN_RUN_TEST(r204_waiting_to_read_blocks_until_there_is_something)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	t_assert_checkpoint(nur_wait_writable(pair[0]));
	t_open(&nursery);
	t_start(&nursery, wait_readable, &pair[0]);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "readable");
	t_assert_checkpoint(nur_wait_readable(pair[0]));

	drain(pair[0]);
	t_forget_notes();
	t_open(&nursery);
	t_start(&nursery, wait_readable, &pair[0]);
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "cancelled");
	close_pair(pair);
}
END_TEST

IN_RUN_TEST(r204_waiting_to_write_blocks_until_there_is_room)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	fill(pair[0]);
	t_open(&nursery);
	t_start(&nursery, wait_writable, &pair[0]);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	drain(pair[1]);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "writable");

	fill(pair[0]);
	t_forget_notes();
	t_open(&nursery);
	t_start(&nursery, wait_writable, &pair[0]);
	t_settle();
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "cancelled");
	close_pair(pair);
}
END_TEST

IN_RUN_TEST(r204_a_reader_and_a_writer_of_one_descriptor_are_woken_apart)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	fill(pair[0]);
	t_open(&nursery);
	t_start(&nursery, wait_readable, &pair[0]);
	t_start(&nursery, wait_writable, &pair[0]);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
	t_settle();
	ck_assert_str_eq(t_notes(), "readable");
	drain(pair[1]);
	t_settle();
	ck_assert_str_eq(t_notes(), "readable writable");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	close_pair(pair);
}
END_TEST

IN_RUN_TEST(r205_a_second_reader_is_busy)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	t_open(&nursery);
	t_start(&nursery, wait_readable, &pair[0]);
	t_settle();
	ck_assert_int_eq(nur_wait_readable(pair[0]), NUR_EBUSY);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "cancelled");
	close_pair(pair);
}
END_TEST

IN_RUN_TEST(r206_a_second_writer_is_busy)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	fill(pair[0]);
	t_open(&nursery);
	t_start(&nursery, wait_writable, &pair[0]);
	t_settle();
	ck_assert_int_eq(nur_wait_writable(pair[0]), NUR_EBUSY);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "cancelled");
	close_pair(pair);
}
END_TEST

static int
wait_hangup(void *fd)
{
	int r = nur_wait_hangup(*(int *)fd);

	note_wait("gone", r);
	return r == NUR_ECLOSED ? 0 : r;
}

IN_RUN_TEST(r208_announcing_the_close_wakes_who_waits_on_it)
{
	struct nur_nursery nursery;
	int pair[2];

	open_pair(pair);
	fill(pair[0]);
	t_open(&nursery);
	t_start(&nursery, wait_readable, &pair[0]);
	t_start(&nursery, wait_writable, &pair[0]);
	t_start(&nursery, wait_hangup, &pair[0]);
	t_settle();
	nur_notify_closing(pair[0]);
	close_pair(pair);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "closed closed closed");
}
END_TEST

/* The kernel gives the lowest free number out again: what was known of the old descriptor must be gone. */
IN_RUN_TEST(r208_a_number_that_comes_back_is_a_new_descriptor)
{
	struct nur_nursery nursery;
	int old[2], new[2];

	open_pair(old);
	t_open(&nursery);
	t_start(&nursery, wait_readable, &old[0]);
	t_settle();
	nur_notify_closing(old[0]);
	close_pair(old);
	open_pair(new);
	ck_assert_int_eq(new[0], old[0]);
	ck_assert_int_eq(send(new[1], "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(nur_wait_readable(new[0]), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	close_pair(new);
}
END_TEST

IN_RUN_TEST(r209_a_bad_descriptor_gives_the_systems_error)
{
	int pair[2], file;

	open_pair(pair);
	close_pair(pair);
	ck_assert_int_eq(nur_wait_readable(pair[0]), -EBADF);
	ck_assert_int_eq(nur_wait_writable(pair[0]), -EBADF);
	ck_assert_int_eq(nur_wait_readable(-1), -EBADF);
	ck_assert_int_eq(nur_wait_readable(INT_MAX), -EBADF);
	nur_notify_closing(-1);

	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(nur_wait_readable(file), -EPERM);
	ck_assert_int_eq(close(file), 0);
}
END_TEST

enum {
	N_BYTES = 1000000,
	MAX_CHUNK = 65536
};

struct transport {
	int fd;
	size_t n_bytes;
	bool is_sender;
};

static int
send_a_megabyte(void *arg)
{
	static const char bytes[MAX_CHUNK];
	struct transport *transport = arg;

	while (transport->n_bytes < N_BYTES) {
		size_t len = N_BYTES - transport->n_bytes;
		ssize_t n;
		int r = nur_wait_writable(transport->fd);

		if (r < 0) {
			return r;
		}
		len = len < MAX_CHUNK ? len : MAX_CHUNK - transport->n_bytes % 1000;
		n = send(transport->fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			return -errno;
		}
		transport->n_bytes += n > 0 ? (size_t)n : 0;
	}
	return shutdown(transport->fd, SHUT_WR) < 0 ? -errno : 0;
}

static int
receive_to_the_end(void *arg)
{
	static char bytes[MAX_CHUNK];
	struct transport *transport = arg;
	ssize_t n;

	do {
		int r = nur_wait_readable(transport->fd);

		if (r < 0) {
			return r;
		}
		n = recv(transport->fd, bytes, sizeof(bytes), 0);
		if (n < 0) {
			return -errno;
		}
		transport->n_bytes += (size_t)n;
	} while (n > 0);
	return 0;
}

IN_RUN_TEST(r211_a_megabyte_in_both_directions_arrives_complete)
{
	struct transport sides[4] = { { .n_bytes = 0 } };
	struct nur_nursery nursery;
	int pair[2], small = 10000;

	open_pair(pair);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	t_open(&nursery);
	for (int i = 0; i < 2; i++) {
		sides[i].fd = pair[i];
		sides[2 + i].fd = pair[i];
		t_start(&nursery, send_a_megabyte, &sides[i]);
		t_start(&nursery, receive_to_the_end, &sides[2 + i]);
	}
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(sides[i].n_bytes, N_BYTES);
	}
	close_pair(pair);
}
END_TEST

static void
assert_waiting(size_t n_readers, size_t n_writers)
{
	ck_assert_uint_eq(t_statistics().n_waiting_read, n_readers);
	ck_assert_uint_eq(t_statistics().n_waiting_write, n_writers);
}

IN_RUN_TEST(r212_statistics_count_who_waits_to_read_and_to_write)
{
	struct nur_nursery nursery;
	int one[2], two[2], three[2];

	open_pair(one);
	open_pair(two);
	open_pair(three);
	fill(one[0]);
	fill(three[0]);
	assert_waiting(0, 0);
	t_open(&nursery);
	t_start(&nursery, wait_writable, &one[0]);
	t_start(&nursery, wait_readable, &two[0]);
	t_start(&nursery, wait_readable, &two[1]);
	t_start(&nursery, wait_writable, &three[0]);
	t_start(&nursery, wait_readable, &three[0]);
	t_settle();
	assert_waiting(3, 2);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	assert_waiting(0, 0);

	close_pair(one);
	close_pair(two);
	close_pair(three);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fd");
	TCase *tc = tcase_create("fd");

	tcase_add_test(tc, r204_waiting_to_read_blocks_until_there_is_something);
	tcase_add_test(tc, r204_waiting_to_write_blocks_until_there_is_room);
	tcase_add_test(tc, r204_a_reader_and_a_writer_of_one_descriptor_are_woken_apart);
	tcase_add_test(tc, r205_a_second_reader_is_busy);
	tcase_add_test(tc, r206_a_second_writer_is_busy);
	tcase_add_test(tc, r208_announcing_the_close_wakes_who_waits_on_it);
	tcase_add_test(tc, r208_a_number_that_comes_back_is_a_new_descriptor);
	tcase_add_test(tc, r209_a_bad_descriptor_gives_the_systems_error);
	tcase_add_test(tc, r211_a_megabyte_in_both_directions_arrives_complete);
	tcase_add_test(tc, r212_statistics_count_who_waits_to_read_and_to_write);
	suite_add_tcase(suite, tc);
	return suite;
}
