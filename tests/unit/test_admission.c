/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/admission.h"

#define MAX_TAKEN 64

/* A batch without tasks: what it took, in order, and whether it was told to take more. */
struct batch {
	struct fetch_queue queue;
	uint32_t records[MAX_TAKEN];
	struct fetch_lane *lanes[MAX_TAKEN];
	size_t n_taken;
	bool is_woken;
};

static struct fetch_admission admission;

static void
wake(void *user)
{
	struct batch *batch = user;

	batch->is_woken = true;
}

static void
open_limits(unsigned in_flight, unsigned per_origin)
{
	ck_assert_int_eq(fetch_admission_init(&admission, in_flight, per_origin, 7), 0);
}

static void
open_batch(struct batch *batch, size_t n_records, unsigned window, unsigned per_origin)
{
	memset(batch, 0, sizeof(*batch));
	ck_assert_int_eq(fetch_queue_init(&batch->queue, &admission, n_records, window, per_origin,
				 wake, batch),
		0);
}

static void
add(struct batch *batch, uint32_t first, uint32_t last, const char *origin)
{
	for (uint32_t i = first; i <= last; i++) {
		ck_assert_int_eq(fetch_queue_add(&batch->queue, i, origin), 0);
	}
}

static size_t
take_all(struct batch *batch)
{
	size_t n = 0;

	batch->is_woken = false;
	while (fetch_queue_take(
		&batch->queue, &batch->records[batch->n_taken], &batch->lanes[batch->n_taken])) {
		batch->n_taken++;
		n++;
	}
	batch->is_woken = false;
	return n;
}

static void
end(struct batch *batch, size_t i)
{
	fetch_lane_leave(batch->lanes[i]);
	batch->lanes[i] = NULL;
	fetch_queue_leave(&batch->queue);
}

static void
close_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_taken; i++) {
		if (batch->lanes[i]) {
			end(batch, i);
		}
	}
	fetch_queue_fini(&batch->queue);
}

