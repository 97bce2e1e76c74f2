/* SPDX-License-Identifier: MIT */
/*
 * Connecting. In a scenario sockets are scripted: each address answers after a time of the mock clock, well
 * or not. What the library gets as a socket is one end of a pair whose buffer is full; the script's timer
 * empties it, and so the socket becomes writable, as one does whose connect is decided.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

enum {
	max_hosts = 6
};

/*
 * delay, error  what its connect comes to, and when
 */
struct host {
	const char *name;
	nur_time delay;
	int error;
};

/* A socket that was connected. */
struct scripted {
	int fd, peer;
	const struct host *host;
	struct nur_timer timer;
};

static const struct host *script; /* NULL: sockets are the kernel's */
static size_t n_script;
static int missing_family;
static struct scripted sockets[max_hosts];
static size_t n_sockets;
static int socket_error;
static struct nur_cancel_scope *cancelled_by_success;

/* clang-format off */
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
/* clang-format on */

static void
empty(void *arg)
{
	struct scripted *scripted = arg;
	char bytes[4096];

	while (recv(scripted->peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
	}
}

static void
fill(int fd)
{
	static const char bytes[4096];

	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
	}
}

int
__wrap_socket(int family, int type, int protocol)
{
	struct scripted *scripted = &sockets[n_sockets];
	int fds[2];

	if (socket_error || (script && family == missing_family)) {
		errno = socket_error ? socket_error : EAFNOSUPPORT;
		return -1;
	}
	if (!script) {
		return __real_socket(family, type, protocol);
	}
	ck_assert_uint_lt(n_sockets, max_hosts);
	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
	fill(fds[0]);
	*scripted = (struct scripted){ .fd = fds[0], .peer = fds[1] };
	nur_timer_init(&scripted->timer, empty, scripted);
	n_sockets++;
	return fds[0];
}

/* The latest: numbers come back. */
static struct scripted *
find_socket(int fd)
{
	size_t i = n_sockets;

	while (i > 0 && sockets[i - 1].fd != fd) {
		i--;
	}
	return i > 0 ? &sockets[i - 1] : NULL;
}

static struct nur_address
address_of(const struct host *host)
{
	struct nur_address address;

	ck_assert_int_eq(nur_address_parse(host->name, 80, &address), 0);
	return address;
}

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	struct scripted *scripted = find_socket(fd);

	if (!script) {
		return __real_connect(fd, to, len);
	}
	for (size_t i = 0; i < n_script; i++) {
		struct nur_address address = address_of(&script[i]);

		if (address.len == len && memcmp(&address.any, to, len) == 0) {
			scripted->host = &script[i];
		}
	}
	ck_assert_ptr_nonnull(scripted->host);
	t_note("%s@%lld", scripted->host->name, (long long)(nur_now() / NUR_MSEC(1)));
	nur_timer_set(&scripted->timer, nur_time_add(nur_now(), scripted->host->delay));
	errno = EINPROGRESS;
	return -1;
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (script && level == SOL_SOCKET && name == SO_ERROR) {
		if (cancelled_by_success) {
			nur_cancel_scope_cancel(cancelled_by_success, "just now");
		}
		*(int *)value = find_socket(fd)->host->error;
		return 0;
	}
	return __real_getsockopt(fd, level, name, value, len);
}

/* ---- scenarios ---- */

/*
 * hosts    in the order given; the first without a name ends them
 * delay    0: the library's own
 * missing  a family that has no sockets
 * result   of the connect
 * winner   its host
 * ms       when it returned
 * tried    the hosts that were connected to, and when
 */
struct scenario {
	struct host hosts[max_hosts];
	nur_time delay;
	int missing;
	int result;
	const char *winner;
	int ms;
	const char *tried;
};

static void
begin(const struct scenario *scenario, struct nur_address *addresses)
{
	script = scenario->hosts;
	missing_family = scenario->missing;
	for (n_script = 0; n_script < max_hosts && script[n_script].name; n_script++) {
		addresses[n_script] = address_of(&script[n_script]);
	}
}

