/* SPDX-License-Identifier: MIT */
/*
 * X30: memory, mappings and descriptors run out at each call of the library that asks for them, one at a
 * time. The public call then says so, what it was given is as before, and the same call works when there
 * is enough again. The torture programs do the same to all the other tests of this folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"
#include "tests/support/shortage.h"

DEFINE_CLEANUP(struct nur_limiter *, nur_limiter_destroy);
DEFINE_CLEANUP(struct nur_receive_channel *, nur_receive_channel_destroy);
DEFINE_CLEANUP(struct nur_send_channel *, nur_send_channel_destroy);
DEFINE_CLEANUP(struct nur_signal_receiver *, nur_signal_receiver_close);
DEFINE_CLEANUP(struct nur_stream *, nur_stream_destroy);
DEFINE_CLEANUP(struct nur_token *, nur_token_close);
DEFINE_CLEANUP(struct nur_watch *, nur_watch_close);

/* ---- what can run short: each function uses some calls, and leaves nothing behind ---- */

static int
start_tasks(void)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 70 && rc == 0; i++) { /* more than one slab of stacks */
			rc = nur_start_soon(nursery, "child", t_checkpoint, NULL);
		}
	}
	return rc;
}

static int
be_ready(struct nur_task_status *status, void *value)
{
	return nur_started(status, value);
}

static int
start_and_wait(void)
{
	void *value;
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 70 && rc == 0; i++) {
			rc = nur_start_soon(nursery, "child", t_checkpoint, NULL);
		}
		if (rc == 0) {
			rc = nur_start(nursery, "child", be_ready, NULL, &value);
		}
	}
	return rc;
}

static int
spawn_system_tasks(void)
{
	int r = 0;

	for (int i = 0; i < 70 && r == 0; i++) {
		r = nur_spawn_system_task("system", t_checkpoint, NULL);
	}
	t_settle();
	return r;
}

static int
use_channel(void)
{
	_cleanup_(nur_send_channel_destroyp) struct nur_send_channel *sender = NULL, *clone = NULL;
	_cleanup_(nur_receive_channel_destroyp) struct nur_receive_channel *receiver = NULL;
	_cleanup_(nur_receive_channel_destroyp) struct nur_receive_channel *other = NULL;
	struct nur_channel_statistics counted;
	int r = nur_channel_open(sizeof(int), NUR_CHANNEL_UNBOUNDED, &sender, &receiver);
	int i, value;

	if (r < 0) {
		ck_assert(!sender && !receiver);
		return r;
	}
	if ((r = nur_send_channel_clone(sender, &clone)) < 0) {
		ck_assert_ptr_null(clone);
		return r;
	}
	if ((r = nur_receive_channel_clone(receiver, &other)) < 0) {
		ck_assert_ptr_null(other);
		return r;
	}
	for (i = 0; i < 40 && r == 0; i++) {
		r = i % 2 ? nur_channel_send(clone, &i) : nur_channel_send_nowait(sender, &i);
	}
	nur_send_channel_statistics(sender, &counted);
	ck_assert_uint_eq(counted.n_buffered, (size_t)(r < 0 ? i - 1 : i)); /* all or nothing */
	if (counted.n_buffered > 0) {
		ck_assert_int_eq(nur_channel_receive(other, &value), 0);
		ck_assert_int_eq(value, 0);
	}
	return r;
}

static int
use_limiter(void)
{
	_cleanup_(nur_limiter_destroyp) struct nur_limiter *limiter = NULL;
	static const char borrowers[40];
	int r = nur_limiter_create(NUR_LIMITER_UNLIMITED, &limiter);
	size_t i;

	for (i = 0; i < sizeof(borrowers) && r == 0; i++) {
		r = i % 2 ? nur_limiter_acquire(limiter, &borrowers[i])
			  : nur_limiter_acquire_nowait(limiter, &borrowers[i]);
	}
	if (limiter) {
		ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), r < 0 ? i - 1 : i);
	}
	return r;
}

static int
use_signal(void)
{
	_cleanup_(nur_signal_receiver_closep) struct nur_signal_receiver *receiver = NULL;
	int signo = SIGUSR1;
	int r = nur_signal_receiver_open(&signo, 1, &receiver);

	if (r < 0) {
		ck_assert_ptr_null(receiver);
		return r;
	}
	(void)raise(SIGUSR1); /* fails for bad numbers only */
	return nur_signal_receiver_next(receiver, &signo);
}

