/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <nursery/errors.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/context.h"
#include "lib/nursery/stack.h"

#ifdef NURI_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define N_MANY 40000

static struct nuri_stack_pool pool;
static struct nuri_stack *stacks[N_MANY];

static const char *
name_of(const struct nuri_stack *stack)
{
	return stack == stacks[0] ? "first" : "another";
}

static void
set_up(void)
{
	ck_assert_int_eq(nuri_stack_pool_init(&pool, 0, name_of), 0);
}

static void
tear_down(void)
{
	nuri_stack_pool_fini(&pool);
}

static int
acquire(struct nuri_stack **ret_stack)
{
	struct nuri_stack *stack = nuri_stack_take_idle(&pool);

	if (!stack) {
		int r = nuri_stack_pool_open_slab(&pool);

		if (r < 0) {
			return r;
		}
		stack = nuri_stack_take_idle(&pool);
	}
	*ret_stack = stack;
	return 0;
}

/* Fills the first @n places that are empty. */
static void
acquire_many(size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!stacks[i]) {
			r = acquire(&stacks[i]);
		}
	}
	ck_assert_int_eq(r, 0); /* once: each check is a system call */
}

static void
release_many(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (stacks[i]) {
			nuri_stack_release(&pool, stacks[i]);
			stacks[i] = NULL;
		}
	}
}

/* What /proc says: mappings of this process, and its resident pages in KiB. */
static size_t
count_mappings(void)
{
	_cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	ck_assert_ptr_nonnull(maps);
	while ((c = fgetc(maps)) != EOF) {
		n += c == '\n';
	}
	return n;
}

static long
resident_kib(void)
{
	_cleanup_(fclosep) FILE *statm = fopen("/proc/self/statm", "re");
	long size, resident;

	ck_assert_ptr_nonnull(statm);
	ck_assert_int_eq(fscanf(statm, "%ld %ld", &size, &resident), 2);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(a_stack_has_the_size_that_was_asked_for)
{
	size_t room;

	tear_down();
	ck_assert_int_eq(nuri_stack_pool_init(&pool, 100 * 1000, name_of), 0);
	acquire_many(1);
	room = (size_t)((char *)stacks[0] - (char *)stacks[0]->base);
	memset(stacks[0]->base, 0x5a, room);

	ck_assert_uint_eq((uintptr_t)stacks[0] % 16, 0);
	ck_assert_uint_ge(room, 100 * 1000 - 1024);
	ck_assert_uint_le(room, 102400);
	release_many(1);
}
END_TEST

START_TEST(a_stack_below_16_kib_is_refused)
{
	struct nuri_stack_pool small;

	ck_assert_int_eq(nuri_stack_pool_init(&small, 16 * 1024 - 1, name_of), -EINVAL);
}
END_TEST

START_TEST(the_stack_used_last_is_used_next)
{
	struct nuri_stack *released, *next;

	acquire_many(100);
	released = stacks[7];
	nuri_stack_release(&pool, released);
	ck_assert_int_eq(acquire(&next), 0);

	ck_assert_ptr_eq(next, released);
	release_many(100);
}
END_TEST

START_TEST(stacks_one_after_another_are_one_stack)
{
	int r = 0;

	for (int i = 0; i < 1000000 && r == 0; i++) {
		struct nuri_stack *stack;

		r = acquire(&stack);
		if (r == 0) {
			nuri_stack_release(&pool, stack);
		}
	}

	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(nuri_stack_pool_n_stacks(&pool), 1);
}
END_TEST

START_TEST(forty_thousand_stacks_take_few_mappings)
{
	acquire_many(1);
	if (!pool.has_no_markers) {
		acquire_many(N_MANY);
		ck_assert_uint_lt(count_mappings(), 1000);
	}
	release_many(N_MANY);
}
END_TEST

static void
touch_many(size_t n, size_t depth)
{
	for (size_t i = 0; i < n; i++) {
		memset((char *)stacks[i] - depth, 1, depth);
	}
}

START_TEST(memory_goes_back_after_a_burst)
{
	long before = resident_kib();

	acquire_many(10000);
	touch_many(10000, (size_t)16 * 1024);
	ck_assert_int_gt(resident_kib() - before, 160000);
	release_many(10000);

	ck_assert_int_lt(resident_kib() - before, 30000);
}
END_TEST

START_TEST(memory_goes_back_although_each_slab_is_in_use)
{
	long before = resident_kib();

	acquire_many(10000);
	touch_many(10000, (size_t)16 * 1024);
	for (size_t i = 0; i < 10000; i++) {
		if (i % 64 != 0) {
			nuri_stack_release(&pool, stacks[i]);
			stacks[i] = NULL;
		}
	}

	ck_assert_int_lt(resident_kib() - before, 50000);
	ck_assert_uint_le(nuri_stack_pool_n_stacks(&pool), 2048 + 157);
	release_many(10000);
}
END_TEST

START_TEST(stacks_that_gave_their_memory_back_work_again)
{
	acquire_many(10000);
	for (size_t i = 0; i < 10000; i++) {
		if (i % 64 != 0) {
			nuri_stack_release(&pool, stacks[i]);
			stacks[i] = NULL;
		}
	}
	acquire_many(10000);
	touch_many(10000, (size_t)1024);

	ck_assert_uint_eq(nuri_stack_pool_n_stacks(&pool), 10000);
	release_many(10000);
}
END_TEST

START_TEST(a_missing_stack_names_the_limit_of_address_space)
{
	struct rlimit limit, tight = { (rlim_t)400 << 20, RLIM_INFINITY };
	size_t n = 0;
	int r = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &tight), 0);
	while (n < N_MANY && (r = acquire(&stacks[n])) == 0) {
		n++;
	}
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);

	ck_assert_int_eq(r, NUR_ENOSTACK);
	ck_assert_ptr_nonnull(strstr(nuri_stack_pool_error(&pool), "RLIMIT_AS"));
	acquire_many(n + 1);
	release_many(n + 1);
}
END_TEST