/* Every socket but that of the winner is closed, and no timer is left. */
static void
check_sockets(const struct nur_stream *stream)
{
	for (size_t i = 0; i < n_sockets; i++) {
		bool is_winner = stream && nur_stream_fd(stream) == sockets[i].fd &&
				 find_socket(sockets[i].fd) == &sockets[i];
		char byte;

		empty(&sockets[i]);
		ck_assert_int_eq(recv(sockets[i].peer, &byte, 1, MSG_DONTWAIT), is_winner ? -1 : 0);
		nur_timer_stop(&sockets[i].timer);
		ck_assert_int_eq(close(sockets[i].peer), 0);
	}
	script = NULL;
}

static const struct scenario scenarios[] = {
	{
		.hosts = { { "1.2.3.4", NUR_MSEC(123), 0 } },
		.winner = "1.2.3.4",
		.ms = 123,
		.tried = "1.2.3.4@0",
	},
	{
		.hosts = { { "1.2.3.4", NUR_SEC(100), 0 } },
		.winner = "1.2.3.4",
		.ms = 100000,
		.tried = "1.2.3.4@0",
	},
	{
		.hosts = { { "1.2.3.4", NUR_MSEC(123), ECONNREFUSED } },
		.result = -ECONNREFUSED,
		.ms = 123,
		.tried = "1.2.3.4@0",
	},
	{
		.hosts = { { "1.2.3.4", NUR_SEC(100), ETIMEDOUT } },
		.result = -ETIMEDOUT,
		.ms = 100000,
		.tried = "1.2.3.4@0",
	},
	{
		/* with the default delay of 250 ms the third wins */
		.hosts = { { "1.1.1.1", NUR_SEC(1), 0 }, { "2.2.2.2", NUR_SEC(1), 0 },
			{ "3.3.3.3", NUR_MSEC(200), 0 } },
		.winner = "3.3.3.3",
		.ms = 700,
		.tried = "1.1.1.1@0 2.2.2.2@250 3.3.3.3@500",
	},
	{
		/* the third never begins */
		.hosts = { { "1.1.1.1", NUR_SEC(1), 0 }, { "2.2.2.2", NUR_MSEC(100), 0 },
			{ "3.3.3.3", NUR_MSEC(200), 0 } },
		.winner = "2.2.2.2",
		.ms = 350,
		.tried = "1.1.1.1@0 2.2.2.2@250",
	},
	{
		/* with a longer delay the first wins */
		.hosts = { { "1.1.1.1", NUR_SEC(1), 0 }, { "2.2.2.2", NUR_SEC(1), 0 },
			{ "3.3.3.3", NUR_MSEC(200), 0 } },
		.delay = NUR_MSEC(450),
		.winner = "1.1.1.1",
		.ms = 1000,
		.tried = "1.1.1.1@0 2.2.2.2@450 3.3.3.3@900",
	},
	{
		/* one at a time */
		.hosts = { { "1.1.1.1", NUR_SEC(10), ETIMEDOUT }, { "2.2.2.2", NUR_SEC(1), 0 } },
		.delay = NUR_FOREVER,
		.winner = "2.2.2.2",
		.ms = 11000,
		.tried = "1.1.1.1@0 2.2.2.2@10000",
	},
	{
		/* a failure calls the next one in */
		.hosts = { { "1.1.1.1", NUR_MSEC(100), ECONNREFUSED },
			{ "2.2.2.2", NUR_MSEC(200), ECONNREFUSED }, { "3.3.3.3", NUR_SEC(10), 0 },
			{ "4.4.4.4", NUR_MSEC(250), 0 } },
		.winner = "4.4.4.4",
		.ms = 800,
		.tried = "1.1.1.1@0 2.2.2.2@100 3.3.3.3@300 4.4.4.4@550",
	},
	{
		/* all fail: the code is that of the first to do so */
		.hosts = { { "1.1.1.1", NUR_MSEC(400), ECONNREFUSED },
			{ "2.2.2.2", NUR_MSEC(100), ENETUNREACH },
			{ "3.3.3.3", NUR_SEC(10), ETIMEDOUT },
			{ "4.4.4.4", NUR_MSEC(250), ECONNREFUSED } },
		.result = -ENETUNREACH,
		.ms = 10350,
		.tried = "1.1.1.1@0 2.2.2.2@250 3.3.3.3@350 4.4.4.4@600",
	},
	{
		/* several connect at one moment */
		.hosts = { { "1.1.1.1", NUR_MSEC(500), ECONNREFUSED },
			{ "2.2.2.2", NUR_SEC(10), 0 }, { "3.3.3.3", NUR_SEC(9), 0 },
			{ "4.4.4.4", NUR_SEC(8), 0 }, { "5.5.5.5", NUR_MSEC(500), ECONNREFUSED } },
		.delay = NUR_SEC(1),
		.ms = 10500,
		.tried = "1.1.1.1@0 2.2.2.2@500 3.3.3.3@1500 4.4.4.4@2500 5.5.5.5@3500",
	},
	{
		/* the families take turns, the order within each stays */
		.hosts = { { "1.1.1.1", NUR_SEC(60), 0 }, { "2.2.2.2", NUR_SEC(60), 0 },
			{ "3.3.3.3", NUR_SEC(60), 0 }, { "::4", NUR_SEC(60), 0 },
			{ "::5", NUR_SEC(60), 0 } },
		.delay = NUR_SEC(1),
		.winner = "1.1.1.1",
		.ms = 60000,
		.tried = "1.1.1.1@0 ::4@1000 2.2.2.2@2000 ::5@3000 3.3.3.3@4000",
	},
	{
		.hosts = { { "::1", NUR_SEC(60), 0 }, { "::2", NUR_SEC(60), 0 },
			{ "3.3.3.3", NUR_MSEC(500), 0 } },
		.delay = NUR_SEC(1),
		.winner = "3.3.3.3",
		.ms = 1500,
		.tried = "::1@0 3.3.3.3@1000",
	},
	{
		/* an address without a socket costs no time */
		.hosts = { { "::1", NUR_SEC(10), 0 }, { "2.2.2.2", 0, 0 },
			{ "::3", NUR_MSEC(100), 0 }, { "4.4.4.4", 0, 0 } },
		.delay = NUR_SEC(1),
		.missing = AF_INET,
		.winner = "::3",
		.ms = 1100,
		.tried = "::1@0 ::3@1000",
	},
	{
		.hosts = { { "::1", 0, 0 }, { "2.2.2.2", NUR_SEC(10), 0 }, { "::3", 0, 0 },
			{ "4.4.4.4", NUR_MSEC(100), 0 } },
		.delay = NUR_SEC(1),
		.missing = AF_INET6,
		.winner = "4.4.4.4",
		.ms = 1100,
		.tried = "2.2.2.2@0 4.4.4.4@1000",
	},
};

