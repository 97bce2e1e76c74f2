/* SPDX-License-Identifier: MIT */
/* Making sockets that listen. The system calls go through this program and can be told to fail. */
#include <errno.h>
#include <fcntl.h>
#include <nursery/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

static char folder[] = "/tmp/test_listen.XXXXXX";
static char path[64];

/* ---- the system ---- */

static int socket_errors[AF_MAX]; /* by family */
static int n_listens_left = -1;   /* that still succeed; negative: all do */
static int last_backlog;
static int chown_error;
static mode_t mode_before_chmod;
static char path_before_rename[64];

/* clang-format off */
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __real_chown(const char *at, uid_t uid, gid_t gid);
int __wrap_chown(const char *at, uid_t uid, gid_t gid);
int __real_chmod(const char *at, mode_t mode);
int __wrap_chmod(const char *at, mode_t mode);
/* clang-format on */

int
__wrap_socket(int family, int type, int protocol)
{
	if (socket_errors[family]) {
		errno = socket_errors[family];
		return -1;
	}
	return __real_socket(family, type, protocol);
}

int
__wrap_listen(int fd, int backlog)
{
	last_backlog = backlog;
	if (n_listens_left >= 0 && n_listens_left-- == 0) {
		errno = EIO;
		return -1;
	}
	return __real_listen(fd, backlog);
}

int
__wrap_chown(const char *at, uid_t uid, gid_t gid)
{
	if (chown_error) {
		errno = chown_error;
		return -1;
	}
	return __real_chown(at, uid, gid);
}

int
__wrap_chmod(const char *at, mode_t mode)
{
	struct stat file;

	ck_assert_int_eq(lstat(at, &file), 0);
	mode_before_chmod = file.st_mode & 07777;
	(void)snprintf(path_before_rename, sizeof(path_before_rename), "%s", at);
	return __real_chmod(at, mode);
}

/* The lowest descriptor that is free: none was left open when it stays the same. */
static int
lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	return fd;
}

/* ---- TCP ---- */

static struct nur_address
loopback(uint16_t port)
{
	struct nur_address addresses[2];

	nur_address_loopbacks(port, addresses);
	return addresses[1];
}

static bool
has_ipv6(void)
{
	struct nur_address addresses[2];
	_cleanup_(closep) int fd = __real_socket(AF_INET6, SOCK_STREAM, 0);

	nur_address_loopbacks(0, addresses);
	return fd >= 0 && bind(fd, &addresses[0].any, addresses[0].len) == 0;
}

static int
try_connect(const struct nur_address *address)
{
	_cleanup_(closep) int fd = __real_socket(address->any.sa_family, SOCK_STREAM, 0);

	return connect(fd, &address->any, address->len) < 0 ? -errno : 0;
}

START_TEST(a_port_of_its_own_is_found)
{
	struct nur_address address = loopback(0), found;
	struct nur_listener *listener;

	ck_assert_int_eq(nur_listen_tcp(&address, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &found), 0);
	ck_assert_uint_ne(nur_address_port(&found), 0);
	ck_assert_int_eq(try_connect(&found), 0);
	nur_listener_destroy(listener);
	ck_assert_int_eq(try_connect(&found), -ECONNREFUSED);
}
END_TEST

START_TEST(wildcards_listen_in_both_families)
{
	struct nur_listener *listeners[2];
	struct nur_address addresses[2], found;
	int n;

	nur_address_wildcards(0, addresses);
	n = nur_listen_tcp(addresses, 2, 0, listeners);
	ck_assert_int_eq(n, has_ipv6() ? 2 : 1);
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listeners[i]), &found), 0);
		ck_assert_int_eq(try_connect(&found), 0);
		nur_listener_destroy(listeners[i]);
	}
}
END_TEST

START_TEST(ipv6_leaves_ipv4_alone)
{
	struct nur_listener *listener;
	struct nur_address addresses[2], found;

	if (!has_ipv6()) {
		return;
	}
	nur_address_wildcards(0, addresses);
	ck_assert_int_eq(nur_listen_tcp(addresses, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &found), 0);
	found = loopback(nur_address_port(&found));
	ck_assert_int_eq(try_connect(&found), -ECONNREFUSED);
	nur_listener_destroy(listener);
}
END_TEST

static const struct {
	int given;
	int expected;
} backlogs[] = { { 0, 0xFFFF }, { 99999999, 0xFFFF }, { 10, 10 }, { 1, 1 } };

