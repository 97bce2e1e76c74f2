/* SPDX-License-Identifier: MIT */
/*
 * Connections that are kept without work, and servers that close them at the worst moment: when a request is
 * about to go out on them, and the loop has not looked since. With the daemon's poll(), which answers from what
 * the loop has seen, and with the kernel's.
 */
#include "tests/integration/fetch_kit.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/quiet_poll.h"

#define N_CONNECTIONS 20

static const struct {
	const char *method;
	const char *body;
} requests[] = {
	{ "GET", NULL }, { "HEAD", NULL }, { "PUT", "body" },
	{ "POST", "body" }, /* uses no connection that was kept */
};

enum {
	n_servers = 2, /* by FIN, by RST */
	n_polls = 2,   /* the loop, the kernel */
};

static struct t_origin *origin;
static struct kit *kit;
static unsigned n_asked;
static unsigned n_dropped;
static bool drops_by_reset;

int __real_ppoll(
	struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);
int __wrap_ppoll(
	struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);

int
__wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	n_asked++;
	return __real_ppoll(fds, n, timeout, mask);
}

/* A crowd: each on a connection of its own. */
static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->options.timeout = NUR_SEC(100);
	kit->batch.concurrency = N_CONNECTIONS;
	kit->batch.per_origin = N_CONNECTIONS;
	for (int i = 0; i < N_CONNECTIONS; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/%d/%d", N_CONNECTIONS, i));
	}
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static void
set_request(int i)
{
	kit->options.method = requests[i].method;
	kit->options.body = requests[i].body;
	kit->options.body_len = requests[i].body ? strlen(requests[i].body) : 0;
}

/*
 * ---- the worst moment ----
 *
 * What a task sends is handed to libcurl before the loop looks at its sockets again. So a server that closes
 * them while the first task begins is not noticed by the loop in time for any.
 */
static int
drop(void *user, size_t index)
{
	if (n_dropped == 0) {
		n_dropped = t_origin_drop(origin, drops_by_reset);
	}
	return 0;
}

static int
warm_up_and_drop(void *arg)
{
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->summary.n_ok, N_CONNECTIONS);
	ck_assert_uint_eq(kit->statistics.n_connections, N_CONNECTIONS);
	kit->starting = drop;
	return kit_batch(kit);
}

START_TEST(a_server_that_closes_at_the_worst_moment_is_no_failure)
{
	drops_by_reset = _i % n_servers;
	poll_ask_kernel(_i / n_servers % n_polls);
	set_request(_i / n_servers / n_polls);
	kit->body = warm_up_and_drop;

	kit_run(kit);

	ck_assert_uint_eq(n_dropped, N_CONNECTIONS);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(kit->summary.n_ok, N_CONNECTIONS);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 2 * N_CONNECTIONS); /* none twice */
}
END_TEST

/* ---- who is asked ---- */

static int
warm_up_and_count(void *arg)
{
	ck_assert_int_eq(kit_batch(kit), 0);
	n_asked = 0;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->statistics.total_reused, N_CONNECTIONS);
	return 0;
}

START_TEST(the_kernel_is_not_asked_what_the_loop_knows)
{
	poll_ask_kernel(false);
	kit->body = warm_up_and_count;

	kit_run(kit);

	/* a timer of libcurl's that comes due meanwhile may ask, too */
	ck_assert_uint_lt(n_asked, N_CONNECTIONS);
}
END_TEST

START_TEST(the_kernel_is_asked_on_request)
{
	poll_ask_kernel(true);
	kit->body = warm_up_and_count;

	kit_run(kit);

	ck_assert_uint_ge(n_asked, N_CONNECTIONS);
}
END_TEST

START_TEST(all_else_is_asked_of_the_kernel)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	fds[0].fd = ends[0];

	ck_assert_int_eq(poll(fds, 1, 0), 0);
	ck_assert_int_eq(poll(fds, 2, 1), 0);
	ck_assert_int_eq(write(ends[1], "", 1), 1);
	ck_assert_int_eq(poll(fds, 1, 0), 1);
	ck_assert_int_eq(fds[0].revents, POLLIN);
	ck_assert_int_eq(poll(fds, 2, -1), 1);
	ck_assert_int_eq(poll(&fds[1], 1, 0), 0);
	ck_assert_uint_eq(n_asked, 5);

	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_idle");
	TCase *tc = tcase_create("idle");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_server_that_closes_at_the_worst_moment_is_no_failure, 0,
		n_servers * n_polls * (int)ARRAY_LEN(requests));
	tcase_add_test(tc, the_kernel_is_not_asked_what_the_loop_knows);
	tcase_add_test(tc, the_kernel_is_asked_on_request);
	tcase_add_test(tc, all_else_is_asked_of_the_kernel);
	suite_add_tcase(suite, tc);
	return suite;
}
