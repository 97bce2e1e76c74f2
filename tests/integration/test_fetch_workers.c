/* SPDX-License-Identifier: MIT */
/* Engines with several workers: batches stay one. */
#include "tests/integration/fetch_kit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/fetch/workers.h"

#define N_NAMES 64

static struct t_origin *origin;
static struct kit *kit;
static char hosts[64];

static void
setup(void)
{
	origin = t_origin_create();
	kit_make_hosts(hosts, sizeof(hosts), N_NAMES); /* origins of their own, and one server */
	kit = kit_create();
	kit->options.timeout = NUR_SEC(60);
	kit->batch.concurrency = KIT_URLS;
	kit->batch.per_origin = KIT_URLS;
	kit->engine_options.workers = 2;
	kit->engine_options.hosts_path = hosts;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	(void)unlink(hosts);
	kit_destroy(kit);
}

static const unsigned numbers[] = { 2, 4 };

static void
take_workers(int i)
{
	kit->engine_options.workers = numbers[i];
}

/* The same server, by the @nth name that @worker has. */
static char *
url_at(const struct t_origin *server, unsigned worker, int nth, const char *path)
{
	char name[64];
	char *url = NULL;

	for (int i = 0; i < N_NAMES; i++) {
		(void)snprintf(name, sizeof(name), "http://w%d.test:%u", i,
			(unsigned)t_origin_port(server, T_PORT_HTTP));
		if (fetch_workers_owner(kit->engine_options.workers, name) == worker &&
			nth-- == 0) {
			ck_assert_int_gt(asprintf(&url, "%s%s", name, path), 0);
			return url;
		}
	}
	ck_abort_msg("no name for worker %u", worker);
}

static void
add_at(unsigned worker, int nth, const char *path)
{
	kit_add(kit, url_at(origin, worker, nth, path));
}

/* @n URLs, of all workers in turn, with several origins each; the path gets a number. */
static void
add_everywhere(size_t n, const char *path)
{
	char text[64];

	for (size_t i = 0; i < n; i++) {
		unsigned n_workers = kit->engine_options.workers;

		(void)snprintf(text, sizeof(text), "%s/%zu", path, i);
		add_at((unsigned)i % n_workers, (int)(i / n_workers) % 3, text);
	}
}

/* ---- batches ---- */

START_TEST(all_results_come_and_are_counted_together)
{
	take_workers(_i);
	add_everywhere(200, "/bytes/10");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(kit->summary.n_ok, 200);
	for (size_t i = 0; i < kit->n_urls; i++) {
		ck_assert_str_eq(kit->results[i].final_url, kit->urls[i]);
		ck_assert_int_eq(kit->results[i].result.bytes, 10);
	}
	ck_assert_uint_eq(kit->statistics.total_transfers, 200);
	ck_assert_uint_eq(kit->statistics.total_bytes, 2000);
	ck_assert_uint_eq(kit->statistics.total_results[FETCH_OK], 200);
}
END_TEST

START_TEST(a_batch_of_nothing_is_ok)
{
	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

START_TEST(the_first_failure_cancels_the_others_down_to_the_sockets)
{
	take_workers(_i);
	add_everywhere(40, "/never");
	add_at(0, 0, "/crowd/41?500");

	kit_run(kit);

	ck_assert_int_eq(kit->rc, 0);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->order[0], 40);
	ck_assert_int_eq(kit->results[40].result.error, FETCH_ERROR_STATUS);
	kit_check_cancelled(kit, 0, 39, FETCH_CANCEL_SIBLING_FAILED, 40);
	ck_assert_uint_le(kit->statistics.n_connections, 1); /* the one that answered is kept */
	t_origin_wait(origin, "open<=0");
}
END_TEST

START_TEST(failures_are_tolerated_by_the_batch_and_not_by_the_worker)
{
	take_workers(_i);
	kit->batch.max_failures = 3;
	add_everywhere(4, "/status/500");
	add_everywhere(20, "/never");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->summary.n_failed, 4);
	kit_check_cancelled(kit, 4, 23, FETCH_CANCEL_SIBLING_FAILED, (int64_t)kit->order[3]);
}
END_TEST

