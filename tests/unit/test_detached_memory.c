/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every single allocation of ours while a detached batch is accepted, fetched and ended, and
 * while the next start takes it up: who was told that it is accepted finds it at a later start, with all its
 * results. The store is a real one, in memory where there is such a folder; what SQLite allocates does not fail.
 */
#include "tests/support/failing_memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/batches/batch.h"
#include "daemon/batches/batches.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"
#include "lib/base/cleanup.h"
#include "tests/unit/batch_text.h"

#define N_URLS 3

static char folder[32];
static struct fetch_engine *engine;
static struct store_queue *queue;
static struct batches *batches;

/* What the present start is to do. */
static nur_task_fn body;
static int restoring_fails_after;

/* What became of the submission. */
static int code;
static bool has_failed;

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits limits = BATCH_LIMITS_INIT;

/* Denied by the address policy: nothing leaves the machine. */
static const char denied[] = "{\"policy\":\"collect\",\"urls\":"
			     "[\"http://0.0.0.0/1\",\"http://0.0.0.0/2\",\"http://0.0.0.0/3\"]}";

static char body_text[sizeof(denied) + 100];

/* ---- a submission ---- */

/* Allocation @n fails, from the submission on; negative: none. */
static int
accept_one(int n, struct batch **ret_batch)
{
	struct batch_submission submission = {
		.description = t_read_batch(body_text, &defaults, &limits),
		.kind = BATCH_KIND_JSON,
		.body = BUFFER_INIT,
		.defaults = defaults,
		.limits = limits,
		.uid = 7,
		.key = "k",
		.max_stored = INT64_MAX,
	};

	buffer_puts(&submission.body, body_text);
	ck_assert_int_eq(buffer_error(&submission.body), 0);
	t_fail_after(n);
	return batches_accept(batches, &submission, ret_batch);
}

/* ---- a start of the daemon ---- */

static int
serve_detached(void *unused)
{
	return batches_serve_detached(batches);
}

static int
with_service(struct nur_nursery *nursery, void *unused)
{
	int r;

	ck_assert_int_eq(nur_start_soon(nursery, "detached", serve_detached, NULL), 0);
	while (!batches->detached) {
		ck_assert_int_eq(nur_checkpoint(), 0);
	}
	r = body(NULL);
	nur_nursery_cancel(nursery, cancel_reason_name(CANCEL_SHUTDOWN));
	return r;
}

static int
serve(void *unused)
{
	int r;

	t_fail_after(restoring_fails_after);
	r = batches_restore(batches);
	t_fail_after(-1);
	has_failed = restoring_fails_after >= 0 && t_has_failed();
	ck_assert(r == 0 || (has_failed && r == -ENOMEM));
	return r == 0 ? nur_nursery_run(with_service, NULL, NULL) : 0;
}

static int
open_all(void)
{
	const struct batches_options options = { .max_running = 100,
		.max_kept = 100,
		.max_kept_bytes = 1 << 20,
		.retain_ns = INT64_MAX / 2 };
	struct batches_options with_store = options;
	struct store *store = NULL;
	char why[128];
	int r;

	r = store_open(folder, INT64_C(1) << 30, &store, why, sizeof(why));
	if (r < 0) {
		return r;
	}
	r = store_queue_create(store, &queue);
	if (r < 0) {
		store_close(store);
		return r;
	}
	with_store.store = queue;
	return batches_create(engine, &with_store, &batches);
}

static void
close_all(void)
{
	batches_destroy(steal(&batches));
	store_queue_destroy(steal(&queue));
}

static int
start(void *unused)
{
	ck_assert_int_eq(fetch_engine_create(NULL, &engine), 0);
	ck_assert_int_eq(open_all(), 0);
	ck_assert_int_eq(store_queue_serve(queue, serve, NULL), 0);
	close_all();
	fetch_engine_destroy(steal(&engine));
	return 0;
}

