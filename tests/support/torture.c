/* SPDX-License-Identifier: MIT */
/*
 * Runs each test of a Check program again and again, with another call of the library running short each
 * time (shortage.h), until none is left. Takes Check's place at link time: the programs do not know.
 *
 * A test expects success, so it may stop once a call has failed: at an assertion, or where it uses what it
 * did not get. What must not be: a fault in the library, an abort, a sanitizer's report, a test that hangs.
 * A test that passes all the same must hold no more at its end than it does when nothing fails.
 *
 * Each time is a process of its own. A test that makes very many calls, or takes long, is run as often as
 * BUDGET_NS allows, at calls that are spread evenly.
 */
#include "tests/support/test.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/support/shortage.h"

#define BUDGET_NS  INT64_C(1000000000) /* for all the runs of one test */
#define TIMEOUT_MS 20000               /* for one run; a test takes milliseconds */
#define MIN_RUNS   8

#define EXIT_STOPPED 99 /* a test at an assertion, or a fault of its own */

enum ending {
	ENDED_WELL,
	ENDED_EARLY,
	ENDED_BADLY,
};

/* What a run leaves for the process that watches it. */
struct report {
	size_t n_calls;
	int64_t n_held; /* nothing to go by while a thread of the library is still at work: INT64_MIN */
	char message[1024];
};

static struct report *report;
static FILE *said; /* standard error of the runs */
static int n_tests, n_failed;

/* ---- what a test sees of Check ---- */

Suite *
suite_create(const char *name)
{
	return NULL;
}

TCase *
tcase_create(const char *name)
{
	return NULL;
}

void
suite_add_tcase(Suite *suite, TCase *tcase)
{
}

void
tcase_set_timeout(TCase *tcase, double timeout)
{
}

void
tcase_fn_start(const char *name, const char *file, int line)
{
}

void
_mark_point(const char *file, int line)
{
}

static _Noreturn void
stop(void)
{
	_exit(EXIT_STOPPED);
}

/* Check gives the expression, and in most cases a format with its values. */
void
_ck_assert_failed(const char *file, int line, const char *expression, const char *format, ...)
{
	char values[512] = "";
	va_list ap;

	if (format) {
		va_start(ap, format);
		(void)vsnprintf(values, sizeof(values), format, ap);
		va_end(ap);
	}
	(void)snprintf(report->message, sizeof(report->message), "%s:%d: %s: %s", file, line,
		expression, values);
	stop();
}

/* ---- one run ---- */

/* The library's code is in a section of its own (meson.build), and the linker says where. */
extern const char __start_nursery_text[], __stop_nursery_text[], __executable_start[], etext[];

static bool
is_in_test(uintptr_t at)
{
	bool is_in_library =
		at >= (uintptr_t)__start_nursery_text && at < (uintptr_t)__stop_nursery_text;

	return at >= (uintptr_t)__executable_start && at < (uintptr_t)etext && !is_in_library;
}

static uintptr_t
program_counter(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)context->uc_mcontext.pc;
#else
	return 0; /* nobody's: each fault is the library's */
#endif
}

/* The library's handler comes first, and hands over. */
static void
on_fault(int signo, siginfo_t *info, void *machine)
{
	if (is_in_test(program_counter(machine))) {
		stop();
	}
	(void)signal(signo, SIG_DFL); /* and the instruction is tried again */
}

static bool
is_alone(void)
{
	struct stat threads;

	return stat("/proc/self/task", &threads) == 0 && threads.st_nlink == 2 + 1;
}

static _Noreturn void
run_test(const TTest *test, int i, int n)
{
	const struct sigaction action = { .sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };
	const struct rlimit no_core = { 0, 0 };

	(void)sigaction(SIGSEGV, &action, NULL);
	(void)setrlimit(RLIMIT_CORE, &no_core); /* a core file would only litter */
	(void)dup2(fileno(said), STDERR_FILENO);
	t_shortage_at(n);
	test->fn(i);
	report->n_calls = t_shortage_n_calls();
	report->n_held = is_alone() ? t_shortage_n_held() : INT64_MIN;
	exit(EXIT_SUCCESS); /* with what a sanitizer does at the end */
}

