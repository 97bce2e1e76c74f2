/* SPDX-License-Identifier: MIT */
/* What admission does over time: spacing, rests, and shares. The time is a number. */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/admission.h"

#define MS INT64_C(1000000)

#define MAX_RECORDS 11000

/*
 * A batch of records that each last so long, and when each of them began; ends is what is under way.
 */
struct batch {
	struct fetch_queue queue;
	int64_t lasts[MAX_RECORDS];
	int64_t began[MAX_RECORDS];
	int64_t ends[MAX_RECORDS];
	struct fetch_lane *lanes[MAX_RECORDS];
	size_t n;
	size_t n_done;
	bool is_woken;
};

static struct fetch_admission admission;
static int64_t now;
static int64_t alarm_at;
static struct batch *batches;
static size_t n_batches;
static struct batch *woken[2]; /* in the order in which they will run */
static size_t n_woken;

static int64_t
get_now(void *user)
{
	return now;
}

static void
set_alarm(void *user, int64_t at)
{
	alarm_at = at;
}

static void
wake(void *user)
{
	struct batch *batch = user;

	if (!batch->is_woken) {
		batch->is_woken = true;
		woken[n_woken++] = batch;
	}
}

static void
setup(void)
{
	batches = calloc(2, sizeof(*batches));
	ck_assert_ptr_nonnull(batches);
	n_batches = 0;
	n_woken = 0;
	now = 1000 * MS;
	alarm_at = INT64_MAX;
}

static void
teardown(void)
{
	for (size_t i = 0; i < n_batches; i++) {
		fetch_queue_fini(&batches[i].queue);
	}
	fetch_admission_fini(&admission);
	free(batches);
}

static void
open_limits(unsigned in_flight, unsigned per_origin)
{
	const struct fetch_admission_clock clock = { get_now, set_alarm, NULL };

	ck_assert_int_eq(fetch_admission_init(&admission, in_flight, per_origin, 7), 0);
	fetch_admission_set_clock(&admission, &clock);
}

static struct batch *
open_batch(unsigned window, unsigned per_origin, int64_t spacing)
{
	struct batch *batch = &batches[n_batches++];

	ck_assert_int_eq(fetch_queue_init(&batch->queue, &admission, MAX_RECORDS, window,
				 per_origin, wake, batch),
		0);
	fetch_queue_set_spacing(&batch->queue, spacing);
	return batch;
}

static void
add(struct batch *batch, size_t n, const char *origin, int64_t lasts)
{
	for (; n > 0; n--) {
		batch->lasts[batch->n] = lasts;
		ck_assert_int_eq(fetch_queue_add(&batch->queue, (uint32_t)batch->n, origin), 0);
		batch->n++;
	}
}

static void
take_all(struct batch *batch)
{
	struct fetch_lane *lane;
	uint32_t record;

	while (fetch_queue_take(&batch->queue, &record, &lane)) {
		batch->lanes[record] = lane;
		batch->began[record] = now;
		batch->ends[record] = now + batch->lasts[record];
	}
}

static void
end_due(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		if (batch->ends[i] > 0 && batch->ends[i] <= now) {
			batch->ends[i] = 0;
			batch->n_done++;
			fetch_lane_leave(batch->lanes[i]);
			fetch_queue_leave(&batch->queue);
		}
	}
}

static int64_t
next_time(void)
{
	int64_t next = alarm_at;

	for (size_t b = 0; b < n_batches; b++) {
		for (size_t i = 0; i < batches[b].n; i++) {
			if (batches[b].ends[i] > 0 && batches[b].ends[i] < next) {
				next = batches[b].ends[i];
			}
		}
	}
	return next;
}

/* One moment: what is over ends, who rested wakes, and who was woken takes, as a task would. */
static void
step(void)
{
	for (size_t b = 0; b < n_batches; b++) {
		end_due(&batches[b]);
	}
	if (alarm_at <= now) {
		alarm_at = INT64_MAX;
		fetch_admission_wake(&admission);
	}
	while (n_woken > 0) {
		struct batch *batch = woken[0];

		woken[0] = woken[1];
		n_woken--;
		batch->is_woken = false;
		take_all(batch);
	}
}

/* Until all of the batch have ended. */
static void
run(const struct batch *batch)
{
	step();
	while (batch->n_done < batch->n) {
		now = next_time();
		ck_assert_int_lt(now, INT64_MAX);
		step();
	}
}

static void
run_all(void)
{
	for (size_t b = 0; b < n_batches; b++) {
		run(&batches[b]);
	}
}