START_TEST(the_first_success_ends_the_batch)
{
	take_workers(_i);
	kit->batch.policy = FETCH_POLICY_FIRST_SUCCESS;
	add_everywhere(20, "/never");
	add_at(1, 0, "/crowd/21");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	kit_check_cancelled(kit, 0, 19, FETCH_CANCEL_FIRST_SUCCESS, 20);
}
END_TEST

START_TEST(nothing_starts_after_a_failure)
{
	kit->batch.concurrency = 1;
	add_at(0, 0, "/status/500/a");
	for (int i = 0; i < 10; i++) {
		add_at(0, 0, "/ok/b");
		add_at(1, 0, "/status/500/c");
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_failed, 1);
	ck_assert_uint_eq(kit->summary.n_cancelled, 20);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 1);
}
END_TEST

START_TEST(the_deadline_is_that_of_the_batch)
{
	take_workers(_i);
	kit->batch.deadline = NUR_MSEC(50);
	kit->batch.concurrency = 10;
	add_everywhere(40, "/never");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	kit_check_cancelled(kit, 0, 39, FETCH_CANCEL_DEADLINE, -1);
	t_origin_wait(origin, "open<=0");
}
END_TEST

static int
cancel_held(void *arg)
{
	kit_wait(origin, "held>=40");
	nur_cancel_scope_cancel(&kit->scope, fetch_cancel_reason_name(FETCH_CANCEL_CLIENT_GONE));
	return 0;
}

START_TEST(a_cancel_from_outside_leaves_nothing)
{
	take_workers(_i);
	kit->beside = cancel_held;
	kit->batch.concurrency = 40;
	add_everywhere(40, "/never");
	add_everywhere(600, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->rc, NUR_ECANCELED);
	kit_check_cancelled(kit, 0, 639, FETCH_CANCEL_CLIENT_GONE, -1);
	ck_assert_uint_eq(kit->statistics.n_connections, 0);
	t_origin_wait(origin, "open<=0");
}
END_TEST

START_TEST(a_cancel_that_finds_nothing_left_changes_nothing)
{
	kit->cancel_after = 4;
	add_everywhere(4, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 4);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

static int
fetch_in_a_cancelled_scope(void *arg)
{
	nur_cancel_scope_cancel(&kit->scope, fetch_cancel_reason_name(FETCH_CANCEL_SHUTDOWN));
	kit->rc = kit_batch(kit);
	return kit->rc;
}

START_TEST(a_batch_that_is_cancelled_already_starts_nothing)
{
	kit->body = fetch_in_a_cancelled_scope;
	add_everywhere(300, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->rc, NUR_ECANCELED);
	kit_check_cancelled(kit, 0, 299, FETCH_CANCEL_SHUTDOWN, -1);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 0);
}
END_TEST

START_TEST(a_bad_url_has_its_result)
{
	kit->batch.policy = FETCH_POLICY_COLLECT;
	add_everywhere(3, "/ok");
	kit_add(kit, strdup("gopher://127.0.0.1/"));
	add_everywhere(3, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 6);
	ck_assert_int_eq(kit->results[3].result.error, FETCH_ERROR_BAD_URL);
}
END_TEST

START_TEST(a_bad_url_ends_a_batch_that_fails_fast)
{
	kit_add(kit, strdup("gopher://127.0.0.1/"));
	add_everywhere(300, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	kit_check_cancelled(kit, 1, 300, FETCH_CANCEL_SIBLING_FAILED, 0);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 0);
}
END_TEST

START_TEST(twins_are_fetched_once)
{
	kit->batch.dedupe = true;
	for (int i = 0; i < 5; i++) {
		add_at(0, 0, "/ok/a");
		add_at(1, 0, "/ok/a");
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 10);
	ck_assert(kit->results[9].result.is_twin);
	ck_assert_uint_eq(kit->results[9].result.twin_of, 1);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 2);
}
END_TEST

