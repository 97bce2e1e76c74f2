/* SPDX-License-Identifier: MIT */
/* A name on its way to somebody who knows addresses: resolver.c asks, channels.c or
 * system_names.c answers. */
#pragma once

#include <stdint.h>

#include "lib/fetch/names/answer.h"

/*
 * name      NUL-terminated
 * answered  called once, on the loop's stack, perhaps before the call that asks has returned; @answer
 *           is borrowed, and NULL when there was no memory for one, or nobody is left to answer;
 *           @ttl_s: seconds for which it is good
 */
struct fetch_question {
	const char *name;
	void (*answered)(
		struct fetch_question *question, struct fetch_answer *answer, uint32_t ttl_s);
};
