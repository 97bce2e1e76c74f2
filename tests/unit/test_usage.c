/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/ops/usage.h"

START_TEST(everything_can_be_told)
{
	struct usage usage;

	usage_read(&usage);

	ck_assert_int_gt(usage.cpu_ns, 0);
	ck_assert_uint_gt(usage.resident_bytes, 4096);
	ck_assert_uint_gt(usage.virtual_bytes, usage.resident_bytes);
	ck_assert_uint_ge(usage.max_fds, usage.n_fds);
}
END_TEST

START_TEST(descriptors_are_counted)
{
	struct usage before;
	struct usage after;
	int fd;

	usage_read(&before);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	usage_read(&after);

	ck_assert_uint_eq(after.n_fds, before.n_fds + 1);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("usage");
	TCase *tc = tcase_create("usage");

	tcase_add_test(tc, everything_can_be_told);
	tcase_add_test(tc, descriptors_are_counted);
	suite_add_tcase(suite, tc);
	return suite;
}
