/* SPDX-License-Identifier: MIT */
/* Rows 198-201: signals as something to wait for. */
#include <errno.h>
#include <signal.h>

#include "tests/support/in_run.h"

static volatile sig_atomic_t n_handled;

static void
count_signal(int signal_number)
{
	n_handled++;
}

static void
install_own_handler(int signal_number)
{
	struct sigaction action = { .sa_handler = count_signal,
		.sa_flags = SA_RESTART | SA_ONSTACK };

	ck_assert_int_eq(sigaction(signal_number, &action, NULL), 0);
	n_handled = 0;
}

static void
assert_own_handler(int signal_number)
{
	struct sigaction action;

	ck_assert_int_eq(sigaction(signal_number, NULL, &action), 0);
	ck_assert(action.sa_handler == count_signal);
}

static struct nur_signal_receiver *
catch_signal(int signal_number)
{
	struct nur_signal_receiver *receiver;

	ck_assert_int_eq(nur_signal_receiver_open(&signal_number, 1, &receiver), 0);
	return receiver;
}

static int
next_signal(void *receiver)
{
	int signal_number = 0;
	int r = nur_signal_receiver_next(receiver, &signal_number);

	return r < 0 ? r : signal_number;
}

static void
assert_no_signal_is_pending(struct nur_signal_receiver *receiver)
{
	bool is_timed_out = false;

	ck_assert_int_eq(nur_move_on_after(NUR_SEC(1), 0, next_signal, receiver, &is_timed_out), 0);
	ck_assert(is_timed_out);
}

IN_RUN_TEST(r198_repeated_signals_are_reported_once)
{
	struct nur_signal_receiver *receiver;

	install_own_handler(SIGUSR1);
	receiver = catch_signal(SIGUSR1);
	(void)raise(SIGUSR1); /* fails for bad numbers only */
	(void)raise(SIGUSR1);
	t_settle();
	(void)raise(SIGUSR1);
	t_settle();
	ck_assert_int_eq(next_signal(receiver), SIGUSR1);
	assert_no_signal_is_pending(receiver);
	(void)raise(SIGUSR1);
	t_assert_checkpoint(next_signal(receiver));
	assert_no_signal_is_pending(receiver);
	nur_signal_receiver_close(receiver);

	ck_assert_int_eq(n_handled, 0);
}
END_TEST

IN_RUN_TEST(r198_the_old_handler_is_back_afterwards_and_gets_what_was_not_read)
{
	struct nur_signal_receiver *receiver;

	install_own_handler(SIGUSR1);
	receiver = catch_signal(SIGUSR1);
	(void)raise(SIGUSR1);
	t_settle();
	ck_assert_int_eq(n_handled, 0);
	nur_signal_receiver_close(receiver);
	ck_assert_int_eq(n_handled, 1);

	assert_own_handler(SIGUSR1);
	(void)raise(SIGUSR1);
	ck_assert_int_eq(n_handled, 2);
}
END_TEST

IN_RUN_TEST(r199_a_bad_number_restores_the_handlers_already_replaced)
{
	const int out_of_range[] = { SIGUSR1, 1234567 }, uncatchable[] = { SIGUSR1, SIGKILL };
	struct nur_signal_receiver *receiver = NULL;

	install_own_handler(SIGUSR1);
	ck_assert_int_eq(nur_signal_receiver_open(out_of_range, 2, &receiver), -EINVAL);
	assert_own_handler(SIGUSR1);
	ck_assert_int_eq(nur_signal_receiver_open(uncatchable, 2, &receiver), -EINVAL);
	assert_own_handler(SIGUSR1);

	ck_assert_ptr_null(receiver);
	receiver = catch_signal(SIGUSR1);
	nur_signal_receiver_close(receiver);
	assert_own_handler(SIGUSR1);
}
END_TEST

IN_RUN_TEST(r201_a_second_task_on_a_receiver_is_busy)
{
	struct nur_signal_receiver *receiver = catch_signal(SIGUSR1);
	struct nur_nursery nursery;

	t_open(&nursery);
	t_start(&nursery, next_signal, receiver);
	t_settle();
	ck_assert_int_eq(next_signal(receiver), NUR_EBUSY);
	(void)raise(SIGUSR1);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	nur_signal_receiver_close(receiver);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *tc = tcase_create("signals");

	tcase_add_test(tc, r198_repeated_signals_are_reported_once);
	tcase_add_test(tc, r198_the_old_handler_is_back_afterwards_and_gets_what_was_not_read);
	tcase_add_test(tc, r199_a_bad_number_restores_the_handlers_already_replaced);
	tcase_add_test(tc, r201_a_second_task_on_a_receiver_is_busy);
	suite_add_tcase(suite, tc);
	return suite;
}
