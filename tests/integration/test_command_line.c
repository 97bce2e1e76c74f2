/* SPDX-License-Identifier: MIT */
/* fetchd as somebody starts it by hand: what it prints and how it ends. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/daemon.h"
#include "tests/support/process.h"

/* Runs fetchd with up to three arguments. */
static struct t_output
run_fetchd_with(const char *first, const char *second, const char *third)
{
	_cleanup_(freep) char *program = t_program("fetchd");
	const char *const argv[] = { program, first, second, third, NULL };
	struct t_output output = T_OUTPUT_INIT;

	t_run(argv, NULL, &output);
	return output;
}

static struct t_output
run_fetchd(const char *first, const char *second)
{
	return run_fetchd_with(first, second, NULL);
}

START_TEST(ten_mistakes_are_ten_errors_with_places_and_78)
{
	static const char path[] = T_SOURCE_ROOT "/tests/data/config/ten-mistakes.yaml";
	struct t_output output;
	char option[sizeof(path) + 16];

	(void)snprintf(option, sizeof(option), "--config=%s", path);
	output = run_fetchd("--check", option);

	ck_assert_int_eq(output.status, 78);
	ck_assert_uint_eq(t_count(output.err.data, "ten-mistakes.yaml:"), 10);
	ck_assert_ptr_nonnull(strstr(output.err.data,
		":18:5: /jobs/0/timout: unknown field (did you mean \"timeout\"?)"));
	t_output_fini(&output);
}
END_TEST

START_TEST(the_shipped_configuration_is_good)
{
	struct t_output output =
		run_fetchd("--check", "--config=" T_SOURCE_ROOT "/conf/fetchd.yaml");

	ck_assert_int_eq(output.status, 0);
	ck_assert_uint_eq(output.err.len, 0);
	t_output_fini(&output);
}
END_TEST

START_TEST(what_was_hardly_meant_is_a_warning_and_0)
{
	struct t_output output =
		run_fetchd("--check", "--config=" T_SOURCE_ROOT "/tests/data/config/doubtful.yaml");

	ck_assert_int_eq(output.status, 0);
	ck_assert_uint_ge(t_count(output.err.data, "doubtful.yaml:"), 3);
	ck_assert_ptr_nonnull(strstr(output.err.data,
		":3:12: warning: /defaults/timeout: is more than defaults.deadline "
		"[timeout-over-deadline]\n\t  timeout: 2m\n\t           ^\n"));
	ck_assert_ptr_nonnull(strstr(output.err.data, "[rule-names-nobody]\n"));
	t_output_fini(&output);
}
END_TEST

START_TEST(strictly_warnings_are_9)
{
	static const char doubtful[] = "--config=" T_SOURCE_ROOT "/tests/data/config/doubtful.yaml";
	static const char shipped[] = "--config=" T_SOURCE_ROOT "/conf/fetchd.yaml";
	struct t_output output = run_fetchd_with("--check", "--strict", doubtful);

	ck_assert_int_eq(output.status, 9);
	t_output_fini(&output);
	output = run_fetchd_with("--check", "--strict", shipped);
	ck_assert_int_eq(output.status, 0);
	t_output_fini(&output);
}
END_TEST

START_TEST(a_configuration_that_is_not_there_is_78)
{
	struct t_output output = run_fetchd("--check", "--config=/nonexistent/fetchd.yaml");

	ck_assert_int_eq(output.status, 78);
	ck_assert_ptr_nonnull(strstr(output.err.data, "/nonexistent/fetchd.yaml"));
	t_output_fini(&output);
}
END_TEST

START_TEST(an_unknown_option_is_a_usage_error)
{
	struct t_output output = run_fetchd("--sokcet", NULL);

	ck_assert_int_eq(output.status, 2);
	ck_assert_ptr_nonnull(strstr(output.err.data, "usage: fetchd"));
	t_output_fini(&output);
}
END_TEST

START_TEST(strictness_without_a_check_is_a_usage_error)
{
	struct t_output output = run_fetchd("--strict", NULL);

	ck_assert_int_eq(output.status, 2);
	ck_assert_ptr_nonnull(strstr(output.err.data, "--strict belongs to --check"));
	t_output_fini(&output);
}
END_TEST

/* What a shell makes of its words, of which "$0" is fetchd. */
static struct t_output
run_shell(const char *words)
{
	_cleanup_(freep) char *program = t_program("fetchd");
	const char *const argv[] = { "/bin/sh", "-c", words, program, NULL };
	struct t_output output = T_OUTPUT_INIT;

	t_run(argv, NULL, &output);
	return output;
}

