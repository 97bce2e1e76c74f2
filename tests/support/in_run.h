/* SPDX-License-Identifier: MIT */
/*
 * Tests whose body is the main task of a run on a mock clock. The clock begins at 0 and jumps when
 * everybody waits, so that a test of hours takes no time.
 *
 *	IN_RUN_TEST(sleep_takes_as_long_as_asked)
 *	{
 *		ck_assert_int_eq(nur_sleep(NUR_SEC(5)), 0);
 *		ck_assert_int_eq(nur_now(), NUR_SEC(5));
 *	}
 *	END_TEST
 */
#pragma once

#include <nursery.h>

#include "tests/support/test.h"

/* A Check test; the block that follows runs in the main task, and the run has to end with 0. */
#define IN_RUN_TEST(name) \
	static void name##_body(void); \
	START_TEST(name) \
	{ \
		t_in_run(name##_body); \
	} \
	END_TEST \
	static void name##_body(void)

/* t_in_run() - run @body as the main task on a new mock clock; asserts that the run ends with 0 */
void t_in_run(void (*body)(void));

/* t_run() - nur_run() on a new mock clock, for tests that look at its outcome */
int t_run(nur_task_fn fn, void *arg, struct nur_errors *errors);

/* t_clock() - the mock clock of the present run */
struct nur_mock_clock *t_clock(void);

/* t_note() - append a word to the test's record; t_notes() - the record, words separated by blanks */
void t_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *t_notes(void);
void t_forget_notes(void);

/* Tasks: end at once with the code in @code (T_CODE()); wait for cancellation; one checkpoint. */
#define T_CODE(code) ((void *)(intptr_t)(code))
int t_return(void *code);
int t_sleep_forever(void *unused);
int t_checkpoint(void *unused);

/* Open a nursery, start a task named after its function, wait until all others wait; each asserts success. */
void t_open(struct nur_nursery *nursery);
#define t_start(nursery, fn, arg) ck_assert_int_eq(nur_start_soon((nursery), #fn, (fn), (arg)), 0)
void t_settle(void);

/* Enter a scope; asserts success. */
void t_enter(struct nur_cancel_scope *scope);

/* t_statistics() - nur_current_statistics(), which succeeds in a run */
struct nur_statistics t_statistics(void);

/* Whether evaluating @expression let others run: the two halves of a checkpoint, as Trio counts them. */
#define T_SCHEDULES(expression) \
	__extension__({ \
		uint64_t t_before_ = t_statistics().n_passes; \
		(void)!(expression); \
		t_statistics().n_passes != t_before_; \
	})

/* Whether @expression, evaluated in a cancelled scope, reports that. */
#define T_REPORTS_CANCEL(expression) \
	__extension__({ \
		struct nur_cancel_scope t_scope_; \
		int64_t t_result_; \
		nur_cancel_scope_init(&t_scope_); \
		t_enter(&t_scope_); \
		nur_cancel_scope_cancel(&t_scope_, "test"); \
		t_result_ = (expression); \
		ck_assert_int_eq(nur_cancel_scope_leave(&t_scope_, 0), 0); \
		t_result_ == NUR_ECANCELED; \
	})

/* Evaluates @expression twice: in a cancelled scope, where it must do nothing but say so, and then free. */
#define t_assert_checkpoint(expression) \
	do { \
		ck_assert(T_REPORTS_CANCEL(expression)); \
		ck_assert(T_SCHEDULES(expression)); \
	} while (0)

#define t_assert_no_checkpoint(expression) ck_assert(!T_SCHEDULES(expression))

/* Whether the memory or the time of a test has to be cut because a tool watches it. */
bool t_is_watched(void);

/* t_scaled() - @n, or under a sanitizer or valgrind what takes as long there (at least 1) */
size_t t_scaled(size_t n);

/* t_real_now() - CLOCK_MONOTONIC in ns; t_resident() - resident memory in bytes; t_mappings() - lines of maps */
int64_t t_real_now(void);
size_t t_resident(void);
size_t t_mappings(void);

/*
 * t_in_child() - run @fn in a forked process and wait for its end
 * @text:       what it wrote on stderr, NUL-terminated, cut
 *
 * Return: the status of waitpid(2).
 */
int t_in_child(void (*fn)(void), char *text, size_t cap);
