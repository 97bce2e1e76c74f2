/* SPDX-License-Identifier: MIT */
/* What the other headers are written with. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define NUR_BEGIN_DECLS extern "C" {
#define NUR_END_DECLS   }
#else
#define NUR_BEGIN_DECLS
#define NUR_END_DECLS
#endif

/* A checkpoint may report NUR_ECANCELED: whoever ignores its result ignores a cancellation. */
#define NUR_CHECKPOINT            __attribute__((warn_unused_result))
#define NUR_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* A node of the library's intrusive lists; all of it is private. */
struct nur_node {
	struct nur_node *next;
	struct nur_node *prev;
};