/* ---- sinks ---- */

struct counted {
	pthread_t thread;
	size_t n;
};

static int
announce(void *arg, size_t index)
{
	struct counted *counted = kit->user;

	ck_assert(pthread_equal(pthread_self(), counted->thread));
	counted->n++;
	return nur_checkpoint(); /* a task, which may wait */
}

START_TEST(whoever_has_to_know_is_told_in_the_callers_run)
{
	struct counted counted = { pthread_self(), 0 };

	take_workers(_i);
	kit->user = &counted;
	kit->starting = announce;
	add_everywhere(50, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 50);
	ck_assert_uint_eq(counted.n, 50);
}
END_TEST

static int
refuse(void *arg, size_t index)
{
	return index == 7 ? -EIO : 0;
}

START_TEST(whoever_has_to_know_may_refuse)
{
	kit->starting = refuse;
	kit->batch.policy = FETCH_POLICY_COLLECT;
	add_everywhere(20, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 19);
	ck_assert_int_eq(kit->results[7].result.error, FETCH_ERROR_RESOURCES);
}
END_TEST

static int
never_know(void *arg, size_t index)
{
	return nur_sleep_forever();
}

START_TEST(the_deadline_ends_the_waiting_of_whoever_has_to_know)
{
	kit->starting = never_know;
	kit->batch.deadline = NUR_MSEC(30);
	add_everywhere(20, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	kit_check_cancelled(kit, 0, 19, FETCH_CANCEL_DEADLINE, -1);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 0);
}
END_TEST

START_TEST(a_sink_that_fails_ends_the_batch_with_its_code)
{
	kit->sink_code = -ENOSPC;
	kit->batch.concurrency = 2;
	add_everywhere(20, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->rc, -ENOSPC);
}
END_TEST

/* ---- limits ---- */

START_TEST(the_window_is_that_of_the_batch)
{
	take_workers(_i);
	kit->batch.concurrency = 3;
	add_everywhere(60, "/slow/1");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 60);
	ck_assert_uint_le(t_origin_counts(origin).max_held, 3);
}
END_TEST

START_TEST(a_window_for_all_is_used)
{
	take_workers(_i);
	kit->batch.concurrency = 43;
	add_everywhere(40, "/crowd/43");
	add_at(0, 0, "/crowd/43/a");
	add_at(0, 1, "/crowd/43/b");
	add_at(0, 2, "/crowd/43/c");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 43);
}
END_TEST

START_TEST(the_places_of_a_part_that_has_ended_go_to_another)
{
	take_workers(_i);
	kit->batch.concurrency = numbers[_i] + 2;
	for (unsigned i = 0; i + 1 < numbers[_i]; i++) {
		add_at(i, 0, "/ok");
	}
	for (unsigned i = 0; i < kit->batch.concurrency; i++) {
		add_at(numbers[_i] - 1, (int)i % 2, numbers[_i] == 2 ? "/crowd/4" : "/crowd/6");
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

/* The last one alone has both. */
START_TEST(so_do_those_of_parts_that_took_turns)
{
	take_workers(1);
	kit->batch.concurrency = 2;
	add_at(0, 0, "/ok");
	add_at(1, 0, "/ok");
	add_at(2, 0, "/ok");
	add_at(3, 0, "/crowd/2");
	add_at(3, 1, "/crowd/2");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 2);
}
END_TEST

/* Whichever part has the first turn, the one that has to rest is the last. */
START_TEST(a_part_that_rests_does_not_hold_up_another)
{
	kit->engine_options.max_rest = NUR_MSEC(20);
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->batch.concurrency = 1;
	add_at(0, 0, "/retry-after/429?3600");
	add_at(0, 0, "/ok/a");
	add_at(1, 0, "/ok/b");
	add_at(1, 0, "/ok/c");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 3);
	ck_assert_uint_eq(kit->order[3], 1);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 1);
}
END_TEST

