/* SPDX-License-Identifier: MIT */
/* Rows 136-143: events and capacity limiters. */
#include <errno.h>

#include "tests/support/in_run.h"

static int
wait_for_event(void *event)
{
	int r;

	t_note("sleeping");
	r = nur_event_wait(event);
	t_note("%s", r == 0 ? "woken" : nur_strerror(r));
	return r;
}

IN_RUN_TEST(r136_setting_an_event_wakes_all_waiters)
{
	struct nur_nursery nursery;
	struct nur_event event;

	nur_event_init(&event);
	ck_assert(!nur_event_is_set(&event));
	t_open(&nursery);
	t_start(&nursery, wait_for_event, &event);
	t_start(&nursery, wait_for_event, &event);
	t_settle();
	ck_assert_str_eq(t_notes(), "sleeping sleeping");
	ck_assert_uint_eq(nur_event_n_waiting(&event), 2);
	t_assert_no_checkpoint((nur_event_set(&event), 0));
	ck_assert(nur_event_is_set(&event));
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "sleeping sleeping woken woken");
	ck_assert_uint_eq(nur_event_n_waiting(&event), 0);
	t_assert_checkpoint(nur_event_wait(&event));
	ck_assert_int_eq(nur_event_wait(&event), 0);
}
END_TEST

static struct nur_limiter *
limiter_of(size_t total)
{
	struct nur_limiter *limiter;

	ck_assert_int_eq(nur_limiter_create(total, &limiter), 0);
	return limiter;
}

IN_RUN_TEST(r137_a_limiter_knows_its_borrowers)
{
	struct nur_limiter *limiter = limiter_of(2);
	const void *borrower;

	ck_assert_uint_eq(nur_limiter_total(limiter), 2);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), -EPERM);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), -EALREADY);
	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), -EALREADY);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, nur_current_task()), -EALREADY);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
	ck_assert_uint_eq(nur_limiter_n_available(limiter), 1);
	ck_assert_uint_eq(nur_limiter_borrowers(limiter, &borrower, 1), 1);
	ck_assert_ptr_eq(borrower, nur_current_task());
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), -EPERM);
	ck_assert_uint_eq(nur_limiter_borrowers(limiter, &borrower, 1), 0);
	ck_assert_uint_eq(nur_limiter_n_available(limiter), 2);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	nur_limiter_destroy(limiter);
}
END_TEST

static int
acquire_and_release(struct nur_limiter *limiter, const void *borrower)
{
	int r = nur_limiter_acquire(limiter, borrower);

	return r < 0 ? r : nur_limiter_release(limiter, borrower);
}

IN_RUN_TEST(r138_a_token_is_taken_and_given_back_for_any_borrower)
{
	struct nur_limiter *limiter = limiter_of(2);
	int someone, third;

	t_assert_checkpoint(acquire_and_release(limiter, &someone));
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), 0);
	ck_assert_int_eq(nur_limiter_acquire(limiter, &someone), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 2);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &third), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_limiter_release(limiter, &third), -EPERM);
	ck_assert_int_eq(nur_limiter_release(limiter, nur_current_task()), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &someone), -EALREADY);
	ck_assert_int_eq(nur_limiter_release(limiter, &someone), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	nur_limiter_destroy(limiter);
}
END_TEST

struct borrower {
	struct nur_limiter *limiter;
	int number;
};

static int
borrow(void *arg)
{
	struct borrower *borrower = arg;
	int r = nur_limiter_acquire(borrower->limiter, borrower);

	if (r == 0) {
		t_note("%d", borrower->number);
	}
	return r;
}

static void
queue_borrowers(
	struct nur_nursery *nursery, struct nur_limiter *limiter, struct borrower *borrowers, int n)
{
	for (int i = 0; i < n; i++) {
		borrowers[i].limiter = limiter;
		borrowers[i].number = i;
		t_start(nursery, borrow, &borrowers[i]);
		t_settle();
	}
}

