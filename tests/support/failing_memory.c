/* SPDX-License-Identifier: MIT */
#include "tests/support/failing_memory.h"

#include <errno.h>
#include <stdbool.h>
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
static int n_left = -1;
static bool has_failed;

static bool
fails_now(void)
{
	if (n_left != 0) {
		n_left -= n_left > 0;
		return false;
	}
	n_left = -1;
	has_failed = true;
	return true;
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

		has_failed = false;
		n_left = n;
		r = scenario(i);
		n_left = -1;
		if (!has_failed) {
			break;
		}
		ck_assert_msg(r == -ENOMEM, "allocation %d: %d", n, r);
	}
	ck_assert_int_gt(n, 3);
}
