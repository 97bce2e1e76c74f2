/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "daemon/ops/events.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "tests/support/process.h"

static const char *const ids[] = {
	EVENT_SERVING,
	EVENT_STOPPING,
	EVENT_DRAIN_LATE,
	EVENT_RELOADED,
	EVENT_NOT_RELOADED,
	EVENT_CALLERS_AWAY,
	EVENT_FORBIDDEN,
	EVENT_JOB_FAILED,
	EVENT_JOB_OK,
	EVENT_STORE_FAILED,
};

START_TEST(the_catalog_explains_it)
{
	_cleanup_(fclosep) FILE *file = fopen(T_SOURCE_ROOT "/systemd/fetchd.catalog", "re");
	_cleanup_(buffer_fini) struct buffer catalog = BUFFER_INIT;
	char entry[64];

	ck_assert_ptr_nonnull(file);
	t_read_fd(fileno(file), &catalog);
	(void)snprintf(entry, sizeof(entry), "\n-- %s\nSubject: ", ids[_i]);
	ck_assert_ptr_nonnull(strstr(catalog.data, entry));
}
END_TEST

START_TEST(it_is_a_number_of_its_own)
{
	ck_assert_uint_eq(strlen(ids[_i]), 32);
	ck_assert_uint_eq(strspn(ids[_i], "0123456789abcdef"), 32);
	for (int i = 0; i < _i; i++) {
		ck_assert_str_ne(ids[i], ids[_i]);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *tc = tcase_create("events");

	tcase_add_loop_test(tc, the_catalog_explains_it, 0, ARRAY_LEN(ids));
	tcase_add_loop_test(tc, it_is_a_number_of_its_own, 0, ARRAY_LEN(ids));
	suite_add_tcase(suite, tc);
	return suite;
}
