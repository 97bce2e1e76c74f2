/* SPDX-License-Identifier: MIT */
/*
 * The store's queue: what shares a transaction, who is told what, and the end. Behind it stands a fake of the
 * store, which notes what it is asked for and fails when the test says so.
 */
#include "tests/support/in_run.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/queue.h"
#include "daemon/store/store.h"

/* ---- the fake ---- */

/* Written by the queue's thread, read when it has nothing to do. */
struct store {
	int begin_error;
	int commit_error;
	int n_lacks; /* commits for which there is no memory */
	bool needs_trim;
	int trim_error;
};

static struct store fake;
static char record[256];

static void
note(const char *word)
{
	strncat(record, word, sizeof(record) - strlen(record) - 1);
}

int
store_begin(struct store *store)
{
	note("(");
	return store->begin_error;
}

int
store_commit(struct store *store)
{
	note(")");
	if (store->n_lacks > 0) {
		store->n_lacks--;
		return -ENOMEM;
	}
	return store->commit_error;
}

void
store_rollback(struct store *store)
{
	note("<");
}

bool
store_needs_trim(const struct store *store)
{
	return store->needs_trim;
}

int
store_trim_log(struct store *store)
{
	note("trim");
	store->needs_trim = false;
	return store->trim_error;
}

void
store_size(struct store *store, struct store_size *ret_size)
{
	*ret_size = (struct store_size){ .n_bytes = (int64_t)strlen(record), .max_bytes = 1000 };
}

const char *
store_why(struct store *store)
{
	return "the disk is full";
}

void
store_close(struct store *store)
{
	if (store) {
		note("close");
	}
}

/* ---- threads ---- */

/* Calls for which there is no thread. */
static int n_lacking;

int __real_nur_thread_run(nur_thread_fn fn, void *arg, const struct nur_thread_options *options);
int __wrap_nur_thread_run(nur_thread_fn fn, void *arg, const struct nur_thread_options *options);

int
__wrap_nur_thread_run(nur_thread_fn fn, void *arg, const struct nur_thread_options *options)
{
	if (n_lacking > 0) {
		n_lacking--;
		return n_lacking % 2 ? -ENOMEM : -EAGAIN;
	}
	return __real_nur_thread_run(fn, arg, options);
}

/* ---- work ---- */

static int
put(struct store *store, void *word)
{
	note(word);
	return 0;
}

static int
refuse(struct store *store, void *word)
{
	note(word);
	return -ENOSPC;
}

static void
on_done(void *word, int r)
{
	t_note("%s=%d", (char *)word, r);
}

static struct store_queue *queue;

static struct store_work works[4];

static void
post(int n, store_work_fn run, const char *word, bool is_read)
{
	works[n] = (struct store_work){
		.run = run, .done = on_done, .arg = (void *)(uintptr_t)word, .is_read = is_read
	};
	store_queue_post(queue, &works[n]);
}

static int
call(store_work_fn run, const char *word)
{
	return store_queue_call(queue, run, (void *)(uintptr_t)word);
}

static int
look(store_work_fn run, const char *word)
{
	return store_queue_read(queue, run, (void *)(uintptr_t)word);
}

static void
serve(nur_task_fn body)
{
	memset(record, 0, sizeof(record));
	t_forget_notes();
	ck_assert_int_eq(store_queue_create(&fake, &queue), 0);
	ck_assert_int_eq(store_queue_serve(queue, body, NULL), 0);
	store_queue_destroy(queue);
}

/* ---- tests ---- */

static int
post_three(void *unused)
{
	post(0, put, "a", false);
	post(1, put, "b", false);
	post(2, put, "c", false);
	return 0;
}

IN_RUN_TEST(what_waits_together_is_one_transaction)
{
	serve(post_three);

	ck_assert_str_eq(record, "(abc)close");
	ck_assert_str_eq(t_notes(), "a=0 b=0 c=0");
}
END_TEST

static void
post_another(void *word, int r)
{
	on_done(word, r);
	post(1, put, "b", false);
}

static int
post_one(void *unused)
{
	works[0] = (struct store_work){ .run = put, .done = post_another, .arg = (void *)"a" };
	store_queue_post(queue, &works[0]);
	return 0;
}

/* As a batch does that is suspended while some of its results are written. */
IN_RUN_TEST(who_is_told_may_ask_for_more_at_the_end)
{
	serve(post_one);

	ck_assert_str_eq(record, "(a)(b)close");
	ck_assert_str_eq(t_notes(), "a=0 b=0");
}
END_TEST

static int
call_twice(void *unused)
{
	ck_assert_int_eq(call(put, "a"), 0);
	ck_assert_int_eq(call(put, "b"), 0);
	return 0;
}

