/* SPDX-License-Identifier: MIT */
/* Rows 111-118: the two halves of a checkpoint, and the place where tasks sleep. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/in_run.h"

static int
both_halves(void)
{
	int r = nur_checkpoint_if_cancelled();

	return r < 0 ? r : nur_cancel_shielded_checkpoint();
}

IN_RUN_TEST(r111_a_checkpoint_is_a_schedule_point_and_a_cancel_point)
{
	ck_assert(T_SCHEDULES(nur_checkpoint()));
	ck_assert(T_REPORTS_CANCEL(nur_checkpoint()));

	ck_assert(!T_SCHEDULES(nur_checkpoint_if_cancelled()));
	ck_assert(T_REPORTS_CANCEL(nur_checkpoint_if_cancelled()));

	ck_assert(T_SCHEDULES(nur_cancel_shielded_checkpoint()));
	ck_assert(!T_REPORTS_CANCEL(nur_cancel_shielded_checkpoint()));

	ck_assert(T_SCHEDULES(both_halves()));
	ck_assert(T_REPORTS_CANCEL(both_halves()));
}
END_TEST

static int
report_in_a_cancelled_scope(void)
{
	struct nur_cancel_scope scope;
	int r;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	r = nur_checkpoint_if_cancelled();
	return nur_cancel_scope_leave(&scope, r);
}

static int
do_much_without_blocking(void)
{
	struct nur_cancel_scope scope;
	struct nur_limiter *limiter;
	struct nur_event event;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_event_init(&event);
	nur_event_set(&event);
	ck_assert_int_eq(nur_limiter_create(1, &limiter), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);
	nur_limiter_destroy(limiter);
	return nur_cancel_scope_leave(&scope, 0);
}

IN_RUN_TEST(r112_code_that_does_not_block_passes_no_checkpoint)
{
	ck_assert(!T_SCHEDULES(do_much_without_blocking()));
	ck_assert(!T_REPORTS_CANCEL(do_much_without_blocking()));

	ck_assert(T_SCHEDULES(report_in_a_cancelled_scope()));
}
END_TEST

struct pair {
	struct nur_task *first;
	struct nur_task *second;
};

static int
sleep_then_wake_second(void *arg)
{
	struct pair *pair = arg;

	pair->first = nur_current_task();
	ck_assert_int_eq(nur_wait_task_rescheduled("test", NULL, NULL), 7);
	nur_reschedule(pair->second, -EIO);
	return 0;
}

static int
wake_first_then_sleep(void *arg)
{
	struct pair *pair = arg;

	pair->second = nur_current_task();
	nur_reschedule(pair->first, 7);
	ck_assert_int_eq(nur_wait_task_rescheduled("test", NULL, NULL), -EIO);
	return 0;
}

IN_RUN_TEST(r113_a_task_is_woken_with_a_value_or_an_error)
{
	struct nur_nursery nursery;
	struct pair pair;

	t_open(&nursery);
	t_start(&nursery, sleep_then_wake_second, &pair);
	ck_assert_int_eq(nur_checkpoint(), 0);
	t_start(&nursery, wake_first_then_sleep, &pair);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

struct sleeper {
	struct nur_task *task;
	struct nur_cancel_scope scope;
	int n_aborts;
	struct nur_call call;
};

static enum nur_abort
refuse(struct nur_task *task, void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->n_aborts++;
	return NUR_ABORT_FAILED;
}

static int
sleep_stubbornly(void *arg)
{
	struct sleeper *sleeper = arg;
	int r;

	sleeper->task = nur_current_task();
	nur_cancel_scope_init(&sleeper->scope);
	t_enter(&sleeper->scope);
	t_note("sleep");
	ck_assert_int_eq(nur_wait_task_rescheduled("test", refuse, sleeper), 1);
	t_note("woke");
	r = nur_checkpoint_if_cancelled();
	ck_assert_int_eq(r, NUR_ECANCELED);
	t_note("cancelled");
	return nur_cancel_scope_leave(&sleeper->scope, r);
}

IN_RUN_TEST(r114_a_task_whose_abort_fails_stays_asleep)
{
	struct sleeper sleeper = { .task = NULL };
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, sleep_stubbornly, &sleeper);
	t_settle();
	nur_cancel_scope_cancel(&sleeper.scope, NULL);
	t_settle();
	ck_assert_str_eq(t_notes(), "sleep");
	nur_reschedule(sleeper.task, 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "sleep woke cancelled");
	ck_assert_int_eq(sleeper.n_aborts, 1);
}
END_TEST

static void
deliver(void *arg)
{
	struct sleeper *sleeper = arg;

	nur_reschedule(sleeper->task, NUR_ECANCELED);
}

static enum nur_abort
abort_later(struct nur_task *task, void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->n_aborts++;
	sleeper->task = task;
	nur_call_soon(&sleeper->call);
	return NUR_ABORT_FAILED;
}

IN_RUN_TEST(r115_an_operation_may_finish_its_abort_later)
{
	struct sleeper sleeper = { .task = NULL };

	nur_call_init(&sleeper.call, deliver, &sleeper);
	nur_cancel_scope_init(&sleeper.scope);
	t_enter(&sleeper.scope);
	nur_cancel_scope_cancel(&sleeper.scope, NULL);
	ck_assert_int_eq(nur_wait_task_rescheduled("test", abort_later, &sleeper), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&sleeper.scope, NUR_ECANCELED), 0);

	ck_assert_int_eq(sleeper.n_aborts, 1);
}
END_TEST

static int
sleep_with_a_slow_abort(void *arg)
{
	struct sleeper *sleeper = arg;

	ck_assert_int_eq(nur_wait_task_rescheduled("test", abort_later, sleeper), NUR_ECANCELED);
	t_note("cancelled");
	ck_assert_int_eq(nur_checkpoint(), 0); /* shielded meanwhile */
	t_note("done");
	return 0;
}