/* The ends have numbers that the table of descriptors does not reach without growing. */
static void
open_pair(int fds[2])
{
	static int lowest = 100;
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, lowest);
		ck_assert_int_ge(fds[i], 0);
		(void)close(pair[i]);
	}
	lowest += 40;
}

static int
wait_on_descriptors(void)
{
	_cleanup_(closep) int ours = -1, theirs = -1;
	int fds[2], r;

	open_pair(fds);
	ours = fds[0];
	theirs = fds[1];
	r = nur_wait_writable(ours);
	if (r == 0) {
		ck_assert_int_eq(write(theirs, "x", 1), 1);
		r = nur_wait_readable(ours);
	}
	if (r == 0) {
		closep(&theirs);
		theirs = -1;
		r = nur_wait_hangup(ours);
	}
	nur_notify_closing(ours);
	return r;
}

static int
use_stream(void)
{
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	_cleanup_(closep) int theirs = -1;
	int fds[2], r;

	open_pair(fds);
	theirs = fds[1];
	r = nur_stream_open(fds[0], &stream);
	if (r < 0) {
		ck_assert_ptr_null(stream);
		(void)close(fds[0]); /* still ours */
		return r;
	}
	r = nur_stream_send_all(stream, "x", 1);
	if (r == 0) {
		r = nur_wait_readable(theirs);
	}
	nur_notify_closing(theirs);
	return r;
}

static void
ignore_events(int fd, unsigned events, void *arg)
{
}

static int
watch_descriptor(void)
{
	_cleanup_(nur_watch_closep) struct nur_watch *watch = NULL;
	_cleanup_(closep) int ours = -1, theirs = -1;
	int fds[2], r;

	open_pair(fds);
	ours = fds[0];
	theirs = fds[1];
	r = nur_watch_open(ours, ignore_events, NULL, &watch);
	if (r < 0) {
		ck_assert_ptr_null(watch);
		return r;
	}
	return nur_watch_set(watch, NUR_WATCH_READ);
}

static int n_called;

static int
count_call(void *unused)
{
	n_called++;
	return 0;
}

static int
call_from_outside(void)
{
	_cleanup_(nur_token_closep) struct nur_token *token = NULL;
	int r = nur_token_open(&token);
	int n = 0;

	if (r < 0) {
		ck_assert_ptr_null(token);
		return r;
	}
	n_called = 0;
	for (int i = 0; i < 20 && r == 0; i++) {
		r = nur_token_call_soon(token, count_call, NULL);
		n += r == 0;
	}
	if (r == 0) {
		r = nur_token_call_soon_once(token, count_call, NULL);
		n += r == 0;
	}
	t_settle();
	ck_assert_int_eq(n_called, n); /* no call is lost that was accepted */
	return r;
}

static int
create_clock(void)
{
	struct nur_mock_clock *clock = NULL;
	int r = nur_mock_clock_create(0, 0, &clock);

	if (r < 0) {
		ck_assert_ptr_null(clock);
		return r;
	}
	nur_mock_clock_destroy(clock);
	return 0;
}

/* ---- what has to hold ---- */

static size_t
count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder)) {
		n++;
	}
	(void)closedir(folder); /* only read */
	return n;
}

/* In a run of its own: what another one left in it would spare the second its calls. */
static int (*used)(void);
static int call_that_fails;
static bool has_failed;

static void
use_twice(void)
{
	int r;

	t_shortage_at(call_that_fails);
	r = used();
	has_failed = t_shortage_came();
	t_shortage_at(-1);

	ck_assert_msg(r == 0 || (has_failed && t_is_shortage(r)), "call %d: %s (%d)",
		call_that_fails, nur_strerror(r), r);
	ck_assert_int_eq(used(), 0);
}

static void
fail_each_call(int (*fn)(void))
{
	size_t n_descriptors = count_descriptors();
	int64_t n_held = t_shortage_n_held();

	used = fn;
	call_that_fails = 0;
	do {
		t_in_run(use_twice);
		ck_assert_int_eq(t_shortage_n_held(), n_held);
		ck_assert_uint_eq(count_descriptors(), n_descriptors);
		call_that_fails++;
	} while (has_failed);
	ck_assert_int_gt(call_that_fails, 1);
}