static int
play(void *arg)
{
	const struct scenario *scenario = arg;
	const struct nur_connect_options options = { .delay = scenario->delay };
	struct nur_address addresses[max_hosts];
	struct nur_stream *stream = NULL;

	begin(scenario, addresses);
	ck_assert_int_eq(
		nur_connect_addresses(addresses, n_script, &options, &stream), scenario->result);
	ck_assert_int_eq(nur_now() / NUR_MSEC(1), scenario->ms);
	ck_assert_str_eq(t_notes(), scenario->tried);
	ck_assert_int_eq(stream != NULL, scenario->result == 0);
	if (scenario->winner) {
		ck_assert_str_eq(find_socket(nur_stream_fd(stream))->host->name, scenario->winner);
	}
	check_sockets(stream);
	nur_stream_destroy(stream);
	return 0;
}

START_TEST(the_first_that_answers_wins)
{
	ck_assert_int_eq(t_run(play, (void *)&scenarios[_i], NULL), 0);
	t_forget_notes();
}
END_TEST

/* ---- failures ---- */

static const struct scenario hopeless = {
	.hosts = { { "1.1.1.1", NUR_MSEC(100), ECONNREFUSED },
		{ "::2", NUR_MSEC(200), EHOSTUNREACH }, { "3.3.3.3", NUR_MSEC(300), ETIMEDOUT } },
};

static int
fail_to_connect(void *arg)
{
	const struct nur_connect_options options = { .errors = arg };
	struct nur_address addresses[max_hosts];
	struct nur_stream *stream;
	int r;

	begin(&hopeless, addresses);
	r = nur_connect_addresses(addresses, n_script, &options, &stream);
	check_sockets(NULL);
	return r;
}

