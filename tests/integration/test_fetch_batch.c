/* SPDX-License-Identifier: MIT */
/* Batches as one unit: policies, deadlines, cancellation from outside, limits. */
#include "tests/integration/fetch_kit.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

static struct t_origin *origin;
static struct kit *kit;

static void
setup(void)
{
	origin = t_origin_create();
	kit = kit_create();
	kit->batch.concurrency = KIT_URLS;
	kit->batch.per_origin = KIT_URLS;
}

static void
teardown(void)
{
	t_origin_destroy(origin);
	kit_destroy(kit);
}

static size_t
count(enum fetch_outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < kit->n_urls; i++) {
		n += kit->results[i].result.outcome == outcome;
	}
	return n;
}

START_TEST(the_first_failure_cancels_the_others_down_to_the_sockets)
{
	for (int i = 0; i < 40; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}
	kit_add(kit, t_origin_url(origin, "/crowd/41?500"));

	kit_run(kit);

	ck_assert_int_eq(kit->rc, 0);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->order[0], 40);
	ck_assert_int_eq(kit->results[40].result.error, FETCH_ERROR_STATUS);
	kit_check_cancelled(kit, 0, 39, FETCH_CANCEL_SIBLING_FAILED, 40);
	ck_assert_uint_eq(kit->results[0].result.attempts, 1);
	ck_assert_uint_le(kit->statistics.n_connections, 1); /* the one that answered is kept */
	t_origin_wait(origin, "open<=0");
}
END_TEST

static int
check_open_sockets(void *arg)
{
	int r = kit_batch(arg);

	/* before the engine goes, which closes everything */
	t_origin_wait(origin, "open<=1");
	ck_assert_uint_le(kit->statistics.n_connections, 1);
	return r;
}

START_TEST(a_thousand_sockets_are_closed_when_the_batch_returns)
{
	struct rlimit limit = { 4096, 4096 };

	(void)setrlimit(RLIMIT_NOFILE, &limit); /* lower is enough, too */
	for (int i = 0; i < 999; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}
	kit_add(kit, t_origin_url(origin, "/crowd/1000?500"));
	kit->body = check_open_sockets;

	kit_run(kit);

	ck_assert_uint_eq(count(FETCH_CANCELLED), 999);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 1000);
}
END_TEST

/* Descriptors for one batch, not for two. */
static int
check_room(void *arg)
{
	struct rlimit limit = { 600, 600 };
	int r = kit_batch(arg);

	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(count(FETCH_CANCELLED), 500);
	for (size_t i = 0; i < kit->n_urls; i++) {
		free(kit->urls[i]);
		kit->urls[i] = t_origin_url(origin, "/crowd/501/%zu", i);
	}
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return kit_batch(arg);
}

START_TEST(who_was_cancelled_makes_room_for_who_comes_next)
{
	for (int i = 0; i < 500; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}
	kit_add(kit, t_origin_url(origin, "/crowd/501?500"));
	kit->body = check_room;

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 501);
}
END_TEST

/* Which are not closed ahead of libcurl: it borrows the body. */
START_TEST(requests_with_a_body_are_cancelled_down_to_the_sockets)
{
	kit->options.method = "PUT";
	kit->options.body = "x";
	kit->options.body_len = 1;
	for (int i = 0; i < 40; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}
	kit_add(kit, t_origin_url(origin, "/crowd/41?500"));
	kit->body = check_open_sockets;

	kit_run(kit);

	ck_assert_uint_eq(count(FETCH_CANCELLED), 40);
}
END_TEST

START_TEST(siblings_that_never_started_say_so)
{
	kit->batch.concurrency = 1;
	kit_add(kit, t_origin_url(origin, "/status/500"));
	for (int i = 0; i < 600; i++) {
		kit_add(kit, t_origin_url(origin, "/ok/%d", i));
	}

	kit_run(kit);

	kit_check_cancelled(kit, 1, 600, FETCH_CANCEL_SIBLING_FAILED, 0);
	ck_assert_uint_eq(kit->results[1].result.attempts, 0);
	ck_assert_uint_eq(kit->results[600].result.attempts, 0);
	ck_assert_ptr_null(kit->results[600].final_url);
	ck_assert_int_eq(kit->results[600].result.timing.queue, FETCH_ABSENT);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 1);
}
END_TEST

