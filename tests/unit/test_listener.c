/* SPDX-License-Identifier: MIT */
/* Accepting, one caller at a time. accept4() goes through this program and can be told to fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

static struct nur_listener *listener;
static struct nur_address place;

/* What the next calls of accept4() fail with; 0 ends the list. */
static int failures[4];
static size_t n_failures;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	if (n_failures < ARRAY_LEN(failures) && failures[n_failures]) {
		errno = failures[n_failures++];
		return -1;
	}
	return __real_accept4(fd, address, len, flags);
}

static void
open_listener(void)
{
	ck_assert_int_eq(nur_address_parse("127.0.0.1", 0, &place), 0);
	ck_assert_int_eq(nur_listen_tcp(&place, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &place), 0);
}

/* A caller, whom the kernel lets in at once. */
static int
call(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &place.any, place.len), 0);
	return fd;
}

static void
check_is_accepted(int caller)
{
	struct nur_stream *stream;
	struct nur_address own, seen;

	ck_assert_int_eq(nur_listener_accept(listener, &stream), 0);
	ck_assert_int_eq(nur_address_of_socket(caller, &own), 0);
	ck_assert_int_eq(nur_address_of_peer(nur_stream_fd(stream), &seen), 0);
	ck_assert_uint_eq(nur_address_port(&own), nur_address_port(&seen));
	nur_stream_destroy(stream);
	ck_assert_int_eq(close(caller), 0);
}

IN_RUN_TEST(a_caller_becomes_a_stream)
{
	struct nur_stream *stream;
	char byte;
	int caller, fd;

	open_listener();
	caller = call();
	ck_assert_int_eq(nur_listener_accept(listener, &stream), 0);
	fd = nur_stream_fd(stream);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);

	ck_assert_int_eq(nur_stream_send_all(stream, "x", 1), 0);
	ck_assert_int_eq(read(caller, &byte, 1), 1);
	nur_stream_destroy(stream);
	ck_assert_int_eq(close(caller), 0);
	nur_listener_destroy(listener);
}

static int
accept_and_note(void *arg)
{
	struct nur_stream *stream;
	int r = nur_listener_accept(listener, &stream);

	t_note("%s", r == 0 ? "stream" : nur_strerror(r));
	if (r == 0) {
		nur_stream_destroy(stream);
	}
	return r == NUR_ECANCELED ? r : 0;
}

IN_RUN_TEST(accepting_waits_for_a_caller)
{
	struct nur_nursery nursery;

	open_listener();
	t_open(&nursery);
	t_start(&nursery, accept_and_note, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "");
	ck_assert_int_eq(close(call()), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "stream");
	nur_listener_destroy(listener);
}

IN_RUN_TEST(accepting_is_a_checkpoint)
{
	struct nur_stream *stream;
	int caller;

	open_listener();
	caller = call();
	ck_assert(T_REPORTS_CANCEL(nur_listener_accept(listener, &stream)));
	ck_assert(T_SCHEDULES(nur_listener_accept(listener, &stream)));
	nur_stream_destroy(stream); /* who cancelled took nobody */
	ck_assert_int_eq(close(caller), 0);
	nur_listener_destroy(listener);
}

IN_RUN_TEST(a_wait_can_be_cancelled)
{
	bool is_late;

	open_listener();
	ck_assert_int_eq(nur_move_on_after(NUR_SEC(60), 0, accept_and_note, NULL, &is_late), 0);
	ck_assert(is_late);
	check_is_accepted(call());
	nur_listener_destroy(listener);
}

IN_RUN_TEST(one_task_at_a_time_waits)
{
	struct nur_nursery nursery;
	struct nur_stream *stream;

	open_listener();
	t_open(&nursery);
	t_start(&nursery, accept_and_note, NULL);
	t_settle();
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_EBUSY);
	nur_nursery_cancel(&nursery, "seen");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	nur_listener_destroy(listener);
}

