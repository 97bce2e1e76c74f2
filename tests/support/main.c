/* SPDX-License-Identifier: MIT */
/*
 * The one main() of all Check programs: prints TAP, so that the build counts each behaviour. Any
 * verbosity but silent would mix Check's own lines into the stream.
 */
#include "tests/support/test.h"

#include <signal.h>
#include <stdlib.h>

int
main(void)
{
	SRunner *runner = srunner_create(test_suite());
	int n_failed;

	(void)signal(SIGPIPE, SIG_IGN); /* a test that writes to a closed peer looks at EPIPE */
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, getenv("CK_VERBOSITY") ? CK_ENV : CK_SILENT);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