START_TEST(the_deadline_ends_a_rest_without_a_turn)
{
	take_workers(_i);
	kit->engine_options.max_rest = NUR_SEC(3600);
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->batch.concurrency = 1;
	kit->batch.deadline = NUR_MSEC(50);
	for (unsigned i = 0; i < numbers[_i]; i++) {
		add_at(i, 0, "/retry-after/429?3600");
	}
	for (unsigned i = 0; i < numbers[_i]; i++) {
		add_at(i, 0, "/ok");
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	kit_check_cancelled(kit, numbers[_i], 2 * numbers[_i] - 1, FETCH_CANCEL_DEADLINE, -1);
}
END_TEST

START_TEST(parts_that_rest_take_turns_within_the_window)
{
	take_workers(_i);
	kit->batch.concurrency = numbers[_i] - 1;
	kit->batch.spacing = NUR_MSEC(1);
	add_everywhere(60, "/ok");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 60);
	ck_assert_uint_le(t_origin_counts(origin).max_held, numbers[_i] - 1);
}
END_TEST

START_TEST(nothing_starts_after_a_failure_of_parts_that_take_turns)
{
	take_workers(_i);
	kit->batch.concurrency = 1;
	kit->batch.spacing = NUR_MSEC(1);
	add_everywhere(12, "/ok");
	add_everywhere(8, "/status/500");
	add_everywhere(12, "/ok");

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->summary.n_failed, 1);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, kit->summary.n_ok + 1);
}
END_TEST

START_TEST(in_flight_is_shared_out)
{
	kit->engine_options.in_flight = 5;
	add_everywhere(60, "/slow/1");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 60);
	ck_assert_uint_le(t_origin_counts(origin).max_held, 5);
}
END_TEST

static int
change_limits(void *arg)
{
	fetch_engine_set_limits(kit->engine, 2, 0);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->summary.n_ok, 30);
	ck_assert_uint_le(t_origin_counts(origin).max_held, 2);
	return 0;
}

START_TEST(limits_can_be_changed)
{
	kit->body = change_limits;
	add_everywhere(30, "/slow/1");

	kit_run(kit);
}
END_TEST

static int
change_policy(void *arg)
{
	static struct fetch_address_policy policy = { .profile = FETCH_PROFILE_PUBLIC_ONLY };

	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->summary.n_ok, 6);
	fetch_engine_set_policy(kit->engine, 0, &policy);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->summary.n_failed, 6);
	ck_assert_int_eq(kit->results[5].result.error, FETCH_ERROR_DENIED);
	return 0;
}

START_TEST(the_policy_can_be_changed)
{
	kit->body = change_policy;
	kit->batch.policy = FETCH_POLICY_COLLECT;
	add_everywhere(6, "/ok");

	kit_run(kit);
}
END_TEST

/* ---- redirects to origins of other workers ---- */

static char *
redirect_to(const struct t_origin *server, unsigned worker, const char *path)
{
	_cleanup_(freep) char *target = url_at(server, worker, 0, path);
	char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "/redirect-to/302?%s", target), 0);
	return text;
}

static void
add_redirect(const struct t_origin *server, unsigned from, unsigned to, const char *path)
{
	_cleanup_(freep) char *text = redirect_to(server, to, path);

	add_at(from, 0, text);
}

START_TEST(a_redirect_leads_to_another_worker_and_back)
{
	_cleanup_(freep) char *home = url_at(origin, 0, 1, "/body?home");
	_cleanup_(freep) char *path = NULL;

	kit->options.max_redirects = 5;
	kit->options.capture = FETCH_CAPTURE_BODY;
	ck_assert_int_gt(asprintf(&path, "/redirect-to/302?%s", home), 0);
	add_redirect(origin, 0, 1, path);

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_str_eq(kit->results[0].final_url, home);
	ck_assert_uint_eq(kit->results[0].result.redirects, 2);
	ck_assert_str_eq(kit->results[0].body, "home");
}
END_TEST