IN_RUN_TEST(closing_wakes_who_waits)
{
	struct nur_nursery nursery;
	struct nur_stream *stream;

	open_listener();
	t_open(&nursery);
	t_start(&nursery, accept_and_note, NULL);
	t_settle();
	nur_listener_close(listener);
	nur_listener_close(listener);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), nur_strerror(NUR_ECLOSED));

	ck_assert_int_eq(nur_listener_fd(listener), -1);
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_ECLOSED);
	ck_assert_int_eq(connect(socket(AF_INET, SOCK_STREAM, 0), &place.any, place.len), -1);
	nur_listener_destroy(listener);
}

static void
close_listener(void *arg)
{
	nur_listener_close(listener);
}

IN_RUN_TEST(a_close_after_the_wakeup_is_seen_by_the_woken)
{
	struct nur_nursery nursery;
	struct nur_timer timer;
	int caller;

	open_listener();
	nur_timer_init(&timer, close_listener, NULL);
	t_open(&nursery);
	t_start(&nursery, accept_and_note, NULL);
	t_settle();
	caller = call();
	nur_timer_set(&timer, nur_now()); /* deadlines come behind events in a pass */
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), nur_strerror(NUR_ECLOSED));
	ck_assert_int_eq(close(caller), 0);
	nur_listener_destroy(listener);
}

/* ---- retiring ---- */

enum {
	n_waiting = 3
};

IN_RUN_TEST(who_waits_is_accepted_from_a_retired_listener)
{
	struct nur_stream *stream;
	int callers[n_waiting];

	open_listener();
	for (int i = 0; i < n_waiting; i++) {
		callers[i] = call();
	}
	nur_listener_retire(listener);
	nur_listener_retire(listener);
	for (int i = 0; i < n_waiting; i++) {
		check_is_accepted(callers[i]);
	}
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_ECLOSED);
	nur_listener_destroy(listener);
}

IN_RUN_TEST(a_retired_unix_socket_refuses_whoever_finds_it)
{
	char folder[] = "/tmp/test_listener.XXXXXX";
	char path[64], other_name[64];
	const struct nur_unix_path where = { .path = path };
	struct nur_stream *stream;
	int caller;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	(void)snprintf(other_name, sizeof(other_name), "%s/other", folder);
	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	ck_assert_int_eq(link(path, other_name), 0);
	ck_assert_int_eq(nur_address_unix(other_name, &place), 0);
	caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(caller, &place.any, place.len), 0);

	nur_listener_retire(listener);

	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(connect(socket(AF_UNIX, SOCK_STREAM, 0), &place.any, place.len), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert_int_eq(nur_listener_accept(listener, &stream), 0);
	nur_stream_destroy(stream);
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_ECLOSED);
	nur_listener_destroy(listener);
	ck_assert_int_eq(close(caller), 0);
	ck_assert_int_eq(unlink(other_name), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

IN_RUN_TEST(retiring_wakes_who_waits)
{
	struct nur_nursery nursery;

	open_listener();
	t_open(&nursery);
	t_start(&nursery, accept_and_note, NULL);
	t_settle();
	nur_listener_retire(listener);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), nur_strerror(NUR_ECLOSED));
	nur_listener_close(listener);
	nur_listener_retire(listener);
	nur_listener_destroy(listener);
}

IN_RUN_TEST(what_was_passed_keeps_those_who_wait)
{
	struct nur_stream *stream;
	int fd, next, caller;

	open_listener();
	fd = dup(nur_listener_fd(listener));
	next = dup(fd);
	nur_listener_destroy(listener);
	ck_assert_int_eq(nur_listener_open(fd, &listener), 0);
	caller = call();

	nur_listener_retire(listener);

	ck_assert_int_eq(nur_listener_fd(listener), -1);
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_ECLOSED);
	nur_listener_destroy(listener);
	ck_assert_int_eq(nur_listener_open(next, &listener), 0);
	check_is_accepted(caller);
	nur_listener_destroy(listener);
}

