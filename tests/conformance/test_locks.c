/* SPDX-License-Identifier: MIT */
/* Rows 144-153: semaphores, locks, whatever else can be used as one, and conditions. */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "tests/support/in_run.h"

static int
acquire_semaphore_and_note(void *semaphore)
{
	int r;

	t_note("started");
	r = nur_semaphore_acquire(semaphore);
	t_note("finished");
	return r;
}

static int
acquire_and_release_semaphore(struct nur_semaphore *semaphore)
{
	int r = nur_semaphore_acquire(semaphore);

	return r < 0 ? r : nur_semaphore_release(semaphore);
}

IN_RUN_TEST(r144_a_semaphore_counts)
{
	struct nur_semaphore semaphore;

	ck_assert_int_eq(nur_semaphore_init(&semaphore, 1, NUR_SEMAPHORE_UNBOUNDED), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);
	ck_assert_uint_eq(nur_semaphore_max(&semaphore), NUR_SEMAPHORE_UNBOUNDED);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 2);
	ck_assert_uint_eq(nur_semaphore_n_waiting(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_acquire_nowait(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);
	t_assert_checkpoint(acquire_and_release_semaphore(&semaphore));
	ck_assert_int_eq(nur_semaphore_acquire(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_acquire_nowait(&semaphore), NUR_EWOULDBLOCK);
}
END_TEST

IN_RUN_TEST(r144_a_release_hands_over_instead_of_counting_up)
{
	struct nur_semaphore semaphore;
	struct nur_nursery nursery;

	ck_assert_int_eq(nur_semaphore_init(&semaphore, 0, NUR_SEMAPHORE_UNBOUNDED), 0);
	t_open(&nursery);
	t_start(&nursery, acquire_semaphore_and_note, &semaphore);
	t_settle();
	ck_assert_str_eq(t_notes(), "started");
	ck_assert_uint_eq(nur_semaphore_n_waiting(&semaphore), 1);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_acquire_nowait(&semaphore), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "started finished");
}
END_TEST

/* Trio's test_Semaphore_bounded */
IN_RUN_TEST(r144_a_bounded_semaphore_is_not_released_too_often)
{
	struct nur_semaphore semaphore;

	ck_assert_int_eq(nur_semaphore_init(&semaphore, 2, 1), -EINVAL);
	ck_assert_int_eq(nur_semaphore_init(&semaphore, 1, 1), 0);
	ck_assert_uint_eq(nur_semaphore_max(&semaphore), 1);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), -EOVERFLOW);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);
	ck_assert_int_eq(nur_semaphore_acquire_nowait(&semaphore), 0);
	ck_assert_int_eq(nur_semaphore_release(&semaphore), 0);
	ck_assert_uint_eq(nur_semaphore_value(&semaphore), 1);
}
END_TEST

static int
acquire_and_release_lock(struct nur_lock *lock)
{
	int r = nur_lock_acquire(lock);

	return r < 0 ? r : nur_lock_release(lock);
}

IN_RUN_TEST(r146_a_lock_refuses_to_be_taken_twice_or_given_back_by_others)
{
	struct nur_lock lock;

	nur_lock_init(&lock);
	ck_assert(!nur_lock_is_locked(&lock));
	t_assert_checkpoint(acquire_and_release_lock(&lock));
	ck_assert(!nur_lock_is_locked(&lock));
	t_assert_no_checkpoint(nur_lock_acquire_nowait(&lock));
	ck_assert(nur_lock_is_locked(&lock));
	ck_assert_int_eq(nur_lock_acquire_nowait(&lock), -EALREADY);
	ck_assert_int_eq(nur_lock_acquire(&lock), -EALREADY);
	ck_assert_int_eq(nur_lock_release(&lock), 0);
	ck_assert(!nur_lock_is_locked(&lock));
	ck_assert_int_eq(nur_lock_release(&lock), -EPERM);
}
END_TEST

static struct nur_task *holder;

static int
hold_lock(void *lock)
{
	int r = nur_lock_acquire(lock);

	if (r == 0) {
		holder = nur_current_task();
		r = nur_sleep_forever();
		ck_assert_int_eq(nur_lock_release(lock), 0);
	}
	return r;
}