START_TEST(x30_a_task_that_finds_no_stack_is_not_started)
{
	fail_each_call(start_tasks);
	fail_each_call(start_and_wait);
	fail_each_call(spawn_system_tasks);
}
END_TEST

START_TEST(x30_a_channel_that_finds_no_room_keeps_what_it_has)
{
	fail_each_call(use_channel);
}
END_TEST

START_TEST(x30_a_limiter_that_finds_no_room_lends_nothing)
{
	fail_each_call(use_limiter);
}
END_TEST

START_TEST(x30_a_signal_that_cannot_be_awaited_stays_whose_it_was)
{
	ck_assert(signal(SIGUSR1, SIG_IGN) != SIG_ERR); /* unread ones are raised again */
	fail_each_call(use_signal);
}
END_TEST

START_TEST(x30_a_descriptor_that_cannot_be_awaited_can_be_later)
{
	fail_each_call(wait_on_descriptors);
	fail_each_call(watch_descriptor);
	fail_each_call(use_stream);
}
END_TEST

START_TEST(x30_a_call_from_outside_is_refused_or_made)
{
	fail_each_call(call_from_outside);
}
END_TEST

START_TEST(x30_a_clock_is_made_or_not)
{
	fail_each_call(create_clock);
}
END_TEST

static int
return_seven(void *unused)
{
	return 7;
}

START_TEST(x30_a_run_begins_or_not)
{
	size_t n_descriptors = count_descriptors();
	int64_t n_held = t_shortage_n_held();
	int n = 0, r;

	do {
		t_shortage_at(n++);
		r = nur_run(return_seven, NULL, NULL, NULL);
		ck_assert(r == 7 || t_is_shortage(r));
		ck_assert_int_eq(t_shortage_n_held(), n_held);
		ck_assert_uint_eq(count_descriptors(), n_descriptors);
	} while (t_shortage_came());
	ck_assert_int_gt(n, 5);
}
END_TEST

/* ---- groups of failures ---- */

static int
fail_twice(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, t_return, T_CODE(-EIO));
	t_start(&nursery, t_return, T_CODE(-EIO));
	t_shortage_at(call_that_fails);
	return nur_nursery_close(&nursery, 0, NULL);
}

static void
fail_in_a_group(void)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;
	char text[512];

	t_open(&nursery);
	t_start(&nursery, fail_twice, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), -EIO);
	has_failed = t_shortage_came();
	t_shortage_at(-1);

	ck_assert_uint_eq(errors.n + errors.n_lost, 1);
	ck_assert_uint_lt(nur_errors_format(&errors, text, sizeof(text)), sizeof(text));
	ck_assert(strstr(text, "Input/output error") || strstr(text, "lost for lack of memory"));
	nur_errors_fini(&errors);
}

START_TEST(x30_a_failure_without_a_record_is_counted)
{
	int64_t n_held = t_shortage_n_held();

	call_that_fails = 0;
	do {
		t_in_run(fail_in_a_group);
		ck_assert_int_eq(t_shortage_n_held(), n_held);
		call_that_fails++;
	} while (has_failed);
	ck_assert_int_gt(call_that_fails, 5);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("shortage");
	TCase *tc = tcase_create("shortage");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, x30_a_task_that_finds_no_stack_is_not_started);
	tcase_add_test(tc, x30_a_channel_that_finds_no_room_keeps_what_it_has);
	tcase_add_test(tc, x30_a_limiter_that_finds_no_room_lends_nothing);
	tcase_add_test(tc, x30_a_signal_that_cannot_be_awaited_stays_whose_it_was);
	tcase_add_test(tc, x30_a_descriptor_that_cannot_be_awaited_can_be_later);
	tcase_add_test(tc, x30_a_call_from_outside_is_refused_or_made);
	tcase_add_test(tc, x30_a_clock_is_made_or_not);
	tcase_add_test(tc, x30_a_run_begins_or_not);
	tcase_add_test(tc, x30_a_failure_without_a_record_is_counted);
	suite_add_tcase(suite, tc);
	return suite;
}