static void
check_attempts(const struct nur_errors *errors)
{
	ck_assert_uint_eq(errors->n, 3);
	ck_assert_int_eq(errors->items[0].code, -ECONNREFUSED);
	ck_assert_str_eq(errors->items[0].task, "connect to 1.1.1.1:80");
	ck_assert_int_eq(errors->items[1].code, -EHOSTUNREACH);
	ck_assert_str_eq(errors->items[1].task, "connect to [::2]:80");
	ck_assert_int_eq(errors->items[2].code, -ETIMEDOUT);
	ck_assert_str_eq(errors->items[2].task, "connect to 3.3.3.3:80");
}

START_TEST(all_attempts_are_told_to_who_asks)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(fail_to_connect, &errors, NULL), -ECONNREFUSED);
	check_attempts(&errors);
	nur_errors_fini(&errors);
	t_forget_notes();
}
END_TEST

START_TEST(all_attempts_are_the_details_of_the_tasks_failure)
{
	struct nur_errors errors = NUR_ERRORS_INIT;

	ck_assert_int_eq(t_run(fail_to_connect, NULL, &errors), -ECONNREFUSED);
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_ptr_nonnull(errors.items[0].nested);
	check_attempts(errors.items[0].nested);
	nur_errors_fini(&errors);
	t_forget_notes();
}
END_TEST

IN_RUN_TEST(success_leaves_an_empty_group)
{
	static const struct scenario scenario = {
		.hosts = { { "1.1.1.1", 0, ECONNREFUSED }, { "2.2.2.2", 0, 0 } },
	};
	struct nur_errors errors = { .n = 7 };
	const struct nur_connect_options options = { .errors = &errors };
	struct nur_address addresses[max_hosts];
	struct nur_stream *stream;

	begin(&scenario, addresses);
	ck_assert_int_eq(nur_connect_addresses(addresses, 2, &options, &stream), 0);
	ck_assert_uint_eq(errors.n, 0);
	ck_assert_ptr_null(errors.items);
	check_sockets(stream);
	nur_stream_destroy(stream);
}

IN_RUN_TEST(nonsense_is_refused)
{
	const struct nur_connect_options options = { .delay = -1 };
	struct nur_address address = address_of(&hopeless.hosts[0]);
	struct nur_stream *stream;

	ck_assert_int_eq(nur_connect_addresses(&address, 0, NULL, &stream), -EINVAL);
	ck_assert_int_eq(nur_connect_addresses(&address, 1, &options, &stream), -EINVAL);
}

static int
open_no_socket(void *arg)
{
	struct nur_stream *stream;

	socket_error = EMFILE;
	return nur_connect_tcp("localhost", 80, NULL, &stream);
}

START_TEST(without_a_descriptor_there_is_no_connection)
{
	ck_assert_int_eq(t_run(open_no_socket, NULL, NULL), -EMFILE);
}
END_TEST

/* ---- cancellation ---- */

static const struct scenario slow = {
	.hosts = { { "1.1.1.1", NUR_SEC(10), 0 }, { "2.2.2.2", NUR_SEC(10), 0 },
		{ "3.3.3.3", NUR_SEC(10), 0 }, { "4.4.4.4", NUR_SEC(10), 0 } },
};

static int
connect_slowly(void *ret_stream)
{
	struct nur_address addresses[max_hosts];

	begin(&slow, addresses);
	return nur_connect_addresses(addresses, n_script, NULL, ret_stream);
}

IN_RUN_TEST(a_cancelled_race_leaves_nothing_open)
{
	struct nur_stream *stream = NULL;
	bool is_late;

	ck_assert_int_eq(nur_move_on_after(NUR_SEC(5), 0, connect_slowly, &stream, &is_late), 0);
	ck_assert(is_late);
	ck_assert_ptr_null(stream);
	ck_assert_int_eq(nur_now(), NUR_SEC(5));
	ck_assert_uint_eq(n_sockets, 4);
	check_sockets(NULL);
}

/* The attempt has won, and before the race is over somebody further out gives up. */
IN_RUN_TEST(a_winner_that_nobody_wants_any_more_is_closed)
{
	struct nur_stream *stream = NULL;
	struct nur_cancel_scope around;
	int r;

	nur_cancel_scope_init(&around);
	cancelled_by_success = &around;
	t_enter(&around);
	r = connect_slowly(&stream);
	ck_assert_int_eq(nur_cancel_scope_leave(&around, r), 0);

	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_ptr_null(stream);
	ck_assert_int_eq(nur_now(), NUR_SEC(10));
	check_sockets(NULL);
}

