/* SPDX-License-Identifier: MIT */
/* A batch in one line, for people, pure. */
#pragma once

#include "client/view/text.h"
#include "lib/protocol/result.h"

/* summary_put() - "failed: 1 ok, 1 failed, 1 cancelled of 3 in 53.1ms, batch ID", without newline */
void summary_put(
	struct buffer *out, const struct batch_summary *summary, const struct style *style);

/* summary_colour() - of its outcome, or of its state as long as it runs */
enum colour summary_colour(const struct batch_summary *summary);