START_TEST(a_backlog_is_passed_on)
{
	struct nur_address address = loopback(0);
	struct nur_listener *listener;

	ck_assert_int_eq(nur_listen_tcp(&address, 1, backlogs[_i].given, &listener), 1);
	ck_assert_int_eq(last_backlog, backlogs[_i].expected);
	nur_listener_destroy(listener);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct nur_address address = loopback(0);
	struct nur_unix_path where = { .path = path, .backlog = -1 };
	struct nur_listener *listener;

	ck_assert_int_eq(nur_listen_tcp(&address, 0, 0, &listener), -EINVAL);
	ck_assert_int_eq(nur_listen_tcp(&address, 1, -1, &listener), -EINVAL);
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EINVAL);
}
END_TEST

START_TEST(a_family_that_is_missing_is_left_out)
{
	struct nur_address addresses[2] = { loopback(0), loopback(0) };
	struct nur_listener *listeners[2];

	addresses[0].any.sa_family = AF_INET6;
	socket_errors[AF_INET6] = EAFNOSUPPORT;
	for (int first = 0; first < 2; first++) {
		struct nur_address swapped = addresses[0];

		ck_assert_int_eq(nur_listen_tcp(addresses, 2, 0, listeners), 1);
		nur_listener_destroy(listeners[0]);
		addresses[0] = addresses[1];
		addresses[1] = swapped;
	}
	socket_errors[AF_INET] = EAFNOSUPPORT;
	ck_assert_int_eq(nur_listen_tcp(addresses, 2, 0, listeners), -EAFNOSUPPORT);
}
END_TEST

START_TEST(a_family_that_fails_otherwise_is_told)
{
	struct nur_address addresses[2] = { loopback(0), loopback(0) };
	struct nur_listener *listeners[2];
	int free_before = lowest_free();

	addresses[1].any.sa_family = AF_INET6;
	socket_errors[AF_INET6] = EMFILE;
	ck_assert_int_eq(nur_listen_tcp(addresses, 2, 0, listeners), -EMFILE);
	ck_assert_int_eq(lowest_free(), free_before);
}
END_TEST

START_TEST(none_is_left_when_one_fails)
{
	struct nur_address addresses[3] = { loopback(0), loopback(0), loopback(0) };
	struct nur_listener *listeners[3];
	int free_before = lowest_free();

	n_listens_left = 2;
	ck_assert_int_eq(nur_listen_tcp(addresses, 3, 0, listeners), -EIO);
	ck_assert_int_eq(lowest_free(), free_before);
}
END_TEST

START_TEST(a_port_is_free_again_at_once)
{
	struct nur_address address = loopback(0), found;
	struct nur_listener *listener, *second;
	int client, server;

	ck_assert_int_eq(nur_listen_tcp(&address, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &found), 0);
	ck_assert_int_eq(nur_listen_tcp(&found, 1, 0, &second), -EADDRINUSE);

	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, &found.any, found.len), 0);
	server = accept(nur_listener_fd(listener), NULL, NULL);
	ck_assert_int_eq(close(server), 0); /* the first to close waits in TIME_WAIT */
	ck_assert_int_eq(close(client), 0);
	nur_listener_destroy(listener);
	ck_assert_int_eq(nur_listen_tcp(&found, 1, 0, &second), 1);
	nur_listener_destroy(second);
}
END_TEST

START_TEST(an_address_of_others_is_refused)
{
	struct nur_address address;
	struct nur_listener *listener;

	ck_assert_int_eq(nur_address_parse("192.0.2.1", 0, &address), 0);
	ck_assert_int_eq(nur_listen_tcp(&address, 1, 0, &listener), -EADDRNOTAVAIL);
}
END_TEST

/* ---- Unix ---- */

static void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
}

/* Whatever a test leaves there fails it here. */
static void
remove_folder(void)
{
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct nur_listener *
listen_there(mode_t mode)
{
	struct nur_unix_path where = { .path = path, .mode = mode };
	struct nur_listener *listener = NULL;

	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	return listener;
}

static mode_t
mode_there(void)
{
	struct stat file;

	ck_assert_int_eq(lstat(path, &file), 0);
	ck_assert(S_ISSOCK(file.st_mode));
	return file.st_mode & 07777;
}

static int
connect_there(void)
{
	struct nur_address address;

	ck_assert_int_eq(nur_address_unix(path, &address), 0);
	return try_connect(&address);
}

START_TEST(a_path_is_served_until_it_is_closed)
{
	struct nur_listener *listener = listen_there(0);

	ck_assert_uint_eq(mode_there(), 0600);
	ck_assert_int_eq(connect_there(), 0);
	nur_listener_destroy(listener);
	ck_assert_int_eq(connect_there(), -ENOENT);
}
END_TEST

START_TEST(nobody_meets_it_half_made)
{
	struct nur_listener *listener;
	mode_t mask = umask(0);

	listener = listen_there(0666);
	(void)umask(mask);
	ck_assert_uint_eq(mode_there(), 0666);
	ck_assert_uint_eq(mode_before_chmod, 0600);
	ck_assert_str_ne(path_before_rename, path);
	nur_listener_destroy(listener);
}
END_TEST

START_TEST(a_group_can_be_given)
{
	const gid_t group = getegid();
	struct nur_unix_path where = { .path = path, .mode = 0660, .group = &group };
	struct nur_listener *listener;

	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	ck_assert_uint_eq(mode_there(), 0660);
	nur_listener_destroy(listener);

	chown_error = EPERM;
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EPERM);
}
END_TEST