START_TEST(visitors_keep_to_the_limit_of_the_origin)
{
	struct t_origin *other = t_origin_create();

	kit->options.max_redirects = 5;
	kit->batch.per_origin = 2;
	for (int i = 0; i < 6; i++) {
		add_redirect(other, 0, 1, "/crowd/2/a");
		kit_add(kit, url_at(other, 1, 0, "/crowd/2/b"));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 12);
	ck_assert_uint_eq(t_origin_counts(other).n_requests, 12);
	ck_assert_uint_eq(t_origin_counts(other).max_held, 2);
	t_origin_destroy(other);
}
END_TEST

START_TEST(visitors_keep_to_the_rate_of_the_batch)
{
	kit->options.max_redirects = 5;
	kit->batch.spacing = NUR_MSEC(30);
	for (int i = 0; i < 4; i++) {
		_cleanup_(freep) char *text = redirect_to(origin, 1, "/ok");

		add_at(0, i, text);
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 4);
	ck_assert_int_ge(kit->summary.elapsed,
		NUR_MSEC(80)); /* three of them, less what may be made up for */
}
END_TEST

static int
cancel_visit(void *arg)
{
	struct t_origin *other = kit->user;

	kit_wait(other, "held>=3");
	nur_cancel_scope_cancel(&kit->scope, fetch_cancel_reason_name(FETCH_CANCEL_CLIENT_GONE));
	return 0;
}

START_TEST(a_visitor_is_cancelled_with_its_batch)
{
	struct t_origin *other = t_origin_create();

	kit->user = other;
	kit->beside = cancel_visit;
	kit->options.max_redirects = 5;
	for (int i = 0; i < 3; i++) {
		add_redirect(other, 0, 1, "/never");
	}

	kit_run(kit);

	ck_assert_int_eq(kit->rc, NUR_ECANCELED);
	kit_check_cancelled(kit, 0, 2, FETCH_CANCEL_CLIENT_GONE, -1);
	ck_assert_uint_eq(kit->results[0].result.redirects, 1);
	t_origin_wait(other, "open<=0");
	t_origin_destroy(other);
}
END_TEST

START_TEST(a_visitors_time_passes)
{
	kit->options.max_redirects = 5;
	kit->options.timeout = NUR_MSEC(50);
	add_redirect(origin, 0, 1, "/never");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_timeout, 1);
}
END_TEST

START_TEST(a_visitor_comes_back_for_another_attempt)
{
	kit->options.max_redirects = 5;
	kit->options.retries =
		(struct fetch_retries){ .max = 3, .on = FETCH_RETRY_5XX, .backoff = NUR_MSEC(1) };
	add_redirect(origin, 0, 1, "/flaky/a/2?503");

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 1);
	ck_assert_uint_eq(kit->results[0].result.attempts, 3);
	ck_assert_uint_eq(kit->statistics.total_retries[FETCH_RETRIED_5XX], 2);
}
END_TEST

START_TEST(hedges_and_visitors_do_not_disturb_each_other)
{
	kit->options.max_redirects = 5;
	kit->options.hedge = NUR_MSEC(1);
	for (int i = 0; i < 20; i++) {
		add_redirect(origin, (unsigned)i % 2, (unsigned)(i + 1) % 2, "/slow/5");
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 20);
}
END_TEST

/* ---- the tree ---- */

struct seen {
	size_t n_runs;
	size_t n_urls;
	size_t n_tasks;
};

static int
look(const struct nur_tree_entry *entry, void *arg)
{
	struct seen *seen = arg;

	ck_assert_uint_ge(entry->depth, 1);
	if (entry->kind == NUR_TREE_RUN) {
		ck_assert_uint_eq(entry->depth, 1);
		ck_assert_ptr_nonnull(strstr(entry->name, "worker "));
		seen->n_runs++;
	}
	if (entry->kind == NUR_TREE_TASK) {
		seen->n_tasks++;
		seen->n_urls += strncmp(entry->name, "http://", 7) == 0;
	}
	return 0;
}

