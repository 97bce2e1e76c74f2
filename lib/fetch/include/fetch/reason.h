/* SPDX-License-Identifier: MIT */
/* Why something was refused, in a sentence for people. */
#pragma once

#include <nursery/macros.h>

NUR_BEGIN_DECLS

#define FETCH_REASON_CAP 240 /* big enough for any of ours; longer is cut */

/* struct fetch_reason - NUL-terminated; written only where a call says so */
struct fetch_reason {
	char text[FETCH_REASON_CAP];
};

NUR_END_DECLS
