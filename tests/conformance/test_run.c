/* SPDX-License-Identifier: MIT */
/* Rows 1-20: a run, its main task, the errors that come out of it, the order of its tasks. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/in_run.h"

static int
double_it(void *arg)
{
	return *(int *)arg * 2;
}

static int
double_it_later(void *arg)
{
	int r = nur_checkpoint();

	return r < 0 ? r : *(int *)arg * 2;
}

START_TEST(r001_run_returns_what_main_returned)
{
	int number = 8;

	ck_assert_int_eq(nur_run(double_it, &number, NULL, NULL), 16);
	ck_assert_int_eq(nur_run(double_it_later, &number, NULL, NULL), 16);
}
END_TEST

static int
fail_with_text(void *number)
{
	return nur_fail(-EIO, "number %d", *(int *)number);
}

START_TEST(r002_an_error_of_main_comes_out_unwrapped)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	int number = 17;

	ck_assert_int_eq(nur_run(fail_with_text, &number, NULL, &errors), -EIO);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.items[0].code, -EIO);
	ck_assert_str_eq(errors.items[0].text, "number 17");
	ck_assert_ptr_null(errors.items[0].nested);
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r003_a_run_inside_a_run_is_refused)
{
	ck_assert_int_eq(nur_run(t_return, T_CODE(0), NULL, NULL), NUR_ENESTEDRUN);

	ck_assert_int_eq(nur_sleep(NUR_SEC(1)), 0);
	ck_assert_int_eq(nur_now(), NUR_SEC(1));
}
END_TEST

START_TEST(r004_outside_a_run_there_is_neither_task_nor_time)
{
	struct nur_statistics statistics;
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	ck_assert_ptr_null(nur_current_task());
	ck_assert_int_eq(nur_now(), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_checkpoint(), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_checkpoint_if_cancelled(), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_cancel_shielded_checkpoint(), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_sleep(0), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_current_statistics(&statistics), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_nursery_open(&nursery), NUR_ENOTINTASK);
	nur_cancel_scope_init(&scope);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_current_effective_deadline(), NUR_FOREVER);
	ck_assert_ptr_null(nur_current_cancel_reason());
}
END_TEST

static void *
look_from_a_thread(void *ret_answer)
{
	*(bool *)ret_answer = nur_in_run() || nur_in_task() || nur_current_task();
	return NULL;
}

static enum nur_abort
look_from_an_abort(struct nur_task *task, void *ret_answer)
{
	*(bool *)ret_answer = nur_in_run() && nur_in_task();
	return NUR_ABORT_SUCCEEDED;
}

static void
look_from_the_loop(void *ret_answer)
{
	*(bool *)ret_answer = nur_in_run() && !nur_in_task() && !nur_current_task();
}

static int
look_around(void *unused)
{
	bool in_thread = true, in_abort = false, in_callback = false;
	struct nur_cancel_scope scope;
	struct nur_call call;
	pthread_t thread;

	ck_assert(nur_in_run() && nur_in_task());

	ck_assert_int_eq(pthread_create(&thread, NULL, look_from_a_thread, &in_thread), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(!in_thread);

	nur_call_init(&call, look_from_the_loop, &in_callback);
	nur_call_soon(&call);
	t_settle();
	ck_assert(in_callback);

	nur_cancel_scope_init_at(&scope, nur_now());
	ck_assert_int_eq(NUR_WITHIN(&scope,
				 nur_wait_task_rescheduled("test", look_from_an_abort, &in_abort)),
		0);
	ck_assert(in_abort);
	return 0;
}

START_TEST(r005_code_can_ask_whether_it_is_in_a_run_and_in_a_task)
{
	ck_assert(!nur_in_run() && !nur_in_task());
	ck_assert_int_eq(t_run(look_around, NULL, NULL), 0);
	ck_assert(!nur_in_run() && !nur_in_task());
}
END_TEST

IN_RUN_TEST(r006_the_main_task_has_no_parent_nursery)
{
	ck_assert_ptr_nonnull(nur_current_task());
	ck_assert_ptr_null(nur_task_parent_nursery(nur_current_task()));
	ck_assert_ptr_null(nur_task_eventual_parent_nursery(nur_current_task()));
}
END_TEST

static int
expect_parent(void *parent)
{
	struct nur_nursery *nursery = nur_task_parent_nursery(nur_current_task());

	ck_assert_ptr_nonnull(nursery);
	ck_assert_ptr_eq(nur_nursery_parent_task(nursery), parent);
	return 0;
}

IN_RUN_TEST(r007_the_parent_of_a_child_is_who_opened_its_nursery)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, expect_parent, nur_current_task());
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

static int
read_clock_twice(void *unused)
{
	int64_t real = t_real_now();
	nur_time before = nur_now();

	while (t_real_now() - real < 10000) {
		; /* 10 us of real time */
	}
	ck_assert_int_ge(before, 0);
	ck_assert_int_lt(before, nur_now());
	return 0;
}