/* Two cancellations and a shield come before a slow abort is through: it runs once, and is delivered. */
IN_RUN_TEST(r115_a_slow_abort_is_asked_for_once_and_survives_a_shield)
{
	struct sleeper sleeper = { .task = NULL };
	struct nur_cancel_scope outer, inner;
	struct nur_nursery nursery;

	nur_call_init(&sleeper.call, deliver, &sleeper);
	nur_cancel_scope_init(&outer);
	nur_cancel_scope_init(&inner);
	t_enter(&outer);
	t_enter(&inner);
	t_open(&nursery);
	t_start(&nursery, sleep_with_a_slow_abort, &sleeper);
	t_settle();
	nur_cancel_scope_cancel(&outer, NULL);
	ck_assert_int_eq(sleeper.n_aborts, 1);
	nur_cancel_scope_cancel(&inner, NULL);
	ck_assert_int_eq(sleeper.n_aborts, 1);
	nur_cancel_scope_set_shield(nur_nursery_scope(&nursery), true);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_str_eq(t_notes(), "cancelled done");
	ck_assert_int_eq(nur_cancel_scope_leave(&inner, 0), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&outer, 0), 0);
}
END_TEST

static enum nur_abort
count_abort(struct nur_task *task, void *ret_n)
{
	++*(int *)ret_n;
	return NUR_ABORT_SUCCEEDED;
}

struct two_sleeps {
	struct nur_task *task;
	int n_first_aborts;
	int n_second_aborts;
};

static int
sleep_twice(void *arg)
{
	struct two_sleeps *sleeps = arg;

	sleeps->task = nur_current_task();
	ck_assert_int_eq(
		nur_wait_task_rescheduled("first", count_abort, &sleeps->n_first_aborts), 0);
	return nur_wait_task_rescheduled("second", count_abort, &sleeps->n_second_aborts);
}

/* The scratch data of a sleep is the argument of its abort callback: it goes with the sleep. */
IN_RUN_TEST(r117_what_a_sleep_left_behind_is_gone_when_it_is_over)
{
	struct two_sleeps sleeps = { .task = NULL };
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, sleep_twice, &sleeps);
	t_settle();
	nur_reschedule(sleeps.task, 0);
	nur_nursery_cancel(&nursery, NULL); /* it is runnable: nothing is there to abort */
	ck_assert_int_eq(sleeps.n_first_aborts, 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(sleeps.n_first_aborts, 0);
	ck_assert_int_eq(sleeps.n_second_aborts, 1);
}
END_TEST

struct guest {
	struct nur_parking_lot *lot;
	int number;
};

static int
stay_in_the_lot(void *arg)
{
	const struct guest *guest = arg;
	int r;

	t_note("sleep%d", guest->number);
	r = nur_parking_lot_park(guest->lot, "lot");
	t_note("wake%d", guest->number);
	return r;
}

static void
park_three(struct nur_nursery *nursery, struct nur_parking_lot *lot, struct guest guests[static 3])
{
	for (int i = 0; i < 3; i++) {
		guests[i].lot = lot;
		guests[i].number = i;
		t_start(nursery, stay_in_the_lot, &guests[i]);
		t_settle();
	}
}