START_TEST(a_missing_stack_names_the_limit_of_mappings)
{
	size_t n = 0;
	int r = 0;

	pool.has_no_markers = true;
	while (n < N_MANY && (r = acquire(&stacks[n])) == 0) {
		n++;
	}
	if (n < N_MANY) { /* or the machine allows more than the kernel's default */
		ck_assert_int_eq(r, NUR_ENOSTACK);
		ck_assert_ptr_nonnull(strstr(nuri_stack_pool_error(&pool), "vm.max_map_count"));
		ck_assert_uint_gt(n, 32000);
	}

	release_many(n);
	acquire_many(1);
	release_many(1);
}
END_TEST

/* ---- overflow ---- */

static struct nuri_context main_context, task_context;

static volatile int depth_left = 1 << 20;

static __attribute__((noinline)) int
fall(volatile char *above)
{
	volatile char frame[512];

	frame[0] = above ? above[0] : 0;
	return depth_left-- > 0 ? fall(frame) + frame[0] : 0;
}

static void
overflow(struct nuri_context *context)
{
	(void)fall(NULL);
	nuri_context_exit_to(&task_context, &main_context);
}

static void
run_off_the_stack(bool has_no_markers)
{
	pool.has_no_markers = has_no_markers;
	acquire_many(2);
	nuri_context_init(&task_context, stacks[0]->base, stacks[0], overflow);
	nuri_context_switch(&main_context, &task_context);
}

