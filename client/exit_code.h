/* SPDX-License-Identifier: MIT */
/* What fetchctl ends with: a contract with scripts, as the manual has it. */
#pragma once

#include "lib/protocol/result.h"

enum exit_code {
	EXIT_ALL_OK = 0,
	EXIT_SOME_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CANCELLED = 3, /* or the batch's deadline passed */
	EXIT_NOT_FOUND = 4,
	EXIT_NOT_PERMITTED = 5,
	EXIT_UNREACHABLE = 6,
	EXIT_REFUSED = 7,  /* for now: quota, draining */
	EXIT_CONFIG = 8,   /* the configuration is not valid */
	EXIT_WARNINGS = 9, /* it is, and --strict wants more */
	EXIT_INTERNAL = 70,
};

/* batch_exit_code() - what the end of a batch makes the program end with */
enum exit_code batch_exit_code(const struct batch_summary *summary);