IN_RUN_TEST(r146_a_lock_knows_its_owner_and_its_waiters)
{
	struct nur_lock lock;
	struct nur_nursery nursery;

	nur_lock_init(&lock);
	t_open(&nursery);
	t_start(&nursery, hold_lock, &lock);
	t_settle();
	ck_assert(nur_lock_is_locked(&lock));
	ck_assert_int_eq(nur_lock_acquire_nowait(&lock), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_lock_release(&lock), -EPERM);
	ck_assert_ptr_eq(nur_lock_owner(&lock), holder);
	ck_assert_uint_eq(nur_lock_n_waiting(&lock), 0);
	t_start(&nursery, hold_lock, &lock);
	t_settle();
	ck_assert_uint_eq(nur_lock_n_waiting(&lock), 1);
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert(!nur_lock_is_locked(&lock));
	ck_assert_ptr_null(nur_lock_owner(&lock));
	ck_assert_uint_eq(nur_lock_n_waiting(&lock), 0);
}
END_TEST

/* ---- whatever is used as a lock ---- */

struct any_lock {
	struct nur_limiter *limiter;
	struct nur_semaphore semaphore;
	struct nur_lock lock;
	struct nur_send_channel *sender;
	struct nur_receive_channel *receiver;
	struct nur_event *turns[8];
	size_t n_turns;
	bool is_held;
};

struct lock_kind {
	const char *name;
	void (*init)(struct any_lock *any);
	int (*acquire)(struct any_lock *any);
	int (*acquire_nowait)(struct any_lock *any);
	int (*release)(struct any_lock *any);
};

static void
limiter_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_limiter_create(1, &any->limiter), 0);
}

static int
limiter_acquire(struct any_lock *any)
{
	return nur_limiter_acquire(any->limiter, NULL);
}

static int
limiter_acquire_nowait(struct any_lock *any)
{
	return nur_limiter_acquire_nowait(any->limiter, NULL);
}

static int
limiter_release(struct any_lock *any)
{
	return nur_limiter_release(any->limiter, NULL);
}

static void
semaphore_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_semaphore_init(&any->semaphore, 1, 1), 0);
}

static int
semaphore_acquire(struct any_lock *any)
{
	return nur_semaphore_acquire(&any->semaphore);
}

static int
semaphore_acquire_nowait(struct any_lock *any)
{
	return nur_semaphore_acquire_nowait(&any->semaphore);
}

static int
semaphore_release(struct any_lock *any)
{
	return nur_semaphore_release(&any->semaphore);
}

static void
lock_init(struct any_lock *any)
{
	nur_lock_init(&any->lock);
}

static int
lock_acquire(struct any_lock *any)
{
	return nur_lock_acquire(&any->lock);
}

static int
lock_acquire_nowait(struct any_lock *any)
{
	return nur_lock_acquire_nowait(&any->lock);
}

static int
lock_release(struct any_lock *any)
{
	return nur_lock_release(&any->lock);
}

/* A value in the full buffer is the lock: who can put one in holds it. */
static void
full_channel_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_channel_open(1, 2, &any->sender, &any->receiver), 0);
	ck_assert_int_eq(nur_channel_send_nowait(any->sender, ""), 0);
}

/* The same without anything to begin with. */
static void
small_channel_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_channel_open(1, 1, &any->sender, &any->receiver), 0);
}

static int
send_acquire(struct any_lock *any)
{
	return nur_channel_send(any->sender, "");
}

static int
send_acquire_nowait(struct any_lock *any)
{
	return nur_channel_send_nowait(any->sender, "");
}

static int
receive_release(struct any_lock *any)
{
	char value;

	return nur_channel_receive_nowait(any->receiver, &value);
}

/* The one value in the buffer is the lock: who takes it out holds it. */
static void
token_channel_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_channel_open(1, 10, &any->sender, &any->receiver), 0);
	ck_assert_int_eq(nur_channel_send_nowait(any->sender, ""), 0);
}

static int
receive_acquire(struct any_lock *any)
{
	char value;

	return nur_channel_receive(any->receiver, &value);
}

static int
receive_acquire_nowait(struct any_lock *any)
{
	char value;

	return nur_channel_receive_nowait(any->receiver, &value);
}

static int
send_release(struct any_lock *any)
{
	return nur_channel_send_nowait(any->sender, "");
}

/* Without a buffer: a flag, and the channel as the queue of those who wait for it. */
static void
meeting_channel_init(struct any_lock *any)
{
	ck_assert_int_eq(nur_channel_open(1, 0, &any->sender, &any->receiver), 0);
}

static int
meeting_acquire(struct any_lock *any)
{
	if (any->is_held) {
		return nur_channel_send(any->sender, "");
	}
	any->is_held = true;
	return nur_checkpoint();
}