/* Runs @fn in a child; returns its wait status and what it said on standard error. */
static int
run_in_child(void (*fn)(int arg), int arg, char *text, size_t cap)
{
	int fds[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct rlimit no_core = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)dup2(fds[1], STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	(void)close(fds[1]);
	while ((n = read(fds[0], text + len, cap - 1 - (size_t)len)) > 0) {
		len += n;
	}
	text[len] = '\0';
	(void)close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
overflow_plainly(int has_no_markers)
{
	run_off_the_stack(has_no_markers);
}

static void
assert_overflow_is_named(bool has_no_markers)
{
	char text[4096];
	int status = run_in_child(overflow_plainly, has_no_markers, text, sizeof(text));

	ck_assert_msg(
		strstr(text, "libnursery: stack overflow in task first\n") == text, "%s", text);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
#ifndef NURI_CONTEXT_HOOKS /* a sanitizer reports once more, and exits */
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
#endif
}

START_TEST(an_overflow_into_markers_is_reported_with_the_name)
{
	assert_overflow_is_named(false);
}
END_TEST

START_TEST(an_overflow_into_a_mapping_is_reported_with_the_name)
{
	assert_overflow_is_named(true);
}
END_TEST

/* A second pool on the thread is there too, or was there first and is gone. */
static void
overflow_beside_a_pool(int is_gone)
{
	struct nuri_stack_pool other;

	tear_down();
	if (is_gone) {
		(void)nuri_stack_pool_init(&other, 0, name_of);
		set_up();
		nuri_stack_pool_fini(&other);
	} else {
		set_up();
		(void)nuri_stack_pool_init(&other, 0, name_of);
	}
	run_off_the_stack(false);
}

START_TEST(pools_on_one_thread_do_not_hide_each_others_overflows)
{
	char text[4096];

	(void)run_in_child(overflow_beside_a_pool, _i, text, sizeof(text));
	ck_assert_msg(
		strstr(text, "libnursery: stack overflow in task first\n") == text, "%s", text);
}
END_TEST

static void
exit_with_seven(int signo, siginfo_t *info, void *machine)
{
	_exit(info->si_addr ? 7 : 8);
}

static void
exit_plainly_with_seven(int signo)
{
	_exit(7);
}

static void
overflow_below_a_handler(int has_info)
{
	struct sigaction action = { .sa_flags = SA_ONSTACK };

	if (has_info) {
		action.sa_flags |= SA_SIGINFO;
		action.sa_sigaction = exit_with_seven;
	} else {
		action.sa_handler = exit_plainly_with_seven;
	}
	tear_down();
	(void)sigaction(SIGSEGV, &action, NULL);
	set_up();
	run_off_the_stack(false);
}

START_TEST(the_handler_before_ours_has_its_turn)
{
	char text[4096];
	int status = run_in_child(overflow_below_a_handler, _i, text, sizeof(text));

	ck_assert_str_eq(text, "libnursery: stack overflow in task first\n");
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

static void
fault_elsewhere(int unused)
{
	volatile char *nowhere = (char *)(uintptr_t)4096;

	acquire_many(1);
	*nowhere = 1;
}

START_TEST(other_faults_are_not_called_overflows)
{
	char text[4096];
	int status = run_in_child(fault_elsewhere, 0, text, sizeof(text));

	ck_assert_ptr_null(strstr(text, "libnursery"));
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

static bool
is_handled(void)
{
	struct sigaction present;

	ck_assert_int_eq(sigaction(SIGSEGV, NULL, &present), 0);
	return present.sa_flags & SA_SIGINFO ? present.sa_sigaction == exit_with_seven
					     : present.sa_handler == SIG_DFL;
}

static void *
open_and_close_a_pool(void *arg)
{
	struct nuri_stack_pool other;
	int r = nuri_stack_pool_init(&other, 0, name_of);

	if (r == 0) {
		nuri_stack_pool_fini(&other);
	}
	*(int *)arg = r;
	return NULL;
}

START_TEST(the_last_pool_puts_the_old_handler_back)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO, .sa_sigaction = exit_with_seven };
	pthread_t thread;
	int r = -1;

	tear_down();
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	set_up();
	ck_assert_int_eq(pthread_create(&thread, NULL, open_and_close_a_pool, &r), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(r, 0);

	ck_assert(!is_handled());
	tear_down();
	ck_assert(is_handled());
	set_up();
}
END_TEST

/* What a test of limits cannot share the process with: their own mappings and memory. */
static bool
has_tools(void)
{
#ifdef NURI_CONTEXT_HOOKS
	return true;
#else
	return RUNNING_ON_VALGRIND;
#endif
}

Suite *
test_suite(void)
{
	Suite *suite = suite_create("stack");
	TCase *tcase = tcase_create("pool");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_stack_has_the_size_that_was_asked_for);
	tcase_add_test(tcase, a_stack_below_16_kib_is_refused);
	tcase_add_test(tcase, the_stack_used_last_is_used_next);
	tcase_add_test(tcase, stacks_one_after_another_are_one_stack);
	tcase_add_test(tcase, stacks_that_gave_their_memory_back_work_again);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("limits");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	if (!has_tools()) {
		tcase_add_test(tcase, forty_thousand_stacks_take_few_mappings);
		tcase_add_test(tcase, memory_goes_back_after_a_burst);
		tcase_add_test(tcase, memory_goes_back_although_each_slab_is_in_use);
		tcase_add_test(tcase, a_missing_stack_names_the_limit_of_address_space);
		tcase_add_test(tcase, a_missing_stack_names_the_limit_of_mappings);
	}
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("overflow");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	if (!RUNNING_ON_VALGRIND) { /* which ends at an overflow itself */
		tcase_add_test(tcase, an_overflow_into_markers_is_reported_with_the_name);
		tcase_add_test(tcase, an_overflow_into_a_mapping_is_reported_with_the_name);
		tcase_add_loop_test(
			tcase, pools_on_one_thread_do_not_hide_each_others_overflows, 0, 2);
		tcase_add_loop_test(tcase, the_handler_before_ours_has_its_turn, 0, 2);
		tcase_add_test(tcase, other_faults_are_not_called_overflows);
	}
	tcase_add_test(tcase, the_last_pool_puts_the_old_handler_back);
	suite_add_tcase(suite, tcase);

	return suite;
}
