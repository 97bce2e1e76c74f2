/* SPDX-License-Identifier: MIT */
/*
 * Memory, descriptors and mappings run out at every single call of libnursery that asks for them, one
 * run each: the run must end with that failure, or do without, and nothing may leak (AddressSanitizer
 * and valgrind look). The linker puts these functions in place of libc's for our own code; libevent
 * keeps its own. Check may have to allocate too: what it is asked, is asked after the failure.
 */
#include "tests/support/run.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <search.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* Calls that still succeed; negative: all do. */
static int n_left = -1;
static bool has_failed;

/* Only calls of the test's own thread are counted: a sanitizer makes some when a thread begins. */
static __thread bool is_counting;

static bool
fails_now(int error)
{
	if (!is_counting) {
		return false;
	}
	if (n_left != 0) {
		n_left -= n_left > 0;
		return false;
	}
	n_left = -1;
	has_failed = true;
	errno = error;
	return true;
}

/* clang-format off */
#define FAULT(type, name, parameters, arguments, error, failure)                                   \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails_now(error) ? (failure) : __real_##name arguments;                     \
	}

FAULT(void *, malloc, (size_t len), (len), ENOMEM, NULL)
FAULT(void *, calloc, (size_t n, size_t len), (n, len), ENOMEM, NULL)
FAULT(void *, realloc, (void *old, size_t len), (old, len), ENOMEM, NULL)
FAULT(char *, strdup, (const char *text), (text), ENOMEM, NULL)
FAULT(void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t offset),
	(at, len, prot, flags, fd, offset), ENOMEM, MAP_FAILED)
FAULT(int, madvise, (void *at, size_t len, int advice), (at, len, advice), ENOMEM, -1)
FAULT(int, pipe2, (int fds[2], int flags), (fds, flags), EMFILE, -1)
FAULT(int, timerfd_create, (int clock, int flags), (clock, flags), EMFILE, -1)
FAULT(int, epoll_create1, (int flags), (flags), EMFILE, -1)
FAULT(int, eventfd, (unsigned count, int flags), (count, flags), EMFILE, -1)
FAULT(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg),
	(thread, attributes, fn, arg), EAGAIN, EAGAIN)
FAULT(void *, tsearch, (const void *key, void **root, int (*compare)(const void *, const void *)),
	(key, root, compare), ENOMEM, NULL)
/* clang-format on */

/* To ask costs nothing, so it never fails; AddressSanitizer asks here, too. */
int __real_sigaltstack(const stack_t *stack, stack_t *old);
int __wrap_sigaltstack(const stack_t *stack, stack_t *old);

int
__wrap_sigaltstack(const stack_t *stack, stack_t *old)
{
	return stack && fails_now(ENOMEM) ? -1 : __real_sigaltstack(stack, old);
}

static bool
is_shortage(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -EAGAIN || code == NUR_ENOSTACK;
}

static struct nur_run_options options;

static int
run_alone(nur_task_fn fn, struct nur_errors *errors)
{
	return nur_run(fn, NULL, &options, errors);
}

/* How a main task is run: alone, or as a guest. */
static int (*run)(nur_task_fn fn, struct nur_errors *errors) = run_alone;

/* Runs @fn until no call is left to fail. Each run ends with a shortage, or with @expected. */
static void
fail_each_call(nur_task_fn fn, int expected)
{
	for (int n = 0;; n++) {
		struct nur_errors errors = NUR_ERRORS_INIT;
		int r;

		has_failed = false;
		is_counting = true;
		n_left = n;
		r = run(fn, &errors);
		n_left = -1;

		ck_assert_msg(r == expected || (has_failed && is_shortage(r)),
			"call %d failed: %s (%d)", n, nur_strerror(r), r);
		nur_errors_fini(&errors);
		if (!has_failed) {
			ck_assert_int_gt(n, 5);
			return;
		}
	}
}

static int
sleep_a_moment(void *arg)
{
	return nur_sleep(NUR_USEC(1));
}

static int
start_many(void *arg)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 70 && rc == 0; i++) {
			rc = nur_start_soon(nursery, "sleeper", sleep_a_moment, NULL);
		}
	}
	return rc;
}

