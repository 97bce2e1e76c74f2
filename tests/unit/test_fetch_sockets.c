/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/sockets.h"

#include <errno.h>
#include <nursery.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/in_run.h"

static struct fetch_sockets sockets;
static int ends[2]; /* the first is the engine's */
static unsigned seen;

static void
note_ready(int fd, unsigned events, void *user)
{
	ck_assert_int_eq(fd, ends[0]);
	seen |= events;
	fetch_sockets_rest(&sockets, fd, false);
}

static void
open_pair(void)
{
	ck_assert_int_eq(fetch_sockets_init(&sockets, note_ready, NULL), 0);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(fetch_sockets_begin(&sockets, ends[0]), 0);
	seen = 0;
}

static void
close_pair(void)
{
	fetch_sockets_leave();
	fetch_sockets_end(&sockets, ends[0]);
	ck_assert_uint_eq(sockets.n_open, 0);
	ck_assert_uint_eq(sockets.n_resting, 0);
	ck_assert_int_eq(close(ends[0]), 0);
	ck_assert_int_eq(close(ends[1]), 0);
	fetch_sockets_fini(&sockets);
}

static void
check_counts(size_t n_open, size_t n_resting)
{
	ck_assert_uint_eq(sockets.n_open, n_open);
	ck_assert_uint_eq(sockets.n_resting, n_resting);
}

IN_RUN_TEST(what_rests_is_counted)
{
	open_pair();
	check_counts(1, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
		check_counts(1, 0);
		fetch_sockets_rest(&sockets, ends[0], i == 0);
		check_counts(1, 1);
		fetch_sockets_rest(&sockets, ends[0], i == 0);
		check_counts(1, 1);
	}
	close_pair();
}

IN_RUN_TEST(a_number_that_comes_back_begins_anew)
{
	open_pair();
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	fetch_sockets_rest(&sockets, ends[0], true);

	ck_assert_int_eq(fetch_sockets_begin(&sockets, ends[0]), 0);

	check_counts(1, 0);
	fetch_sockets_enter(&sockets);
	ck_assert(!fetch_sockets_is_quiet(ends[0]));
	close_pair();
}

IN_RUN_TEST(what_is_severed_is_closed_and_its_number_taken)
{
	char byte;

	open_pair();
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	fetch_sockets_rest(&sockets, ends[0], true);

	ck_assert_int_eq(fetch_sockets_sever(&sockets, ends[0]), 0);

	check_counts(0, 0);
	ck_assert_int_eq(recv(ends[1], &byte, 1, 0), 0);
	ck_assert_int_eq(recv(ends[0], &byte, 1, 0), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(fetch_sockets_sever(&sockets, ends[0]), -EBADF);
	fetch_sockets_rest(&sockets, ends[0], true);
	check_counts(0, 0);
	close_pair();
}

IN_RUN_TEST(only_what_rests_on_this_thread_and_is_watched_is_quiet)
{
	open_pair();
	fetch_sockets_enter(&sockets);
	ck_assert(!fetch_sockets_is_quiet(ends[0]));
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	ck_assert(!fetch_sockets_is_quiet(ends[0]));

	fetch_sockets_rest(&sockets, ends[0], true);

	ck_assert(fetch_sockets_is_quiet(ends[0]));
	ck_assert(!fetch_sockets_is_quiet(ends[1]));
	ck_assert(!fetch_sockets_is_quiet(-1));
	fetch_sockets_leave();
	ck_assert(!fetch_sockets_is_quiet(ends[0]));

	fetch_sockets_enter(&sockets);
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	fetch_sockets_rest(&sockets, ends[0], false);
	ck_assert(!fetch_sockets_is_quiet(ends[0]));
	close_pair();
}

IN_RUN_TEST(what_becomes_readable_is_not_quiet_any_more)
{
	open_pair();
	fetch_sockets_enter(&sockets);
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	fetch_sockets_rest(&sockets, ends[0], true);
	ck_assert_int_eq(send(ends[1], "x", 1, 0), 1);

	ck_assert_int_eq(nur_sleep(1), 0);

	ck_assert(!fetch_sockets_is_quiet(ends[0]));
	ck_assert_uint_eq(seen, 0);
	check_counts(1, 1);
	ck_assert_int_eq(fetch_sockets_want(&sockets, ends[0], NUR_WATCH_READ), 0);
	ck_assert_int_eq(nur_sleep(1), 0);
	ck_assert_uint_eq(seen, NUR_WATCH_READ);
	close_pair();
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_sockets");
	TCase *tcase = tcase_create("sockets");

	tcase_add_test(tcase, what_rests_is_counted);
	tcase_add_test(tcase, a_number_that_comes_back_begins_anew);
	tcase_add_test(tcase, what_is_severed_is_closed_and_its_number_taken);
	tcase_add_test(tcase, only_what_rests_on_this_thread_and_is_watched_is_quiet);
	tcase_add_test(tcase, what_becomes_readable_is_not_quiet_any_more);
	suite_add_tcase(suite, tcase);
	return suite;
}
