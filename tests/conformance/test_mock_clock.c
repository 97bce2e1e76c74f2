/* SPDX-License-Identifier: MIT */
/* Rows 213-223: the clock that a test controls, waiting until everybody waits, and steps in order. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "tests/support/in_run.h"

static struct nur_mock_clock *
clock_of(double rate, nur_time threshold)
{
	struct nur_mock_clock *clock;

	ck_assert_int_eq(nur_mock_clock_create(rate, threshold, &clock), 0);
	return clock;
}

START_TEST(r213_the_clock_stands_still_and_jumps_forward)
{
	struct nur_mock_clock *clock = clock_of(0, NUR_FOREVER);
	const struct nur_clock *view = nur_mock_clock_clock(clock);

	ck_assert_int_eq(nur_mock_clock_now(clock), 0);
	ck_assert_int_eq(nur_mock_clock_jump(clock, NUR_MSEC(1200)), 0);
	ck_assert_int_eq(nur_mock_clock_now(clock), NUR_MSEC(1200));
	ck_assert_int_eq(nur_mock_clock_jump(clock, -1), -EINVAL);
	ck_assert_int_eq(nur_mock_clock_now(clock), NUR_MSEC(1200));

	ck_assert_int_eq(view->now(view->user), NUR_MSEC(1200));
	ck_assert_int_eq(view->until(NUR_MSEC(1100), view->user), 0);
	ck_assert_int_eq(view->until(NUR_MSEC(1200), view->user), 0);
	ck_assert_int_gt(view->until(NUR_MSEC(1300), view->user), NUR_SEC(999999));
	nur_mock_clock_destroy(clock);
}
END_TEST

/* How far the clock went while 100 us of real time passed, between two bounds measured outside and inside. */
static void
assert_rate(struct nur_mock_clock *clock, double rate)
{
	int64_t outer_start = t_real_now();
	nur_time start = nur_mock_clock_now(clock);
	int64_t inner_start = t_real_now(), inner_end, outer_end;
	nur_time end;

	do {
		inner_end = t_real_now();
	} while (inner_end - inner_start < NUR_USEC(100));
	end = nur_mock_clock_now(clock);
	outer_end = t_real_now();

	ck_assert_int_ge(end - start + 1, (int64_t)((double)(inner_end - inner_start) * rate));
	ck_assert_int_le(end - start - 1, (int64_t)((double)(outer_end - outer_start) * rate));
}

START_TEST(r213_the_clock_can_run_at_a_rate)
{
	struct nur_mock_clock *clock = clock_of(0, NUR_FOREVER);
	const struct nur_clock *view = nur_mock_clock_clock(clock);
	nur_time now;

	ck_assert_int_eq(nur_mock_clock_set_rate(clock, -1), -EINVAL);
	assert_rate(clock, 0);
	ck_assert_int_eq(nur_mock_clock_set_rate(clock, 2), 0);
	assert_rate(clock, 2);
	ck_assert_int_eq(view->until(nur_mock_clock_now(clock), view->user), 0);
	ck_assert_int_le(
		view->until(nur_mock_clock_now(clock) + NUR_SEC(100), view->user), NUR_SEC(50));
	ck_assert_int_gt(
		view->until(nur_mock_clock_now(clock) + NUR_SEC(100), view->user), NUR_SEC(49));
	ck_assert_int_eq(nur_mock_clock_set_rate(clock, 0.5), 0);
	assert_rate(clock, 0.5);
	ck_assert_int_gt(
		view->until(nur_mock_clock_now(clock) + NUR_SEC(100), view->user), NUR_SEC(199));
	ck_assert_int_eq(nur_mock_clock_set_rate(clock, 0), 0);
	now = nur_mock_clock_now(clock);
	assert_rate(clock, 0);
	ck_assert_int_eq(nur_mock_clock_now(clock), now);
	nur_mock_clock_destroy(clock);

	clock = clock_of(3, NUR_FOREVER);
	ck_assert_int_lt(nur_mock_clock_now(clock), NUR_SEC(10));
	nur_mock_clock_destroy(clock);

	clock = clock_of(HUGE_VAL, NUR_FOREVER);
	ck_assert_int_eq(nur_mock_clock_now(clock), NUR_FOREVER);
	nur_mock_clock_destroy(clock);
}
END_TEST

START_TEST(r213_a_negative_rate_or_threshold_is_refused)
{
	struct nur_mock_clock *clock = NULL;

	ck_assert_int_eq(nur_mock_clock_create(-1, 0, &clock), -EINVAL);
	ck_assert_int_eq(nur_mock_clock_create(0, -1, &clock), -EINVAL);
	ck_assert_ptr_null(clock);
	clock = clock_of(0, 0);
	ck_assert_int_eq(nur_mock_clock_set_autojump(clock, -1), -EINVAL);
	nur_mock_clock_destroy(clock);
}
END_TEST