START_TEST(a_rate_spaces_what_goes_to_an_origin)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(100, 100, 100 * MS);
	add(batch, 5, "http://a:80", 1 * MS);
	add(batch, 2, "http://b:80", 1 * MS);

	run_all();

	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(batch->began[i], (1000 + 100 * i) * MS);
	}
	ck_assert_int_eq(batch->began[5], 1000 * MS); /* another origin's own */
	ck_assert_int_eq(batch->began[6], 1100 * MS);
}
END_TEST

START_TEST(what_ends_late_is_not_made_up_for)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(1, 1, 100 * MS);
	add(batch, 3, "http://a:80", 250 * MS);

	run_all();

	ck_assert_int_eq(batch->began[1], 1250 * MS);
	ck_assert_int_ge(batch->began[2] - batch->began[1], 250 * MS);
}
END_TEST

START_TEST(a_late_alarm_is_made_up_for_by_a_millisecond)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(100, 100, 100 * MS);
	add(batch, 4, "http://a:80", 1);
	step();

	now = 1100 * MS + MS / 2;
	step();
	ck_assert_int_eq(batch->began[1], now);
	ck_assert_int_eq(alarm_at, 1200 * MS);
	now = 1250 * MS;
	step();
	ck_assert_int_eq(alarm_at, 1349 * MS);

	run_all();
}
END_TEST

START_TEST(a_rate_is_kept_by_an_origin_that_comes_again)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(100, 100, 100 * MS);
	add(batch, 1, "http://a:80", 1 * MS);
	step();
	now += 1 * MS;
	step();
	ck_assert_uint_eq(batch->n_done, 1);

	add(batch, 1, "http://a:80", 1 * MS);
	run_all();

	ck_assert_int_eq(batch->began[1], 1100 * MS);
	now += 200 * MS;
	alarm_at = now;
	step();
	ck_assert_uint_eq(admission.n_origins, 0); /* rested, and nothing in it */
}
END_TEST

START_TEST(batches_have_rates_of_their_own)
{
	struct batch *one, *two;

	open_limits(100, 100);
	one = open_batch(100, 100, 100 * MS);
	two = open_batch(100, 100, 0);
	add(one, 3, "http://a:80", 1 * MS);
	add(two, 3, "http://a:80", 1 * MS);

	run_all();

	ck_assert_int_eq(one->began[2], 1200 * MS);
	ck_assert_int_eq(two->began[2], 1000 * MS);
}
END_TEST

struct hop {
	struct fetch_waiter waiter;
	bool is_granted;
};

static void
granted(struct fetch_waiter *waiter)
{
	container_of(waiter, struct hop, waiter)->is_granted = true;
}

START_TEST(redirects_and_retries_are_spaced_too)
{
	struct hop hop = { .waiter = { .granted = granted } };
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(100, 100, 100 * MS);
	add(batch, 2, "http://a:80", 500 * MS);
	step();
	ck_assert_int_eq(fetch_lane_enter(&batch->queue, "http://a:80", &hop.waiter), 0);

	now = alarm_at;
	step();
	ck_assert(hop.is_granted);
	ck_assert_int_eq(batch->began[1], 0);
	now = alarm_at;
	step();
	ck_assert_int_eq(batch->began[1], 1200 * MS);

	fetch_lane_leave(hop.waiter.lane);
	run_all();
}
END_TEST

START_TEST(a_rest_keeps_all_batches_from_the_origin)
{
	struct batch *one, *two;

	open_limits(100, 100);
	one = open_batch(1, 100, 0);
	two = open_batch(100, 100, 0);
	add(one, 2, "http://a:80", 10 * MS);
	add(two, 3, "http://b:80", 10 * MS);
	step();
	fetch_lane_rest(one->lanes[0], now + 5000 * MS);
	add(two, 2, "http://a:80", 10 * MS);

	run_all();

	ck_assert_int_eq(one->began[1], 6000 * MS);
	ck_assert_int_eq(two->began[2], 1000 * MS);
	ck_assert_int_eq(two->began[3], 6000 * MS);
	ck_assert_int_eq(two->began[4], 6000 * MS);
}
END_TEST

START_TEST(the_longer_rest_counts)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(2, 100, 0);
	add(batch, 3, "http://a:80", 10 * MS);
	step();
	fetch_lane_rest(batch->lanes[0], 3000 * MS);
	fetch_lane_rest(batch->lanes[0], 5000 * MS);
	fetch_lane_rest(batch->lanes[1], 4000 * MS);

	run_all();

	ck_assert_int_eq(batch->began[2], 5000 * MS);
}
END_TEST