START_TEST(so_many_failures_are_tolerated)
{
	kit->batch.max_failures = 2;
	kit->batch.concurrency = 1;
	kit_add(kit, t_origin_url(origin, "/status/500"));
	kit_add(kit, t_origin_url(origin, "/status/404"));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(kit->summary.n_failed, 2);
	ck_assert_uint_eq(kit->summary.n_ok, 1);
}
END_TEST

START_TEST(a_cancel_that_finds_nothing_left_changes_nothing)
{
	kit->cancel_after = 2;
	kit_add(kit, t_origin_url(origin, "/ok"));
	kit_add(kit, t_origin_url(origin, "/slow/20"));

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 2);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

START_TEST(collect_cancels_nobody)
{
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit_add(kit, t_origin_url(origin, "/status/500"));
	kit_add(kit, t_origin_url(origin, "/slow/20"));
	kit_add(kit, t_origin_url(origin, "/status/500"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
	ck_assert_uint_eq(kit->summary.n_failed, 2);
	ck_assert_uint_eq(kit->summary.n_ok, 1);
}
END_TEST

START_TEST(the_first_success_cancels_the_others)
{
	kit->batch.policy = FETCH_POLICY_FIRST_SUCCESS;
	kit_add(kit, t_origin_url(origin, "/status/500"));
	kit_add(kit, t_origin_url(origin, "/never"));
	kit_add(kit, t_origin_url(origin, "/crowd/2"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_int_eq(kit->results[2].result.outcome, FETCH_OK);
	kit_check_cancelled(kit, 1, 1, FETCH_CANCEL_FIRST_SUCCESS, 2);
}
END_TEST

START_TEST(no_success_at_all_is_a_failure)
{
	kit->batch.policy = FETCH_POLICY_FIRST_SUCCESS;
	kit_add(kit, t_origin_url(origin, "/status/500"));
	kit_add(kit, t_origin_url(origin, "/status/404"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
}
END_TEST

START_TEST(an_empty_batch_is_ok)
{
	kit_run(kit);

	ck_assert_int_eq(kit->rc, 0);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

START_TEST(the_deadline_ends_what_runs_and_what_waits)
{
	kit->batch.concurrency = 2;
	kit->batch.deadline = NUR_MSEC(50);
	for (int i = 0; i < 5; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->rc, 0);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	ck_assert_int_eq(kit->summary.cancel_reason, FETCH_CANCEL_DEADLINE);
	kit_check_cancelled(kit, 0, 4, FETCH_CANCEL_DEADLINE, -1);
	ck_assert_int_ge(kit->summary.elapsed, NUR_MSEC(50));
	t_origin_wait(origin, "open<=0");
}
END_TEST

static int
hold_the_only_place(void *arg)
{
	struct fetch_url_request request = { kit->user, &kit->options };
	struct fetch_batch batch = {
		.requests = &request,
		.n_requests = 1,
		.accepted_at = nur_now(),
	};
	struct fetch_batch_summary summary;

	return fetch_batch_run(kit->engine, &batch, NULL, &summary);
}

static int
run_beside_it(void *arg)
{
	int r;

	kit_wait(origin, "held>=1");
	r = kit_batch(kit);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	(void)t_origin_release(origin, "it");
	return r;
}

START_TEST(a_deadline_ends_also_what_nobody_has_begun)
{
	char *url = t_origin_url(origin, "/hold/it");

	kit->engine_options.in_flight = 1;
	kit->user = url;
	kit->beside = hold_the_only_place;
	kit->body = run_beside_it;
	kit->batch.deadline = NUR_MSEC(50);
	kit_add(kit, t_origin_url(origin, "/ok"));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	kit_check_cancelled(kit, 0, 1, FETCH_CANCEL_DEADLINE, -1);
	ck_assert_uint_eq(kit->results[0].result.attempts, 0);
	free(url);
}
END_TEST

static int
release_when_queued(void *arg)
{
	struct fetch_engine_statistics statistics;

	do {
		ck_assert_int_eq(nur_checkpoint(), 0);
		fetch_engine_statistics(kit->engine, &statistics);
	} while (statistics.n_queued < kit->n_urls);
	ck_assert_int_eq(nur_checkpoint(), 0); /* the batch has asked for a place meanwhile */
	(void)t_origin_release(origin, "it");
	return 0;
}

static int
run_until_released(struct nur_nursery *nursery, void *arg)
{
	kit_wait(origin, "held>=1");
	ck_assert_int_eq(nur_start_soon(nursery, "release", release_when_queued, NULL), 0);
	return kit_batch(kit);
}

static int
wait_for_the_place(void *arg)
{
	return nur_nursery_run(run_until_released, NULL, NULL);
}

START_TEST(a_batch_that_found_no_place_begins_when_there_is_one)
{
	char *url = t_origin_url(origin, "/hold/it");

	kit->engine_options.in_flight = 1;
	kit->user = url;
	kit->beside = hold_the_only_place;
	kit->body = wait_for_the_place;
	kit->batch.deadline = NUR_SEC(60);
	kit_add(kit, t_origin_url(origin, "/ok"));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	free(url);
}
END_TEST

START_TEST(without_descriptors_urls_fail_and_the_engine_goes_on)
{
	struct rlimit limit = { 64, 64 };
	size_t n_resources = 0;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	kit->batch.policy = FETCH_POLICY_COLLECT;
	for (int i = 0; i < 200; i++) {
		kit_add(kit, t_origin_url(origin, "/slow/20/%d", i));
	}

	kit_run(kit);

	for (size_t i = 0; i < 200; i++) {
		n_resources += kit->results[i].result.error == FETCH_ERROR_RESOURCES;
	}
	ck_assert_uint_gt(n_resources, 0);
	ck_assert_uint_eq(kit->summary.n_failed, n_resources);
	ck_assert_uint_eq(kit->summary.n_ok, 200 - n_resources);
}
END_TEST

START_TEST(a_deadline_that_has_passed_starts_nothing)
{
	kit->batch.deadline = 1;
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_DEADLINE);
	kit_check_cancelled(kit, 0, 0, FETCH_CANCEL_DEADLINE, -1);
}
END_TEST

static int
cancel_when_held(void *arg)
{
	kit_wait(origin, "held>=3");
	nur_cancel_scope_cancel(&kit->scope, kit->user);
	return 0;
}

static const struct {
	const char *text;
	enum fetch_cancel_reason reason;
} reasons[] = {
	{ "client_gone", FETCH_CANCEL_CLIENT_GONE },
	{ "cancel_request", FETCH_CANCEL_REQUEST },
	{ "replaced", FETCH_CANCEL_REPLACED },
	{ "shutdown", FETCH_CANCEL_SHUTDOWN },
	{ "deadline", FETCH_CANCEL_DEADLINE },
	{ NULL, FETCH_CANCEL_REQUEST },
	{ "something else", FETCH_CANCEL_REQUEST },
};

START_TEST(who_cancels_from_outside_says_why)
{
	kit->batch.concurrency = 3;
	kit->user = (void *)reasons[_i].text;
	kit->beside = cancel_when_held;
	for (int i = 0; i < 10; i++) {
		kit_add(kit, t_origin_url(origin, "/never/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->rc, NUR_ECANCELED);
	kit_check_cancelled(kit, 0, 9, reasons[_i].reason, -1);
	ck_assert_int_eq(kit->summary.cancel_reason, reasons[_i].reason);
	ck_assert_int_eq(kit->summary.outcome, reasons[_i].reason == FETCH_CANCEL_DEADLINE
						       ? FETCH_BATCH_DEADLINE
						       : FETCH_BATCH_CANCELLED);
	ck_assert_uint_eq(kit->statistics.n_connections, 0);
}
END_TEST

START_TEST(a_url_has_its_own_time)
{
	struct fetch_options hasty = kit->options;

	hasty.timeout = NUR_MSEC(30);
	kit->own_options[0] = &hasty;
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit_add(kit, t_origin_url(origin, "/never"));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_TIMEOUT);
	ck_assert_int_eq(kit->results[0].result.error, FETCH_ERROR_NONE);
	ck_assert_uint_le(kit->results[0].result.attempts, 1);
	ck_assert_int_eq(kit->results[1].result.outcome, FETCH_OK);
	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_FAILED);
}
END_TEST

START_TEST(a_timeout_is_a_failure_for_the_others)
{
	kit->options.timeout = NUR_MSEC(50);
	kit->batch.concurrency = 1;
	kit_add(kit, t_origin_url(origin, "/never"));
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_TIMEOUT);
	kit_check_cancelled(kit, 1, 1, FETCH_CANCEL_SIBLING_FAILED, 0);
}
END_TEST

START_TEST(an_attempt_has_its_own_time)
{
	kit->options.attempt_timeout = NUR_MSEC(30);
	kit_add(kit, t_origin_url(origin, "/never"));

	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_FAILED);
	ck_assert_int_eq(kit->results[0].result.error, FETCH_ERROR_ATTEMPT_TIMEOUT);
	ck_assert_str_eq(kit->results[0].detail, "no response had begun");
}
END_TEST

START_TEST(no_more_than_the_window_is_under_way)
{
	kit->batch.concurrency = 7;
	for (int i = 0; i < 50; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/%d", i < 49 ? 7 : 1));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 7);
	ck_assert_uint_le(kit->statistics.total_connections, 7);
}
END_TEST

START_TEST(no_more_than_the_origins_limit_is_under_way)
{
	kit->batch.per_origin = 3;
	for (int i = 0; i < 30; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/3/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 3);
}
END_TEST

START_TEST(no_more_than_the_engines_limit_is_under_way)
{
	kit->engine_options.in_flight = 5;
	for (int i = 0; i < 30; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/5/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
	ck_assert_uint_eq(t_origin_counts(origin).max_held, 5);
}
END_TEST

START_TEST(a_sink_that_fails_ends_the_batch_with_its_code)
{
	kit->sink_code = -ENOSPC;
	kit->batch.concurrency = 1;
	for (int i = 0; i < 10; i++) {
		kit_add(kit, t_origin_url(origin, "/ok/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->rc, -ENOSPC);
	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
	kit_check_cancelled(kit, 1, 9, FETCH_CANCEL_REQUEST, -1);
}
END_TEST

/* Waits first: the request is not sent meanwhile. */
static int
refuse_the_second(void *user, size_t index)
{
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, index < 2 ? index : 1);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, index < 2 ? index : 1);
	return index == 1 ? -ENOSPC : 0;
}

START_TEST(a_url_starts_when_whoever_has_to_know_of_it_knows)
{
	kit->starting = refuse_the_second;
	kit->batch.policy = FETCH_POLICY_COLLECT;
	kit->batch.concurrency = 1;
	for (int i = 0; i < 3; i++) {
		kit_add(kit, t_origin_url(origin, "/ok/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->results[0].result.outcome, FETCH_OK);
	ck_assert_int_eq(kit->results[1].result.outcome, FETCH_FAILED);
	ck_assert_int_eq(kit->results[1].result.error, FETCH_ERROR_RESOURCES);
	ck_assert_uint_eq(kit->results[1].result.attempts, 0);
	ck_assert_int_eq(kit->results[2].result.outcome, FETCH_OK);
}
END_TEST

static int
cancel_at_start(void *user, size_t index)
{
	struct kit *cancelled = user;

	nur_cancel_scope_cancel(&cancelled->scope, NULL);
	return nur_checkpoint();
}

START_TEST(a_url_is_cancelled_while_somebody_has_to_know_of_it)
{
	kit->starting = cancel_at_start;
	kit_add(kit, t_origin_url(origin, "/ok"));

	kit_run(kit);

	kit_check_cancelled(kit, 0, 0, FETCH_CANCEL_REQUEST, -1);
	ck_assert_uint_eq(kit->results[0].result.attempts, 0);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 0);
}
END_TEST

static int
two_batches(void *arg)
{
	size_t n_connections;

	ck_assert_int_eq(kit_batch(kit), 0);
	n_connections = kit->statistics.total_connections;
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->statistics.total_connections, n_connections);
	for (size_t i = 0; i < kit->n_urls; i++) {
		ck_assert(kit->results[i].result.is_reused);
		ck_assert_int_eq(kit->results[i].result.timing.connect, FETCH_ABSENT);
	}
	return 0;
}

START_TEST(connections_stay_warm_between_batches)
{
	kit->body = two_batches;
	for (int i = 0; i < 20; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/20/%d", i));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->statistics.total_connections, 20);
	ck_assert_uint_eq(kit->statistics.total_reused, 20);
}
END_TEST

static void
add_crowd(int n)
{
	for (int i = 0; i < n; i++) {
		kit_add(kit, t_origin_url(origin, "/crowd/%d/%d", n, i));
	}
}

static int
few_and_then_many(void *arg)
{
	add_crowd(5);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->statistics.total_connections, 5);

	kit_forget(kit);
	add_crowd(20);
	ck_assert_int_eq(kit_batch(kit), 0);
	ck_assert_uint_eq(kit->summary.n_ok, 20);
	return 0;
}

START_TEST(what_rests_is_used_before_more_is_opened)
{
	kit->body = few_and_then_many;

	kit_run(kit);

	ck_assert_uint_eq(kit->statistics.total_connections, 20);
	ck_assert_uint_eq(kit->statistics.total_reused, 5);
}
END_TEST

START_TEST(a_connection_that_was_closed_meanwhile_is_no_failure)
{
	kit->batch.concurrency = 1;
	for (int i = 0; i < 6; i++) {
		kit_add(kit, t_origin_url(origin, "/close-on-reuse/%d", i));
	}

	kit_run(kit);

	ck_assert_int_eq(kit->summary.outcome, FETCH_BATCH_OK);
}
END_TEST

START_TEST(a_request_that_changes_things_uses_no_connection_that_may_be_dead)
{
	kit->options.method = "POST";
	kit->options.body = "x";
	kit->options.body_len = 1;
	kit->batch.concurrency = 1;
	for (int i = 0; i < 3; i++) {
		kit_add(kit, t_origin_url(origin, "/ok/%d", i));
	}

	kit_run(kit);

	ck_assert_uint_eq(kit->summary.n_ok, 3);
	ck_assert_uint_eq(t_origin_counts(origin).n_requests, 3);
	ck_assert_uint_eq(kit->statistics.total_connections, 3);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("fetch_batch");
	TCase *policies = tcase_create("policies");
	TCase *times = tcase_create("times");
	TCase *limits = tcase_create("limits");

	tcase_add_checked_fixture(policies, setup, teardown);
	tcase_add_test(policies, the_first_failure_cancels_the_others_down_to_the_sockets);
	tcase_add_test(policies, a_thousand_sockets_are_closed_when_the_batch_returns);
	tcase_add_test(policies, who_was_cancelled_makes_room_for_who_comes_next);
	tcase_add_test(policies, requests_with_a_body_are_cancelled_down_to_the_sockets);
	tcase_add_test(policies, siblings_that_never_started_say_so);
	tcase_add_test(policies, so_many_failures_are_tolerated);
	tcase_add_test(policies, a_cancel_that_finds_nothing_left_changes_nothing);
	tcase_add_test(policies, collect_cancels_nobody);
	tcase_add_test(policies, the_first_success_cancels_the_others);
	tcase_add_test(policies, no_success_at_all_is_a_failure);
	tcase_add_test(policies, an_empty_batch_is_ok);
	tcase_add_test(policies, a_sink_that_fails_ends_the_batch_with_its_code);
	tcase_add_test(policies, a_url_starts_when_whoever_has_to_know_of_it_knows);
	tcase_add_test(policies, a_url_is_cancelled_while_somebody_has_to_know_of_it);
	suite_add_tcase(suite, policies);
	tcase_add_checked_fixture(times, setup, teardown);
	tcase_add_test(times, the_deadline_ends_what_runs_and_what_waits);
	tcase_add_test(times, a_deadline_that_has_passed_starts_nothing);
	tcase_add_test(times, a_deadline_ends_also_what_nobody_has_begun);
	tcase_add_test(times, a_batch_that_found_no_place_begins_when_there_is_one);
	tcase_add_loop_test(times, who_cancels_from_outside_says_why, 0, ARRAY_LEN(reasons));
	tcase_add_test(times, a_url_has_its_own_time);
	tcase_add_test(times, a_timeout_is_a_failure_for_the_others);
	tcase_add_test(times, an_attempt_has_its_own_time);
	suite_add_tcase(suite, times);
	tcase_add_checked_fixture(limits, setup, teardown);
	tcase_add_test(limits, no_more_than_the_window_is_under_way);
	tcase_add_test(limits, no_more_than_the_origins_limit_is_under_way);
	tcase_add_test(limits, no_more_than_the_engines_limit_is_under_way);
	tcase_add_test(limits, without_descriptors_urls_fail_and_the_engine_goes_on);
	tcase_add_test(limits, connections_stay_warm_between_batches);
	tcase_add_test(limits, what_rests_is_used_before_more_is_opened);
	tcase_add_test(limits, a_connection_that_was_closed_meanwhile_is_no_failure);
	tcase_add_test(limits, a_request_that_changes_things_uses_no_connection_that_may_be_dead);
	suite_add_tcase(suite, limits);
	return suite;
}