IN_RUN_TEST(r118_a_lot_wakes_in_the_order_of_arrival)
{
	struct nur_parking_lot lot;
	struct nur_nursery nursery;
	struct guest guests[3];

	nur_parking_lot_init(&lot);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 100, 0), 0);
	t_open(&nursery);
	park_three(&nursery, &lot, guests);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 0, 0), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(nur_parking_lot_first(&lot));
		ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 1, 0), 1);
		t_settle();
	}
	ck_assert_ptr_null(nur_parking_lot_first(&lot));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "sleep0 sleep1 sleep2 wake0 wake1 wake2");
}
END_TEST

IN_RUN_TEST(r118_a_count_wakes_that_many)
{
	struct nur_parking_lot lot;
	struct nur_nursery nursery;
	struct guest guests[3];

	nur_parking_lot_init(&lot);
	t_open(&nursery);
	park_three(&nursery, &lot, guests);
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, 2, 0), 2);
	t_settle();
	ck_assert_uint_eq(nur_parking_lot_n_waiting(&lot), 1);
	t_forget_notes();
	ck_assert_uint_eq(nur_parking_lot_unpark(&lot, SIZE_MAX, -EIO), 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), -EIO);

	ck_assert_str_eq(t_notes(), "wake2");
}
END_TEST

static int
guard_for_a_second(void *lot)
{
	static struct nur_parking_lot_breaker breaker;

	ck_assert_int_eq(nur_parking_lot_breaker_add(&breaker, NULL, lot), 0);
	return nur_sleep(NUR_SEC(1));
}

static int
park_only(void *lot)
{
	return nur_parking_lot_park(lot, "lot");
}

IN_RUN_TEST(r121_waiters_are_told_when_the_task_that_guards_a_lot_ends)
{
	struct nur_parking_lot lot;
	struct nur_nursery nursery;
	struct nur_errors errors;

	nur_parking_lot_init(&lot);
	t_open(&nursery);
	t_start(&nursery, guard_for_a_second, &lot);
	t_start(&nursery, park_only, &lot);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EBROKEN);

	ck_assert_int_eq(nur_now(), NUR_SEC(1));
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, "lot: broken by task \"guard_for_a_second\"");
	nur_errors_fini(&errors);
	ck_assert_int_eq(park_only(&lot), NUR_EBROKEN);
	ck_assert_str_eq(nur_parking_lot_broken_by(&lot), "guard_for_a_second");
}
END_TEST

static int
guard_a_lot_on_the_stack(void *unused)
{
	static struct nur_parking_lot_breaker breaker;
	char *frame = __builtin_frame_address(0);

	return nur_parking_lot_breaker_add(&breaker, NULL, (void *)(frame - 4096));
}

static void
return_with_a_lot_on_the_stack(void)
{
	(void)t_run(guard_a_lot_on_the_stack, NULL, NULL);
}

START_TEST(r121_a_guarded_lot_on_a_dead_stack_ends_the_process)
{
	char text[512];
	int status = t_in_child(return_with_a_lot_on_the_stack, text, sizeof(text));

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert_ptr_nonnull(strstr(text, "task \"main\" returned without leaving a parking lot"));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("checkpoints");
	TCase *tc = tcase_create("checkpoints");

	tcase_add_test(tc, r111_a_checkpoint_is_a_schedule_point_and_a_cancel_point);
	tcase_add_test(tc, r112_code_that_does_not_block_passes_no_checkpoint);
	tcase_add_test(tc, r113_a_task_is_woken_with_a_value_or_an_error);
	tcase_add_test(tc, r114_a_task_whose_abort_fails_stays_asleep);
	tcase_add_test(tc, r115_an_operation_may_finish_its_abort_later);
	tcase_add_test(tc, r115_a_slow_abort_is_asked_for_once_and_survives_a_shield);
	tcase_add_test(tc, r117_what_a_sleep_left_behind_is_gone_when_it_is_over);
	tcase_add_test(tc, r118_a_lot_wakes_in_the_order_of_arrival);
	tcase_add_test(tc, r118_a_count_wakes_that_many);
	tcase_add_test(tc, r121_waiters_are_told_when_the_task_that_guards_a_lot_ends);
	tcase_add_test(tc, r121_a_guarded_lot_on_a_dead_stack_ends_the_process);
	suite_add_tcase(suite, tc);
	return suite;
}