START_TEST(tasks)
{
	fail_each_call(start_many, 0);
}
END_TEST

static int
fail_with_text(void *arg)
{
	return nur_fail(-EIO, "the text of a failure");
}

static int
fail_twice(void *arg)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		rc = nur_start_soon(nursery, "first", fail_with_text, NULL);
		if (rc == 0) {
			rc = nur_start_soon(nursery, "second", fail_with_text, NULL);
		}
	}
	return rc;
}

START_TEST(failures)
{
	fail_each_call(fail_twice, -EIO);
}
END_TEST

static int
fail_a_quorum(void *arg)
{
	struct nur_branch branches[] = {
		{ .name = "first", .fn = fail_with_text },
		{ .name = "second", .fn = sleep_a_moment },
		{ .name = "third", .fn = fail_with_text },
	};

	return nur_quorum(branches, 3, 2, NULL);
}

START_TEST(quorums)
{
	fail_each_call(fail_a_quorum, -EIO);
}
END_TEST

static int
fail_beside_main(void *arg)
{
	int r = nur_spawn_system_task("system", fail_twice, NULL);

	return r < 0 ? r : nur_sleep_forever();
}

START_TEST(failures_of_system_tasks)
{
	fail_each_call(fail_beside_main, NUR_EINTERNAL);
}
END_TEST

static int
be_ready(struct nur_task_status *status, void *arg)
{
	int r = nur_started(status, arg);

	return r < 0 ? r : nur_checkpoint();
}

static int
fail_before_ready(struct nur_task_status *status, void *arg)
{
	return fail_twice(arg);
}

static int
start_some(void *arg)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		rc = nur_start(nursery, NULL, be_ready, NULL, NULL);
		if (rc == 0) {
			rc = nur_start(nursery, "second", be_ready, NULL, NULL);
		}
		if (rc == 0) {
			rc = nur_start(nursery, "third", fail_before_ready, NULL, NULL);
		}
	}
	return rc;
}

START_TEST(starts)
{
	fail_each_call(start_some, -EIO);
}
END_TEST

static int
wait_for_nothing(void *arg)
{
	return nur_sleep_forever();
}

START_TEST(watchdogs)
{
	options.hog_after_ns = NUR_SEC(3600);
	fail_each_call(sleep_a_moment, 0);
	options.hog_after_ns = 0;
}
END_TEST

static int
look_at_use(const struct nur_stack_use *use, void *arg)
{
	return use->max_used > 0 ? 0 : -ERANGE;
}

/* Without memory for the figures there are none, and the run goes on. */
static int
start_measured(void *arg)
{
	int r = start_many(arg);

	if (r == 0) {
		r = nur_stack_use_walk(look_at_use, NULL);
	}
	return r == -ENODATA ? 0 : r;
}

static void
ignore_report(const char *line, void *arg)
{
}

START_TEST(measured_stacks)
{
	options = (struct nur_run_options){ .measures_stacks = true, .report = ignore_report };
	fail_each_call(start_measured, 0);
	options = (struct nur_run_options){ 0 };
}
END_TEST

START_TEST(deadlocks)
{
	options.detects_deadlock = true;
	fail_each_call(wait_for_nothing, NUR_EDEADLOCK);
	options.detects_deadlock = false;
}
END_TEST

static const struct nur_local borrowed = { .destroy = NULL };
static const struct nur_local owned = { .destroy = free };

static int
set_owned(int (*set)(const struct nur_local *local, void *value))
{
	void *value = calloc(1, 1);
	int r = value ? set(&owned, value) : -ENOMEM;

	if (r < 0) {
		free(value); /* still ours */
	}
	return r;
}

static int
set_locals(void *arg)
{
	int r = nur_task_local_set(&borrowed, NULL);

	for (int i = 0; i < 2 && r == 0; i++) {
		r = set_owned(nur_task_local_set);
	}
	if (r == 0) {
		r = set_owned(nur_run_local_set);
	}
	if (r == 0) {
		r = start_many(NULL);
	}
	if (r == 0) {
		r = nur_task_local_unset(&owned);
	}
	return r < 0 ? r : nur_run_local_unset(&owned);
}

