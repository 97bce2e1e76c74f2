/* SPDX-License-Identifier: MIT */
#include "tests/support/failing_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real_reallocarray(void *old, size_t n, size_t len);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap_reallocarray(void *old, size_t n, size_t len);
char *__wrap_strndup(const char *text, size_t len);

/* Allocations that still succeed; negative = all do. */
static atomic_int n_left = -1;
static atomic_bool has_failed;

static bool
fails_now(void)
{
	int n = atomic_load(&n_left);

	while (n >= 0 && !atomic_compare_exchange_weak(&n_left, &n, n - 1)) {
	}
	if (n == 0) {
		atomic_store(&has_failed, true);
	}
	return n == 0;
}

void
t_fail_after(int n)
{
	if (n >= 0) {
		atomic_store(&has_failed, false);
	}
	atomic_store(&n_left, n);
}

bool
t_has_failed(void)
{
	return atomic_load(&has_failed);
}

void *
__wrap_malloc(size_t len)
{
	return fails_now() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	return fails_now() ? NULL : __real_calloc(n, len);
}

void *
__wrap_realloc(void *old, size_t len)
{
	return fails_now() ? NULL : __real_realloc(old, len);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t len)
{
	return fails_now() ? NULL : __real_reallocarray(old, n, len);
}

char *
__wrap_strndup(const char *text, size_t len)
{
	return fails_now() ? NULL : __real_strndup(text, len);
}

void
t_fail_each_allocation(int (*scenario)(int i), int i, int expected)
{
	int n;

	ck_assert_int_eq(scenario(i), expected);
	for (n = 0;; n++) {
		int r;

		t_fail_after(n);
		r = scenario(i);
		t_fail_after(-1);
		if (!t_has_failed()) {
			break;
		}
		ck_assert_msg(r == -ENOMEM, "allocation %d: %d", n, r);
	}
	ck_assert_int_gt(n, 3);
}