static void
run(nur_task_fn what, int n)
{
	/* SQLite wants more stack than a task has; here it is opened by one. */
	const struct nur_run_options with_stack = { .stack_size = 1024 * 1024 };

	body = what;
	restoring_fails_after = n;
	ck_assert_int_eq(nur_run(start, NULL, &with_stack, NULL), 0);
}

static void
make_folder(void)
{
	(void)snprintf(folder, sizeof(folder), "%s/detached-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- tests ---- */

static int
open_and_close(int unused)
{
	int r = open_all();

	close_all();
	return r;
}

static int
open_without_memory(void *unused)
{
	t_fail_each_allocation(open_and_close, 0, 0);
	return 0;
}

START_TEST(opening_survives_the_loss_of_any_allocation)
{
	const struct nur_run_options with_stack = { .stack_size = 1024 * 1024 };

	make_folder();
	ck_assert_int_eq(nur_run(open_without_memory, NULL, &with_stack, NULL), 0);
	remove_folder();
}
END_TEST

static int fails_after;

static int
submit_without_memory(void *unused)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = 0;

	code = accept_one(fails_after, &batch);
	if (code == 0) {
		r = batch_wait_done(batch);
	}
	t_fail_after(-1); /* before Check, which allocates, too */
	has_failed = t_has_failed();
	ck_assert_int_eq(r, 0);
	ck_assert_msg(code == 0 || (has_failed && (code == -ENOMEM || code == -EIO)),
		"allocation %d: %d", fails_after, code);
	return 0;
}

/* It was said to be there. */
static int
find_it_whole(void *unused)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = accept_one(-1, &batch);

	ck_assert_msg(r == 1 || (r == 0 && code < 0), "allocation %d: accepted (%d), then %d",
		fails_after, code, r);
	ck_assert_int_eq(batch_wait_done(batch), 0);
	ck_assert_msg(batch_n_results(batch) == N_URLS, "allocation %d: %zu results", fails_after,
		batch_n_results(batch));
	return 0;
}

START_TEST(what_was_accepted_survives_the_loss_of_any_allocation)
{
	(void)strcpy(body_text, denied);
	for (fails_after = 0, has_failed = true; has_failed; fails_after++) {
		bool this_failed;

		make_folder();
		run(submit_without_memory, -1);
		this_failed = has_failed;
		run(find_it_whole, -1);
		remove_folder();
		has_failed = this_failed;
	}
	ck_assert_int_gt(fails_after, 20);
}
END_TEST

static int
submit_and_stop(void *unused)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;

	code = accept_one(-1, &batch);
	ck_assert_int_eq(code, 0);
	return 0;
}

static int
stop_at_once(void *unused)
{
	return 0;
}

/* Nobody answers there. */
static int
open_listener(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	(void)snprintf(body_text, sizeof(body_text),
		"{\"policy\":\"collect\",\"urls\":[\"http://127.0.0.1:%u/\","
		"\"http://0.0.0.0/1\",\"http://0.0.0.0/2\"]}",
		ntohs(in.sin_port));
	return fd;
}

START_TEST(what_is_taken_up_survives_the_loss_of_any_allocation)
{
	for (fails_after = 0, has_failed = true; has_failed; fails_after++) {
		bool this_failed;
		int fd = open_listener();

		make_folder();
		run(submit_and_stop, -1);
		run(stop_at_once, fails_after);
		this_failed = has_failed;
		(void)close(fd); /* connections are refused from now on */
		run(find_it_whole, -1);
		remove_folder();
		has_failed = this_failed;
	}
	ck_assert_int_gt(fails_after, 20);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("detached_memory");
	TCase *tc = tcase_create("memory");

	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, opening_survives_the_loss_of_any_allocation);
	tcase_add_test(tc, what_was_accepted_survives_the_loss_of_any_allocation);
	tcase_add_test(tc, what_is_taken_up_survives_the_loss_of_any_allocation);
	suite_add_tcase(suite, tc);
	return suite;
}