/* ---- the kernel's sockets ---- */

static struct nur_listener *listener;
static struct nur_address place;

static void
open_listener(void)
{
	ck_assert_int_eq(nur_address_parse("127.0.0.1", 0, &place), 0);
	ck_assert_int_eq(nur_listen_tcp(&place, 1, 0, &listener), 1);
	ck_assert_int_eq(nur_address_of_socket(nur_listener_fd(listener), &place), 0);
}

static void
check_talks(struct nur_stream *stream)
{
	struct nur_stream *other;
	char bytes[8];

	ck_assert_int_eq(nur_listener_accept(listener, &other), 0);
	ck_assert_int_eq(nur_stream_send_all(stream, "hello", 5), 0);
	ck_assert_int_eq(nur_stream_receive_some(other, bytes, sizeof(bytes)), 5);
	ck_assert_int_ne(fcntl(nur_stream_fd(stream), F_GETFD) & FD_CLOEXEC, 0);
	nur_stream_destroy(other);
	nur_stream_destroy(stream);
}

IN_RUN_TEST(a_literal_needs_no_resolver)
{
	struct nur_stream *stream;

	open_listener();
	ck_assert_int_eq(nur_connect_tcp("127.0.0.1", nur_address_port(&place), NULL, &stream), 0);
	check_talks(stream);
	nur_listener_destroy(listener);
	ck_assert_int_eq(nur_connect_tcp("127.0.0.1", nur_address_port(&place), NULL, &stream),
		-ECONNREFUSED);
	ck_assert_int_eq(nur_connect_tcp("fe80::1%no-such", 80, NULL, &stream), -ENODEV);
}

IN_RUN_TEST(localhost_is_both_loopbacks)
{
	struct nur_stream *stream;

	open_listener();
	ck_assert_int_eq(nur_connect_tcp("LocalHost", nur_address_port(&place), NULL, &stream), 0);
	check_talks(stream);
	nur_listener_destroy(listener);
}

static int
resolve(const char *host, uint16_t port, struct nur_address *addresses, size_t max, void *arg)
{
	const int *result = arg;

	ck_assert_str_eq(host, "test.example");
	ck_assert_uint_eq(max, 16);
	if (*result > 0) {
		ck_assert_int_eq(nur_address_parse("127.0.0.1", port, &addresses[0]), 0);
	}
	return *result;
}

IN_RUN_TEST(a_name_is_looked_up)
{
	int result = 1;
	const struct nur_connect_options options = { .resolve = resolve, .resolve_arg = &result };
	struct nur_stream *stream;
	uint16_t port;

	open_listener();
	port = nur_address_port(&place);
	ck_assert_int_eq(nur_connect_tcp("test.example", port, &options, &stream), 0);
	check_talks(stream);
	nur_listener_destroy(listener);

	result = 0;
	ck_assert_int_eq(nur_connect_tcp("test.example", port, &options, &stream), -EADDRNOTAVAIL);
	result = -ENOENT;
	ck_assert_int_eq(nur_connect_tcp("test.example", port, &options, &stream), -ENOENT);
}

IN_RUN_TEST(the_local_address_can_be_given)
{
	struct nur_connect_options options = { .local = &place };
	struct nur_address local, own;
	struct nur_stream *stream;
	char text[NUR_ADDRESS_TEXT_CAP];

	open_listener();
	options.local = &local;
	ck_assert_int_eq(nur_address_parse("127.0.0.2", 0, &local), 0);
	ck_assert_int_eq(nur_connect_addresses(&place, 1, &options, &stream), 0);
	ck_assert_int_eq(nur_address_of_socket(nur_stream_fd(stream), &own), 0);
	(void)nur_address_format(&own, text, sizeof(text));
	ck_assert_int_eq(strncmp(text, "127.0.0.2:", 10), 0);
	check_talks(stream);

	ck_assert_int_eq(nur_address_parse("::", 0, &local), 0);
	ck_assert_int_lt(nur_connect_addresses(&place, 1, &options, &stream), 0);
	ck_assert_int_eq(nur_address_parse("192.0.2.1", 0, &local), 0);
	ck_assert_int_eq(nur_connect_addresses(&place, 1, &options, &stream), -EADDRNOTAVAIL);
	nur_listener_destroy(listener);
}