static const int of_connections[] = {
	ECONNABORTED,
	ECONNRESET,
	EHOSTDOWN,
	EHOSTUNREACH,
	EINTR,
	ENETDOWN,
	ENETUNREACH,
	ENONET,
	ENOPROTOOPT,
	ENOSR,
	EOPNOTSUPP,
	EPERM,
	EPROTO,
	EPROTONOSUPPORT,
	ESOCKTNOSUPPORT,
	ETIMEDOUT,
};

START_TEST(a_connection_that_failed_is_passed_over)
{
	static int error;

	error = of_connections[_i];
	open_listener();
	failures[0] = failures[1] = error;
	ck_assert_int_eq(close(call()), 0);
	ck_assert_int_eq(t_run(accept_and_note, NULL, NULL), 0);
	ck_assert_str_eq(t_notes(), "stream");
	ck_assert_uint_eq(n_failures, 2);
	t_forget_notes();
	nur_listener_destroy(listener);
}
END_TEST

static const int of_the_system[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, EFAULT };

IN_RUN_TEST(what_the_system_lacks_is_told)
{
	struct nur_stream *stream;
	int caller;

	open_listener();
	caller = call();
	for (size_t i = 0; i < ARRAY_LEN(of_the_system); i++) {
		failures[0] = of_the_system[i];
		n_failures = 0;
		ck_assert_int_eq(nur_listener_accept(listener, &stream), -of_the_system[i]);
	}
	check_is_accepted(caller); /* who has waited meanwhile */
	nur_listener_destroy(listener);
}

START_TEST(a_socket_that_listens_becomes_a_listener)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(nur_listener_open(fd, &listener), 0);
	ck_assert_int_eq(nur_listener_fd(listener), fd);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	nur_listener_destroy(listener);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(nothing_else_does)
{
	int fds[] = { socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0),
		open("/dev/null", O_RDONLY), -1 };
	static const int errors[] = { -EINVAL, -EPROTOTYPE, -ENOTSOCK, -EBADF };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		ck_assert_int_eq(nur_listener_open(fds[i], &listener), errors[i]);
		closep(&fds[i]);
	}
	nur_listener_destroy(NULL);
}
END_TEST

START_TEST(outside_a_run_nobody_accepts)
{
	struct nur_stream *stream;
	int caller;

	open_listener();
	caller = call();
	ck_assert_int_eq(nur_listener_accept(listener, &stream), NUR_ENOTINTASK);
	ck_assert_int_eq(close(caller), 0);
	nur_listener_destroy(listener);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = tcase_create("accepting");

	tcase_add_test(tcase, a_caller_becomes_a_stream);
	tcase_add_test(tcase, accepting_waits_for_a_caller);
	tcase_add_test(tcase, accepting_is_a_checkpoint);
	tcase_add_test(tcase, a_wait_can_be_cancelled);
	tcase_add_test(tcase, one_task_at_a_time_waits);
	tcase_add_test(tcase, closing_wakes_who_waits);
	tcase_add_test(tcase, a_close_after_the_wakeup_is_seen_by_the_woken);
	tcase_add_test(tcase, outside_a_run_nobody_accepts);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("retiring");
	tcase_add_test(tcase, who_waits_is_accepted_from_a_retired_listener);
	tcase_add_test(tcase, a_retired_unix_socket_refuses_whoever_finds_it);
	tcase_add_test(tcase, retiring_wakes_who_waits);
	tcase_add_test(tcase, what_was_passed_keeps_those_who_wait);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("errors");
	tcase_add_loop_test(
		tcase, a_connection_that_failed_is_passed_over, 0, ARRAY_LEN(of_connections));
	tcase_add_test(tcase, what_the_system_lacks_is_told);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("descriptors");
	tcase_add_test(tcase, a_socket_that_listens_becomes_a_listener);
	tcase_add_test(tcase, nothing_else_does);
	suite_add_tcase(suite, tcase);
	return suite;
}