START_TEST(a_socket_of_the_dead_is_replaced)
{
	struct nur_address address;
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(nur_address_unix(path, &address), 0);
	ck_assert_int_eq(bind(dead, &address.any, address.len), 0);
	ck_assert_int_eq(close(dead), 0);
	ck_assert_int_eq(connect_there(), -ECONNREFUSED);

	nur_listener_destroy(listen_there(0));
}
END_TEST

START_TEST(who_answers_is_not_replaced)
{
	struct nur_unix_path where = { .path = path, .backlog = 1 };
	struct nur_listener *first, *second;
	int callers[8];

	ck_assert_int_eq(nur_listen_unix(&where, &first), 0);
	ck_assert_int_eq(nur_listen_unix(&where, &second), -EADDRINUSE);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) { /* until its backlog is full */
		struct nur_address address;

		ck_assert_int_eq(nur_address_unix(path, &address), 0);
		callers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(callers[i], &address.any, address.len);
	}
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(nur_listen_unix(&where, &second), -EADDRINUSE);

	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		closep(&callers[i]);
	}
	nur_listener_destroy(first);
}
END_TEST

START_TEST(another_file_is_not_replaced)
{
	struct nur_unix_path where = { .path = path };
	struct nur_listener *listener;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(closing_leaves_what_others_put_there)
{
	struct nur_listener *first = listen_there(0), *second;

	ck_assert_int_eq(unlink(path), 0);
	second = listen_there(0);
	nur_listener_destroy(first);
	ck_assert_int_eq(connect_there(), 0);
	nur_listener_destroy(second);
}
END_TEST

START_TEST(a_failure_leaves_nothing)
{
	struct nur_unix_path where = { .path = path };
	struct nur_listener *listener;
	int free_before = lowest_free();

	n_listens_left = 0;
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EIO);
	socket_errors[AF_UNIX] = EMFILE;
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EMFILE);
	ck_assert_int_eq(lowest_free(), free_before);
}
END_TEST

START_TEST(a_path_has_a_length_and_a_folder)
{
	char long_path[108];
	struct nur_unix_path where = { .path = long_path };
	struct nur_listener *listener;

	memset(long_path, 'x', sizeof(long_path));
	long_path[107] = '\0'; /* room for it, and none for the temporary name */
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -ENAMETOOLONG);
	where.path = "";
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -EINVAL);
	where.path = "/tmp/no such folder/sock";
	ck_assert_int_eq(nur_listen_unix(&where, &listener), -ENOENT);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("listen");
	TCase *tcase = tcase_create("TCP");

	tcase_add_test(tcase, a_port_of_its_own_is_found);
	tcase_add_test(tcase, wildcards_listen_in_both_families);
	tcase_add_test(tcase, ipv6_leaves_ipv4_alone);
	tcase_add_loop_test(tcase, a_backlog_is_passed_on, 0, ARRAY_LEN(backlogs));
	tcase_add_test(tcase, a_family_that_is_missing_is_left_out);
	tcase_add_test(tcase, a_family_that_fails_otherwise_is_told);
	tcase_add_test(tcase, none_is_left_when_one_fails);
	tcase_add_test(tcase, a_port_is_free_again_at_once);
	tcase_add_test(tcase, an_address_of_others_is_refused);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("Unix");
	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	tcase_add_test(tcase, a_path_is_served_until_it_is_closed);
	tcase_add_test(tcase, nobody_meets_it_half_made);
	tcase_add_test(tcase, a_group_can_be_given);
	tcase_add_test(tcase, a_socket_of_the_dead_is_replaced);
	tcase_add_test(tcase, who_answers_is_not_replaced);
	tcase_add_test(tcase, another_file_is_not_replaced);
	tcase_add_test(tcase, closing_leaves_what_others_put_there);
	tcase_add_test(tcase, a_failure_leaves_nothing);
	tcase_add_test(tcase, a_path_has_a_length_and_a_folder);
	tcase_add_test(tcase, nonsense_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