static int
count_works(void *unused)
{
	ck_assert_int_eq(post_three(NULL), 0);
	ck_assert_int_eq(look(put, "r"), 0);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_commits, 1);
	ck_assert_int_eq(store_queue_statistics(queue)->groups.sum_ns, 3);
	ck_assert_int_eq(store_queue_statistics(queue)->size.n_bytes, strlen("(abc)"));

	ck_assert_int_eq(call(put, "d"), 0);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_commits, 2);
	ck_assert_uint_eq(store_queue_statistics(queue)->groups.counts[0], 1);
	ck_assert_int_gt(store_queue_statistics(queue)->commits.sum_ns, 0);

	ck_assert_int_eq(call(refuse, "e"), -ENOSPC);
	ck_assert_int_eq(call(refuse, "f"), -ENOSPC);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_commits, 2);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_failures, 1);
	return 0;
}

IN_RUN_TEST(transactions_are_counted_with_what_is_in_them)
{
	serve(count_works);
}
END_TEST

IN_RUN_TEST(a_call_returns_when_it_is_committed)
{
	serve(call_twice);

	ck_assert_str_eq(record, "(a)(b)close");
}
END_TEST

static int
read_and_write(void *unused)
{
	post(0, put, "r", true);
	post(1, put, "a", false);
	ck_assert_int_eq(look(put, "s"), 0);
	ck_assert_int_eq(look(refuse, "t"), -ENOSPC);
	ck_assert_int_eq(store_queue_error(queue), 0);
	return 0;
}

IN_RUN_TEST(reading_comes_after_what_is_written_with_it)
{
	serve(read_and_write);

	ck_assert_str_eq(record, "(a)rstclose");
}
END_TEST

static int
fail_in_the_middle(void *unused)
{
	post(0, put, "a", false);
	post(1, refuse, "b", false);
	post(2, put, "c", false);
	ck_assert_int_eq(call(put, "d"), -ENOSPC);
	ck_assert_int_eq(store_queue_error(queue), -ENOSPC);
	ck_assert_str_eq(store_queue_why(queue), "the disk is full");
	ck_assert_int_eq(call(put, "e"), -ENOSPC);
	ck_assert_int_eq(look(put, "r"), 0);
	return 0;
}

IN_RUN_TEST(the_first_failure_is_the_last_and_reading_goes_on)
{
	serve(fail_in_the_middle);

	ck_assert_str_eq(record, "(ab<rclose");
	ck_assert_str_eq(t_notes(), "a=-28 b=-28 c=-28");
}
END_TEST

static int
fail_to_commit(void *unused)
{
	fake.commit_error = -EIO;
	ck_assert_int_eq(call(put, "a"), -EIO);
	fake.commit_error = 0;
	ck_assert_int_eq(call(put, "b"), -EIO);
	return 0;
}

IN_RUN_TEST(a_sync_that_failed_is_not_tried_again)
{
	serve(fail_to_commit);

	ck_assert_str_eq(record, "(a)<close");
}
END_TEST

static int
fail_to_begin(void *unused)
{
	fake.begin_error = -EIO;
	ck_assert_int_eq(call(put, "a"), -EIO);
	fake.begin_error = 0;
	return 0;
}

IN_RUN_TEST(a_transaction_that_cannot_begin_is_a_failure)
{
	serve(fail_to_begin);

	ck_assert_str_eq(record, "(close");
}
END_TEST

static int
lack_a_thread_for_a_moment(void *unused)
{
	n_lacking = 9;
	post(0, put, "r", true);
	ck_assert_int_eq(call(put, "a"), 0);
	ck_assert_int_eq(n_lacking, 0);
	ck_assert_int_eq(store_queue_error(queue), 0);
	return 0;
}

IN_RUN_TEST(a_thread_that_cannot_be_had_is_asked_for_again)
{
	serve(lack_a_thread_for_a_moment);

	ck_assert_str_eq(record, "(a)rclose");
	ck_assert_str_eq(t_notes(), "r=0");
}
END_TEST

static int
lack_a_thread(void *unused)
{
	n_lacking = 10;
	post(0, put, "r", true);
	ck_assert_int_eq(call(put, "a"), -EAGAIN);
	ck_assert_int_eq(store_queue_error(queue), -EAGAIN);
	ck_assert_int_eq(call(put, "b"), -EAGAIN);
	ck_assert_int_eq(look(put, "s"), 0);
	return 0;
}

IN_RUN_TEST(a_thread_that_is_lacking_for_seconds_is_a_failure)
{
	serve(lack_a_thread);

	ck_assert_str_eq(record, "sclose");
	ck_assert_str_eq(t_notes(), "r=-11");
}
END_TEST

