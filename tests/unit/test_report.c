/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/jobs/report.h"
#include "lib/base/cleanup.h"

#define MAX_KEPT 100 /* older files, by any of the tests */

static char folder[] = "/tmp/report-XXXXXX";
static char path[64];

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/r", folder);
}

static const char *
name(unsigned number)
{
	static char text[80];

	(void)snprintf(text, sizeof(text), number > 0 ? "%s.%u" : "%s", path, number);
	return text;
}

static void
teardown(void)
{
	for (unsigned i = 0; i <= MAX_KEPT; i++) {
		(void)unlink(name(i)); /* it need not be there */
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

/* NULL: there is no such file */
static const char *
content(unsigned number)
{
	static char text[64];
	_cleanup_(fclosep) FILE *file = fopen(name(number), "re");

	if (!file) {
		return NULL;
	}
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	return text;
}

START_TEST(lines_follow_each_other)
{
	const struct report_file report = { path, 1000, 2 };
	struct stat st;

	ck_assert_int_eq(report_append(&report, "one\n", 4), 0);
	ck_assert_int_eq(report_append(&report, "two\n", 4), 0);

	ck_assert_str_eq(content(0), "one\ntwo\n");
	ck_assert_ptr_null(content(1));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07137, 0);
}
END_TEST

START_TEST(a_full_file_makes_room_for_another)
{
	const struct report_file report = { path, 10, 2 };

	for (int i = 0; i < 8; i++) {
		char line[] = "0...\n";

		line[0] = (char)('0' + i);
		ck_assert_int_eq(report_append(&report, line, 5), 0);
	}

	ck_assert_str_eq(content(0), "6...\n7...\n");
	ck_assert_str_eq(content(1), "4...\n5...\n");
	ck_assert_str_eq(content(2), "2...\n3...\n");
	ck_assert_ptr_null(content(3));
}
END_TEST

START_TEST(a_line_longer_than_a_file_gets_one_of_its_own)
{
	const struct report_file report = { path, 4, 1 };

	ck_assert_int_eq(report_append(&report, "long line\n", 10), 0);
	ck_assert_int_eq(report_append(&report, "b\n", 2), 0);

	ck_assert_str_eq(content(0), "b\n");
	ck_assert_str_eq(content(1), "long line\n");
}
END_TEST

START_TEST(no_older_files_may_be_kept)
{
	const struct report_file report = { path, 4, 0 };

	ck_assert_int_eq(report_append(&report, "one\n", 4), 0);
	ck_assert_int_eq(report_append(&report, "two\n", 4), 0);

	ck_assert_str_eq(content(0), "two\n");
	ck_assert_ptr_null(content(1));
}
END_TEST

#define N_THREADS 3
#define N_LINES   40 /* of each */

static void *
append_lines(void *r)
{
	const struct report_file report = { path, 14, MAX_KEPT };
	int *ret = r;

	for (int i = 0; i < N_LINES && *ret == 0; i++) {
		*ret = report_append(&report, "a line\n", 7);
	}
	return NULL;
}

/* In all files together. */
static int
count_whole_lines(void)
{
	int n = 0;

	for (unsigned i = 0; i <= MAX_KEPT; i++) {
		_cleanup_(fclosep) FILE *file = fopen(name(i), "re");
		char text[16];

		while (file && fgets(text, sizeof(text), file)) {
			n += strcmp(text, "a line\n") == 0;
		}
	}
	return n;
}

START_TEST(who_shares_a_report_loses_no_line)
{
	pthread_t threads[N_THREADS];
	int results[N_THREADS] = { 0 };

	for (int i = 0; i < N_THREADS; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, append_lines, &results[i]), 0);
	}
	for (int i = 0; i < N_THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(results[i], 0);
	}

	ck_assert_int_eq(count_whole_lines(), N_THREADS * N_LINES);
}
END_TEST

START_TEST(a_file_that_cannot_be_is_an_error)
{
	const struct report_file report = { "/nonexistent/report", 1000, 2 };

	ck_assert_int_eq(report_append(&report, "one\n", 4), -ENOENT);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	const struct report_file report = { "/dev/full", 1000, 2 };

	ck_assert_int_eq(report_append(&report, "one\n", 4), -ENOSPC);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_an_error)
{
	const struct report_file report = { path, 1000, 2 };

	ck_assert_int_eq(mkfifo(path, 0600), 0);

	ck_assert_int_eq(report_append(&report, "one\n", 4), -ENXIO);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_follow_each_other);
	tcase_add_test(tc, a_full_file_makes_room_for_another);
	tcase_add_test(tc, a_line_longer_than_a_file_gets_one_of_its_own);
	tcase_add_test(tc, no_older_files_may_be_kept);
	tcase_add_test(tc, who_shares_a_report_loses_no_line);
	tcase_add_test(tc, a_file_that_cannot_be_is_an_error);
	tcase_add_test(tc, a_full_disk_is_an_error);
	tcase_add_test(tc, a_pipe_that_nobody_reads_is_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}
