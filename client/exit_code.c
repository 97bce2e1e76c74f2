/* SPDX-License-Identifier: MIT */
#include "client/exit_code.h"

enum exit_code
batch_exit_code(const struct batch_summary *summary)
{
	static const enum exit_code codes[BATCH_N_OUTCOMES] = {
		[BATCH_OK] = EXIT_ALL_OK,
		[BATCH_FAILED] = EXIT_SOME_FAILED,
		[BATCH_DEADLINE] = EXIT_CANCELLED,
		[BATCH_CANCELLED] = EXIT_CANCELLED,
	};

	return codes[summary->outcome];
}
