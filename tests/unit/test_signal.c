/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t n_old;

static void
on_old(int signo)
{
	n_old++;
}

static void
set_up(void)
{
	n_old = 0;
	ck_assert(signal(SIGUSR1, on_old) != SIG_ERR);
	ck_assert(signal(SIGUSR2, on_old) != SIG_ERR);
}

static struct nur_signal_receiver *
open_receiver(int first, int second)
{
	int signals[] = { first, second };
	struct nur_signal_receiver *receiver = NULL;

	ck_assert_int_eq(nur_signal_receiver_open(signals, 2, &receiver), 0);
	return receiver;
}

static int
next_of(struct nur_signal_receiver *receiver)
{
	int signo = 0;

	ck_assert_int_eq(nur_signal_receiver_next(receiver, &signo), 0);
	return signo;
}

T_TASK_TEST(signals_come_in_order_and_once)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR2);

	(void)raise(SIGUSR2);
	(void)raise(SIGUSR1);
	(void)raise(SIGUSR2);
	ck_assert_int_eq(next_of(receiver), SIGUSR2);
	ck_assert_int_eq(next_of(receiver), SIGUSR1);
	(void)raise(SIGUSR2);
	ck_assert_int_eq(next_of(receiver), SIGUSR2);

	nur_signal_receiver_close(receiver);
	ck_assert_int_eq(n_old, 0);
	(void)raise(SIGUSR1);
	ck_assert_int_eq(n_old, 1);
	return 0;
}

static int
wait_for_signal(void *arg)
{
	int signo;

	return nur_signal_receiver_next(arg, &signo);
}

T_TASK_TEST(a_waiting_task_is_woken)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR1);
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_for_signal, receiver);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	}
	nur_signal_receiver_close(receiver);
	return rc;
}

T_TASK_TEST(one_task_reads_a_receiver)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR2);
	int rc = 0, signo;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, wait_for_signal, receiver);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_signal_receiver_next(receiver, &signo), NUR_EBUSY);
		nur_nursery_cancel(nursery, NULL);
	}

	(void)raise(SIGUSR1);
	ck_assert_int_eq(next_of(receiver), SIGUSR1);
	nur_signal_receiver_close(receiver);
	return rc;
}

T_TASK_TEST(a_cancelled_task_takes_no_signal)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR2);
	struct nur_cancel_scope scope;
	int signo = 0;

	(void)raise(SIGUSR1);
	nur_cancel_scope_init(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(nur_cancel_scope_enter(&scope), 0);
	ck_assert_int_eq(nur_signal_receiver_next(receiver, &signo), NUR_ECANCELED);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);

	ck_assert_int_eq(next_of(receiver), SIGUSR1);
	nur_signal_receiver_close(receiver);
	return 0;
}

T_TASK_TEST(unread_signals_go_to_the_old_handlers)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR2);

	(void)raise(SIGUSR1);
	(void)raise(SIGUSR1);
	(void)raise(SIGUSR2);
	nur_signal_receiver_close(receiver);

	ck_assert_int_eq(n_old, 2);
	return 0;
}

T_TASK_TEST(a_bad_number_puts_the_handlers_back)
{
	static const int bad[] = { -1, 0, 65, 1000, SIGKILL };
	struct nur_signal_receiver *receiver;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int signals[] = { SIGUSR1, bad[i] };

		ck_assert_int_eq(nur_signal_receiver_open(signals, 2, &receiver), -EINVAL);
		(void)raise(SIGUSR1);
		ck_assert_int_eq(n_old, (int)i + 1);
	}
	ck_assert_int_eq(nur_signal_receiver_open(NULL, 0, &receiver), -EINVAL);
	return 0;
}

T_TASK_TEST(a_signal_has_one_receiver)
{
	struct nur_signal_receiver *receiver = open_receiver(SIGUSR1, SIGUSR1);
	struct nur_signal_receiver *other;
	int both[] = { SIGUSR2, SIGUSR1 };

	ck_assert_int_eq(nur_signal_receiver_open(both, 2, &other), NUR_EBUSY);
	(void)raise(SIGUSR2);
	ck_assert_int_eq(n_old, 1);
	nur_signal_receiver_close(receiver);

	ck_assert_int_eq(nur_signal_receiver_open(both, 2, &other), 0);
	nur_signal_receiver_close(other);
	nur_signal_receiver_close(NULL);
	return 0;
}

static volatile sig_atomic_t was_on_alt_stack;

static void
look_at_stack(int signo)
{
	stack_t present;

	was_on_alt_stack = sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_ONSTACK);
}

T_TASK_TEST(a_task_has_an_alternate_stack_for_handlers)
{
	struct sigaction action = { .sa_handler = look_at_stack, .sa_flags = SA_ONSTACK };

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	(void)raise(SIGUSR1);

	ck_assert(was_on_alt_stack);
	return 0;
}

START_TEST(outside_a_run_there_is_no_receiver)
{
	struct nur_signal_receiver *receiver;
	int signals[] = { SIGUSR1 };

	ck_assert_int_eq(nur_signal_receiver_open(signals, 1, &receiver), NUR_ENOTINTASK);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("signal");
	TCase *tcase = tcase_create("receiver");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, signals_come_in_order_and_once);
	tcase_add_test(tcase, a_waiting_task_is_woken);
	tcase_add_test(tcase, one_task_reads_a_receiver);
	tcase_add_test(tcase, a_cancelled_task_takes_no_signal);
	tcase_add_test(tcase, unread_signals_go_to_the_old_handlers);
	tcase_add_test(tcase, a_bad_number_puts_the_handlers_back);
	tcase_add_test(tcase, a_signal_has_one_receiver);
	tcase_add_test(tcase, a_task_has_an_alternate_stack_for_handlers);
	tcase_add_test(tcase, outside_a_run_there_is_no_receiver);
	suite_add_tcase(suite, tcase);
	return suite;
}
