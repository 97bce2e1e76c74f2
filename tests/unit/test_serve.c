/* SPDX-License-Identifier: MIT */
/* The accept loop. accept4() and epoll_ctl() go through this program and can be told to fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

enum {
	n_listeners = 2,
	n_callers = 40
};

static struct nur_listener *listeners[n_listeners];
static struct nur_address places[n_listeners];

/* What accept4() fails with: so many times, or always while it is negative. */
static int accept_error;
static int n_accept_errors;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	if (n_accept_errors != 0) {
		n_accept_errors -= n_accept_errors > 0;
		errno = accept_error;
		return -1;
	}
	return __real_accept4(fd, address, len, flags);
}

/* Stands in the way of libevent's calls. */
static int n_epoll_errors;

int
epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (n_epoll_errors > 0 && op == EPOLL_CTL_ADD && fd == nur_listener_fd(listeners[0])) {
		n_epoll_errors--;
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

static void
open_listeners(void)
{
	for (int i = 0; i < n_listeners; i++) {
		ck_assert_int_eq(nur_address_parse("127.0.0.1", 0, &places[i]), 0);
		ck_assert_int_eq(nur_listen_tcp(&places[i], 1, 0, &listeners[i]), 1);
		ck_assert_int_eq(
			nur_address_of_socket(nur_listener_fd(listeners[i]), &places[i]), 0);
	}
}

static void
destroy_listeners(void)
{
	for (int i = 0; i < n_listeners; i++) {
		nur_listener_destroy(listeners[i]);
	}
}

static int
call(int i)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, &places[i].any, places[i].len), 0);
	return fd;
}

static int
serve(void *arg)
{
	return nur_serve(listeners, n_listeners, arg);
}

static int
serve_one(void *arg)
{
	return nur_serve(listeners, 1, arg);
}

/* Serves for a while of the mock clock. */
static void
serve_for(nur_time timeout, const struct nur_server *server)
{
	bool is_late;

	ck_assert_int_eq(nur_move_on_after(timeout, 0, serve_one, (void *)server, &is_late), 0);
	ck_assert(is_late);
}

/* ---- callers ---- */

static int n_served;

static int
greet(struct nur_stream *stream, void *arg)
{
	char byte;
	int r = nur_stream_send_all(stream, "123", 3);

	if (r < 0) {
		return r;
	}
	if (nur_stream_receive_some(stream, &byte, 1) == 1 && byte == '4') {
		n_served++;
	}
	return 0;
}

static int
visit(void *arg)
{
	struct nur_stream *stream;
	char bytes[8];
	int r = nur_connect_addresses(arg, 1, NULL, &stream);

	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(nur_stream_receive_some(stream, bytes, sizeof(bytes)), 3);
	ck_assert_int_eq(nur_stream_send_all(stream, "4", 1), 0);
	ck_assert_int_eq(nur_stream_receive_some(stream, bytes, sizeof(bytes)), 0);
	nur_stream_destroy(stream);
	return 0;
}

IN_RUN_TEST(every_caller_of_every_listener_is_served)
{
	const struct nur_server server = { .handle = greet };
	struct nur_nursery nursery, visitors;

	open_listeners();
	t_open(&nursery);
	t_start(&nursery, serve, (void *)&server);
	t_open(&visitors);
	for (int i = 0; i < 3 * n_listeners; i++) {
		t_start(&visitors, visit, &places[i % n_listeners]);
	}
	ck_assert_int_eq(nur_nursery_close(&visitors, 0, NULL), 0);
	ck_assert_int_eq(n_served, 3 * n_listeners);

	nur_nursery_cancel(&nursery, "all are served");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	for (int i = 0; i < n_listeners; i++) {
		ck_assert_int_eq(nur_listener_fd(listeners[i]), -1);
	}
	destroy_listeners();
}

static int
note_name(struct nur_stream *stream, void *arg)
{
	t_note("%s", nur_task_name(nur_current_task()));
	return 0;
}