IN_RUN_TEST(r214_sleeps_of_minutes_take_no_time_and_end_exactly)
{
	int64_t real_start = t_real_now();
	nur_time start = nur_now();

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(nur_sleep(NUR_SEC(10 * i)), 0);
		ck_assert_int_eq(nur_now(), start + NUR_SEC(10 * i));
		start = nur_now();
	}

	ck_assert_int_eq(nur_now(), NUR_SEC(450));
	ck_assert_int_lt(t_real_now() - real_start, NUR_SEC(1));
}
END_TEST

static int
sleep_long(void *unused)
{
	return nur_sleep(NUR_SEC(100000));
}

IN_RUN_TEST(r215_the_threshold_may_change_while_tasks_sleep)
{
	struct nur_nursery nursery;

	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), NUR_FOREVER), 0);
	t_open(&nursery);
	t_start(&nursery, sleep_long, NULL);
	t_settle();
	ck_assert_int_eq(nur_now(), 0);
	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), 0), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(100000));

	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), NUR_SEC(10000)), 0);
	t_settle();
	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), 0), 0);
	ck_assert_int_eq(nur_sleep(NUR_SEC(100000)), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(200000));
}
END_TEST

/* Waiting for all to be blocked comes before a jump, whatever the threshold. */
IN_RUN_TEST(r215_a_small_threshold_is_waited_for_in_real_time)
{
	int64_t start = t_real_now();

	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), NUR_MSEC(20)), 0);
	t_settle();
	ck_assert_int_eq(nur_now(), 0);
	ck_assert_int_eq(nur_sleep(NUR_SEC(100000)), 0);

	ck_assert_int_ge(t_real_now() - start, NUR_MSEC(20));
	ck_assert_int_eq(nur_now(), NUR_SEC(100000));
}
END_TEST

START_TEST(r217_a_threshold_set_before_the_run_is_honoured)
{
	struct nur_mock_clock *clock = clock_of(0, NUR_FOREVER);
	struct nur_run_options options = { .clock = nur_mock_clock_clock(clock) };
	int64_t real_start = t_real_now();

	ck_assert_int_eq(nur_mock_clock_set_autojump(clock, NUR_MSEC(1)), 0);
	ck_assert_int_eq(nur_run(sleep_long, NULL, &options, NULL), 0);

	ck_assert_int_lt(t_real_now() - real_start, NUR_SEC(1));
	ck_assert_int_eq(nur_mock_clock_now(clock), NUR_SEC(100000));
	nur_mock_clock_destroy(clock);
}
END_TEST

IN_RUN_TEST(r219_now_is_the_mock_clocks_time)
{
	ck_assert_int_eq(nur_now(), nur_mock_clock_now(t_clock()));
	ck_assert_int_eq(nur_mock_clock_jump(t_clock(), NUR_MSEC(3150)), 0);
	ck_assert_int_eq(nur_now(), NUR_MSEC(3150));
	ck_assert_int_eq(nur_now(), nur_mock_clock_now(t_clock()));
}
END_TEST

static int
be_busy(void *unused)
{
	for (int i = 0; i < 10; i++) {
		int r = nur_checkpoint();

		if (r < 0) {
			return r;
		}
	}
	t_note("exhausted");
	return 0;
}

static int
wait_for_quiet(void *unused)
{
	int r = nur_wait_all_tasks_blocked(0);

	t_note("%s", r == 0 ? "quiet" : r == NUR_ECANCELED ? "cancelled" : nur_strerror(r));
	return r;
}

IN_RUN_TEST(r220_waiting_for_all_to_be_blocked)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, be_busy, NULL);
	t_start(&nursery, wait_for_quiet, NULL);
	t_start(&nursery, wait_for_quiet, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "exhausted quiet quiet");

	t_forget_notes();
	t_open(&nursery);
	t_start(&nursery, wait_for_quiet, NULL);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "cancelled");

	ck_assert_int_eq(nur_wait_all_tasks_blocked(-1), -EINVAL);
	t_assert_checkpoint(nur_wait_all_tasks_blocked(0));
}
END_TEST

static int
wait_with_cushion(void *milliseconds)
{
	nur_time cushion = NUR_MSEC((intptr_t)milliseconds);
	int r = nur_wait_all_tasks_blocked(cushion);

	t_note("%dms", (int)(intptr_t)milliseconds);
	return r;
}

IN_RUN_TEST(r220_the_shortest_cushion_is_first)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, wait_with_cushion, T_CODE(4));
	t_start(&nursery, wait_with_cushion, T_CODE(2));
	t_start(&nursery, wait_with_cushion, T_CODE(0));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "0ms 2ms 4ms");
}
END_TEST

static int
sleep_five_seconds(void *unused)
{
	int r;

	t_note("start");
	r = nur_sleep(NUR_SEC(5));
	t_note("end");
	return r;
}