static void
wait_for_end(pid_t pid, int *ret_status)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (poll(&end, 1, TIMEOUT_MS) <= 0) {
		(void)snprintf(report->message, sizeof(report->message), "hangs");
		(void)kill(pid, SIGKILL);
	}
	(void)close(pidfd);
	(void)waitpid(pid, ret_status, 0);
}

/* A sanitizer sees a test use what it did not get before the processor does. */
static bool
is_report_of_test(void)
{
	char line[512] = "";

	rewind(said);
	return fgets(line, sizeof(line), said) && strstr(line, "tests/conformance/") &&
	       strstr(line, ": runtime error: ");
}

static enum ending
run_once(const TTest *test, int i, int n)
{
	int status = 0;
	pid_t pid;

	*report = (struct report){ 0 };
	rewind(said);
	(void)ftruncate(fileno(said), 0); /* only for people */
	(void)fflush(stdout);             /* or each run would say it again */
	pid = fork();
	if (pid == 0) {
		run_test(test, i, n);
	}
	wait_for_end(pid, &status);
	if (WIFSIGNALED(status) && !*report->message) {
		if (is_report_of_test()) {
			return ENDED_EARLY;
		}
		(void)snprintf(
			report->message, sizeof(report->message), "signal %d", WTERMSIG(status));
	}
	if (WIFSIGNALED(status)) {
		return ENDED_BADLY;
	}
	switch (WEXITSTATUS(status)) {
	case EXIT_SUCCESS:
		return ENDED_WELL;
	case EXIT_STOPPED:
		return ENDED_EARLY;
	default:
		return ENDED_BADLY;
	}
}

/* ---- what is right ---- */

static bool
is_right(enum ending ending, bool is_short, int64_t max_held)
{
	switch (ending) {
	case ENDED_WELL:
		return report->n_held <= max_held;
	case ENDED_EARLY:
		return is_short;
	default:
		return false;
	}
}

static void
print_failure(int n)
{
	char line[512];

	(void)printf("# call %d: %s\n", n,
		*report->message ? report->message : "did not give everything back");
	(void)fflush(said);
	rewind(said);
	while (fgets(line, sizeof(line), said)) {
		(void)printf("# %s", line);
	}
}

static int64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail for this clock */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* How many of @n_all runs the budget allows, when one takes @ns. */
static size_t
affordable(size_t n_all, int64_t ns)
{
	size_t n = (size_t)(BUDGET_NS / (ns + 1));

	n = n < MIN_RUNS ? MIN_RUNS : n;
	return n < n_all ? n : n_all;
}

static bool
torture(const TTest *test, int i, size_t *ret_n_calls, size_t *ret_n_runs)
{
	int64_t start = now_ns();
	bool is_good = is_right(run_once(test, i, -1), false, INT64_MAX);
	/* what the program keeps in static objects */
	int64_t n_held = report->n_held == INT64_MIN ? INT64_MAX : report->n_held;
	size_t n_calls = report->n_calls;
	size_t n_runs = affordable(n_calls, now_ns() - start);

	if (!is_good) {
		print_failure(-1);
	}
	for (size_t k = 0; k < n_runs; k++) {
		int n = (int)(k * n_calls / n_runs);

		if (!is_right(run_once(test, i, n), true, n_held)) {
			print_failure(n);
			is_good = false;
		}
	}
	*ret_n_calls = n_calls;
	*ret_n_runs = n_runs;
	return is_good;
}

void
_tcase_add_test(
	TCase *tcase, const TTest *test, int signal_number, int exit_value, int start, int end)
{
	for (int i = start; i < end; i++) {
		size_t n_calls, n_runs;
		bool is_good = torture(test, i, &n_calls, &n_runs);

		n_failed += !is_good;
		(void)printf("%sok %d - %s: %zu of %zu calls\n", is_good ? "" : "not ", ++n_tests,
			test->name, n_runs, n_calls);
	}
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN); /* as in main.c */
	report = mmap(
		NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	said = tmpfile();
	if (report == MAP_FAILED || !said) {
		perror("torture");
		return EXIT_FAILURE;
	}
	(void)test_suite();
	(void)printf("1..%d\n", n_tests);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
