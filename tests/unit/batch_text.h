/* SPDX-License-Identifier: MIT */
/* What a caller has sent, read: for tests of what comes after. */
#pragma once

#include "lib/protocol/batch_fields.h"

/* t_read_batch() - the JSON document @text, which is a good batch; the caller frees it */
struct batch_description *t_read_batch(
	const char *text, const struct batch_defaults *defaults, const struct batch_limits *limits);