START_TEST(r008_the_real_clock_moves_between_two_readings)
{
	ck_assert_int_eq(nur_run(read_clock_twice, NULL, NULL, NULL), 0);
}
END_TEST

/* A busy machine may wake late; four tries are what Trio allows too. Early is never right. */
static int
wait_a_real_second(void *unused)
{
	for (int i = 0; i < 4; i++) {
		int64_t start = t_real_now();
		struct nur_cancel_scope scope;
		int64_t duration;

		nur_cancel_scope_init_at(&scope, nur_time_add(nur_now(), NUR_SEC(1)));
		ck_assert_int_eq(NUR_WITHIN(&scope, nur_sleep_forever()), 0);
		duration = t_real_now() - start;
		ck_assert_int_ge(duration, NUR_SEC(1));
		if (duration < NUR_SEC(2)) {
			return 0;
		}
	}
	return -ETIME;
}

START_TEST(r009_a_real_deadline_comes_in_time_and_not_early)
{
	ck_assert_int_eq(nur_run(wait_a_real_second, NULL, NULL, NULL), 0);
}
END_TEST

IN_RUN_TEST(r010_statistics_count_tasks_and_the_time_to_the_deadline)
{
	size_t n_before = t_statistics().n_tasks_living;
	struct nur_cancel_scope scope;
	struct nur_nursery nursery;

	ck_assert_uint_eq(n_before, 1);
	t_open(&nursery);
	t_start(&nursery, t_sleep_forever, NULL);
	t_settle();
	ck_assert_uint_eq(t_statistics().n_tasks_living, n_before + 1);
	ck_assert_uint_eq(t_statistics().n_tasks_runnable, 0);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_uint_eq(t_statistics().n_tasks_runnable, 1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_uint_eq(t_statistics().n_tasks_living, n_before);

	ck_assert_int_eq(nur_cancel_scope_init_after(&scope, NUR_SEC(5)), 0);
	t_enter(&scope);
	ck_assert_int_eq(t_statistics().next_deadline_ns, NUR_SEC(5));
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, 0), 0);
	ck_assert_int_eq(t_statistics().next_deadline_ns, NUR_FOREVER);
}
END_TEST

static int
return_zero(void *unused)
{
	return 0;
}

IN_RUN_TEST(r010_statistics_count_calls_from_outside_until_a_pass_takes_them)
{
	struct nur_token *token;

	ck_assert_int_eq(nur_token_open(&token), 0);
	ck_assert_uint_eq(t_statistics().n_calls_queued, 0);
	ck_assert_int_eq(nur_token_call_soon(token, return_zero, NULL), 0);
	ck_assert_int_eq(nur_token_call_soon_once(token, return_zero, NULL), 0);
	ck_assert_uint_eq(t_statistics().n_calls_queued, 2);
	ck_assert_int_eq(nur_checkpoint(), 0);
	ck_assert_uint_eq(t_statistics().n_calls_queued, 0);
	nur_token_close(token);
}
END_TEST