START_TEST(locals)
{
	fail_each_call(set_locals, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_send_channel *, nur_send_channel_destroy);
DEFINE_CLEANUP(struct nur_receive_channel *, nur_receive_channel_destroy);

static int
use_channel(void *arg)
{
	_cleanup_(nur_send_channel_destroyp) struct nur_send_channel *sender = NULL, *clone = NULL;
	_cleanup_(nur_receive_channel_destroyp) struct nur_receive_channel *receiver = NULL;
	_cleanup_(nur_receive_channel_destroyp) struct nur_receive_channel *other = NULL;
	int value, r;

	r = nur_channel_open(sizeof(int), NUR_CHANNEL_UNBOUNDED, &sender, &receiver);
	if (r == 0) {
		r = nur_send_channel_clone(sender, &clone);
	}
	if (r == 0) {
		r = nur_receive_channel_clone(receiver, &other);
	}
	for (int i = 0; i < 20 && r == 0; i++) {
		r = nur_channel_send(clone, &i);
		if (r < 0) { /* then nothing was sent */
			struct nur_channel_statistics counted;

			nur_send_channel_statistics(sender, &counted);
			ck_assert_uint_eq(counted.n_buffered, (size_t)i);
		}
	}
	return r < 0 ? r : nur_channel_receive(other, &value);
}

START_TEST(channels)
{
	fail_each_call(use_channel, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_limiter *, nur_limiter_destroy);

static int
use_limiter(void *arg)
{
	_cleanup_(nur_limiter_destroyp) struct nur_limiter *limiter = NULL;
	static const char borrowers[20];
	int r = nur_limiter_create(NUR_LIMITER_UNLIMITED, &limiter);

	for (size_t i = 0; i < sizeof(borrowers) && r == 0; i++) {
		r = nur_limiter_acquire(limiter, &borrowers[i]);
		if (r < 0) {
			ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), i);
		}
	}
	return r;
}