START_TEST(a_batch_has_no_more_under_way_than_its_window)
{
	struct batch batch;

	open_limits(100, 100);
	open_batch(&batch, 10, 3, 100);
	add(&batch, 0, 9, "http://a:80");

	ck_assert_uint_eq(take_all(&batch), 3);
	end(&batch, 0);
	ck_assert(batch.is_woken);
	ck_assert_uint_eq(take_all(&batch), 1);
	ck_assert_uint_eq(batch.records[3], 3);

	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(a_window_is_widened_at_once)
{
	struct batch batch;

	open_limits(100, 100);
	open_batch(&batch, 10, 3, 100);
	add(&batch, 0, 9, "http://a:80");
	(void)take_all(&batch);

	fetch_queue_set_window(&batch.queue, 5);
	ck_assert(batch.is_woken);
	ck_assert_uint_eq(take_all(&batch), 2);

	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(a_batch_rests_when_nothing_is_under_way_and_nothing_may_be)
{
	struct batch batch, other;

	open_limits(100, 1);
	open_batch(&other, 1, 3, 100);
	add(&other, 0, 0, "http://a:80");
	open_batch(&batch, 2, 3, 100);
	add(&batch, 0, 0, "http://a:80");
	ck_assert(!fetch_queue_is_resting(&batch.queue));

	ck_assert_uint_eq(take_all(&other), 1);
	ck_assert(fetch_queue_is_resting(&batch.queue));
	add(&batch, 1, 1, "http://b:80");
	ck_assert(!fetch_queue_is_resting(&batch.queue));
	ck_assert_uint_eq(take_all(&batch), 1);
	ck_assert(!fetch_queue_is_resting(&batch.queue));
	end(&batch, 0);
	ck_assert(fetch_queue_is_resting(&batch.queue));

	close_batch(&other);
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(a_slow_origin_does_not_stand_before_another)
{
	struct batch batch;

	open_limits(100, 100);
	open_batch(&batch, 30, 8, 2);
	add(&batch, 0, 19, "http://slow:80");
	add(&batch, 20, 29, "http://quick:80");

	ck_assert_uint_eq(take_all(&batch), 4);
	for (size_t i = 0; i < 9; i++) {
		/* the quick one's end; the slow ones stay */
		size_t quick = i == 0 ? 1 : i + 3;

		while (batch.records[quick] < 20) {
			quick++;
		}
		end(&batch, quick);
		ck_assert_uint_le(take_all(&batch), 1);
	}

	ck_assert_uint_ge(batch.n_taken, 12);
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(origins_take_turns)
{
	struct batch batch;

	open_limits(100, 100);
	open_batch(&batch, 6, 6, 6);
	add(&batch, 0, 1, "http://a:80");
	add(&batch, 2, 3, "http://b:80");
	add(&batch, 4, 5, "http://c:80");

	ck_assert_uint_eq(take_all(&batch), 6);

	const uint32_t expected[] = { 0, 2, 4, 1, 3, 5 };
	ck_assert_mem_eq(batch.records, expected, sizeof(expected));
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(an_origins_limit_holds_over_all_batches)
{
	struct batch one, two;

	open_limits(100, 3);
	open_batch(&one, 5, 5, 5);
	open_batch(&two, 5, 5, 5);
	add(&one, 0, 4, "http://a:80");
	add(&two, 0, 4, "http://a:80");

	ck_assert_uint_eq(take_all(&one), 3);
	ck_assert_uint_eq(take_all(&two), 0);
	end(&one, 0);
	ck_assert(two.is_woken);
	ck_assert_uint_eq(take_all(&two), 1);
	ck_assert_uint_eq(take_all(&one), 0);

	close_batch(&one);
	close_batch(&two);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(an_origin_that_one_batch_gave_up_is_free_for_the_other)
{
	struct batch one, two;

	open_limits(100, 1);
	open_batch(&one, 2, 5, 5);
	open_batch(&two, 2, 5, 5);
	add(&one, 0, 1, "http://a:80");
	add(&two, 0, 1, "http://a:80");
	ck_assert_uint_eq(take_all(&one), 1);

	close_batch(&one);

	ck_assert(two.is_woken);
	ck_assert_uint_eq(take_all(&two), 1);
	close_batch(&two);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(batches_take_turns_for_the_places_of_all)
{
	struct batch big, small;

	open_limits(2, 100);
	open_batch(&big, 10, 10, 10);
	open_batch(&small, 2, 10, 10);
	add(&big, 0, 9, "http://a:80");
	add(&small, 0, 1, "http://b:80");
	ck_assert_uint_eq(take_all(&big), 2);
	ck_assert_uint_eq(take_all(&small), 0);

	end(&big, 0); /* big asked first, for its third */
	ck_assert_uint_eq(take_all(&big), 1);
	end(&big, 1);
	ck_assert(small.is_woken);
	ck_assert_uint_eq(take_all(&big), 0);
	ck_assert_uint_eq(take_all(&small), 1);

	close_batch(&big);
	close_batch(&small);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(a_place_granted_to_a_batch_that_ends_goes_on)
{
	struct batch holder, ending, next;

	open_limits(1, 100);
	open_batch(&holder, 1, 1, 1);
	open_batch(&ending, 1, 1, 1);
	open_batch(&next, 1, 1, 1);
	add(&holder, 0, 0, "http://a:80");
	add(&ending, 0, 0, "http://a:80");
	add(&next, 0, 0, "http://b:80");
	ck_assert_uint_eq(take_all(&holder), 1);
	ck_assert_uint_eq(take_all(&ending), 0);
	ck_assert_uint_eq(take_all(&next), 0);

	close_batch(&holder);
	ck_assert(ending.is_woken);
	ck_assert(!next.is_woken);
	close_batch(&ending);

	ck_assert(next.is_woken);
	ck_assert_uint_eq(take_all(&next), 1);
	close_batch(&next);
	ck_assert_uint_eq(admission.n_in_flight, 0);
	fetch_admission_fini(&admission);
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

START_TEST(a_redirect_waits_for_its_new_origin_and_goes_before_records)
{
	struct batch batch;
	struct hop hop = { .waiter = { .granted = granted } };

	open_limits(100, 100);
	open_batch(&batch, 4, 3, 1);
	add(&batch, 0, 0, "http://a:80");
	add(&batch, 1, 3, "http://b:80");
	ck_assert_uint_eq(take_all(&batch), 2);

	fetch_lane_leave(batch.lanes[0]);
	ck_assert_int_eq(fetch_lane_enter(&batch.queue, "http://b:80", &hop.waiter), 0);
	ck_assert_uint_eq(take_all(&batch), 0);
	fetch_lane_leave(batch.lanes[1]);

	ck_assert(hop.is_granted);
	ck_assert_uint_eq(take_all(&batch), 0);
	batch.lanes[0] = hop.waiter.lane;
	ck_assert_int_eq(fetch_lane_enter(&batch.queue, "http://c:80", &hop.waiter), 1);
	batch.lanes[1] = hop.waiter.lane;
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(two_origins_that_redirect_to_each_other_do_not_deadlock)
{
	struct batch batch;
	struct hop to_b = { .waiter = { .granted = granted } };
	struct hop to_a = { .waiter = { .granted = granted } };

	open_limits(2, 1);
	open_batch(&batch, 2, 2, 1);
	add(&batch, 0, 0, "http://a:80");
	add(&batch, 1, 1, "http://b:80");
	ck_assert_uint_eq(take_all(&batch), 2);

	fetch_lane_leave(batch.lanes[0]);
	ck_assert_int_eq(fetch_lane_enter(&batch.queue, "http://b:80", &to_b.waiter), 0);
	fetch_lane_leave(batch.lanes[1]);
	ck_assert_int_eq(fetch_lane_enter(&batch.queue, "http://a:80", &to_a.waiter), 1);

	ck_assert(to_b.is_granted);
	batch.lanes[0] = to_b.waiter.lane;
	batch.lanes[1] = to_a.waiter.lane;
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(who_gives_up_waiting_leaves_nothing_behind)
{
	struct batch batch;
	struct hop hop = { .waiter = { .granted = granted } };

	open_limits(100, 100);
	open_batch(&batch, 2, 2, 1);
	add(&batch, 0, 0, "http://a:80");
	add(&batch, 1, 1, "http://b:80");
	ck_assert_uint_eq(take_all(&batch), 2);
	fetch_lane_leave(batch.lanes[0]);
	ck_assert_int_eq(fetch_lane_enter(&batch.queue, "http://b:80", &hop.waiter), 0);

	fetch_lane_give_up(&hop.waiter);
	fetch_lane_leave(batch.lanes[1]);

	ck_assert(!hop.is_granted);
	ck_assert_uint_eq(admission.n_origins, 0);
	batch.n_taken = 0;
	fetch_queue_leave(&batch.queue);
	fetch_queue_leave(&batch.queue);
	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(records_that_never_start_can_be_taken_out)
{
	struct batch batch;
	uint32_t record, n = 0;

	open_limits(1, 1);
	open_batch(&batch, 5, 1, 1);
	add(&batch, 0, 2, "http://a:80");
	add(&batch, 3, 4, "http://b:80");
	ck_assert_uint_eq(take_all(&batch), 1);

	while (fetch_queue_drop(&batch.queue, &record)) {
		n |= 1u << record;
	}

	ck_assert_uint_eq(n, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
	ck_assert(fetch_queue_is_empty(&batch.queue));
	close_batch(&batch);
	ck_assert_uint_eq(admission.n_origins, 0);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(raised_limits_take_effect_at_once)
{
	struct batch batch;

	open_limits(1, 1);
	open_batch(&batch, 4, 4, 4);
	add(&batch, 0, 3, "http://a:80");
	ck_assert_uint_eq(take_all(&batch), 1);

	fetch_admission_set_limits(&admission, 10, 3);
	ck_assert(batch.is_woken);
	ck_assert_uint_eq(take_all(&batch), 2);

	close_batch(&batch);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(ten_thousand_origins_are_told_apart)
{
	struct batch batch;
	char origin[64];
	uint32_t record;

	open_limits(100, 1);
	open_batch(&batch, 20000, 64, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		(void)snprintf(origin, sizeof(origin), "http://host%u:80", i % 10000);
		ck_assert_int_eq(fetch_queue_add(&batch.queue, i, origin), 0);
	}

	ck_assert_uint_eq(admission.n_origins, 10000);
	ck_assert_uint_eq(take_all(&batch), MAX_TAKEN);
	while (fetch_queue_drop(&batch.queue, &record)) {
	}
	close_batch(&batch);
	ck_assert_uint_eq(admission.n_origins, 0);
	fetch_admission_fini(&admission);
}
END_TEST

START_TEST(a_place_more_is_given_only_if_nobody_asked_for_it)
{
	struct batch one, two;

	open_limits(2, 100);
	open_batch(&one, 1, 1, 1);
	open_batch(&two, 3, 3, 3);
	add(&one, 0, 0, "http://a:80");
	add(&two, 0, 1, "http://b:80");
	ck_assert_uint_eq(take_all(&one), 1);

	ck_assert(fetch_queue_enter_more(&one.queue));
	ck_assert(!fetch_queue_enter_more(&one.queue)); /* all are taken */
	ck_assert_uint_eq(take_all(&two), 0);
	fetch_queue_leave_more(&one.queue);
	ck_assert(two.is_woken);
	ck_assert(!fetch_queue_enter_more(&one.queue)); /* granted to who waited */
	ck_assert_uint_eq(take_all(&two), 1);

	close_batch(&two);
	close_batch(&one);
	fetch_admission_fini(&admission);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("admission");
	TCase *limits = tcase_create("limits");
	TCase *hops = tcase_create("hops");

	tcase_add_test(limits, a_batch_has_no_more_under_way_than_its_window);
	tcase_add_test(limits, a_window_is_widened_at_once);
	tcase_add_test(limits, a_batch_rests_when_nothing_is_under_way_and_nothing_may_be);
	tcase_add_test(limits, a_slow_origin_does_not_stand_before_another);
	tcase_add_test(limits, origins_take_turns);
	tcase_add_test(limits, an_origins_limit_holds_over_all_batches);
	tcase_add_test(limits, an_origin_that_one_batch_gave_up_is_free_for_the_other);
	tcase_add_test(limits, batches_take_turns_for_the_places_of_all);
	tcase_add_test(limits, a_place_granted_to_a_batch_that_ends_goes_on);
	tcase_add_test(limits, records_that_never_start_can_be_taken_out);
	tcase_add_test(limits, raised_limits_take_effect_at_once);
	tcase_add_test(limits, ten_thousand_origins_are_told_apart);
	suite_add_tcase(suite, limits);
	tcase_add_test(hops, a_redirect_waits_for_its_new_origin_and_goes_before_records);
	tcase_add_test(hops, two_origins_that_redirect_to_each_other_do_not_deadlock);
	tcase_add_test(hops, who_gives_up_waiting_leaves_nothing_behind);
	tcase_add_test(hops, a_place_more_is_given_only_if_nobody_asked_for_it);
	suite_add_tcase(suite, hops);
	return suite;
}