static enum nur_abort
answer_nonsense(struct nur_task *task, void *unused)
{
	return (enum nur_abort)0;
}

static int
wait_with_a_broken_abort(void *unused)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	return NUR_WITHIN(&scope, nur_wait_task_rescheduled("test", answer_nonsense, NULL));
}

START_TEST(r015_a_broken_abort_callback_is_an_internal_error)
{
	ck_assert_int_eq(t_run(wait_with_a_broken_abort, NULL, NULL), NUR_EINTERNAL);
}
END_TEST

static int
wake_twice(void *arg)
{
	struct nur_task *const *task = arg;

	nur_reschedule(*task, 0);
	nur_reschedule(*task, 0);
	return 0;
}

static void
corrupt_the_run(void)
{
	struct nur_task *task = nur_current_task();
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, wake_twice, &task);
	(void)!nur_wait_task_rescheduled("test", NULL, NULL);
	(void)nur_nursery_close(&nursery, 0, NULL);
}

static void
corrupt_a_run(void)
{
	t_in_run(corrupt_the_run);
}

/* In C an inconsistency is an assertion: it says where, and ends the process instead of the run. */
START_TEST(r016_an_inconsistency_ends_the_process_with_a_message)
{
	char text[512];
	int status = t_in_child(corrupt_a_run, text, sizeof(text));

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert_uint_gt(strlen(text), 0);
}
END_TEST

/* Not static, and the program exports it: the dynamic linker knows its name. */
int note_name(void *ret_name);

int
note_name(void *ret_name)
{
	const char *name = nur_task_name(nur_current_task());

	ck_assert_ptr_nonnull(name);
	(void)snprintf(ret_name, 64, "%s", name);
	return 0;
}

static int
note_name_unknown(void *ret_name)
{
	return note_name(ret_name);
}

IN_RUN_TEST(r017_a_task_has_a_name)
{
	struct nur_nursery nursery;
	char names[3][64] = { "" };

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "given", note_name, names[0]), 0);
	ck_assert_int_eq(nur_start_soon(&nursery, NULL, note_name, names[1]), 0);
	ck_assert_int_eq(nur_start_soon(&nursery, NULL, note_name_unknown, names[2]), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(names[0], "given");
	ck_assert_str_eq(names[1], "note_name");
	ck_assert_str_ne(names[2], "");
}
END_TEST

static int
change_name(void *ret_names)
{
	char(*names)[64] = ret_names;

	nur_task_set_name(nur_current_task(), "another");
	(void)note_name(names[0]);
	nur_task_set_name(nur_current_task(), NULL);
	return note_name(names[1]);
}

IN_RUN_TEST(r017_a_task_may_get_another_name)
{
	struct nur_nursery nursery;
	char names[2][64] = { "" };

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "given", change_name, names), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(names[0], "another");
	ck_assert_str_ne(names[1], "another");
}
END_TEST

int note_name_and_start(struct nur_task_status *status, void *ret_name);

int
note_name_and_start(struct nur_task_status *status, void *ret_name)
{
	(void)note_name(ret_name);
	return nur_started(status, NULL);
}

