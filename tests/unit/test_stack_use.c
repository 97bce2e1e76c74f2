/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/in_run.h"

enum {
	KIB = 1024,
	STACK_SIZE = 64 * KIB,
};

static int
run_measuring(nur_task_fn fn)
{
	const struct nur_run_options options = { .measures_stacks = true };

	return nur_run(fn, NULL, &options, NULL);
}

/* Where AddressSanitizer does not move it to the heap. */
__attribute__((noinline)) static void
use_stack(size_t len)
{
	volatile char *memory = __builtin_alloca(len);

	for (size_t i = 0; i < len; i += 8) {
		memory[i] = 1;
	}
}

static int
use_little(void *unused)
{
	return nur_checkpoint();
}

static int
use_kibs(void *n)
{
	use_stack((size_t)(uintptr_t)n * KIB);
	return nur_checkpoint();
}

static int
use_kibs_and_stay(void *n)
{
	use_stack((size_t)(uintptr_t)n * KIB);
	return nur_sleep_forever();
}

static int
take_use(const struct nur_stack_use *use, void *arg)
{
	struct nur_stack_use *wanted = arg;

	if (use->fn != wanted->fn) {
		return 0;
	}
	*wanted = *use;
	return 1;
}

static struct nur_stack_use
use_of(nur_task_fn fn)
{
	struct nur_stack_use use = { .fn = fn };

	ck_assert_int_eq(nur_stack_use_walk(take_use, &use), 1);
	return use;
}

static int
start_some(void *unused)
{
	struct nur_stack_use little, much;
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (uintptr_t i = 0; i < 5; i++) {
			t_start(nursery, use_kibs, (void *)(i == 2 ? 40 : i));
		}
	}
	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 5; i++) { /* on the stacks of those before */
			t_start(nursery, use_little, NULL);
		}
	}
	little = use_of(use_little);
	much = use_of(use_kibs);
	ck_assert_uint_eq(little.n_tasks, 5);
	ck_assert_uint_eq(little.size, STACK_SIZE);
	ck_assert_uint_gt(little.max_used, 1 * KIB);
	ck_assert_uint_lt(little.max_used, 20 * KIB);
	ck_assert_uint_eq(much.n_tasks, 5);
	ck_assert_uint_ge(much.max_used, 40 * KIB);
	ck_assert_uint_lt(much.max_used, 60 * KIB);
	return rc;
}

START_TEST(the_deepest_task_of_a_function_counts)
{
	ck_assert_int_eq(run_measuring(start_some), 0);
}
END_TEST

static int
look_at_the_living(void *unused)
{
	int rc = 0;

	use_stack(10 * KIB);
	{
		NUR_NURSERY(nursery, &rc, NULL);
		t_start(nursery, use_kibs_and_stay, (void *)30);
		t_settle();
		ck_assert_uint_ge(use_of(use_kibs_and_stay).max_used, 30 * KIB);
		ck_assert_uint_ge(use_of(look_at_the_living).max_used, 10 * KIB); /* itself */
		ck_assert_uint_lt(use_of(look_at_the_living).max_used, 30 * KIB);
		nur_nursery_cancel(nursery, NULL);
	}
	return rc;
}

START_TEST(living_tasks_are_looked_at)
{
	ck_assert_int_eq(run_measuring(look_at_the_living), 0);
}
END_TEST

static int
dump_into_a_pipe(void *unused)
{
	const char *ends[] = { ": 3 tasks, at most ", " of 65536 bytes of stack\n" };
	char text[1024] = "";
	int fds[2], rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);
		for (int i = 0; i < 3; i++) {
			ck_assert_int_eq(nur_start_soon(nursery, "little", use_little, NULL), 0);
		}
	}
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(nur_dump_stack_use(fds[1]), 0);
	ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		ck_assert_msg(strstr(text, ends[i]), "no \"%s\" in: %s", ends[i], text);
	}
	ck_assert_msg(strstr(text, ": 1 task, at most "), "%s", text);
	(void)close(fds[0]);
	(void)close(fds[1]);
	ck_assert_int_eq(nur_dump_stack_use(fds[1]), -EBADF);
	return rc;
}

START_TEST(a_dump_has_a_line_for_each_function)
{
	ck_assert_int_eq(run_measuring(dump_into_a_pipe), 0);
}
END_TEST

static int
fail_to_walk(void *unused)
{
	ck_assert_int_eq(nur_stack_use_walk(take_use, NULL), -ENODATA);
	ck_assert_int_eq(nur_dump_stack_use(STDERR_FILENO), -ENODATA);
	return 0;
}

START_TEST(without_measuring_there_are_no_figures)
{
	ck_assert_int_eq(nur_stack_use_walk(take_use, NULL), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_dump_stack_use(STDERR_FILENO), NUR_ENOTINTASK);
	ck_assert_int_eq(nur_run(fail_to_walk, NULL, NULL, NULL), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("stack_use");
	TCase *tc = tcase_create("stack_use");

	tcase_add_test(tc, the_deepest_task_of_a_function_counts);
	tcase_add_test(tc, living_tasks_are_looked_at);
	tcase_add_test(tc, a_dump_has_a_line_for_each_function);
	tcase_add_test(tc, without_measuring_there_are_no_figures);
	suite_add_tcase(suite, tc);
	return suite;
}
