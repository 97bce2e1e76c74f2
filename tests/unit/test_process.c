/* SPDX-License-Identifier: MIT */
/* Children of tests: that what they did is told as it was. The shell stands in for our programs. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

static void
run_shell(const char *script, const char *input, struct t_output *output)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	t_run(argv, input, output);
}

START_TEST(both_outputs_and_the_exit_code_come_back)
{
	_cleanup_(t_output_fini) struct t_output output = T_OUTPUT_INIT;

	run_shell("cat; echo talk >&2; exit 7", "data\n", &output);

	ck_assert_int_eq(output.status, 7);
	ck_assert_str_eq(output.out.data, "data\n");
	ck_assert_str_eq(output.err.data, "talk\n");
}
END_TEST

START_TEST(silence_is_an_empty_string)
{
	_cleanup_(t_output_fini) struct t_output output = T_OUTPUT_INIT;

	run_shell("exit 0", NULL, &output);

	ck_assert_int_eq(output.status, 0);
	ck_assert_str_eq(output.out.data, "");
}
END_TEST

START_TEST(a_signal_is_128_and_its_number)
{
	_cleanup_(t_output_fini) struct t_output output = T_OUTPUT_INIT;

	run_shell("kill -TERM $$", NULL, &output);

	ck_assert_int_eq(output.status, 128 + SIGTERM);
}
END_TEST

START_TEST(a_child_inherits_three_descriptors)
{
	_cleanup_(t_output_fini) struct t_output output = T_OUTPUT_INIT;
	_cleanup_(closep) int leaky = open("/dev/null", O_RDONLY);

	run_shell("echo /proc/self/fd/*", NULL, &output);

	ck_assert_int_ge(leaky, 0);
	ck_assert_ptr_nonnull(strstr(output.out.data, "/proc/self/fd/2"));
	ck_assert_ptr_null(
		strstr(output.out.data, "/proc/self/fd/4")); /* 3 is the shell's look itself */
}
END_TEST

START_TEST(proc_tells_descriptors_memory_and_time)
{
	unsigned int n_fds = t_proc_n_fds(getpid());
	unsigned int n_sockets = t_proc_n_sockets(getpid());
	_cleanup_(closep) int fd = open("/dev/null", O_RDONLY);
	_cleanup_(closep) int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	uint64_t cpu_ns = t_proc_cpu_ns(getpid());

	while (t_proc_cpu_ns(getpid()) == cpu_ns) {
	}
	ck_assert_uint_eq(t_proc_n_fds(getpid()), n_fds + (fd >= 0) + (socket_fd >= 0));
	ck_assert_uint_eq(t_proc_n_sockets(getpid()), n_sockets + (socket_fd >= 0));
	ck_assert_uint_gt(t_proc_rss_kib(getpid()), 100);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("process");
	TCase *run = tcase_create("run");
	TCase *proc = tcase_create("proc");

	tcase_add_test(run, both_outputs_and_the_exit_code_come_back);
	tcase_add_test(run, silence_is_an_empty_string);
	tcase_add_test(run, a_signal_is_128_and_its_number);
	tcase_add_test(run, a_child_inherits_three_descriptors);
	suite_add_tcase(suite, run);

	tcase_add_test(proc, proc_tells_descriptors_memory_and_time);
	suite_add_tcase(suite, proc);
	return suite;
}
