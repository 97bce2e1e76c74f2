/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ops/notify.h"
#include "lib/base/cleanup.h"

#define SECOND UINT64_C(1000000000)

/* The manager's end: an abstract socket whose name the kernel chose (autobind). */
static int manager = -1;
static struct notify notify;

static void
manager_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(manager, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, len), 0);
	len = sizeof(address);
	ck_assert_int_eq(getsockname(manager, (struct sockaddr *)&address, &len), 0);

	address.sun_path[0] = '@';
	address.sun_path[len - offsetof(struct sockaddr_un, sun_path)] = '\0';
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
}

static void
manager_close(void)
{
	notify_fini(&notify);
	closep(&manager);
}

static void
open_notify(void)
{
	ck_assert_int_eq(notify_open(&notify), 1);
}

static const char *
received(void)
{
	static char text[512];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

START_TEST(changes_of_state_are_one_datagram_with_their_status)
{
	open_notify();

	ck_assert_int_eq(notify_ready(&notify, "serving"), 0);
	ck_assert_str_eq(received(), "READY=1\nSTATUS=serving");
	ck_assert_int_eq(notify_stopping(&notify, "draining"), 0);
	ck_assert_str_eq(received(), "STOPPING=1\nSTATUS=draining");
	ck_assert_ptr_null(received());
}
END_TEST

START_TEST(reloading_carries_the_monotonic_time_in_microseconds)
{
	open_notify();

	ck_assert_int_eq(notify_reloading(&notify, 1234567), 0);
	ck_assert_str_eq(received(), "RELOADING=1\nMONOTONIC_USEC=1234");
}
END_TEST

START_TEST(watchdog_and_extension)
{
	open_notify();

	ck_assert_int_eq(notify_watchdog(&notify), 0);
	ck_assert_str_eq(received(), "WATCHDOG=1");
	ck_assert_int_eq(notify_extend_timeout(&notify, 2 * SECOND), 0);
	ck_assert_str_eq(received(), "EXTEND_TIMEOUT_USEC=2000000");
}
END_TEST

START_TEST(status_is_sent_when_it_changed_and_a_second_has_passed)
{
	open_notify();

	ck_assert_int_eq(notify_status(&notify, 10 * SECOND, "1 in flight"), 0);
	ck_assert_str_eq(received(), "STATUS=1 in flight");
	ck_assert_int_eq(notify_status(&notify, 11 * SECOND - 1, "2 in flight"), 0);
	ck_assert_ptr_null(received());
	ck_assert_int_eq(notify_status(&notify, 11 * SECOND, "2 in flight"), 0);
	ck_assert_str_eq(received(), "STATUS=2 in flight");
	ck_assert_int_eq(notify_status(&notify, 20 * SECOND, "2 in flight"), 0);
	ck_assert_ptr_null(received());
}
END_TEST

START_TEST(a_newline_in_a_status_is_no_second_assignment)
{
	open_notify();

	ck_assert_int_eq(notify_ready(&notify, "name\nSTOPPING=1\x1b"), 0);
	ck_assert_str_eq(received(), "READY=1\nSTATUS=name STOPPING=1 ");
}
END_TEST

START_TEST(a_long_status_is_cut)
{
	char text[400];

	open_notify();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';

	ck_assert_int_eq(notify_status(&notify, SECOND, text), 0);
	ck_assert_uint_eq(strlen(received()), strlen("STATUS=") + sizeof(notify.status) - 1);
}
END_TEST

START_TEST(periodic_messages_to_a_full_queue_are_dropped)
{
	int r = 0;

	open_notify();
	for (int i = 0; i < 10000 && r == 0; i++) {
		r = notify_watchdog(&notify);
	}

	ck_assert_int_eq(r, -EAGAIN);
}
END_TEST

START_TEST(the_watchdog_time_is_read_in_microseconds)
{
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	open_notify();

	ck_assert_uint_eq(notify.watchdog_ns, 20 * SECOND);
}
END_TEST

START_TEST(a_watchdog_for_another_process_is_none_of_ours)
{
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	open_notify();

	ck_assert_uint_eq(notify.watchdog_ns, 0);
}
END_TEST

START_TEST(an_unreadable_watchdog_time_is_an_error)
{
	static const char *const texts[] = { "", "20s", "99999999999999999999" };

	ck_assert_int_eq(setenv("WATCHDOG_USEC", texts[_i], 1), 0);

	ck_assert_int_eq(notify_open(&notify), -EINVAL);
	ck_assert_int_eq(notify_ready(&notify, "x"), 0);
	ck_assert_ptr_null(received());
}
END_TEST

START_TEST(the_environment_is_cleaned)
{
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "1", 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	open_notify();

	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
}
END_TEST

START_TEST(without_a_manager_every_call_does_nothing)
{
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);

	ck_assert_int_eq(notify_open(&notify), 0);
	ck_assert_int_eq(notify_ready(&notify, "x"), 0);
	ck_assert_int_eq(notify_watchdog(&notify), 0);
}
END_TEST

START_TEST(a_manager_that_is_gone_is_an_error_of_the_call)
{
	open_notify();
	closep(&manager);
	manager = -1;

	ck_assert_int_eq(notify_ready(&notify, "x"), -ECONNREFUSED);
}
END_TEST

START_TEST(addresses_of_other_kinds_are_refused)
{
	char longer[200];

	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';

	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "vsock:2:1", 1), 0);
	ck_assert_int_eq(notify_open(&notify), -EAFNOSUPPORT);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", longer, 1), 0);
	ck_assert_int_eq(notify_open(&notify), -E2BIG);
}
END_TEST

START_TEST(fini_accepts_a_zeroed_object)
{
	struct notify zeroed = { 0 };

	notify_fini(&zeroed);

	ck_assert_int_eq(zeroed.fd, -1);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("notify");
	TCase *sending = tcase_create("sending");
	TCase *opening = tcase_create("opening");

	tcase_add_checked_fixture(sending, manager_open, manager_close);
	tcase_add_test(sending, changes_of_state_are_one_datagram_with_their_status);
	tcase_add_test(sending, reloading_carries_the_monotonic_time_in_microseconds);
	tcase_add_test(sending, watchdog_and_extension);
	tcase_add_test(sending, status_is_sent_when_it_changed_and_a_second_has_passed);
	tcase_add_test(sending, a_newline_in_a_status_is_no_second_assignment);
	tcase_add_test(sending, a_long_status_is_cut);
	tcase_add_test(sending, periodic_messages_to_a_full_queue_are_dropped);
	suite_add_tcase(suite, sending);

	tcase_add_checked_fixture(opening, manager_open, manager_close);
	tcase_add_test(opening, the_watchdog_time_is_read_in_microseconds);
	tcase_add_test(opening, a_watchdog_for_another_process_is_none_of_ours);
	tcase_add_loop_test(opening, an_unreadable_watchdog_time_is_an_error, 0, 3);
	tcase_add_test(opening, the_environment_is_cleaned);
	tcase_add_test(opening, without_a_manager_every_call_does_nothing);
	tcase_add_test(opening, a_manager_that_is_gone_is_an_error_of_the_call);
	tcase_add_test(opening, addresses_of_other_kinds_are_refused);
	tcase_add_test(opening, fini_accepts_a_zeroed_object);
	suite_add_tcase(suite, opening);
	return suite;
}
