/* SPDX-License-Identifier: MIT */
/* What each fuzz target has: the fuzzer's entry, and a check that stays in builds without assertions. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ALWAYS(condition) \
	do { \
		if (!(condition)) { \
			abort(); \
		} \
	} while (0)