START_TEST(limiters)
{
	fail_each_call(use_limiter, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_signal_receiver *, nur_signal_receiver_close);

static int
use_signal(void *arg)
{
	_cleanup_(nur_signal_receiver_closep) struct nur_signal_receiver *receiver = NULL;
	int r = nur_signal_receiver_open((int[]){ SIGUSR1 }, 1, &receiver);
	int signo;

	if (r < 0) {
		return r;
	}
	(void)raise(SIGUSR1);
	return nur_signal_receiver_next(receiver, &signo);
}

START_TEST(signals)
{
	ck_assert(signal(SIGUSR1, SIG_IGN) != SIG_ERR); /* unread ones are raised again */
	fail_each_call(use_signal, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_stream *, nur_stream_destroy);

static int
wait_for_hangup(void *fd)
{
	return nur_wait_hangup(*(int *)fd);
}

static int
talk(int fds[2])
{
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	char byte;
	int rc = nur_stream_open(fds[0], &stream);

	if (rc < 0) {
		return rc;
	}
	fds[0] = -1; /* the stream's now */
	{
		NUR_NURSERY(nursery, &rc, NULL);
		rc = nur_start_soon(nursery, "hang-up", wait_for_hangup, &fds[1]);
		if (rc == 0) {
			rc = nur_stream_send_all(stream, "x", 1);
		}
		if (rc == 0) {
			rc = nur_wait_readable(fds[1]);
		}
		if (rc == 0 && read(fds[1], &byte, 1) != 1) {
			rc = -EIO;
		}
		nur_stream_close(stream);
	}
	return rc;
}

static int
use_stream(void *arg)
{
	int fds[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		return -errno;
	}
	r = talk(fds);
	closep(&fds[0]);
	closep(&fds[1]);
	return r;
}

START_TEST(streams)
{
	fail_each_call(use_stream, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_token *, nur_token_close);

static int
count_call(void *n_calls)
{
	++*(int *)n_calls;
	return 0;
}

/* What could not be merged, for want of memory, is called more often. */
static int
use_token(void *arg)
{
	_cleanup_(nur_token_closep) struct nur_token *token = NULL;
	int n_calls = 0;
	int r = nur_token_open(&token);

	if (r == 0) {
		r = nur_token_call_soon(token, count_call, &n_calls);
	}
	for (int i = 0; i < 3 && r == 0; i++) {
		r = nur_token_call_soon_once(token, count_call, &n_calls);
	}
	if (nur_checkpoint() == 0 && r == 0 && n_calls != 2 && !(has_failed && n_calls <= 4)) {
		return -EPROTO;
	}
	return r;
}

START_TEST(tokens)
{
	fail_each_call(use_token, 0);
}
END_TEST

DEFINE_CLEANUP(struct nur_listener *, nur_listener_destroy);

static int
accept_one(const char *path, int caller)
{
	_cleanup_(nur_listener_destroyp) struct nur_listener *tcp = NULL, *local = NULL;
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	const struct nur_unix_path where = { .path = path };
	struct nur_address address;
	int r = nur_address_parse("127.0.0.1", 0, &address);

	if (r == 0) {
		r = nur_listen_tcp(&address, 1, 0, &tcp);
	}
	if (r == 1) {
		r = nur_listen_unix(&where, &local);
	}
	if (r < 0) {
		return r;
	}
	r = nur_address_of_socket(nur_listener_fd(tcp), &address);
	if (r < 0 || connect(caller, &address.any, address.len) < 0) {
		return -EIO;
	}
	return nur_listener_accept(tcp, &stream);
}

static int
use_listeners(void *arg)
{
	char path[64];
	int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	(void)snprintf(path, sizeof(path), "/tmp/test_nursery_faults.%d", (int)getpid());
	r = accept_one(path, caller);
	closep(&caller);
	return access(path, F_OK) < 0 ? r : -EEXIST; /* removed, whatever happened */
}

START_TEST(listeners)
{
	fail_each_call(use_listeners, 0);
}
END_TEST

/* One that refuses, one that accepts: whichever attempt runs short, the other may do. */
static int
use_connect(void *arg)
{
	_cleanup_(nur_listener_destroyp) struct nur_listener *listener = NULL;
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	struct nur_address addresses[2];
	int r;

	nur_address_loopbacks(0, addresses);
	r = nur_listen_tcp(&addresses[1], 1, 0, &listener);
	if (r < 0) {
		return r;
	}
	r = nur_address_of_socket(nur_listener_fd(listener), &addresses[1]);
	addresses[0].in6.sin6_port = addresses[1].in.sin_port;
	if (r == 0) {
		r = nur_connect_addresses(addresses, 2, NULL, &stream);
	}
	nur_stream_destroy(steal(&stream));
	return r < 0 ? r
		     : nur_connect_tcp("localhost", nur_address_port(&addresses[1]), NULL, &stream);
}

static int
use_connect_and_call_shortage_so(void *arg)
{
	int r = use_connect(arg);

	return r == -ECONNREFUSED || r == -EADDRNOTAVAIL ? -ENOMEM : r;
}

START_TEST(connects)
{
	fail_each_call(use_connect_and_call_shortage_so, 0);
}
END_TEST

static int
hang_up(struct nur_stream *stream, void *arg)
{
	return 0;
}

static int
serve_on(void *arg)
{
	static const struct nur_server server = { .handle = hang_up };

	return nur_serve(arg, 1, &server);
}

static int
visit(const struct nur_listener *listener)
{
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	struct nur_address address;
	char byte;
	int r = nur_address_of_socket(nur_listener_fd(listener), &address);

	if (r == 0) {
		r = nur_connect_addresses(&address, 1, NULL, &stream);
	}
	return r < 0 ? r : (int)nur_stream_receive_some(stream, &byte, 1);
}

/* What runs short while accepting is tried again: only the beginning of serving may fail. */
static int
use_server(void *arg)
{
	_cleanup_(nur_listener_destroyp) struct nur_listener *listener = NULL;
	struct nur_address addresses[2];
	int rc;

	nur_address_loopbacks(0, addresses);
	rc = nur_listen_tcp(&addresses[1], 1, 0, &listener);
	if (rc < 0) {
		return rc;
	}
	{
		NUR_NURSERY(nursery, &rc, NULL);
		rc = nur_start_soon(nursery, "server", serve_on, &listener);
		if (rc == 0) {
			rc = visit(listener);
			nur_nursery_cancel(nursery, "visited");
		}
	}
	return rc;
}

START_TEST(servers)
{
	fail_each_call(use_server, 0);
}
END_TEST

static void
keep_result(int result, struct nur_errors *errors, void *user)
{
	*(int *)user = result;
}

static int
run_as_guest(nur_task_fn fn, struct nur_errors *errors)
{
	struct nur_guest_options guest_options = { .fn = fn, .run = &options, .done = keep_result };
	struct nur_guest *guest = NULL;
	int n = n_left, result = 1, r;
	bool is_empty;

	n_left = -1;
	guest_options.base = event_base_new();
	guest_options.user = &result;
	n_left = n;

	r = nur_guest_start(&guest_options, &guest);
	is_empty = event_base_dispatch(guest_options.base) == 1;
	n_left = -1;
	ck_assert(is_empty);
	ck_assert_int_eq(result == 1, r < 0); /* done was called */
	nur_guest_destroy(guest);
	event_base_free(guest_options.base);
	return r < 0 ? r : result;
}

static void
say_nothing(int severity, const char *text)
{
}

/* libevent's own allocations fail, too: those that a run on a host's base has it make. */
START_TEST(guests)
{
	event_set_mem_functions(malloc, realloc, free);
	event_set_log_callback(say_nothing);
	run = run_as_guest;
	fail_each_call(start_many, 0);
	fail_each_call(fail_twice, -EIO);
	fail_each_call(use_stream, 0);
}
END_TEST

/* A literal: getaddrinfo() asks nobody for it. */
static int
use_names(void *arg)
{
	struct nur_address addresses[2];
	int r = nur_resolve("127.0.0.1", 80, addresses, 2, NULL);

	if (r == 1) {
		r = nur_address_port(&addresses[0]) == 80 ? 0 : -EPROTO;
	}
	return r;
}

START_TEST(names)
{
	fail_each_call(use_names, 0);
}
END_TEST

/* Each thread that counted itself says so when it ends. */
static pthread_key_t counted;
static atomic_int n_counted;
static sem_t has_ended;

static void
say_ended(void *arg)
{
	(void)sem_post(&has_ended);
}

static int
return_code(void *code)
{
	if (!pthread_getspecific(counted) && pthread_setspecific(counted, code) == 0) {
		atomic_fetch_add(&n_counted, 1);
	}
	return *(int *)code;
}

static int
offload(void *code)
{
	return nur_thread_run(return_code, code, NULL);
}

/* The thread of the first call is busy, so the call inside it needs another one. */
static int
offload_again(void *code)
{
	(void)return_code(code);
	return nur_thread_run_back(offload, code);
}

static int
use_threads(void *arg)
{
	int code = 7;
	int r = nur_thread_run(offload_again, &code, NULL);

	nur_thread_set_idle_time(0);
	while (atomic_load(&n_counted) > 0) { /* or the next run would find them idle */
		if (sem_wait(&has_ended) == 0) {
			atomic_fetch_sub(&n_counted, 1);
		}
	}
	return r;
}

START_TEST(threads)
{
	ck_assert_int_eq(pthread_key_create(&counted, say_ended), 0);
	ck_assert_int_eq(sem_init(&has_ended, 0, 0), 0);
	fail_each_call(use_threads, 7);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("nursery_faults");
	TCase *tcase = tcase_create("shortages_end_the_run_and_leak_nothing");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, tasks);
	tcase_add_test(tcase, failures);
	tcase_add_test(tcase, quorums);
	tcase_add_test(tcase, deadlocks);
	tcase_add_test(tcase, watchdogs);
	tcase_add_test(tcase, measured_stacks);
	tcase_add_test(tcase, failures_of_system_tasks);
	tcase_add_test(tcase, starts);
	tcase_add_test(tcase, locals);
	tcase_add_test(tcase, channels);
	tcase_add_test(tcase, limiters);
	tcase_add_test(tcase, signals);
	tcase_add_test(tcase, streams);
	tcase_add_test(tcase, guests);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, threads);
	tcase_add_test(tcase, tokens);
	tcase_add_test(tcase, listeners);
	tcase_add_test(tcase, connects);
	tcase_add_test(tcase, servers);
	suite_add_tcase(suite, tcase);
	return suite;
}