static int
lack_memory_for_a_moment(void *unused)
{
	fake.n_lacks = 2;
	post(0, put, "r", true);
	ck_assert_int_eq(call(put, "a"), 0);
	ck_assert_int_eq(store_queue_error(queue), 0);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_commits, 1);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_failures, 0);
	return 0;
}

IN_RUN_TEST(a_transaction_without_memory_is_tried_again)
{
	serve(lack_memory_for_a_moment);

	ck_assert_str_eq(record, "(a)<(a)<(a)rclose");
	ck_assert_str_eq(t_notes(), "r=0");
}
END_TEST

static int
lack_memory(void *unused)
{
	fake.n_lacks = 10;
	post(0, put, "r", true);
	ck_assert_int_eq(call(put, "a"), -ENOMEM);
	ck_assert_int_eq(fake.n_lacks, 0);
	ck_assert_int_eq(store_queue_error(queue), -ENOMEM);
	ck_assert_uint_eq(store_queue_statistics(queue)->n_failures, 1);
	ck_assert_int_eq(call(put, "b"), -ENOMEM);
	ck_assert_int_eq(look(put, "s"), 0);
	return 0;
}

IN_RUN_TEST(memory_that_is_lacking_for_seconds_is_a_failure)
{
	serve(lack_memory);

	ck_assert_str_eq(record + strlen(record) - strlen("(a)<sclose"), "(a)<sclose");
	ck_assert_str_eq(t_notes(), "r=-12");
}
END_TEST

static int
erase(struct store *store, void *word)
{
	store->needs_trim = true;
	return put(store, word);
}

static int
erase_something(void *unused)
{
	post(0, erase, "a", false);
	post(1, put, "b", false);
	return 0;
}

IN_RUN_TEST(what_was_erased_leaves_the_log_when_nothing_waits)
{
	serve(erase_something);

	ck_assert_str_eq(record, "(ab)trimclose");
}
END_TEST

static int
fail_to_trim(void *unused)
{
	fake.trim_error = -EIO;
	ck_assert_int_eq(call(erase, "a"), 0);
	ck_assert_int_eq(look(put, "r"), 0);
	fake.trim_error = 0;
	ck_assert_int_eq(call(put, "b"), -EIO);
	ck_assert_str_eq(store_queue_why(queue), "the disk is full");
	return 0;
}

IN_RUN_TEST(a_log_that_cannot_be_cut_is_a_failure)
{
	serve(fail_to_trim);

	ck_assert_str_eq(record, "(a)trimrclose");
}
END_TEST

static int
call_in_a_cancelled_scope(void *unused)
{
	struct nur_cancel_scope scope;

	nur_cancel_scope_init(&scope);
	t_enter(&scope);
	nur_cancel_scope_cancel(&scope, NULL);
	ck_assert_int_eq(call(put, "a"), 0);
	ck_assert_int_eq(nur_checkpoint(), NUR_ECANCELED);
	post(0, put, "b", false);
	ck_assert_int_eq(nur_cancel_scope_leave(&scope, NUR_ECANCELED), 0);
	return 0;
}

IN_RUN_TEST(cancellation_does_not_lose_what_was_asked_for)
{
	serve(call_in_a_cancelled_scope);

	ck_assert_str_eq(record, "(a)(b)close");
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("store_queue");
	TCase *tc = tcase_create("queue");

	tcase_add_test(tc, what_waits_together_is_one_transaction);
	tcase_add_test(tc, who_is_told_may_ask_for_more_at_the_end);
	tcase_add_test(tc, transactions_are_counted_with_what_is_in_them);
	tcase_add_test(tc, a_call_returns_when_it_is_committed);
	tcase_add_test(tc, reading_comes_after_what_is_written_with_it);
	tcase_add_test(tc, the_first_failure_is_the_last_and_reading_goes_on);
	tcase_add_test(tc, a_sync_that_failed_is_not_tried_again);
	tcase_add_test(tc, a_transaction_that_cannot_begin_is_a_failure);
	tcase_add_test(tc, a_thread_that_cannot_be_had_is_asked_for_again);
	tcase_add_test(tc, a_thread_that_is_lacking_for_seconds_is_a_failure);
	tcase_add_test(tc, a_transaction_without_memory_is_tried_again);
	tcase_add_test(tc, memory_that_is_lacking_for_seconds_is_a_failure);
	tcase_add_test(tc, what_was_erased_leaves_the_log_when_nothing_waits);
	tcase_add_test(tc, a_log_that_cannot_be_cut_is_a_failure);
	tcase_add_test(tc, cancellation_does_not_lose_what_was_asked_for);
	suite_add_tcase(suite, tc);
	return suite;
}
