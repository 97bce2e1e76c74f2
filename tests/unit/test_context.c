/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <execinfo.h>
#include <fenv.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lib/nursery/context.h"

#ifdef NURI_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define RUNNING_ON_VALGRIND                0
#endif

#define STACK_SIZE ((size_t)128 * 1024)

#ifdef NURI_TSAN
#define N_USES 500 /* a new fiber takes milliseconds */
#else
#define N_USES 20000
#endif

static struct nuri_context main_context, task_context, other_context;
static char *stack, *other_stack;
static int n_turns;

static void
prepare(struct nuri_context *context, char *base, nuri_context_fn entry)
{
	nuri_context_init(context, base, base + STACK_SIZE, entry);
}

static void
set_up(void)
{
	stack = malloc(STACK_SIZE);
	other_stack = malloc(STACK_SIZE);
	ck_assert_ptr_nonnull(stack);
	ck_assert_ptr_nonnull(other_stack);
	(void)VALGRIND_STACK_REGISTER(stack, stack + STACK_SIZE);
	(void)VALGRIND_STACK_REGISTER(other_stack, other_stack + STACK_SIZE);
	n_turns = 0;
}

static void
tear_down(void)
{
	free(stack);
	free(other_stack);
}

static void
count_and_exit(struct nuri_context *context)
{
	n_turns++;
	nuri_context_exit_to(context, &main_context);
}

START_TEST(the_first_switch_calls_the_entry)
{
	prepare(&task_context, stack, count_and_exit);

	nuri_context_switch(&main_context, &task_context);

	ck_assert_int_eq(n_turns, 1);
}
END_TEST

#ifndef NURI_UCONTEXT /* makecontext() writes to it */
static const unsigned char untouched[256];

START_TEST(the_stack_is_not_written_before)
{
	memset(stack, 0, STACK_SIZE);
	prepare(&task_context, stack, count_and_exit);

	ck_assert_mem_eq(stack + STACK_SIZE - sizeof(untouched), untouched, sizeof(untouched));
	nuri_context_switch(&main_context, &task_context);
	ck_assert_int_eq(n_turns, 1);
}
END_TEST
#endif

START_TEST(a_stack_is_used_again_after_the_exit)
{
	for (int i = 0; i < N_USES; i++) {
		prepare(&task_context, stack, count_and_exit);
		nuri_context_switch(&main_context, &task_context);
	}

	ck_assert_int_eq(n_turns, N_USES);
}
END_TEST

static uintptr_t frame;

static void
remember_frame(struct nuri_context *context)
{
	_Alignas(16) char local[16];

	frame = (uintptr_t)local;
	nuri_context_exit_to(&task_context, &main_context);
}

START_TEST(the_entry_has_an_aligned_stack_of_its_own)
{
	nuri_context_init(&task_context, stack, stack + STACK_SIZE - 8, remember_frame);
	nuri_context_switch(&main_context, &task_context);

	ck_assert_uint_eq(frame % 16, 0);
#if !defined(NURI_ASAN) /* use-after-return keeps locals elsewhere */
	ck_assert_uint_gt(frame, (uintptr_t)stack);
	ck_assert_uint_lt(frame, (uintptr_t)stack + STACK_SIZE);
#endif
}
END_TEST

/*
 * Ten integers and eight doubles that live across a switch: compilers keep as many of them as they
 * can in the registers that a call preserves.
 */
static bool
registers_survive(struct nuri_context *from, struct nuri_context *to, volatile uint64_t *seed)
{
	uint64_t a = *seed, b = *seed, c = *seed, d = *seed, e = *seed;
	uint64_t f = *seed, g = *seed, h = *seed, i = *seed, j = *seed;
	double s = (double)*seed, t = (double)*seed, u = (double)*seed, v = (double)*seed;
	double w = (double)*seed, x = (double)*seed, y = (double)*seed, z = (double)*seed;

	nuri_context_switch(from, to);

	return a == *seed && b == *seed && c == *seed && d == *seed && e == *seed && f == *seed &&
	       g == *seed && h == *seed && i == *seed && j == *seed && s == (double)*seed &&
	       t == (double)*seed && u == (double)*seed && v == (double)*seed &&
	       w == (double)*seed && x == (double)*seed && y == (double)*seed && z == (double)*seed;
}

static bool is_broken;

static void
disturb_registers(struct nuri_context *context)
{
	volatile uint64_t seed = 0x1111;

	while (registers_survive(&task_context, &main_context, &seed)) {
		seed++;
	}
	is_broken = true;
	nuri_context_exit_to(&task_context, &main_context);
}

START_TEST(callee_saved_registers_survive)
{
	volatile uint64_t seed = 0x7777000;

	prepare(&task_context, stack, disturb_registers);
	for (int i = 0; i < 100; i++) {
		ck_assert(registers_survive(&main_context, &task_context, &seed));
		seed += 3;
	}

	ck_assert(!is_broken);
}
END_TEST

static double
third(void)
{
	volatile double one = 1.0, three = 3.0;

	return one / three;
}

static long double
long_third(void)
{
	volatile long double one = 1.0L, three = 3.0L;

	return one / three;
}

static double results[3];