START_TEST(an_origin_rests_on_when_nobody_wants_it)
{
	struct batch *one, *two;

	open_limits(100, 100);
	one = open_batch(1, 1, 0);
	add(one, 1, "http://a:80", 10 * MS);
	step();
	fetch_lane_rest(one->lanes[0], 5000 * MS);
	run_all();
	ck_assert_uint_eq(admission.n_origins, 1);

	two = open_batch(1, 1, 0);
	add(two, 1, "http://a:80", 10 * MS);
	run_all();

	ck_assert_int_eq(two->began[0], 5000 * MS);
	ck_assert_uint_eq(admission.n_origins, 0);
}
END_TEST

START_TEST(a_batch_that_ends_while_its_origin_rests_leaves_nothing_of_its_own)
{
	struct batch *batch;

	open_limits(100, 100);
	batch = open_batch(1, 1, 3600000 * MS);
	add(batch, 1, "http://a:80", 10 * MS);
	step();
	now += 10 * MS;
	step();
	add(batch, 100, "http://a:80", 10 * MS);

	fetch_queue_fini(&batch->queue);

	ck_assert_uint_eq(admission.n_origins, 0);
}
END_TEST

/* Ten thousand URLs that last a second each, and ten that last a millisecond. */

START_TEST(a_slow_origin_does_not_starve_a_quick_one_of_its_batch)
{
	struct batch *batch;

	open_limits(64, 64);
	batch = open_batch(64, 64, 0);
	add(batch, 10000, "http://slow:80", 1000 * MS);
	add(batch, 10, "http://quick:80", 1 * MS);

	run(batch);

	for (int i = 10000; i < 10010; i++) {
		ck_assert_int_le(batch->began[i], 1001 * MS);
	}
}
END_TEST

START_TEST(a_big_batch_does_not_starve_a_small_one)
{
	struct batch *big, *small;

	open_limits(64, 64);
	big = open_batch(64, 64, 0);
	add(big, 10000, "http://slow:80", 1000 * MS);
	step(); /* it has all places */
	small = open_batch(64, 64, 0);
	add(small, 10, "http://quick:80", 1 * MS);

	run(small);

	ck_assert_int_le(now, 2001 * MS); /* with the first places that come free */
	run(big);
}
END_TEST

START_TEST(a_big_batch_does_not_starve_a_small_one_at_the_same_origin)
{
	struct batch *big, *small;

	open_limits(1000, 8);
	big = open_batch(64, 64, 0);
	add(big, 10000, "http://slow:80", 1000 * MS);
	step();
	small = open_batch(64, 64, 0);
	add(small, 10, "http://slow:80", 1000 * MS);

	run(small);

	ck_assert_int_le(now, 6000 * MS); /* they take turns */
	run(big);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("politeness");
	TCase *rates = tcase_create("rates");
	TCase *rests = tcase_create("rests");
	TCase *shares = tcase_create("shares");

	tcase_add_checked_fixture(rates, setup, teardown);
	tcase_add_test(rates, a_rate_spaces_what_goes_to_an_origin);
	tcase_add_test(rates, what_ends_late_is_not_made_up_for);
	tcase_add_test(rates, a_late_alarm_is_made_up_for_by_a_millisecond);
	tcase_add_test(rates, a_rate_is_kept_by_an_origin_that_comes_again);
	tcase_add_test(rates, batches_have_rates_of_their_own);
	tcase_add_test(rates, redirects_and_retries_are_spaced_too);
	suite_add_tcase(suite, rates);
	tcase_add_checked_fixture(rests, setup, teardown);
	tcase_add_test(rests, a_rest_keeps_all_batches_from_the_origin);
	tcase_add_test(rests, the_longer_rest_counts);
	tcase_add_test(rests, an_origin_rests_on_when_nobody_wants_it);
	tcase_add_test(rests, a_batch_that_ends_while_its_origin_rests_leaves_nothing_of_its_own);
	suite_add_tcase(suite, rests);
	tcase_add_checked_fixture(shares, setup, teardown);
	tcase_add_test(shares, a_slow_origin_does_not_starve_a_quick_one_of_its_batch);
	tcase_add_test(shares, a_big_batch_does_not_starve_a_small_one);
	tcase_add_test(shares, a_big_batch_does_not_starve_a_small_one_at_the_same_origin);
	suite_add_tcase(suite, shares);
	return suite;
}
