/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ops/listen_fds.h"

/* Where the passed descriptors begin in here: out of the way of Check's own. */
#define FIRST 100

static void
pass(const char *n, const char *names)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(setenv("LISTEN_PID", pid, 1), 0);
	ck_assert_int_eq(setenv("LISTEN_FDS", n, 1), 0);
	if (names) {
		ck_assert_int_eq(setenv("LISTEN_FDNAMES", names, 1), 0);
	}
}

static void
put(int number, int fd)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, number), number);
	ck_assert_int_eq(close(fd), 0);
}

static int
listener(int domain, int type)
{
	int fd = socket(domain, type, 0);
	struct sockaddr address = { .sa_family = AF_UNIX };

	if (domain == AF_UNIX) {
		ck_assert_int_eq(bind(fd, &address, sizeof(sa_family_t)), 0);
	}
	if (type == SOCK_STREAM) {
		ck_assert_int_eq(listen(fd, 1), 0);
	}
	return fd;
}

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
close_passed(void)
{
	for (int i = 0; i < 3; i++) {
		(void)close(FIRST + i); /* some are closed already */
	}
}

START_TEST(the_named_socket_is_taken_wherever_it_stands)
{
	int fd = -1;

	put(FIRST, open("/dev/null", O_RDONLY));
	put(FIRST + 1, listener(AF_UNIX, SOCK_STREAM));
	put(FIRST + 2, open("/dev/null", O_RDONLY));
	pass("3", "state:api:apian");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), 1);
	ck_assert_int_eq(fd, FIRST + 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(!is_open(FIRST));
	ck_assert(!is_open(FIRST + 2));
}
END_TEST

START_TEST(the_environment_is_cleaned)
{
	int fd;

	put(FIRST, listener(AF_UNIX, SOCK_STREAM));
	pass("1", "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), 1);
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
}
END_TEST

START_TEST(with_no_variables_there_is_none)
{
	int fd = 0;

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), 0);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(what_is_meant_for_another_process_is_left_open)
{
	int fd;

	put(FIRST, listener(AF_UNIX, SOCK_STREAM));
	pass("1", "api");
	ck_assert_int_eq(setenv("LISTEN_PID", "1", 1), 0);

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), 0);
	ck_assert(is_open(FIRST));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
}
END_TEST

START_TEST(without_names_nothing_is_known_and_all_is_closed)
{
	int fd;

	put(FIRST, listener(AF_UNIX, SOCK_STREAM));
	pass("1", NULL);

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), 0);
	ck_assert(!is_open(FIRST));
}
END_TEST

START_TEST(two_of_one_name_are_an_error)
{
	int fd;

	put(FIRST, listener(AF_UNIX, SOCK_STREAM));
	put(FIRST + 1, listener(AF_UNIX, SOCK_STREAM));
	pass("2", "api:api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -EEXIST);
	ck_assert(!is_open(FIRST));
	ck_assert(!is_open(FIRST + 1));
}
END_TEST

START_TEST(a_descriptor_that_is_no_socket_is_an_error)
{
	int fd;

	put(FIRST, open("/dev/null", O_RDONLY));
	pass("1", "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -ENOTSOCK);
	ck_assert_int_eq(fd, -1);
	ck_assert(!is_open(FIRST));
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_an_error)
{
	int fd;

	pass("1", "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -EBADF);
}
END_TEST

START_TEST(sockets_of_another_kind_are_an_error)
{
	static const struct {
		int domain;
		int type;
	} kinds[] = { { AF_INET, SOCK_STREAM }, { AF_UNIX, SOCK_DGRAM } };
	int fd;

	put(FIRST, listener(kinds[_i].domain, kinds[_i].type));
	pass("1", "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -EPROTOTYPE);
	ck_assert(!is_open(FIRST));
}
END_TEST

START_TEST(a_connection_is_no_listener)
{
	int pair[2];
	int fd;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	put(FIRST, pair[0]);
	pass("1", "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -EPROTOTYPE);
	ck_assert_int_eq(close(pair[1]), 0);
}
END_TEST

START_TEST(an_unreadable_count_is_an_error)
{
	static const char *const counts[] = { "", "x", "1x", "-1", "1025", "99999999999999999999" };
	int fd;

	pass(counts[_i], "api");

	ck_assert_int_eq(listen_fds_take(FIRST, "api", &fd), -EINVAL);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("listen_fds");
	TCase *tc = tcase_create("taking");

	tcase_add_checked_fixture(tc, NULL, close_passed);
	tcase_add_test(tc, the_named_socket_is_taken_wherever_it_stands);
	tcase_add_test(tc, the_environment_is_cleaned);
	tcase_add_test(tc, with_no_variables_there_is_none);
	tcase_add_test(tc, what_is_meant_for_another_process_is_left_open);
	tcase_add_test(tc, without_names_nothing_is_known_and_all_is_closed);
	tcase_add_test(tc, two_of_one_name_are_an_error);
	tcase_add_test(tc, a_descriptor_that_is_no_socket_is_an_error);
	tcase_add_test(tc, a_descriptor_that_is_not_open_is_an_error);
	tcase_add_loop_test(tc, sockets_of_another_kind_are_an_error, 0, 2);
	tcase_add_test(tc, a_connection_is_no_listener);
	tcase_add_loop_test(tc, an_unreadable_count_is_an_error, 0, 6);
	suite_add_tcase(suite, tc);
	return suite;
}