static int
look_and_cancel(void *arg)
{
	struct fetch_engine_statistics statistics;
	struct seen seen = { 0 };

	kit_wait(origin, "held>=40");
	ck_assert_int_eq(fetch_engine_walk(kit->engine, look, &seen), 0);
	ck_assert_uint_eq(seen.n_runs, kit->engine_options.workers);
	ck_assert_uint_eq(seen.n_urls, 40);

	fetch_engine_statistics(kit->engine, &statistics);
	ck_assert_uint_eq(statistics.n_batches, 1);
	ck_assert_uint_eq(statistics.n_in_flight, 40);
	ck_assert_uint_eq(statistics.n_queued, 20);
	ck_assert_int_ne(statistics.oldest_queued, NUR_FOREVER);
	nur_cancel_scope_cancel(&kit->scope, NULL);
	return 0;
}

static int
batch_and_look(void *arg)
{
	struct seen seen = { 0 };

	ck_assert_int_eq(kit_batch(kit), NUR_ECANCELED);
	ck_assert_int_eq(fetch_engine_walk(kit->engine, look, &seen), 0);
	ck_assert_uint_eq(seen.n_tasks, kit->engine_options.workers); /* their main tasks */
	return 0;
}

START_TEST(the_tree_shows_all_that_is_fetched_and_nothing_afterwards)
{
	take_workers(_i);
	kit->body = batch_and_look;
	kit->beside = look_and_cancel;
	kit->batch.concurrency = 40;
	add_everywhere(60, "/never");

	kit_run(kit);
}
END_TEST

static int
stop_looking(const struct nur_tree_entry *entry, void *arg)
{
	size_t *n = arg;

	++*n;
	return 42;
}

static int
look_at_one(void *arg)
{
	size_t n = 0;

	ck_assert_int_eq(fetch_engine_walk(kit->engine, stop_looking, &n), 42);
	ck_assert_uint_eq(n, 1);
	return 0;
}

START_TEST(the_visitor_of_the_tree_may_end_it)
{
	kit->body = look_at_one;

	kit_run(kit);
}
END_TEST

/* ---- engines ---- */

static int
create_badly(void *arg)
{
	struct fetch_engine_options options = { .workers = FETCH_WORKERS_MAX + 1 };
	struct fetch_engine *engine = NULL;

	ck_assert_int_eq(fetch_engine_create(&options, &engine), -EINVAL);
	options = (struct fetch_engine_options){ .workers = 3, .dns_servers = "not an address" };
	ck_assert_int_eq(fetch_engine_create(&options, &engine), -EINVAL);
	ck_assert_ptr_null(engine);
	return 0;
}

START_TEST(what_cannot_be_created_leaves_no_thread)
{
	ck_assert_int_eq(nur_run(create_badly, NULL, NULL, NULL), 0);
}
END_TEST

static int
one_batch(void *arg)
{
	const struct fetch_url_request requests[] = {
		{ kit->urls[0], &kit->options },
		{ kit->urls[1], &kit->options },
	};
	const struct fetch_batch batch = {
		.requests = requests, .n_requests = 2, .accepted_at = nur_now()
	};
	struct fetch_batch_summary summary;

	ck_assert_int_eq(fetch_batch_run(kit->engine, &batch, NULL, &summary), 0);
	ck_assert_uint_eq(summary.n_ok, 2);
	return 0;
}

static int
start_batches(struct nur_nursery *nursery, void *arg)
{
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(nur_start_soon(nursery, "batch", one_batch, NULL), 0);
	}
	return 0;
}

static int
many_batches(void *arg)
{
	return nur_nursery_run(start_batches, NULL, NULL);
}