START_TEST(what_cannot_be_printed_is_a_failure)
{
	static const char *const words[] = { "exec \"$0\" --schema >/dev/full",
		"exec \"$0\" --show-config >/dev/full", "exec \"$0\" --version >&-",
		"exec \"$0\" --help >&-" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct t_output output = run_shell(words[i]);

		ck_assert_int_eq(output.status, 1);
		ck_assert_ptr_nonnull(strstr(output.err.data, "cannot write the output: "));
		t_output_fini(&output);
	}
}
END_TEST

START_TEST(the_version_names_the_libraries_that_are_there)
{
	struct t_output output = run_fetchd("--version", NULL);

	ck_assert_int_eq(output.status, 0);
	ck_assert_ptr_nonnull(strstr(output.out.data, "fetchd "));
	ck_assert_ptr_nonnull(strstr(output.out.data, "libcurl "));
	t_output_fini(&output);
}
END_TEST

START_TEST(the_configuration_in_effect_is_shown)
{
	struct t_output output = run_fetchd("--show-config", NULL);

	ck_assert_int_eq(output.status, 0);
	ck_assert_ptr_nonnull(strstr(output.out.data, "in_flight: 16384"));
	t_output_fini(&output);
}
END_TEST

START_TEST(a_socket_that_cannot_be_made_is_said)
{
	struct t_output output = run_fetchd("--socket=/nonexistent/folder/s", NULL);

	ck_assert_int_eq(output.status, 1);
	ck_assert_ptr_nonnull(strstr(output.err.data, "/nonexistent/folder/s"));
	t_output_fini(&output);
}
END_TEST

START_TEST(a_group_that_is_not_there_is_said)
{
	static const char text[] = "listen: {socket: /nonexistent/s, group: no-such-group}\n";
	char path[] = "/tmp/test_command_line.XXXXXX", argument[64];
	int fd = mkstemp(path);
	struct t_output output;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)snprintf(argument, sizeof(argument), "--config=%s", path);
	output = run_fetchd(argument, NULL);

	ck_assert_int_eq(output.status, 1);
	ck_assert_ptr_nonnull(
		strstr(output.err.data, "listen.group: no-such-group: there is no such group"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(close(fd), 0);
	t_output_fini(&output);
}
END_TEST

START_TEST(a_file_that_is_no_socket_stays)
{
	char path[] = "/tmp/test_command_line.XXXXXX", argument[64];
	int fd = mkstemp(path);
	struct t_output output;

	ck_assert_int_ge(fd, 0);
	(void)snprintf(argument, sizeof(argument), "--socket=%s", path);
	output = run_fetchd(argument, NULL);

	ck_assert_int_eq(output.status, 1);
	ck_assert_ptr_nonnull(strstr(output.err.data, "is there, and is no socket"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(close(fd), 0);
	t_output_fini(&output);
}
END_TEST

START_TEST(a_socket_that_is_served_stays)
{
	struct t_daemon *daemon = t_daemon_start(NULL);
	struct t_output output;
	char argument[256];

	(void)snprintf(argument, sizeof(argument), "--socket=%s", t_daemon_socket(daemon));
	output = run_fetchd(argument, NULL);

	ck_assert_int_eq(output.status, 1);
	ck_assert_ptr_nonnull(strstr(output.err.data, "another process serves"));
	ck_assert_int_eq(access(t_daemon_socket(daemon), F_OK), 0);
	ck_assert_int_eq(t_daemon_stop(daemon), 0);
	ck_assert_int_eq(access(t_daemon_socket(daemon), F_OK), -1); /* its own it removes */
	t_output_fini(&output);
	t_daemon_destroy(daemon);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("command_line");
	TCase *tc = tcase_create("fetchd");

	tcase_add_test(tc, ten_mistakes_are_ten_errors_with_places_and_78);
	tcase_add_test(tc, the_shipped_configuration_is_good);
	tcase_add_test(tc, what_was_hardly_meant_is_a_warning_and_0);
	tcase_add_test(tc, strictly_warnings_are_9);
	tcase_add_test(tc, a_configuration_that_is_not_there_is_78);
	tcase_add_test(tc, an_unknown_option_is_a_usage_error);
	tcase_add_test(tc, strictness_without_a_check_is_a_usage_error);
	tcase_add_test(tc, what_cannot_be_printed_is_a_failure);
	tcase_add_test(tc, the_version_names_the_libraries_that_are_there);
	tcase_add_test(tc, the_configuration_in_effect_is_shown);
	tcase_add_test(tc, a_socket_that_cannot_be_made_is_said);
	tcase_add_test(tc, a_group_that_is_not_there_is_said);
	tcase_add_test(tc, a_file_that_is_no_socket_stays);
	tcase_add_test(tc, a_socket_that_is_served_stays);
	suite_add_tcase(suite, tc);
	return suite;
}