IN_RUN_TEST(tasks_have_names)
{
	struct nur_server server = { .handle = note_name };

	open_listeners();
	ck_assert_int_eq(close(call(0)), 0);
	serve_for(NUR_SEC(1), &server);
	destroy_listeners();

	open_listeners();
	server.name = "visitor";
	ck_assert_int_eq(close(call(0)), 0);
	serve_for(NUR_SEC(1), &server);
	ck_assert_str_eq(t_notes(), "connection visitor");
	destroy_listeners();
}

static int
spoil(struct nur_stream *stream, void *arg)
{
	return nur_fail(-EBADMSG, "what a caller");
}

static int
serve_and_fail(void *arg)
{
	const struct nur_server server = { .handle = spoil };

	return serve((void *)&server);
}

START_TEST(a_handler_that_fails_ends_the_server)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	char text[256];
	int caller;

	open_listeners();
	caller = call(1);
	ck_assert_int_eq(t_run(serve_and_fail, NULL, &errors), -EBADMSG);
	(void)nur_errors_format(&errors, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "connection: Bad message: what a caller"));
	nur_errors_fini(&errors);
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}
END_TEST

static int
stay(struct nur_stream *stream, void *arg)
{
	return nur_sleep_forever();
}

IN_RUN_TEST(connections_may_live_in_a_nursery_of_others)
{
	struct nur_nursery nursery;
	struct nur_server server = { .handle = stay, .nursery = &nursery };
	int callers[3];
	char byte;

	open_listeners();
	t_open(&nursery);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = call(0);
	}
	serve_for(NUR_SEC(1), &server);

	ck_assert_uint_eq(nur_nursery_n_children(&nursery), ARRAY_LEN(callers));
	ck_assert_int_eq(recv(callers[0], &byte, 1, MSG_DONTWAIT), -1);
	nur_nursery_cancel(&nursery, "enough");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		ck_assert_int_eq(recv(callers[i], &byte, 1, 0), 0);
		ck_assert_int_eq(close(callers[i]), 0);
	}
	destroy_listeners();
}

/* ---- welcome ---- */

static int
keep_stream(void *arg)
{
	int r = nur_sleep_forever();

	nur_stream_destroy(arg);
	return r;
}

/* Two may come in; the others are told, and never get a task. */
static void
welcome_two(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	if (nur_nursery_n_children(nursery) < 2) {
		ck_assert_int_eq(nur_start_soon(nursery, "guest", keep_stream, stream), 0);
		return;
	}
	ck_assert_int_eq(send(nur_stream_fd(stream), "full", 4, MSG_DONTWAIT), 4);
	nur_stream_destroy(stream);
}

IN_RUN_TEST(a_caller_can_be_refused_before_there_is_a_task)
{
	const struct nur_server server = { .welcome = welcome_two };
	char bytes[8];
	int callers[4];

	open_listeners();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = call(0);
	}
	serve_for(NUR_SEC(1), &server);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		ck_assert_int_eq(recv(callers[i], bytes, sizeof(bytes), 0), i < 2 ? 0 : 4);
		ck_assert_int_eq(close(callers[i]), 0);
	}
	destroy_listeners();
}

static int n_welcome, n_in_turn, max_in_turn;
static uint64_t turn;

/* A task has one turn in a pass. */
static void
count_and_refuse(struct nur_nursery *nursery, struct nur_stream *stream, void *arg)
{
	uint64_t n_passes = t_statistics().n_passes;

	n_in_turn = n_passes == turn ? n_in_turn + 1 : 1;
	max_in_turn = n_in_turn > max_in_turn ? n_in_turn : max_in_turn;
	turn = n_passes;
	n_welcome++;
	nur_stream_destroy(stream);
}

