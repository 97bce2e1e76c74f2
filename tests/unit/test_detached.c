/* SPDX-License-Identifier: MIT */
/*
 * The door of detached batches: who is refused, and why. The store is a real one in a folder of its own; the only
 * URL is one that the address policy denies, so that nothing leaves the machine.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/batches/batches.h"
#include "daemon/store/queue.h"
#include "daemon/store/store.h"
#include "tests/unit/batch_text.h"

static char folder[32];
static struct fetch_engine *engine;
static struct store_queue *queue;
static struct batches *batches;
static struct batches_options options;
static int64_t max_stored; /* bytes of one user */

static const char body_text[] = "{\"urls\":[\"http://0.0.0.0/\"]}";

/* ---- a submission ---- */

static const struct batch_defaults defaults = BATCH_DEFAULTS_INIT;
static const struct batch_limits limits = BATCH_LIMITS_INIT;

/* Return: what batches_accept() said, with the batch in @ret_batch, which may be NULL. */
static int
accept_one(const char *key, struct batch **ret_batch)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	struct batch_submission submission = {
		.description = t_read_batch(body_text, &defaults, &limits),
		.kind = BATCH_KIND_JSON,
		.body = BUFFER_INIT,
		.defaults = defaults,
		.limits = limits,
		.uid = 7,
		.key = key,
		.max_stored = max_stored,
	};
	int r;

	buffer_puts(&submission.body, body_text);
	r = batches_accept(batches, &submission, &batch);
	ck_assert_ptr_null(submission.description);
	ck_assert_uint_eq(submission.body.len, 0);
	if (ret_batch) {
		*ret_batch = steal(&batch);
	}
	return r;
}

static int
accept_keyed(void *ret_code)
{
	*(int *)ret_code = accept_one("k", NULL);
	return 0;
}

/* ---- a run with all of it ---- */

static int
serve_detached(void *unused)
{
	return batches_serve_detached(batches);
}

static int
with_service(struct nur_nursery *nursery, void *arg)
{
	nur_task_fn scenario = *(nur_task_fn *)arg;
	int r;

	ck_assert_int_eq(nur_start_soon(nursery, "detached", serve_detached, NULL), 0);
	while (accept_one(NULL, NULL) == -EAGAIN) {
		ck_assert_int_eq(nur_checkpoint(), 0); /* it has not begun to serve */
	}
	r = scenario(NULL);
	nur_nursery_cancel(nursery, cancel_reason_name(CANCEL_SHUTDOWN));
	return r;
}

static int
serve(void *arg)
{
	ck_assert_int_eq(batches_restore(batches), 0);
	return nur_nursery_run(with_service, arg, NULL);
}

static int
run_all(void *arg)
{
	struct store *store = NULL;
	char why[128];

	ck_assert_int_eq(store_open(folder, INT64_C(1) << 30, &store, why, sizeof(why)), 0);
	ck_assert_int_eq(store_queue_create(store, &queue), 0);
	ck_assert_int_eq(fetch_engine_create(NULL, &engine), 0);
	options.store = queue;
	ck_assert_int_eq(batches_create(engine, &options, &batches), 0);
	ck_assert_int_eq(store_queue_serve(queue, serve, arg), 0);
	batches_destroy(batches);
	fetch_engine_destroy(engine);
	store_queue_destroy(queue);
	return 0;
}

static void
run(nur_task_fn scenario)
{
	/* SQLite wants more stack than a task has; here it is opened by one. */
	const struct nur_run_options with_stack = { .stack_size = 1024 * 1024 };

	ck_assert_int_eq(nur_run(run_all, &scenario, &with_stack, NULL), 0);
}

static void
setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/detached-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	max_stored = INT64_MAX;
	options = (struct batches_options){ .max_running = 100,
		.max_kept = 100,
		.max_kept_bytes = 1 << 20,
		.retain_ns = INT64_MAX / 2 };
}

static void
teardown(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- tests ---- */

static int
twice_at_once(void *unused)
{
	int codes[3] = { 1, 1, 1 };

	{
		int rc = 0;

		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(
				nur_start_soon(nursery, "caller", accept_keyed, &codes[i]), 0);
		}
	}
	/* They run in any order; one is first, and the others come before its commit. */
	ck_assert_int_eq(codes[0] + codes[1] + codes[2], -2 * EBUSY);
	ck_assert_int_eq(accept_one("k", NULL), 1);
	return 0;
}

START_TEST(a_key_is_busy_until_its_batch_is_on_disk)
{
	run(twice_at_once);
}
END_TEST