static char folder[] = "/tmp/test_connect.XXXXXX";
static char path[64];

static void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
}

static void
remove_folder(void)
{
	ck_assert_int_eq(rmdir(folder), 0);
}

IN_RUN_TEST(a_path_is_connected_to)
{
	const struct nur_unix_path where = { .path = path };
	struct nur_stream *stream;

	ck_assert_int_eq(nur_connect_unix(path, &stream), -ENOENT);
	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	ck_assert_int_eq(nur_connect_unix(path, &stream), 0);
	check_talks(stream);
	nur_listener_destroy(listener);
}

IN_RUN_TEST(a_path_that_cannot_be_is_refused)
{
	struct nur_stream *stream;
	char long_path[109];

	memset(long_path, 'x', sizeof(long_path));
	long_path[108] = '\0';
	ck_assert_int_eq(nur_connect_unix(long_path, &stream), -ENAMETOOLONG);
	ck_assert_int_eq(nur_connect_unix("", &stream), -EINVAL);
}

IN_RUN_TEST(a_full_backlog_is_told)
{
	const struct nur_unix_path where = { .path = path, .backlog = 1 };
	struct nur_stream *streams[8];
	size_t n = 0;
	int r = 0;

	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	while (n < ARRAY_LEN(streams) && (r = nur_connect_unix(path, &streams[n])) == 0) {
		n++;
	}
	ck_assert_int_eq(r, -EAGAIN);
	while (n > 0) {
		nur_stream_destroy(streams[--n]);
	}
	nur_listener_destroy(listener);
}

IN_RUN_TEST(connecting_is_a_checkpoint)
{
	const struct nur_unix_path where = { .path = path };
	struct nur_stream *stream = NULL;

	ck_assert_int_eq(nur_listen_unix(&where, &listener), 0);
	ck_assert(T_REPORTS_CANCEL(nur_connect_unix(path, &stream)));
	ck_assert(T_SCHEDULES(nur_connect_unix("/no/such/path", &stream)));
	ck_assert(T_SCHEDULES(nur_connect_unix(path, &stream)));
	nur_stream_destroy(steal(&stream));
	nur_listener_destroy(listener);

	open_listener();
	ck_assert(T_REPORTS_CANCEL(nur_connect_addresses(&place, 1, NULL, &stream)));
	ck_assert_ptr_null(stream);
	ck_assert(T_SCHEDULES(nur_connect_addresses(&place, 1, NULL, &stream)));
	nur_stream_destroy(stream);
	nur_listener_destroy(listener);
}

START_TEST(outside_a_run_nobody_connects)
{
	struct nur_stream *stream;

	ck_assert_int_eq(nur_connect_tcp("127.0.0.1", 80, NULL, &stream), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_connect_unix("/no/such/path", &stream), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("connect");
	TCase *tcase = tcase_create("race");

	tcase_add_loop_test(tcase, the_first_that_answers_wins, 0, ARRAY_LEN(scenarios));
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("failures");
	tcase_add_test(tcase, all_attempts_are_told_to_who_asks);
	tcase_add_test(tcase, all_attempts_are_the_details_of_the_tasks_failure);
	tcase_add_test(tcase, success_leaves_an_empty_group);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, without_a_descriptor_there_is_no_connection);
	tcase_add_test(tcase, outside_a_run_nobody_connects);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("cancellation");
	tcase_add_test(tcase, a_cancelled_race_leaves_nothing_open);
	tcase_add_test(tcase, a_winner_that_nobody_wants_any_more_is_closed);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("names");
	tcase_add_test(tcase, a_literal_needs_no_resolver);
	tcase_add_test(tcase, localhost_is_both_loopbacks);
	tcase_add_test(tcase, a_name_is_looked_up);
	tcase_add_test(tcase, the_local_address_can_be_given);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("paths");
	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	tcase_add_test(tcase, a_path_is_connected_to);
	tcase_add_test(tcase, a_path_that_cannot_be_is_refused);
	tcase_add_test(tcase, a_full_backlog_is_told);
	tcase_add_test(tcase, connecting_is_a_checkpoint);
	suite_add_tcase(suite, tcase);
	return suite;
}