IN_RUN_TEST(r017_a_task_that_is_waited_for_has_one_too)
{
	struct nur_nursery nursery;
	char name[64] = "";

	t_open(&nursery);
	ck_assert_int_eq(nur_start(&nursery, NULL, note_name_and_start, name, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(name, "note_name_and_start");
}
END_TEST

IN_RUN_TEST(r018_a_missing_function_is_refused_at_the_call)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "nothing", NULL, NULL), -EINVAL);
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_int_eq(nur_nursery_run(NULL, NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(r018_a_run_without_a_main_function_is_refused)
{
	ck_assert_int_eq(nur_run(NULL, NULL, NULL, NULL), -EINVAL);
}
END_TEST

enum {
	N_RUNNERS = 9
};

static int
note_each_step(void *letter)
{
	for (int i = 0; i < 3; i++) {
		int r;

		t_note("%c", (char)(intptr_t)letter);
		r = nur_checkpoint();
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int
run_the_runners(void *unused)
{
	struct nur_nursery nursery;

	t_open(&nursery);
	for (int i = 0; i < N_RUNNERS; i++) {
		t_start(&nursery, note_each_step, T_CODE('a' + i));
	}
	return nur_nursery_close(&nursery, 0, NULL);
}

enum {
	ORDER_CAP = N_RUNNERS * 3 * 2
};

static void
order_of_a_run(const struct nur_run_options *options, char order[static ORDER_CAP])
{
	t_forget_notes();
	ck_assert_int_eq(nur_run(run_the_runners, NULL, options, NULL), 0);
	ck_assert_uint_eq(strlen(t_notes()), ORDER_CAP - 1);
	(void)snprintf(order, ORDER_CAP, "%s", t_notes());
	t_forget_notes();
}

START_TEST(r019_a_seed_fixes_the_order)
{
	char first[ORDER_CAP], other[ORDER_CAP];
	struct nur_run_options options = { .is_seeded = true, .seed = 1 };
	int n_other_orders = 0;

	order_of_a_run(&options, first);
	for (int i = 0; i < 10; i++) {
		order_of_a_run(&options, other);
		ck_assert_str_eq(other, first);
	}

	for (options.seed = 2; options.seed < 10; options.seed++) {
		order_of_a_run(&options, other);
		n_other_orders += strcmp(other, first) != 0;
	}
	ck_assert_int_gt(n_other_orders, 0);
}
END_TEST

START_TEST(r020_without_a_seed_the_order_changes)
{
	char first[ORDER_CAP], other[ORDER_CAP];
	int n_other_orders = 0;

	order_of_a_run(NULL, first);
	for (int i = 0; i < 64; i++) {
		order_of_a_run(NULL, other);
		n_other_orders += strcmp(other, first) != 0;
	}

	ck_assert_int_gt(n_other_orders, 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("run");
	TCase *tc = tcase_create("run");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, r001_run_returns_what_main_returned);
	tcase_add_test(tc, r002_an_error_of_main_comes_out_unwrapped);
	tcase_add_test(tc, r003_a_run_inside_a_run_is_refused);
	tcase_add_test(tc, r004_outside_a_run_there_is_neither_task_nor_time);
	tcase_add_test(tc, r005_code_can_ask_whether_it_is_in_a_run_and_in_a_task);
	tcase_add_test(tc, r006_the_main_task_has_no_parent_nursery);
	tcase_add_test(tc, r007_the_parent_of_a_child_is_who_opened_its_nursery);
	tcase_add_test(tc, r008_the_real_clock_moves_between_two_readings);
	tcase_add_test(tc, r009_a_real_deadline_comes_in_time_and_not_early);
	tcase_add_test(tc, r010_statistics_count_tasks_and_the_time_to_the_deadline);
	tcase_add_test(tc, r010_statistics_count_calls_from_outside_until_a_pass_takes_them);
	tcase_add_test(tc, r015_a_broken_abort_callback_is_an_internal_error);
	tcase_add_test(tc, r016_an_inconsistency_ends_the_process_with_a_message);
	tcase_add_test(tc, r017_a_task_has_a_name);
	tcase_add_test(tc, r017_a_task_may_get_another_name);
	tcase_add_test(tc, r017_a_task_that_is_waited_for_has_one_too);
	tcase_add_test(tc, r018_a_missing_function_is_refused_at_the_call);
	tcase_add_test(tc, r018_a_run_without_a_main_function_is_refused);
	tcase_add_test(tc, r019_a_seed_fixes_the_order);
	tcase_add_test(tc, r020_without_a_seed_the_order_changes);
	suite_add_tcase(suite, tc);
	return suite;
}
