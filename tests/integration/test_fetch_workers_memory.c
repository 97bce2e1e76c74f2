/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every single allocation of an engine with several workers, on whatever thread: while it is
 * created, and while it has a batch. Who cannot be served is told so, and afterwards all is as it was. A thread
 * that cannot be had is no different.
 */
#include "tests/support/failing_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fetch/workers.h"
#include "tests/integration/fetch_kit.h"

#define N_WORKERS 3
#define N_NAMES   32

static struct t_origin *origin;
static struct kit *kit;
static char hosts[64];

static void
setup(void)
{
	kit_make_hosts(hosts, sizeof(hosts), N_NAMES);
	origin = t_origin_create();
	kit = kit_create();
	kit->options.max_redirects = 1;
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->engine_options.workers = N_WORKERS;
	kit->engine_options.hosts_path = hosts;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	(void)unlink(hosts);
	kit_destroy(kit);
}

/* ---- threads ---- */

int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);

/* Of the caller's run, as all threads of ours are; negative: all can be had. */
static int n_threads_left = -1;

int
__wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg)
{
	if (n_threads_left == 0) {
		return EAGAIN;
	}
	n_threads_left -= n_threads_left > 0;
	return __real_pthread_create(thread, attributes, fn, arg);
}

static int
create(int n_threads)
{
	struct fetch_engine *engine = NULL;
	int r;

	n_threads_left = n_threads;
	r = fetch_engine_create(&kit->engine_options, &engine);
	n_threads_left = -1;
	ck_assert_int_eq(engine != NULL, r == 0);
	fetch_engine_destroy(engine);
	return r;
}

static int
create_with_few_threads(void *arg)
{
	for (int i = 0; i < N_WORKERS; i++) {
		ck_assert_int_eq(create(i), -EAGAIN);
	}
	return create(N_WORKERS);
}

START_TEST(an_engine_without_a_thread_is_refused)
{
	ck_assert_int_eq(nur_run(create_with_few_threads, NULL, NULL, NULL), 0);
}
END_TEST

/* ---- engines ---- */

static int
create_with_little_memory(void *arg)
{
	int n, r;

	for (n = 0;; n++) {
		struct fetch_engine *engine = NULL;

		t_fail_after(n);
		r = fetch_engine_create(&kit->engine_options, &engine);
		t_fail_after(-1);
		fetch_engine_destroy(engine);
		if (!t_has_failed()) {
			break;
		}
		ck_assert_msg(engine ? r == 0 : r == -ENOMEM || r == NUR_ENOSTACK,
			"allocation %d: %d", n, r);
	}
	ck_assert_int_gt(n, 10);
	return r;
}

START_TEST(an_engine_survives_the_loss_of_any_allocation)
{
	ck_assert_int_eq(nur_run(create_with_little_memory, NULL, NULL, NULL), 0);
}
END_TEST

/* ---- batches ---- */

static char *
name_of(unsigned worker, int nth)
{
	char *name = NULL;

	for (int i = 0; i < N_NAMES; i++) {
		free(name);
		ck_assert_int_gt(asprintf(&name, "http://w%d.test:%u", i,
					 (unsigned)t_origin_port(origin, T_PORT_HTTP)),
			0);
		if (fetch_workers_owner(N_WORKERS, name) == worker && nth-- == 0) {
			return name;
		}
	}
	ck_abort_msg("no name for worker %u", worker);
}

/* Two of each worker, of which one is redirected to the next worker's. */
static void
add_urls(void)
{
	for (unsigned i = 0; i < N_WORKERS; i++) {
		_cleanup_(freep) char *own = name_of(i, 0);
		_cleanup_(freep) char *next = name_of((i + 1) % N_WORKERS, 1);
		char *url = NULL;

		ck_assert_int_gt(asprintf(&url, "%s/ok", own), 0);
		kit_add(kit, url);
		ck_assert_int_gt(asprintf(&url, "%s/redirect-to/302?%s/ok", own, next), 0);
		kit_add(kit, url);
	}
}

#define N_URLS (2 * N_WORKERS)

/* Of each URL; kept without a check, for Check needs memory, too. */
static struct {
	unsigned n;
	enum fetch_outcome outcome;
	enum fetch_error error;
} seen[N_URLS];

static int
keep(void *user, const struct fetch_result *result)
{
	seen[result->index].n++;
	seen[result->index].outcome = result->outcome;
	seen[result->index].error = result->error;
	return 0;
}

/* Return: how many failed for want of memory. */
static unsigned
check_results(void)
{
	unsigned n_short = 0;

	for (size_t i = 0; i < N_URLS; i++) {
		ck_assert_uint_eq(seen[i].n, 1);
		if (seen[i].outcome != FETCH_OK) {
			ck_assert_int_eq(seen[i].outcome, FETCH_FAILED);
			ck_assert_str_eq(fetch_error_name(seen[i].error), "resources");
			n_short++;
		}
	}
	return n_short;
}

/* Return: whether allocation @n failed. */
static bool
run_batch(struct fetch_batch *batch, int n)
{
	static const struct fetch_sink sink = { .result = keep };
	struct fetch_batch_summary summary;
	unsigned n_short;
	int r;

	memset(seen, 0, sizeof(seen));
	batch->accepted_at = nur_now();
	t_fail_after(n);
	r = fetch_batch_run(kit->engine, batch, &sink, &summary);
	t_fail_after(-1);
	if (r < 0) {
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_uint_eq(seen[0].n, 0);
		return true;
	}
	n_short = check_results();
	ck_assert_uint_eq(summary.n_ok, N_URLS - n_short);
	ck_assert_uint_eq(summary.n_failed, n_short);
	ck_assert(n >= 0 || n_short == 0);
	return n >= 0 && t_has_failed();
}

static int
run_batches(void *arg)
{
	struct fetch_url_request requests[N_URLS];
	struct fetch_batch batch = kit->batch;
	int n = 0;

	for (size_t i = 0; i < N_URLS; i++) {
		requests[i] = (struct fetch_url_request){ kit->urls[i], &kit->options };
	}
	batch.requests = requests;
	batch.n_requests = N_URLS;
	while (run_batch(&batch, n)) {
		n++;
	}
	ck_assert_int_gt(n, 10);
	ck_assert(!run_batch(&batch, -1));

	fetch_engine_statistics(kit->engine, &kit->statistics);
	ck_assert_uint_eq(kit->statistics.n_in_flight, 0);
	ck_assert_uint_eq(kit->statistics.n_queued, 0);
	ck_assert_uint_eq(kit->statistics.n_batches, 0);
	return 0;
}

static const struct fetch_batch batches[] = {
	{ .concurrency = 20 },
	{ .concurrency = 1, .dedupe = true },
	{ .concurrency = 2, .spacing = NUR_MSEC(1) },
};

START_TEST(a_batch_survives_the_loss_of_any_allocation)
{
	kit->batch = batches[_i];
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->body = run_batches;
	add_urls();

	kit_run(kit);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_workers_memory");
	TCase *tc = tcase_create("out of memory");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_engine_without_a_thread_is_refused);
	tcase_add_test(tc, an_engine_survives_the_loss_of_any_allocation);
	tcase_add_loop_test(tc, a_batch_survives_the_loss_of_any_allocation, 0, ARRAY_LEN(batches));
	suite_add_tcase(suite, tc);
	return suite;
}
