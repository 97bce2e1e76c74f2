/* SPDX-License-Identifier: MIT */
/*
 * X10, X11, X27: many tasks at once, and what is left of them. Each assertion of Check is a system call,
 * so loops of thousands collect their result first.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/support/in_run.h"

/* Starts @n tasks in an open nursery. */
static void
start_many(struct nur_nursery *nursery, size_t n, nur_task_fn fn)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = nur_start_soon(nursery, "one of many", fn, NULL);
	}
	ck_assert_int_eq(r, 0);
}

static bool
has_free_guards(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	ck_assert_int_eq(uname(&name), 0);
	ck_assert_int_eq(sscanf(name.release, "%d.%d", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 13);
}

IN_RUN_TEST(x10_40000_tasks_sleep_on_a_stock_kernel)
{
	size_t n = t_scaled(has_free_guards() ? 40000 : 32000);
	size_t n_mappings = t_mappings();
	struct nur_nursery nursery;

	t_open(&nursery);
	start_many(&nursery, n, t_sleep_forever);
	t_settle();
	ck_assert_uint_eq(t_statistics().n_tasks_living, n + 1);
	if (has_free_guards() && !t_is_watched()) {
		ck_assert_uint_lt(t_mappings() - n_mappings, 1000);
	}
	nur_nursery_cancel(&nursery, NULL);
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	ck_assert_uint_eq(t_statistics().n_tasks_living, 1);
}
END_TEST

enum {
	TOUCHED = 8192
};

static int
touch_the_stack(void *unused)
{
	char bytes[TOUCHED];

	memset(bytes, 1, sizeof(bytes));
	__asm__ volatile("" : : "r"(bytes) : "memory"); /* or clang keeps only bytes it sees */
	return nur_sleep(NUR_SEC(1));
}

static size_t
burst(size_t n)
{
	struct nur_nursery nursery;
	size_t resident;

	t_open(&nursery);
	start_many(&nursery, n, touch_the_stack);
	t_settle();
	resident = t_resident();
	ck_assert_int_eq(nur_nursery_close(&nursery, 0, NULL), 0);
	return resident;
}

/* Some passes of the loop may be needed until the memory is given back: one task at a time, for a while. */
IN_RUN_TEST(x11_after_a_burst_memory_goes_back)
{
	size_t n = t_scaled(10000), before, peak, after;

	(void)burst(1);
	before = t_resident();
	peak = burst(n);
	for (int i = 0; i < 100; i++) {
		(void)burst(1);
	}
	after = t_resident();

	if (!t_is_watched()) {
		ck_assert_uint_gt(peak - before, n * TOUCHED);
		ck_assert_uint_lt(after, before + (peak - before) / 4);
	}
}
END_TEST

static void
spawn_and_join(size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct nur_nursery nursery;

		r = nur_nursery_open(&nursery);
		if (r == 0) {
			r = nur_start_soon(&nursery, "short", t_return, T_CODE(0));
			r = nur_nursery_close(&nursery, r, NULL);
		}
	}
	ck_assert_int_eq(r, 0);
}

IN_RUN_TEST(x27_a_million_tasks_one_after_another_keep_memory_flat)
{
	size_t n = t_scaled(1000000), before, n_stacks;

	spawn_and_join(1000);
	before = t_resident();
	n_stacks = t_statistics().n_stacks;
	spawn_and_join(n);

	ck_assert_uint_eq(t_statistics().n_stacks, n_stacks);
	if (!t_is_watched()) {
		ck_assert_uint_lt(t_resident(), before + 256 * 1024);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("memory");
	TCase *tc = tcase_create("memory");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, x10_40000_tasks_sleep_on_a_stock_kernel);
	tcase_add_test(tc, x11_after_a_burst_memory_goes_back);
	tcase_add_test(tc, x27_a_million_tasks_one_after_another_keep_memory_flat);
	suite_add_tcase(suite, tc);
	return suite;
}