IN_RUN_TEST(a_turn_has_sixteen_callers)
{
	const struct nur_server server = { .welcome = count_and_refuse };
	int callers[n_callers];

	open_listeners();
	for (int i = 0; i < n_callers; i++) {
		callers[i] = call(0);
	}
	serve_for(NUR_SEC(1), &server);
	ck_assert_int_eq(n_welcome, n_callers);
	ck_assert_int_eq(max_in_turn, 16);

	for (int i = 0; i < n_callers; i++) {
		ck_assert_int_eq(close(callers[i]), 0);
	}
	destroy_listeners();
}

/* ---- overload ---- */

static int n_overloads;

static void
note_overload(int error, int fd, void *arg)
{
	n_overloads++;
	t_note("%d%s", -error, fd >= 0 ? "+" : "");
	if (fd >= 0) {
		ck_assert_int_eq(send(fd, "busy", 4, MSG_DONTWAIT), 4);
	}
}

static const int shortages[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };

static int
go_short(void *arg)
{
	static const struct nur_server server = { .handle = greet, .overload = note_overload };

	n_accept_errors = -1;
	serve_for(NUR_MSEC(950), &server);
	return 0;
}

START_TEST(a_shortage_is_told_every_hundred_milliseconds)
{
	int caller;

	accept_error = shortages[_i];
	open_listeners();
	caller = call(0);
	ck_assert_int_eq(t_run(go_short, NULL, NULL), 0);
	ck_assert_int_eq(n_overloads, 10);
	ck_assert_int_eq(atoi(t_notes()), accept_error);
	t_forget_notes();
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}
END_TEST