static int
flag_acquire_nowait(struct any_lock *any)
{
	ck_assert(!any->is_held);
	any->is_held = true;
	return 0;
}

static int
meeting_release(struct any_lock *any)
{
	int r = receive_release(any);

	if (r == NUR_EWOULDBLOCK) {
		any->is_held = false;
		r = 0;
	}
	return r;
}

/* A flag, and an event for the turn of each that waits. */
static void
event_init(struct any_lock *any)
{
	any->n_turns = 0;
}

static int
event_acquire(struct any_lock *any)
{
	struct nur_event turn;

	if (!any->is_held) {
		any->is_held = true;
		return nur_checkpoint();
	}
	nur_event_init(&turn);
	ck_assert_uint_lt(any->n_turns, ARRAY_LEN(any->turns));
	any->turns[any->n_turns++] = &turn;
	return nur_event_wait(&turn);
}

static int
event_release(struct any_lock *any)
{
	if (any->n_turns == 0) {
		any->is_held = false;
		return 0;
	}
	nur_event_set(any->turns[0]);
	any->n_turns--;
	memmove(any->turns, any->turns + 1, any->n_turns * sizeof(any->turns[0]));
	return 0;
}

static const struct lock_kind lock_kinds[] = {
	{ "limiter", limiter_init, limiter_acquire, limiter_acquire_nowait, limiter_release },
	{ "semaphore", semaphore_init, semaphore_acquire, semaphore_acquire_nowait,
		semaphore_release },
	{ "lock", lock_init, lock_acquire, lock_acquire_nowait, lock_release },
	{ "full channel", full_channel_init, send_acquire, send_acquire_nowait, receive_release },
	{ "small channel", small_channel_init, send_acquire, send_acquire_nowait, receive_release },
	{ "token channel", token_channel_init, receive_acquire, receive_acquire_nowait,
		send_release },
	{ "meeting channel", meeting_channel_init, meeting_acquire, flag_acquire_nowait,
		meeting_release },
	{ "event", event_init, event_acquire, flag_acquire_nowait, event_release },
};

static struct any_lock any;
static const struct lock_kind *kind;

static void
any_init(size_t index)
{
	any = (struct any_lock){ .is_held = false };
	kind = &lock_kinds[index];
	kind->init(&any);
}

static void
any_fini(void)
{
	nur_limiter_destroy(any.limiter);
	nur_send_channel_destroy(any.sender);
	nur_receive_channel_destroy(any.receiver);
}

enum {
	n_rounds = 10,
	n_workers = 5,
};

static int n_acquired;
static bool is_in_critical_section;

static int
enter_critical_section(void *unused)
{
	for (int i = 0; i < n_rounds; i++) {
		ck_assert_int_eq(kind->acquire(&any), 0);
		n_acquired++;
		ck_assert_msg(!is_in_critical_section, "%s", kind->name);
		is_in_critical_section = true;
		ck_assert_int_eq(nur_checkpoint(), 0);
		ck_assert_int_eq(nur_checkpoint(), 0);
		is_in_critical_section = false;
		ck_assert_int_eq(kind->release(&any), 0);
	}
	return 0;
}

IN_RUN_TEST(r147_whatever_is_used_as_a_lock_excludes)
{
	for (size_t i = 0; i < ARRAY_LEN(lock_kinds); i++) {
		struct nur_nursery nursery;

		any_init(i);
		n_acquired = 0;
		t_open(&nursery);
		for (int worker = 0; worker < n_workers; worker++) {
			t_start(&nursery, enter_critical_section, NULL);
		}
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
		ck_assert_int_eq(n_acquired, n_rounds * n_workers);
		any_fini();
	}
}
END_TEST

static char first_order[8];

static int
take_turns(void *arg)
{
	const char *name = arg;

	strncat(first_order, name, 1);
	for (int i = 0; i < n_rounds; i++) {
		ck_assert_int_eq(kind->acquire(&any), 0);
		t_note("%c", *name);
		ck_assert_int_eq(kind->release(&any), 0);
	}
	return 0;
}

IN_RUN_TEST(r148_workers_that_loop_on_a_lock_take_turns)
{
	char names[] = "abc";

	for (size_t i = 0; i < ARRAY_LEN(lock_kinds); i++) {
		struct nur_nursery nursery;

		any_init(i);
		first_order[0] = '\0';
		t_forget_notes();
		t_open(&nursery);
		for (char *name = names; *name; name++) {
			t_start(&nursery, take_turns, name);
		}
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

		ck_assert_uint_eq(strlen(t_notes()), n_rounds * strlen("a b c ") - 1);
		for (size_t n = 0; n < n_rounds * (size_t)3; n++) {
			ck_assert_msg(t_notes()[2 * n] == first_order[n % 3], "%s: %s", kind->name,
				t_notes());
		}
		any_fini();
	}
}
END_TEST