START_TEST(batches_run_beside_each_other)
{
	kit->body = many_batches;
	add_at(0, 0, "/crowd/40/a");
	add_at(1, 0, "/crowd/40/b");

	kit_run(kit);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_workers");
	TCase *batches = tcase_create("batches");
	TCase *parts = tcase_create("parts");

	tcase_set_timeout(batches, 60);
	tcase_add_checked_fixture(batches, setup, teardown);
	tcase_add_loop_test(batches, all_results_come_and_are_counted_together, 0, 2);
	tcase_add_test(batches, a_batch_of_nothing_is_ok);
	tcase_add_loop_test(
		batches, the_first_failure_cancels_the_others_down_to_the_sockets, 0, 2);
	tcase_add_loop_test(
		batches, failures_are_tolerated_by_the_batch_and_not_by_the_worker, 0, 2);
	tcase_add_loop_test(batches, the_first_success_ends_the_batch, 0, 2);
	tcase_add_test(batches, nothing_starts_after_a_failure);
	tcase_add_loop_test(batches, the_deadline_is_that_of_the_batch, 0, 2);
	tcase_add_loop_test(batches, a_cancel_from_outside_leaves_nothing, 0, 2);
	tcase_add_test(batches, a_cancel_that_finds_nothing_left_changes_nothing);
	tcase_add_test(batches, a_batch_that_is_cancelled_already_starts_nothing);
	tcase_add_test(batches, a_bad_url_has_its_result);
	tcase_add_test(batches, a_bad_url_ends_a_batch_that_fails_fast);
	tcase_add_test(batches, twins_are_fetched_once);
	tcase_add_loop_test(batches, whoever_has_to_know_is_told_in_the_callers_run, 0, 2);
	tcase_add_test(batches, whoever_has_to_know_may_refuse);
	tcase_add_test(batches, the_deadline_ends_the_waiting_of_whoever_has_to_know);
	tcase_add_test(batches, a_sink_that_fails_ends_the_batch_with_its_code);
	tcase_add_test(batches, batches_run_beside_each_other);
	suite_add_tcase(suite, batches);

	tcase_set_timeout(parts, 60);
	tcase_add_checked_fixture(parts, setup, teardown);
	tcase_add_loop_test(parts, the_window_is_that_of_the_batch, 0, 2);
	tcase_add_loop_test(parts, a_window_for_all_is_used, 0, 2);
	tcase_add_loop_test(parts, the_places_of_a_part_that_has_ended_go_to_another, 0, 2);
	tcase_add_test(parts, so_do_those_of_parts_that_took_turns);
	tcase_add_test(parts, a_part_that_rests_does_not_hold_up_another);
	tcase_add_loop_test(parts, the_deadline_ends_a_rest_without_a_turn, 0, 2);
	tcase_add_loop_test(parts, parts_that_rest_take_turns_within_the_window, 0, 2);
	tcase_add_loop_test(parts, nothing_starts_after_a_failure_of_parts_that_take_turns, 0, 2);
	tcase_add_test(parts, in_flight_is_shared_out);
	tcase_add_test(parts, limits_can_be_changed);
	tcase_add_test(parts, the_policy_can_be_changed);
	tcase_add_test(parts, a_redirect_leads_to_another_worker_and_back);
	tcase_add_test(parts, visitors_keep_to_the_limit_of_the_origin);
	tcase_add_test(parts, visitors_keep_to_the_rate_of_the_batch);
	tcase_add_test(parts, a_visitor_is_cancelled_with_its_batch);
	tcase_add_test(parts, a_visitors_time_passes);
	tcase_add_test(parts, a_visitor_comes_back_for_another_attempt);
	tcase_add_test(parts, hedges_and_visitors_do_not_disturb_each_other);
	tcase_add_loop_test(parts, the_tree_shows_all_that_is_fetched_and_nothing_afterwards, 0, 2);
	tcase_add_test(parts, the_visitor_of_the_tree_may_end_it);
	tcase_add_test(parts, what_cannot_be_created_leaves_no_thread);
	suite_add_tcase(suite, parts);
	return suite;
}