static void
round_upwards(struct nuri_context *context)
{
	results[0] = third();
	(void)fesetround(FE_UPWARD);
	nuri_context_switch(&task_context, &main_context);
	results[1] = third();
	results[2] = (double)(long_third() > 0.333333333333333333L);
	nuri_context_exit_to(&task_context, &main_context);
}

START_TEST(a_rounding_mode_stays_in_its_context)
{
	double nearest = third();

	(void)fesetround(FE_DOWNWARD);
	prepare(&task_context, stack, round_upwards);
	nuri_context_switch(&main_context, &task_context);
	ck_assert_int_eq(fegetround(), FE_DOWNWARD);
	nuri_context_switch(&main_context, &task_context);

	ck_assert_int_eq(fegetround(), FE_DOWNWARD);
	(void)fesetround(FE_TONEAREST);
	ck_assert(results[0] == nearest);
	ck_assert(results[1] > nearest);
	ck_assert(results[2] == 1.0);
}
END_TEST

static void
go_to_other(struct nuri_context *context)
{
	n_turns += 1;
	nuri_context_switch(&task_context, &other_context);
	n_turns += 100;
	nuri_context_exit_to(&task_context, &main_context);
}

static void
go_back_to_task(struct nuri_context *context)
{
	n_turns += 10;
	nuri_context_exit_to(&other_context, &task_context);
}

START_TEST(tasks_switch_to_each_other)
{
	prepare(&task_context, stack, go_to_other);
	prepare(&other_context, other_stack, go_back_to_task);

	nuri_context_switch(&main_context, &task_context);

	ck_assert_int_eq(n_turns, 111);
}
END_TEST

static __attribute__((noinline)) int
deep_enough(int depth, void **frames)
{
	return depth > 0 ? deep_enough(depth - 1, frames) + 1 : backtrace(frames, 64);
}

static int n_frames;

static void
trace(struct nuri_context *context)
{
	void *frames[64];

	n_frames = deep_enough(3, frames);
	nuri_context_exit_to(&task_context, &main_context);
}

START_TEST(a_backtrace_ends_at_the_entry)
{
	prepare(&task_context, stack, trace);
	nuri_context_switch(&main_context, &task_context);

	/* what is called, at most 4 levels and their sum of 3, the entry and what is below it */
	ck_assert_int_ge(n_frames, 2);
	ck_assert_int_lt(n_frames, 16);
}
END_TEST

#ifndef NURI_TSAN
static volatile sig_atomic_t n_signals, deepest;

static void
trace_from_signal(int signo)
{
	void *frames[64];
	int n = backtrace(frames, 64);

	n_signals++;
	if (n > deepest) {
		deepest = n;
	}
}

static void
bounce(struct nuri_context *context)
{
	for (;;) {
		nuri_context_switch(&task_context, &main_context);
	}
}

static void
bounce_once(void)
{
	nuri_context_switch(&main_context, &task_context);
}

static void
begin_and_end(void)
{
	prepare(&task_context, stack, count_and_exit);
	nuri_context_switch(&main_context, &task_context);
}

/* The timer is the one thing here that depends on time; how often it fires changes no outcome. */
static void
trace_often_during(void (*do_once)(void))
{
	struct itimerval every = { { 0, 100 }, { 0, 100 } };
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	void *frames[4];

	(void)backtrace(frames, 4); /* loads the unwinder, which a signal handler may not */
	ck_assert(signal(SIGPROF, trace_from_signal) != SIG_ERR);
	ck_assert_int_eq(setitimer(ITIMER_PROF, &every, NULL), 0);
	while (n_signals < 100) {
		for (int i = 0; i < 1000; i++) {
			do_once();
		}
	}
	ck_assert_int_eq(setitimer(ITIMER_PROF, &off, NULL), 0);

	ck_assert_int_ge(deepest, 2);
	ck_assert_int_lt(deepest, 64);
}

START_TEST(a_backtrace_in_the_middle_of_a_switch_is_whole)
{
	prepare(&task_context, stack, bounce);
	trace_often_during(bounce_once);
}
END_TEST

START_TEST(a_backtrace_in_the_middle_of_a_beginning_is_whole)
{
	trace_often_during(begin_and_end);
}
END_TEST
#endif

Suite *
test_suite(void)
{
	Suite *suite = suite_create("context");
	TCase *tcase = tcase_create("switch");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_first_switch_calls_the_entry);
#ifndef NURI_UCONTEXT
	tcase_add_test(tcase, the_stack_is_not_written_before);
#endif
	tcase_add_test(tcase, a_stack_is_used_again_after_the_exit);
	tcase_add_test(tcase, the_entry_has_an_aligned_stack_of_its_own);
	tcase_add_test(tcase, callee_saved_registers_survive);
	if (!RUNNING_ON_VALGRIND) { /* which rounds to nearest only */
		tcase_add_test(tcase, a_rounding_mode_stays_in_its_context);
	}
	tcase_add_test(tcase, tasks_switch_to_each_other);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("backtrace");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_backtrace_ends_at_the_entry);
#ifndef NURI_TSAN /* which delivers signals when a system call waits */
	tcase_add_test(tcase, a_backtrace_in_the_middle_of_a_switch_is_whole);
	tcase_add_test(tcase, a_backtrace_in_the_middle_of_a_beginning_is_whole);
#endif
	suite_add_tcase(suite, tcase);

	return suite;
}