static int
take_once(void *unused)
{
	t_note("started");
	ck_assert_int_eq(kind->acquire(&any), 0);
	ck_assert_int_eq(kind->release(&any), 0);
	t_note("finished");
	return 0;
}

IN_RUN_TEST(r149_a_lock_taken_without_waiting_makes_others_wait)
{
	for (size_t i = 0; i < ARRAY_LEN(lock_kinds); i++) {
		struct nur_nursery nursery;

		any_init(i);
		t_forget_notes();
		t_open(&nursery);
		ck_assert_int_eq(kind->acquire_nowait(&any), 0);
		t_start(&nursery, take_once, NULL);
		t_settle();
		ck_assert_str_eq(t_notes(), "started");
		ck_assert_int_eq(kind->release(&any), 0);
		ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
		ck_assert_str_eq(t_notes(), "started finished");
		any_fini();
	}
}
END_TEST

/* ---- owners that end ---- */

static int
acquire_only(void *lock)
{
	return nur_lock_acquire(lock);
}

IN_RUN_TEST(r150_a_lock_whose_owner_has_ended_is_broken)
{
	struct nur_lock lock;
	struct nur_nursery nursery;

	nur_lock_init(&lock);
	t_open(&nursery);
	t_start(&nursery, acquire_only, &lock);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(nur_lock_acquire(&lock), NUR_EBROKEN);
	ck_assert_int_eq(nur_lock_acquire_nowait(&lock), NUR_EWOULDBLOCK);
	ck_assert_int_eq(nur_lock_release(&lock), -EPERM);
	ck_assert(nur_lock_is_locked(&lock));
	ck_assert_ptr_null(nur_lock_owner(&lock));
}
END_TEST

IN_RUN_TEST(r151_who_waits_for_a_lock_whose_owner_ends_is_told)
{
	struct nur_lock lock;
	struct nur_nursery nursery;
	struct nur_errors errors;

	nur_lock_init(&lock);
	t_open(&nursery);
	t_start(&nursery, acquire_only, &lock);
	t_start(&nursery, acquire_only, &lock);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, &errors), NUR_EBROKEN);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_str_eq(errors.items[0].text, "lock: broken by task \"acquire_only\"");
	nur_errors_fini(&errors);
}
END_TEST

IN_RUN_TEST(r152_after_a_hand_over_the_new_owner_is_responsible)
{
	struct nur_lock lock;
	struct nur_nursery nursery;

	nur_lock_init(&lock);
	ck_assert_int_eq(nur_lock_acquire_nowait(&lock), 0);
	ck_assert_ptr_eq(nur_lock_owner(&lock), nur_current_task());
	t_open(&nursery);
	t_start(&nursery, acquire_only, &lock);
	t_settle();
	ck_assert_int_eq(nur_lock_release(&lock), 0);
	ck_assert_ptr_nonnull(nur_lock_owner(&lock));
	ck_assert_str_eq(nur_task_name(nur_lock_owner(&lock)), "acquire_only");
	ck_assert_int_eq(nur_lock_release(&lock), -EPERM);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_int_eq(nur_lock_acquire(&lock), NUR_EBROKEN);
}
END_TEST

/* ---- conditions ---- */

struct waiter {
	struct nur_condition *condition;
	int number;
};

static int
wait_for_condition(void *arg)
{
	struct waiter *waiter = arg;
	struct nur_lock *lock = waiter->condition->lock;
	int r = nur_lock_acquire(lock);

	if (r < 0) {
		return r;
	}
	r = nur_condition_wait(waiter->condition);
	ck_assert_int_eq(nur_lock_release(lock), 0);
	if (r == 0) {
		t_note("%d", waiter->number);
	}
	return r;
}

static void
queue_waiters(
	struct nur_nursery *nursery, struct nur_condition *condition, struct waiter waiters[3])
{
	t_forget_notes();
	t_open(nursery);
	for (int i = 0; i < 3; i++) {
		waiters[i] = (struct waiter){ condition, i };
		t_start(nursery, wait_for_condition, &waiters[i]);
		t_settle();
	}
	ck_assert_uint_eq(nur_condition_n_waiting(condition), 3);
}