IN_RUN_TEST(r221_who_sleeps_on_the_clock_is_blocked)
{
	struct nur_nursery nursery;

	ck_assert_int_eq(nur_mock_clock_set_autojump(t_clock(), NUR_FOREVER), 0);
	t_open(&nursery);
	t_start(&nursery, sleep_five_seconds, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "start");
	ck_assert_int_eq(nur_mock_clock_jump(t_clock(), NUR_SEC(10)), 0);
	t_settle();
	ck_assert_str_eq(t_notes(), "start end");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
settle_then_sleep(void *unused)
{
	t_settle();
	t_note("settled");
	return nur_sleep(NUR_SEC(1000));
}

IN_RUN_TEST(r221_waiting_for_all_to_be_blocked_comes_before_a_jump)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, sleep_five_seconds, NULL);
	t_start(&nursery, settle_then_sleep, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "start settled end");
	ck_assert_int_eq(nur_now(), NUR_SEC(1000));
}
END_TEST

struct steps {
	struct nur_sequencer *sequencer;
	const char *name;
	size_t positions[3];
	size_t n;
};

static int
run_steps(void *arg)
{
	struct steps *steps = arg;

	for (size_t i = 0; i < steps->n; i++) {
		ck_assert_int_eq(nur_sequencer_enter(steps->sequencer, steps->positions[i]), 0);
		t_note("%s%zu", steps->name, steps->positions[i]);
		ck_assert_int_eq(nur_sequencer_leave(steps->sequencer), 0);
	}
	return 0;
}

IN_RUN_TEST(r223_a_sequencer_runs_steps_of_several_tasks_in_order)
{
	struct nur_sequencer sequencer;
	struct steps odd = { &sequencer, "a", { 1, 3, 4 }, 3 };
	struct steps even = { &sequencer, "b", { 0, 2 }, 2 };
	struct nur_nursery nursery;

	nur_sequencer_init(&sequencer);
	t_open(&nursery);
	t_start(&nursery, run_steps, &odd);
	t_start(&nursery, run_steps, &even);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 5), 0);
	t_settle();
	ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
	ck_assert_str_eq(t_notes(), "b0 a1 b2 a3 a4");
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

IN_RUN_TEST(r223_a_number_is_used_once)
{
	struct nur_sequencer sequencer;

	nur_sequencer_init(&sequencer);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), 0);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), -EALREADY);
	ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), -EALREADY);
}
END_TEST

static int
enter_cancelled(void *sequencer)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_sequencer_enter(sequencer, 1)), NUR_EBROKEN);
	t_note("first");
	return 0;
}

static int
enter_second(void *sequencer)
{
	ck_assert_int_eq(nur_sequencer_enter(sequencer, 2), NUR_EBROKEN);
	t_note("second");
	return 0;
}

/* Trio's test_Sequencer_cancel */
IN_RUN_TEST(r223_a_cancelled_wait_breaks_the_sequence)
{
	struct nur_sequencer sequencer;
	struct nur_nursery nursery;

	nur_sequencer_init(&sequencer);
	t_open(&nursery);
	t_start(&nursery, enter_cancelled, &sequencer);
	t_start(&nursery, enter_second, &sequencer);
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 0), 0);
	ck_assert_int_eq(nur_sequencer_leave(&sequencer), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_uint_eq(strlen(t_notes()), strlen("first second"));
	ck_assert_int_eq(nur_sequencer_enter(&sequencer, 3), NUR_EBROKEN);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("mock clock");
	TCase *tc = tcase_create("mock clock");

	tcase_add_test(tc, r213_the_clock_stands_still_and_jumps_forward);
	tcase_add_test(tc, r213_the_clock_can_run_at_a_rate);
	tcase_add_test(tc, r213_a_negative_rate_or_threshold_is_refused);
	tcase_add_test(tc, r214_sleeps_of_minutes_take_no_time_and_end_exactly);
	tcase_add_test(tc, r215_the_threshold_may_change_while_tasks_sleep);
	tcase_add_test(tc, r215_a_small_threshold_is_waited_for_in_real_time);
	tcase_add_test(tc, r217_a_threshold_set_before_the_run_is_honoured);
	tcase_add_test(tc, r219_now_is_the_mock_clocks_time);
	tcase_add_test(tc, r220_waiting_for_all_to_be_blocked);
	tcase_add_test(tc, r220_the_shortest_cushion_is_first);
	tcase_add_test(tc, r221_who_sleeps_on_the_clock_is_blocked);
	tcase_add_test(tc, r221_waiting_for_all_to_be_blocked_comes_before_a_jump);
	tcase_add_test(tc, r223_a_sequencer_runs_steps_of_several_tasks_in_order);
	tcase_add_test(tc, r223_a_number_is_used_once);
	tcase_add_test(tc, r223_a_cancelled_wait_breaks_the_sequence);
	suite_add_tcase(suite, tc);
	return suite;
}