IN_RUN_TEST(r138_a_released_token_belongs_to_the_longest_waiter_at_once)
{
	struct nur_limiter *limiter = limiter_of(1);
	struct borrower borrowers[3];
	struct nur_nursery nursery;

	t_open(&nursery);
	queue_borrowers(&nursery, limiter, borrowers, 3);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 2);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &borrowers[2]), -EALREADY);
	ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[0]), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 1);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, NULL), NUR_EWOULDBLOCK);
	t_settle();
	ck_assert_str_eq(t_notes(), "0 1");
	ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[1]), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "0 1 2");
	ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[2]), 0);
	nur_limiter_destroy(limiter);
}
END_TEST

IN_RUN_TEST(r140_a_limiter_without_limit_still_checks_borrowers)
{
	struct nur_limiter *limiter = limiter_of(NUR_LIMITER_UNLIMITED);
	char borrowers[100];

	ck_assert_uint_eq(nur_limiter_total(limiter), NUR_LIMITER_UNLIMITED);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), -EPERM);
	for (size_t i = 0; i < sizeof(borrowers); i++) {
		ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &borrowers[i]), 0);
	}
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), sizeof(borrowers));
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &borrowers[50]), -EALREADY);
	for (size_t i = 0; i < sizeof(borrowers); i++) {
		ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[i]), 0);
	}
	nur_limiter_destroy(limiter);
}
END_TEST

IN_RUN_TEST(r142_a_cancelled_waiter_leaves_no_entry_behind)
{
	struct nur_limiter *limiter = limiter_of(1);
	struct nur_nursery nursery;
	struct borrower borrower;

	ck_assert_int_eq(nur_limiter_acquire(limiter, NULL), 0);
	t_open(&nursery);
	queue_borrowers(&nursery, limiter, &borrower, 1);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 1);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, NULL), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	ck_assert_int_eq(nur_limiter_acquire_nowait(limiter, &borrower), 0);
	ck_assert_int_eq(nur_limiter_release(limiter, &borrower), 0);
	nur_limiter_destroy(limiter);
}
END_TEST

IN_RUN_TEST(r143_a_total_of_zero_lets_nobody_through_until_it_is_raised)
{
	struct nur_limiter *limiter = limiter_of(5);
	struct borrower borrowers[5];
	struct nur_nursery nursery;

	nur_limiter_set_total(limiter, 0);
	t_open(&nursery);
	queue_borrowers(&nursery, limiter, borrowers, 5);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 0);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 5);

	nur_limiter_set_total(limiter, 2);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 2);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 3);
	nur_limiter_set_total(limiter, 0);
	ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[0]), 0);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 1);
	ck_assert_uint_eq(nur_limiter_n_waiting(limiter), 3);
	nur_limiter_set_total(limiter, NUR_LIMITER_UNLIMITED);
	ck_assert_uint_eq(nur_limiter_n_borrowed(limiter), 4);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	for (int i = 1; i < 5; i++) {
		ck_assert_int_eq(nur_limiter_release(limiter, &borrowers[i]), 0);
	}
	nur_limiter_destroy(limiter);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("events and limiters");
	TCase *tc = tcase_create("events and limiters");

	tcase_add_test(tc, r136_setting_an_event_wakes_all_waiters);
	tcase_add_test(tc, r137_a_limiter_knows_its_borrowers);
	tcase_add_test(tc, r138_a_token_is_taken_and_given_back_for_any_borrower);
	tcase_add_test(tc, r138_a_released_token_belongs_to_the_longest_waiter_at_once);
	tcase_add_test(tc, r140_a_limiter_without_limit_still_checks_borrowers);
	tcase_add_test(tc, r142_a_cancelled_waiter_leaves_no_entry_behind);
	tcase_add_test(tc, r143_a_total_of_zero_lets_nobody_through_until_it_is_raised);
	suite_add_tcase(suite, tc);
	return suite;
}