static int
accept_and_look(void *unused)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	_cleanup_(batch_unrefp) struct batch *again = NULL;
	struct batch_summary summary;

	ck_assert_int_eq(accept_one("k", &batch), 0);
	ck_assert_int_eq(batch_wait_done(batch), 0);
	summary = batch_describe(batch);
	ck_assert_int_eq(summary.outcome, BATCH_FAILED);
	ck_assert_uint_eq(summary.counts.failed, 1);
	ck_assert_uint_eq(batch_n_results(batch), 1);
	ck_assert_int_eq(accept_one("k", &again), 1);
	ck_assert_ptr_eq(again, batch);
	return 0;
}

START_TEST(the_same_key_is_the_same_batch)
{
	run(accept_and_look);
}
END_TEST

static int
look_for_the_old_one(void *ret_id)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	_cleanup_(batch_unrefp) struct batch *same = NULL;
	struct batch_page page;

	ck_assert_int_eq(accept_one("k", &batch), 1);
	ck_assert_ptr_null(batches_find(batches, batch_id(batch)));
	ck_assert_int_eq(batches_look_up(batches, batch_id(batch), &same), 0);
	ck_assert_str_eq(batch_id(same), batch_id(batch));
	ck_assert(batch_is_done(same));
	ck_assert(batch_is_stored(same));
	ck_assert_uint_eq(batch_n_results(same), 1);

	ck_assert_int_eq(batch_read_page(same, BATCH_BY_SEQ, 1, &page), 0);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_uint_eq(page.results[0].number, 1);
	batch_page_fini(&page);
	ck_assert_int_eq(batch_read_page(same, BATCH_BY_SEQ, 2, &page), -ENOENT);
	ck_assert_int_eq(batch_read_page(same, BATCH_BY_INDEX, 0, &page), 0);
	ck_assert_uint_eq(page.results[0].number, 0);
	batch_page_fini(&page);
	ck_assert_int_eq(batch_read_page(same, BATCH_BY_INDEX, 1, &page), -ENOENT);
	return 0;
}

START_TEST(a_batch_of_an_earlier_start_is_read_in_pages)
{
	run(accept_and_look);
	run(look_for_the_old_one);
}
END_TEST

static int
drain_first(void *unused)
{
	batches_drain(batches);
	ck_assert_int_eq(accept_one(NULL, NULL), -ESHUTDOWN);
	return 0;
}

START_TEST(a_draining_daemon_takes_none)
{
	run(drain_first);
}
END_TEST

static int
over_quota(void *unused)
{
	max_stored = 1; /* the one that waited for the service is there */
	ck_assert_int_eq(accept_one(NULL, NULL), -EDQUOT);
	max_stored = INT64_MAX;
	ck_assert_int_eq(accept_one(NULL, NULL), 0);
	return 0;
}

START_TEST(a_user_has_a_share_of_the_store)
{
	run(over_quota);
}
END_TEST

static int
fill_up(void *unused)
{
	batches_set_max_running(batches, 0);
	ck_assert_int_eq(accept_one(NULL, NULL), -EAGAIN);
	return 0;
}

START_TEST(no_more_run_than_may)
{
	run(fill_up);
}
END_TEST

static int
without_store(void *unused)
{
	ck_assert_int_eq(batches_create(NULL, &options, &batches), 0);
	ck_assert(!batches_have_store(batches));
	ck_assert_ptr_null(batches_store_why(batches));
	ck_assert_int_eq(batches_restore(batches), 0);
	ck_assert_int_eq(accept_one(NULL, NULL), -ENOSYS);
	batches_destroy(batches);
	return 0;
}

START_TEST(without_a_store_there_are_none)
{
	ck_assert_int_eq(nur_run(without_store, NULL, NULL, NULL), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	setup();
	run(fill_up); /* so that there is a file to remove */
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("detached");
	TCase *tc = tcase_create("door");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 50); /* each commit waits for the disk, which others may keep busy */
	tcase_add_test(tc, a_key_is_busy_until_its_batch_is_on_disk);
	tcase_add_test(tc, the_same_key_is_the_same_batch);
	tcase_add_test(tc, a_batch_of_an_earlier_start_is_read_in_pages);
	tcase_add_test(tc, a_draining_daemon_takes_none);
	tcase_add_test(tc, a_user_has_a_share_of_the_store);
	tcase_add_test(tc, no_more_run_than_may);
	tcase_add_test(tc, without_a_store_there_are_none);
	suite_add_tcase(suite, tc);
	return suite;
}