IN_RUN_TEST(a_shortage_passes)
{
	const struct nur_server server = { .handle = note_name, .overload = note_overload };
	int caller;

	open_listeners();
	caller = call(0);
	accept_error = ENFILE;
	n_accept_errors = 4; /* two tries, each with a second one in place of the reserve */
	serve_for(NUR_SEC(1), &server);
	ck_assert_str_eq(t_notes(), "23 23 connection");
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

IN_RUN_TEST(nobody_has_to_be_told)
{
	const struct nur_server server = { .handle = note_name };
	int caller;

	open_listeners();
	caller = call(0);
	accept_error = ENOBUFS;
	n_accept_errors = 2;
	serve_for(NUR_SEC(1), &server);
	ck_assert_str_eq(t_notes(), "connection");
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

/* Lowers the limit to what is open, and @n_free more. */
static void
leave_descriptors(unsigned n_free)
{
	int fd = dup(STDIN_FILENO);
	const struct rlimit limit = { (rlim_t)fd + n_free, (rlim_t)fd + n_free };

	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A full table for real: one descriptor is left, and the server keeps it in reserve. */
IN_RUN_TEST(with_a_full_table_one_caller_in_a_pause_is_turned_away)
{
	const struct nur_server server = { .handle = greet, .overload = note_overload };
	int callers[3];
	char bytes[8];

	open_listeners();
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = call(0);
	}
	leave_descriptors(1);
	serve_for(NUR_MSEC(150), &server); /* at 0 and at 100 ms */
	ck_assert_str_eq(t_notes(), "24+ 24+");
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(recv(callers[i], bytes, sizeof(bytes), 0), 4);
		ck_assert_mem_eq(bytes, "busy", 4);
		ck_assert_int_eq(recv(callers[i], bytes, sizeof(bytes), 0), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		ck_assert_int_eq(close(callers[i]), 0);
	}
	destroy_listeners();
}

IN_RUN_TEST(without_a_reserve_callers_wait)
{
	const struct nur_server server = { .handle = greet, .overload = note_overload };
	int caller;

	open_listeners();
	caller = call(0);
	leave_descriptors(0);
	serve_for(NUR_MSEC(50), &server);
	ck_assert_str_eq(t_notes(), "24");
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

IN_RUN_TEST(a_wait_that_cannot_be_registered_is_tried_again)
{
	const struct nur_server server = { .handle = note_name, .overload = note_overload };
	int caller;

	open_listeners();
	caller = call(0);
	n_epoll_errors = 2;
	serve_for(NUR_SEC(1), &server);
	ck_assert_str_eq(t_notes(), "28 28 connection");
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

static int
serve_with_one_task(void *arg)
{
	const struct nur_server server = { .handle = stay, .overload = note_overload };
	char bytes[8];
	int callers[2] = { call(0), call(0) };

	serve_for(NUR_MSEC(50), &server);
	ck_assert_int_eq(recv(callers[0], bytes, sizeof(bytes), 0), 0); /* stayed till the end */
	ck_assert_int_eq(recv(callers[1], bytes, sizeof(bytes), 0), 4);
	ck_assert_str_eq(t_notes(), "11+");
	closep(&callers[0]);
	closep(&callers[1]);
	return 0;
}

START_TEST(without_room_for_a_task_a_caller_is_turned_away)
{
	struct nur_run_options options = { .max_tasks = 2 };
	struct nur_mock_clock *clock;

	open_listeners();
	ck_assert_int_eq(nur_mock_clock_create(0, 0, &clock), 0);
	options.clock = nur_mock_clock_clock(clock);
	ck_assert_int_eq(nur_run(serve_with_one_task, NULL, &options, NULL), 0);
	nur_mock_clock_destroy(clock);
	t_forget_notes();
	destroy_listeners();
}
END_TEST

/* ---- ends ---- */

IN_RUN_TEST(a_connection_that_failed_ends_nothing)
{
	const struct nur_server server = { .handle = note_name, .overload = note_overload };
	int caller;

	open_listeners();
	caller = call(0);
	accept_error = EHOSTUNREACH;
	n_accept_errors = 20; /* more than a turn has */
	serve_for(NUR_SEC(1), &server);
	ck_assert_str_eq(t_notes(), "connection");
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

IN_RUN_TEST(an_error_of_the_listener_ends_the_server)
{
	const struct nur_server server = { .handle = greet };
	int caller;

	open_listeners();
	caller = call(1);
	accept_error = EFAULT;
	n_accept_errors = 1;
	ck_assert_int_eq(nur_serve(listeners, n_listeners, &server), -EFAULT);
	ck_assert_int_eq(nur_listener_fd(listeners[0]), -1);
	ck_assert_int_eq(nur_listener_fd(listeners[1]), -1);
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

IN_RUN_TEST(closing_a_listener_ends_the_server)
{
	const struct nur_server server = { .handle = greet };
	struct nur_nursery nursery;

	open_listeners();
	t_open(&nursery);
	t_start(&nursery, serve, (void *)&server);
	t_settle();
	nur_listener_close(listeners[1]);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_ECLOSED);
	ck_assert_int_eq(nur_serve(listeners, 1, &server), NUR_ECLOSED);
	destroy_listeners();
}

IN_RUN_TEST(retiring_a_listener_ends_the_server_when_all_are_in)
{
	struct nur_nursery connections;
	const struct nur_server server = { .handle = greet, .nursery = &connections };
	int callers[n_callers];

	open_listeners();
	t_open(&connections);
	for (int i = 0; i < n_callers; i++) {
		callers[i] = call(0);
		ck_assert_int_eq(send(callers[i], "4", 1, 0), 1);
	}
	nur_listener_retire(listeners[0]);
	ck_assert_int_eq(nur_serve(listeners, 1, &server), NUR_ECLOSED);
	ck_assert_int_eq(nur_listener_fd(listeners[0]), -1);
	ck_assert_int_eq(nur_nursery_close(&connections, 0, NULL), 0);
	ck_assert_int_eq(n_served, n_callers);
	for (int i = 0; i < n_callers; i++) {
		ck_assert_int_eq(close(callers[i]), 0);
	}
	destroy_listeners();
}

IN_RUN_TEST(a_nursery_that_has_closed_ends_the_server)
{
	struct nur_nursery nursery;
	const struct nur_server server = { .handle = greet, .nursery = &nursery };
	int caller;

	open_listeners();
	t_open(&nursery);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	caller = call(0);
	ck_assert_int_eq(nur_serve(listeners, 1, &server), NUR_ECLOSED);
	ck_assert_int_eq(close(caller), 0);
	destroy_listeners();
}

static int
accept_and_wait(void *arg)
{
	struct nur_stream *stream;

	return nur_listener_accept(listeners[0], &stream);
}

IN_RUN_TEST(one_task_accepts_from_a_listener)
{
	const struct nur_server server = { .handle = greet };
	struct nur_nursery nursery;

	open_listeners();
	t_open(&nursery);
	t_start(&nursery, accept_and_wait, NULL);
	t_settle();
	ck_assert_int_eq(nur_serve(listeners, 1, &server), NUR_EBUSY);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), NUR_ECLOSED);
	destroy_listeners();
}

IN_RUN_TEST(serving_is_a_checkpoint)
{
	const struct nur_server server = { .handle = greet };

	open_listeners();
	ck_assert(T_REPORTS_CANCEL(nur_serve(listeners, n_listeners, &server)));
	ck_assert_int_eq(nur_listener_fd(listeners[0]), -1);
	ck_assert(T_SCHEDULES(nur_serve(listeners, n_listeners, &server)));
	destroy_listeners();
}

IN_RUN_TEST(nonsense_is_refused)
{
	const struct nur_server idle = { .overload = note_overload };
	const struct nur_server both = { .handle = greet, .welcome = count_and_refuse };
	const struct nur_server good = { .handle = greet };

	open_listeners();
	ck_assert_int_eq(nur_serve(listeners, 1, &idle), -EINVAL);
	ck_assert_int_eq(nur_serve(listeners, 1, &both), -EINVAL);
	ck_assert_int_eq(nur_serve(listeners, 0, &good), -EINVAL);
	ck_assert_int_ge(nur_listener_fd(listeners[0]), 0);
	destroy_listeners();
}

START_TEST(outside_a_run_nobody_serves)
{
	const struct nur_server server = { .handle = greet };

	open_listeners();
	ck_assert_int_eq(nur_serve(listeners, 1, &server), NUR_ENOTINTASK);
	ck_assert_int_ge(nur_listener_fd(listeners[0]), 0);
	destroy_listeners();
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("serve");
	TCase *tcase = tcase_create("connections");

	tcase_add_test(tcase, every_caller_of_every_listener_is_served);
	tcase_add_test(tcase, tasks_have_names);
	tcase_add_test(tcase, a_handler_that_fails_ends_the_server);
	tcase_add_test(tcase, connections_may_live_in_a_nursery_of_others);
	tcase_add_test(tcase, a_caller_can_be_refused_before_there_is_a_task);
	tcase_add_test(tcase, a_turn_has_sixteen_callers);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("overload");
	tcase_add_loop_test(
		tcase, a_shortage_is_told_every_hundred_milliseconds, 0, ARRAY_LEN(shortages));
	tcase_add_test(tcase, a_shortage_passes);
	tcase_add_test(tcase, nobody_has_to_be_told);
	tcase_add_test(tcase, with_a_full_table_one_caller_in_a_pause_is_turned_away);
	tcase_add_test(tcase, without_a_reserve_callers_wait);
	tcase_add_test(tcase, a_wait_that_cannot_be_registered_is_tried_again);
	tcase_add_test(tcase, without_room_for_a_task_a_caller_is_turned_away);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("ends");
	tcase_add_test(tcase, a_connection_that_failed_ends_nothing);
	tcase_add_test(tcase, an_error_of_the_listener_ends_the_server);
	tcase_add_test(tcase, closing_a_listener_ends_the_server);
	tcase_add_test(tcase, retiring_a_listener_ends_the_server_when_all_are_in);
	tcase_add_test(tcase, a_nursery_that_has_closed_ends_the_server);
	tcase_add_test(tcase, one_task_accepts_from_a_listener);
	tcase_add_test(tcase, serving_is_a_checkpoint);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, outside_a_run_nobody_serves);
	suite_add_tcase(suite, tcase);
	return suite;
}