static void
notify(struct nur_condition *condition, size_t count)
{
	ck_assert_int_eq(nur_lock_acquire(condition->lock), 0);
	ck_assert_int_eq(nur_condition_notify(condition, count), 0);
	ck_assert_int_eq(nur_lock_release(condition->lock), 0);
}

IN_RUN_TEST(r153_a_condition_needs_its_lock)
{
	struct nur_lock lock;
	struct nur_condition condition;

	nur_lock_init(&lock);
	nur_condition_init(&condition, &lock);
	ck_assert_int_eq(nur_condition_wait(&condition), -EPERM);
	ck_assert_int_eq(nur_condition_notify(&condition, 1), -EPERM);
	ck_assert_int_eq(nur_condition_notify(&condition, SIZE_MAX), -EPERM);
}
END_TEST

IN_RUN_TEST(r153_one_or_all_are_notified)
{
	struct nur_lock lock;
	struct nur_condition condition;
	struct nur_nursery nursery;
	struct waiter waiters[3];

	nur_lock_init(&lock);
	nur_condition_init(&condition, &lock);
	queue_waiters(&nursery, &condition, waiters);
	notify(&condition, 1);
	ck_assert(nur_lock_is_locked(&lock));
	t_settle();
	ck_assert_str_eq(t_notes(), "0");
	notify(&condition, SIZE_MAX);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);

	ck_assert_str_eq(t_notes(), "0 1 2");
}
END_TEST

IN_RUN_TEST(r153_notified_tasks_move_to_the_queue_of_the_lock)
{
	struct nur_lock lock;
	struct nur_condition condition;
	struct nur_nursery nursery;
	struct waiter waiters[3];

	nur_lock_init(&lock);
	nur_condition_init(&condition, &lock);
	queue_waiters(&nursery, &condition, waiters);
	ck_assert_int_eq(nur_lock_acquire(&lock), 0);
	ck_assert_int_eq(nur_condition_notify(&condition, 2), 0);
	ck_assert_uint_eq(nur_condition_n_waiting(&condition), 1);
	ck_assert_uint_eq(nur_lock_n_waiting(&lock), 2);
	ck_assert_int_eq(nur_lock_release(&lock), 0);
	ck_assert_uint_eq(nur_lock_n_waiting(&lock), 1);
	t_settle();
	ck_assert_str_eq(t_notes(), "0 1");
	notify(&condition, SIZE_MAX);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
}
END_TEST

IN_RUN_TEST(r153_who_is_cancelled_while_waiting_holds_the_lock)
{
	struct nur_lock lock;
	struct nur_condition condition;
	struct nur_cancel_scope scope;
	int r;

	nur_lock_init(&lock);
	nur_condition_init(&condition, &lock);
	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	ck_assert_int_eq(nur_lock_acquire(&lock), 0);
	nur_cancel_scope_cancel(&scope, NULL);
	r = nur_condition_wait(&condition);

	ck_assert_int_eq(r, NUR_ECANCELED);
	ck_assert_ptr_eq(nur_lock_owner(&lock), nur_current_task());
	ck_assert_int_eq(nur_lock_release(&lock), 0);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, r), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("locks");
	TCase *tc = tcase_create("locks");

	tcase_add_test(tc, r144_a_semaphore_counts);
	tcase_add_test(tc, r144_a_release_hands_over_instead_of_counting_up);
	tcase_add_test(tc, r144_a_bounded_semaphore_is_not_released_too_often);
	tcase_add_test(tc, r146_a_lock_refuses_to_be_taken_twice_or_given_back_by_others);
	tcase_add_test(tc, r146_a_lock_knows_its_owner_and_its_waiters);
	tcase_add_test(tc, r147_whatever_is_used_as_a_lock_excludes);
	tcase_add_test(tc, r148_workers_that_loop_on_a_lock_take_turns);
	tcase_add_test(tc, r149_a_lock_taken_without_waiting_makes_others_wait);
	tcase_add_test(tc, r150_a_lock_whose_owner_has_ended_is_broken);
	tcase_add_test(tc, r151_who_waits_for_a_lock_whose_owner_ends_is_told);
	tcase_add_test(tc, r152_after_a_hand_over_the_new_owner_is_responsible);
	tcase_add_test(tc, r153_a_condition_needs_its_lock);
	tcase_add_test(tc, r153_one_or_all_are_notified);
	tcase_add_test(tc, r153_notified_tasks_move_to_the_queue_of_the_lock);
	tcase_add_test(tc, r153_who_is_cancelled_while_waiting_holds_the_lock);
	suite_add_tcase(suite, tc);
	return suite;
}
