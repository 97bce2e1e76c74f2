/* SPDX-License-Identifier: MIT */
#include "tests/support/run.h"

#include <errno.h>

static struct nur_lock lock, other_lock;
static int n_through;

static void
set_up(void)
{
	nur_lock_init(&lock);
	nur_lock_init(&other_lock);
	n_through = 0;
}

static int
take_and_release(void *arg)
{
	int r = nur_lock_acquire(&lock);

	if (r < 0) {
		return r;
	}
	n_through++;
	return nur_lock_release(&lock);
}

T_TASK_TEST(nobody_slips_in_between_release_and_waiter)
{
	int rc = 0;

	ck_assert_int_eq(nur_lock_acquire(&lock), 0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, take_and_release, NULL);
		t_wait_all_tasks_blocked();
		ck_assert_int_eq(nur_lock_release(&lock), 0);
		ck_assert_int_eq(nur_lock_acquire_nowait(&lock), NUR_EWOULDBLOCK);
		ck_assert_int_eq(nur_lock_acquire(&lock), 0);
		ck_assert_int_eq(n_through, 1);
		ck_assert_int_eq(nur_lock_release(&lock), 0);
	}
	return rc;
}

T_TASK_TEST(a_cancelled_waiter_is_forgotten)
{
	struct nur_cancel_scope scope;
	int rc = 0;

	ck_assert_int_eq(nur_lock_acquire(&lock), 0);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, take_and_release, NULL);
		t_wait_all_tasks_blocked();
		nur_nursery_cancel(nursery, NULL);
		ck_assert_uint_eq(nur_lock_n_waiting(&lock), 0);
	}
	ck_assert_int_eq(nur_lock_release(&lock), 0);
	ck_assert(!nur_lock_is_locked(&lock));

	nur_cancel_scope_init_at(&scope, NUR_LONG_AGO);
	ck_assert_int_eq(NUR_WITHIN(&scope, nur_lock_acquire(&lock)), 0);
	ck_assert(!nur_lock_is_locked(&lock));
	return rc;
}

static int
take_both(void *arg)
{
	ck_assert_int_eq(nur_lock_acquire(&other_lock), 0);
	return nur_lock_acquire(&lock);
}

static int
take_other(void *arg)
{
	return nur_lock_acquire(&other_lock);
}

T_TASK_TEST(who_ends_breaks_all_its_locks)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "careless", take_both, NULL), 0);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(nur_lock_acquire(&lock), NUR_EBROKEN);
	ck_assert_int_eq(nur_lock_acquire(&other_lock), NUR_EBROKEN);
	return 0;
}

T_TASK_TEST(the_text_names_the_owner_also_to_those_who_come_later)
{
	struct nur_errors errors;
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		ck_assert_int_eq(nur_start_soon(nursery, "careless", take_other, NULL), 0);
	}
	{
		NUR_NURSERY(nursery, &rc, &errors);
		t_start(nursery, take_other, NULL);
	}
	ck_assert_int_eq(rc, NUR_EBROKEN);
	ck_assert_str_eq(errors.items[0].text, "lock: broken by task \"careless\"");
	nur_errors_fini(&errors);
	return 0;
}

T_TASK_TEST(the_next_task_in_an_owners_place_is_not_the_owner)
{
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, take_other, NULL);
	}
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, take_other, NULL); /* on the stack that the first one left */
	}
	ck_assert_int_eq(rc, NUR_EBROKEN);
	return 0;
}

START_TEST(outside_a_task_there_is_no_owner)
{
	ck_assert_int_eq(nur_lock_acquire(&lock), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_lock_acquire_nowait(&lock), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_lock_release(&lock), -EPERM);
	ck_assert(!nur_lock_is_locked(&lock));
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("lock");
	TCase *tcase = tcase_create("owners");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, nobody_slips_in_between_release_and_waiter);
	tcase_add_test(tcase, a_cancelled_waiter_is_forgotten);
	tcase_add_test(tcase, who_ends_breaks_all_its_locks);
	tcase_add_test(tcase, the_text_names_the_owner_also_to_those_who_come_later);
	tcase_add_test(tcase, the_next_task_in_an_owners_place_is_not_the_owner);
	tcase_add_test(tcase, outside_a_task_there_is_no_owner);
	suite_add_tcase(suite, tcase);
	return suite;
}
