/* SPDX-License-Identifier: MIT */
/*
 * X7, X8: memory runs out. The program is linked with -Wl,--wrap, so that the library's own calls of
 * malloc(3), mmap(2) and their like come here first and can be made to fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/in_run.h"

static bool is_heap_empty;
static bool is_address_space_full;
static bool is_kernel_old;
static bool are_mappings_used_up;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__real_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__real_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
int __real_madvise(void *address, size_t len, int advice);
int __real_mprotect(void *address, size_t len, int protection);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
int __wrap_madvise(void *address, size_t len, int advice);
int __wrap_mprotect(void *address, size_t len, int protection);

static bool
is_refused(bool is_failing)
{
	if (is_failing) {
		errno = ENOMEM;
	}
	return is_failing;
}

void *
__wrap_malloc(size_t size)
{
	return is_refused(is_heap_empty) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return is_refused(is_heap_empty) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return is_refused(is_heap_empty) ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	return is_refused(is_heap_empty) ? NULL : __real_strdup(text);
}

void *
__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return is_refused(is_address_space_full)
		       ? MAP_FAILED
		       : __real_mmap(address, len, protection, flags, fd, offset);
}

/* What mmap() is called where off_t is made to have 64 bits. */
void *
__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return is_refused(is_address_space_full)
		       ? MAP_FAILED
		       : __real_mmap64(address, len, protection, flags, fd, offset);
}

/* An old kernel knows no guard pages of the kind that costs no mapping. */
int
__wrap_madvise(void *address, size_t len, int advice)
{
	enum {
		GUARD_INSTALL = 102
	};

	if (is_kernel_old && advice == GUARD_INSTALL) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(address, len, advice);
}

int
__wrap_mprotect(void *address, size_t len, int protection)
{
	return is_refused(are_mappings_used_up) ? -1 : __real_mprotect(address, len, protection);
}

static int
fail_without_memory(void *code)
{
	is_heap_empty = true;
	return nur_fail(t_return(code), "a text that needs memory");
}

IN_RUN_TEST(x07_without_memory_for_the_group_the_first_code_still_comes_out)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;
	int r;

	t_open(&nursery);
	t_start(&nursery, fail_without_memory, T_CODE(-EIO));
	t_start(&nursery, fail_without_memory, T_CODE(-EIO));
	r = nur_nursery_close(&nursery, 0, &errors);
	is_heap_empty = false;

	ck_assert_int_eq(r, -EIO);
	ck_assert_uint_ge(errors.n_lost, 1);
	ck_assert_uint_eq(errors.n + errors.n_lost, 2);
	nur_errors_fini(&errors);
}
END_TEST

/* Tasks until no stack is left; those that were started end by themselves. */
static int
start_until_refused(struct nur_nursery *nursery)
{
	int r = 0;

	for (int i = 0; i < 100000 && r == 0; i++) {
		r = nur_start_soon(nursery, "child", t_checkpoint, NULL);
	}
	return r;
}

static void
assert_refusal_names(const char *limit)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	struct nur_nursery nursery;
	size_t n_children;
	int r;

	t_open(&nursery);
	r = start_until_refused(&nursery);
	ck_assert_int_eq(r, NUR_ENOSTACK);
	n_children = nur_nursery_n_children(&nursery);
	ck_assert_int_eq(nur_start_soon(&nursery, "child", t_checkpoint, NULL), NUR_ENOSTACK);
	ck_assert_uint_eq(nur_nursery_n_children(&nursery), n_children);

	is_address_space_full = false;
	are_mappings_used_up = false;
	ck_assert_int_eq(nur_start_soon(&nursery, "late", t_checkpoint, NULL), 0);
	ck_assert_int_eq(nur_nursery_close(&nursery, r, &errors), NUR_ENOSTACK);

	ck_assert_uint_eq(errors.n, 1);
	ck_assert_msg(
		strstr(errors.items[0].text, limit), "no %s in: %s", limit, errors.items[0].text);
	nur_errors_fini(&errors);
}

IN_RUN_TEST(x08_without_a_stack_a_start_fails_and_the_nursery_stays_usable)
{
	is_address_space_full = true;
	assert_refusal_names("");
}
END_TEST

static void
use_up_the_mappings(void)
{
	are_mappings_used_up = true;
	assert_refusal_names("max_map_count");
}

START_TEST(x08_at_the_mapping_limit_the_limit_is_named)
{
	is_kernel_old = true;
	t_in_run(use_up_the_mappings);
	is_kernel_old = false;
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("faults");
	TCase *tc = tcase_create("faults");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, x07_without_memory_for_the_group_the_first_code_still_comes_out);
	tcase_add_test(tc, x08_without_a_stack_a_start_fails_and_the_nursery_stays_usable);
	tcase_add_test(tc, x08_at_the_mapping_limit_the_limit_is_named);
	suite_add_tcase(suite, tc);
	return suite;
}
