/* SPDX-License-Identifier: MIT */
/*
 * The one main() of all Check programs: prints TAP, so that the build counts each behaviour. Any
 * verbosity but silent would mix Check's own lines into the stream.
 *
 * $T_SKIP names a file of tests that cannot be run where we are, "NAME REASON" a line: the linker leads
 * Check's registration of tests here, where those are left out, and said to be.
 */
#include "tests/support/test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __real__tcase_add_test(
	TCase *tcase, const TTest *test, int signal_number, int exit_value, int start, int end);
void __wrap__tcase_add_test(
	TCase *tcase, const TTest *test, int signal_number, int exit_value, int start, int end);

/* Whether @line begins with the word @name; then what follows it is the reason. */
static bool
is_about(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 && line[len] == ' ';
}

static bool
is_left_out(const char *name)
{
	const char *path = getenv("T_SKIP");
	FILE *file = path ? fopen(path, "re") : NULL;
	bool is_found = false;
	char line[256];

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		is_found = is_about(line, name);
	}
	if (is_found) {
		(void)printf("# SKIP %s", line);
	}
	if (file) {
		(void)fclose(file); /* only read */
	}
	return is_found;
}

void
__wrap__tcase_add_test(
	TCase *tcase, const TTest *test, int signal_number, int exit_value, int start, int end)
{
	if (!is_left_out(test->name)) {
		__real__tcase_add_test(tcase, test, signal_number, exit_value, start, end);
	}
}

int
main(void)
{
	SRunner *runner = srunner_create(test_suite());
	int n_failed;

	(void)signal(SIGPIPE, SIG_IGN); /* a test that writes to a closed peer looks at EPIPE */
	(void)fflush(stdout);           /* or each forked test would say again what was left out */
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, getenv("CK_VERBOSITY") ? CK_ENV : CK_SILENT);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
